"""The pages for people: what they show, in which language, to whom they cannot do harm."""

import gettext
import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from chm_node.canonical import canonical_bytes, canonical_lines, digest, read_triples
from chm_node.catalogue import Catalogue, ChangeLog
from chm_node.database import reading, writing
from chm_node.entry import entry
from chm_node.namespaces import DCTERMS, FOAF, RDF
from chm_node.publishing import identifier_of, record_iri
from chm_node.record import Action, Change, RecordGraph
from chm_node.record_types import OTHER, RECORD_TYPES, type_of
from chm_node.schema import Field
from harvest.description import Description
from harvest.sources import approve, propose
from harvest.trust import Authority

ROOT = Path(__file__).parents[2]
WEB = ROOT / "chm_node" / "web"
LANGUAGES = ("en", "fr", "ar")
TRANSLATED = ("fr", "ar")
PAGES = (
    "",
    "records",
    "records?type=event&q=formation",
    "records?q=nothing-has-this",
    "network",
    "join",
    "follow",
    "missing",
)
PEER = "http://peer.example/"
#: Words of a code list that are the same in every language.
CODE = re.compile(r"[A-Z]{2}|[IV]+[ab]?|[a-z]{2}")
VOID_TAGS = {"meta", "link", "input", "br", "img", "hr"}


@dataclass(frozen=True)
class Node:
    """An element or a text of a page."""

    tag: str
    attributes: dict[str, str]
    text: str
    foreign: bool  #: inside an element that says it is in another language than the page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self._open: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.nodes.append(Node(tag, attributes, "", self._foreign))
        if tag not in VOID_TAGS:
            self._open.append((tag, attributes))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.nodes.append(Node("", {}, " ".join(data.split()), self._foreign))

    @property
    def _foreign(self) -> bool:
        return any("lang" in attributes for tag, attributes in self._open if tag != "html")


def read(page: str) -> list[Node]:
    reader = _Reader()
    reader.feed(page)
    return reader.nodes


def text_of(page: str) -> str:
    return " ".join(node.text for node in read(page) if node.text)


def html(site, path: str, status: int = 200) -> str:
    answer = site.get(path, accept="text/html")
    assert answer.status_code == status, answer.get_data(as_text=True)[:300]
    assert answer.content_type == "text/html; charset=utf-8"
    return answer.get_data(as_text=True)


def page_of(site, name: str, language: str) -> str:
    return site.app.extensions["chm"].page_of(site.iris[name], language)


def catalogue_of(language: str) -> Any:
    with (WEB / "translations" / language / "LC_MESSAGES" / "messages.po").open("rb") as readable:
        return read_po(readable, locale=language, abort_invalid=True)


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """The compiled translations are those of the .po files, whenever the project was last built."""
    for language in LANGUAGES:
        with (WEB / "translations" / language / "LC_MESSAGES" / "messages.mo").open("wb") as writable:
            write_mo(writable, catalogue_of(language))


def harvested(
    site, name: str, more: list[ox.Triple] | None = None, type_name: str = "news", hop: str = f"{PEER}node"
) -> str:
    """A record of another node, taken over as a harvest does; its title is in French."""
    iri = f"{PEER}id/{type_name}/{name}"
    node = ox.NamedNode(iri)
    triples = [
        ox.Triple(node, ox.NamedNode(RDF.type), ox.NamedNode(RECORD_TYPES[type_name].rdf_class)),
        ox.Triple(node, ox.NamedNode(DCTERMS.type), ox.NamedNode(RECORD_TYPES[type_name].term)),
        ox.Triple(node, ox.NamedNode(DCTERMS.title), ox.Literal("Une nouvelle de Tunis", language="fr")),
        *(more or []),
    ]
    version = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)
    nquads = canonical_bytes(canonical_lines(triples))
    graph = RecordGraph(iri, Action.CREATE, f"{PEER}node", version, nquads, digest(nquads))
    with writing(site.engine) as connection:
        log = ChangeLog(connection)
        [log_time] = log.next_log_times(1, site.now)
        found = entry(iri, read_triples(nquads), type_of(iri, read_triples(nquads)))
        log.append([Change(log_time, graph, found, hops=(hop,))])
    site.iris[name] = iri
    return iri


