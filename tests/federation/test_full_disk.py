"""A hub whose disk is nearly full stops harvesting while it can still serve and publish, and goes on by itself."""

import pytest
from sqlalchemy import event, func, select

from chm_node.tables import change

# Of this file system nothing is ever free, and everybody has it.
FULL = "/proc"


@pytest.fixture
def room(hub, tmp_path):
    """Says whether the disk of the hub's data folder has room."""
    link, real = tmp_path / "data", hub.settings.data_dir

    def there_is(found):
        link.unlink(missing_ok=True)
        link.symlink_to(real if found else FULL)

    there_is(True)
    hub.settings = hub.settings.model_copy(update={"data_dir": link})
    return there_is


def test_without_room_a_run_takes_over_nothing_and_the_next_one_waits_its_time(hub, peer, room, wire):
    peer.publish("Workshop on PCB")
    room(False)
    wire.statuses()

    run = hub.harvest(peer)

    assert (run.outcome, run.created, wire.statuses()) == ("partial", 0, [])
    assert "less than 200 MB free" in run.message
    assert hub.tick() == []  # not again and again
    [own] = hub.publish("Published by the hub itself")
    assert own.encode() in hub.get("/feed/1/1")

    room(True)
    hub.later(minutes=20)
    [run] = hub.tick()
    assert (run.outcome, run.created) == ("ok", 1)


def test_a_run_ends_after_the_page_that_leaves_no_room_and_the_next_one_goes_on(hub, peer, room):
    peer.publish(*(f"Workshop {n}" for n in range(450)))

    def is_committed(connection):
        if connection.execute(select(func.count()).select_from(change)).scalar_one():
            room(False)

    event.listen(hub.engine, "commit", is_committed)
    run = hub.harvest(peer)
    event.remove(hub.engine, "commit", is_committed)

    assert (run.outcome, run.created) == ("partial", 200)
    assert "less than 200 MB free" in run.message
    assert run.message.endswith("ended before the last page; the next harvest goes on from here")

    room(True)
    hub.later(minutes=20)
    [run] = hub.tick()
    assert (run.outcome, run.created) == ("ok", 250)
