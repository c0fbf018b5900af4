"""Going back to an earlier run of a source, and forth again: equal hash by hash, on both databases."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import select, update

from chm_node.catalogue import Catalogue, Filter
from chm_node.database import reading, writing
from chm_node.errors import HarvestError
from chm_node.record import Action
from chm_node.search import index
from chm_node.tables import change, record
from harvest import decisions, overview, quarantine, sources
from harvest.quarantine import Choice, Kind
from harvest.rollback import roll_back

ROOT = Path(__file__).parents[2]
#: Does what a person asked for, in transactions of three records, and is killed at the end of one, uncommitted.
KILLED = """
import json, os, signal, sys
from datetime import datetime
from sqlalchemy import event
from chm_node.database import open_database
from chm_node.settings import Settings
from harvest import decisions, rollback
from harvest.quarantine import Choice

asked = json.loads(sys.argv[1])
decisions.BATCH = rollback.BATCH = 3
settings, now = Settings.load(**asked["settings"]), datetime.fromisoformat(asked["now"])
engine = open_database(settings.database)

def cut(connection):
    asked["commits"] -= 1
    if asked["commits"] < 0:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(engine, "commit", cut)
if asked["run"]:
    rollback.roll_back(engine, settings, asked["node"], asked["run"], now)
else:
    decisions.accept(engine, settings, asked["node"], Choice(), now)
