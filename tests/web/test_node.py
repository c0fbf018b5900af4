"""What the node says of itself, and the reference documents."""

from collections import Counter
from datetime import UTC, datetime
from html import unescape
from importlib import resources

import pyoxigraph as ox
import pytest
from jsonschema import Draft202012Validator
from rdflib import RDF, Graph, URIRef
from sqlalchemy import insert

from chm_node import keys
from chm_node.database import writing
from chm_node.record_types import RECORD_TYPES
from chm_node.tables import source
from chm_node.vocabulary import DIRECTORY_VARIABLE, vocabularies

NODE = URIRef("https://node.example/node")
SEC = "https://w3id.org/security#"
DCAT = "http://www.w3.org/ns/dcat#"
VOID = "http://rdfs.org/ns/void#"
DCTERMS = "http://purl.org/dc/terms/"
SYNTAXES = {".ttl": "turtle", ".rdf": "xml", ".nt": "nt", ".jsonld": "json-ld"}


# rdflib's own reader of JSON-LD uses what rdflib deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")


def graph_of(answer, syntax="turtle"):
    return Graph().parse(data=answer.data, format=syntax, publicID="https://node.example/")


def named_statements(answer):
    """How often each statement is made, whatever its blank nodes are called."""
    read = ox.parse(answer.data, ox.RdfFormat.from_media_type(answer.mimetype), base_iri="https://node.example/")
    named = ((each if isinstance(each, ox.NamedNode | ox.Literal) else "_:" for each in quad.triple) for quad in read)
    return Counter(tuple(map(str, each)) for each in named)


@pytest.mark.parametrize("extension", SYNTAXES)
def test_the_node_claims_its_uri_space_and_shows_its_key(site, extension):
    graph = graph_of(site.get(f"node{extension}"), SYNTAXES[extension])
    assert [str(value) for value in graph.objects(NODE, URIRef(f"{VOID}uriSpace"))] == ["https://node.example/id/"]
    [key] = graph.objects(NODE, URIRef(f"{SEC}assertionMethod"))
    assert key == URIRef("https://node.example/node#key")
    assert str(graph.value(key, URIRef(f"{SEC}publicKeyMultibase"))) == site.signer.multikey
    assert graph.value(key, URIRef(f"{SEC}controller")) == NODE


def test_every_interface_it_names_answers(site):
    graph = graph_of(site.get("node"))
    services = list(graph.subjects(RDF.type, URIRef(f"{DCAT}DataService")))
    assert len(services) >= 6
    for service in services:
        answer = site.get(str(graph.value(service, URIRef(f"{DCAT}endpointURL"))))
        while answer.status_code == 303:
            answer = site.get(answer.headers["Location"])
        assert answer.status_code == 200
    conforms = URIRef("http://purl.org/dc/terms/conformsTo")
    [log] = graph.subjects(conforms, URIRef("https://w3id.org/ldes/specification"))
    assert graph.value(log, URIRef(f"{DCAT}endpointURL")) == URIRef("https://node.example/feed")
    [websub] = graph.subjects(conforms, URIRef("https://www.w3.org/TR/websub/"))
    assert graph.value(websub, URIRef(f"{DCAT}endpointURL")) == URIRef(site.settings.websub_hub)


def test_the_node_says_what_it_is_in_each_of_its_languages_and_how_often_it_changes(site):
    graph = graph_of(site.get("node"))
    described = {text.language: str(text) for text in graph.objects(NODE, URIRef(f"{DCTERMS}description"))}
    assert set(described) == set(site.settings.languages)
    assert described["fr"] in unescape(site.get("fr/").text)
    frequency = "http://publications.europa.eu/resource/authority/frequency/"
    assert graph.value(NODE, URIRef(f"{DCTERMS}accrualPeriodicity")) == URIRef(f"{frequency}IRREG")