def approved_peer(site) -> None:
    authority = Authority(f"{PEER}node", f"{PEER}id/", "")
    described = Description(authority, "", f"{PEER}feed", {"fr": "Nœud de Tunis", "ar": "عقدة تونس"}, "TN", ())
    with writing(site.engine) as connection:
        propose(connection, PEER, described, site.now)
        approve(connection, PEER, site.settings, site.now)


# Every page, in every language.


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_its_language_and_direction_and_has_one_heading(site, path, language):
    page = html(site, f"/{language}/{path}", 404 if path == "missing" else 200)
    nodes = read(page)
    [root] = [node for node in nodes if node.tag == "html"]
    assert (root.attributes["lang"], root.attributes["dir"]) == (language, "rtl" if language == "ar" else "ltr")
    assert [node.tag for node in nodes].count("h1") == 1
    assert [node.tag for node in nodes].count("main") == 1
    assert next(node for node in nodes if node.tag == "a").attributes["href"] == "#main"
    assert any(node.attributes.get("name") == "q" for node in nodes if node.tag == "input")


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("path", [*PAGES, "event", "gone"])
def test_no_english_text_is_left_on_a_translated_page(site, path, language):
    if path in ("event", "gone"):
        page = site.get(page_of(site, "workshop" if path == "event" else "withdrawn", language)).get_data(as_text=True)
    else:
        page = site.get(f"/{language}/{path}", accept="text/html").get_data(as_text=True)
    translated = {
        message.id if isinstance(message.id, str) else message.id[1]
        for message in catalogue_of(language)
        if message.id and message.string not in (message.id, "")
    }
    # "Source" and the like are words of French as well.
    also = {message.string for message in catalogue_of(language)}
    assert [node.text for node in read(page) if node.text in translated - also and not node.foreign] == []


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_script_a_style_of_its_own_a_cookie_or_a_third_party(site, path):
    answer = site.get(f"/en/{path}", accept="text/html")
    nodes = read(answer.get_data(as_text=True))
    assert not {"script", "style", "iframe", "img"} & {node.tag for node in nodes}
    assert not [name for node in nodes for name in node.attributes if name == "style" or name.startswith("on")]
    assert "Set-Cookie" not in answer.headers
    loaded = [
        node.attributes for node in nodes if node.tag == "link" and node.attributes["rel"] in ("stylesheet", "icon")
    ]
    assert loaded
    assert all(each["href"].startswith("/assets/") for each in loaded)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_weighs_little(site, language):
    site.publish_all(
        [
            RECORD_TYPES["news"].record(
                record_iri(site.settings, "news", identifier_of(site.settings, f"n{number}")),
                {"title": {"fr": f"Nouvelle {number}"}, "summary": {"fr": "Une phrase de résumé. " * 10}},
            )
            for number in range(30)
        ]
    )
    style = (WEB / "static" / "style.css").read_bytes()
    assert len(gzip.compress(style, 9)) <= 16 * 1024
    for path in (*PAGES, page_of(site, "workshop", language)):
        page = site.get(path if "://" in path else f"/{language}/{path}", accept="text/html").data
        assert len(gzip.compress(page, 9)) <= 14 * 1024


def test_the_style_sheet_knows_no_left_and_no_right():
    style = (WEB / "static" / "style.css").read_text()
    assert re.findall(r"\b(?:left|right)\b", style) == []
    assert re.findall(r"\b(?:margin|padding|border)-(?:top|bottom)|(?<!-)\b(?:width|height)\s*:", style) == []


def test_the_style_sheet_is_kept_for_a_year_at_an_address_that_names_its_content(site):
    page = html(site, "/en/")
    [address] = re.findall(r'href="(/assets/style\.css\?v=[0-9a-f]+)"', page)
    answer = site.get(address)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.content_type == "text/css; charset=utf-8"
    assert answer.data == (WEB / "static" / "style.css").read_bytes()


