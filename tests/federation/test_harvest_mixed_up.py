"""What caches and proxies make of a peer's answers: no record is lost for good, whatever came in its place."""

import os
import signal
import time
from dataclasses import replace

from harvest.readers import Readers


def of(address, peer):
    """The page at another address, as an answer in the place of the right one."""
    return lambda real: replace(real, body=peer.get(address, "application/n-quads"), headers={"ETag": '"other"'})


def unavailable(real):
    return replace(real, status=503)


def test_a_page_under_a_wrong_media_type_is_read_once_it_has_the_right_one(peer, hub, wire):
    iris = peer.publish(*(f"Workshop {n}" for n in range(450)))
    wire.replies[peer.page(2)] = lambda real: replace(real, media_type="text/html")
    assert hub.harvest(peer).outcome == "partial"
    wire.replies.clear()

    assert hub.harvest(peer).created == 200

    assert all(map(hub.holds, iris))


def test_another_page_in_the_place_of_a_page_loses_nothing(peer, hub, wire):
    iris = peer.publish(*(f"Workshop {n}" for n in range(450)))
    wire.replies |= {peer.page(1): of(peer.page(3), peer), peer.page(2): unavailable}
    run = hub.harvest(peer)
    assert (run.outcome, run.created) == ("unreachable", 0)
    assert f"{peer.page(1)}: answered with another page" in run.message
    wire.replies.clear()

    assert hub.harvest(peer).created == 450

    assert all(map(hub.holds, iris))


def test_a_page_in_the_place_of_the_root_loses_nothing(peer, hub, wire):
    iris = peer.publish(*(f"Workshop {n}" for n in range(450)))
    wire.replies[peer.feed] = of(peer.page(3), peer)
    assert hub.harvest(peer).outcome == "unreachable"
    wire.replies.clear()

    assert hub.harvest(peer).created == 450

    assert all(map(hub.holds, iris))


def test_the_root_in_the_place_of_a_page_loses_nothing(peer, hub, wire):
    iris = peer.publish(*(f"Workshop {n}" for n in range(450)))
    wire.replies[peer.page(2)] = of(peer.feed, peer)
    assert hub.harvest(peer).outcome == "unreachable"
    wire.replies.clear()

    assert hub.harvest(peer).created == 250

    assert all(map(hub.holds, iris))


def test_a_page_that_describes_no_page_at_all_is_read_as_before(peer, hub, wire):
    peer.publish("Workshop")

    def silent(real):
        lines = real.body.splitlines(keepends=True)
        return replace(real, body=b"".join(line for line in lines if not line.startswith(b"<" + peer.page(1).encode())))

    wire.replies[peer.page(1)] = silent

    assert hub.harvest(peer).created == 1


def test_what_a_child_was_reading_when_somebody_killed_it_is_read_by_another():
    with Readers(1) as readers:
        child = readers.run(os.getpid)
        reading = readers.submit(time.sleep, 1)
        os.kill(child, signal.SIGKILL)

        assert reading.result() is None
        assert readers.run(os.getpid) != child