def test_a_hub_vouches_for_its_peers(site):
    before = site.get("node").headers["ETag"]
    columns = {
        "address": "https://peer.example/", "node": "https://peer.example/node", "titles": '{"fr": "Pair"}',
        "uri_space": "https://peer.example/id/", "multikey": "z6MkPeer", "key_id": "https://peer.example/node#key",
        "feed": "https://peer.example/feed", "country": "", "state": "approved", "added": 0, "due": 0, "lease": "",
        "failures": 0, "cursor": 0, "last_success": 1_750_000_000_000, "compared": 0, "members": "[]",
        "former": '[["https://peer.example/node#key-0", "z6MkFormer", 1700000000000]]',
        "countries": "[]",
    }  # fmt: skip
    with writing(site.engine) as connection:
        connection.execute(insert(source), [columns])
    answer = site.get("node", if_none_match=before)
    assert answer.status_code == 200
    graph, peer = graph_of(answer), URIRef("https://peer.example/node")
    assert (NODE, URIRef(f"{DCAT}catalog"), peer) in graph
    entry = graph.value(predicate=URIRef("http://xmlns.com/foaf/0.1/primaryTopic"), object=peer)
    assert graph.value(entry, URIRef("http://purl.org/dc/terms/source")) == URIRef("https://peer.example/feed")
    assert str(graph.value(peer, URIRef(f"{VOID}uriSpace"))) == "https://peer.example/id/"
    assert int(graph.value(peer, URIRef(f"{VOID}entities"))) == 0
    frequency = "http://publications.europa.eu/resource/authority/frequency/"
    assert graph.value(NODE, URIRef(f"{DCTERMS}accrualPeriodicity")) == URIRef(f"{frequency}CONT")
    assert str(graph.value(URIRef(f"{peer}#key"), URIRef(f"{SEC}publicKeyMultibase"))) == "z6MkPeer"
    former = URIRef(f"{peer}#key-0")
    assert (peer, URIRef(f"{SEC}assertionMethod"), former) in graph
    assert str(graph.value(former, URIRef(f"{SEC}expiration"))) == "2023-11-14T22:13:20.000Z"


def test_the_key_that_signs_requests_is_that_of_the_records(site):
    graph = graph_of(site.get("node"))
    [key] = graph.objects(NODE, URIRef(f"{SEC}authenticationMethod"))
    assert (NODE, URIRef(f"{SEC}assertionMethod"), key) in graph


def test_a_new_key_is_shown_at_once_beside_the_former_one_with_its_end(site):
    before = site.get("node").headers["ETag"]
    new = keys.rotate(site.settings, datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC))
    answer = site.get("node", if_none_match=before)
    assert answer.status_code == 200
    graph = graph_of(answer)
    assert set(graph.objects(NODE, URIRef(f"{SEC}assertionMethod"))) == {URIRef(f"{NODE}#key"), URIRef(f"{NODE}#key-2")}
    assert list(graph.objects(NODE, URIRef(f"{SEC}authenticationMethod"))) == [URIRef(f"{NODE}#key-2")]
    assert str(graph.value(URIRef(f"{NODE}#key-2"), URIRef(f"{SEC}publicKeyMultibase"))) == new.multikey
    assert str(graph.value(URIRef(f"{NODE}#key"), URIRef(f"{SEC}publicKeyMultibase"))) == site.signer.multikey
    ends = list(graph.subject_objects(URIRef(f"{SEC}expiration")))
    assert [(str(key), str(end)) for key, end in ends] == [(f"{NODE}#key", "2026-11-22T03:22:08.000Z")]


def test_a_browser_at_the_node_is_sent_home(site):
    answer = site.get("node", accept="text/html", accept_language="fr")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "https://node.example/fr/"


def test_void_clients_are_sent_to_the_node(site):
    answer = site.get(".well-known/void")
    assert (answer.status_code, answer.headers["Location"]) == (303, "https://node.example/node")


def test_the_api_catalog_lists_every_interface(site):
    answer = site.get(".well-known/api-catalog")
    assert answer.headers["Content-Type"].startswith("application/linkset+json")
    own, *others = answer.json["linkset"]
    assert {item["href"] for item in own["item"]} == {other["anchor"] for other in others}
    assert "https://node.example/feed" in {item["href"] for item in own["item"]}


def test_security_txt_names_the_contact(site):
    text = site.get(".well-known/security.txt").text
    assert "Contact: mailto:focal.point@node.example\n" in text
    assert "\nExpires: 20" in text


def test_robots_are_welcome(site):
    assert site.get("robots.txt").text.startswith("User-agent: *")


def test_the_node_is_alive_and_ready(site):
    assert site.get("livez").status_code == 200
    assert site.get("readyz").status_code == 200


def test_shapes_cover_every_record_type(site):
    graph = graph_of(site.get("shapes"))
    shapes = list(graph.subjects(RDF.type, URIRef("http://www.w3.org/ns/shacl#NodeShape")))
    assert len(shapes) >= len(RECORD_TYPES)


