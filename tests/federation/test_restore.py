"""A node restored from a backup: its hubs notice, nothing is lost twice, and what the backup lacks comes back."""

import pytest
from sqlalchemy import func, select, update

from chm_node import backup, erasure, keys
from chm_node.database import reading, writing
from chm_node.publishing import withdraw
from chm_node.record import Action, Tombstone
from chm_node.tables import change, log_head
from harvest import quarantine
from harvest.recovery import Recovered, Recovery


@pytest.fixture
def file(tmp_path):
    return tmp_path / "dz.backup"


@pytest.fixture
def kept(peer, hub):
    """Three records that are in the backup and at the hub, among others; the log has two pages."""
    found = peer.publish("First", "Second", "Third", *(f"Workshop {n}" for n in range(220)))[:3]
    hub.harvest(peer)
    return found


def back_up(peer, file):
    backup.back_up(peer.engine, peer.settings, file, peer.now)


def restore(peer, file):
    return backup.restore(peer.settings, file, peer.now)[1]


def pass_time(*nodes, **time):
    for node in nodes:
        node.later(**(time or {"minutes": 20}))


def recover(peer, hub):
    with peer.client() as client:
        recovery = Recovery(peer.engine, peer.settings, hub.settings.base_url, client, peer.readers)
        return recovery.take(recovery.missing(), peer.now, lambda _: None)


def test_a_hub_notices_a_new_epoch_and_takes_nothing_twice(peer, hub, kept, file, wire):
    back_up(peer, file)
    pass_time(peer, hub)
    head = restore(peer, file)
    wire.asked.clear()
    before = len(hub.log())

    run = hub.harvest(peer)

    assert f"{peer.settings.base_url}feed/{head.epoch}/2" in [url for url, _ in wire.asked]
    assert "begun anew" in run.message
    assert "stay as they are" not in run.message
    assert (run.outcome, run.created, run.updated, run.withdrawn) == ("ok", 0, 0, 0)
    assert len(hub.log()) == before
    pass_time(peer, hub)
    again = hub.harvest(peer)
    assert (again.outcome, again.message) == ("not-modified", "")


def test_withdrawals_that_wait_are_forgotten_when_the_peer_goes_back_to_before_them(peer, hub, kept, file):
    back_up(peer, file)
    peer.later(minutes=1)
    peer.withdraw(*(each.graph.iri for each in peer.log()))
    hub.later(minutes=20)
    assert hub.harvest(peer).outcome == "quarantined"
    restore(peer, file)
    pass_time(peer, hub)

    assert hub.harvest(peer).outcome == "ok"
    with reading(hub.engine) as connection:
        assert quarantine.groups(connection) == []
    assert all(hub.holds(iri) for iri in kept)


def test_what_is_published_after_a_restore_is_newer_than_what_was_lost(peer, hub, kept, file):
    """The same record, revised once before the restore and once after it: the hub follows the owner."""
    back_up(peer, file)
    pass_time(peer, hub)
    peer.revise({kept[0]: "Lost with the disk"})
    hub.harvest(peer)
    lost = peer.held(kept[0])
    peer.later(days=-2)  # and the clock is wrong
    restore(peer, file)
    peer.revise({kept[0]: "Written after the restore"})
    pass_time(hub)

    run = hub.harvest(peer)

    assert run.updated == 1
    assert "Written after the restore" in hub.held(kept[0]).graph.nquads.decode()
    assert hub.held(kept[0]).graph.version > lost.graph.version


def test_what_the_backup_lacks_is_told_on_both_sides_and_not_withdrawn(peer, hub, kept, file):
    back_up(peer, file)
    pass_time(peer, hub)
    [fresh] = peer.publish("Published after the backup")
    peer.revise({kept[0]: "Revised after the backup"})
    hub.harvest(peer)
    pass_time(peer, hub)
    restore(peer, file)

    run = hub.harvest(peer)

    assert "2 stay as they are" in run.message
    assert f"chm recover {hub.settings.base_url}" in run.message
    assert hub.holds(fresh)
    assert "Revised after" in hub.held(kept[0]).graph.nquads.decode()
    with peer.client() as client:
        recovery = Recovery(peer.engine, peer.settings, hub.settings.base_url, client, peer.readers)
    assert set(recovery.missing()) == {fresh, kept[0]}


