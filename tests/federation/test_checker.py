"""The checker on our own node and on broken ones: every fault is found by the check it belongs to."""

from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest

from chm_node.namespaces import DCTERMS
from chm_node.record_types import RECORD_TYPES
from harvest.checker import checks
from harvest.checker.checks import SECTIONS, Finding, Level, State, level_of
from harvest.checker.inspection import inspect
from harvest.checker.judging_feeds import is_dated
from harvest.checker.sentences import SENTENCES
from harvest.readers import Readers

PASSED, WARNING, FAILED = State.PASSED, State.WARNING, State.FAILED
NODE, FEED, PAGE = "node", "feed", "feed/1/1"
RSS = "feeds/all.rss"
PUBLISHED = b'activitystreams#published> "2026-11-22T03:22:08.'


@pytest.fixture(scope="module")
def checking_readers():
    with Readers(1) as found:
        yield found


@pytest.fixture
def check(make_node, checking_readers):
    node = make_node("checker")

    def check(address, stop=None):
        with node.client() as client:
            return inspect(address, client, checking_readers, node.now, stop or Event())

    return check


@pytest.fixture
def filled(peer):
    """A node with a handful of records, one of them in Arabic, one withdrawn."""
    return fill(peer, 3)


@pytest.fixture
def long(peer):
    """The same with so many records that the first page of the log is complete."""
    return fill(peer, 200)


def fill(peer, count):
    *_, last = peer.publish(*(f"Workshop {n}" for n in range(count)))
    peer.publish("", title={"en": "Workshop", "fr": "Atelier", "ar": "ورشة عمل"})
    peer.publish("", title={"ar": "ورشة عمل"})
    peer.later(minutes=1)
    peer.withdraw(last)
    return peer


def state(report, check):
    return next(each.state for each in report.findings if each.check == check)


def test_our_own_node_is_level_2_without_a_failed_check(long, check):
    report = check(long.settings.base_url)

    assert report.having(FAILED) == []
    assert {each.check for each in report.having(WARNING)} <= {"description.titles", "caching.gzip"}
    assert report.having(State.NOT_APPLICABLE) == []
    assert report.level is Level.L2


def test_records_with_addresses_in_any_script_are_asked_for(peer, check):
    shown, gone = (f"{peer.settings.uri_space}event/{name}" for name in ("ورشة-2026", "été"))
    peer.revise({shown: "Workshop", gone: "Summer"})
    peer.later(minutes=1)
    peer.withdraw(gone)
    report = check(peer.settings.base_url)
    assert report.having(FAILED) == []
    assert state(report, "records.negotiation") is PASSED


@pytest.mark.parametrize("path", ["", "node", "fr/"])
def test_any_address_of_a_node_leads_to_the_same_level(filled, check, path):
    assert check(filled.settings.base_url + path).level is Level.L2


def test_at_most_five_pages_of_a_log_and_ten_records_are_asked_for(filled, check, wire):
    filled.publish(*(f"Meeting {n}" for n in range(1500)))
    wire.asked.clear()

    check(filled.settings.base_url)

    asked = [url.removeprefix(filled.settings.base_url) for url, _ in wire.asked]
    assert sum(each.startswith("feed/1/") for each in asked) == 5
    assert sum(each.startswith("id/") for each in asked) <= 21


def test_a_node_that_has_published_nothing_is_level_1(peer, check):
    report = check(peer.settings.base_url)
    assert report.having(FAILED) == []
    assert report.level is Level.L1


def status(code):
    return lambda real: replace(real, body=b"", status=code)


def swap(old, new, count=-1):
    """The same answer with other words; the words have to be there, or the test tests nothing."""

    def changed(real):
        if real.status != 200:
            return real
        assert old in real.body, real.body[:3000]
        return replace(real, body=real.body.replace(old, new, count))

    return changed


def without(*headers):
    return lambda real: replace(real, headers={k: v for k, v in real.headers.items() if k not in headers})


def always_200():
    first = []

    def answer(real):
        if real.status == 200:
            first.append(real)
        return first[0]

    return answer


