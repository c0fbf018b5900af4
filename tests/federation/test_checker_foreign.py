"""The checker on software that is not ours: plain feeds, a site that links to one, an event stream written by hand."""

import gzip
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event

import pytest
from feedgen.feed import FeedGenerator
from flask import Flask, Response, request
from flask_websub.publisher import publisher
from hypothesis import given
from hypothesis import strategies as st

from chm_node.errors import ParseError
from harvest.checker.checks import Level, State
from harvest.checker.feeds import read_feed
from harvest.checker.inspection import inspect

SITE = "https://cms.example.net/"
RSS = """<?xml version="1.0" encoding="ISO-8859-1"?>
<rss version="2.0"><channel>
<title>Bulletin de la biodiversité</title><link>https://cms.example.net/</link><description>Nouvelles</description>
<language>fr</language>
<item><title>Un atelier</title><guid>tag:cms.example.net,2026:1</guid><link>https://cms.example.net/1</link>
<pubDate>Sun, 22 Nov 2026 03:22:08 +0100</pubDate><description>Texte</description></item>
<item><title>Une réunion</title><guid>tag:cms.example.net,2026:2</guid><link>https://cms.example.net/2</link>
<pubDate>Mon, 23 Nov 2026 03:22:08 +0100</pubDate><description>Texte</description></item>
</channel></rss>
""".encode("iso-8859-1")
STREAM = """
@prefix as: <https://www.w3.org/ns/activitystreams#> .
@prefix ldes: <https://w3id.org/ldes#> .
@prefix tree: <https://w3id.org/tree#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<#stream> a ldes:EventStream ; tree:view <> ; ldes:timestampPath as:published ;
  tree:member <#1> , <#2> .
<> a tree:Node ; tree:relation [ a tree:Relation ; tree:node </log/older.ttl> ] .
<#1> a as:Create ; as:object </id/1> ; as:published "2026-11-22T03:22:08Z"^^xsd:dateTime .
<#2> a as:Create ; as:object </id/2> ; as:published "2026-11-22T03:22:09Z"^^xsd:dateTime .
"""
OLDER = """
@prefix as: <https://www.w3.org/ns/activitystreams#> .
@prefix tree: <https://w3id.org/tree#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
</log.ttl#stream> tree:member <#0> .
<#0> a as:Create ; as:object </id/0> ; as:published "2025-11-22T03:22:08Z"^^xsd:dateTime .
"""
RSS_1 = """<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="https://cms.example.net/feed"><title>Bulletin</title><link>https://cms.example.net/</link>
<description>Nouvelles</description><dc:language>fr</dc:language>
<items><rdf:Seq><rdf:li rdf:resource="https://cms.example.net/1"/></rdf:Seq></items></channel>
<item rdf:about="https://cms.example.net/1"><title>Un atelier</title><link>https://cms.example.net/1</link>
<dc:date>2026-11-22T03:22:08+01:00</dc:date></item></rdf:RDF>
"""
JSON_FEED = """{"version": "https://jsonfeed.org/version/1.1", "title": "Bulletin", "language": "fr",
 "feed_url": "https://cms.example.net/feed", "items": [{"id": "1", "title": "Un atelier", "content_text": "Texte",
 "date_published": "2026-11-22T03:22:08+01:00"}]}"""
#: As a server of event streams writes it that knows nothing of activities: versions of objects, with a time of its own.
VERSIONS = """{"@context": {"ldes": "https://w3id.org/ldes#", "tree": "https://w3id.org/tree#",
 "dcterms": "http://purl.org/dc/terms/", "path": {"@id": "ldes:timestampPath", "@type": "@id"},
 "of": {"@id": "ldes:versionOfPath", "@type": "@id"}, "view": {"@id": "tree:view", "@type": "@id"}},
 "@id": "", "@type": "ldes:EventStream", "path": "dcterms:created", "of": "dcterms:isVersionOf",
 "view": "sites/by-page"}"""