# Languages.


def test_the_root_leads_to_the_reader_s_language(site):
    assert site.get("/", accept_language="ar,en;q=0.5").headers["Location"] == "/ar/"
    answer = site.get("/", accept_language="ja")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/en/")
    assert answer.headers["Vary"] == "Accept-Language"


def test_changing_the_language_keeps_the_page(site):
    page = html(site, "/fr/records?type=event&q=PCB")
    hrefs = {
        node.attributes["hreflang"]: node.attributes["href"] for node in read(page) if "hreflang" in node.attributes
    }
    assert hrefs["ar"] == "/ar/records?type=event&q=PCB"


def test_a_language_the_node_does_not_speak_is_not_found(site):
    site.app.extensions["chm"] = replace(
        site.app.extensions["chm"], settings=site.settings.model_copy(update={"languages": ("en", "fr")})
    )
    html(site, "/ar/records", 404)
    assert 'hreflang="ar"' not in html(site, "/fr/records")


def labels() -> Iterator[str]:
    def walk(field: Field) -> Iterator[str]:
        yield from (field.label, field.hint, *getattr(field, "choices", ()))
        for part in getattr(field, "parts", ()):
            yield from walk(part)

    for record_type in (*RECORD_TYPES.values(), OTHER):
        for field in record_type.fields:
            yield from walk(field)


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_label_hint_and_choice_of_a_record_type_is_translated(language):
    known = {message.id for message in catalogue_of(language) if message.id and message.string and not message.fuzzy}
    assert sorted({text for text in labels() if text and not CODE.fullmatch(text)} - known) == []


@pytest.fixture(scope="module")
def interface_texts() -> set[Any]:
    """Everything that the templates and the code have translated."""
    with (ROOT / "babel.cfg").open() as readable:
        methods, options = parse_mapping_cfg(readable)
    found = extract_from_dir(str(ROOT), methods, options, directory_filter=lambda path: Path(path).name[0] != ".")
    return {message for _, _, message, _, _ in found}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_interface_is_in_the_translations(interface_texts, language):
    catalogue = catalogue_of(language)
    known = {message.id for message in catalogue if message.id}
    assert [text for text in interface_texts if text not in known] == []
    if language in TRANSLATED:
        empty = [message.id for message in catalogue if message.id and not all([*_forms(message.string)])]
        assert empty == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_translations_hold_nothing_that_is_no_longer_used(interface_texts, language):
    wanted = interface_texts | set(labels())
    assert [message.id for message in catalogue_of(language) if message.id and message.id not in wanted] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_places_of_its_original(language):
    wrong = []
    for message in catalogue_of(language):
        ids = _forms(message.id)
        asked = set(re.findall(r"%\(\w+\)s", " ".join(ids)))
        for form in _forms(message.string):
            used = set(re.findall(r"%\(\w+\)s", form))
            # "one record" needs no number in Arabic.
            if not used <= asked or (asked - used) - {"%(count)s"}:
                wrong.append((message.id, form))
    assert wrong == []


def _forms(text: Any) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


@pytest.mark.parametrize(
    ("language", "count", "words"),
    [
        ("en", 1, "1 record"),
        ("en", 0, "0 records"),
        ("fr", 0, "0 notice"),
        ("fr", 1, "1 notice"),
        ("fr", 2, "2 notices"),
        ("ar", 0, "لا سجلات"),
        ("ar", 1, "سجل واحد"),
        ("ar", 2, "سجلان"),
        ("ar", 3, "3 سجلات"),
        ("ar", 11, "11 سجلًا"),
        ("ar", 100, "100 سجل"),
    ],
)
def test_counts_read_as_people_say_them(language, count, words):
    translation = gettext.translation("messages", WEB / "translations", [language])
    assert translation.ngettext("%(count)s record", "%(count)s records", count) % {"count": count} == words


# Home.


