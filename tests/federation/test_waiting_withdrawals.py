"""Withdrawals that wait for a person, while everything else goes on: comparisons, other sources, ways back, clocks."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chm_node import backup
from chm_node.database import reading, writing
from chm_node.doctor import State, examine
from harvest import decisions, overview, quarantine, receipts, rollback, sources
from harvest.quarantine import Choice

WEEK = {"days": 8}


def held(hub) -> dict[tuple[str, str], int]:
    with reading(hub.engine) as connection:
        return {(each.kind.value, each.decision): each.count for each in quarantine.groups(connection)}


def runs(hub, peer):
    with reading(hub.engine) as connection:
        return overview.history(connection, sources.find(connection, peer.iri).id)


def go_back(hub, peer, run):
    return rollback.roll_back(hub.engine, hub.settings, peer.iri, run, hub.now)


def accept(hub, peer, chosen=Choice()):  # noqa: B008 -- a frozen value
    return decisions.accept(hub.engine, hub.settings, peer.iri, chosen, hub.now)


def refused(hub, peer) -> int:
    with reading(hub.engine) as connection:
        return receipts.summary(connection, peer.iri).refused


def living(hub, iris) -> int:
    return sum(map(hub.holds, iris))


def later(*nodes, **time):
    for node in nodes:
        node.later(**(time or {"minutes": 20}))


@pytest.fixture
def withdrawn(peer, hub) -> list[str]:
    """Twenty records, all withdrawn at once."""
    iris = peer.publish(*(f"Workshop {n}" for n in range(20)))
    hub.harvest(peer)
    later(peer, hub)
    peer.withdraw(*iris)
    assert hub.harvest(peer).outcome == "quarantined"
    return iris


@pytest.fixture
def chain(make_node):
    """A node, a hub that follows every withdrawal, and a hub above both."""
    dz, regional, top = make_node("dz", country="DZ"), make_node("regional"), make_node("top")
    iris = dz.publish(*(f"Workshop {n}" for n in range(20)))
    regional.follow(dz)
    regional.settings = regional.settings.model_copy(update={"max_withdrawal_share": 1.0})
    regional.harvest(dz)
    top.follow(regional)
    top.harvest(regional)
    return dz, regional, top, iris


def withdraw_all(dz, regional, top, iris):
    later(dz, regional, top)
    dz.withdraw(*iris)
    assert regional.harvest(dz).withdrawn == len(iris)
    later(regional, top)
    return top.harvest(regional)


# The weekly comparison.


def test_the_comparison_with_a_hub_leaves_alone_what_waits_of_its_members(chain):
    dz, regional, top, iris = chain
    assert withdraw_all(dz, regional, top, iris).outcome == "quarantined"
    for _ in range(3):
        top.later(**WEEK)
        top.harvest(regional)

    assert held(top) == {("withdrawal", "waiting"): 20}
    assert living(top, iris) == 20
    assert accept(top, regional) == 20
    assert living(top, iris) == 0


def test_the_comparison_with_a_hub_leaves_alone_what_was_rolled_back_of_its_members(chain):
    dz, regional, top, iris = chain
    before = runs(top, regional)[0].id
    assert withdraw_all(dz, regional, top, iris[:4]).withdrawn == 4
    go_back(top, regional, before)
    top.later(**WEEK)
    top.harvest(regional)

    assert held(top) == {("rolled-back", "waiting"): 4}
    assert living(top, iris) == 20


def test_a_list_that_is_older_than_the_withdrawals_says_nothing_of_them(peer, hub, wire):
    iris = peer.publish(*(f"Workshop {n}" for n in range(20)))
    hub.harvest(peer)
    later(peer, hub, **WEEK)
    old = peer.get("/resourcelist-1.xml")
    later(peer, hub)
    peer.withdraw(*iris)
    wire.replies[f"{peer.settings.base_url}resourcelist-1.xml"] = lambda real: replace(real, body=old, headers={})

    assert hub.harvest(peer).outcome == "quarantined"
    assert held(hub) == {("withdrawal", "waiting"): 20}


@pytest.mark.parametrize("dropped", [False, True])
def test_the_comparison_asks_about_no_tombstone_that_is_held_under_another_source(chain, dropped):
    dz, regional, top, iris = chain
    top.follow(dz)
    top.harvest(dz)
    withdraw_all(dz, regional, top, iris)
    if dropped:
        with writing(top.engine) as connection:
            decisions.drop(connection, regional.iri, Choice(), top.now)
    top.later(**WEEK)

    run = top.harvest(dz)

    assert (run.outcome, run.withdrawn) == ("partial", 0)
    assert "lacks" not in run.message


# Other sources, and receipts.


def test_what_was_accepted_from_one_source_is_refused_in_no_receipt_of_another(chain):
    dz, regional, top, iris = chain
    top.follow(dz)
    top.harvest(dz)
    withdraw_all(dz, regional, top, iris)
    top.harvest(dz)
    assert refused(top, dz) == 20

    assert accept(top, regional) == 20

    assert (refused(top, dz), refused(top, regional)) == (0, 0)


def test_what_a_restored_peer_knows_nothing_of_is_refused_in_no_receipt(peer, hub, tmp_path):
    iris = peer.publish(*(f"Workshop {n}" for n in range(20)))
    hub.harvest(peer)
    backup.back_up(peer.engine, peer.settings, tmp_path / "backup", peer.now)
    later(peer, hub)
    peer.withdraw(*iris)
    hub.harvest(peer)
    assert refused(hub, peer) == 20
    backup.restore(peer.settings, tmp_path / "backup", peer.now)
    later(peer, hub)

    hub.harvest(peer)

    assert (held(hub), refused(hub, peer), living(hub, iris)) == ({}, 0, 20)


# Ways back.


def harvested(hub, peer) -> int:
    """The number of a run; some time passes after it."""
    hub.harvest(peer)
    later(peer, hub)
    return runs(hub, peer)[0].id


def test_going_back_and_forward_again_keeps_what_waits(peer, hub):
    iris = peer.publish(*(f"Workshop {n}" for n in range(20)))
    first = harvested(hub, peer)
    peer.revise(dict.fromkeys(iris, "A bad import"))
    harvested(hub, peer)
    peer.withdraw(*iris)
    last = harvested(hub, peer)

    go_back(hub, peer, first)
    assert held(hub) == {("withdrawal", "waiting"): 20, ("rolled-back", "waiting"): 20}
    hub.harvest(peer)
    go_back(hub, peer, last)

    assert held(hub) == {("withdrawal", "waiting"): 20}
    assert accept(hub, peer) == 20
    assert living(hub, iris) == 0


def test_withdrawals_wait_for_records_that_are_taken_back_until_these_are_here_again(peer, hub):
    peer.publish("First")
    first = harvested(hub, peer)
    iris = peer.publish(*(f"Workshop {n}" for n in range(20)))
    harvested(hub, peer)
    peer.withdraw(*iris)
    last = harvested(hub, peer)

    go_back(hub, peer, first)
    assert held(hub) == {("rolled-back", "waiting"): 20}
    hub.harvest(peer)
    go_back(hub, peer, last)

    assert held(hub) == {("withdrawal", "waiting"): 20}
    assert living(hub, iris) == 20


def test_what_was_undone_stays_out_although_its_withdrawal_waits_and_another_hub_offers_it(chain):
    dz, regional, top, iris = chain
    top.follow(dz)
    top.harvest(dz)
    before = runs(top, dz)[0].id
    later(dz, regional, top)
    dz.revise(dict.fromkeys(iris, "A bad import"))
    top.harvest(dz)
    regional.harvest(dz)
    later(dz, top)
    dz.withdraw(*iris)
    assert top.harvest(dz).outcome == "quarantined"
    go_back(top, dz, before)

    assert top.harvest(regional).updated == 0
    assert b"A bad import" not in top.held(iris[0]).graph.nquads


# Clocks, runs and the doctor.


def test_the_guard_counts_although_the_clock_was_ahead_and_was_put_right(peer, hub):
    iris = peer.publish(*(f"Workshop {n}" for n in range(1000)))
    hub.now += timedelta(days=2)
    hub.harvest(peer)
    hub.now -= timedelta(days=2)
    later(peer, hub, hours=1)
    for start in range(0, 240, 80):  # three pages, each of which would be plausible
        peer.withdraw(*iris[start : start + 80])
        peer.publish(*(f"Meeting {start} {n}" for n in range(120)))

    run = hub.harvest(peer)

    assert (run.outcome, run.withdrawn) == ("quarantined", 80)
    assert held(hub) == {("withdrawal", "waiting"): 160}


def test_a_source_that_a_wrong_clock_made_due_in_a_year_is_harvested(peer, hub):
    peer.publish("Workshop")
    hub.now += timedelta(days=365)
    assert [run.outcome for run in hub.tick()] == ["ok"]
    hub.now -= timedelta(days=365)

    assert [run.outcome for run in hub.tick()] == ["not-modified"]
    assert hub.tick() == []


def test_polls_that_find_nothing_new_do_not_fill_the_history_while_withdrawals_wait(peer, hub, withdrawn):
    for _ in range(5):
        later(hub)
        assert hub.harvest(peer).outcome == "not-modified"

    assert [run.outcome for run in runs(hub, peer)] == ["not-modified", "quarantined", "ok"]


def test_the_doctor_says_that_something_waits(peer, hub, withdrawn, monkeypatch):
    monkeypatch.setenv("CHM_BASE_URL", hub.settings.base_url)
    monkeypatch.setenv("CHM_DATA_DIR", str(hub.settings.data_dir))

    [check] = [each for each in examine(hub.now) if each.name == f"source {peer.settings.base_url}"]

    assert (check.state, check.fix) == (State.WARN, "chm held")


# Pages of the log.


def test_a_page_that_was_refused_is_read_again_once_its_peer_is_approved_anew(peer, hub, wire):
    iris = peer.publish(*(f"Workshop {n}" for n in range(450)))
    wire.replies[peer.page(1)] = lambda real: replace(real, body=real.body[:-200] + b"<<<\n", headers={})
    hub.harvest(peer)
    assert living(hub, iris) == 250
    with writing(hub.engine) as connection:
        sources.remove(connection, peer.iri)
    wire.replies.clear()
    hub.follow(peer)

    hub.harvest(peer)

    assert living(hub, iris) == 450
    assert refused(hub, peer) == 0


def test_a_page_that_was_damaged_on_its_way_once_is_no_log_that_was_begun_anew(peer, hub, wire):
    peer.publish(*(f"Workshop {n}" for n in range(450)))
    wire.replies[peer.page(1)] = lambda real: replace(real, body=real.body[:-200] + b"<<<\n", headers={})
    hub.harvest(peer)
    wire.replies.clear()

    run = hub.harvest(peer)

    assert (run.created, run.message) == (200, "")
