"""A node that moves to another address: its hubs approve it there, and every old address leads to the new one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from chm_node import erasure, keys, moving
from chm_node.app import create_app
from chm_node.database import reading
from chm_node.errors import ChmError, ConflictError, SettingsError
from chm_node.proofs import verify
from chm_node.publishing import identifier_of, withdraw
from chm_node.record import Action, Tombstone
from chm_node.settings import Settings
from harvest import sources

NEW = "https://chm.example.dz/"


@pytest.fixture
def further(make_node, hub):
    """A hub of the hub."""
    node = make_node("region")
    node.follow(hub)
    return node


@pytest.fixture
def iris(peer, hub, further):
    """Twenty records, more than a hub would see go without asking."""
    [first] = peer.publish("Workshop on PCB")
    found = [first, *peer.publish(*(f"Meeting {n}" for n in range(19)), part_of=[first])]
    hub.harvest(peer)
    further.harvest(hub)
    for node in (peer, hub, further):
        node.later(minutes=20)
    return found


def move(peer, wire, base=NEW):
    """What the operator does: two settings, a command, a restart; the old host leads to the same node."""
    old = wire.apps[peer.settings.base_url.split("/")[2]]
    moved_from = (*peer.settings.moved_from, peer.settings.base_url)
    peer.settings = Settings.load(**{**peer.settings.model_dump(), "base_url": base, "moved_from": moved_from})
    peer.signer = keys.node_signer(peer.settings)
    total = sum(moving.move(peer.engine, peer.settings, peer.signer, peer.now))
    old.extensions["chm"].engine.dispose()
    app = create_app(peer.settings)
    for host in (base, *moved_from):
        wire.apps[host.split("/")[2]] = app
    return total


def now_of(iri, base=NEW):
    return base + iri.split("/", 3)[3]


def test_every_record_gets_a_new_address_and_the_old_one_says_so(peer, iris, wire):
    before = peer.held(iris[1])

    assert move(peer, wire) == 20

    old, new = peer.held(iris[1]), peer.held(now_of(iris[1]))
    assert old.graph.action is Action.DELETE
    assert f"<{iris[1]}> <http://purl.org/dc/terms/isReplacedBy> <{now_of(iris[1])}> .\n" in old.graph.nquads.decode()
    text = new.graph.nquads.decode()
    assert f"<{now_of(iris[1])}> <http://www.w3.org/2002/07/owl#sameAs> <{iris[1]}> .\n" in text
    assert now_of(iris[0]) in text  # references among the records have moved too
    assert text.count("https://dz.example.org/") == 1
    assert (old.graph.origin, new.graph.origin) == (before.graph.origin, f"{NEW}node")
    for each in (old, new):
        assert verify(each.graph.nquads, each.graph.proof, peer.signer.multikey)
    assert sum(moving.move(peer.engine, peer.settings, peer.signer, peer.now)) == 0


def test_the_hub_recognises_the_key_and_follows_without_a_double_entry(peer, hub, iris, wire):
    move(peer, wire)
    hub.follow(NEW)
    with reading(hub.engine) as connection:
        states = {each.node: each.state for each in sources.listing(connection)}
    assert states == {"https://dz.example.org/node": "moved", f"{NEW}node": "approved"}

    run = hub.harvest(peer)

    assert (run.outcome, run.created, run.updated, run.withdrawn, run.rejected) == ("ok", 20, 20, 0, 0)
    assert not any(hub.holds(iri) for iri in iris)
    assert all(hub.holds(now_of(iri)) for iri in iris)
    assert iris[0].encode() not in hub.get(f"{hub.settings.base_url}en/records")


def test_the_old_address_leads_to_the_new_one_at_the_hub_and_at_the_node(peer, hub, iris, wire):
    move(peer, wire)
    hub.follow(NEW)
    hub.harvest(peer)
    client = wire.apps["hub.example.org"].test_client()
    page = client.get(f"/fr/record?iri={quote(iris[0], safe='')}")
    assert (page.status_code, page.headers["Location"]) == (301, f"/fr/record?iri={quote(now_of(iris[0]), safe='')}")
    data = client.get(f"/record.nq?iri={quote(iris[0], safe='')}")
    assert (data.status_code, data.data) == (410, peer.held(iris[0]).graph.nquads)

    node = wire.apps["chm.example.dz"].test_client()
    for path in ("/id/event/x", "/feed", "/en/records?q=a%20b", "/"):
        led = node.get(path, base_url="https://dz.example.org/")
        assert (led.status_code, led.headers["Location"]) == (301, NEW.removesuffix("/") + path)
    assert node.get("/node", base_url=NEW).status_code == 200


def test_a_further_hub_learns_of_it_from_the_hub(peer, hub, further, iris, wire):
    move(peer, wire)
    hub.follow(NEW)
    hub.harvest(peer)

    run = further.harvest(hub)

    assert (run.outcome, run.created, run.rejected) == ("ok", 20, 0)
    assert not any(further.holds(iri) for iri in iris)
    assert further.held(now_of(iris[0])).graph == peer.held(now_of(iris[0])).graph
    led = wire.apps["region.example.org"].test_client().get(f"/en/record?iri={quote(iris[0], safe='')}")
    assert led.status_code == 301


def test_until_a_person_approves_it_a_hub_keeps_what_it_has(peer, hub, iris, wire):
    before = replace(peer)
    move(peer, wire)

    run = hub.harvest(before)

    assert run.outcome == "unreachable"
    assert "another host, chm.example.dz" in run.message
    assert all(hub.holds(iri) for iri in iris)


def test_nobody_else_gets_the_old_addresses(peer, hub, iris, wire, make_node):
    """Who buys the domain that was given up is a stranger with another key, and overlaps with what is pinned."""
    move(peer, wire)
    hub.follow(NEW)
    hub.harvest(peer)
    squatter = make_node("dz")
    [forged] = squatter.revise({iris[0]: "Forged"})
    squatter.now = hub.now
    other = make_node("other")
    other.now = hub.now
    other.pass_on(squatter.held(forged), squatter.iri)
    hub.follow(other)

    hub.harvest(other)

    assert hub.reasons()[forged] == "bad-proof"
    assert not hub.holds(forged)


def test_without_the_word_of_the_new_record_many_withdrawals_wait(peer, hub, iris):
    """A tombstone alone could name anything in its place."""
    [other] = peer.publish("Something else")
    for iri in iris:
        stone = Tombstone(iri, "event", replaced_by=other)
        withdraw(peer.engine, peer.settings, peer.signer, stone, peer.now)

    assert hub.harvest(peer).outcome == "quarantined"
    assert all(hub.holds(iri) for iri in iris)


def test_a_later_import_knows_the_records_again(peer, iris, wire):
    before = identifier_of(peer.settings, "ws-1")
    move(peer, wire)
    assert identifier_of(peer.settings, "ws-1") == before
    peer.later(minutes=1)
    peer.revise({now_of(iris[0]): "Workshop on PCB, revised"})
    text = peer.held(now_of(iris[0])).graph.nquads.decode()
    assert "revised" in text
    assert f"owl#sameAs> <{iris[0]}>" in text
    count = len(peer.log())
    peer.revise({now_of(iris[0]): "Workshop on PCB, revised"})
    assert len(peer.log()) == count


def test_a_second_move_leads_from_the_first_address(peer, hub, iris, wire):
    move(peer, wire)
    hub.follow(NEW)
    hub.harvest(peer)
    for node in (peer, hub):
        node.later(minutes=20)
    newest = "https://clearinghouse.dz/"
    assert move(peer, wire, newest) == 20
    hub.follow(newest)
    hub.harvest(peer)
    client = wire.apps["hub.example.org"].test_client()
    for iri in (iris[0], now_of(iris[0])):
        led = client.get(f"/en/record?iri={quote(iri, safe='')}")
        assert quote(now_of(iris[0], newest), safe="") in led.headers["Location"]
    assert sum(hub.holds(now_of(iri, newest)) for iri in iris) == 20


def test_an_erasure_reaches_the_old_record_too(peer, hub, iris, wire):
    move(peer, wire)
    hub.follow(NEW)
    hub.harvest(peer)
    for node in (peer, hub):
        node.later(minutes=20)
    erasure.erase(peer.engine, peer.settings, peer.signer, now_of(iris[0]), {"en": "On request."}, peer.now)
    hub.harvest(peer)
    assert erasure.finish_due(hub.engine, hub.settings, hub.now)
    for node in (peer, hub):
        data = b"".join(each.read_bytes() for each in node.settings.data_dir.rglob("*") if each.is_file())
        assert b"Workshop on PCB" not in data


def at_once(*nodes):
    """Joining, and a new key, go by the clock of the machine, so the nodes do as well."""
    for each in nodes:
        each.now = max(each.now + timedelta(minutes=20), datetime.now(UTC) + timedelta(seconds=5))


def rotate(peer, hub):
    """A new key, which the hub that the peer has joined takes over; the former one."""
    former = peer.signer
    with peer.asking() as asking:
        peer.signer, _ = asking.rotate_key(datetime.now(UTC))
    hub.work()
    at_once(peer, hub)
    return former


def test_a_node_that_changed_its_key_moves_with_the_records_of_both_keys(peer, hub, iris, wire):
    peer.join(hub)
    rotate(peer, hub)
    [late] = peer.publish("Signed with the new key")
    assert hub.harvest(peer).created == 1
    at_once(peer, hub)

    assert move(peer, wire) == 21
    hub.follow(NEW)
    run = hub.harvest(peer)

    assert (run.outcome, run.created, run.rejected, hub.reasons()) == ("ok", 21, 0, {})
    assert all(hub.holds(now_of(iri)) for iri in (*iris, late))
    # The name of a key is never given to another one, at the old address too.
    assert hub.held(iris[0]).graph.proof["verificationMethod"] == "https://dz.example.org/node#key-2"


def test_nothing_is_moved_with_a_key_that_was_changed_meanwhile(peer, iris):
    settings = Settings.load(**{**peer.settings.model_dump(), "base_url": NEW, "moved_from": (peer.settings.base_url,)})
    old = keys.node_signer(settings)
    keys.rotate(settings, peer.now)
    with pytest.raises(ConflictError, match="key of this node was changed"):
        list(moving.move(peer.engine, settings, old, peer.now))


@pytest.fixture
def moved(peer, hub, iris, wire):
    """The hub has approved the peer at its new address, and the peer has joined it there."""
    move(peer, wire)
    hub.follow(NEW)
    peer.join(hub)
    hub.work()
    hub.harvest(peer)
    at_once(peer, hub)


def test_an_erasure_after_a_move_and_a_new_key_reaches_the_old_record_too(peer, hub, iris, moved):
    rotate(peer, hub)

    erasure.erase(peer.engine, peer.settings, peer.signer, now_of(iris[0]), {"en": "On request."}, peer.now)
    run = hub.harvest(peer)

    assert (run.outcome, run.withdrawn, run.rejected, hub.reasons()) == ("ok", 1, 0, {})
    hub.later(days=1)
    assert erasure.finish_due(hub.engine, hub.settings, hub.now)
    for node in (peer, hub):
        data = b"".join(each.read_bytes() for each in node.settings.data_dir.rglob("*") if each.is_file())
        assert b"Workshop on PCB" not in data


def test_a_former_key_says_nothing_at_the_old_address_either(peer, hub, iris, moved):
    """Whoever stole it would otherwise bring back what has moved."""
    new, before = peer.settings, rotate(peer, hub)
    peer.settings = new.former[0]
    peer.signer, current = before.at(peer.iri), peer.signer
    forged = peer.say(iris[0], version=peer.now)
    peer.settings, peer.signer = new, current

    assert hub.harvest(peer).rejected == 1

    assert hub.reasons() == {forged.iri: "bad-proof"}
    assert not hub.holds(iris[0])


def test_only_what_this_node_signed_is_moved(peer, hub, iris):
    """Somebody names the address of a peer as their own."""
    settings = Settings.load(**{**hub.settings.model_dump(), "moved_from": (peer.settings.base_url,)})
    with pytest.raises(ChmError, match="not signed with a key of this node"):
        list(moving.move(hub.engine, settings, hub.signer, hub.now))
    assert all(hub.holds(iri) for iri in iris)


@pytest.mark.parametrize("moved_from", [NEW, f"https://a.example/,{NEW}", "https://a.example/,https://a.example", "x"])
def test_wrong_earlier_addresses_are_named(tmp_path, moved_from):
    with pytest.raises(SettingsError, match="moved_from"):
        Settings.load(base_url=NEW, data_dir=tmp_path, moved_from=moved_from)
