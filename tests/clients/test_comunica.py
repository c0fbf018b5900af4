"""Comunica, unmodified, is given one address, and finds out by itself how to ask it."""

import json

import pytest

DCAT = "http://www.w3.org/ns/dcat#"
DATASETS = f"SELECT (COUNT(?d) AS ?n) {{ ?d a <{DCAT}Dataset> }}"
TITLE = "SELECT ?title { <%s> <http://purl.org/dc/terms/title> ?title FILTER(LANG(?title) = 'ar') }"
RECORDS = "SELECT (COUNT(DISTINCT ?r) AS ?n) { ?meta <http://xmlns.com/foaf/0.1/primaryTopic> ?r }"


@pytest.fixture
def comunica(run_client):
    """Asks an address; rows as dictionaries. ``how`` is "by description" or nothing."""

    def ask(address, query, *how):
        said = run_client("node", "comunica.mjs", address, query, *how)
        return [json.loads(line) for line in said.splitlines()]

    return ask


@pytest.mark.parametrize("first", ["catalogue", "catalogue?page=1", "catalogue.ttl", "catalogue.jsonld"])
def test_it_counts_every_dataset_from_the_first_page_of_the_catalogue(live_node, comunica, first):
    live_node.publish(*(live_node.record("news", f"news-{n}", title={"fr": f"Nouvelle {n}"}) for n in range(210)))
    assert comunica(f"{live_node.url}{first}", DATASETS) == [{"n": "235"}]


def test_it_finds_the_query_service_by_its_description_whatever_its_name(live_node, comunica):
    endpoint = f"{live_node.url}sparql"
    assert comunica(endpoint, RECORDS, "by description") == [{"n": "25"}]


def test_it_reads_one_record_by_query_and_by_following_its_address(live_node, comunica):
    iri = live_node.record("event", "workshop-5", title={"fr": "x"}, starts="2026").iri
    expected = [{"title": "ورشة عمل 5 حول الملوثات"}]
    assert comunica(f"{live_node.url}sparql", TITLE % iri) == expected
    assert comunica(iri, TITLE % iri) == expected
