"""What is held, what a person decides about it, and the receipts of it all, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from chm_node.catalogue import ChangeLog
from chm_node.database import open_database, reading, writing
from chm_node.record import Action, Change, Entry, RecordGraph
from chm_node.settings import Settings
from harvest import quarantine, receipts, runs, sources
from harvest.description import Description
from harvest.quarantine import ACCEPTED, DROPPED
from harvest.trust import Authority, Offer

NOW = datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC)
BASE = "https://dz.example.org/"
IRIS = [f"{BASE}id/event/{number}" for number in range(8)]


@pytest.fixture
def engine(database_url):
    """A hub that holds eight records of one source."""
    found = open_database(database_url)
    with writing(found) as connection:
        authority = Authority(f"{BASE}node", f"{BASE}id/", "zKey")
        sources.propose(connection, BASE, Description(authority, "", f"{BASE}feed", {}, "DZ", ()), NOW)
        source = sources.approve(connection, BASE, Settings(base_url="https://hub.example.org/"), NOW)
        log = ChangeLog(connection)
        times = log.next_log_times(len(IRIS), NOW)
        graphs = [
            RecordGraph(iri, Action.CREATE, f"{BASE}node", NOW, b"", f"{number:064}") for number, iri in enumerate(IRIS)
        ]
        log.append(
            [
                Change(time, graph, Entry("event", {"fr": graph.iri[-1]}, {}, ()))
                for time, graph in zip(times, graphs, strict=True)
            ]
        )
        runs.end(connection, runs.begin(connection, source.id, NOW), NOW, runs.QUARANTINED, "too many", 1, 1)
    yield found
    found.dispose()


@pytest.fixture
def connection(engine):
    with writing(engine) as found:
        yield found


@pytest.fixture
def source(connection):
    return sources.find(connection, BASE)


def tombstone(iri):
    return Offer(
        "", Action.DELETE, iri, f"{BASE}node", NOW + timedelta(minutes=1), digest="abcdefgh"[int(iri[-1])] * 64
    )


TOMBSTONES = [tombstone(iri) for iri in IRIS[:7]]


def groups(connection):
    return {each.decision: each.count for each in quarantine.listing(connection)}


def test_what_is_held_is_listed_with_examples(connection, source):
    quarantine.hold(connection, source.id, TOMBSTONES, NOW)
    quarantine.hold(connection, source.id, TOMBSTONES[:2], NOW)  # the same again

    [found] = quarantine.listing(connection)

    assert (found.count, found.records, found.since) == (7, 8, NOW)
    assert found.examples == tuple({"fr": str(number)} for number in range(5))
    assert quarantine.waiting(connection, source.id) == 7


@pytest.mark.parametrize(
    ("decisions", "groups_after"),
    [
        ([quarantine.accept], {ACCEPTED: 7}),
        ([quarantine.drop], {DROPPED: 7}),
        ([quarantine.accept, quarantine.drop], {DROPPED: 7}),
        ([quarantine.drop, quarantine.accept], {ACCEPTED: 7}),
    ],
)
def test_a_decision_stands_until_another_and_is_noted(connection, source, decisions, groups_after):
    quarantine.hold(connection, source.id, TOMBSTONES, NOW)

    assert [each(connection, BASE, NOW) for each in decisions] == [7] * len(decisions)

    assert groups(connection) == groups_after
    [run] = sources.history(connection, source.id)
    assert run.message.startswith("too many; 2026-11-22 03:22 UTC: a person")
    assert run.message.count("7 withdrawals") == len(decisions)


def test_a_complete_harvest_forgets_all_but_what_was_dropped(connection, source):
    quarantine.hold(connection, source.id, TOMBSTONES[:3], NOW)
    quarantine.drop(connection, BASE, NOW)
    quarantine.hold(connection, source.id, TOMBSTONES[3:], NOW)

    quarantine.release(connection, source.id)

    assert groups(connection) == {DROPPED: 3}
    assert quarantine.decided(connection, source.id, DROPPED, TOMBSTONES) == {each.digest for each in TOMBSTONES[:3]}
    assert quarantine.decided(connection, source.id, ACCEPTED, TOMBSTONES) == frozenset()


def test_accepted_withdrawals_count_as_followed_once_they_are_done(connection, source):
    quarantine.hold(connection, source.id, TOMBSTONES, NOW)
    quarantine.accept(connection, BASE, NOW)
    assert quarantine.followed(connection, source.id) == 0

    first = TOMBSTONES[0]
    graph = RecordGraph(first.iri, Action.DELETE, first.origin, first.version, b"", first.digest)
    log = ChangeLog(connection)
    [time] = log.next_log_times(1, NOW)
    log.append([Change(time, graph, Entry("event", {}, {}, ()))])

    assert quarantine.followed(connection, source.id) == 1
    assert groups(connection) == {ACCEPTED: 6}


def test_records_without_a_receipt_have_one_that_follows_from_the_catalogue(engine):
    with reading(engine) as connection:
        found = receipts.every(connection, f"{BASE}node")
        numbers = receipts.summary(connection, f"{BASE}node")

    assert [each.iri for each in found] == IRIS
    assert all(each.held.digest == each.digest and not each.refused for each in found)
    assert (numbers.refused, numbers.waiting) == (0, 0)
