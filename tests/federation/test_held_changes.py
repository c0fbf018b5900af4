"""Two texts as one version, and changes dated ahead: held as they came, and what becomes of them."""

from datetime import timedelta
from importlib import import_module

import pytest

from chm_node.database import reading, writing
from harvest import decisions, quarantine
from harvest.attention import State, attention
from harvest.quarantine import Choice, Kind

ALL = Choice()


@pytest.fixture
def iri(peer):
    return f"{peer.settings.uri_space}event/1"


@pytest.fixture
def texts(peer, hub, iri):
    """Two texts that the peer signed as one version; the hub holds the first."""
    first = peer.say(iri, title="One thing")
    hub.harvest(peer)
    second = peer.say(iri, title="Another thing", version=first.version)
    hub.harvest(peer)
    return first, second


def waiting(hub) -> dict[Kind, int]:
    with reading(hub.engine) as connection:
        return {each.kind: each.count for each in quarantine.groups(connection) if each.decision == "waiting"}


def accept(hub, peer) -> int:
    return decisions.accept(hub.engine, hub.settings, peer.iri, ALL, hub.now)


def decide(hub, peer, decision) -> int:
    with writing(hub.engine) as connection:
        return decision(connection, peer.iri, ALL, hub.now)


def harvest_again(hub, peer):
    """The open page changes, so that everything on it is offered once more."""
    peer.later(minutes=1)
    peer.publish("Something else")
    hub.later(minutes=20)
    return hub.harvest(peer)


def test_of_two_texts_the_first_stays_and_the_second_is_held_whole(peer, hub, iri, texts):
    first, second = texts

    assert hub.held(iri).graph == first
    assert waiting(hub) == {Kind.EQUIVOCATION: 1}
    with reading(hub.engine) as connection:
        [found] = attention(connection)
        [(_, offer)] = quarantine.waiting(connection, found.source.id, ALL, 10)
    assert (offer.nquads, offer.proof) == (second.nquads, second.proof)
    [example] = found.matters[0].examples
    assert (example.name, example.titles) == (iri, {"en": "Another thing"})
    assert hub.reasons() == {iri: "equivocation"}


def test_what_is_held_is_in_no_answer_of_the_hub(peer, hub, iri, texts):
    for path in ("feed/1/1", "feeds/all.atom", "catalogue", "resourcelist-1.xml", "en/records"):
        assert b"Another thing" not in hub.get(f"{hub.settings.base_url}{path}")
    assert texts[1].digest.encode() not in hub.get(f"{hub.settings.base_url}resourcelist-1.xml")


def test_a_person_can_take_the_second_text_and_go_back_to_the_first(peer, hub, iri, texts):
    first, second = texts

    assert accept(hub, peer) == 1
    assert hub.held(iri).graph.nquads == second.nquads
    assert hub.reasons() == {}
    harvest_again(hub, peer)
    assert hub.held(iri).graph.nquads == second.nquads
    assert waiting(hub) == {}

    decide(hub, peer, decisions.reopen)
    accept(hub, peer)
    assert hub.held(iri).graph.nquads == first.nquads


def test_a_dropped_text_stays_dropped_and_the_next_version_is_taken_over(peer, hub, iri, texts):
    decide(hub, peer, decisions.drop)
    assert harvest_again(hub, peer).rejected == 1
    assert waiting(hub) == {}
    assert hub.held(iri).graph == texts[0]

    peer.later(minutes=1)
    peer.revise({iri: "The right thing"})
    hub.harvest(peer)

    assert hub.held(iri).graph == peer.held(iri).graph
    with reading(hub.engine) as connection:
        assert attention(connection) == []


@pytest.fixture
def early(peer, hub, iri):
    """A record that its node dated an hour ahead."""
    graph = peer.say(iri, title="Tomorrow's workshop", version=peer.now + timedelta(hours=1))
    assert hub.harvest(peer).rejected == 1
    return graph


def test_what_is_dated_ahead_is_taken_over_by_itself_when_its_time_has_come(peer, hub, iri, early):
    assert waiting(hub) == {Kind.FUTURE: 1}
    assert not hub.holds(iri)

    hub.later(minutes=49)
    assert hub.harvest(peer).created == 0
    hub.later(minutes=1)
    run = hub.harvest(peer)

    assert (run.created, run.rejected, waiting(hub), hub.reasons()) == (1, 0, {}, {})
    assert hub.held(iri).graph == early
    assert hub.held(iri).hops == (peer.iri,)


