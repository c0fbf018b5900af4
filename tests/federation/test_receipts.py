"""Receipts: what a hub did with each record of a peer, as the peer, a person and a feed reader see it."""

import json
import re
from html import unescape
from urllib.parse import quote

import feedparser
import pytest

from chm_node.database import reading, writing
from chm_node.errors import HarvestError, ParseError
from chm_node.record import timestamp
from harvest import hubs
from harvest.inquiry import receipts_at, store


@pytest.fixture
def site(hub):
    """The hub as a browser sees it."""
    return hub.wire.apps["hub.example.org"].test_client()


def address(hub, peer, path: str = "receipts") -> str:
    return f"{hub.settings.base_url}{path}?node={quote(peer.iri, safe='')}"


def receipts(site, hub, peer) -> dict[str, dict]:
    return {each["record"]: each for each in site.get(address(hub, peer)).json["receipts"]}


def refused_iri(peer) -> str:
    """A record of the peer that every hub refuses: it has no title."""
    iri = f"{peer.settings.uri_space}event/untitled"
    peer.say(iri, title="")
    return iri


def test_every_record_of_a_peer_has_a_receipt(peer, hub, site):
    [good] = peer.publish("Workshop on PCB")
    bad = refused_iri(peer)
    hub.harvest(peer)

    document = site.get(address(hub, peer)).json

    assert (document["hub"], document["node"]) == (hub.iri, peer.iri)
    assert (document["accepted"], document["refused"], document["harvested"]) == (1, 1, timestamp(hub.now))
    told = {each["record"]: each for each in document["receipts"]}
    graph = peer.held(good).graph
    assert told[good]["verdict"] == "accepted"
    assert told[good]["reason"] is None
    assert (told[good]["hash"], told[good]["version"]) == (graph.digest, timestamp(graph.version))
    assert told[good]["held"] == {"version": timestamp(graph.version), "hash": graph.digest, "withdrawn": False}
    assert told[bad]["verdict"] == "refused"
    assert told[bad]["reason"]["code"] == "no-title"
    assert told[bad]["reason"]["type"] == "https://w3id.org/chm/problems/no-title"
    assert set(told[bad]["reason"]["text"]) == {"en", "fr", "ar"}
    assert told[bad]["held"] is None
    assert told[bad]["received"] == timestamp(hub.now)


def test_a_record_that_came_by_another_way_counts_as_taken_over(peer, hub, make_node):
    top = make_node("top")
    [iri] = peer.publish("Workshop on PCB")
    hub.harvest(peer)
    top.follow(hub)
    top.harvest(hub)
    top.follow(peer)
    top.harvest(peer)

    told = receipts(top.wire.apps["top.example.org"].test_client(), top, peer)

    assert told[iri]["verdict"] == "accepted"
    assert told[iri]["hash"] == peer.held(iri).graph.digest


def test_the_receipt_of_a_refused_version_says_which_one_is_held(peer, hub, site):
    [iri] = peer.publish("Workshop on PCB")
    hub.harvest(peer)
    first = peer.held(iri).graph.digest
    peer.later(minutes=1)
    peer.say(iri, title="")
    hub.harvest(peer)

    told = receipts(site, hub, peer)[iri]

    assert (told["verdict"], told["held"]["hash"]) == ("refused", first)
    assert told["hash"] == peer.held(iri).graph.digest != first


def test_receipts_come_in_pages_that_lose_and_repeat_nothing(peer, hub, site, monkeypatch):
    monkeypatch.setattr("harvest.receipts.PAGE", 7)
    monkeypatch.setattr("harvest.receipt_pages.PAGE", 7)
    iris = peer.publish(*(f"Workshop {n}" for n in range(20)))
    hub.harvest(peer)

    found, following, pages = [], address(hub, peer), 0
    while following:
        document = site.get(following).json
        found += [each["record"] for each in document["receipts"]]
        following, pages = document.get("next"), pages + 1

    assert found == sorted(iris)
    assert pages == 3


