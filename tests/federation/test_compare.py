"""Our copies compared with the peer's list: what differs is healed, and nothing vanishes without its owner's word."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, update

from chm_node.database import reading, writing
from chm_node.record import Action
from chm_node.tables import change, facet, record, unknown_term
from harvest import compare, sources

START = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def iris(peer, hub):
    """Twelve records of the peer that the hub has harvested, and no reason yet to harvest again."""
    found = peer.publish(*(f"Workshop {n}" for n in range(12)))
    hub.harvest(peer)
    peer.later(minutes=1)
    hub.later(minutes=2)
    return found


def lists(peer):
    return f"{peer.settings.base_url}resourcelist-1.xml"


def lose(hub, iri):
    """What no honest software does: a record disappears from the hub's database."""
    with writing(hub.engine) as connection:
        [row_id] = connection.execute(record.select().where(record.c.iri == iri)).scalars()
        for table in (facet, unknown_term, change):
            connection.execute(delete(table).where(table.c.record_id == row_id))
        connection.execute(delete(record).where(record.c.id == row_id))


def spoil(hub, iri):
    """The hub holds an older version, with another hash."""
    with writing(hub.engine) as connection:
        own = record.c.iri == iri
        connection.execute(update(record).where(own).values(digest="0" * 64, version=record.c.version - 1))


def unlisted(peer, wire, *iris):
    """The peer's list lacks these records."""

    def lie(real):
        lines = real.body.splitlines(keepends=True)
        return replace(real, body=b"".join(line for line in lines if not any(iri.encode() in line for iri in iris)))

    wire.replies[lists(peer)] = lie


def test_equal_copies_are_asked_for_nothing(peer, hub, iris, wire):
    wire.asked.clear()

    run = hub.harvest(peer, compare=True)

    assert (run.outcome, run.message) == ("ok", "")
    assert not {url for url, _ in wire.asked} & set(iris)


def test_copies_of_records_with_addresses_in_any_script_are_equal_too(peer, hub, iris):
    iri = f"{peer.settings.uri_space}event/ورشة-2026"
    peer.revise({iri: "ورشة"})
    hub.later(minutes=61)
    assert hub.harvest(peer).created == 1
    assert hub.harvest(peer, compare=True).message == ""
    lose(hub, iri)
    assert hub.harvest(peer, compare=True).created == 1


def test_what_differs_or_is_missing_is_healed(peer, hub, iris):
    lose(hub, iris[0])
    spoil(hub, iris[1])

    run = hub.harvest(peer, compare=True)

    assert (run.outcome, run.created, run.updated) == ("ok", 1, 1)
    assert "2 differed, 0 were not listed" in run.message
    for iri in iris[:2]:
        assert hub.held(iri).graph.nquads == peer.held(iri).graph.nquads
        assert hub.held(iri).hops == (peer.iri,)
    assert hub.harvest(peer, compare=True).message == ""


def test_a_forged_copy_heals_nothing(peer, hub, iris, wire):
    lose(hub, iris[0])
    wire.replies[iris[0]] = lambda real: replace(real, body=real.body.replace(b"Workshop 0", b"Workshop X"))

    run = hub.harvest(peer, compare=True)

    assert (run.outcome, run.created, run.rejected) == ("partial", 0, 1)
    assert hub.reasons() == {iris[0]: "bad-proof"}


def test_a_withdrawal_that_the_log_hid_is_found(peer, hub, iris, wire):
    peer.withdraw(iris[4])
    for address in (peer.feed, peer.page()):
        wire.replies[address] = lambda real: replace(real, body=b"", status=304)

    run = hub.harvest(peer, compare=True)

    assert (run.withdrawn, hub.holds(iris[4])) == (1, False)
    assert hub.held(iris[4]).graph.action is Action.DELETE


def test_a_record_that_is_not_listed_but_there_stays(peer, hub, iris, wire):
    unlisted(peer, wire, iris[2])

    run = hub.harvest(peer, compare=True)

    assert (run.withdrawn, hub.holds(iris[2])) == (0, True)


@pytest.mark.parametrize("status", [404, 403])
def test_a_record_that_is_gone_without_a_tombstone_stays_and_is_reported(peer, hub, iris, wire, status):
    unlisted(peer, wire, iris[2])
    wire.replies[iris[2]] = lambda real: replace(real, body=b"", status=status)

    run = hub.harvest(peer, compare=True)

    assert (run.withdrawn, hub.holds(iris[2])) == (0, True)
    assert f"such as {iris[2]}" in run.message


def test_a_410_with_an_unsigned_tombstone_withdraws_nothing(peer, hub, iris, wire):
    unlisted(peer, wire, iris[2])
    peer.later(minutes=1)
    peer.withdraw(iris[2])
    wire.replies[peer.feed] = wire.replies[peer.page()] = lambda real: replace(real, body=b"", status=304)
    wire.replies[iris[2]] = lambda real: replace(real, body=real.body.replace(b"assertionMethod", b"x"))

    run = hub.harvest(peer, compare=True)

    assert (run.withdrawn, hub.holds(iris[2])) == (0, True)
    assert hub.reasons() == {iris[2]: "unsigned"}


