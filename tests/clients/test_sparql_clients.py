"""SPARQLWrapper, unmodified, asks a live node in every way it knows."""

import json
import urllib.request

import pytest
from SPARQLWrapper import (
    CSV,
    GET,
    JSON,
    N3,
    POST,
    POSTDIRECTLY,
    RDFXML,
    TSV,
    TURTLE,
    URLENCODED,
    XML,
    SPARQLWrapper,
)
from SPARQLWrapper.SPARQLExceptions import QueryBadFormed

SELECT = "SELECT DISTINCT ?r { ?meta <http://xmlns.com/foaf/0.1/primaryTopic> ?r }"
CONSTRUCT = "CONSTRUCT { ?r a <https://e.example/Record> } { ?meta <http://xmlns.com/foaf/0.1/primaryTopic> ?r }"
WAYS = [(GET, URLENCODED), (POST, URLENCODED), (POST, POSTDIRECTLY)]


@pytest.fixture(params=WAYS, ids=["get", "post", "post directly"])
def wrapper(request, live_node):
    made = SPARQLWrapper(f"{live_node.url}sparql")
    method, how = request.param
    made.setMethod(method)
    made.setRequestMethod(how)
    made.setOnlyConneg(True)
    return made


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # the client's own use of it
def test_it_reads_every_kind_of_result(wrapper):
    def asked(query, kind):
        wrapper.setQuery(query)
        wrapper.setReturnFormat(kind)
        return wrapper.queryAndConvert()

    assert len(asked(SELECT, JSON)["results"]["bindings"]) == 25
    assert len(asked(SELECT, XML).getElementsByTagName("result")) == 25
    assert asked(SELECT, CSV).count(b"\r\n") == asked(SELECT, TSV).count(b"\n") == 26
    assert asked("ASK { ?s ?p 'nobody says this' }", JSON) == {"head": {}, "boolean": False}
    for kind in (TURTLE, N3):
        assert asked(CONSTRUCT, kind).count(b"Record") >= 25
    assert len(asked(CONSTRUCT, RDFXML)) == 25


def test_it_chooses_the_graphs(wrapper, live_node):
    iri = live_node.record("event", "workshop-5", title={"fr": "x"}, starts="2026").iri
    wrapper.setQuery(SELECT)
    wrapper.addParameter("default-graph-uri", iri)
    wrapper.setReturnFormat(JSON)
    assert [row["r"]["value"] for row in wrapper.queryAndConvert()["results"]["bindings"]] == [iri]


def test_it_is_told_what_is_wrong_with_a_query(wrapper):
    wrapper.setQuery("SELECT * { ?s ?p ")
    with pytest.raises(QueryBadFormed, match="malformed-query"):
        wrapper.query()


def test_records_that_were_published_meanwhile_are_found(live_node):
    wrapper = SPARQLWrapper(f"{live_node.url}sparql", returnFormat=JSON)
    wrapper.setQuery(SELECT)
    assert len(wrapper.queryAndConvert()["results"]["bindings"]) == 25
    live_node.publish(live_node.record("news", "new", title={"fr": "Nouvelle"}))
    assert len(wrapper.queryAndConvert()["results"]["bindings"]) == 26


def test_the_node_says_where_the_service_is(live_node):
    with urllib.request.urlopen(f"{live_node.url}.well-known/api-catalog", timeout=10) as answer:
        [links, *_] = json.load(answer)["linkset"]
    assert f"{live_node.url}sparql" in [item["href"] for item in links["item"]]
    with urllib.request.urlopen(f"{live_node.url}node.nt", timeout=10) as answer:
        node = answer.read().decode()
    assert f"<http://rdfs.org/ns/void#sparqlEndpoint> <{live_node.url}sparql>" in node