BASE = b"https://dz.example.org/"
BROKEN = [
    (".well-known/api-catalog", status(404), "description.api-catalog", FAILED),
    (".well-known/api-catalog", swap(b"linkset", b"links"), "description.api-catalog", FAILED),
    (".well-known/void", status(404), "description.void", WARNING),
    (NODE, swap(b"@prefix rdf:", b"@prefix rdf"), "description.rdf", FAILED),
    (NODE, swap(BASE + b"node>", BASE + b"me>"), "description.node-iri", FAILED),
    (NODE, swap(b'uriSpace "https://dz.', b'uriSpace "https://tn.'), "description.uri-space", FAILED),
    (NODE, swap(b'org/id/"', b'org/id"'), "description.uri-space", FAILED),
    (NODE, swap(b'"https://dz.example.org/id/"', b'"https://["'), "description.uri-space", FAILED),
    (NODE, swap(b'Multibase "z', b'Multibase "x'), "description.key", FAILED),
    (NODE, swap(b"assertionMethod", b"authentication"), "description.key", WARNING),
    (NODE, swap(b'dcterms:title "dz"', b'dcterms:alternative "dz"'), "description.titles", FAILED),
    (NODE, swap(b"dcterms:license", b"dcterms:rights"), "description.licence", FAILED),
    (NODE, swap(b"https://w3id.org/ldes/spec", b"https://x.example/"), "log.found", FAILED),
    ("catalogue", status(500), "description.interfaces", FAILED),
    (FEED, status(500), "log.found", FAILED),
    (FEED, swap(b"<", b"<<"), "log.found", FAILED),
    (FEED, swap(b"#EventStream", b"#Other"), "log.stream", FAILED),
    (FEED, swap(b"tree#view", b"tree#look"), "log.stream", FAILED),
    (FEED, swap(b"#timestampPath", b"#otherPath"), "log.paths", FAILED),
    (FEED, swap(b"#versionDeleteObject", b"#otherObject"), "log.paths", WARNING),
    (PAGE, status(500), "log.pages", FAILED),
    (PAGE, swap(b"<", b"<<"), "log.pages", FAILED),
    (PAGE, swap(PUBLISHED + b"001Z", PUBLISHED + b"000Z"), "log.order", FAILED),
    (PAGE, swap(PUBLISHED + b"001Z", PUBLISHED + b"001"), "log.order", FAILED),
    (PAGE, swap(PUBLISHED + b"000Z", b'activitystreams#published> "2025-11-22T03:22:08.000Z'), "log.bounds", FAILED),
    (PAGE, lambda real: replace(real, headers={**real.headers, "Cache-Control": "immutable"}),
     "log.immutable", FAILED),
    (PAGE, lambda real: replace(real, body=real.body + (
        b"<https://dz.example.org/feed/1/1> <https://w3id.org/tree#relation> _:x .\n"
        b"_:x <https://w3id.org/tree#node> <https://dz.example.org/feed> .\n")), "log.ends", FAILED),
    (FEED, without("ETag"), "caching.etag", FAILED),
    (RSS, without("ETag"), "caching.etag", WARNING),
    (FEED, always_200(), "caching.not-modified", FAILED),
    (RSS, without("Last-Modified"), "caching.last-modified", WARNING),
    (RSS, status(500), "feeds.well-formed", FAILED),
    (RSS, swap(b"</channel>", b""), "feeds.well-formed", FAILED),
    (RSS, swap(b"<rss ", b"<!DOCTYPE rss><rss "), "feeds.well-formed", FAILED),
    (RSS, swap(b"<pubDate>Sun, 22 Nov 2026 03:22:08 +0000<", b"<pubDate>22/11/2026<"), "feeds.dates", FAILED),
    ("feeds/all.atom", swap(b"<updated>2026-11-22T", b"<updated>2026-11-22 at "), "feeds.dates", FAILED),
    ("feeds/all.json", swap(b'"date_', b'"day_'), "feeds.dates", FAILED),
    (RSS, swap(b"guid", b"other"), "feeds.ids", FAILED),
    ("feeds/all.json", swap(b'"id":', b'"name":'), "feeds.ids", FAILED),
    (RSS, swap(b"<language>en</language>", b""), "feeds.language", WARNING),
    (RSS, swap(b"<language>en</language>", b"<language>English (GB)</language>"), "feeds.language", FAILED),
    (RSS, swap(b'rel="self"', b'rel="related"'), "feeds.self", WARNING),
    (RSS, swap(b'xml:lang="ar"', b'xml:lang="en"'), "feeds.direction", FAILED),
    (RSS, swap(b'dir="rtl"', b""), "feeds.direction", WARNING),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "lie", "name"),
    [
        (FEED, swap(b"tree#LessThan", b"tree#Other"), "log.bounds"),
        (PAGE, without("Cache-Control"), "log.immutable"),
        ("feed/1/2", status(404), "log.pages"),
    ],
)
def test_a_fault_of_a_long_log_is_found_by_its_check(long, check, wire, path, lie, name):
    wire.replies[long.settings.base_url + path] = lie
    assert state(check(long.settings.base_url), name) is FAILED


