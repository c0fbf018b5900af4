"""Withdrawals that are too many at once: held, shown, accepted or dropped by a person, and what becomes of them."""

from collections.abc import Callable
from urllib.parse import quote

import pytest

from chm_node.database import reading, writing
from chm_node.errors import HarvestError
from harvest import decisions, hubs, overview, quarantine, sources
from harvest.attention import State, attention
from harvest.inquiry import receipts_at, store
from harvest.quarantine import Choice

ALL = Choice()


@pytest.fixture
def emptied(peer, hub) -> list[str]:
    """Records of a peer that the hub holds and the peer withdrew, on several pages of its log."""
    iris = peer.publish(*(f"Workshop {n}" for n in range(250)))
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.withdraw(*iris)
    hub.later(minutes=20)
    assert hub.harvest(peer).outcome == "quarantined"
    return iris


def held(hub) -> dict[str, int]:
    with reading(hub.engine) as connection:
        return {each.decision: each.count for each in quarantine.groups(connection)}


def accept(hub, peer, chosen: Choice = ALL) -> int:
    return decisions.accept(hub.engine, hub.settings, peer.iri, chosen, hub.now)


def decide(hub, peer, decision: Callable[..., int], chosen: Choice = ALL) -> int:
    with writing(hub.engine) as connection:
        return decision(connection, peer.iri, chosen, hub.now)


def living(hub, iris) -> int:
    return sum(map(hub.holds, iris))


def history(hub, peer) -> list[str]:
    with reading(hub.engine) as connection:
        return [run.message for run in overview.history(connection, sources.find(connection, peer.iri).id)]


def test_all_withdrawals_are_counted_and_some_named_before_anything_is_done(peer, hub, emptied):
    with reading(hub.engine) as connection:
        [found] = attention(connection)
        [group] = quarantine.groups(connection)

    assert (found.source.node, found.records) == (peer.iri, 250)
    [matter] = found.matters
    assert (matter.state, matter.code, matter.count) == (State.WAITING, "withdrawal", 250)
    assert len(matter.examples) == 5
    assert all(each.titles["en"].startswith("Workshop") for each in matter.examples)
    assert group.since == hub.now
    assert living(hub, emptied) == 250


def test_what_a_person_accepts_is_withdrawn_at_once_and_once(peer, hub, emptied):
    assert accept(hub, peer) == 250

    assert living(hub, emptied) == 0
    assert held(hub) == {}
    with reading(hub.engine) as connection:
        assert sources.find(connection, peer.iri).due == hub.now
    assert hub.harvest(peer).outcome == "not-modified"
    assert history(hub, peer)[1] == "a person accepted 250 held changes"

    more = peer.publish(*(f"Meeting {n}" for n in range(20)))
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.withdraw(*more)
    assert hub.harvest(peer).outcome == "quarantined"
    assert held(hub) == {"waiting": 20}


def test_a_hub_passes_on_what_a_person_accepted_and_nothing_that_waits(peer, hub, emptied, make_node):
    top = make_node("top")
    top.follow(hub)
    top.harvest(hub)
    assert living(top, emptied) == 250

    accept(hub, peer)
    top.settings = top.settings.model_copy(update={"max_withdrawal_share": 1.0})
    top.harvest(hub)

    assert living(top, emptied) == 0
    assert top.held(emptied[0]).graph == peer.held(emptied[0]).graph


def test_more_withdrawals_than_a_person_accepted_are_asked_about_again(peer, hub, emptied):
    more = peer.publish(*(f"Meeting {n}" for n in range(60)))
    hub.harvest(peer)
    assert living(hub, more) == 60  # what waits keeps nothing else waiting
    accept(hub, peer)
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.withdraw(*more)

    run = hub.harvest(peer)

    assert run.outcome == "quarantined"
    assert held(hub) == {"waiting": 60}
    assert living(hub, more) == 60


def test_what_a_person_drops_stays_and_the_harvest_goes_on(peer, hub, emptied):
    assert decide(hub, peer, decisions.drop) == 250
    peer.later(minutes=1)
    [new] = peer.publish("Published after the accident")

    run = hub.harvest(peer)

    assert (run.outcome, run.withdrawn, run.created) == ("partial", 0, 1)
    assert living(hub, emptied) == 250
    assert hub.holds(new)
    assert set(hub.reasons().values()) == {"withdrawal-held"}
    assert history(hub, peer)[1] == "a person dropped 250 held changes"


