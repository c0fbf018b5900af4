"""Records that a hub never passes on are found in the lists of their origins."""

import random
from dataclasses import replace

import pytest

from chm_node.database import writing
from harvest import sources, withheld
from harvest.origins import Sampling

from .conftest import Reply


@pytest.fixture
def top(make_node, peer, hub):
    """A hub that follows the hub, and has one record of the peer."""
    return following(make_node("top"), hub, peer)


def following(node, hub, peer):
    peer.publish("Passed on")
    hub.harvest(peer)
    node.follow(hub)
    assert node.harvest(hub).created == 1
    return node


@pytest.fixture
def unseen(peer, top):
    """A record that the hub never passes on; a week later."""
    return published(peer, top)


def published(peer, top):
    peer.later(minutes=1)
    [iri] = peer.publish("Withheld")
    top.later(days=8)
    return iri


def list_of(peer):
    return f"{peer.settings.base_url}resourcelist-1.xml"


def addresses(wire):
    return {url for url, _ in wire.asked}


def test_what_was_withheld_from_the_beginning_is_taken_over_from_its_origin(peer, hub, top, unseen):
    run = top.harvest(hub)

    assert (run.outcome, run.created, top.reasons()) == ("ok", 1, {})
    assert "the lists of 1 nodes that the peer speaks for were compared, and 1 records were missing" in run.message
    assert unseen in run.message
    assert top.held(unseen).graph == peer.held(unseen).graph
    assert top.held(unseen).hops == (peer.iri,)
    top.later(days=8)
    assert top.harvest(hub).message == ""


def test_on_either_database(make_node, peer, hub, database_url):
    top = following(make_node("top", database_url=database_url), hub, peer)
    iri = published(peer, top)

    assert top.harvest(hub).created == 1
    assert top.held(iri).graph == peer.held(iri).graph


def test_a_hub_that_passes_on_nothing_at_all_of_a_node(make_node, peer, hub):
    """It has approved the node, says so, and harvests it never."""
    iris = peer.publish("One", "Two", "Three")
    top = make_node("top")
    top.follow(hub)
    assert top.harvest(hub).created == 0
    top.later(days=8)

    assert top.harvest(hub).created == 3
    assert all(map(top.holds, iris))


def test_the_lists_are_compared_once_a_week(peer, hub, top, wire):
    def compared():
        wire.asked.clear()
        top.harvest(hub)
        return list_of(peer) in addresses(wire)

    top.later(days=6)
    assert not compared()
    top.later(days=1, minutes=1)
    assert compared()
    top.later(days=1)
    assert not compared()


def test_what_a_hub_brings_later_is_passed_over(peer, hub, top, unseen):
    top.harvest(hub)
    hub.later(days=8)
    hub.harvest(peer)

    run = top.harvest(hub)

    assert (run.created, run.updated, run.rejected) == (0, 0, 0)


NOT_BELIEVED = {
    "forged": lambda real: replace(real, body=real.body.replace(b"Withheld", b"Forged")),
    "unsigned": lambda real: replace(real, body=real.body.replace(b"assertionMethod", b"x")),
    "gone": lambda real: replace(real, status=410),
    "not there": lambda real: replace(real, status=404),
    "silent": lambda real: replace(real, status=503),
}


@pytest.mark.parametrize("lie", NOT_BELIEVED)
def test_what_cannot_be_believed_is_not_taken_over(peer, hub, top, unseen, wire, lie):
    wire.replies[unseen] = NOT_BELIEVED[lie]

    run = top.harvest(hub)

    assert (run.created, run.rejected, top.holds(unseen)) == (0, 0, False)
    assert f"1 records that their nodes list could not be had there: {unseen}" in run.message