@pytest.mark.parametrize(("path", "lie", "name", "expected"), BROKEN)
def test_a_fault_is_found_by_its_check(filled, check, wire, path, lie, name, expected):
    wire.replies[filled.settings.base_url + path] = lie
    assert state(check(filled.settings.base_url), name) is expected


def test_ids_that_change_at_every_fetch_are_found(filled, check, wire):
    number = iter(range(1000))

    def changing(real):
        body = real.body.replace(b'isPermaLink="false">', b'isPermaLink="false">%d-' % next(number))
        return replace(real, body=body, headers={})

    wire.replies[filled.settings.base_url + RSS] = changing
    assert state(check(filled.settings.base_url), "feeds.ids") is FAILED


@pytest.mark.parametrize(
    ("say", "name"),
    [
        ({"iri": "https://tn.example.org/id/event/x"}, "records.authority"),
        ({"origin": "https://tn.example.org/node"}, "records.authority"),
        ({"more": ("<https://dz.example.org/id/event/y> <http://purl.org/dc/terms/title> \"x\" .\n",)},
         "records.authority"),
        ({"signed": False}, "records.proof"),
        ({"meta": False}, "records.version"),
        ({"later": timedelta(days=1)}, "records.version"),
        ({"title": ""}, "records.title"),
        ({"more": ("<https://dz.example.org/id/event/x> <http://purl.org/dc/terms/subject> _:b .\n",)},
         "records.content"),
    ],
)  # fmt: skip
def test_a_bad_record_is_found_by_its_check(peer, check, say, name):
    peer.publish("Workshop")
    arguments = dict(say)
    iri = arguments.pop("iri", f"{peer.settings.uri_space}event/x")
    more = arguments.pop("more", ())
    if later := arguments.pop("later", None):
        arguments["version"] = peer.now + later
    peer.say(iri, *more, **arguments)

    report = check(peer.settings.base_url)

    assert state(report, name) is FAILED
    assert any(each.seen for each in report.having(FAILED) if each.check == name)


def test_a_record_that_breaks_the_rules_of_its_type_is_a_warning(peer, check):
    iri = f"{peer.settings.uri_space}event/x"
    peer.say(iri, f"<{iri}> <{DCTERMS.type}> <{RECORD_TYPES['event'].term}> .\n")
    assert state(check(peer.settings.base_url), "records.rules") is WARNING


@pytest.mark.parametrize(
    ("lie", "name", "expected"),
    [
        (status(404), "records.negotiation", FAILED),
        (lambda real: replace(real, body=b"<html></html>", media_type="text/html"), "records.negotiation", FAILED),
        (lambda real: replace(real, body=real.body.replace(b"Workshop", b"Workshops")), "records.hash", FAILED),
    ],
)
def test_a_record_that_is_not_at_its_address_is_found(peer, check, wire, lie, name, expected):
    [iri] = peer.publish("Workshop")
    wire.replies[iri] = lie
    assert state(check(peer.settings.base_url), name) is expected


@pytest.mark.parametrize(("code", "expected"), [(410, PASSED), (404, WARNING), (200, FAILED)])
def test_a_withdrawn_record_should_be_gone(peer, check, wire, code, expected):
    [iri] = peer.publish("Workshop")
    peer.withdraw(iri)
    wire.replies[iri] = lambda real: replace(real, status=code)
    assert state(check(peer.settings.base_url), "log.tombstones") is expected


