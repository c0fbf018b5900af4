"""The filter of a listing, as it stands in an address."""

from urllib.parse import parse_qsl, urlencode

import pytest
from werkzeug.datastructures import MultiDict

from chm_node.errors import BadQueryError
from chm_node.schema import SUBJECT_SCHEMES
from chm_node.vocabulary import vocabularies
from chm_node.web.filters import broadest, parse, to_query


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
        ("origin=https://n.example/node", "origin=https%3A%2F%2Fn.example%2Fnode"),
        ("country=Africa", "country=002"),
        ("subject=https://other.example/term", "subject=https%3A%2F%2Fother.example%2Fterm"),
        ("type=record", "type=record"),
        ("country=&type=", ""),
        ("q=", ""),
        ("q=%20", ""),
        ("q=%00", "q=%EF%BF%BD"),
    ],
)
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
    "query", ["nothing=1", "type=x", "country=DZ&country=XX", "q=" + "a" * 301, "&".join(["country=DZ"] * 21)]
)
def test_what_is_not_understood_is_an_error(query):
    with pytest.raises(BadQueryError):
        read(query)
