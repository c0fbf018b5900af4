"""Feed readers that people install, newsboat and sfeed, read our feeds, those in Arabic too."""

import sqlite3
import urllib.request
from contextlib import closing

import pytest

ARABIC = "?type=event&lang=ar"
FORMS = ("atom", "rss", "rdf")
TITLES = {f"ورشة عمل {number} حول الملوثات" for number in range(20)}


@pytest.fixture
def newsboat(run_client, tmp_path):
    """Has newsboat fetch a feed, with a cache of the test's own; what it writes of it."""
    (tmp_path / "config").touch()
    files = ("-u", "urls", "-c", "cache.db", "-C", "config", "-d", "log", "-l", "6")

    def fetch(address):
        (tmp_path / "urls").write_text(f"{address}\n")
        (tmp_path / "log").unlink(missing_ok=True)
        run_client("env", f"HOME={tmp_path}", "newsboat", "-q", *files, "-x", "reload", cwd=tmp_path)
        return (tmp_path / "log").read_text()

    def kept(query):
        with closing(sqlite3.connect(tmp_path / "cache.db")) as cache:
            return cache.execute(query).fetchall()

    fetch.kept = kept
    return fetch


@pytest.mark.parametrize("form", FORMS)
def test_newsboat_shows_each_event_in_arabic_and_opens_its_page(live_node, newsboat, form):
    newsboat(f"{live_node.url}feeds/all.{form}{ARABIC}")
    entries = newsboat.kept("SELECT guid, title, url, content FROM rss_item")
    assert {title for _, title, _, _ in entries} == TITLES
    for guid, _, url, content in entries:
        assert guid.startswith(f"{live_node.url}id/event/")
        assert url == guid.replace("/id/", "/ar/id/")
        assert "يومان من التبادل" in content


def test_newsboat_turns_arabic_feeds_right_to_left_and_no_french_one(live_node, newsboat):
    for query in (ARABIC, "?lang=fr"):
        newsboat(f"{live_node.url}feeds/all.atom{query}")
        newsboat(f"{live_node.url}feeds/all.rss{query}")
    found = newsboat.kept("SELECT rssurl LIKE '%lang=ar', is_rtl FROM rss_feed ORDER BY 1")
    assert found == [(0, 0), (0, 0), (1, 1), (1, 1)]


@pytest.mark.parametrize("form", FORMS)
def test_newsboat_is_told_that_nothing_changed_until_something_did(live_node, newsboat, form):
    address = f"{live_node.url}feeds/all.{form}{ARABIC}"
    nothing = f"retrieved data for {address}: \n"
    newsboat(address)
    newsboat(address)  # it remembers the ETag only of a feed that it had before
    assert nothing in newsboat(address)
    title = {"ar": "ورشة عمل جديدة", "fr": "Nouvel atelier"}
    live_node.publish(live_node.record("event", "new", title=title, starts="2026-09-01"))
    assert nothing not in newsboat(address)
    assert (title["ar"],) in newsboat.kept("SELECT title FROM rss_item")


def test_sfeed_reads_each_event_in_arabic_with_the_address_of_its_page(live_node, run_client, tmp_path):
    for form in FORMS:
        with urllib.request.urlopen(f"{live_node.url}feeds/all.{form}{ARABIC}", timeout=10) as answer:
            (tmp_path / "feed").write_bytes(answer.read())
        said = run_client("sh", "-c", "sfeed < feed", cwd=tmp_path)
        rows = [line.split("\t") for line in said.splitlines()]
        assert {row[1] for row in rows} == TITLES
        assert all(int(row[0]) > 0 and row[2].startswith(f"{live_node.url}ar/id/event/") for row in rows)
