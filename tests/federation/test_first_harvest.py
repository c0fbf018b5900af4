"""The first harvest of a large peer: its dump, then its log from there; or the whole log when anything is wrong."""

import base64
import gzip
import hashlib
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from chm_node import dumps
from chm_node.disk import LEAST_BYTES
from harvest import dump


@pytest.fixture(autouse=True)
def every_peer_is_large(monkeypatch):
    monkeypatch.setattr(dump, "FEWEST_RECORDS", 3)


@pytest.fixture
def write_dump(peer):
    def write():
        return dumps.write(peer.engine, peer.settings, peer.now)

    return write


def address(peer):
    return f"{peer.settings.base_url}dumps/records.nq.gz"


def graphs(node):
    return {change.graph.iri: change.graph for change in node.log()}


def asked(wire):
    return [url for url, _ in wire.asked]


def test_dump_and_log_bring_what_the_log_alone_would(peer, hub, wire, write_dump):
    iris = peer.publish(*(f"Workshop {n}" for n in range(450)))
    peer.withdraw(iris[3])
    write_dump()
    peer.later(minutes=1)
    peer.revise({iris[5]: "Corrected after the dump"})
    peer.withdraw(iris[7])
    new = peer.publish("Published after the dump")
    hub.later(minutes=2)

    run = hub.harvest(peer)

    assert (run.outcome, run.message, run.rejected) == ("ok", "", 0)
    assert graphs(hub) == {iri: replace(each, action=hub.held(iri).graph.action) for iri, each in graphs(peer).items()}
    assert hub.holds(new[0])
    assert not hub.holds(iris[7])
    assert not hub.holds(iris[3])
    assert address(peer) in asked(wire)
    assert peer.page(1) not in asked(wire)  # all of it lies before the dump
    assert hub.harvest(peer).outcome == "not-modified"


def test_a_dump_is_taken_once(peer, hub, wire, write_dump):
    peer.publish(*(f"Workshop {n}" for n in range(5)))
    write_dump()
    hub.harvest(peer)
    wire.asked.clear()
    peer.later(minutes=1)
    peer.publish("More")
    write_dump()

    assert hub.harvest(peer).created == 1

    assert address(peer) not in asked(wire)


def test_a_small_peer_is_read_from_its_log(peer, hub, wire, write_dump):
    peer.publish("One", "Two", "Three")
    write_dump()

    assert hub.harvest(peer).created == 3

    assert address(peer) not in asked(wire)


def test_an_old_dump_is_not_taken(peer, hub, wire, write_dump):
    peer.publish(*(f"Workshop {n}" for n in range(5)))
    write_dump()
    hub.later(days=31)

    assert hub.harvest(peer).created == 5

    assert address(peer) not in asked(wire)


def _missing(real):
    return replace(real, status=404)


def _without_digest(real):
    return replace(real, headers={})


def _damaged(real):
    return replace(real, body=real.body[:-9] + b"x" + real.body[-8:])


def _digest(body):
    return {"Repr-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"}


def _redigested(body):
    def lie(real):
        changed = body(gzip.decompress(real.body))
        return replace(real, body=changed, headers=_digest(changed))

    return lie


FAULTS = {
    "is missing": _missing,
    "has no digest": _without_digest,
    "is damaged": _damaged,
    "is cut": _redigested(lambda text: gzip.compress(text)[:-20]),
    "is no gzip": _redigested(lambda text: text),
    "is no N-Quads": _redigested(lambda text: gzip.compress(text + b"<< nonsense\n")),
    "has an endless line": _redigested(lambda text: gzip.compress(text + b"x" * 1_000_000)),
    "has no line end": _redigested(lambda text: gzip.compress(text + b"x")),
    "is empty": _redigested(lambda _: gzip.compress(b"")),
    "is one endless change": _redigested(lambda text: gzip.compress(text + text.splitlines(True)[1] * 60_000)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_whole_log_is_read_when_the_dump(peer, hub, wire, write_dump, fault):
    iris = peer.publish(*(f"Workshop {n}" for n in range(5)))
    write_dump()
    wire.replies[address(peer)] = FAULTS[fault]

    run = hub.harvest(peer)

    assert run.outcome == "ok"
    assert "the dump was left aside and the whole log is read" in run.message
    assert all(map(hub.holds, iris))
    assert peer.page(1) in asked(wire)


def test_a_forged_record_in_a_dump_is_refused(peer, hub, wire, write_dump):
    forged, *others = peer.publish("Honest title", *(f"Workshop {n}" for n in range(449)))
    write_dump()
    wire.replies[address(peer)] = _redigested(
        lambda text: gzip.compress(text.replace(b"Honest title", b"Forged title"))
    )

    run = hub.harvest(peer)

    assert (run.created, run.rejected) == (449, 1)
    assert hub.reasons() == {forged: "bad-proof"}
    assert all(map(hub.holds, others))


def test_a_dump_that_a_cache_kept_too_long_loses_nothing(peer, hub, wire, write_dump):
    peer.publish(*(f"Workshop {n}" for n in range(5)))
    write_dump()
    old = peer.get(address(peer))
    peer.later(minutes=1)
    new = peer.publish("Not in the old dump")
    write_dump()
    wire.replies[address(peer)] = lambda real: replace(real, body=old, headers=_digest(old))
    hub.later(minutes=2)

    assert hub.harvest(peer).created == 6

    assert hub.holds(new[0])


def test_a_dump_that_would_leave_too_little_room_is_not_fetched(peer, hub, wire, write_dump, monkeypatch):
    iris = peer.publish(*(f"Workshop {n}" for n in range(5)))
    write_dump()
    real = shutil.disk_usage
    monkeypatch.setattr(shutil, "disk_usage", lambda path: real(path)._replace(free=LEAST_BYTES + 100))

    run = hub.harvest(peer)

    assert run.outcome == "ok"
    assert "the dump was left aside and the whole log is read" in run.message
    assert "100 bytes" in run.message
    assert all(map(hub.holds, iris))


def test_the_whole_log_is_read_when_the_disk_is_full_before_the_dump_ends(peer, hub, wire, write_dump, monkeypatch):
    iris = peer.publish(*(f"Workshop {n}" for n in range(5)))
    write_dump()
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("w+b"))  # noqa: SIM115

    run = hub.harvest(peer)

    assert run.outcome == "ok"
    assert "the dump was left aside and the whole log is read: the file could not be kept on this node" in run.message
    assert all(map(hub.holds, iris))
