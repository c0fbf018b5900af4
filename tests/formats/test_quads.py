"""Datasets written by text are what an RDF library reads."""

import re

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from chm_node.canonical import canonical_bytes, canonical_lines
from chm_node.errors import NotAcceptableError
from chm_node.formats import quads, rdf
from chm_node.formats.quads import Graph

WRITERS = {
    "TriG": (quads.trig, ox.RdfFormat.TRIG),
    "N-Quads": (quads.n_quads, ox.RdfFormat.N_QUADS),
    "JSON-LD": (quads.json_ld, ox.RdfFormat.JSON_LD),
}
TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
nodes = st.sampled_from(["a", "b#c", "ü", "d?x=1&y=2"]).map(lambda name: ox.NamedNode(f"https://n.example/{name}"))
literals = st.one_of(
    st.builds(ox.Literal, texts),
    st.builds(lambda text, tag: ox.Literal(text, language=tag), texts, st.sampled_from(["ar", "fr-ca", "zh-hant"])),
    st.builds(lambda text: ox.Literal(text, datatype=ox.NamedNode("https://n.example/type")), texts),
)
triples = st.builds(ox.Triple, nodes, st.one_of(nodes, st.just(TYPE)), st.one_of(nodes, literals))


@pytest.mark.parametrize("name", WRITERS)
@given(default=st.lists(triples, max_size=6), named=st.lists(triples, min_size=1, max_size=6))
def test_what_is_written_by_text_is_read_back(name, default, named):
    write, syntax = WRITERS[name]
    graphs = [
        Graph("", canonical_bytes(canonical_lines(default))),
        Graph("<https://n.example/graph>", canonical_bytes(canonical_lines(named))),
    ]
    expected = {ox.Quad(*triple, ox.DefaultGraph()) for triple in default}
    expected |= {ox.Quad(*triple, ox.NamedNode("https://n.example/graph")) for triple in named}
    assert set(ox.parse(write(graphs), syntax)) == expected


@pytest.mark.parametrize("media_type", rdf.GRAPH_WRITERS)
@given(stated=st.lists(triples, min_size=1, max_size=6))
def test_every_writer_of_graphs_is_deterministic_and_read_back(media_type, stated):
    if media_type == "application/rdf+xml":
        # RDF/XML cannot write every predicate or class, nor keep line ends as they are.
        stated = [
            triple
            for triple in stated
            if not rdf.unnamed_in_xml([triple])
            and not (isinstance(triple.object, ox.Literal) and "\r" in triple.object.value)
        ]
    data = rdf.GRAPH_WRITERS[media_type](stated)
    assert data == rdf.GRAPH_WRITERS[media_type](stated)
    syntax = ox.RdfFormat.from_media_type(media_type)
    read = {quad.triple for quad in ox.parse(data, syntax)}
    if media_type == "application/rdf+xml":
        assert len(read) <= len(set(stated))
    else:
        assert read == set(stated)


@pytest.mark.parametrize("label", ["_:focal-point-path", "_:a.b", "_:été"])
def test_a_blank_node_is_written_whatever_its_label(label):
    line = f"{label} <https://n.example/p> {label} .\n"
    [written] = quads.json_ld_objects(line.encode())
    [quad] = ox.parse(f"[{written}]", ox.RdfFormat.JSON_LD)
    assert quad.subject == quad.object


def test_a_statement_that_cannot_be_written_is_never_left_out():
    with pytest.raises(ValueError, match="1 of 2 lines"):
        quads.json_ld_objects(b'<x:a> <x:b> "c" .\n<x:a> <x:b> <<( <x:a> <x:b> "c" )>> .\n')


RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
#: What RDF/XML can and cannot use as the name of an element.
NAMES = [f"{RDF}_1", "urn:x:abc", *(f"https://n.example/{end}" for end in ("p#a-b", "p/1a", "é", "a%20b"))]
NO_NAMES = [
    *(f"{RDF}{name}" for name in ("li", "Description", "RDF")),
    *(f"https://n.example/{end}" for end in ("p/123", "p/", "p#", "p×", "a%20")),
    *("urn:oid:1.2.3", "http://www.w3.org/2000/xmlns/a"),
]


def stated_with(iri):
    """Statements that need the IRI as the name of an element: as predicate, and as the one class of something."""
    subject, named = ox.NamedNode("https://n.example/a"), ox.NamedNode(iri)
    return ox.Triple(subject, named, ox.Literal("x")), ox.Triple(subject, TYPE, named)


@pytest.mark.parametrize("iri", NAMES)
def test_rdf_xml_states_what_it_has_names_for(iri):
    for triple in stated_with(iri):
        assert rdf.unnamed_in_xml([triple]) == ""
        data = rdf.rdf_xml([triple])
        etree.fromstring(data)
        assert [quad.triple for quad in ox.parse(data, ox.RdfFormat.RDF_XML)] == [triple]


@pytest.mark.parametrize("iri", NO_NAMES)
def test_rdf_xml_is_not_written_of_what_it_has_no_name_for(iri):
    for triple in stated_with(iri):
        assert rdf.unnamed_in_xml([triple]) == iri
        with pytest.raises(NotAcceptableError, match=re.escape(iri)):
            rdf.rdf_xml([triple])
