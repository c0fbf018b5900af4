"""Stories of a federation: what a node publishes reaches its hub, and the hub's hub, as the node said it."""

from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import select

from chm_node.catalogue import Catalogue
from chm_node.database import reading, writing
from chm_node.errors import HarvestError, RecordWithdrawnError
from chm_node.proofs import verify
from chm_node.record import Action
from chm_node.signing import create_key, load_signer
from chm_node.tables import receipt, unknown_term
from harvest import sources
from harvest.page import MAX_PAGE_BYTES


def test_what_a_node_publishes_is_in_its_hubs_log_under_its_own_iri(peer, hub):
    iri, _ = peer.publish("Workshop on PCB", "Training of customs officers")

    run = hub.harvest(peer)

    assert (run.outcome, run.created, run.rejected) == ("ok", 2, 0)
    change = hub.held(iri)
    assert change.graph == peer.held(iri).graph
    assert change.hops == (peer.iri,)
    assert change.derived_from.startswith(f"{peer.settings.base_url}act/")
    assert verify(change.graph.nquads, change.graph.proof, peer.signer.multikey)


def test_a_harvested_record_is_in_the_feeds_and_the_search_of_the_hub(peer, hub):
    [iri] = peer.publish("Destruction of capacitors")
    hub.harvest(peer)

    assert iri.encode() in hub.get(f"{hub.settings.base_url}feed/1/1")
    assert iri.encode() in hub.get(f"{hub.settings.base_url}feeds/all.atom")
    assert iri.encode() in hub.get(f"{hub.settings.base_url}feeds/all.atom?q=capacitor")


def test_a_correction_and_a_withdrawal_travel(peer, hub):
    kept, gone = peer.publish("First title", "To be withdrawn")
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.revise({kept: "Corrected title"})
    peer.withdraw(gone)

    hub.later(minutes=20)
    run = hub.harvest(peer)

    assert (run.created, run.updated, run.withdrawn) == (0, 1, 1)
    assert "Corrected title" in hub.held(kept).graph.nquads.decode()
    assert hub.held(gone).graph.action is Action.DELETE
    with reading(hub.engine) as connection, pytest.raises(RecordWithdrawnError):
        Catalogue(connection).get(gone)


def test_an_unchanged_source_costs_nothing_but_304(peer, hub, wire):
    peer.publish(*(f"Workshop {n}" for n in range(450)))
    hub.harvest(peer)
    wire.statuses()

    hub.later(minutes=20)
    run = hub.harvest(peer)

    assert wire.statuses() == [304, 304, 304]  # description, root, open page
    assert (run.outcome, run.requests, run.bytes) == ("not-modified", 3, 0)


def test_a_server_without_conditional_requests_is_recognised_by_its_bytes(peer, hub, wire):
    peer.publish(*(f"Workshop {n}" for n in range(250)))
    for address in (peer.iri, peer.feed, peer.page(1), peer.page(2)):
        wire.replies[address] = lambda real: type(real)(real.body, real.status, real.media_type)
    hub.harvest(peer)
    before = len(hub.log())
    wire.statuses()

    hub.later(minutes=20)
    run = hub.harvest(peer)

    assert wire.statuses() == [200, 200, 200]
    assert (run.outcome, len(hub.log())) == ("not-modified", before)


def test_only_pages_that_may_have_grown_are_asked_again(peer, hub, wire):
    peer.publish(*(f"Workshop {n}" for n in range(390)))
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.publish(*(f"Meeting {n}" for n in range(30)))
    wire.asked.clear()

    hub.later(minutes=20)
    run = hub.harvest(peer)

    assert [url for url, _ in wire.asked] == [peer.iri, peer.feed, peer.page(2), peer.page(3)]
    assert (run.created, run.unchanged, run.rejected) == (30, 190, 0)


