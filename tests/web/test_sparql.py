"""The query service: the protocol, the formats, what is searched, and what no query can do."""

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pyoxigraph as ox
import pytest
from rdflib import RDF, Graph, URIRef

from chm_node.budget import Budget
from chm_node.errors import SettingsError
from chm_node.sandbox import Limits
from chm_node.settings import Settings
from chm_node.sparql import child, pool
from chm_node.sparql.pool import Pool
from chm_node.web.sparql import EXAMPLES, POOL

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "sparql.md"
SHOWN = re.findall(r"^```sparql\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
JSON, XML = "application/sparql-results+json", "application/sparql-results+xml"
FORM, DIRECT = "application/x-www-form-urlencoded", "application/sparql-query"
ASK = "ASK { ?s ?p ?o }"
COUNT = "SELECT (COUNT(DISTINCT ?g) AS ?n) { GRAPH ?g { ?s ?p ?o } }"
SD = "http://www.w3.org/ns/sparql-service-description#"


def ask(site, query, accept=JSON, **headers):
    return site.client.get("/sparql", query_string={"query": query}, headers={"Accept": accept, **headers})


def rows(answer):
    assert answer.status_code == 200, answer.text
    return [
        {name: term["value"] for name, term in row.items()}
        for row in answer.get_json(force=True)["results"]["bindings"]
    ]


def count(site):
    [row] = rows(ask(site, COUNT))
    return int(row["n"])


# The protocol (SPARQL 1.1 Protocol §2.1), a table.


def form(*pairs):
    return {"method": "POST", "data": urlencode(pairs), "content_type": FORM}


def direct(query, **query_string):
    return {"method": "POST", "data": query, "content_type": DIRECT, "query_string": query_string}


def get(*pairs):
    return {"query_string": urlencode(pairs)}


ANSWERED = {
    "query by GET": get(("query", ASK)),
    "query by POST of a form": form(("query", ASK)),
    "query by POST itself": direct(ASK),
    "a charset that says UTF-8": direct(ASK) | {"content_type": f"{DIRECT}; charset=UTF-8"},
    "no Accept header": get(("query", ASK)) | {"headers": {}},
    "parameters of others": get(("query", ASK), ("format", "json"), ("timeout", "3")),
    "not ASCII": get(("query", "ASK { ?s ?p ?o . FILTER('é' = 'é') } # ورشة")),
}
REFUSED = {
    "PUT": (get(("query", ASK)) | {"method": "PUT"}, 405),
    "DELETE": (get(("query", ASK)) | {"method": "DELETE"}, 405),
    "two queries by GET": (get(("query", ASK), ("query", ASK)), 400),
    "two queries by POST": (form(("query", ASK), ("query", ASK)), 400),
    "a form without media type": ({"method": "POST", "data": urlencode([("query", ASK)])}, 415),
    "a query without media type": ({"method": "POST", "data": ASK}, 415),
    "another media type": ({"method": "POST", "data": ASK, "content_type": "text/plain"}, 415),
    "UTF-16": ({"method": "POST", "data": ASK.encode("utf-16"), "content_type": f"{DIRECT}; charset=UTF-16"}, 415),
    "UTF-16 that does not say so": ({"method": "POST", "data": ASK.encode("utf-16"), "content_type": DIRECT}, 400),
    "Latin-1 in an address": ({"query_string": "query=ASK%20%7B%7D%20%23%E9"}, 400),
    "no query in a form": (form(("x", "y")), 400),
    "no query in an address": (get(("default-graph-uri", "https://a.example/")), 400),
    "an empty query": (get(("query", "")), 400),
    "no SPARQL": (get(("query", "ASK { ?s ?p")), 400),
    "an update for a query": (get(("query", "INSERT DATA { <urn:a> <urn:b> 1 }")), 400),
    "a LOAD": (get(("query", "LOAD <https://other.example/>")), 400),
    "an update by form": (form(("update", "CLEAR ALL")), 400),
    "an update itself": (direct("CLEAR ALL") | {"content_type": "application/sparql-update"}, 400),
    "SERVICE": (get(("query", "ASK { SERVICE SILENT <https://other.example/> {} }")), 400),
    "20,001 bytes": (form(("query", ASK + "#" * (20_001 - len(ASK)))), 400),
    "a foreign FROM": (get(("query", "ASK FROM <https://other.example/> {}")), 400),
    "a foreign FROM NAMED": (get(("query", "ASK FROM NAMED <file:///etc/passwd> {}")), 400),
    "a foreign default graph": (get(("query", ASK), ("default-graph-uri", "https://other.example/")), 400),
    "a foreign named graph": (get(("query", ASK), ("named-graph-uri", "https://other.example/")), 400),
    "a graph that is no IRI": (get(("query", ASK), ("named-graph-uri", "a b")), 400),
    "a format for graphs alone": (get(("query", ASK)) | {"headers": {"Accept": "text/turtle"}}, 406),
    "a format of nobody": (get(("query", ASK)) | {"headers": {"Accept": "image/png"}}, 406),
}  # fmt: skip


@pytest.mark.parametrize("request_", ANSWERED.values(), ids=ANSWERED)
def test_a_query_is_answered(asked, request_):
    answer = asked.client.open("/sparql", **request_)
    assert (answer.status_code, answer.content_type) == (200, JSON)
    assert answer.get_json(force=True) == {"head": {}, "boolean": True}
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(("request_", "status"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_query_is_refused(asked, request_, status):
    answer = asked.client.open("/sparql", **request_)
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"


def test_a_wrong_query_is_answered_with_the_parser_s_words_to_any_web_page(asked):
    answer = ask(asked, "SELECT * WHERE {\n ?s ?p ?o } LIMIT many")
    assert answer.status_code == 400
    assert answer.get_json()["type"].endswith("/malformed-query")
    assert "2:" in answer.get_json()["detail"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_web_page_may_ask_before_it_posts(asked):
    answer = asked.client.options("/sparql")
    assert answer.status_code == 200
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]


GRAPHS = "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }"
TOPICS = "PREFIX foaf: <http://xmlns.com/foaf/0.1/> SELECT ?r { ?meta foaf:primaryTopic ?r }"
BOTH = TOPICS.replace("?r {", "?r ?g { GRAPH ?g { ?x foaf:primaryTopic ?g }")


@pytest.mark.parametrize("method", ["get", "form", "direct"])
def test_the_request_chooses_the_graphs_whatever_the_query_says(asked, method):
    one, two, three = (asked.iris[name] for name in ("workshop", "meeting", "news"))

    def chosen(query, *pairs):
        if method == "direct":
            how = {"method": "POST", "data": query, "content_type": DIRECT, "query_string": urlencode(pairs)}
        else:
            how = (get if method == "get" else form)(("query", query), *pairs)
        return {tuple(row.values()) for row in rows(asked.client.open("/sparql", **how))}

    default, named = "default-graph-uri", "named-graph-uri"
    assert chosen(TOPICS, (default, one)) == {(one,)}
    assert chosen(TOPICS, (default, one), (default, two)) == {(one,), (two,)}
    assert chosen(GRAPHS, (default, one)) == set()
    assert chosen(GRAPHS, (named, one), (named, two)) == {(one,), (two,)}
    assert chosen(TOPICS, (named, one)) == set()
    assert chosen(BOTH, (default, one), (named, two)) == {(one, two)}
    other = TOPICS.replace("?r {", f"?r FROM <{three}> {{")
    assert chosen(other, (default, one)) == {(one,)}


def test_the_query_chooses_the_graphs_when_the_request_does_not(asked):
    one, two = asked.iris["workshop"], asked.iris["meeting"]
    assert len(rows(ask(asked, TOPICS))) == 11
    assert rows(ask(asked, TOPICS.replace("?r {", f"?r FROM <{one}> {{"))) == [{"r": one}]
    assert rows(ask(asked, GRAPHS.replace("DISTINCT ?g {", f"DISTINCT ?g FROM <{one}> FROM NAMED <{two}> {{"))) == [
        {"g": two}
    ]
    assert rows(ask(asked, TOPICS.replace("?r {", f"?r FROM NAMED <{two}> {{"))) == []


# Formats.


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", JSON),
        (JSON, JSON),
        (XML, XML),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/tab-separated-values", "text/tab-separated-values; charset=utf-8"),
        ("application/json", "application/json"),
        ("text/turtle, text/csv;q=0.5", "text/csv; charset=utf-8"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/xml"),
    ],
)
@pytest.mark.parametrize("query", ["SELECT ?s { ?s ?p ?o } LIMIT 2", ASK])
def test_results_come_in_the_format_that_is_asked_for(asked, query, accept, content_type):
    answer = ask(asked, query, accept)
    assert (answer.status_code, answer.content_type) == (200, content_type)
    assert answer.headers["Vary"] == "Accept"


@pytest.mark.parametrize(
    ("accept", "content_type", "syntax"),
    [
        ("*/*", "text/turtle; charset=utf-8", ox.RdfFormat.TURTLE),
        ("application/n-triples", "application/n-triples", ox.RdfFormat.N_TRIPLES),
        ("application/rdf+xml", "application/rdf+xml", ox.RdfFormat.RDF_XML),
        (f"{JSON}, application/ld+json;q=0.1", "application/ld+json", ox.RdfFormat.JSON_LD),
    ],
)
def test_graphs_come_in_the_format_that_is_asked_for(asked, accept, content_type, syntax):
    iri = asked.iris["workshop"]
    for query in (f"DESCRIBE <{iri}>", f"CONSTRUCT {{ <{iri}> ?p ?o }} {{ <{iri}> ?p ?o }}"):
        answer = ask(asked, query, accept)
        assert (answer.status_code, answer.content_type) == (200, content_type)
        assert {quad.subject.value for quad in ox.parse(answer.data, syntax)} == {iri}
    assert ask(asked, f"DESCRIBE <{iri}>", "text/csv").status_code == 406


@pytest.mark.parametrize(
    ("accept", "syntax"),
    [("*/*", "turtle"), ("text/turtle", "turtle"), ("application/rdf+xml", "xml"), ("application/ld+json", "json-ld")],
)
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
def test_without_a_query_the_service_describes_itself(asked, accept, syntax):
    graph = Graph().parse(data=asked.get("sparql", accept=accept).data, format=syntax)
    service = URIRef("https://node.example/sparql")
    assert graph.value(service, RDF.type) == URIRef(f"{SD}Service")
    assert graph.value(service, URIRef(f"{SD}endpoint")) == service
    assert graph.value(service, URIRef(f"{SD}supportedLanguage")) == URIRef(f"{SD}SPARQL11Query")
    assert len(set(graph.objects(service, URIRef(f"{SD}resultFormat")))) == 8
    assert graph.value(graph.value(service, URIRef(f"{SD}defaultDataset")), URIRef(f"{SD}defaultGraph"))


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_a_browser_gets_a_page_whose_examples_run(asked, language):
    moved = asked.get("sparql", accept="text/html", accept_language=language)
    assert (moved.status_code, moved.headers["Location"]) == (303, f"/{language}/sparql")
    page = asked.get(f"{language}/sparql").text
    assert f'lang="{language}"' in page
    links = re.findall(r'href="(/sparql\?query=[^"]+)"', page)
    assert links == [f"/sparql?{urlencode({'query': each})}" for each in EXAMPLES]
    for link in links:
        assert len(rows(asked.get(link))) > 1


@pytest.mark.parametrize("query", SHOWN, ids=range(len(SHOWN)))
def test_the_examples_of_the_reference_find_something(asked, query):
    answer = ask(asked, query, f"{JSON}, application/n-triples")
    assert answer.status_code == 200
    assert int(answer.headers["Chm-Result-Rows"]) > 0


# What is searched.


@pytest.fixture
def own(new_site: Callable[..., "object"]) -> Iterator[Callable[..., "object"]]:
    """Makes nodes that answer queries, with limits of the test's."""
    made = []

    def make(limits=pool.LIMITS, budget=None, **settings):
        site = new_site(sparql="on", **settings)
        site.app.extensions[POOL] = Pool(site.engine, site.settings.threads, limits, budget)
        made.append(site)
        return site

    yield make
    for site in made:
        site.app.extensions[POOL].close()


def test_an_empty_node_answers(own):
    answer = ask(own(), "SELECT * { ?s ?p ?o }", "text/csv")
    assert (answer.status_code, answer.text) == (200, "o,p,s\r\n")
    assert "Chm-Log-Time" not in answer.headers


def test_a_query_sees_every_change_before_it(own):
    site = own()
    values = {"title": {"fr": "Avant"}, "coverage": ["https://w3id.org/chm/vocabulary/countries/DZ"]}
    title = "PREFIX dcterms: <http://purl.org/dc/terms/> SELECT ?title { ?record dcterms:title ?title }"
    site.publish("a", "news", values)
    assert rows(ask(site, title)) == [{"title": "Avant"}]
    site.publish("a", "news", values | {"title": {"fr": "Après"}})
    answer = ask(site, title)
    assert rows(answer) == [{"title": "Après"}]
    assert answer.headers["Chm-Log-Time"] == f"{site.now:%Y-%m-%dT%H:%M:%S}.000Z"
    site.publish("b", "news", values)
    assert count(site) == 2
    site.withdraw("a", "news")
    assert rows(ask(site, title)) == [{"title": "Avant"}]
    assert count(site) == 1


def test_a_fresh_child_is_fed_in_several_batches(own, monkeypatch):
    monkeypatch.setattr(pool, "BATCH", 3)
    assert count(with_news(own(), 7)) == 7


def test_who_asks_while_the_records_are_made_ready_is_told_when_to_come_back(own, monkeypatch):
    monkeypatch.setattr(pool, "BATCH", 3)
    monkeypatch.setattr(pool, "FEED_SECONDS", 0.0)
    site = with_news(own(threads=2), 7)
    answers = [ask(site, COUNT)]
    while answers[-1].status_code == 503:
        assert answers[-1].headers["Retry-After"] == "0"
        answers.append(ask(site, COUNT))
        assert len(answers) < 10
    assert rows(answers[-1]) == [{"n": "7"}]


def with_news(site, number):
    for each in range(number):
        site.publish(f"news-{each}", "news", {"title": {"fr": f"Nouvelle {each}"}})
    return site


def children() -> list[int]:
    """The sandboxed children of this process."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            status = (entry / "status").read_text() if entry.name.isdigit() else ""
            if f"PPid:\t{os.getpid()}\n" in status and b"chm_node.sandbox" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_after_a_child_is_killed_the_next_query_is_answered(own):
    before = set(children())
    site = own(threads=2)
    site.publish("a", "news", {"title": {"fr": "Avant"}})
    assert count(site) == 1
    [pid] = set(children()) - before
    os.kill(pid, signal.SIGKILL)
    assert count(site) == 1


# What no query can do.


def test_the_limits_are_those_of_the_reference():
    assert (pool.LIMITS.seconds, pool.LIMITS.memory_mib) == (10.0, 1536)
    assert (child.MAX_ROWS, child.MAX_BYTES, pool.SECONDS_A_MINUTE) == (10_000, 5 * 1024 * 1024, 60.0)


PRODUCT = "?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l ."
HEAVY = {
    "a cartesian product": f"SELECT (COUNT(*) AS ?n) {{ {PRODUCT} }}",
    "a sorted product": f"SELECT * {{ {PRODUCT} }} ORDER BY RAND()",
    "a regular expression": f"SELECT (COUNT(*) AS ?n) {{ {PRODUCT} "
    'FILTER REGEX(CONCAT(STR(?c), STR(?f), STR(?i), STR(?l)), "^((a|.)+)+!$") }',
    "a deep path": "SELECT (COUNT(*) AS ?n) { ?a ((!<urn:x>|^!<urn:x>)*/(!<urn:x>|^!<urn:x>)*)* ?b . "
    "?b (!<urn:x>|^!<urn:x>)* ?c . ?c (!<urn:x>|^!<urn:x>)* ?d }",
    "one long text": "SELECT (GROUP_CONCAT(CONCAT(STR(?c), STR(?f), STR(?i))) AS ?x) { " + PRODUCT + " }",
    "texts doubled": "SELECT ?z { BIND('0123456789abcdef' AS ?t0) "
    + " ".join(f"BIND(CONCAT({', '.join([f'?t{n}'] * 9)}) AS ?t{n + 1})" for n in range(9))
    + " BIND(STRLEN(?t9) AS ?z) }",
    "an empty construction": f"CONSTRUCT {{ ?a ?b ?c }} {{ {PRODUCT} "
    "FILTER(STRLEN(CONCAT(STR(?c), STR(?f), STR(?i), STR(?l))) < 0) }",
}


@pytest.fixture(scope="module")
def small(asked):
    """The node of this module, with a pool that gives up sooner."""
    asked.get("/fr/")  # or the first page would take longer than the first query
    quick = Pool(asked.engine, 2, Limits(memory_mib=768, seconds=1.5, calls=10**9), Budget(10**6))
    usual, asked.app.extensions[POOL] = asked.app.extensions[POOL], quick
    yield asked
    quick.close()
    asked.app.extensions[POOL] = usual


@pytest.mark.parametrize("query", HEAVY.values(), ids=HEAVY)
def test_a_query_that_goes_too_far_is_stopped_while_pages_answer_and_the_next_one_runs(small, query):
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask(small, query, "*/*")))
    asking.start()
    answered_meanwhile = 0
    while asking.is_alive():
        assert small.app.test_client().get("/fr/").status_code == 200
        answered_meanwhile += asking.is_alive()
        time.sleep(0.05)
    assert (answers[0].status_code, answers[0].get_json()["type"].rsplit("/")[-1]) == (422, "query-too-heavy")
    assert answered_meanwhile
    assert count(small) == 11


def test_a_query_that_needs_too_much_memory_is_told_what_to_do(small):
    detail = ask(small, HEAVY["texts doubled"]).get_json()["detail"]
    assert "more than the 768 MiB of memory" in detail
    assert "join fewer patterns" in detail
    assert "parser" not in detail


@pytest.mark.parametrize("query", ["SELECT * { " + "{" * 9_000 + "}" * 9_000 + " }", "ASK { FILTER(" + "(" * 19_000])
def test_a_query_nested_without_end_harms_nobody_else(small, query):
    assert ask_post(small, query).status_code in (400, 422)
    assert count(small) == 11


def ask_post(site, query):
    return site.client.post("/sparql", data=query, content_type=DIRECT, headers={"Accept": JSON})


@pytest.mark.parametrize("accept", [JSON, XML, "text/csv"])
def test_a_result_of_too_many_rows_is_cut_and_says_so(asked, accept):
    answer = ask(asked, "SELECT ?a ?d { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", accept)
    assert (answer.headers["Chm-Result-Rows"], answer.headers["Chm-Result-Cut"]) == ("10000", "yes")
    assert ("result-cut" in answer.text) == (accept != "text/csv")


def test_what_rdf_xml_has_no_name_for_is_not_written_in_it(asked):
    query = "CONSTRUCT { <https://n.example/a> <https://n.example/123> 1 } {}"
    refused = ask(asked, query, "application/rdf+xml")
    assert refused.status_code == 406
    assert "https://n.example/123" in refused.json["detail"]
    assert ask(asked, query, "text/turtle").status_code == 200


def test_a_huge_construction_is_cut_and_says_so(asked):
    answer = ask(asked, "CONSTRUCT { ?a ?e ?i } { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", "application/n-triples")
    assert (answer.headers["Chm-Result-Rows"], answer.headers["Chm-Result-Cut"]) == ("10000", "yes")
    assert answer.text.count("\n") == 10_000


def test_a_result_of_too_many_bytes_is_cut(asked):
    long = "'" + "x" * 1_000 + "'"
    query = f"SELECT (CONCAT({', '.join([long] * 9)}) AS ?t) {{ ?a ?b ?c . ?d ?e ?f }} LIMIT 2000"
    answer = ask(asked, query)
    assert answer.headers["Chm-Result-Cut"] == "yes"
    assert len(answer.data) < 5 * 1024 * 1024 + 1000


def test_a_client_that_has_used_its_minute_is_told_when_to_come_back(own):
    site = own(budget=Budget(1.0))
    assert count(site) == 0
    answer = ask(site, COUNT)
    assert (answer.status_code, answer.get_json()["type"].rsplit("/")[-1]) == (429, "query-budget-spent")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert ask(site, COUNT, **{"X-Forwarded-For": "203.0.113.7"}).status_code == 200


def test_queries_leave_a_thread_to_the_pages(own):
    site = own(limits=Limits(seconds=3, calls=10**9), threads=2)
    assert count(with_news(site, 6)) == 6
    first = threading.Thread(target=ask, args=(site, f"SELECT (COUNT(*) AS ?n) {{ {PRODUCT} ?m ?n2 ?o }}"))
    first.start()
    time.sleep(0.5)
    answer = ask(site, COUNT)
    assert (answer.status_code, answer.get_json()["type"].rsplit("/")[-1]) == (503, "queries-busy")
    assert answer.headers["Retry-After"] == "2"
    first.join()
    assert count(site) == 6


# The setting.


def test_a_node_answers_no_queries_unless_it_is_told_to(site):
    for path in ("sparql", f"sparql?query={quote(ASK)}", "en/sparql"):
        assert site.get(path).status_code == 404
    assert "sparql" not in site.get("node").text
    assert "sparql" not in site.get(".well-known/api-catalog").text
    assert "sparql" not in site.get("en/").text


def test_where_queries_are_answered_is_told(asked):
    description = asked.get("node").text
    assert "void:sparqlEndpoint <https://node.example/sparql>" in description
    assert "<https://node.example/node#sparql>" in description
    assert "https://node.example/sparql" in asked.get(".well-known/api-catalog").text
    assert 'href="/fr/sparql"' in asked.get("fr/").text


def test_another_server_can_answer(new_site):
    site = new_site(sparql="https://queries.example/chm/sparql")
    query = urlencode({"query": ASK})
    for method in ("GET", "POST"):
        answer = site.client.open("/sparql", method=method, query_string=query)
        assert (answer.status_code, answer.headers["Location"]) == (307, f"https://queries.example/chm/sparql?{query}")
    assert site.get("sparql").headers["Location"] == "https://queries.example/chm/sparql"


@pytest.mark.parametrize(
    "wrong", ["yes", "ftp://queries.example/", "https://", "https://queries.example/?a=b", "https://q.example/\n"]
)
def test_the_setting_is_off_on_or_an_address(wrong):
    with pytest.raises(SettingsError, match="sparql"):
        Settings.load(sparql=wrong)
