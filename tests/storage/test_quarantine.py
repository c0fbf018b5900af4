"""What is held, what a person decides about it, and the receipts of it all, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from chm_node.catalogue import Catalogue, ChangeLog
from chm_node.database import open_database, reading, writing
from chm_node.errors import HarvestError
from chm_node.record import Action, Change, Entry, RecordGraph
from chm_node.settings import Settings
from chm_node.tables import quarantine as quarantine_table
from harvest import decisions, overview, quarantine, receipts, runs, sources
from harvest.attention import attention
from harvest.description import Description
from harvest.quarantine import DROPPED, WAITING, Choice, Kind
from harvest.trust import Authority, Offer, Verdict

NOW = datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC)
BASE = "https://dz.example.org/"
SETTINGS = Settings(base_url="https://hub.example.org/")
IRIS = [f"{BASE}id/event/{number}" for number in range(8)]


@pytest.fixture
def engine(database_url):
    """A hub that holds eight records of one source."""
    found = open_database(database_url)
    with writing(found) as connection:
        authority = Authority(f"{BASE}node", f"{BASE}id/", "zKey")
        sources.propose(connection, BASE, Description(authority, "", f"{BASE}feed", {}, "DZ", ()), NOW)
        source = sources.approve(connection, BASE, SETTINGS, NOW)
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


def append(connection, offer):
    graph = RecordGraph(offer.iri, offer.action, offer.origin, offer.version, b"", offer.digest)
    log = ChangeLog(connection)
    [time] = log.next_log_times(1, NOW)
    log.append([Change(time, graph, Entry("event", {}, {}, ()))])


def tombstone(iri):
    return Offer(
        "", Action.DELETE, iri, f"{BASE}node", NOW + timedelta(minutes=1), digest="abcdefgh"[int(iri[-1])] * 64
    )


TOMBSTONES = [tombstone(iri) for iri in IRIS[:7]]
ALL = Choice()


def other_text(iri):
    """Another text as the version that is held."""
    return replace(tombstone(iri), action=Action.UPDATE, version=NOW, digest="e" * 64)


def ahead(iri):
    return replace(tombstone(iri), action=Action.UPDATE, version=NOW + timedelta(hours=1), digest="f" * 64)


def groups(connection):
    return {(each.kind.value, each.decision): each.count for each in quarantine.groups(connection)}


def test_what_is_held_is_counted_with_examples_and_since_when(connection, source):
    quarantine.hold(connection, source.id, Kind.WITHDRAWAL, TOMBSTONES, NOW)
    quarantine.hold(connection, source.id, Kind.WITHDRAWAL, TOMBSTONES[:2], NOW + timedelta(hours=1))  # the same again

    [found] = quarantine.groups(connection)

    assert (found.kind, found.decision, found.count, found.since) == (Kind.WITHDRAWAL, WAITING, 7, NOW)
    assert quarantine.some(connection, found, 5) == TOMBSTONES[:5]
    [seen] = attention(connection)
    assert seen.records == 8
    assert [each.titles for each in seen.matters[0].examples] == [{"fr": str(number)} for number in range(5)]


def test_a_held_change_comes_back_as_it_was_offered(connection, source):
    offered = replace(
        ahead(IRIS[0]),
        activity="act/1",
        issued=NOW,
        hops=("n",),
        nquads=b"<a> <b> <c> .\n",
        triples=1,
        proof={"k": "v"},
    )
    quarantine.hold(connection, source.id, Kind.FUTURE, [offered], NOW)

    assert quarantine.waiting(connection, source.id, ALL, 10) == [(Kind.FUTURE, offered)]


def test_a_decision_is_about_one_kind_or_one_record(engine):
    with writing(engine) as connection:
        source = sources.find(connection, BASE)
        quarantine.hold(connection, source.id, Kind.WITHDRAWAL, TOMBSTONES[:3], NOW)
        quarantine.hold(connection, source.id, Kind.FUTURE, [ahead(IRIS[5])], NOW)
        with pytest.raises(HarvestError, match=r"1 of future-version, 3 of withdrawal are waiting"):
            decisions.drop(connection, BASE, ALL, NOW)

        assert decisions.drop(connection, BASE, Choice(iri=IRIS[0]), NOW) == 1
        assert decisions.drop(connection, BASE, Choice(Kind.FUTURE), NOW) == 1
        assert groups(connection) == {
            ("withdrawal", WAITING): 2, ("withdrawal", DROPPED): 1, ("future-version", DROPPED): 1,
        }  # fmt: skip
        assert decisions.reopen(connection, BASE, Choice(Kind.FUTURE), NOW) == 1
        with pytest.raises(HarvestError, match=r"nothing of .* is dropped"):
            decisions.reopen(connection, BASE, Choice(Kind.FUTURE), NOW)


def test_what_was_dropped_is_blocked_whoever_offers_it_and_stays_so_when_offered_again(connection, source):
    quarantine.hold(connection, source.id, Kind.WITHDRAWAL, TOMBSTONES[:2], NOW)
    quarantine.hold(connection, source.id, Kind.EQUIVOCATION, [other_text(IRIS[3])], NOW)
    decisions.drop(connection, BASE, Choice(Kind.EQUIVOCATION), NOW)
    decisions.drop(connection, BASE, Choice(iri=IRIS[0]), NOW)
    quarantine.hold(connection, source.id, Kind.EQUIVOCATION, [other_text(IRIS[3])], NOW)

    assert quarantine.blocked(connection, IRIS) == {
        (IRIS[0], TOMBSTONES[0].digest): Verdict.WITHDRAWAL_HELD,
        (IRIS[1], TOMBSTONES[1].digest): Verdict.WITHDRAWAL_HELD,  # it waits, and nobody else can bring it meanwhile
        (IRIS[3], "e" * 64): Verdict.EQUIVOCATION,
    }
    quarantine.hold(connection, source.id, Kind.EQUIVOCATION, [replace(other_text(IRIS[3]), digest="d" * 64)], NOW)
    assert (IRIS[3], "e" * 64) not in quarantine.blocked(connection, IRIS)  # of a record, one change is held


def test_nothing_older_takes_the_place_of_a_withdrawal_that_waits(connection, source):
    quarantine.hold(connection, source.id, Kind.WITHDRAWAL, TOMBSTONES[:1], NOW)
    older = replace(TOMBSTONES[0], version=NOW + timedelta(seconds=1), digest="8" * 64)
    quarantine.hold(connection, source.id, Kind.WITHDRAWAL, [older], NOW)
    assert quarantine.waiting(connection, source.id, ALL, 10) == [(Kind.WITHDRAWAL, TOMBSTONES[0])]

    later = replace(TOMBSTONES[0], version=NOW + timedelta(minutes=2), digest="9" * 64)
    quarantine.hold(connection, source.id, Kind.WITHDRAWAL, [later], NOW)
    assert quarantine.waiting(connection, source.id, ALL, 10) == [(Kind.WITHDRAWAL, later)]


def test_a_complete_harvest_forgets_what_is_settled(connection, source):
    quarantine.hold(connection, source.id, Kind.WITHDRAWAL, TOMBSTONES[:3], NOW)
    decisions.drop(connection, BASE, ALL, NOW)
    quarantine.hold(connection, source.id, Kind.WITHDRAWAL, TOMBSTONES[3:5], NOW)
    quarantine.hold(connection, source.id, Kind.FUTURE, [ahead(IRIS[5])], NOW)
    append(connection, replace(other_text(IRIS[0]), version=NOW + timedelta(minutes=2)))

    quarantine.forget_settled(connection, source.id)

    left = {("withdrawal", DROPPED): 2, ("withdrawal", WAITING): 2, ("future-version", WAITING): 1}
    assert groups(connection) == left
    rows = connection.execute(select(func.count()).select_from(quarantine_table)).scalar_one()
    assert rows == 5


def test_what_is_accepted_is_taken_over_and_is_a_run_of_its_own(engine):
    with writing(engine) as connection:
        source = sources.find(connection, BASE)
        quarantine.hold(connection, source.id, Kind.WITHDRAWAL, TOMBSTONES, NOW)

    assert decisions.accept(engine, SETTINGS, BASE, ALL, NOW) == 7

    with reading(engine) as connection:
        assert groups(connection) == {}
        assert all(Catalogue(connection).held(IRIS)[each.iri].withdrawn for each in TOMBSTONES)
        run = overview.history(connection, source.id)[0]
        assert (run.outcome, run.withdrawn) == (runs.DECIDED, 7)
        assert run.message == "a person accepted 7 held changes"
        assert runs.withdrawn_since(connection, source.id, None, 0) == 0  # nobody withdrew them unasked
    with pytest.raises(HarvestError, match="nothing of"):
        decisions.accept(engine, SETTINGS, BASE, ALL, NOW)


def test_accepting_a_second_text_holds_the_first_as_dropped(engine):
    with writing(engine) as connection:
        source = sources.find(connection, BASE)
        quarantine.hold(connection, source.id, Kind.EQUIVOCATION, [other_text(IRIS[0])], NOW)

    decisions.accept(engine, SETTINGS, BASE, ALL, NOW)
    with writing(engine) as connection:
        assert Catalogue(connection).held(IRIS)[IRIS[0]].digest == "e" * 64
        assert groups(connection) == {("equivocation", DROPPED): 1}
        decisions.reopen(connection, BASE, ALL, NOW)
    decisions.accept(engine, SETTINGS, BASE, ALL, NOW)
    with reading(engine) as connection:
        assert Catalogue(connection).held(IRIS)[IRIS[0]].digest == f"{0:064}"


def test_records_without_a_receipt_have_one_that_follows_from_the_catalogue(engine):
    with reading(engine) as connection:
        found = receipts.every(connection, f"{BASE}node")
        numbers = receipts.summary(connection, f"{BASE}node")

    assert [each.iri for each in found] == IRIS
    assert all(each.held.digest == each.digest and not each.refused for each in found)
    assert (numbers.refused, numbers.waiting) == (0, 0)
