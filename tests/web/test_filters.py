"""The filter of a listing, as it stands in an address."""

from urllib.parse import parse_qsl, urlencode

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from chm_node.errors import BadQueryError
from chm_node.facets import LETTERS, of_node
from chm_node.schema import SUBJECT_SCHEMES
from chm_node.vocabulary import vocabularies
from chm_node.web.filters import broadest, findable, parse, to_query


def read(query):
    return parse(MultiDict(parse_qsl(query, keep_blank_values=True)))


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("", ""),
        ("country=Algérie", "country=DZ"),
        ("country=dz&country=TN", "country=DZ&country=TN"),
        ("treaty=TREATY-STOCKHOLM", "treaty=stockholm"),
        ("subject=stockholm-pops/STOCKHOLM-POP-PCB", "subject=PCB"),
        ("type=EVENT&q= a  b ", "type=event&q=a++b"),
        ("language=AR-dz", "language=ar"),
        ("language=FRA&language=fr_CA", "language=fr"),
        ("treaty=\"My treaty\"", "treaty=%22My+treaty%22"),
        ("subject=\"PCB\"", "subject=%22PCB%22"),
        ("subject=\"\"a\"\"", "subject=%22%22a%22%22"),
        ("country=https://w3id.org/chm/vocabulary/countries/XX",
         "country=https%3A%2F%2Fw3id.org%2Fchm%2Fvocabulary%2Fcountries%2FXX"),
        ("subject=\"fresh/1\"", "subject=%22fresh%2F1%22"),
        ("origin=https://n.example/node", "origin=https%3A%2F%2Fn.example%2Fnode"),
        ("country=Africa", "country=002"),
        ("subject=https://other.example/term", "subject=https%3A%2F%2Fother.example%2Fterm"),
        ("type=record", "type=record"),
        ("country=&type=", ""),
        ("q=", ""),
        ("q=%20", ""),
        ("q=%00", "q=%EF%BF%BD"),
    ],
)  # fmt: skip
def test_every_spelling_becomes_the_canonical_one(query, canonical):
    assert to_query(read(query)) == canonical
    assert read(canonical) == read(query)


@pytest.mark.parametrize("scheme", [*SUBJECT_SCHEMES, "countries", "cbd-regions", "un-regions"])
def test_the_canonical_spelling_of_every_term_is_read_back(scheme):
    name = "subject" if scheme in SUBJECT_SCHEMES else "country"
    for iri in vocabularies()[scheme].terms:
        chosen = read(urlencode({name: iri}))
        assert read(to_query(chosen)) == chosen


def test_a_term_is_the_broadest_of_what_it_stands_for():
    chosen = read("country=CBD Regional Groups - Africa")
    assert "countries/DZ" in chosen.facets["country"]
    assert len(broadest(chosen.facets["country"])) == 1


@pytest.mark.parametrize(
    "query",
    [
        "nothing=1",
        "type=x",
        "country=DZ&country=XX",
        "q=" + "a" * 301,
        "&".join(["country=DZ"] * 21),
        "treaty=My treaty",
        'subject=""',
        'subject="',
        "language=fr ca",
        "language=und",
    ],
)
def test_what_is_not_understood_is_an_error(query):
    with pytest.raises(BadQueryError):
        read(query)


@given(st.text(min_size=1, max_size=LETTERS), st.sampled_from(["country", "treaty", "subject"]))
def test_every_term_that_a_record_can_have_can_be_chosen(text, facet):
    value = of_node(ox.Literal(text))
    assert findable(facet, value) == bool(value)


@pytest.mark.parametrize(
    ("facet", "value", "found"),
    [
        ("subject", "", False),
        ("subject", " a", True),
        ("subject", "a\x00b", False),
        ("country", "DZ", True),
        ("country", "countries/XX", True),
        ("subject", "https://other.example/" + "%C3" * 92 + "%C", True),
        ("type", "of-a-package-that-is-gone", True),
        ("language", "fr", True),
        ("language", "zh-hans", False),
        ("language", "fra", False),
        ("language", "http://publications.europa.eu/resource/authority/language/FRA", False),
    ],
)
def test_a_value_that_the_filter_would_not_find_is_known(facet, value, found):
    assert findable(facet, value) is found
