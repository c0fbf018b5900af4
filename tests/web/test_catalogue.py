"""The catalogue in DCAT, page by page."""

from hashlib import sha256

import pytest
from rdflib import RDF, Graph, Literal, URIRef

from chm_node.publishing import identifier_of, record_iri
from chm_node.record_types import RECORD_TYPES

DCAT = "http://www.w3.org/ns/dcat#"
DCTERMS = "http://purl.org/dc/terms/"
HYDRA = "http://www.w3.org/ns/hydra/core#"
SYNTAXES = {"": "turtle", ".ttl": "turtle", ".rdf": "xml", ".nt": "nt", ".jsonld": "json-ld"}


# rdflib's own reader of JSON-LD uses what rdflib deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")


def graph_of(answer, syntax="turtle"):
    assert answer.status_code == 200
    return Graph().parse(data=answer.data, format=syntax, publicID="https://node.example/")


@pytest.mark.parametrize("extension", SYNTAXES)
def test_every_live_record_is_a_dataset_in_every_syntax(site, extension):
    graph = graph_of(site.get(f"catalogue{extension}"), SYNTAXES[extension])
    found = {str(subject) for subject in graph.subjects(RDF.type, URIRef(f"{DCAT}Dataset"))}
    assert found == set(site.iris.values()) - {site.iris["withdrawn"]}


def test_a_dataset_says_what_harvesters_of_open_data_ask_for(site):
    graph, dataset = graph_of(site.get("catalogue")), URIRef(site.iris["workshop"])
    titles = set(graph.objects(dataset, URIRef(f"{DCTERMS}title")))
    assert Literal("Atelier régional sur les PCB", lang="fr") in titles
    assert len(titles) == 2
    for name in ("description", "identifier", "issued", "modified", "publisher", "license", "language"):
        assert list(graph.objects(dataset, URIRef(DCTERMS + name))), name
    assert str(graph.value(dataset, URIRef(f"{DCTERMS}publisher"))) == "https://node.example/node"
    themes = {str(theme) for theme in graph.objects(dataset, URIRef(f"{DCAT}theme"))}
    assert "https://w3id.org/chm/vocabulary/stockholm-pops/STOCKHOLM-POP-PCB" in themes
    for distribution in graph.objects(dataset, URIRef(f"{DCAT}distribution")):
        answer = site.get(str(graph.value(distribution, URIRef(f"{DCAT}downloadURL"))))
        assert answer.status_code == 200
        assert str(graph.value(distribution, URIRef(f"{DCAT}mediaType"))).endswith(answer.mimetype)


def test_a_dataset_has_the_hash_of_its_signed_bytes(site):
    graph, dataset = graph_of(site.get("catalogue")), URIRef(site.iris["workshop"])
    spdx = "http://spdx.org/rdf/terms#"
    [distribution] = [
        each for each in graph.objects(dataset, URIRef(f"{DCAT}distribution")) if str(each).endswith(".nq")
    ]
    checksum = graph.value(distribution, URIRef(f"{spdx}checksum"))
    assert graph.value(checksum, URIRef(f"{spdx}algorithm")) == URIRef(f"{spdx}checksumAlgorithm_sha256")
    value = graph.value(checksum, URIRef(f"{spdx}checksumValue"))
    assert value.datatype == URIRef("http://www.w3.org/2001/XMLSchema#hexBinary")
    assert str(value) == sha256(site.get(str(distribution)).data).hexdigest()


def test_pages_lead_to_every_record_in_both_generations_of_hydra(site):
    site.publish_all(
        [
            RECORD_TYPES["news"].record(
                record_iri(site.settings, "news", identifier_of(site.settings, f"many-{number}")),
                {"title": {"en": f"News {number}"}},
            )
            for number in range(210)
        ]
    )
    seen, address, pages = set(), "https://node.example/catalogue.ttl", 0
    while address:
        graph = graph_of(site.get(address))
        [page] = graph.subjects(RDF.type, URIRef(f"{HYDRA}PagedCollection"))
        assert page == URIRef(address)
        assert (page, RDF.type, URIRef(f"{HYDRA}PartialCollectionView")) in graph
        assert int(graph.value(page, URIRef(f"{HYDRA}totalItems"))) == 221
        seen |= set(graph.subjects(RDF.type, URIRef(f"{DCAT}Dataset")))
        address = graph.value(page, URIRef(f"{HYDRA}next"))
        assert address == graph.value(page, URIRef(f"{HYDRA}nextPage"))
        pages += 1
    assert len(seen) == 221
    assert pages == 3


def datasets(graph):
    return {str(each) for each in graph.subjects(RDF.type, URIRef(f"{DCAT}Dataset"))}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=formation", {f"event-{number}" for number in range(1, 7)}),
        ("type=meeting&type=news", {"meeting", "news", "arabic-news", "corrected"}),
        ("country=Tunisia", {"news"}),
        ("country=DZ&language=ar&treaty=stockholm", {"workshop"}),
        ("origin=https://other.example/node", set()),
        ("q=%22", set()),
        ("q=&type=meeting", {"meeting"}),
    ],
)
def test_the_catalogue_has_the_filters_of_the_feeds(site, query, names):
    assert datasets(graph_of(site.get(f"catalogue.ttl?{query}"))) == {site.iris[name] for name in names}


def test_the_pages_of_a_filtered_catalogue_keep_the_filter(site):
    site.publish_all(
        [
            RECORD_TYPES["news"].record(
                record_iri(site.settings, "news", identifier_of(site.settings, f"many-{number}")),
                {"title": {"en": f"News {number}"}},
            )
            for number in range(210)
        ]
    )
    seen, address, first = set(), "https://node.example/catalogue.ttl?type=NEWS", ""
    while address:
        answer = site.get(address)
        graph = graph_of(answer)
        [page] = graph.subjects(RDF.type, URIRef(f"{HYDRA}PagedCollection"))
        assert page == URIRef(address)  # as it was asked for, however it was spelled
        assert int(graph.value(page, URIRef(f"{HYDRA}totalItems"))) == 213
        assert graph.value(URIRef("https://node.example/node"), URIRef(f"{HYDRA}totalItems")) is None
        first = first or str(graph.value(page, URIRef(f"{HYDRA}first")))
        assert str(graph.value(page, URIRef(f"{HYDRA}first"))) == first
        seen |= datasets(graph)
        address = graph.value(page, URIRef(f"{HYDRA}next"))
        assert address is None or f'<{address}>; rel="next"' in answer.headers["Link"]
    assert first == "https://node.example/catalogue.ttl?type=news"
    assert len(seen) == 213


def test_an_address_that_no_graph_could_hold_is_stated_in_its_one_spelling(site):
    graph = graph_of(site.get('catalogue.ttl?q=a"<b>"'))
    [page] = graph.subjects(RDF.type, URIRef(f"{HYDRA}PagedCollection"))
    assert str(page) == "https://node.example/catalogue.ttl?q=a%22%3Cb%3E%22"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("page=0", "page"),
        ("page=x", "page"),
        ("pge=2", "pge"),
        ("page=1&page=2", "page"),
        ("country=XX", "country"),
        ("lang=fr", "lang"),
    ],
)
def test_a_wrong_query_is_named(site, query, name):
    answer = site.get(f"catalogue?{query}")
    assert answer.status_code == 400
    assert answer.json["parameter"] == name


def test_an_empty_catalogue_is_a_catalogue(empty_site):
    graph = graph_of(empty_site.get("catalogue"))
    assert (URIRef("https://node.example/node"), RDF.type, URIRef(f"{DCAT}Catalog")) in graph