"""


def killed(hub, peer, commits, run=0):
    """Go back to a run, or accept what is held, in a process that is killed after so many transactions."""
    chosen = {"base_url": hub.settings.base_url, "data_dir": str(hub.settings.data_dir), "titles": {"en": "hub"}}
    settings = chosen | {"database_url": hub.settings.database_url}
    asked = {"settings": settings, "now": hub.now.isoformat(), "node": peer.iri, "run": run, "commits": commits}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", KILLED, json.dumps(asked)], env=environment)
    assert done.returncode == -signal.SIGKILL


@pytest.fixture
def hub(make_node, peer, database_url):
    node = make_node("hub", database_url=database_url)
    node.follow(peer)
    return node


def last_run(hub, peer) -> int:
    with reading(hub.engine) as connection:
        return overview.history(connection, sources.find(connection, peer.iri).id)[0].id


def last_words(hub, peer) -> str:
    with reading(hub.engine) as connection:
        return overview.history(connection, sources.find(connection, peer.iri).id)[0].message


def state(hub) -> dict[str, tuple[str, str]]:
    """What the hub shows: by record its hash and title."""
    with reading(hub.engine) as connection:
        shown = Catalogue(connection).listing(Filter(), 1000).records
        assert index.size(connection) == len(shown)
        return {each.iri: (each.digest, each.titles["en"]) for each in shown}


def served(hub) -> dict[str, str]:
    """What followers of the hub read in its log: by record its hash."""
    return {each.graph.iri: each.graph.digest for each in hub.log() if not each.taken_back}


@pytest.fixture
def runs(peer, hub):
    """Three runs: ten records; two changed, three new, one withdrawn; one changed again, one new. With their states."""
    found = []
    first = peer.publish(*(f"Workshop {n}" for n in range(10)))
    hub.harvest(peer)
    found.append((last_run(hub, peer), state(hub)))
    peer.later(hours=1)
    hub.later(hours=1)
    peer.revise({first[0]: "Moved", first[1]: "Moved too"})
    peer.publish("New 1", "New 2", "New 3")
    peer.withdraw(first[2])
    hub.harvest(peer)
    found.append((last_run(hub, peer), state(hub)))
    peer.later(hours=1)
    hub.later(hours=1)
    peer.revise({first[0]: "Moved again"})
    peer.publish("Newest")
    hub.harvest(peer)
    found.append((last_run(hub, peer), state(hub)))
    return found


def back(hub, peer, run):
    return roll_back(hub.engine, hub.settings, peer.iri, run, hub.now)


def test_back_and_forth_ends_at_equality(peer, hub, runs):
    (first, at_first), (second, at_second), (third, at_third) = runs
    assert len({*map(repr, (at_first, at_second, at_third))}) == 3

    undone = back(hub, peer, first)
    assert (undone.restored, undone.taken_back) == (3, 4)
    assert state(hub) == at_first
    for run, expected in (
        (third, at_third),
        (second, at_second),
        (first, at_first),
        (second, at_second),
        (third, at_third),
    ):
        back(hub, peer, run)
        assert state(hub) == expected
    assert served(hub) == {each.graph.iri: each.graph.digest for each in peer.log()}
    with reading(hub.engine) as connection:
        assert quarantine.groups(connection) == []
    assert hub.reasons() == {}


def test_what_was_undone_can_be_accepted_again(peer, hub, runs):
    (first, _), _, (_, at_third) = runs
    back(hub, peer, first)

    assert decisions.accept(hub.engine, hub.settings, peer.iri, Choice(Kind.ROLLED_BACK), hub.now) == 7

    assert state(hub) == at_third
    assert served(hub) == {each.graph.iri: each.graph.digest for each in peer.log()}
    assert hub.reasons() == {}


def test_a_way_back_can_itself_be_undone(peer, hub, runs):
    (first, at_first), _, (_, at_third) = runs
    back(hub, peer, first)
    way_back = last_run(hub, peer)
    decisions.accept(hub.engine, hub.settings, peer.iri, Choice(), hub.now)
    assert state(hub) == at_third

    back(hub, peer, way_back)

    assert state(hub) == at_first


def test_the_next_harvests_do_not_bring_it_back_and_newer_versions_come(peer, hub, runs):
    (first, at_first), *_ = runs
    back(hub, peer, first)

    peer.later(hours=1)
    hub.later(hours=1)
    [new] = peer.publish("Published afterwards")
    run = hub.harvest(peer, compare=True)

    assert (run.created, run.updated, run.withdrawn) == (1, 0, 0)
    assert {iri: found for iri, found in state(hub).items() if iri != new} == at_first
    assert set(hub.reasons().values()) == {"rolled-back"}

    changed = next(iri for iri in hub.reasons() if peer.holds(iri))
    peer.revise({changed: "Corrected"})
    hub.harvest(peer)
    assert state(hub)[changed][1] == "Corrected"
    assert changed not in hub.reasons()


def test_the_peer_reads_at_once_that_its_records_were_rolled_back(peer, hub, runs):
    back(hub, peer, runs[0][0])

    site = hub.wire.apps["hub.example.org"].test_client()
    told = site.get(f"/receipts?node={quote(peer.iri, safe='')}").json["receipts"]

    assert sum(each["reason"] is not None and each["reason"]["code"] == "rolled-back" for each in told) == 7
    assert {each["record"] for each in told if each["held"] is None and each["reason"]} == {
        iri for iri in served(peer) if iri not in runs[0][1]
    }


def test_followers_of_the_hub_are_told_no_withdrawal_and_keep_what_the_owner_said(peer, hub, runs, make_node):
    top = make_node("top")
    top.later(hours=3)
    top.follow(hub)
    top.harvest(hub)
    before = state(top)
    assert before == runs[2][1]

    back(hub, peer, runs[0][0])
    run = top.harvest(hub)

    assert (run.created, run.updated, run.withdrawn, run.rejected) == (0, 0, 0, 0)
    assert state(top) == before
    assert not any(each.graph.action is Action.DELETE for each in hub.log() if not each.taken_back)


def test_a_new_follower_gets_what_the_hub_shows(peer, hub, runs, make_node):
    back(hub, peer, runs[0][0])

    top = make_node("top")
    top.follow(hub)
    assert top.harvest(hub).rejected == 0

    assert state(top) == runs[0][1]


@pytest.mark.parametrize("path", ["record?iri={}", "record.nq?iri={}", "en/record?iri={}"])
def test_a_record_that_was_taken_back_is_nowhere(peer, hub, runs, path):
    site = hub.wire.apps["hub.example.org"].test_client()
    [gone] = [iri for iri, (_, title) in runs[2][1].items() if title == "Newest"]
    address = f"/{path.format(quote(gone, safe=''))}"
    assert site.get(address, headers={"Accept": "text/turtle"}).status_code == 200

    back(hub, peer, runs[0][0])

    assert site.get(address, headers={"Accept": "text/turtle"}).status_code == 404
    for listing in (
        "feeds/all.atom",
        "feeds/all.json",
        "feed/1/1",
        "resourcelist-1.xml",
        "catalogue.nt",
    ):
        assert gone.encode() not in site.get(f"/{listing}").data, listing


def test_whoever_mirrors_the_hubs_own_files_is_told_which_are_gone(peer, hub, runs):
    [gone] = [iri for iri, (_, title) in runs[2][1].items() if title == "Newest"]
    back(hub, peer, runs[0][0])

    changes = hub.get(f"{hub.settings.base_url}changelist.xml").decode().splitlines()

    last = [each for each in changes if f'href="{gone}"' in each][-1]
    assert 'change="deleted"' in last
    assert "hash" not in last


def test_what_other_sources_brought_stays(peer, hub, make_node):
    relay = make_node("relay")
    kept, changed = peer.publish("Kept", "First")
    relay.follow(peer)
    hub.harvest(peer)
    hub.follow(relay)
    hub.harvest(relay)
    first = last_run(hub, relay)
    for node in (peer, relay, hub):
        node.later(hours=1)
    peer.revise({changed: "Second"})
    relay.harvest(peer)
    [new] = peer.publish("New, brought directly")
    hub.harvest(relay)
    hub.harvest(peer)
    assert hub.held(changed).hops == (peer.iri, relay.iri)

    back(hub, relay, first)

    assert state(hub)[changed][1] == "First"
    assert {kept, new} <= state(hub).keys()


def test_a_version_whose_bytes_were_erased_is_not_put_back(peer, hub, runs):
    (first, at_first), _, (_, at_third) = runs
    [moved] = [iri for iri, (_, title) in at_third.items() if title == "Moved again"]
    with writing(hub.engine) as connection:
        own = select(record.c.id).where(record.c.iri == moved).scalar_subquery()
        earlier = (change.c.record_id == own) & (change.c.digest == at_first[moved][0])
        connection.execute(update(change).where(earlier).values(nquads=b""))

    undone = back(hub, peer, first)

    assert (undone.restored, undone.erased) == (2, 1)
    assert state(hub)[moved] == at_third[moved]


def test_an_accepted_second_text_is_undone_too(peer, hub):
    iri = f"{peer.settings.uri_space}event/1"
    one = peer.say(iri, title="One thing")
    hub.harvest(peer)
    peer.say(iri, title="Another thing", version=one.version)
    hub.harvest(peer)
    before = last_run(hub, peer)
    decisions.accept(hub.engine, hub.settings, peer.iri, Choice(), hub.now)
    assert state(hub)[iri][1] == "Another thing"

    back(hub, peer, before)

    assert hub.held(iri).graph.nquads == one.nquads


def test_only_a_run_of_the_source_that_has_ended_can_be_gone_back_to(peer, hub, runs, make_node):
    with pytest.raises(HarvestError, match="no run of this source"):
        back(hub, peer, 10_000)
    with pytest.raises(HarvestError, match="there is no source"):
        roll_back(hub.engine, hub.settings, "https://nobody.example.org/", runs[0][0], hub.now + timedelta(hours=1))


def test_more_records_than_one_transaction_takes(peer, hub, monkeypatch):
    monkeypatch.setattr("harvest.rollback.BATCH", 3)
    peer.publish("One")
    hub.harvest(peer)
    first, before = last_run(hub, peer), state(hub)
    peer.later(hours=1)
    hub.later(hours=1)
    peer.publish(*(f"Workshop {n}" for n in range(11)))
    hub.harvest(peer)
    second, after = last_run(hub, peer), state(hub)

    assert back(hub, peer, first).taken_back == 11
    assert state(hub) == before
    assert back(hub, peer, second).restored == 11
    assert state(hub) == after


@pytest.mark.parametrize("commits", [0, 1, 2, 3])
def test_a_way_back_that_was_killed_is_finished_by_the_same_command(peer, hub, runs, commits):
    (first, at_first), _, (third, at_third) = runs
    killed(hub, peer, commits, first)
    assert (state(hub) == at_third) == (commits <= 1)
    assert state(hub) != at_first
    if commits > 1:
        assert last_words(hub, peer).startswith(f"a person is going back to run {first}: ")

    # A worker goes on meanwhile.
    assert hub.harvest(peer).message == ""
    back(hub, peer, first)

    assert state(hub) == at_first
    assert last_words(hub, peer).startswith(f"a person went back to run {first}: ")
    with reading(hub.engine) as connection:
        [waiting] = quarantine.groups(connection)
    assert (waiting.kind, waiting.count) == (Kind.ROLLED_BACK, 7)
    assert back(hub, peer, first).restored == 0
    back(hub, peer, third)
    assert state(hub) == at_third


@pytest.mark.parametrize("commits", [0, 1, 2])
def test_an_acceptance_that_was_killed_is_finished_by_the_same_command(peer, hub, runs, commits):
    (first, _), _, (_, at_third) = runs
    back(hub, peer, first)
    killed(hub, peer, commits)
    if commits:
        assert last_words(hub, peer) == f"a person accepted {3 * commits} of 7 held changes"

    hub.harvest(peer)
    left = decisions.accept(hub.engine, hub.settings, peer.iri, Choice(), hub.now)

    assert left == 7 - 3 * commits
    assert state(hub) == at_third
    assert hub.reasons() == {}
    with pytest.raises(HarvestError, match="nothing of"):
        decisions.accept(hub.engine, hub.settings, peer.iri, Choice(), hub.now)
