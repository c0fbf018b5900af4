"""What a facet value may be, and when it stands for a term with an IRI."""

import pyoxigraph as ox
import pytest
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st

from chm_node.entry import entry
from chm_node.facets import LETTERS, iri_of
from chm_node.namespaces import CHM, DCTERMS, LANGUAGE, VOCABULARY
from chm_node.record_types import RECORD_TYPES
from chm_node.text import TWO_LETTERS, is_clean, primary_language

RECORD = "https://n.example/id/news/1"
AUTHORITY = "http://publications.europa.eu/resource/authority/language/"
LONG = "https://other.example/term/" + "%C3%A9" * 60


def values(facet, *objects):
    """What a record that states these objects is listed under."""
    predicate = {"subject": DCTERMS.subject, "country": DCTERMS.spatial, "treaty": CHM.treaty}.get(
        facet, DCTERMS.language
    )
    title = (ox.NamedNode(DCTERMS.title), ox.Literal("Title"))
    stated = [title, *((ox.NamedNode(predicate), each) for each in objects)]
    graph = [ox.Triple(ox.NamedNode(RECORD), *each) for each in stated]
    return [value for name, value in entry(RECORD, graph, RECORD_TYPES["news"]).facets if name == facet]


def term(iri):
    return ox.NamedNode(iri)


@pytest.mark.parametrize(
    ("facet", "stated", "value", "iri"),
    [
        ("country", term(f"{VOCABULARY}countries/DZ"), "countries/DZ", f"{VOCABULARY}countries/DZ"),
        # A newer release of somebody else.
        ("country", term(f"{VOCABULARY}countries/XX"), "countries/XX", f"{VOCABULARY}countries/XX"),
        ("subject", term(f"{VOCABULARY}fresh/1"), "fresh/1", ""),
        ("subject", term("http://example.org/term/x"), "http://example.org/term/x", "http://example.org/term/x"),
        ("subject", term("foo:bar"), "foo:bar", ""),
        # What would be read as another IRI without what ours begin with.
        ("subject", term(f"{VOCABULARY}urn:isbn:1"), f"{VOCABULARY}urn:isbn:1", f"{VOCABULARY}urn:isbn:1"),
        ("subject", term(VOCABULARY), VOCABULARY, VOCABULARY),
        # Known by a code, a name, an alias.
        ("country", ox.Literal("DZ"), "countries/DZ", f"{VOCABULARY}countries/DZ"),
        ("country", ox.Literal(" Algérie "), "countries/DZ", f"{VOCABULARY}countries/DZ"),
        ("subject", ox.Literal("1336-36-3"), "stockholm-pops/STOCKHOLM-POP-PCB",
         f"{VOCABULARY}stockholm-pops/STOCKHOLM-POP-PCB"),
        ("subject", ox.Literal(f"{VOCABULARY}topics/NEW"), "topics/NEW", f"{VOCABULARY}topics/NEW"),
        # Anything else is a plain text.
        ("subject", ox.Literal("Oil spills"), "Oil spills", ""),
        ("subject", ox.Literal("Oil spills", language="en"), "Oil spills", ""),
        ("subject", ox.Literal("Foo: bar"), "Foo: bar", ""),
        ("subject", ox.Literal("ñandú"), "ñandú", ""),
        ("subject", ox.Literal("and/or"), "and/or", ""),
        ("subject", ox.Literal("a/b c"), "a/b c", ""),
        ("subject", ox.Literal("topics/a b"), "topics/a b", ""),
        ("subject", ox.Literal("x:y"), "x:y", ""),
        ("subject", ox.Literal("http://"), "http://", ""),
        ("subject", ox.Literal("\u202ea\u0001 "), "a", ""),
        ("treaty", ox.Literal("My treaty"), "My treaty", ""),
    ],
)  # fmt: skip
def test_a_term_is_short_an_iri_stays_one_and_anything_else_is_a_text(facet, stated, value, iri):
    assert values(facet, stated) == [value]
    assert iri_of(value) == iri


@pytest.mark.parametrize("stated", [ox.Literal(""), ox.Literal(" \u202e\u0001"), term("http://example.org/e\u0301")])
def test_what_no_page_could_show_is_no_value(stated):
    assert values("subject", stated) == []


@pytest.mark.parametrize("stated", [term(LONG), ox.Literal(LONG), ox.Literal("word " * 99), term("urn:x:" + "a" * 300)])
def test_what_was_cut_has_no_iri(stated):
    [value] = values("subject", stated)
    assert len(value) <= LETTERS
    assert is_clean(value)
    assert iri_of(value) == ""
    assert iri_of(LONG[:LETTERS]) == "", "as rows have it that were cut before"


@given(st.text())
def test_any_text_gives_values_that_every_output_can_carry(text):
    for facet in ("subject", "language"):
        for value in values(facet, ox.Literal(text)):
            assert value
            assert is_clean(value)
            assert len(value) <= LETTERS


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        (term(f"{LANGUAGE}fr"), ["fr"]),
        (term(f"{LANGUAGE}zh-hans"), ["zh"]),
        (term(f"{AUTHORITY}FRA"), ["fr"]),
        (term("http://id.loc.gov/vocabulary/iso639-2/fre"), ["fr"]),
        (term("http://id.loc.gov/vocabulary/iso639-2/ber"), ["ber"]),
        (term(f"{AUTHORITY}MUL"), []),
        (term(LANGUAGE), []),
        (term("http://www.wikidata.org/entity/Q150"), []),
        (ox.Literal("zh-Hans"), ["zh"]),
        (ox.Literal("pt_BR"), ["pt"]),
        (ox.Literal("PT-br"), ["pt"]),
        (ox.Literal("French"), []),
        (ox.Literal("old documents"), []),
        (ox.Literal("x-klingon"), []),
        (ox.Literal(""), []),
        (ox.Literal("und"), []),
    ],
)
def test_a_stated_language_is_listed_by_its_shortest_code(stated, found):
    assert values("language", stated) == found


@pytest.mark.parametrize(("tag", "language"), [("fr-ca", "fr"), ("fra", "fr"), ("ar-DZ", "ar"), ("zh-Hant-TW", "zh")])
def test_the_language_of_a_title_is_listed_likewise(tag, language):
    title = ox.Triple(ox.NamedNode(RECORD), ox.NamedNode(DCTERMS.title), ox.Literal("Title", language=tag))
    assert ("language", language) in entry(RECORD, [title], RECORD_TYPES["news"]).facets


def test_codes_of_three_letters_stand_for_those_that_unicode_says_too():
    aliases = get_global("language_aliases")
    others = {code: two for code, two in TWO_LETTERS.items() if aliases.get(code) != two}
    # There Tagalog is Filipino, and Twi is Akan.
    assert others == {"tgl": "tl", "twi": "tw"}
    assert (len(TWO_LETTERS), len(set(TWO_LETTERS.values()))) == (203, 183)
    assert {primary_language(code) for code in TWO_LETTERS} == set(TWO_LETTERS.values())


def test_a_language_of_another_list_is_published_by_its_iso_code():
    news = RECORD_TYPES["news"]
    stated = [(DCTERMS.title, ox.Literal("Titre", language="fr")), (DCTERMS.language, term(f"{AUTHORITY}FRA"))]
    graph = [ox.Triple(ox.NamedNode(RECORD), ox.NamedNode(name), each) for name, each in stated]
    record, _ = news.read(RECORD, graph)
    assert record.values["languages"] == ["fr"]
    assert term(f"{LANGUAGE}fr") in {triple.object for triple in news.triples(record)}
