"""The W3C test suite of RDFC-1.0, read as a peer's statements are.

What has no blank nodes has the canonical form of the suite; what has some is refused, before anything is computed.
The suite's maps of issued identifiers are not asked for: nothing here issues identifiers to blank nodes.
"""

import csv
from pathlib import Path

import pyoxigraph as ox
import pytest

from chm_node.canonical import canonical_bytes, canonical_lines, refuse_blank_nodes
from chm_node.errors import ParseError
from chm_node.foreign import read_rdf

SUITE = Path(__file__).parent / "w3c" / "rdf-canon"
GROUND = [f"test{number:03}" for number in (1, 2, 6, 8, 9, 10, 11, 13, 14, 43, 60, 61, 62, 76)]
#: A clique of ten blank nodes, which the standard lets a processor give up on.
POISON = "test074"
with (SUITE / "manifest.csv").open(newline="") as manifest:
    CASES = {row["test"]: row for row in csv.DictReader(manifest)}
WITH_BLANK_NODES = [name for name in CASES if name not in GROUND]


def given(name):
    return read_rdf((SUITE / "rdfc10" / f"{name}-in.nq").read_bytes(), "application/n-quads", "https://a.example/")


def expected(name):
    return (SUITE / "rdfc10" / f"{name}-rdfc10.nq").read_bytes()


def test_the_suite_is_whole():
    assert (len(CASES), len(WITH_BLANK_NODES)) == (65, 51)
    assert POISON in WITH_BLANK_NODES


@pytest.mark.parametrize("name", GROUND)
def test_what_has_no_blank_nodes_has_the_form_of_the_suite(name):
    assert canonical_bytes(canonical_lines(given(name))) == expected(name)


@pytest.mark.parametrize("name", WITH_BLANK_NODES)
def test_what_has_blank_nodes_is_refused(name):
    with pytest.raises(ParseError, match="blank node"):
        refuse_blank_nodes("https://a.example/1", [quad.triple for quad in given(name)])


@pytest.mark.parametrize("name", [name for name in CASES if name != POISON])
def test_the_library_that_our_sorting_is_measured_by_passes_the_suite(name):
    is_longer = CASES[name]["hashAlgorithm"] == "SHA384"
    algorithms = ox.CanonicalizationAlgorithm
    dataset = ox.Dataset(given(name))
    dataset.canonicalize(algorithms.RDFC_1_0_SHA_384 if is_longer else algorithms.RDFC_1_0)
    assert "".join(sorted(f"{quad} .\n" for quad in dataset)).encode() == expected(name)