def test_the_home_page_counts_the_types_and_treaties_and_lists_the_newest(site):
    page = html(site, "/fr/")
    text = text_of(page)
    assert "11 notices, par type" in text
    assert "/fr/records?type=event" in page
    assert "Convention de Stockholm sur les polluants organiques persistants" in text
    assert text.index("A notice, corrected") < text.index("Journée de formation 6")


def test_the_home_page_of_a_hub_names_the_nodes_it_harvests(site):
    harvested(site, "n1")
    approved_peer(site)
    page = html(site, "/fr/")
    assert "Moissonné auprès de" in text_of(page)
    assert "Nœud de Tunis" in text_of(page)


def test_a_new_node_says_that_it_is_empty(empty_site):
    assert "Nothing published yet" in text_of(html(empty_site, "/en/"))


@pytest.mark.parametrize("path", ["/", "/en/", "/ar/"])
def test_the_home_page_leads_machines_to_every_interface(site, path):
    assert '<https://node.example/.well-known/api-catalog>; rel="api-catalog"' in site.get(path).headers["Link"]


def test_a_reader_of_a_national_variety_gets_that_language(site):
    answered = site.client.get("/", headers={"Accept-Language": "fr-DZ, en;q=0.5"})
    assert answered.headers["Location"].endswith("/fr/")


# The listing.


def counts(page: str, name: str) -> dict[str, str]:
    pattern = rf'<input type="\w+" name="{name}" value="([^"]*)"[^>]*> <span>.*?</span> <small>(\d+)</small>'
    return dict(re.findall(pattern, page))


def test_the_heading_says_what_was_asked_and_how_many_there_are(site):
    text = text_of(html(site, "/en/records?q=training"))
    assert "training 6 records" in text


def test_counts_follow_the_words_and_the_other_filters(site):
    page = html(site, "/en/records?type=event&country=DZ")
    assert counts(page, "type") == {"event": "4", "news": "1"}, "as many as each type has in Algeria"
    assert counts(page, "country") == {"DZ": "4", "MA": "3"}, "as many events as each country has"
    assert counts(html(site, "/en/records?q=training"), "country") == {"DZ": "3", "MA": "3"}


def test_the_count_of_a_region_is_of_all_that_choosing_it_shows(site):
    vocabulary = "https://w3id.org/chm/vocabulary/"
    site.publish("centre", "news", {"title": {"en": "Centre"}, "coverage": [f"{vocabulary}un-regions/SCRC-ALGIERS"]})
    site.publish("world", "news", {"title": {"en": "World"}, "coverage": [f"{vocabulary}un-regions/UN-M49-001"]})
    found = counts(html(site, "/en/records"), "country")
    assert found == {"001": "11", "SCRC-ALGIERS": "11", "DZ": "5", "MA": "4", "TN": "1"}
    assert "11 records" in text_of(html(site, "/en/records?country=SCRC-ALGIERS"))
    within = html(site, "/en/records?type=news&country=SCRC-ALGIERS")
    assert counts(within, "country") == {"001": "4", "SCRC-ALGIERS": "4", "DZ": "1", "MA": "1", "TN": "1"}
    chosen = html(site, "/en/records?country=015")
    assert counts(chosen, "country")["015"] == "10", "a region that no record names has its count when it is chosen"


def test_a_hub_can_be_filtered_by_origin_with_counts_that_follow_the_words(site):
    harvested(site, "n1")
    approved_peer(site)
    own, peer = site.settings.node_iri, f"{PEER}node"
    assert counts(html(site, "/fr/records"), "origin") == {own: "11", peer: "1"}
    assert counts(html(site, "/fr/records?q=nouvelle"), "origin") == {}, "one origin is nothing to choose from"
    listed = html(site, f"/fr/records?origin={peer}")
    assert "Notices 1 notice" in text_of(listed)
    assert "Origine : Nœud de Tunis" in text_of(listed)


def test_a_term_that_a_machine_translated_is_marked(site):
    target = "https://w3id.org/chm/vocabulary/gbf-targets/GBF-TARGET-03"
    site.publish("target", "news", {"title": {"fr": "Cible"}, "subjects": [target, "PCB"]})
    assert text_of(html(site, page_of(site, "target", "fr"))).count("(traduction automatique)") == 1
    assert "translated by a machine" not in text_of(html(site, page_of(site, "target", "en")))