def test_a_person_may_take_over_at_once_what_is_dated_ahead(peer, hub, iri, early):
    assert accept(hub, peer) == 1

    assert hub.held(iri).graph == early
    assert (waiting(hub), hub.reasons()) == ({}, {})
    assert harvest_again(hub, peer).rejected == 0


def test_what_is_dated_ahead_and_dropped_never_comes(peer, hub, iri, early):
    decide(hub, peer, decisions.drop)
    hub.later(hours=2)
    peer.later(hours=2)

    assert harvest_again(hub, peer).rejected == 1

    assert not hub.holds(iri)
    assert hub.reasons() == {iri: "future-version"}


def test_a_newer_version_settles_what_is_dated_ahead(peer, hub, iri, early):
    hub.later(hours=2)
    peer.later(hours=2)
    peer.revise({iri: "With the right clock"})

    hub.harvest(peer)

    assert hub.held(iri).graph == peer.held(iri).graph
    assert waiting(hub) == {}


def test_what_waited_is_judged_anew_by_the_key_that_is_approved_then(peer, hub, iri, early, tmp_path):
    with writing(hub.engine) as connection:
        row = quarantine.waiting(connection, 1, ALL, 1)[0][1]
        forged = type(row)(**{**vars(row), "nquads": row.nquads.replace(b"workshop", b"forgery!")})
        quarantine.forget(connection, 1, Kind.FUTURE, [iri])
        quarantine.hold(connection, 1, Kind.FUTURE, [forged], hub.now)
    hub.later(hours=2)

    assert hub.harvest(peer).rejected == 1

    assert not hub.holds(iri)
    assert (waiting(hub), hub.reasons()) == ({}, {iri: "bad-proof"})


def test_withdrawals_dated_ahead_cannot_slip_past_the_guard(peer, hub):
    iris = peer.publish(*(f"Workshop {n}" for n in range(20)))
    hub.harvest(peer)
    peer.later(hours=1)
    peer.withdraw(*iris)
    hub.harvest(peer)
    assert waiting(hub) == {Kind.FUTURE: 20}

    hub.later(hours=2)

    assert hub.harvest(peer).outcome == "quarantined"
    assert all(map(hub.holds, iris))


def test_everything_that_a_person_should_see_is_listed_once(peer, hub, iri, texts):
    peer.publish("Workshop", subjects=["https://vocabulary.example.org/wetlands"])
    broken = f"{peer.settings.uri_space}event/no-first-day"
    peer.say(
        broken, f"<{broken}> <http://purl.org/dc/terms/type> <https://w3id.org/chm/vocabulary/record-types/event> .\n"
    )
    peer.say(f"{peer.settings.uri_space}event/unsigned", signed=False)
    peer.say("https://tn.example.org/id/event/1")
    hub.harvest(peer)

    with reading(hub.engine) as connection:
        [found] = attention(connection)

    assert {(each.state, each.code, each.count) for each in found.matters} == {
        (State.WAITING, "equivocation", 1),
        (State.FLAGGED, "unknown-term", 1),
        (State.FLAGGED, "broken-rule", 1),
        (State.REFUSED, "unsigned", 1),
        (State.REFUSED, "foreign-iri", 1),
    }
    examples = {each.code: each.examples[0] for each in found.matters}
    assert examples["unknown-term"].name == "https://vocabulary.example.org/wetlands"
    assert "starts" in examples["broken-rule"].detail
    assert examples["foreign-iri"].name == "https://tn.example.org/id/event/1"


def test_the_network_page_says_in_words_what_waits(peer, hub, texts):
    site = hub.wire.apps["hub.example.org"].test_client()

    assert "1 change waits for the decision of a person: another text as the version" in site.get("/en/network").text
    assert "1 changement attend la décision d’une personne : un autre texte" in site.get("/fr/network").text
    assert "تغيير واحد ينتظر قرار المسؤول: نص آخر" in site.get("/ar/network").text


def test_the_command_knows_every_kind():
    cli = import_module("chm_node.cli.held")
    kinds = tuple(kind.value for kind in Kind)
    assert kinds == cli.KINDS
    assert cli._WAITING.keys() == cli._DROPPED.keys() == set(kinds)