@pytest.mark.parametrize("address", ["shapes", "shapes/activity", "ns", "node"])
def test_all_formats_state_the_same(site, address):
    stated = {each: named_statements(site.get(f"{address}.{each}")) for each in ("ttl", "jsonld", "rdf", "nt", "nq")}
    assert len(set(map(len, stated.values()))) == 1
    assert all(each == stated["ttl"] for each in stated.values())


def test_the_shape_of_an_activity_is_named_by_the_log(site):
    feed = graph_of(site.get("feed.nq"), "nt")
    [shape] = feed.objects(None, URIRef("https://w3id.org/tree#shape"))
    graph = graph_of(site.get(str(shape)))
    assert (shape, RDF.type, URIRef("http://www.w3.org/ns/shacl#NodeShape")) in graph


@pytest.mark.parametrize("name", ["event", "news", "record"])
def test_the_schema_of_a_type_is_a_json_schema(site, name):
    schema = site.get(f"schemas/{name}.json").json
    Draft202012Validator.check_schema(schema)


def test_a_record_in_json_obeys_the_schema_of_its_type(site):
    schema = site.get("schemas/event.json").json
    Draft202012Validator(schema).validate(site.get(site.iris["workshop"] + ".json").json)


def test_an_unknown_schema_is_not_found(site):
    assert site.get("schemas/none.json").status_code == 404


def test_the_namespace_document_describes_our_terms(site):
    assert len(graph_of(site.get("ns"))) > 100


@pytest.mark.parametrize("name", ["treaties", "countries", "record-types"])
def test_a_vocabulary_is_served_as_its_file(site, name):
    answer = site.get(f"vocabulary/{name}")
    assert answer.mimetype == "text/turtle"
    subjects = {str(quad.subject.value) for quad in ox.parse(answer.data, ox.RdfFormat.TURTLE)}
    assert set(vocabularies()[name].terms) <= subjects
    assert site.get(f"vocabulary/{name}.ttl").data == answer.data


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for the setting ``vocabulary_dir``; no later test knows its terms."""
    monkeypatch.setenv(DIRECTORY_VARIABLE, "")  # what it was is restored at the end
    (made := tmp_path / "vocabularies").mkdir()
    yield made
    vocabularies.cache_clear()


def renamed(name):
    """The shipped list of countries, with another name for Algeria."""
    shipped = resources.files("vocabularies").joinpath("countries.ttl").read_bytes()
    return shipped.replace(b'"Algeria"@en', f'"{name}"@en'.encode())


def test_vocabularies_of_the_nodes_own_are_served(new_site, folder):
    own = (
        b"@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        b'<https://node.example/wilayas> a skos:ConceptScheme ; <http://purl.org/dc/terms/title> "Wilayas"@fr .\n'
    )
    (folder / "wilayas.ttl").write_bytes(own)
    (folder / "countries.ttl").write_bytes(renamed("The Algiers test"))
    site = new_site(vocabulary_dir=folder)
    assert site.get("vocabulary/wilayas").data == own
    assert site.get("vocabulary/countries").data == renamed("The Algiers test")


def test_every_etag_changes_with_the_vocabularies_and_with_nothing_else_of_them(new_site, folder):
    tags = []
    for name in ("One name", "Another name", "One name"):
        (folder / "countries.ttl").write_bytes(renamed(name))
        site = new_site(vocabulary_dir=folder)
        tags.append([site.get(path).headers["ETag"] for path in ("en/", "en/records", "feeds/all.atom", "ns")])
    first, second, again = tags
    assert not set(first) & set(second)
    assert first == again


def test_a_vocabulary_in_a_format_that_is_not_written_is_not_acceptable(site):
    assert site.get("vocabulary/countries", accept="application/rdf+xml").status_code == 406
    found = site.get("vocabulary/countries", accept="text/turtle;q=0.5, application/rdf+xml")
    assert (found.status_code, found.headers["Vary"]) == (200, "Accept, Accept-Encoding")
    assert site.get("vocabulary/countries.ttl", accept="application/rdf+xml").status_code == 200


@pytest.mark.parametrize("name", ["none", "..", "__init__"])
def test_only_vocabularies_are_served(site, name):
    assert site.get(f"vocabulary/{name}").status_code == 404