VERSIONS_PAGE = """
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix tree: <https://w3id.org/tree#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
</sites> tree:view <by-page> ; tree:member <1#a> , <1#b> .
<by-page> a tree:Node .
<1#a> dcterms:isVersionOf <1> ; dcterms:created "2026-11-22T03:22:08Z"^^xsd:dateTime .
<1#b> dcterms:isVersionOf <1> ; dcterms:created "2026-11-22T03:22:09Z"^^xsd:dateTime .
"""


@pytest.fixture
def host(wire, make_node):
    """Puts applications that are no nodes on the wire."""
    made = {}

    def put(name, app):
        wire.apps[name] = made[name] = app

    yield put
    for name in made:
        del wire.apps[name]


@pytest.fixture
def site(host):
    """A small content management system: paths to (media type, bytes); a path may honour conditional requests."""
    app = Flask("cms")
    pages = {}

    @app.get("/", defaults={"path": ""})
    @app.get("/<path:path>")
    def page(path):
        if path not in pages:
            return Response("<html><body>Not found</body></html>", 404)
        media_type, body = pages[path]
        response = Response(body, content_type=media_type)
        response.add_etag()
        response.last_modified = 1_790_000_000
        return response.make_conditional(request)

    host("cms.example.net", app)
    host("www.example.net", app)
    return pages


@pytest.fixture
def check(make_node, readers):
    node = make_node("checker")

    def check(address):
        with node.client() as client:
            return inspect(address, client, readers, node.now, Event())

    return check


def states(report):
    return {each.check: each.state for each in report.findings if each.state is not State.NOT_APPLICABLE}


def test_a_plain_feed_is_level_0_and_is_not_blamed_for_having_no_node(site, check):
    site["rss.xml"] = ("text/xml", RSS)

    report = check(f"{SITE}rss.xml")

    assert (report.level, report.having(State.FAILED)) == (Level.L0, [])
    assert [each.check for each in report.having(State.WARNING)] == ["description.found", "feeds.self"]
    assert not any(name.startswith(("log.", "records.")) for name in states(report))


@pytest.mark.parametrize(
    "page",
    [
        '<link rel="alternate" type="application/rss+xml" href="/news/feed.php">',
        "<p>no link</p>",
    ],
)
def test_a_feed_is_found_by_its_link_or_at_a_usual_address(site, check, page):
    site[""] = ("text/html", f"<html><head>{page}</head></html>")
    site["news/feed.php"] = ("application/rss+xml; charset=iso-8859-1", RSS)
    site["feed.xml"] = ("text/xml", RSS)

    report = check(SITE)

    assert (report.level, report.having(State.FAILED)) == (Level.L0, [])
    assert states(report)["feeds.found"] is (State.PASSED if "link rel" in page else State.WARNING)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"</channel>", b"", "not well-formed XML"),
        (b"<rss ", b"<!DOCTYPE rss [<!ENTITY x 'y'>]><rss ", "DOCTYPE"),
        (b"<rss ", b"<rss xmlns='https://cms.example.net/ns' ", "is none of"),
        (b'encoding="ISO-8859-1"', b'encoding="UTF-8"', "not well-formed XML"),
        (b'encoding="ISO-8859-1"', b'encoding="x-unheard-of"', "not well-formed XML"),
        (b"<item>", b"<a>" * 200, "levels deep"),
    ],
)
def test_a_broken_feed_is_level_none_with_the_reason(site, check, old, new, reason):
    site["rss.xml"] = ("application/rss+xml", RSS.replace(old, new, 1))

    report = check(f"{SITE}rss.xml")

    assert report.level is Level.NONE
    [found] = report.having(State.FAILED)
    assert found.check == "feeds.well-formed"
    assert reason in found.seen[0]


def test_a_feed_with_doubtful_entries_is_told_so(site, check):
    body = RSS.replace(b"2026:2", b"2026:1").replace(b"Mon, 23 Nov 2026 03:22:08 +0100", b"23.11.2026")
    site["rss.xml"] = ("application/rss+xml", body.replace(b"<language>fr</language>", b""))

    found = states(check(f"{SITE}rss.xml"))

    assert (found["feeds.ids"], found["feeds.dates"]) == (State.FAILED, State.FAILED)
    assert found["feeds.language"] is State.WARNING


