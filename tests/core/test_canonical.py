"""Sorting canonical lines is RDFC-1.0 for graphs without blank nodes."""

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chm_node.canonical import canonical_bytes, canonical_lines, read_triples, refuse_blank_nodes
from chm_node.errors import ParseError

_text = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)
_iris = st.sampled_from([ox.NamedNode(f"https://a.example/{name}") for name in ("x", "y#z", "é", "%20", "ab")])
_literals = st.one_of(
    _text.map(ox.Literal),
    st.tuples(_text, st.sampled_from(["fr", "ar", "zh-Hant"])).map(lambda pair: ox.Literal(pair[0], language=pair[1])),
    _text.map(lambda text: ox.Literal(text, datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#date"))),
)
_triples = st.lists(st.builds(ox.Triple, _iris, _iris, st.one_of(_iris, _literals)), max_size=12)


@given(triples=_triples)
def test_sorted_lines_are_the_canonical_form_of_the_standard(triples):
    dataset = ox.Dataset(ox.Quad(each.subject, each.predicate, each.object) for each in triples)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    standard = "".join(sorted(f"{quad} .\n" for quad in dataset))
    assert canonical_bytes(canonical_lines(triples)).decode() == standard


@given(triples=_triples)
def test_stored_bytes_read_back_as_the_same_graph(triples):
    stored = canonical_bytes(canonical_lines(triples))
    assert set(read_triples(stored)) == set(triples)
    assert canonical_bytes(canonical_lines(read_triples(stored))) == stored


def test_a_blank_node_is_refused_with_the_records_iri():
    triple = ox.Triple(ox.NamedNode("https://a.example/1"), ox.NamedNode("https://a.example/p"), ox.BlankNode())
    with pytest.raises(ParseError, match=r"https://a\.example/1"):
        refuse_blank_nodes("https://a.example/1", [triple])
