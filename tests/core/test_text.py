"""Text at the door: cleaning, HTML, language tags, IRIs."""

import unicodedata
from xml.etree import ElementTree

import pyoxigraph
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chm_node.text import (
    clean_html,
    clean_text,
    host_of,
    is_clean,
    is_rtl,
    language_tag,
    valid_iri,
    valid_language_tag,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # surrogates too


@given(ANY_TEXT)
def test_cleaned_text_is_clean_and_stays_as_it_is(text):
    cleaned = clean_text(text)
    assert is_clean(cleaned)
    assert clean_text(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)


@given(ANY_TEXT)
def test_cleaned_text_survives_xml(text):
    element = ElementTree.Element("title")
    element.text = clean_text(text)
    read = ElementTree.fromstring(ElementTree.tostring(element, "utf-8"))
    assert (read.text or "") == clean_text(text)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  PCB\u0000 stock\u000b ", "PCB stock"),
        ("one\r\ntwo\rthree\tfour", "one\ntwo\nthree\tfour"),
        ("\ud800alone", "alone"),
        ("bad\ufffe\uffff", "bad"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u200fالجزائر", "\u200fالجزائر"),
        ("\U0001f30d", "\U0001f30d"),
    ],
)
def test_only_what_breaks_outputs_is_removed(text, cleaned):
    assert clean_text(text) == cleaned


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg><style><a id='</style><img src=1 onerror=alert(1)>'>",
        "<math><mtext><table><mglyph><style><img src onerror=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href='java\nscript:alert(1)'>x</a>",
        "<a href='data:text/html,x'>x</a>",
        "<a href='//evil.example/'>x</a>",
        "<a href='/local'>x</a>",
        "<p style='position:fixed' onclick=alert(1) class=x id=y>t</p>",
        "<form action=//evil><input name=password></form>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<base href=//evil>",
        "<p dir='\"><script>'>x</p>",
    ],
)
def test_dangerous_html_is_taken_out(attack):
    shown = clean_html(attack).lower()
    for trace in (
        "<script",
        "<img",
        "<svg",
        "<math",
        "<style",
        "<form",
        "<iframe",
        "<base",
        "href",
        "=alert",
        "style=",
        "class=",
    ):
        assert trace not in shown
    assert clean_html(clean_html(attack)) == clean_html(attack)


def test_the_usual_tags_languages_and_links_are_kept():
    given_html = '<h2 lang="fr">Déchets</h2><p dir="rtl" lang="ar">مرحبا <em>x</em></p>'
    assert clean_html(given_html) == given_html
    linked = clean_html('<a href="https://x.example/a?b=1&amp;c=2" target=_blank>x</a>')
    assert linked == ('<a href="https://x.example/a?b=1&amp;c=2" rel="noopener noreferrer nofollow ugc">x</a>')


@given(ANY_TEXT)
def test_any_text_can_be_cleaned_as_html(text):
    assert "<script" not in clean_html(text).lower()


@pytest.mark.parametrize(
    ("language", "rtl"),
    [
        ("ar", True),
        ("AR-dz", True),
        ("he", True),
        ("az-Arab", True),
        ("ks-Latn", False),
        ("fr", False),
        ("zh-Hant", False),
    ],
)
def test_the_writing_direction_follows_script_then_language(language, rtl):
    assert is_rtl(language) is rtl


@pytest.mark.parametrize(
    "tag", ["en", "fr-DZ", "zh-Hant-TW", "sl-rozaj-biske", "de-CH-1996", "es-419", "x-local", "ar-x-a"]
)
def test_well_formed_language_tags_are_accepted(tag):
    assert valid_language_tag(tag)
    line = f'<a:b> <a:c> "x"@{tag} .'
    assert [quad.object.language for quad in pyoxigraph.parse(line, pyoxigraph.RdfFormat.N_QUADS)] == [
        language_tag(tag)
    ]


@pytest.mark.parametrize(
    "tag", ["", "e", "en-", "en_GB", "français", "en GB", "123", "en-x", "abcdefghi", "en-toolongsubtag"]
)
def test_other_language_tags_are_refused(tag):
    assert not valid_language_tag(tag)


@pytest.mark.parametrize(
    "iri",
    [
        "https://chm.example/id/42#meta",
        "http://127.0.0.1:8001/id/1",
        "https://pays.example/é/%C3%A9?q=الجزائر",
        "http://[2001:db8::1]/",
        "mailto:focal.point@env.example",
        "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
        "tel:+213-21-432801",
        "HTTPS://EXAMPLE.ORG",
    ],
)
def test_absolute_iris_are_accepted(iri):
    assert valid_iri(iri)


@pytest.mark.parametrize(
    "iri",
    [
        "", "relative/path", "//host/x", "http://", "http:///x", "https://a b/", "https://x/a b", "https://x/<y>", 'https://x/"',
        "https://x/{y}", "https://x/a|b", "https://x/a\\b", "https://x/a^b", "https://x/`", "https://x/%zz", "https://x/%",
        "urn:", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://x/\u202e", "https://x/\ud800",
        "https://x/\n", " https://x/", "https://x/a#b#c", "https://x##y", "mailto:", "https://user@", "http://[::1", "https://x:port/",
    ],
)  # fmt: skip
def test_other_iris_are_refused(iri):
    assert not valid_iri(iri)


@given(
    st.sampled_from(["https://x.example/", "http://", "urn:", "mailto:", "https://x/?", "https://x/#", "tel:"]),
    st.text(st.characters(exclude_categories=()) | st.sampled_from("%[]/?#@:é0aAfF"), max_size=12),
)
def test_every_accepted_iri_can_be_written_and_read_as_rdf(start, rest):
    iri = start + rest
    if valid_iri(iri):
        (quad,) = pyoxigraph.parse(f"<{iri}> <a:b> <{iri}> .", pyoxigraph.RdfFormat.N_TRIPLES)
        assert quad.subject.value == iri


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://x.example:8000/a?b#c", "x.example:8000"),
        ("urn:uuid:1", ""),
        ("relative", ""),
        ("", ""),
        ("https://[", ""),
        ("https://a℀b.example/x", ""),
    ],
)
def test_an_address_has_a_host_or_none_whatever_it_is(address, host):
    assert host_of(address) == host