def test_a_410_without_a_tombstone_withdraws_nothing(peer, hub, iris, wire):
    unlisted(peer, wire, iris[2])
    wire.replies[iris[2]] = lambda real: replace(real, status=410)

    assert (hub.harvest(peer, compare=True).withdrawn, hub.holds(iris[2])) == (0, True)


def test_a_list_that_lacks_too_much_is_held(peer, hub, iris, wire):
    unlisted(peer, wire, *iris[:6])
    lose(hub, iris[11])

    run = hub.harvest(peer, compare=True)

    assert run.outcome == "quarantined"
    assert "lacks 6 of the 11 records" in run.message
    assert (run.created, sum(map(hub.holds, iris))) == (0, 11)


FAULTS = {
    "an error": {"status": 500},
    "nothing": {"body": b""},
    "half a list": {"body": b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url>'},
    "no list": {"body": b"<html/>"},
    "a DOCTYPE": {"body": b"<!DOCTYPE urlset [<!ENTITY a 'b'>]><urlset/>"},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_read_is_not_an_empty_list(peer, hub, iris, wire, fault):
    wire.replies[lists(peer)] = lambda real: replace(real, **FAULTS[fault])

    run = hub.harvest(peer, compare=True)

    assert run.outcome == "partial"
    assert "could not be compared" in run.message
    assert all(map(hub.holds, iris))


def test_the_worker_compares_once_a_week(peer, hub, iris, wire):
    def compared():
        wire.asked.clear()
        hub.harvest(peer)
        return lists(peer) in {url for url, _ in wire.asked}

    hub.later(days=6)
    assert not compared()
    hub.later(days=1, minutes=1)
    assert compared()
    hub.later(minutes=20)
    assert not compared()


def test_the_records_of_others_that_a_hub_passes_on_are_left_alone(peer, hub, iris, make_node):
    top = make_node("top")
    top.follow(hub)
    top.harvest(hub)
    top.later(minutes=5)

    run = top.harvest(hub, compare=True)

    assert (run.withdrawn, run.message) == (0, "")


def slow(hub, real, **changes):
    """An answer after which the time for a run is over."""
    hub.later(minutes=31)
    return replace(real, **changes)


def test_a_peer_cannot_keep_a_comparison_going_for_ever(peer, hub, iris, wire):
    unlisted(peer, wire, *iris[:3])
    for iri in iris[:3]:
        wire.replies[iri] = lambda real: slow(hub, real, body=b"", status=404)

    run = hub.harvest(peer, compare=True)

    assert (run.outcome, run.message) == ("ok", "the comparison was ended before the last record, having healed none")
    with reading(hub.engine) as connection:
        assert sources.find(connection, peer.iri).due > hub.now
    hub.later(minutes=20)
    wire.asked.clear()
    hub.harvest(peer)
    assert lists(peer) not in {url for url, _ in wire.asked}


def test_a_comparison_that_heals_goes_on_with_the_next_harvest(peer, hub, iris, wire):
    hub.later(days=7)
    for iri in iris[:2]:
        lose(hub, iri)
        wire.replies[iri] = lambda real: slow(hub, real)

    run = hub.harvest(peer)

    assert (run.created, run.message) == (1, "the comparison goes on with the next harvest")
    assert hub.harvest(peer).created == 1
    assert all(map(hub.holds, iris))


def listing_too(iris):
    """A list that has these as well."""
    more = "".join(f"<url><loc>{iri}.nq</loc></url>" for iri in iris).encode()
    return lambda real: replace(real, body=real.body.replace(b"</urlset>", more + b"</urlset>"))


def test_a_list_that_differs_in_too_much_is_left_there(peer, hub, iris, wire):
    strange = [f"{peer.settings.uri_space}event/{n}" for n in range(compare.MAX_DIFFERING + 1)]
    wire.replies[lists(peer)] = listing_too(strange)
    wire.asked.clear()

    run = hub.harvest(peer, compare=True)

    assert run.outcome == "partial"
    assert "more than 10,000 records of the list differ" in run.message
    assert not {url for url, _ in wire.asked} & set(strange)


def test_a_record_with_an_endless_address_is_not_asked_for(peer, hub, iris, wire):
    wire.replies[lists(peer)] = listing_too([f"{peer.settings.uri_space}event/{'x' * 3000}"])
    assert hub.harvest(peer, compare=True).message == ""


@pytest.mark.parametrize("address", ["https://[", "https://a℀b.example/x"])
def test_a_list_that_leads_to_what_is_no_address_is_not_compared(peer, hub, iris, wire, address):
    leading = f"""<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
        xmlns:rs="http://www.openarchives.org/rs/terms/">
        <rs:md capability="resourcelist"/><sitemap><loc>{address}</loc></sitemap></sitemapindex>"""
    wire.replies[lists(peer)] = lambda real: replace(real, body=leading.encode())

    run = hub.harvest(peer, compare=True)

    assert run.outcome == "partial"
    assert "leads to another host" in run.message


def test_a_list_without_hashes_counts_as_equal():
    held = {
        "a": compare.HeldCopy("1", False, START),
        "b": compare.HeldCopy("2", True, START),
        "c": compare.HeldCopy("3", False, START),
    }
    comparison = compare.Comparison(held)
    for iri, sha256 in {"a": "", "b": "2", "d": "4"}.items():
        comparison.add(iri, sha256)
    assert comparison.difference() == compare.Difference(("b", "d"), gone=("c",), same=frozenset("a"), held=2)
