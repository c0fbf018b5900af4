"""The W3C tests of the SPARQL 1.1 Protocol (data-sparql11/protocol/manifest), by their names, on the data they name.

Every query test is answered as the manifest says. Seven update tests do not apply: they expect that an update is done,
and this service only reads. Their requests are made all the same, are refused, and change nothing.
"""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from chm_node.canonical import digest
from chm_node.record import Action, Change, Entry, RecordGraph

DATA = "http://kasei.us/2009/09/sparql/data/data%d.rdf"
ZERO, ONE, TWO, THREE = (DATA % number for number in range(4))
FORM = "application/x-www-form-urlencoded"
QUERY, UPDATE = "application/sparql-query", "application/sparql-update"
DEFAULT, NAMED = "default-graph-uri", "named-graph-uri"
USING, USING_NAMED = "using-graph-uri", "using-named-graph-uri"
BOOLEAN = ("application/sparql-results+json", "application/sparql-results+xml")
TABULAR = (*BOOLEAN, "text/csv", "text/tab-separated-values")
RDF = ("text/turtle", "application/n-triples", "application/rdf+xml", "application/ld+json")


@dataclass(frozen=True)
class Ask:
    """A request: method, parameters in the address, body and its media type."""

    method: str
    parameters: tuple[tuple[str, str], ...] = ()
    body: str | bytes = b""
    content_type: str | None = None


def get(*parameters):
    return Ask("GET", parameters)


def form(body, *parameters):
    return Ask("POST", parameters, body, FORM)


def query(body, *parameters):
    return Ask("POST", parameters, body, QUERY)


def update(body, *parameters):
    return Ask("POST", parameters, body, UPDATE)


MERGED = f"ASK {{ <{ONE}> a ?type . <{TWO}> a ?type . }}"
APART = f"ASK {{ GRAPH ?g1 {{ <{ONE}> a ?type }} GRAPH ?g2 {{ <{TWO}> a ?type }} }}"
FULL = f"ASK {{ <{THREE}> a ?type GRAPH ?g1 {{ <{ONE}> a ?type }} GRAPH ?g2 {{ <{TWO}> a ?type }} }}"
TRUE = {
    "query_post_form": form("query=ASK%20%7B%7D", (DEFAULT, ZERO)),
    "query_dataset_default_graphs_get": get(("query", MERGED), (DEFAULT, ONE), (DEFAULT, TWO)),
    "query_dataset_default_graphs_post": query(MERGED, (DEFAULT, ONE), (DEFAULT, TWO)),
    "query_dataset_named_graphs_post": query(APART, (NAMED, ONE), (NAMED, TWO)),
    "query_dataset_named_graphs_get": get(("query", APART), (NAMED, ONE), (NAMED, TWO)),
    "query_dataset_full": query(FULL, (DEFAULT, THREE), (NAMED, ONE), (NAMED, TWO)),
    "query_multiple_dataset": query(APART.replace("ASK", f"ASK FROM <{THREE}>"), (NAMED, ONE), (NAMED, TWO)),
    "query_get": get(("query", "ASK {}"), (DEFAULT, ZERO)),
    "query_post_direct": query("ASK {}"),
}
FORMATS = {
    "query_content_type_select": (query("SELECT (1 AS ?value) {}", (DEFAULT, ZERO)), TABULAR),
    "query_content_type_ask": (query("ASK {}", (DEFAULT, ZERO)), BOOLEAN),
    "query_content_type_describe": (query("DESCRIBE <http://example.org/>", (DEFAULT, ZERO)), RDF),
    "query_content_type_construct": (query("CONSTRUCT { <s> <p> 1 } WHERE {}", (DEFAULT, ZERO)), RDF),
}
REFUSED = {
    "bad_query_method": Ask("PUT", (("query", "ASK {}"), (DEFAULT, ZERO)), content_type=FORM),
    "bad_multiple_queries": get(("query", "ASK {}"), ("query", "SELECT * {}")),
    "bad_query_wrong_media_type": Ask("POST", (), "ASK {}", "text/plain"),
    "bad_query_missing_form_type": Ask("POST", (), "query=ASK%20%7B%7D"),
    "bad_query_missing_direct_type": Ask("POST", (), "ASK {}"),
    "bad_query_non_utf8": Ask("POST", (), "ASK {}".encode("utf-16"), f"{QUERY}; charset=UTF-16"),
    "bad_query_syntax": get(("query", "ASK {")),
    "bad_update_get": get(("update", "CLEAR ALL")),
    "bad_multiple_updates": form("update=CLEAR%20NAMED&update=CLEAR%20DEFAULT"),
    "bad_update_wrong_media_type": Ask("POST", (), "CLEAR NAMED", "text/plain"),
    "bad_update_missing_form_type": Ask("POST", (), "update=CLEAR%20NAMED"),
    "bad_update_non_utf8": Ask("POST", (), "CLEAR NAMED".encode("utf-16"), f"{UPDATE}; charset=UTF-16"),
    "bad_update_syntax": form("update=CLEAR%20XYZ"),
    "bad_update_dataset_conflict": update(
        "WITH <http://example/addresses> DELETE { ?s ?p 'Bill' } INSERT { ?s ?p 'William' } WHERE { ?s ?p 'Bill' }",
        (USING_NAMED, "http://example/people"),
    ),
}
COPY = "CLEAR ALL ; INSERT { GRAPH <http://example.org/copy> { ?s a ?type } } WHERE { %s }"
NOT_APPLICABLE = {
    "update_dataset_default_graph": update(COPY % "?s a ?type", (USING, ONE)),
    "update_dataset_default_graphs": update(COPY % "?s a ?type", (USING, ONE), (USING, TWO)),
    "update_dataset_named_graphs": update(COPY % "GRAPH ?g { ?s a ?type }", (USING_NAMED, ONE), (USING_NAMED, TWO)),
    "update_dataset_full": update(COPY % "?s a ?type", (USING, ONE), (USING_NAMED, TWO)),
    "update_post_form": form("update=CLEAR+ALL"),
    "update_post_direct": update("CLEAR ALL"),
    "update_base_uri": update("INSERT DATA { GRAPH <http://example.org/copy> { <http://example.org/s> a <test> } }"),
}