def test_a_filter_in_use_can_be_given_up_by_itself(site):
    page = html(site, "/en/records?type=event&country=DZ&q=training")
    hrefs = [node.attributes["href"] for node in read(page) if node.tag == "a"]
    assert "/en/records?country=DZ&q=training" in hrefs
    assert "/en/records?type=event&q=training" in hrefs


def test_an_empty_listing_says_which_filter_to_give_up(site):
    page = html(site, "/en/records?type=meeting&country=DZ")
    assert "No record matches." in text_of(page)
    assert "5 records without the filter on Type" in text_of(page)
    assert 'href="/en/records?country=DZ"' in page


@pytest.mark.parametrize("words", ["%22", "-", "%F0%9F%98%80", "%00"])
def test_a_search_without_letters_and_digits_finds_nothing_and_says_so(site, words):
    for language, says in (("en", "no letters and no digits"), ("fr", "ni lettres ni chiffres"), ("ar", "بلا حروف")):
        page = text_of(html(site, f"/{language}/records?q={words}"))
        assert says in page
    assert "no letters" not in text_of(html(site, "/en/records?q=nowhere"))


def test_a_parameter_that_counts_once_is_refused_twice(site):
    html(site, "/en/records?page=1&page=2", 400)
    html(site, "/en/record?iri=https://n.example/id/1&iri=https://n.example/id/2", 400)


def test_a_search_can_be_followed_in_four_formats(site):
    page = html(site, "/ar/records?type=event&q=PCB")
    for extension in ("atom", "rss", "rdf", "json"):
        assert f"/feeds/all.{extension}?type=event&amp;q=PCB&amp;lang=ar" in page
        assert site.get(f"/feeds/all.{extension}?type=event&q=PCB&lang=ar").status_code == 200


def test_a_long_listing_comes_in_pages_of_twenty(site):
    iris = [record_iri(site.settings, "news", identifier_of(site.settings, f"n{number}")) for number in range(30)]
    site.publish_all([RECORD_TYPES["news"].record(iri, {"title": {"en": "News"}}) for iri in iris])
    first, second = html(site, "/en/records"), html(site, "/en/records?page=3")
    assert first.count('<h2 class="title">') == 20
    assert 'rel="next" href="/en/records?page=2"' in first
    assert second.count('<h2 class="title">') == 1
    html(site, "/en/records?page=4", 404)


def test_what_an_address_asks_and_nobody_knows_is_refused_in_the_reader_s_language(site):
    page = html(site, "/fr/records?colour=red", 400)
    assert "Cette adresse demande quelque chose qui n’existe pas" in text_of(page)
    html(site, "/fr/records?page=nine", 400)


def test_an_unchanged_page_is_answered_with_304_until_something_is_published(site):
    for path in ("/fr/", "/fr/records?type=event", "/fr/follow", page_of(site, "workshop", "fr")):
        tag = site.get(path).headers["ETag"]
        assert site.get(path, if_none_match=tag).status_code == 304
    tag = site.get("/fr/records?type=event").headers["ETag"]
    site.publish("new", "event", {"title": {"en": "New"}, "starts": "2026-01-01"})
    assert site.get("/fr/records?type=event", if_none_match=tag).status_code == 200


# The page of a record.