def test_an_arabic_feed_has_to_say_that_it_is_arabic(site, check):
    arabic = RSS.decode("iso-8859-1").replace("ISO-8859-1", "UTF-8").replace("Un atelier", "ورشة عمل")
    site["fr.xml"] = ("application/rss+xml", arabic.encode())
    site["ar.xml"] = ("application/rss+xml", arabic.replace("<language>fr", "<language>ar").encode())

    assert states(check(f"{SITE}fr.xml"))["feeds.direction"] is State.FAILED
    assert states(check(f"{SITE}ar.xml"))["feeds.direction"] is State.PASSED


def test_an_event_stream_written_by_hand_is_level_0(site, check):
    site["log.ttl"] = ("text/turtle", STREAM)
    site["log/older.ttl"] = ("text/turtle", OLDER)

    report = check(f"{SITE}log.ttl")

    assert (report.level, report.having(State.FAILED)) == (Level.L0, [])
    found = states(report)
    assert [found[each] for each in ("log.stream", "log.pages", "log.order")] == [State.PASSED] * 3
    assert [found[each] for each in ("log.paths", "log.bounds")] == [State.WARNING] * 2


def test_an_event_stream_whose_pages_are_missing_is_level_none(site, check):
    site["log.ttl"] = ("text/turtle", STREAM)
    report = check(f"{SITE}log.ttl")
    assert report.level is Level.NONE
    assert states(report)["log.pages"] is State.FAILED


def test_a_site_with_nothing_to_harvest_is_told_what_is_missing(site, check):
    site[""] = ("text/html", "<html><body>Welcome</body></html>")

    report = check(SITE)

    assert report.level is Level.NONE
    assert [each.check for each in report.having(State.FAILED)] == ["description.found", "feeds.found"]


@pytest.mark.parametrize(("media_type", "body"), [("application/rdf+xml", RSS_1), ("application/feed+json", JSON_FEED)])
def test_the_other_formats_of_feeds_are_level_0_too(site, check, media_type, body):
    site["feed"] = (media_type, body)
    report = check(f"{SITE}feed")
    assert (report.level, report.having(State.FAILED)) == (Level.L0, [])


def test_a_feed_that_comes_compressed_is_read(site, check, wire):
    site["rss.xml"] = ("text/xml", gzip.compress(RSS))
    wire.replies[f"{SITE}rss.xml"] = lambda real: replace(real, headers={**real.headers, "Content-Encoding": "gzip"})
    report = check(f"{SITE}rss.xml")
    assert (report.level, states(report)["caching.gzip"]) == (Level.L0, State.PASSED)


def moved(status, new):
    return lambda real: replace(real, status=status, body=b"", headers={"Location": new})


@pytest.mark.parametrize("status", [301, 308])
def test_a_feed_that_has_moved_is_read_where_it_is_now(site, check, wire, status):
    site["news/rss.xml"] = ("application/rss+xml", RSS)
    for old, new in ((f"{SITE}rss.xml", "/news/rss.xml"), ("https://www.example.net/rss.xml", f"{SITE}news/rss.xml")):
        wire.replies[old] = moved(status, new)
        report = check(old)
        assert (report.level, report.having(State.FAILED)) == (Level.L0, [])


def test_a_feed_that_has_moved_in_a_circle_is_level_none(site, check, wire):
    wire.replies[f"{SITE}rss.xml"] = moved(301, "/rss.xml")
    report = check(f"{SITE}rss.xml")
    assert report.level is Level.NONE
    assert [each.check for each in report.having(State.FAILED)] == ["address.answers"]