def test_two_versions_between_harvests_arrive_as_the_newest(peer, hub):
    [iri] = peer.publish("One")
    peer.later(minutes=1)
    peer.revise({iri: "Two"})

    run = hub.harvest(peer)

    assert run.created == 1
    assert "Two" in hub.held(iri).graph.nquads.decode()


def test_a_withdrawn_record_can_be_published_again(peer, hub):
    [iri] = peer.publish("One")
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.withdraw(iri)
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.revise({iri: "Back again"})

    hub.harvest(peer)

    assert hub.holds(iri)


def test_a_record_passes_two_hubs_byte_for_byte(peer, hub, make_node):
    top = make_node("top")
    [iri] = peer.publish("Workshop on PCB")
    hub.harvest(peer)
    top.follow(hub)

    run = top.harvest(hub)

    assert (run.created, run.rejected) == (1, 0)
    assert top.held(iri).graph == peer.held(iri).graph
    assert top.held(iri).hops == (peer.iri, hub.iri)


def test_a_record_passes_three_hubs(peer, hub, make_node):
    region, world = make_node("region"), make_node("world")
    [iri] = peer.publish("Workshop on PCB")
    hub.harvest(peer)
    region.follow(hub)
    region.harvest(hub)
    world.follow(region)

    run = world.harvest(region)

    assert (run.created, run.rejected) == (1, 0)
    assert world.held(iri).graph == peer.held(iri).graph
    assert world.held(iri).hops == (peer.iri, hub.iri, region.iri)


def test_a_withdrawal_passes_two_hubs(peer, hub, make_node):
    top = make_node("top")
    [iri] = peer.publish("Workshop on PCB")
    hub.harvest(peer)
    top.follow(hub)
    top.harvest(hub)
    peer.later(minutes=1)
    peer.withdraw(iri)
    hub.harvest(peer)

    run = top.harvest(hub)

    assert run.withdrawn == 1
    assert not top.holds(iri)


def test_two_hubs_that_follow_each_other_come_to_rest(peer, hub, make_node):
    other = make_node("other")
    peer.publish("Workshop on PCB")
    hub.harvest(peer)
    other.follow(hub)
    other.harvest(hub)
    hub.follow(other)

    run = hub.harvest(other)

    assert (run.created, run.updated, run.rejected) == (0, 0, 0)
    assert len(hub.log()) == 1


def test_our_own_records_do_not_come_back_to_us(peer, hub):
    [own] = hub.publish("The hub's own meeting")
    peer.follow(hub)
    peer.harvest(hub)

    run = hub.harvest(peer)

    assert (run.created, run.rejected) == (0, 0)
    assert hub.held(own).hops == ()


def test_the_same_record_over_two_paths_is_held_once(peer, hub, make_node):
    top = make_node("top")
    [iri] = peer.publish("Workshop on PCB")
    hub.harvest(peer)
    top.follow(hub)
    top.follow(peer)
    top.harvest(hub)

    run = top.harvest(peer)

    assert (run.created, run.unchanged) == (0, 1)
    assert [change.graph.iri for change in top.log()] == [iri]


def test_an_unknown_term_is_kept_as_it_came_and_listed(peer, hub):
    [iri] = peer.publish("Workshop", subjects=["https://vocabulary.example.org/wetlands"])

    run = hub.harvest(peer)

    assert run.rejected == 0
    assert "https://vocabulary.example.org/wetlands" in hub.held(iri).graph.nquads.decode()
    with reading(hub.engine) as connection:
        listed = connection.execute(select(unknown_term.c.field, unknown_term.c.value)).all()
    assert ("subjects", "https://vocabulary.example.org/wetlands") in [tuple(row) for row in listed]


