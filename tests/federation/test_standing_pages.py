"""How a node's records stand at its hubs: asked by the worker, kept, and shown as a page, JSON and a feed."""

from datetime import UTC, datetime, timedelta
from threading import Event
from urllib.parse import quote

import feedparser
import pytest

from chm_node.database import reading, writing
from chm_node.errors import HarvestError
from chm_node.record import timestamp
from harvest import hubs
from harvest.inquiry import ask_next
from harvest.standing import Light


@pytest.fixture
def peer(make_node, database_url):
    return make_node("dz", country="DZ", database_url=database_url)


@pytest.fixture
def site(peer):
    """The node as a browser sees it."""
    return peer.wire.apps["dz.example.org"].test_client()


@pytest.fixture
def records(peer, hub):
    """One record that the hub holds as published, one that was revised since, one that it refused; it was asked."""
    good, revised = peer.publish("Workshop on PCB", "Meeting")
    bad = f"{peer.settings.uri_space}event/unsigned"
    peer.say(bad, title="Unsigned training", signed=False)
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.revise({revised: "Meeting, moved"})
    remember(peer, hub.settings.base_url)
    assert asks(peer)
    return good, revised, bad


def remember(peer, address):
    with writing(peer.engine) as connection:
        hubs.remember(connection, address, peer.now)


def asks(peer) -> bool:
    """A tick of the worker."""
    return ask_next(peer.engine, peer.settings, lambda: peer.now, Event(), 0.5, peer.client)


def views(peer):
    with reading(peer.engine) as connection:
        return [hubs.view(connection, each, peer.iri, peer.settings.uri_space) for each in hubs.listing(connection)]


def test_the_worker_asks_each_hub_every_hour(peer, hub, records, wire):
    wire.asked.clear()
    assert not asks(peer)
    peer.later(hours=1, minutes=1)
    assert asks(peer)
    assert not asks(peer)
    assert any(url.startswith(f"{hub.settings.base_url}receipts") for url, _ in wire.asked)


def test_what_a_hub_said_is_kept_and_compared_with_what_is_published_now(peer, hub, records):
    _, revised, bad = records
    [view] = views(peer)

    assert (view.hub.address, view.hub.titles, view.hub.answered) == (hub.settings.base_url, {"en": "hub"}, peer.now)
    assert (view.light, view.counts) == (Light.RED, {Light.GREEN: 1, Light.AMBER: 1, Light.RED: 1})
    assert [(each.iri, each.light.value, each.older) for each in view.others] == [
        (bad, "red", False),
        (revised, "amber", True),
    ]
    peer.publish("Published since it was asked")
    [view] = views(peer)
    assert view.counts[Light.AMBER] == 2


def test_a_new_answer_takes_the_place_of_the_old_one(peer, hub, records):
    hub.harvest(peer)
    peer.later(hours=2)
    assert asks(peer)

    [view] = views(peer)
    assert view.counts == {Light.GREEN: 2, Light.AMBER: 0, Light.RED: 1}


def test_a_hub_that_falls_silent_keeps_its_old_answer_and_says_how_old_it_is(peer, hub, records, wire, site):
    answered = peer.now
    app = wire.apps.pop("hub.example.org")
    waits = []
    for _ in range(4):
        peer.later(hours=25)
        assert asks(peer)
        with reading(peer.engine) as connection:
            waits.append(hubs.is_due(connection, peer.now + timedelta(seconds=59)))

    [view] = views(peer)
    assert (view.hub.answered, view.counts[Light.GREEN]) == (answered, 1)
    assert "no node was found" in view.hub.problem
    assert waits == [False] * 4
    page = site.get("/en/receipts").text
    assert "It does not answer now." in page
    assert "ago" in page

    wire.apps["hub.example.org"] = app
    peer.later(hours=25)
    assert asks(peer)
    assert views(peer)[0].hub.problem == ""


@pytest.mark.parametrize(("language", "age"), [("en", "2 days ago"), ("fr", "il y a 2 jours"), ("ar", "قبل يومين")])
def test_how_long_ago_a_hub_answered_is_said_in_the_grammar_of_the_language(peer, hub, records, site, language, age):
    answered = datetime.now(UTC) - timedelta(days=2, hours=1)
    with writing(peer.engine) as connection:
        hubs.answered(connection, hub.settings.base_url, {}, (), answered, peer.now)

    assert age in site.get(f"/{language}/receipts").text


def test_a_hub_that_does_not_harvest_us_says_so(peer, make_node, site):
    other = make_node("other")
    remember(peer, other.settings.base_url)
    assert asks(peer)

    assert "does not harvest this node" in site.get("/en/receipts").text
    assert "It has not answered yet." in site.get("/en/receipts").text


