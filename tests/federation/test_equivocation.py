"""Two texts that a node signed as one version, one of them over a hub: what the node serves now counts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chm_node.database import reading, writing
from chm_node.record import Action
from harvest import decisions, equivocation, quarantine, sources
from harvest.equivocation import Served, served
from harvest.quarantine import Choice, Kind
from harvest.trust import HeldVersion, Offer

AT = datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC)
LATER, EARLIER = AT + timedelta(minutes=1), AT - timedelta(minutes=1)


def offer(digest, version=AT, action=Action.UPDATE):
    return Offer("act", action, "iri", version=version, digest=digest)


@pytest.mark.parametrize(
    ("first", "there", "found"),
    [
        (("1", AT), offer("1"), Served.FIRST),
        (("1", AT), offer("2"), Served.SECOND),
        (("1", AT), offer("3", LATER), Served.NEWER),
        (("1", AT), offer("3", LATER, Action.DELETE), Served.NEWER),
        (("1", AT), offer("3"), Served.NEITHER),
        (("1", AT), offer("3", EARLIER), Served.NEITHER),
        (("1", AT), offer("3", None), Served.NEITHER),
        (("1", AT), None, Served.NOTHING),
        (("1", EARLIER), offer("2"), Served.SECOND),  # somebody went back to an earlier run
        (("1", EARLIER), offer("3", AT), Served.NEITHER),
        (None, offer("2"), Served.SECOND),
        (None, offer("1"), Served.NEITHER),
        (None, offer("3", LATER), Served.NEWER),
    ],
)
def test_what_the_node_serves_decides(first, there, found):
    held = HeldVersion(first[1], first[0], withdrawn=False) if first else None
    assert served(held, offer("2"), there) is found


@pytest.fixture
def top(make_node, peer, hub):
    """A hub that follows the hub."""
    node = make_node("top")
    node.follow(hub)
    return node


@pytest.fixture
def texts(peer, hub, top):
    return signed_twice(peer, hub, top)


def signed_twice(peer, hub, top):
    """Two texts of one version that the peer signed: the first is everywhere, the hub brings top the second.

    What the peer serves now is the second.
    """
    [iri] = peer.publish("To be replaced")
    version = peer.now + timedelta(seconds=1)
    peer.say(iri, title="First", action=Action.UPDATE, version=version)
    first = peer.held(iri)
    hub.harvest(peer)
    top.harvest(hub)
    peer.say(iri, title="Second", action=Action.UPDATE, version=version)
    second = peer.held(iri)
    hub.later(minutes=5)
    hub.pass_on(second, peer.iri)
    for node in (peer, hub, top):
        node.later(minutes=10)
    assert text(top, iri) == first.graph.digest != second.graph.digest
    return first, second


def text(node, iri):
    """The hash of what a node holds of a record."""
    return node.held(iri).graph.digest


def states(node, source):
    with reading(node.engine) as connection:
        groups = quarantine.groups(connection, sources.find(connection, source.iri).id)
        return [(each.kind, each.decision, each.count) for each in groups]


def dropped(node):
    """The text that a person sees as dropped."""
    with reading(node.engine) as connection:
        [group] = quarantine.groups(connection)
        [found] = quarantine.some(connection, group, 5)
    assert (group.kind, group.decision) == (Kind.EQUIVOCATION, "dropped")
    return found.digest


def test_the_second_text_counts_when_the_node_serves_it(peer, hub, top, texts):
    first, second = texts

    run = top.harvest(hub)

    assert text(top, first.graph.iri) == second.graph.digest
    assert top.held(first.graph.iri).hops == (peer.iri,)
    assert dropped(top) == first.graph.digest
    assert (run.updated, top.reasons()) == (1, {})
    assert f"{first.graph.iri}: a second text of one version was taken over" in run.message
    top.later(days=2)
    assert top.harvest(hub).message == ""


def test_the_whole_story_on_either_database(make_node, peer, hub, wire, database_url):
    top = make_node("top", database_url=database_url)
    top.follow(hub)
    first, second = signed_twice(peer, hub, top)
    iri = first.graph.iri
    wire.replies[iri] = NO_ANSWER["busy"]
    top.harvest(hub)
    assert states(top, hub) == [(Kind.EQUIVOCATION, "waiting", 1)]
    wire.replies.clear()
    top.later(days=1)

    assert top.harvest(hub).updated == 1
    assert text(top, iri) == second.graph.digest
    assert dropped(top) == first.graph.digest


def test_the_first_text_counts_when_the_node_serves_it(peer, hub, top, texts):
    first, second = texts
    peer.pass_on(first)

    run = top.harvest(hub)

    assert text(top, first.graph.iri) == first.graph.digest
    assert dropped(top) == second.graph.digest
    assert top.reasons() == {first.graph.iri: "equivocation"}
    assert f"{first.graph.iri}: a second text of one version was refused" in run.message
    top.later(days=2)
    assert top.harvest(hub).message == ""


def test_a_newer_version_settles_both(peer, hub, top, texts):
    iri = texts[0].graph.iri
    peer.revise({iri: "The right thing"})

    run = top.harvest(hub)

    assert text(top, iri) == text(peer, iri)
    assert "gave way to a newer one" in run.message
    assert states(top, hub) == []


def test_a_withdrawal_settles_both(peer, hub, top, texts):
    iri = texts[0].graph.iri
    peer.withdraw(iri)

    assert top.harvest(hub).withdrawn == 1
    assert not top.holds(iri)
    assert states(top, hub) == []


def test_a_third_text_is_for_a_person(peer, hub, top, texts):
    first, _ = texts
    peer.say(first.graph.iri, title="Third", action=Action.UPDATE, version=first.graph.version)

    run = top.harvest(hub)

    assert "serves neither of two texts of one version, so a person has to decide: chm held" in run.message
    assert states(top, hub) == [(Kind.EQUIVOCATION, "waiting", 1)]
    assert text(top, first.graph.iri) == first.graph.digest


NO_ANSWER = {
    "busy": lambda real: replace(real, status=503),
    "not found": lambda real: replace(real, status=404),
    "no record": lambda real: replace(real, body=b"<html>"),
    "forged": lambda real: replace(real, body=real.body.replace(b"Second", b"Forged")),
    "unsigned": lambda real: replace(real, body=real.body.replace(b"assertionMethod", b"x")),
    "gone, without a tombstone": lambda real: replace(real, status=410),
}


@pytest.mark.parametrize("lie", NO_ANSWER)
def test_without_an_answer_that_proves_something_the_first_stays_and_the_node_is_asked_again(
    peer, hub, top, texts, wire, lie
):
    first, second = texts
    iri = first.graph.iri
    wire.replies[iri] = NO_ANSWER[lie]

    run = top.harvest(hub)

    assert "two texts of one version wait" in run.message
    assert (run.updated, run.withdrawn) == (0, 0)
    assert text(top, iri) == first.graph.digest
    assert states(top, hub) == [(Kind.EQUIVOCATION, "waiting", 1)]

    wire.replies.clear()
    wire.asked.clear()
    top.later(hours=23)
    top.harvest(hub)
    assert iri not in {url for url, _ in wire.asked}
    top.later(hours=2)
    top.harvest(hub)
    assert text(top, iri) == second.graph.digest


def test_two_hubs_that_disagree_are_settled_too(peer, hub, top, texts, make_node):
    """The second hub has the second text first."""
    _, second = texts
    other = make_node("other")
    other.follow(peer)
    assert other.harvest(peer).created == 1
    newcomer = make_node("newcomer")
    newcomer.follow(other)
    newcomer.follow(hub)
    newcomer.harvest(other)
    hub.pass_on(texts[0], peer.iri)  # once more, as its newest change

    newcomer.harvest(hub)

    assert text(newcomer, second.graph.iri) == second.graph.digest
    assert states(newcomer, hub) == [(Kind.EQUIVOCATION, "dropped", 1)]


def test_a_node_that_says_both_in_its_own_log_is_for_a_person(peer, hub, texts, wire):
    iri = texts[0].graph.iri
    peer.pass_on(texts[0])
    wire.asked.clear()

    hub.harvest(peer)

    assert states(hub, peer) == [(Kind.EQUIVOCATION, "waiting", 1)]
    assert iri not in {url for url, _ in wire.asked}


def test_what_a_person_decided_stays(peer, hub, top, texts, wire):
    first, _ = texts
    wire.replies[first.graph.iri] = NO_ANSWER["busy"]
    top.harvest(hub)
    with writing(top.engine) as connection:
        decisions.drop(connection, hub.iri, Choice(), top.now)
    wire.replies.clear()
    top.later(days=2)

    assert top.harvest(hub).updated == 0
    assert text(top, first.graph.iri) == first.graph.digest


def test_what_a_person_dropped_for_one_hub_is_not_taken_over_for_another(peer, hub, top, texts, make_node, wire):
    first, _ = texts
    iri = first.graph.iri
    wire.replies[iri] = NO_ANSWER["busy"]
    other = make_node("other")
    other.follow(peer)
    other.harvest(peer)
    top.follow(other)
    top.harvest(other)
    top.harvest(hub)
    with writing(top.engine) as connection:
        decisions.drop(connection, hub.iri, Choice(), top.now)
    wire.replies.clear()
    top.later(days=2)

    assert "a person has to decide" in top.harvest(other).message
    assert text(top, iri) == first.graph.digest


def test_few_are_asked_about_in_one_run_and_the_others_later(peer, hub, top, monkeypatch, wire):
    monkeypatch.setattr(equivocation, "MOST_ASKED", 2)
    iris = peer.publish(*"abc")
    hub.harvest(peer)
    top.harvest(hub)
    for iri in iris:
        peer.say(iri, title="Second", action=Action.UPDATE, version=peer.held(iri).graph.version)
        hub.pass_on(peer.held(iri), peer.iri)
    for node in (hub, top):
        node.later(minutes=20)

    assert [top.harvest(hub).updated, top.harvest(hub).updated, top.harvest(hub).updated] == [2, 1, 0]


def test_a_slow_node_is_left_after_a_while(peer, hub, top, wire):
    iris = peer.publish(*"abc")
    hub.harvest(peer)
    top.harvest(hub)
    for iri in iris:
        peer.say(iri, title="Second", action=Action.UPDATE, version=peer.held(iri).graph.version)
        hub.pass_on(peer.held(iri), peer.iri)

    def slow(real):
        top.later(minutes=6)
        return real

    wire.replies.update(dict.fromkeys(iris, slow))
    hub.later(minutes=20)
    top.later(minutes=20)

    assert top.harvest(hub).updated == 1
