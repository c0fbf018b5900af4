"""The page of the checker, its results for programs, the badge: a form asks, a worker checks, reading changes none."""

from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from chm_node.budget import Budget
from chm_node.database import reading, writing
from chm_node.http_client import FetchPolicy, HttpClient
from chm_node.settings import Settings
from harvest import sources
from harvest.checker import results
from harvest.checker.badge import badge
from harvest.checker.checks import Finding, Level, State, report
from harvest.checker.results import Subject
from harvest.checker.web import foreign_subject
from harvest.description import Description
from harvest.trust import Authority

PEER = "https://peer.example/"
OTHER = "https://other.example/"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def source(site):
    found = Description(
        Authority(f"{PEER}node", f"{PEER}id/", ""), "", f"{PEER}feed", {"fr": "Nœud pair", "ar": "عقدة"}, "TN", ()
    )
    with writing(site.engine) as connection:
        return sources.propose(connection, PEER, found, NOW)


@pytest.fixture(autouse=True)
def every_test_has_a_minute_of_its_own(site):
    site.app.extensions["chm_checks"] = Budget(3)


def ask(site, address, language="en"):
    return site.client.post(f"/{language}/check", data={"url": address})


def led_to(answer):
    """The address that the page is about which somebody who asked is led to."""
    place = urlsplit(answer.headers["Location"])
    assert place.path == "/en/check"
    return parse_qs(place.query)["url"][0]


def page(site, address, language="en"):
    return site.get(f"/{language}/check?url={quote(address, safe='')}")


def remember(site, subject, *findings):
    made = report(subject.address, findings)
    with writing(site.engine) as connection:
        results.ask(connection, subject, datetime.now(UTC))
        results.store(connection, made, datetime.now(UTC))


def forget_all(site):
    with writing(site.engine) as connection:
        connection.execute(results.table.delete())


@pytest.fixture(autouse=True)
def nothing_is_known_yet(site):
    forget_all(site)


def waits(site, address):
    with reading(site.engine) as connection:
        found = results.newest(connection, Subject(address), datetime.now(UTC))
    return found is not None and found.waiting


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_the_page_offers_the_sources_and_asks_for_none_by_itself(site, source, language):
    answer = site.get(f"/{language}/check")
    assert answer.status_code == 200
    assert f'value="{source.node}"' in answer.text
    assert not waits(site, PEER)


@pytest.mark.parametrize("address", [PEER, f"{PEER}node", "HTTPS://Peer.example:443", " peer.example "])
def test_a_source_is_asked_for_by_its_address_or_its_name(site, source, address):
    answer = ask(site, address)
    assert (answer.status_code, led_to(answer)) == (303, PEER)
    assert waits(site, PEER)
    assert "has been asked for" in site.get(answer.headers["Location"]).text


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (OTHER, OTHER),
        ("HTTPS://Other.Example/Feed.xml?a=B#c", "https://other.example/Feed.xml?a=B"),
        (" other.example ", OTHER),
        ("http://other.example:8080/feed", "http://other.example:8080/feed"),
    ],
)
def test_any_public_address_may_be_asked_for(site, written, address):
    assert led_to(ask(site, written)) == address
    assert waits(site, address)


PRIVATE = [
    "http://127.0.0.1/",
    "http://10.0.0.1/",
    "http://[::1]/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://localhost/",
    "http://intranet/",
    "https://user:pw@other.example/",
    "https://other.example:22/",
    "file:///etc/passwd",
    "javascript://other.example/",
    "https://other.example/" + "x" * 1000,
    "https://other .example/",
    "",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_no_public_address_is_refused_and_never_waits(site, address):
    answer = ask(site, address)
    assert answer.status_code == 400
    assert "This address cannot be checked" in answer.text
    with reading(site.engine) as connection:
        assert connection.execute(results.table.select()).all() == []


@pytest.mark.parametrize(
    ("language", "words"), [("en", "cannot be checked"), ("fr", "ne peut pas être vérifiée"), ("ar", "لا يمكن فحص")]
)
def test_a_refusal_is_said_in_the_readers_language(site, language, words):
    answer = ask(site, '"><script>alert(1)</script>', language)
    assert words in answer.text
    assert "<script" not in answer.text


def test_only_the_demo_checks_addresses_of_this_machine():
    demo = Settings.of(profile="demo")
    assert foreign_subject("http://127.0.0.1:8101/", demo) == Subject("http://127.0.0.1:8101/", "127.0.0.1")
    assert foreign_subject("http://127.0.0.1:8101/", Settings.of()) is None


@pytest.mark.parametrize("path", ["/en/check", "/check.json", "/en/check.txt"])
def test_reading_asks_for_nothing(site, source, path):
    for address in (PEER, OTHER):
        assert site.get(f"{path}?url={address}").status_code == 404
        assert not waits(site, address)


def test_a_source_that_was_removed_is_an_address_like_any_other(site, source):
    with writing(site.engine) as connection:
        sources.remove(connection, source.node)
    ask(site, source.node)
    assert waits(site, f"{PEER}node")
    assert not waits(site, PEER)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Redirect /.well-known/void"), ("fr", "Redirigez /.well-known/void"), ("ar", "حوّلوا")],
)
@pytest.mark.parametrize("address", [PEER, OTHER])
def test_a_result_is_shown_in_the_readers_language_with_harmless_evidence(site, source, address, language, words):
    subject = Subject(address, "" if address == PEER else "other.example")
    remember(site, subject, Finding("description.void", State.FAILED, ("<script>alert(1)</script>",)))
    answer = page(site, address, language)
    assert words in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "<script" not in answer.text
    assert answer.headers["X-Robots-Tag"] == "noindex"
    text = site.get(f"/{language}/check.txt?url={address}")
    assert text.content_type == "text/plain; charset=utf-8"
    assert words in text.text
    assert "level    none" in text.text
    document = site.get(f"/check.json?url={address}").get_json()
    [failed] = [each for each in document["findings"] if each["state"] == "failed"]
    assert words in failed["sentence"][language]
    assert (document["level"], document["waiting"]) == ("none", False)