def test_a_record_page_shows_every_field_by_its_label_and_by_its_kind(site):
    site.publish(
        "whole",
        "project",
        {
            "title": {"en": "Removing PCB"},
            "original_language": "en",
            "budget": {"amount": "4500000.5", "currency": "USD"},
            "starts": "2016-01",
            "ends": "2020-12-31",
            "coverage": ["DZ"],
            "subjects": ["PCB"],
            "related": [site.iris["workshop"], "https://elsewhere.example/record"],
            "files": [{"url": "https://files.example/plan.pdf", "media_type": "application/pdf", "bytes": 310000}],
            "contacts": [{"name": {"fr": "Centre national"}, "email": "centre@example.org"}],
            "project_status": "under way",
        },
    )
    page = html(site, page_of(site, "whole", "fr"))
    text = text_of(page)
    for words in (
        "Budget total 4 500 000,5 USD",
        "Début janvier 2016",
        "Fin 31 décembre 2020",
        "Pays et régions concernés Algérie",
        "Polychlorobiphényles",
        "Atelier régional sur les PCB",
        "plan.pdf PDF · 310 Ko",
        "Centre national · centre@example.org",
        "État du projet en cours",
    ):
        assert words in text
    assert 'href="https://elsewhere.example/record"' in page
    assert f'href="{page_of(site, "workshop", "fr").removeprefix("https://node.example")}"' in page


def test_a_text_in_another_language_says_so(site):
    page = html(site, page_of(site, "news", "ar"))
    assert '<h1 lang="fr" dir="ltr">Ouverture du centre</h1>' in page
    assert "معروض باللغة الفرنسية: لا توجد نسخة باللغة العربية بعد." in text_of(page)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_two_ends_of_a_period_stay_apart_when_they_have_times_of_day(site, language):
    """Else the zone of the first, which runs from left to right, takes the numbers of the second along."""
    moments = {"starts": "2026-12-02T09:00:00+01:00", "ends": "2026-12-04T17:30:00+01:00"}
    iri = site.publish("timed", "event", {"title": {"ar": "ورشة"}, **moments})
    inside = "[^\u2068\u2069]*"
    between = re.compile(rf"\u2068{inside}09:00 UTC\+01:00\u2069 – \u2068{inside}17:30 UTC\+01:00\u2069")
    for path in (iri.removeprefix(site.settings.base_url), "records"):
        assert between.search(site.get(f"{language}/{path}").text), path


def test_languages_the_interface_does_not_speak_are_shown_too(site):
    site.publish("spanish", "news", {"title": {"fr": "Nouvelle", "es": "Noticia"}, "text": {"es": "Un párrafo."}})
    text = text_of(html(site, page_of(site, "spanish", "fr")))
    assert "español" in text
    assert "Un párrafo." in text


def test_a_variety_of_a_language_is_that_language(site):
    titles = {"fr-ca": "Une nouvelle", "ar-dz": "خبر من الجزائر", "pt-br": "Uma notícia"}
    site.publish("varied", "news", {"title": titles, "text": {"ar-dz": "نص الخبر"}})
    pages = {language: html(site, page_of(site, "varied", language)) for language in LANGUAGES}
    links = re.compile(r'hreflang="(fr|ar|en)" dir="auto">')
    # The English page shows the title of the node's next language; there is no version in English to lead to.
    assert {language: set(links.findall(page)) for language, page in pages.items()} == {
        "en": {"ar"},
        "fr": {"ar"},
        "ar": {"fr"},
    }
    for page in pages.values():
        elsewhere = re.findall(r'<details class="elsewhere">\s*<summary><span lang="([\w-]+)"', page)
        assert elsewhere == ["pt-br"]


def test_a_second_variety_of_a_language_is_shown_too(site):
    titles = {"ar": "خبر", "ar-dz": "خبر من الجزائر", "ar-tn": "خبر من تونس"}
    site.publish("varied", "news", {"title": titles, "summary": {"ar-dz": "ملخص"}})
    for language in LANGUAGES:
        text = text_of(html(site, page_of(site, "varied", language)))
        assert all(title in text for title in titles.values())
        assert text.count("ملخص") == 1, "shown once"


def test_statements_that_contradict_each_other_stand_side_by_side(site):
    said = [
        {"statement": {"fr": "Le 13 décembre 2018."}, "source": {"fr": "Texte du rapport"}},
        {"statement": {"fr": "Le 13 décembre 2019."}, "source": {"fr": "Légende de la photo"}},
    ]
    site.publish("doubt", "news", {"title": {"fr": "Validation"}, "statements": said})
    text = text_of(html(site, page_of(site, "doubt", "fr")))
    assert "Les sources se contredisent" in text
    assert "Le 13 décembre 2018. Source : Texte du rapport" in text
    assert "Le 13 décembre 2019. Source : Légende de la photo" in text