def test_a_key_of_somebody_else_is_no_level_2(filled, check, wire, make_node):
    other = make_node("other").signer.multikey
    wire.replies[filled.iri] = swap(filled.signer.multikey.encode(), other.encode())

    report = check(filled.settings.base_url)

    assert state(report, "records.proof") is FAILED
    assert report.level is Level.L1


def test_an_unsigned_node_is_level_1(filled, check, wire):
    wire.replies[filled.iri] = swap(b"assertionMethod", b"authentication")
    assert check(filled.settings.base_url).level is Level.L1


def test_no_other_host_is_asked_on_a_peers_word(filled, check, wire):
    wire.replies[filled.iri] = swap(b"endpointURL <https://dz.", b"endpointURL <https://evil.")
    report = check(filled.settings.base_url)
    assert not any("evil" in url for url, _ in wire.asked)
    assert state(report, "log.found") is FAILED


def test_a_hub_passes_with_the_records_of_its_members(peer, hub, check):
    peer.publish("Workshop")
    hub.harvest(peer)
    report = check(hub.settings.base_url)
    assert (report.having(FAILED), report.level) == ([], Level.L2)


def test_a_check_that_is_stopped_says_so_and_blames_nobody(filled, check):
    stop = Event()
    stop.set()
    report = check(filled.settings.base_url, stop)
    assert (report.level, report.having(FAILED)) == (Level.NONE, [])
    assert state(report, "complete") is WARNING


def test_an_address_that_cannot_be_asked_has_one_failed_check(check):
    report = check("https://nobody.example.org:99999/")
    assert [each.check for each in report.having(FAILED)] == ["address.answers"]
    assert report.level is Level.NONE


def test_every_check_has_a_sentence_in_every_language():
    assert list(SENTENCES) == list(SECTIONS)
    assert all(set(each) == {"en", "fr", "ar"} and all(each.values()) for each in SENTENCES.values())


def test_a_report_survives_json(filled, check):
    report = check(filled.settings.base_url)
    assert checks.from_json(checks.as_json(report)) == report


NODE_CHECKS = (
    *("description.found", "description.rdf", "description.node-iri", "description.uri-space"),
    *("log.found", "log.stream"),
)


@pytest.mark.parametrize(
    ("passed", "failed", "level"),
    [
        ((), (), Level.NONE),
        (("feeds.found",), ("feeds.well-formed",), Level.NONE),
        (("feeds.well-formed",), (), Level.L0),
        (("log.found", "log.stream"), (), Level.L0),
        (("log.found", "log.stream"), ("log.pages",), Level.NONE),
        (NODE_CHECKS, (), Level.L1),
        (NODE_CHECKS, ("log.order",), Level.L0),
        ((*NODE_CHECKS, "description.key"), (), Level.L1),
        ((*NODE_CHECKS, "description.key", "records.proof"), (), Level.L2),
        ((*NODE_CHECKS, "description.key", "records.proof"), ("feeds.dates", "caching.etag"), Level.L2),
        ((*NODE_CHECKS, "description.key", "records.proof"), ("records.authority",), Level.L0),
    ],
)
def test_the_level_follows_from_the_findings(passed, failed, level):
    findings = [*(Finding(each, PASSED) for each in passed), *(Finding(each, FAILED) for each in failed)]
    assert level_of(findings) is level


@pytest.mark.parametrize(
    ("kind", "date", "fine"),
    [
        ("RSS 2.0", "Sun, 22 Nov 2026 03:22:08 +0000", True),
        ("RSS 2.0", "Sun, 22 Nov 2026 03:22:08 GMT", True),
        ("RSS 2.0", "Sun, 22 Nov 2026 03:22:08", False),
        ("RSS 2.0", "2026-11-22", False),
        ("RSS 2.0", "", False),
        ("Atom", "2026-11-22T03:22:08Z", True),
        ("Atom", "2026-11-22T03:22:08", False),
        ("Atom", "2026-11-22", False),
        ("RSS 1.0", "2026-11-22", True),
        ("JSON Feed", "2026-11-22T03:22:08+01:00", True),
        ("JSON Feed", "yesterday", False),
    ],
)
def test_a_date_is_what_its_format_prescribes(kind, date, fine):
    assert is_dated(kind, date) is fine