def test_a_hub_is_remembered_once_and_forgotten_with_all_it_said(peer, hub, records):
    remember(peer, hub.settings.base_url)
    assert len(views(peer)) == 1
    assert views(peer)[0].hub.answered

    with writing(peer.engine) as connection:
        hubs.forget(connection, hub.settings.base_url)

    assert views(peer) == []
    peer.later(days=1)
    assert not asks(peer)
    with writing(peer.engine) as connection, pytest.raises(HarvestError, match="these are: none"):
        hubs.forget(connection, hub.settings.base_url)


def test_an_answer_that_comes_after_its_hub_was_forgotten_is_dropped(peer, hub, records):
    with writing(peer.engine) as connection:
        hubs.forget(connection, hub.settings.base_url)
        hubs.answered(connection, hub.settings.base_url, {}, (), peer.now, peer.now)
        hubs.failed(connection, hub.settings.base_url, "late", peer.now)

    assert views(peer) == []


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Receipts from hubs", "Red: refused", "as published here: 1", "The record is not signed by its node")),
        ("fr", ("Accusés des pôles", "Rouge : refusée", "telles que publiées ici : 1", "La notice n’est pas signée")),
        ("ar", ("إيصالات مراكز التجميع", "أحمر: مرفوض", "كما نُشرت هنا: 1", "السجل غير موقّع من عقدته")),
    ],
)
def test_the_page_says_in_words_how_the_records_stand(peer, records, site, language, words):
    answer = site.get(f"/{language}/receipts")

    for each in (*words, records[2], records[1]):
        assert each in answer.text
    assert records[0] not in answer.text
    assert len(answer.data) < 30 * 1024


def test_a_node_that_has_asked_no_hub_says_how_to(site):
    assert "chm receipts" in site.get("/en/receipts").text
    assert site.get("/standing").json["hubs"] == []
    assert feedparser.parse(site.get("/standing.atom").data).entries == []


def test_many_records_come_in_pages(peer, hub, site):
    peer.publish(*(f"Workshop {n}" for n in range(51)))
    hub.harvest(peer)
    remember(peer, hub.settings.base_url)
    peer.publish(*(f"Meeting {n}" for n in range(51)))
    asks(peer)

    assert site.get("/en/receipts?page=1").text.count("<tr>") == 51
    assert site.get("/en/receipts?page=2").text.count("<tr>") == 2
    assert site.get("/en/receipts?page=3").status_code == 404
    assert site.get("/en/receipts?page=x").status_code == 400


def test_the_page_of_a_record_leads_to_how_hubs_hold_it(peer, records, site):
    link = f"/en/receipts?record={quote(records[1], safe='')}"
    page = site.get(records[1].replace("https://dz.example.org/", "/en/")).text
    assert "How hubs hold this record" in page

    assert "It has an earlier version." in site.get(link).text
    assert "Green: as published here" in site.get(f"/en/receipts?record={quote(records[0], safe='')}").text
    assert site.get("/en/receipts?record=https%3A%2F%2Fx.example%2F").status_code == 404


def test_json_has_the_lights_and_the_reasons(peer, hub, records, site):
    answer = site.get("/standing")
    [found] = answer.json["hubs"]

    assert answer.json["node"] == peer.iri
    assert (found["hub"], found["light"], found["problem"]) == (hub.settings.base_url, "red", None)
    assert found["counts"] == {"green": 1, "amber": 1, "red": 1}
    assert found["answered"] == timestamp(peer.now)
    worst = found["records"][0]
    assert (worst["record"], worst["light"], worst["received"]) == (records[2], "red", timestamp(hub.now))
    assert worst["reason"]["type"] == "https://w3id.org/chm/problems/unsigned"
    assert set(worst["reason"]["text"]) == {"en", "fr", "ar"}
    again = site.get("/standing", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_feed_tells_what_was_refused_in_the_readers_language(peer, hub, records, site):
    feed = feedparser.parse(site.get("/standing.atom?lang=fr").data)

    assert not feed.bozo
    assert feed.feed.title == "Notices refusées par des pôles"
    [entry] = feed.entries
    assert "hub : La notice n’est pas signée" in entry.content[0].value
    assert entry.id != records[2]
    assert site.get("/standing.atom?lang=tlh").status_code == 400


def test_what_a_hub_says_is_text_and_nothing_else(peer, hub, records, site, wire):
    hostile = b'"detail": "<script>alert(1)</script>"'
    wire.replies[f"{hub.settings.base_url}receipts?node={quote(peer.iri, safe='')}"] = lambda real: type(real)(
        real.body.replace(b'"detail": ""', hostile), media_type=real.media_type
    )
    peer.later(hours=2)
    assert asks(peer)

    for path in ("en/receipts", f"en/receipts?record={quote(records[2], safe='')}", "standing.atom"):
        assert b"<script>" not in site.get(f"/{path}").data
    assert "&lt;script&gt;" in site.get("/en/receipts").text
