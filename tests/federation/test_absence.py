"""A peer that is silent, fails or stands empty loses nothing here: whatever it does not say withdraws no record."""

from dataclasses import replace

import pytest

from chm_node.database import reading, writing
from chm_node.dumps import write
from chm_node.namespaces import TREE
from chm_node.tables import log_head
from harvest import dump, quarantine, sources

ROOT = "the root"
PAGES = "every page"
NODE = "the description"
LIST = "the resource list"


@pytest.fixture
def iris(peer, hub):
    """Records on two pages of the log, harvested and compared."""
    found = peer.publish(*(f"Workshop {n}" for n in range(250)))
    hub.harvest(peer, compare=True)
    peer.later(minutes=1)
    hub.later(minutes=20)
    return found


def addresses(peer, what: str) -> list[str]:
    base = peer.settings.base_url
    return {
        ROOT: [peer.feed],
        PAGES: [peer.page(1), peer.page(2)],
        NODE: [peer.iri],
        LIST: [f"{base}resourcelist.xml", f"{base}resourcelist-1.xml"],
    }[what]


def lie(peer, wire, what: str, reply) -> None:
    for address in addresses(peer, what):
        wire.replies[address] = reply


def everything_is_kept(hub, iris, served) -> None:
    with reading(hub.engine) as connection:
        assert quarantine.groups(connection) == []
    assert all(map(hub.holds, iris))
    assert {each.graph.iri: each.graph.digest for each in hub.log()} == served


SILENCE = {
    "404": lambda real: replace(real, body=b"", status=404),
    "410": lambda real: replace(real, body=b"", status=410),
    "500": lambda real: replace(real, body=b"", status=500),
    "503": lambda real: replace(real, body=b"", status=503),
    "nothing": lambda real: replace(real, body=b""),
    "half of it": lambda real: replace(real, body=real.body[: len(real.body) // 2]),
    "a page for people": lambda real: replace(
        real, body=b"<!doctype html><title>Moved</title>", media_type="text/html"
    ),
    "empty Turtle": lambda real: replace(real, body=b"", media_type="text/turtle"),
    "an empty JSON-LD array": lambda real: replace(real, body=b"[]", media_type="application/ld+json"),
}


@pytest.mark.parametrize("how", SILENCE)
@pytest.mark.parametrize("what", [ROOT, PAGES, NODE, LIST])
def test_a_part_of_the_peer_that_fails_or_is_empty_withdraws_nothing(peer, hub, iris, wire, what, how):
    served = {each.graph.iri: each.graph.digest for each in hub.log()}
    peer.revise({iris[0]: "Moved"})  # so that nothing is answered by 304
    lie(peer, wire, what, SILENCE[how])

    for _ in range(3):
        run = hub.harvest(peer, compare=True)
        assert run.withdrawn == 0
        hub.later(days=1)

    served[iris[0]] = hub.held(iris[0]).graph.digest
    everything_is_kept(hub, iris, served)

    wire.replies.clear()
    hub.harvest(peer)
    assert hub.held(iris[0]).graph == peer.held(iris[0]).graph


def test_a_peer_that_is_silent_for_a_year_withdraws_nothing(peer, hub, iris, wire):
    served = {each.graph.iri: each.graph.digest for each in hub.log()}
    del wire.apps["dz.example.org"]
    for _ in range(12):
        hub.later(days=30)
        assert hub.harvest(peer).outcome == "unreachable"

    everything_is_kept(hub, iris, served)


def test_a_root_that_leads_to_pages_without_members_withdraws_nothing(peer, hub, iris, wire):
    served = {each.graph.iri: each.graph.digest for each in hub.log()}

    def without_members(real):
        kept = [each for each in real.body.splitlines(True) if TREE.member.encode() not in each]
        return replace(real, body=b"".join(kept))

    peer.revise({iris[0]: "Moved"})  # so that nothing is answered by 304
    lie(peer, wire, PAGES, without_members)

    run = hub.harvest(peer)

    assert (run.outcome, run.updated, run.withdrawn) == ("ok", 0, 0)
    everything_is_kept(hub, iris, served)


def test_a_new_epoch_with_nothing_in_it_has_the_hub_compare_and_withdraws_nothing(peer, hub, iris, wire):
    served = {each.graph.iri: each.graph.digest for each in hub.log()}
    with writing(peer.engine) as connection:
        connection.execute(log_head.update().values(epoch=2))
    emptied = [f"{peer.feed}/2/1", f"{peer.feed}/2/2"]
    for address in emptied:
        wire.replies[address] = lambda real: replace(real, body=b"")
    for address in addresses(peer, LIST)[1:]:
        wire.replies[address] = lambda real: replace(
            real, body=b"".join(each for each in real.body.splitlines(True) if b'rel="canonical"' not in each)
        )

    run = hub.harvest(peer)

    assert (run.outcome, run.withdrawn) == ("quarantined", 0)
    everything_is_kept(hub, iris, served)
    assert "lacks 250 of the 250 records" in run.message


@pytest.mark.parametrize("how", ["an empty dump", "no dump", "a dump that is cut"])
def test_a_peer_whose_dump_has_nothing_withdraws_nothing(peer, hub, iris, wire, monkeypatch, how):
    monkeypatch.setattr(dump, "FEWEST_RECORDS", 1)
    write(peer.engine, peer.settings, peer.now)
    served = {each.graph.iri: each.graph.digest for each in hub.log()}
    replies = {
        "an empty dump": lambda real: replace(
            real, body=b"", headers={"Repr-Digest": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"}
        ),
        "no dump": lambda real: replace(real, body=b"", status=404),
        "a dump that is cut": lambda real: replace(real, body=real.body[:100]),
    }
    wire.replies[f"{peer.settings.base_url}dumps/records.nq.gz"] = replies[how]
    with writing(hub.engine) as connection:  # as after a new approval: the dump is asked for, and the log read anew
        source = sources.find(connection, peer.iri)
        connection.execute(sources.source_table.update().values(cursor=0, state=sources.PROPOSED))
        sources.approve(connection, source.node, hub.settings, hub.now)
    wire.asked.clear()

    run = hub.harvest(peer)

    assert any("dumps/records.nq.gz" in url for url, _ in wire.asked)
    assert run.withdrawn == 0
    everything_is_kept(hub, iris, served)
