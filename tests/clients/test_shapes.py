"""pyshacl finds nothing against the shapes a node derives from its record types."""

import pyshacl
import pytest
import rdflib


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_record_conforms_to_the_shapes_the_node_serves(live_node):
    shapes = rdflib.Graph().parse(f"{live_node.url}shapes", format="turtle")
    records = rdflib.Graph()
    for slug in range(20):
        iri = live_node.record("event", f"workshop-{slug}", title={"fr": "x"}, starts="2026").iri
        records.parse(f"{iri}.ttl", format="turtle")
    conforms, _, report = pyshacl.validate(records, shacl_graph=shapes, inference="none")
    assert conforms, report


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("extension", "syntax"), [("ttl", "turtle"), ("jsonld", "json-ld"), ("rdf", "xml")])
def test_the_shapes_find_a_record_that_breaks_its_declaration(live_node, extension, syntax):
    shapes = rdflib.Graph().parse(f"{live_node.url}shapes.{extension}", format=syntax)
    iri = live_node.record("event", "workshop-1", title={"fr": "x"}, starts="2026").iri
    broken = rdflib.Graph().parse(f"{iri}.ttl", format="turtle")
    broken.remove((rdflib.URIRef(iri), rdflib.DCTERMS.title, None))
    conforms, _, _ = pyshacl.validate(broken, shacl_graph=shapes, inference="none")
    assert not conforms