def test_programs_are_told_to_wait(site):
    ask(site, OTHER)
    for path in ("/check.json", "/en/check.txt"):
        answer = site.get(f"{path}?url={OTHER}")
        assert (answer.status_code, answer.headers["Retry-After"]) == (202, "60")
    assert site.get(f"/check.json?url={OTHER}").get_json() == {"checked": None, "waiting": True}


def test_a_fresh_result_is_not_made_again(site, source):
    remember(site, Subject(PEER))
    assert ask(site, PEER).status_code == 303
    assert not waits(site, PEER)


def test_a_reader_asks_for_a_few_checks_a_minute(site):
    for number in range(3):
        assert ask(site, f"https://peer{number}.example/").status_code == 303
    answer = ask(site, OTHER)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Too many checks" in answer.text
    assert not waits(site, OTHER)


def test_a_host_is_checked_a_few_times_an_hour(site):
    site.app.extensions["chm_checks"] = Budget(1000)
    for number in range(results.MOST_OF_A_HOST):
        assert ask(site, f"{OTHER}{number}").status_code == 303
    assert ask(site, f"{OTHER}one-more").status_code == 429
    assert ask(site, "https://another.example/").status_code == 303


@dataclass
class Told:
    """A resolver that gives one address for every name."""

    address: str

    def __call__(self, host, port, *_args, **_settings):
        return [(2, 1, 6, "", (self.address, port))]


def _nowhere(*_args, **_settings):
    raise OSError("no such host")


def check_next(site, resolve):
    def connect():
        return HttpClient(FetchPolicy(), resolve=resolve)

    return results.check_next(site.engine, site.settings, lambda: datetime.now(UTC), Event(), connect)


def test_the_worker_checks_what_is_asked_for_once(site):
    ask(site, OTHER)
    assert check_next(site, _nowhere) is True
    assert check_next(site, _nowhere) is False
    found = site.get(f"/check.json?url={OTHER}").get_json()
    assert not found["waiting"]
    assert [each["check"] for each in found["findings"] if each["state"] == "failed"] == ["address.answers"]


@pytest.mark.parametrize("private", ["127.0.0.1", "10.1.2.3", "169.254.169.254"])
def test_a_name_that_leads_to_a_private_network_is_not_asked_and_the_page_says_so(site, private):
    ask(site, OTHER)
    check_next(site, Told(private))
    answer = page(site, OTHER)
    assert "leads to a private or reserved network, which we never ask" in answer.text
    assert private not in answer.text


@pytest.mark.parametrize("level", [None, *Level])
def test_a_badge_is_a_small_picture_without_anything_active(level):
    picture = badge(level)
    assert picture.startswith("<svg ")
    assert len(picture) < 1000
    assert not any(word in picture for word in ("script", "href", "style", "onload"))


def test_the_badge_of_a_source_says_its_level(site, source):
    assert ">?<" in site.get(f"/badge.svg?node={source.node}").text
    remember(site, Subject(PEER), Finding("feeds.well-formed", State.PASSED))
    answer = site.get(f"/badge.svg?node={source.node}")
    assert answer.content_type.startswith("image/svg+xml")
    assert ">L0<" in answer.text


def test_a_stranger_has_a_badge_once_it_was_checked(site):
    assert site.get(f"/badge.svg?node={OTHER}").status_code == 404
    remember(site, Subject(OTHER, urlsplit(OTHER).hostname), Finding("feeds.well-formed", State.PASSED))
    assert ">L0<" in site.get(f"/badge.svg?node={OTHER}").text