def test_a_dropped_withdrawal_is_not_followed_when_its_page_is_read_again(peer, hub, emptied):
    decide(hub, peer, decisions.drop)
    hub.harvest(peer)
    for n in range(3):
        peer.later(minutes=1)
        peer.publish(f"Meeting {n}")  # the open page, with withdrawals on it, changes
        hub.later(minutes=20)
        assert hub.harvest(peer).outcome == "partial"

    assert living(hub, emptied) == 250
    assert held(hub) == {"dropped": 250}


def test_the_peer_sees_what_was_dropped_as_refused(peer, hub, emptied):
    decide(hub, peer, decisions.drop)
    hub.harvest(peer)

    with peer.client() as client:
        answer = receipts_at(hub.settings.base_url, peer.iri, client, peer.readers)
    with writing(peer.engine) as connection:
        hubs.remember(connection, hub.settings.base_url, peer.now)
        store(connection, hub.settings.base_url, answer, peer.now, 0.5)
        [listed] = hubs.listing(connection)
        view = hubs.view(connection, listed, peer.iri, peer.settings.uri_space)

    assert {each.light.value for each in view.others} == {"red"}
    assert "le pôle garde celle-ci" in view.others[0].reason("fr")


def test_a_dropped_withdrawal_can_be_asked_about_again(peer, hub, emptied):
    decide(hub, peer, decisions.drop)
    hub.harvest(peer)

    assert decide(hub, peer, decisions.reopen) == 250
    assert hub.harvest(peer).outcome == "quarantined"
    assert accept(hub, peer) == 250

    assert living(hub, emptied) == 0
    assert hub.harvest(peer).outcome == "not-modified"
    assert hub.reasons() == {}


def test_a_record_that_its_node_publishes_anew_is_out_of_danger(peer, hub, emptied):
    decide(hub, peer, decisions.drop)
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.revise(dict.fromkeys(emptied, "Back again"))

    assert hub.harvest(peer).updated == 250
    assert held(hub) == {}
    with pytest.raises(HarvestError, match="nothing of"):
        decide(hub, peer, decisions.reopen)


def test_withdrawals_that_the_peer_takes_back_no_longer_wait(peer, hub, emptied):
    peer.later(minutes=1)
    peer.revise(dict.fromkeys(emptied, "Back again"))

    assert hub.harvest(peer).outcome == "ok"
    assert held(hub) == {}
    assert living(hub, emptied) == 250


def test_the_weekly_comparison_asks_no_more_about_what_a_person_was_asked_about(peer, hub, emptied):
    hub.later(days=8)
    assert "compared" not in hub.harvest(peer).message
    assert held(hub) == {"waiting": 250}
    decide(hub, peer, decisions.drop)
    hub.later(days=8)

    run = hub.harvest(peer)

    assert (run.outcome, run.message) == ("ok", "")
    assert living(hub, emptied) == 250


def test_there_is_nothing_to_decide_where_nothing_is_held(peer, hub):
    for decision in (decisions.drop, decisions.reopen):
        with pytest.raises(HarvestError, match="nothing of"):
            decide(hub, peer, decision)
    with pytest.raises(HarvestError, match="nothing of"):
        accept(hub, peer)


@pytest.mark.parametrize(
    ("language", "waiting", "kept"),
    [
        ("en", "250 withdrawals wait", "250 records are kept here"),
        ("fr", "250 retraits attendent", "250 notices sont gardées ici"),
        ("ar", "250 عملية سحب تنتظر", "250 سجلًا محفوظًا هنا"),
    ],
)
def test_the_pages_say_in_words_what_waits_and_what_was_decided(peer, hub, emptied, language, waiting, kept):
    site = hub.wire.apps["hub.example.org"].test_client()
    node = quote(peer.iri, safe="")

    assert waiting in site.get(f"/{language}/network").text
    assert waiting in site.get(f"/{language}/network/receipts?node={node}").text
    assert site.get(f"/receipts?node={node}").json["withdrawals_held"] == 250

    decide(hub, peer, decisions.drop)
    assert kept in site.get(f"/{language}/network").text