def test_all_of_it_comes_back_from_the_hub_as_it_was(peer, hub, kept, file, make_node):
    back_up(peer, file)
    pass_time(peer, hub)
    [fresh] = peer.publish("Published after the backup")
    peer.revise({kept[0]: "Revised after the backup"})
    peer.withdraw(kept[1])
    stone = Tombstone(kept[2], "event", {"en": "On request."}, erased=True)
    withdraw(peer.engine, peer.settings, peer.signer, stone, peer.now)
    hub.harvest(peer)
    before = {each.graph.iri: each.graph for each in peer.log()}
    pass_time(peer, hub)
    restore(peer, file)
    assert "Third" in peer.held(kept[2]).graph.nquads.decode()  # the backup has what was erased since

    found = recover(peer, hub)

    assert found == Recovered(created=1, updated=1, withdrawn=2)
    after = {each.graph.iri: each.graph for each in peer.log()}
    assert {iri: graph.digest for iri, graph in after.items()} == {iri: graph.digest for iri, graph in before.items()}
    assert after[fresh].proof == before[fresh].proof
    assert peer.held(kept[2]).graph.action is Action.DELETE
    pass_time(peer, hub, days=1)
    assert erasure.finish_due(peer.engine, peer.settings, peer.now)
    assert b"Third" not in (peer.settings.data_dir / "chm.sqlite").read_bytes()
    # Nothing is left to be taken back, and no hub finds anything new in it.
    assert recover(peer, hub) == Recovered()
    pass_time(peer, hub)
    run = hub.harvest(peer)
    assert (run.created, run.updated, run.withdrawn, run.rejected) == (0, 0, 0, 0)
    assert "stay as they are" not in run.message
    further = make_node("further")
    further.now = hub.now
    further.follow(peer)
    assert further.harvest(peer).rejected == 0
    assert further.held(fresh).graph == before[fresh]
    # The owner goes on as ever.
    peer.revise({fresh: "Revised once more"})
    pass_time(hub)
    assert hub.harvest(peer).updated == 1


def test_what_a_former_key_signed_comes_back_too(peer, hub, kept, file):
    back_up(peer, file)
    pass_time(peer, hub)
    lost = peer.publish("Signed with the former key", "And so was this")
    hub.harvest(peer)
    pass_time(peer, hub)
    peer.signer = keys.rotate(peer.settings, peer.now)
    pass_time(peer, hub)
    hub.follow(peer)
    lost += peer.publish("Signed with the new key")
    assert hub.harvest(peer).created == 1
    pass_time(peer, hub)
    restore(peer, file)

    assert recover(peer, hub) == Recovered(created=3)
    assert all(peer.holds(iri) for iri in lost)


def test_a_hub_gives_back_nothing_that_our_key_did_not_sign(peer, hub, kept, file, wire):
    back_up(peer, file)
    pass_time(peer, hub)
    [fresh] = peer.publish("Published after the backup")
    hub.harvest(peer)
    pass_time(peer, hub)
    restore(peer, file)
    address = f"{hub.settings.base_url}record?iri={fresh.replace(':', '%3A').replace('/', '%2F')}"

    def forged(real):
        return type(real)(real.body.replace(b"Published", b"Forged"), 200, real.media_type)

    wire.replies[address] = forged
    assert recover(peer, hub) == Recovered(refused=((fresh, "bad-proof"),))
    assert not peer.holds(fresh)
    wire.replies[address] = lambda real: type(real)(b"", 404)
    assert recover(peer, hub) == Recovered(refused=((fresh, ""),))
    del wire.replies[address]
    assert recover(peer, hub) == Recovered(created=1)


def test_a_hub_that_withholds_the_withdrawal_is_put_right_by_another(peer, hub, kept, file, make_node):
    other = make_node("other")
    back_up(peer, file)
    pass_time(peer, hub, other)
    [fresh] = peer.publish("Published and withdrawn after the backup")
    hub.harvest(peer)  # and has been down since
    pass_time(peer, other)
    peer.withdraw(fresh)
    other.follow(peer)
    other.harvest(peer)
    peer.publish("So that the other hub has something")
    pass_time(peer, other)
    restore(peer, file)

    assert recover(peer, hub).created == 1
    assert peer.holds(fresh)
    assert recover(peer, other).withdrawn == 1
    assert not peer.holds(fresh)


def test_a_restore_that_nobody_noticed_is_found_by_the_hub(peer, hub, kept, file):
    """The whole machine was put back, the file beside the database too: the same epoch ends earlier than before."""
    back_up(peer, file)
    pass_time(peer, hub)
    peer.publish("Lost")
    hub.harvest(peer)
    pass_time(peer, hub)
    with_epoch = restore(peer, file)
    put_back(peer, with_epoch)

    run = hub.harvest(peer)

    assert "begun anew" in run.message
    assert "1 stay as they are" in run.message


def put_back(peer, head):
    """As a snapshot of the machine would: with the epoch and the moment of then."""
    with writing(peer.engine) as connection:
        newest = select(func.max(change.c.log_time)).scalar_subquery()
        connection.execute(update(log_head).values(epoch=1, log_time=newest))
    assert head.epoch > 1


def test_a_second_restore_of_the_same_backup_is_noticed_too(peer, hub, kept, file):
    back_up(peer, file)
    for n in range(2):
        pass_time(peer, hub)
        [fresh] = peer.publish(f"Published after the backup, {n}")
        hub.harvest(peer)
        pass_time(peer, hub)
        restore(peer, file)
        run = hub.harvest(peer)
        assert "begun anew" in run.message
        assert hub.holds(fresh)
    assert recover(peer, hub).created == 2
