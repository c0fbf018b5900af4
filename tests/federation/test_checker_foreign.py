"""The checker on software that is not ours: plain feeds, a site that links to one, an event stream written by hand."""

from contextlib import suppress
from threading import Event

import pytest
from flask import Flask, Response, request
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


@pytest.fixture
def site(wire, make_node):
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

    wire.apps["cms.example.net"] = app
    yield pages
    del wire.apps["cms.example.net"]


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

    assert report.level is Level.L0
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
    [found] = [each for each in report.having(State.FAILED) if each.check == "feeds.well-formed"]
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