UNREAD = {
    "an error": {"status": 500},
    "half a list": {"body": b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url>'},
    "no list": {"body": b"<html/>"},
}


@pytest.mark.parametrize("fault", UNREAD)
def test_a_list_that_cannot_be_read_is_told_and_says_nothing(peer, hub, top, unseen, wire, fault):
    wire.replies[list_of(peer)] = lambda real: replace(real, **UNREAD[fault])

    run = top.harvest(hub)

    assert (run.outcome, run.created) == ("ok", 0)
    assert f"the lists of 1 nodes that the peer speaks for could not be read: {peer.iri}" in run.message


def test_a_node_cannot_have_another_host_asked(peer, hub, top, unseen, wire):
    elsewhere = "https://elsewhere.example.org/list.xml"
    leading = f"""<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
        xmlns:rs="http://www.openarchives.org/rs/terms/">
        <rs:md capability="resourcelist"/><sitemap><loc>{elsewhere}</loc></sitemap></sitemapindex>"""
    wire.replies[list_of(peer)] = Reply(leading.encode(), media_type="application/xml")
    wire.asked.clear()

    assert "leads to another host" in top.harvest(hub).message
    assert elsewhere not in addresses(wire)


def test_a_node_cannot_speak_for_the_records_of_another(peer, hub, top, unseen, wire, make_node):
    """Its list names one of theirs, which is not asked for."""
    other = make_node("tn")
    [theirs] = other.publish("Theirs")
    more = f"<url><loc>{theirs}.nq</loc></url></urlset>".encode()
    wire.replies[list_of(peer)] = lambda real: replace(real, body=real.body.replace(b"</urlset>", more))
    wire.asked.clear()

    assert top.harvest(hub).created == 1
    assert theirs not in addresses(wire)


def test_absence_from_a_list_withdraws_nothing(peer, hub, top, wire):
    [change] = top.log()
    top.later(days=8)
    empty = Reply(
        b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:rs="http://www.openarchives.org/rs/terms/">
        <rs:md capability="resourcelist"/></urlset>""",
        media_type="application/xml",
    )
    wire.replies[list_of(peer)] = empty

    run = top.harvest(hub)

    assert (run.withdrawn, top.holds(change.graph.iri)) == (0, True)


def test_only_a_node_that_confirmed_its_hub_is_compared(make_node, peer, hub, wire):
    top = make_node("top")
    app = wire.apps.pop("dz.example.org")
    top.follow(hub)
    top.harvest(hub)
    wire.apps["dz.example.org"] = app
    wire.replies[peer.iri] = lambda real: replace(real, status=503)
    top.later(days=8)
    wire.asked.clear()

    top.harvest(hub)

    assert list_of(peer) not in addresses(wire)


def test_a_node_that_is_harvested_here_too_is_not_compared_once_more(peer, hub, top, unseen, wire):
    top.follow(peer)
    wire.asked.clear()
    top.harvest(hub)
    assert list_of(peer) not in addresses(wire)


def test_a_node_of_another_country_than_the_hub_was_approved_for_is_not_compared(peer, hub, top, unseen, wire):
    with writing(top.engine) as connection:
        sources.approve(connection, hub.iri, top.settings, top.now, ["TN"])
    wire.asked.clear()
    top.harvest(hub)
    assert list_of(peer) not in addresses(wire)


@pytest.fixture
def two(make_node, peer, hub, top):
    """Two nodes with a record each that the hub withholds."""
    other = make_node("tn")
    hub.follow(other)
    for node in (peer, other):
        node.later(minutes=1)
        node.publish("Withheld")
    top.later(days=1)
    top.harvest(hub)  # hears of the other, and asks it
    top.later(days=8)
    return peer, other


def test_few_nodes_are_compared_in_one_check(two, hub, top, monkeypatch):
    monkeypatch.setattr(withheld, "MOST_COMPARED", 1)
    assert top.harvest(hub, sampling=Sampling(0.01, random.Random(3))).created == 1


def test_a_slow_node_is_left_after_a_while(two, hub, top, wire):
    def slow(real):
        top.later(minutes=6)
        return real

    wire.replies.update({list_of(node): slow for node in two})

    assert top.harvest(hub).created == 0
    wire.replies.clear()
    top.later(days=8)
    assert top.harvest(hub).created == 2
