"""The page and the badge of the checker: only sources are checked, by the worker, at most every ten minutes."""

from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from chm_node.database import reading, writing
from chm_node.http_client import FetchPolicy, HttpClient
from harvest import sources
from harvest.checker import results
from harvest.checker.badge import badge
from harvest.checker.checks import Finding, Level, State, report
from harvest.description import Description
from harvest.trust import Authority

PEER = "https://peer.example/"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def source(site):
    found = Description(
        Authority(f"{PEER}node", f"{PEER}id/", ""), "", f"{PEER}feed", {"fr": "Nœud pair", "ar": "عقدة"}, "TN", ()
    )
    with writing(site.engine) as connection:
        return sources.propose(connection, PEER, found, NOW)


def remember(site, source, *findings):
    made = report(source.address, findings)
    with writing(site.engine) as connection:
        results.ask(connection, source.id, datetime.now(UTC))
        results.store(connection, source.id, made, datetime.now(UTC))


def waits(site, source):
    with reading(site.engine) as connection:
        return results.newest(connection, source.id).waiting


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_the_page_offers_the_sources_and_asks_for_none_by_itself(site, source, language):
    answer = site.get(f"/{language}/check")
    assert answer.status_code == 200
    assert f'value="{source.node}"' in answer.text
    assert not waits(site, source)


@pytest.mark.parametrize("address", [PEER, f"{PEER}node"])
def test_choosing_a_source_asks_for_its_check(site, source, address):
    answer = site.get(f"/en/check?url={address}")
    assert answer.status_code == 200
    assert "has been asked for" in answer.text
    assert waits(site, source)


@pytest.mark.parametrize("address", ["https://other.example/", "http://127.0.0.1/", f"{PEER}x", "file:///etc/passwd"])
def test_an_address_that_is_no_source_is_never_checked(site, source, address):
    answer = site.get(f"/en/check?url={address}")
    assert answer.status_code == 404
    assert "not among the nodes known here" in answer.text
    assert not waits(site, source)


def test_a_source_that_was_removed_is_not_checked(site, source):
    with writing(site.engine) as connection:
        sources.remove(connection, source.node)
    assert site.get(f"/en/check?url={source.node}").status_code == 404


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Redirect /.well-known/void"), ("fr", "Redirigez /.well-known/void"), ("ar", "حوّلوا")],
)
def test_a_result_is_shown_in_the_readers_language_with_harmless_evidence(site, source, language, words):
    remember(site, source, Finding("description.void", State.FAILED, ("<script>alert(1)</script>",)))
    answer = site.get(f"/{language}/check?url={source.node}")
    assert words in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "<script" not in answer.text


def test_a_fresh_result_is_not_made_again(site, source):
    remember(site, source)
    site.get(f"/en/check?url={source.node}")
    assert not waits(site, source)


def test_an_old_result_is_made_again_at_most_every_ten_minutes(site, source):
    with writing(site.engine) as connection:
        results.ask(connection, source.id, NOW)
        results.store(connection, source.id, report(PEER, ()), NOW)
        results.ask(connection, source.id, NOW + timedelta(minutes=9))
        assert not results.newest(connection, source.id).waiting
        results.ask(connection, source.id, NOW + timedelta(minutes=10))
        assert results.newest(connection, source.id).waiting


def test_the_worker_checks_what_is_asked_for_once(site, source):
    with writing(site.engine) as connection:
        results.ask(connection, source.id, NOW)

    def check_next():
        return results.check_next(
            site.engine, site.settings, lambda: NOW, Event(), lambda: HttpClient(FetchPolicy(), resolve=_nowhere)
        )

    assert check_next() is True
    assert check_next() is False
    with reading(site.engine) as connection:
        found = results.newest(connection, source.id)
    assert (found.checked, found.waiting) == (NOW, False)
    assert [each.check for each in found.report.having(State.FAILED)] == ["address.answers"]


def _nowhere(*_args, **_settings):
    raise OSError("no such host")


@pytest.mark.parametrize("level", [None, *Level])
def test_a_badge_is_a_small_picture_without_anything_active(level):
    picture = badge(level)
    assert picture.startswith("<svg ")
    assert len(picture) < 1000
    assert not any(word in picture for word in ("script", "href", "style", "onload"))


def test_the_badge_of_a_source_says_its_level(site, source):
    assert ">?<" in site.get(f"/badge.svg?node={source.node}").text
    remember(site, source, Finding("feeds.well-formed", State.PASSED))
    answer = site.get(f"/badge.svg?node={source.node}")
    assert answer.content_type.startswith("image/svg+xml")
    assert ">L0<" in answer.text


def test_there_is_no_badge_for_a_stranger(site, source):
    assert site.get("/badge.svg?node=https://other.example/node").status_code == 404
