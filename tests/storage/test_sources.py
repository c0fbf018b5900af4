"""Sources, leases and runs, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from chm_node.database import open_database, reading, writing
from chm_node.errors import HarvestError
from chm_node.proofs import PublicKey, fingerprint
from chm_node.settings import Settings
from chm_node.tables import source as source_table
from harvest import leases, overview, runs, sources
from harvest.description import Description
from harvest.members import Member, Word
from harvest.trust import Authority, Verdict

NOW = datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC)
SETTINGS = Settings(base_url="https://hub.example.org/")
ADDRESS = "https://dz.example.org/"


def described(host="dz", multikey="zKey", space=""):
    base = f"https://{host}.example.org/"
    authority = Authority(f"{base}node", space or f"{base}id/", multikey)
    return Description(authority, f"{base}node#key", f"{base}feed", {"fr": "Algérie"}, "DZ", ())


@pytest.fixture
def engine(database_url):
    found = open_database(database_url)
    yield found
    found.dispose()


@pytest.fixture
def approved(engine):
    """One approved source, due now."""
    with writing(engine) as connection:
        sources.propose(connection, ADDRESS, described(), NOW)
        return sources.approve(connection, ADDRESS, SETTINGS, NOW)


def test_a_proposed_source_is_not_harvested_before_a_person_approves_it(engine):
    with writing(engine) as connection:
        found = sources.propose(connection, ADDRESS, described(), NOW)
        assert found.state == "proposed"
        assert leases.lease_due(connection, NOW + timedelta(days=1)) == []
        with pytest.raises(HarvestError, match="proposed"):
            leases.lease_now(connection, ADDRESS, NOW)
        approved = sources.approve(connection, found.node, SETTINGS, NOW)
    assert (approved.state, approved.due, approved.authority) == ("approved", NOW, described().authority)


def test_a_source_is_known_by_its_address_and_by_its_node(engine, approved):
    with reading(engine) as connection:
        assert sources.find(connection, ADDRESS) == sources.find(connection, approved.node) == approved
        assert sources.find(connection, "HTTPS://DZ.example.org:443") == approved
        for other in ("https://nobody.example.org/", "HTTPS://DZ.example.org/node", "dz", ""):
            with pytest.raises(HarvestError, match="no source"):
                sources.find(connection, other)


def test_a_source_that_is_added_in_another_spelling_is_the_same(engine, approved):
    with writing(engine) as connection:
        assert sources.propose(connection, "https://dz.EXAMPLE.org", described(), NOW) == approved
        assert sources.listing(connection) == [approved]


def test_proposing_an_approved_source_as_it_is_changes_nothing(engine, approved):
    with writing(engine) as connection:
        assert sources.propose(connection, ADDRESS, described(), NOW) == approved


def test_a_source_that_shows_another_key_waits_for_approval_again(engine, approved):
    with writing(engine) as connection:
        again = sources.propose(connection, ADDRESS, described(multikey="zOther"), NOW)
        assert (again.state, again.authority.multikey) == ("proposed", "zOther")
        assert leases.lease_due(connection, NOW) == []
        assert sources.approve(connection, ADDRESS, SETTINGS, NOW).state == "approved"


def test_a_new_key_counts_for_the_earlier_addresses_of_its_node_too(engine, approved):
    """And for no other source, and with names of keys that lie at each address."""
    there = described(host="chm")
    with writing(engine) as connection:
        sources.propose(connection, "https://tn.example.org/", described(host="tn", multikey="zOther"), NOW)
        sources.approve(connection, "https://tn.example.org/", SETTINGS, NOW)
        sources.propose(connection, "https://chm.example.org/", there, NOW)
        here = sources.approve(connection, "https://chm.example.org/", SETTINGS, NOW)
        ended = PublicKey(here.key_id, "zKey", NOW)
        found = replace(
            there, authority=replace(there.authority, multikey="zNew", former=(ended,)), key_id=f"{here.node}#key-2"
        )
        sources.take_over_key(connection, here, found, NOW)
        old, other, new = sources.listing(connection)
    assert (other.authority.multikey, other.authority.former) == ("zOther", ())
    for each, state in ((old, "moved"), (new, "approved")):
        assert (each.state, each.key_id, each.authority.multikey) == (state, f"{each.node}#key-2", "zNew")
        assert each.authority.former == (PublicKey(f"{each.node}#key", "zKey", NOW),)
    assert (old.authority.uri_space, old.feed, old.lease) == (approved.authority.uri_space, approved.feed, "")


@pytest.mark.parametrize(
    "space",
    [
        "https://hub.example.org/id/",
        "https://hub.example.org/",
        "https://dz.example.org/id/",
        "https://dz.example.org/id/tn/",
    ],
)
def test_nobody_is_approved_for_addresses_that_belong_to_another(engine, approved, space):
    with writing(engine) as connection:
        sources.propose(connection, "https://tn.example.org/", described("tn", space=space), NOW)
        with pytest.raises(HarvestError, match="claims addresses"):
            sources.approve(connection, "https://tn.example.org/", SETTINGS, NOW)


def test_we_are_no_source_of_our_own(engine):
    with writing(engine) as connection:
        sources.propose(connection, SETTINGS.base_url, described("hub", space="https://else.example.org/"), NOW)
        with pytest.raises(HarvestError, match="this node"):
            sources.approve(connection, SETTINGS.base_url, SETTINGS, NOW)


def test_a_removed_source_is_listed_and_left_alone(engine, approved):
    with writing(engine) as connection:
        sources.remove(connection, ADDRESS)
        assert [each.state for each in sources.listing(connection)] == ["removed"]
        assert leases.lease_due(connection, NOW + timedelta(days=1)) == []


def test_the_overview_of_a_source_that_was_never_harvested(engine, approved):
    with reading(engine) as connection:
        [view] = overview.overview(connection)
    assert (view.node, view.titles, view.country) == (approved.node, {"fr": "Algérie"}, "DZ")
    assert (view.records, view.last_run, view.last_success, view.failures) == (0, None, None, 0)
    assert (view.fingerprint, view.due) == (fingerprint("zKey"), NOW)


def test_a_leased_source_is_not_due_until_the_lease_ends(engine, approved):
    with writing(engine) as connection:
        [leased] = leases.lease_due(connection, NOW)
        assert leases.lease_due(connection, NOW) == []
        assert leases.lease_now(connection, ADDRESS, NOW) is None
        assert leases.lease_due(connection, NOW + leases.LEASE - timedelta(seconds=1)) == []
        [successor] = leases.lease_due(connection, NOW + leases.LEASE)
    assert leased.lease
    assert successor.lease not in ("", leased.lease)


def test_of_many_workers_one_gets_the_lease(engine, approved):
    def claim(_):
        with writing(engine) as connection:
            return len(leases.lease_due(connection, NOW))

    with ThreadPoolExecutor(8) as workers:
        assert sum(workers.map(claim, range(8))) == 1


def test_a_worker_that_lost_its_lease_can_neither_renew_nor_release_it(engine, approved):
    later = NOW + leases.LEASE
    with writing(engine) as connection:
        [slept] = leases.lease_due(connection, NOW)
        [successor] = leases.lease_due(connection, later)
        assert not leases.renew(connection, slept, later)
        assert not leases.release(connection, slept, later, 0, later)
        assert leases.renew(connection, successor, later)
        assert sources.find(connection, ADDRESS).lease == successor.lease


def test_removing_a_source_takes_the_lease_from_its_worker(engine, approved):
    with writing(engine) as connection:
        [leased] = leases.lease_due(connection, NOW)
        sources.remove(connection, ADDRESS)
        assert not leases.renew(connection, leased, NOW)


def test_a_released_source_is_due_when_the_worker_said(engine, approved):
    due = NOW + timedelta(hours=1)
    with writing(engine) as connection:
        [leased] = leases.lease_due(connection, NOW)
        assert leases.release(connection, leased, due, 3, None)
        found = sources.find(connection, ADDRESS)
    assert (found.due, found.failures, found.lease, found.last_success) == (due, 3, "", None)


def test_the_longest_waiting_are_leased_first(engine):
    with writing(engine) as connection:
        for minutes, host in enumerate(("c", "a", "b")):
            address = f"https://{host}.example.org/"
            sources.propose(connection, address, described(host, f"zKey{host}"), NOW)
            sources.approve(connection, address, SETTINGS, NOW + timedelta(minutes=minutes))
        found = leases.lease_due(connection, NOW + timedelta(hours=1), limit=2)
    assert [each.address for each in found] == ["https://c.example.org/", "https://a.example.org/"]


def test_a_node_with_the_key_of_an_approved_one_is_that_node_after_a_move(engine, approved):
    with writing(engine) as connection:
        proposed = sources.propose(connection, "https://new.example.org/", described("new"), NOW)
        assert [each.node for each in sources.predecessors(connection, proposed.authority)] == [approved.node]
        assert sources.find(connection, approved.node).state == "approved"  # until a person approves
        new = sources.approve(connection, proposed.node, SETTINGS, NOW)
        old = sources.find(connection, approved.node)
        assert (old.state, new.state) == ("moved", "approved")
        # What the old one signed still counts, and nobody else gets its addresses.
        assert sources.powers(connection, SETTINGS, new).authority(old.node) == old.authority
        other = sources.propose(
            connection, "https://x.example.org/", described("x", "zX", old.authority.uri_space), NOW
        )
        with pytest.raises(HarvestError, match="were approved for"):
            sources.approve(connection, other.node, SETTINGS, NOW)


def test_nodes_without_a_key_are_never_the_same(engine):
    with writing(engine) as connection:
        for host in ("a", "b"):
            found = sources.propose(connection, f"https://{host}.example.org/", described(host, ""), NOW)
            sources.approve(connection, found.node, SETTINGS, NOW)
        assert {each.state for each in sources.listing(connection)} == {"approved"}


def test_a_run_whose_worker_died_is_closed_by_the_next_one(engine, approved):
    with writing(engine) as connection:
        dead = runs.begin(connection, approved.id, NOW)
        runs.add(connection, dead, runs.Counts(created=3))
        runs.begin(connection, approved.id, NOW + timedelta(minutes=20))
        running, ended = overview.history(connection, approved.id)
    assert (running.outcome, running.ended) == ("running", None)
    assert (ended.outcome, ended.created) == ("partial", 3)
    assert "stopped before the end" in ended.message


def test_a_closed_run_is_not_closed_again(engine, approved):
    with writing(engine) as connection:
        run_id = runs.begin(connection, approved.id, NOW)
        runs.end(connection, run_id, NOW, runs.OK, "", 3, 1000)
        runs.end(connection, run_id, NOW + timedelta(hours=1), runs.UNREACHABLE, "late", 9, 9)
        found = overview.run_view(connection, run_id)
    assert (found.outcome, found.requests, found.bytes, found.ended) == ("ok", 3, 1000, NOW)


def test_a_source_may_pass_on_what_is_approved_here_and_what_it_vouches_for(engine, approved):
    member = Member(Authority("https://ma.example.org/node", "https://ma.example.org/id/", "zMA"), word=Word.SILENT)
    with writing(engine) as connection:
        sources.propose(connection, "https://tn.example.org/", described("tn"), NOW)
        other = sources.approve(connection, "https://tn.example.org/", SETTINGS, NOW)
        sources.set_members(connection, approved.id, [member])
        powers = sources.powers(connection, SETTINGS, sources.get(connection, approved.id))
    assert powers.source == approved.authority
    assert {other.node, member.node} <= powers.others.keys()


def test_a_pinned_key_wins_over_what_a_hub_says_of_the_node(engine, approved):
    with writing(engine) as connection:
        sources.propose(connection, "https://tn.example.org/", described("tn"), NOW)
        other = sources.approve(connection, "https://tn.example.org/", SETTINGS, NOW)
        sources.set_members(
            connection, approved.id, [Member(replace(other.authority, multikey="zForged"), word=Word.SILENT)]
        )
        powers = sources.powers(connection, SETTINGS, sources.get(connection, approved.id))
    assert powers.authority(other.node) == other.authority


def test_a_hub_that_was_approved_for_countries_speaks_for_their_nodes_alone(engine, approved):
    word, base = Word.CONFIRMED, "https://{}.example.org/"
    found = [
        Member(Authority(f"{base.format(name)}node", f"{base.format(name)}id/", "zKey"), name.upper(), word)
        for name in ("tn", "ma")
    ]
    with writing(engine) as connection:
        sources.set_members(connection, approved.id, found)
        scoped = sources.approve(connection, ADDRESS, SETTINGS, NOW, ["TN", "LY"])
        powers = sources.powers(connection, SETTINGS, scoped)
        again = sources.approve(connection, ADDRESS, SETTINGS, NOW)
        anyone = sources.approve(connection, ADDRESS, SETTINGS, NOW, [])
        wider = sources.powers(connection, SETTINGS, anyone)
    assert scoped.countries == again.countries == ("TN", "LY")
    assert (found[0].node in powers.others, found[1].node in powers.others) == (True, False)
    assert powers.doubted == {found[1].node: Verdict.OUT_OF_SCOPE}
    assert found[1].node in wider.others


def test_another_scope_has_the_log_read_again(engine, approved):
    with writing(engine) as connection:
        connection.execute(update(source_table).values(cursor=1_750_000_000_000))
        assert sources.approve(connection, ADDRESS, SETTINGS, NOW).cursor > NOW - timedelta(days=1000)
        assert sources.approve(connection, ADDRESS, SETTINGS, NOW, ["TN"]).cursor.year == 1970


def test_of_the_runs_that_found_nothing_new_the_newest_is_kept(engine, approved):
    outcomes = (runs.OK, runs.NOT_MODIFIED, runs.NOT_MODIFIED, runs.UNREACHABLE, runs.NOT_MODIFIED, runs.NOT_MODIFIED)
    with writing(engine) as connection:
        for hours, outcome in enumerate(outcomes):
            run_id = runs.begin(connection, approved.id, NOW + timedelta(hours=hours))
            runs.end(connection, run_id, NOW + timedelta(hours=hours), outcome, "", 1, 0)
        found = overview.history(connection, approved.id)
    assert [each.outcome for each in found] == [runs.NOT_MODIFIED, runs.UNREACHABLE, runs.OK]
    assert found[0].started == NOW + timedelta(hours=5)