def test_a_record_that_breaks_its_type_is_taken_over_and_the_problem_noted(peer, hub):
    iri = f"{peer.settings.uri_space}event/no-first-day"
    peer.say(iri, f"<{iri}> <http://purl.org/dc/terms/type> <https://w3id.org/chm/vocabulary/record-types/event> .\n")

    run = hub.harvest(peer)

    assert (run.created, run.rejected) == (1, 0)
    with reading(hub.engine) as connection:
        [detail] = connection.execute(select(receipt.c.detail)).scalars()
    assert "starts" in detail


def test_a_peer_whose_key_changed_is_not_harvested_until_a_person_approves_it_anew(peer, hub, wire, tmp_path):
    peer.publish("Before")
    hub.harvest(peer)
    create_key(tmp_path / "other.pem")
    other = load_signer(tmp_path / "other.pem", f"{peer.iri}#key")
    old = peer.signer.multikey
    wire.replies[peer.iri] = lambda real: type(real)(
        real.body.replace(old.encode(), other.multikey.encode()), media_type=real.media_type
    )
    peer.signer = other
    peer.later(minutes=1)
    peer.publish("After")

    run = hub.harvest(peer)
    again = hub.harvest(peer)

    assert run.outcome == again.outcome == "quarantined"
    assert "approve it again" in run.message
    assert len(hub.log()) == 1

    hub.follow(peer)
    assert hub.harvest(peer).created == 1


def test_a_dead_peer_is_asked_less_and_less_and_loses_nothing(peer, hub, wire):
    [iri] = peer.publish("Workshop")
    hub.harvest(peer)
    del wire.apps["dz.example.org"]
    waits = []
    for _ in range(12):
        run = hub.harvest(peer)
        with reading(hub.engine) as connection:
            source = sources.find(connection, peer.iri)
        waits.append(source.due - hub.now)
        hub.now = source.due

    assert run.outcome == "unreachable"
    assert source.failures == 12
    assert waits == sorted(waits)
    assert timedelta(minutes=1) <= waits[0] < waits[-1] <= timedelta(hours=24)
    assert hub.holds(iri)


def test_a_peer_that_asks_for_time_gets_it(peer, hub, wire):
    wire.replies[peer.feed] = lambda real: type(real)(status=503, headers={"Retry-After": "7200"})

    run = hub.harvest(peer)

    assert run.outcome == "unreachable"
    with reading(hub.engine) as connection:
        assert sources.find(connection, peer.iri).due == hub.now + timedelta(hours=2)


def test_a_peer_that_comes_back_is_harvested_as_usual(peer, hub, wire):
    app = wire.apps.pop("dz.example.org")
    hub.harvest(peer)
    wire.apps["dz.example.org"] = app
    peer.publish("Workshop")

    assert hub.harvest(peer).created == 1
    with reading(hub.engine) as connection:
        assert sources.find(connection, peer.iri).failures == 0


def test_removing_a_source_keeps_its_records(peer, hub):
    [iri] = peer.publish("Workshop")
    hub.harvest(peer)
    with writing(hub.engine) as connection:
        sources.remove(connection, peer.iri)

    assert hub.holds(iri)
    with pytest.raises(HarvestError, match="removed"):
        hub.harvest(peer)


def test_large_records_fill_pages_that_a_hub_reads(peer, hub, wire):
    text = "أ" * 30_000
    iris = peer.publish(*(f"Workshop {number}" for number in range(60)),
                        summary={"ar": text, "fr": text, "en": text})  # fmt: skip
    run = hub.harvest(peer)
    assert (run.created, run.rejected) == (60, 0)
    assert all(hub.held(iri).graph.nquads == peer.held(iri).graph.nquads for iri in iris)
    assert [url for url, _ in wire.asked if url in {peer.page(number) for number in range(9)}] == [
        peer.page(1), peer.page(2), peer.page(3),
    ]  # fmt: skip
    for node in (peer, hub):
        for number, accept in product((1, 2, 3), ("application/n-quads", "application/trig", "application/ld+json")):
            assert 2_000_000 < len(node.get(node.page(number), accept)) < MAX_PAGE_BYTES