def test_a_record_page_offers_the_record_as_data_and_to_be_cited(site):
    page = html(site, page_of(site, "workshop", "en"))
    iri = site.iris["workshop"]
    for extension in (".ttl", ".jsonld", ".rdf", ".nt", ".json"):
        assert f'href="{iri}{extension}"' in page
        assert site.get(f"{iri}{extension}").status_code == 200
    assert f"Test node (2026). Atelier régional sur les PCB. {iri}" in text_of(page)
    assert f'<link rel="canonical" href="{iri}">' in page


def test_a_harvested_record_says_where_it_comes_from(site):
    iri = harvested(site, "n1")
    approved_peer(site)
    assert (
        page_of(site, "n1", "fr")
        == f"https://node.example/fr/record?iri={PEER.replace(':', '%3A').replace('/', '%2F')}id%2Fnews%2Fn1"
    )
    text = text_of(html(site, page_of(site, "n1", "fr")))
    assert "Publié par Nœud de Tunis" in text
    assert "Chemin Nœud de Tunis Nœud d'essai" in text
    assert f"Adresse d’origine {iri}" in text
    assert "Aucune : la notice est arrivée sans signature" in text
    assert "Origine : Nœud de Tunis" in text_of(html(site, "/fr/records"))


def test_our_own_record_shows_the_key_that_signed_it(site):
    text = text_of(html(site, page_of(site, "workshop", "en")))
    assert "Signed by the key https://node.example/node#key" in text
    with reading(site.engine) as connection:
        assert Catalogue(connection).get(site.iris["workshop"]).digest in text


def test_what_a_declaration_does_not_know_is_shown_as_it_came(site):
    iri = f"{PEER}id/news/odd"
    odd = ox.Triple(ox.NamedNode(iri), ox.NamedNode("https://other.example/colour"), ox.Literal("vert", language="fr"))
    unknown = ox.Triple(ox.NamedNode(iri), ox.NamedNode(DCTERMS.subject), ox.NamedNode("https://other.example/topic/9"))
    harvested(site, "odd", [odd, unknown])
    text = text_of(html(site, page_of(site, "odd", "en")))
    assert "https://other.example/colour vert" in text
    assert "https://other.example/topic/9" in text


def test_two_values_where_one_is_allowed_are_both_shown(site):
    node = ox.NamedNode(f"{PEER}id/news/two")
    both = [ox.Triple(node, ox.NamedNode(DCTERMS.created), ox.Literal(day)) for day in ("2018-12-13", "2019-12-13")]
    harvested(site, "two", both)
    text = text_of(html(site, page_of(site, "two", "en")))
    assert "Written on 2018-12-13 2019-12-13" in text


def test_a_withdrawn_record_is_gone_and_says_why(site):
    site.publish("other", "event", {"title": {"en": "Another day"}, "starts": "2020-01-01"})
    site.withdraw("other", replaced_by=site.iris["workshop"])
    page = html(site, page_of(site, "other", "fr"), 410)
    text = text_of(page)
    assert "Cette notice a été retirée" in text
    assert "Another day" in text
    assert "It was cancelled." in text
    assert "Remplacé par Atelier régional sur les PCB" in text


def test_a_record_nobody_has_is_not_found(site):
    html(site, "/en/id/news/00000000-0000-0000-0000-000000000000", 404)
    html(site, "/en/record?iri=https%3A%2F%2Felsewhere.example%2F1", 404)
    html(site, "/en/record", 400)


# Strangers' texts.

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)"><a href="javascript:alert(3)">here</a> & "quoted"'