def test_links_count_from_the_base_of_their_page_and_other_hosts_are_passed_over(site, check):
    foreign = "".join(f'<link rel=alternate type="application/rss+xml" href="https://{n}.example/">' for n in range(9))
    own = '<link rel="alternate" type="application/rss+xml" href="feed.php">'
    site["fr/index"] = ("text/html", f'<html><head><base href="/news/">{foreign}{own}</head></html>')
    site["news/feed.php"] = ("application/rss+xml", RSS)
    assert states(check(f"{SITE}fr/index"))["feeds.found"] is State.PASSED


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_a_publisher_made_of_feedgen_and_flask_websub_is_level_0_without_a_fault(host, check, form):
    app = Flask("publisher")
    address = f"https://news.example.net/{form}"

    @app.get(f"/{form}")
    @publisher(self_url=address, hub_url="https://hub.example.net/")
    def feed():
        response = Response(_written(form, address), content_type=f"application/{form}+xml")
        response.add_etag()
        return response.make_conditional(request)

    host("news.example.net", app)
    report = check(address)
    assert (report.level, report.having(State.FAILED)) == (Level.L0, [])
    assert states(report)["feeds.direction"] is State.PASSED


def _written(form, address):
    generator = FeedGenerator()
    generator.id(address)
    generator.title("نشرة")
    generator.description("أخبار")
    generator.language("ar")
    generator.link(href=address, rel="self")
    entry = generator.add_entry()
    entry.id("https://news.example.net/1")
    entry.link(href="https://news.example.net/1.html")
    entry.title("ورشة عمل")
    entry.published(datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC))
    entry.updated(datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC))
    generator.lastBuildDate(datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC))
    return generator.rss_str() if form == "rss" else generator.atom_str()


def test_an_event_stream_of_versions_with_a_time_of_its_own_is_level_0(site, check):
    site["sites"] = ("application/ld+json", VERSIONS)
    site["sites/by-page"] = ("text/turtle", VERSIONS_PAGE)

    report = check(f"{SITE}sites")

    assert report.level is Level.L0
    found = states(report)
    assert [found[each] for each in ("log.stream", "log.pages", "log.order", "log.ends")] == [State.PASSED] * 4
    assert found["log.paths"] is State.FAILED  # it is no log of the profile, and that is said


NONSENSE = (
    b"", b"\x00\xff", b"<", b"{", b"[]", b"<rss/>", b"<![if x]><![foo", b'<link rel=alternate href="http://[">',
    b'{"version": "https://jsonfeed.org/version/1", "items": 3}',
    b'{"linkset": [{"item": [{"href": "http://[", "type": "application/rss+xml"}]}]}',
)  # fmt: skip


@pytest.mark.parametrize("media_type", ["application/rss+xml", "text/turtle", "application/ld+json", "text/html", ""])
def test_nonsense_is_level_none_whatever_it_is_called(site, check, media_type):
    for body in NONSENSE:
        for path in ("", ".well-known/api-catalog", ".well-known/void"):
            site[path] = (media_type, body)
        assert check(SITE).level is Level.NONE, body


@pytest.mark.parametrize("encoding", ["idna", "hex", "cp037", "shift_jis", "nonsense"])
def test_an_encoding_that_is_not_read_is_a_fault_of_the_feed(site, check, encoding):
    site["odd.xml"] = ("application/rss+xml", RSS.replace(b"ISO-8859-1", encoding.encode()))
    assert states(check(f"{SITE}odd.xml"))["feeds.well-formed"] is State.FAILED


@pytest.mark.parametrize("encoding", ["windows-1256", "iso-8859-6", "utf-16"])
def test_a_feed_may_come_in_an_older_encoding(site, check, encoding):
    arabic = RSS.decode("iso-8859-1").replace("ISO-8859-1", encoding).replace("<language>fr", "<language>ar")
    body = arabic.replace("é", "e").replace("Un atelier", "ورشة عمل")
    site["ar.xml"] = ("application/rss+xml", body.encode(encoding))
    report = check(f"{SITE}ar.xml")
    assert (report.level, states(report)["feeds.direction"]) == (Level.L0, State.PASSED)


@given(data=st.data())
def test_reading_a_damaged_feed_raises_parse_errors_only(data):
    at, much = data.draw(st.integers(0, len(RSS))), data.draw(st.integers(0, 40))
    damaged = RSS[:at] + data.draw(st.binary(max_size=20)) + RSS[at + much :]
    with suppress(ParseError):
        read_feed(damaged, "application/rss+xml", SITE)