@pytest.mark.parametrize("path", ["receipts", "receipts.atom"])
def test_unchanged_receipts_are_answered_304_until_something_happens(peer, hub, site, path):
    refused_iri(peer)
    hub.harvest(peer)
    first = site.get(address(hub, peer, path))

    again = site.get(address(hub, peer, path), headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")

    peer.later(minutes=1)
    peer.say(f"{peer.settings.uri_space}event/another", title="")
    hub.harvest(peer)
    assert site.get(address(hub, peer, path), headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_without_a_node_the_peers_are_listed(peer, hub, site):
    peer.publish("Workshop")
    hub.harvest(peer)

    [listed] = site.get("/receipts").json["peers"]

    assert (listed["node"], listed["accepted"]) == (peer.iri, 1)
    assert site.get(listed["receipts_of"]).json["node"] == peer.iri


@pytest.mark.parametrize("path", ["receipts", "receipts.atom", "en/network/receipts"])
def test_a_node_that_is_not_harvested_here_has_no_receipts(hub, site, path):
    answer = site.get(f"/{path}?node=https%3A%2F%2Fnobody.example.org%2Fnode")

    assert answer.status_code == 404
    assert "nobody.example.org" in answer.json["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "receipts.atom?lang=tlh",
        "receipts.atom?lang=ar&lang=xx",
        "en/network/receipts?page=0",
        "en/network/receipts?page=x",
    ],
)
def test_what_is_not_understood_is_refused(peer, hub, site, query):
    assert site.get(f"/{query}&node={quote(peer.iri, safe='')}").status_code == 400


def test_the_feed_lists_what_was_refused_newest_first_in_words(peer, hub, site):
    peer.publish("Workshop")
    first = refused_iri(peer)
    hub.harvest(peer)
    peer.later(minutes=1)
    hub.later(minutes=1)
    second = f"{peer.settings.uri_space}event/unsigned"
    peer.say(second, signed=False)
    hub.harvest(peer)

    feed = feedparser.parse(site.get(f"{address(hub, peer, 'receipts.atom')}&lang=fr").data)

    assert not feed.bozo
    assert feed.feed.title == "Notices refusées : dz"
    assert {feed.entries[0].title, feed.entries[1].title} == {first, second}
    newest = feed.entries[0]
    assert newest.title == second
    assert "n’est pas signée" in newest.content[0].value
    assert newest.id not in (first, second)
    assert newest.link.startswith(f"{hub.settings.base_url}fr/network/receipts")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Receipts", "The record has no title in any language", "taken over: 1", "refused: 1")),
        ("fr", ("Accusés de réception", "La notice n’a de titre dans aucune langue", "reprises : 1")),
        ("ar", ("الإيصالات", "مأخوذة: 1", "مرفوضة: 1")),
    ],
)
def test_the_page_tells_a_person_what_was_refused_and_why(peer, hub, site, language, words):
    peer.publish("Workshop")
    bad = refused_iri(peer)
    hub.harvest(peer)

    html = site.get(address(hub, peer, f"{language}/network/receipts")).text

    for each in (*words, bad, "no-title"):
        assert each in html
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in html


def test_the_page_of_a_peer_without_problems_says_so(peer, hub, site):
    peer.publish("Workshop")
    hub.harvest(peer)

    html = site.get(address(hub, peer, "en/network/receipts")).text

    assert "Nothing was refused." in html
    assert "<table" not in html


def test_the_network_page_leads_to_the_receipts(peer, hub, site):
    peer.publish("Workshop")
    hub.harvest(peer)

    [link] = re.findall(r'href="(/fr/network/receipts[^"]*)"', site.get("/fr/network").text)
    assert "Accusés de réception" in site.get(unescape(link)).text


def test_a_hostile_iri_becomes_no_link_and_no_markup(peer, hub, site):
    """The IRI in a receipt is what the peer wrote."""
    peer.say(f"{peer.settings.uri_space}event/a'onclick='b", title="")
    hub.harvest(peer)

    html = site.get(address(hub, peer, "en/network/receipts")).text

    assert "a'onclick='b" not in html