@pytest.fixture(scope="module")
def service(asked):
    """A hub that holds the manifest's data as records, so that each is a graph under the address it has there."""
    minutes = (timedelta(minutes=number) for number in range(1, 5))
    asked.take_over(
        [_held(iri, asked.now + later) for iri, later in zip((ZERO, ONE, TWO, THREE), minutes, strict=True)]
    )
    return asked


def _held(iri, at):
    line = f"<{iri}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://xmlns.com/foaf/0.1/Document> .\n"
    node, nquads = "http://kasei.us/node", line.encode()
    return Change(
        at, RecordGraph(iri, Action.CREATE, node, at, nquads, digest(nquads)), Entry("record", {}, {}, ()), (node,)
    )


def send(service, request):
    return service.client.open(
        "/sparql",
        method=request.method,
        query_string=urlencode(request.parameters),
        data=request.body,
        content_type=request.content_type,
    )


def holds_everything(service):
    asked = send(service, query(f"ASK {{ {' '.join(f'<{iri}> a ?t .' for iri in (ZERO, ONE, TWO, THREE))} }}"))
    return asked.get_json(force=True)["boolean"]


def test_the_whole_manifest_is_here():
    assert (len(TRUE), len(FORMATS), len(REFUSED), len(NOT_APPLICABLE)) == (9, 4, 14, 7)


@pytest.mark.parametrize("name", TRUE)
def test_a_query_test_is_answered_with_true(service, name):
    answer = send(service, TRUE[name])
    assert (answer.status_code, answer.mimetype) == (200, BOOLEAN[0]), answer.text
    assert answer.get_json(force=True)["boolean"] is True


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_test_is_answered_in_a_fitting_format(service, name):
    request, fitting = FORMATS[name]
    answer = send(service, request)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype in fitting


@pytest.mark.parametrize("name", [*REFUSED, *NOT_APPLICABLE])
def test_a_bad_request_and_any_update_is_refused_and_changes_nothing(service, name):
    answer = send(service, (REFUSED | NOT_APPLICABLE)[name])
    assert answer.status_code in (400, 405, 415), answer.text
    assert answer.mimetype == "application/problem+json"
    assert holds_everything(service)


def test_a_query_that_names_one_graph_sees_that_one_alone(service):
    """So that "true" above could have been "false"."""
    for request in (get(("query", MERGED), (DEFAULT, ONE)), query(APART, (NAMED, ONE)), query(FULL, (DEFAULT, THREE))):
        assert send(service, request).get_json(force=True)["boolean"] is False