def test_hostile_texts_do_no_harm_anywhere(site):
    site.publish(
        "hostile",
        "event",
        {
            "title": {"en": f"Bad {HOSTILE}"},
            "summary": {"en": HOSTILE},
            "text": {"en": HOSTILE},
            "starts": "2030-01-01",
            "keywords": {"en": [HOSTILE]},
            "place": {"name": {"en": HOSTILE}, "locality": HOSTILE},
            "subjects": [HOSTILE],
        },
    )
    for path in (
        "/en/",
        "/en/records",
        f"/en/records?q={HOSTILE.replace('&', '%26').replace(' ', '+')}",
        page_of(site, "hostile", "en"),
    ):
        nodes = read(html(site, path))
        assert not {"script", "img"} & {node.tag for node in nodes}
        assert not [node for node in nodes if any(name.startswith("on") for name in node.attributes)]
        assert not [node for node in nodes if node.attributes.get("href", "").startswith("javascript")]


def test_a_harvested_address_that_would_run_a_script_is_no_link(site):
    node = ox.NamedNode(f"{PEER}id/news/link")
    script = ox.NamedNode("javascript:alert(1)")
    more = [
        ox.Triple(node, ox.NamedNode(predicate), script) for predicate in (FOAF.page, DCTERMS.license, DCTERMS.relation)
    ]
    harvested(site, "link", more)
    page = html(site, page_of(site, "link", "en"))
    assert "javascript:alert(1)" in text_of(page)
    assert not [node for node in read(page) if node.attributes.get("href", "").startswith("javascript")]


JUNK: tuple[ox.Literal | ox.NamedNode, ...] = (
    ox.Literal("?"),
    ox.Literal("2017-13-45"),
    ox.Literal("", language="fr"),
    ox.NamedNode("urn:x"),
)


@pytest.mark.parametrize("junk", [JUNK, ()], ids=["values of other kinds", "parts missing"])
@pytest.mark.parametrize("type_name", RECORD_TYPES)
def test_a_harvested_record_that_breaks_its_declaration_can_still_be_read(empty_site, type_name, junk):
    iri = f"{PEER}id/{type_name}/broken"
    node, more = ox.NamedNode(iri), []
    for number, field in enumerate(RECORD_TYPES[type_name].fields):
        part = ox.NamedNode(f"{iri}#part-{number}")
        more.append(ox.Triple(node, ox.NamedNode(field.predicate), part))
        more.append(ox.Triple(part, ox.NamedNode(RDF.type), ox.NamedNode(OTHER.rdf_class)))
        more += [ox.Triple(node, ox.NamedNode(field.predicate), each) for each in junk]
        more += [ox.Triple(part, ox.NamedNode(each.predicate), JUNK[0]) for each in getattr(field, "parts", ())[1:]]
    harvested(empty_site, "broken", more, type_name)
    for language in TRANSLATED:
        assert "Une nouvelle de Tunis" in text_of(html(empty_site, page_of(empty_site, "broken", language)))


# The network.


def test_the_network_page_shows_each_source_with_its_state(site):
    approved_peer(site)
    harvested(site, "n1")
    described = Description(Authority("http://new.example/node", "http://new.example/id/", ""), "", "", {}, "", ())
    with writing(site.engine) as connection:
        propose(connection, "http://new.example/", described, site.now)
    page = html(site, "/fr/network")
    text = text_of(page)
    assert "1 nœud est moissonné ici." in text
    assert "Nœud de Tunis Tunisie En attente de son premier moissonnage" in text
    assert "En attente d’approbation" in text
    assert (
        f'<a href="/fr/records?origin={PEER.replace(":", "%3A").replace("/", "%2F")}node">1</a>' in page
        or "origin=http" in page
    )


def test_the_demo_says_that_it_is_one(site, tmp_path):
    site.app.extensions["chm"] = replace(
        site.app.extensions["chm"], settings=site.settings.model_copy(update={"profile": "demo"})
    )
    assert "This node runs on one machine, with example records." in text_of(html(site, "/en/"))


def test_a_record_that_came_through_what_is_no_address_can_be_seen(site):
    harvested(site, "odd", hop="https://a℀b.example/x")
    assert "https://a℀b.example/x" in html(site, page_of(site, "odd", "en"))