def test_the_description_advertises_the_receipts(hub, site):
    described = site.get("/node.nt").text

    assert "<https://hub.example.org/node#receipts> <http://www.w3.org/ns/dcat#endpointURL>" in described
    assert "<https://w3id.org/chm/federation/1.0#receipts>" in described
    items = json.loads(site.get("/.well-known/api-catalog").data)["linkset"][0]["item"]
    assert f"{hub.settings.base_url}receipts" in [each["href"] for each in items]


# What the peer reads of it.


def standings(peer, hub, address: str = "") -> hubs.HubView:
    """What the hub says, asked and kept as the command does."""
    address = address or hub.settings.base_url
    with peer.client() as client:
        answer = receipts_at(address, peer.iri, client, peer.readers)
    with writing(peer.engine) as connection:
        hubs.remember(connection, address, peer.now)
        store(connection, address, answer, peer.now, 0.5)
    with reading(peer.engine) as connection:
        return hubs.view(connection, hubs.listing(connection)[0], peer.iri, peer.settings.uri_space)


def lights(peer, hub) -> tuple[int, dict[str, str]]:
    """How many are green, and the light of each other record."""
    view = standings(peer, hub)
    return view.green, {each.iri: each.light.value for each in view.others}


def test_a_node_sees_green_amber_and_red_at_its_hub(peer, hub):
    _, revised, gone = peer.publish("Workshop on PCB", "Meeting", "To be withdrawn")
    bad = refused_iri(peer)
    hub.harvest(peer)
    assert lights(peer, hub) == (3, {bad: "red"})

    peer.later(minutes=1)
    peer.revise({revised: "Meeting, moved"})
    peer.withdraw(gone)
    [new] = peer.publish("Training")
    assert lights(peer, hub) == (1, {revised: "amber", gone: "amber", new: "amber", bad: "red"})
    assert {each.iri for each in standings(peer, hub).others if each.older} == {revised, gone}

    hub.harvest(peer)
    assert lights(peer, hub) == (4, {bad: "red"})


def test_a_node_reads_receipts_over_several_pages(peer, hub, monkeypatch):
    monkeypatch.setattr("harvest.receipts.PAGE", 7)
    monkeypatch.setattr("harvest.receipt_pages.PAGE", 7)
    peer.publish(*(f"Workshop {n}" for n in range(20)))
    hub.harvest(peer)

    assert lights(peer, hub) == (20, {})


def test_a_hub_that_does_not_harvest_us_says_so(peer, make_node):
    other = make_node("other")

    with pytest.raises(HarvestError, match="does not harvest this node"):
        standings(peer, other)


def test_a_node_without_receipts_is_told_apart_from_one_that_does_not_answer(peer, hub, wire):
    wire.replies[hub.iri] = lambda real: type(real)(
        real.body.replace(b"#receipts", b"#recipes"), media_type=real.media_type
    )

    with pytest.raises(HarvestError, match="does not publish what became"):
        standings(peer, hub)
    with pytest.raises(HarvestError, match="no node was found"):
        standings(peer, hub, "https://nobody.example.org/")


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ({"node": "https://tn.example.org/node", "receipts": []}, "answers about"),
        ({"node": "", "receipts": [], "next": "https://elsewhere.example.org/receipts"}, "lies elsewhere"),
        ({"node": "", "receipts": [], "next": "/receipts?node=https%3A%2F%2Fdz.example.org%2Fnode"}, "read before"),
        ({"receipts": "many"}, "no list of receipts"),
    ],
)
def test_a_hub_that_answers_nonsense_is_left_with_a_reason(peer, hub, wire, lie, words):
    lie = {**lie, "node": lie.get("node") or peer.iri}
    wire.replies[address(hub, peer)] = lambda real: type(real)(json.dumps(lie).encode(), media_type=real.media_type)

    with pytest.raises(ParseError, match=words):
        standings(peer, hub)
