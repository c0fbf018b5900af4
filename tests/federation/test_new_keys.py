"""A node that is known through a hub alone has a new key: the hub and the node itself have to say so."""

from datetime import UTC, datetime, timedelta

import pytest

from chm_node.database import reading, writing
from chm_node.signing import create_key, load_signer
from harvest import discovery, sources
from harvest.trust import Authority

from .conftest import Reply

SEC = "https://w3id.org/security#"


@pytest.fixture
def dz(peer):
    return peer


@pytest.fixture
def tn(make_node, dz):
    """A hub that the node has joined."""
    hub = make_node("tn")
    dz.join(hub)
    hub.work()
    hub.approve(dz)
    hub.work()
    return hub


@pytest.fixture
def top(make_node, dz, tn):
    """A hub that follows the hub, and holds one record of the node."""
    dz.publish("Before")
    at_once(dz, tn)
    tn.harvest(dz)
    node = make_node("top")
    at_once(node)
    node.follow(tn)
    assert node.harvest(tn).created == 1
    return node


@pytest.fixture
def stranger(tmp_path):
    create_key(tmp_path / "stranger.pem")
    return load_signer(tmp_path / "stranger.pem", "https://dz.example.org/node#evil")


def at_once(*nodes):
    """Joining goes by the clock of the machine, so the nodes do as well."""
    for each in nodes:
        each.now = datetime.now(UTC) + timedelta(seconds=3)


def rotate(dz, tn):
    """A new key, which the hub takes over, and a record that it signs; its IRI."""
    with dz.asking() as asking:
        dz.signer, _ = asking.rotate_key(datetime.now(UTC))
    tn.work()
    at_once(dz, tn)
    [iri] = dz.publish("After")
    assert tn.harvest(dz).created == 1
    return iri


def pinned(hub, node) -> Authority:
    """What a hub has pinned for a member."""
    with reading(hub.engine) as connection:
        [found] = [each for source in sources.listing(connection) for each in source.members if each.node == node.iri]
    assert found.pinned
    return found.authority


def saying(node, change):
    """The node describes itself in other words."""
    body = change(node.get(node.iri, "text/turtle").decode()).encode()
    return Reply(body, media_type="text/turtle")


def stating(dz, signer, *, former=""):
    """A description of the node that also states another key, and an end of the former one."""
    return lambda text: (
        f"""{text}
        <{dz.iri}> <{SEC}assertionMethod> <{dz.iri}#evil> .
        <{dz.iri}#evil> <{SEC}publicKeyMultibase> "{signer.multikey}" .
        {f'<{former}> <{SEC}expiration> "2026-01-01T00:00:00Z" .' if former else ""}
    """
    )


def test_what_hub_and_node_say_is_taken_over_and_the_former_key_kept_for_what_it_signed(dz, tn, top, make_node):
    before, old = pinned(top, dz), dz.signer
    iri = rotate(dz, tn)
    at_once(top)

    run = top.harvest(tn)

    after = pinned(top, dz)
    assert (run.outcome, run.created, top.reasons()) == ("ok", 1, {})
    assert f"{dz.iri} has a new key, as it says itself" in run.message
    assert (before.multikey, after.multikey) == (old.multikey, dz.signer.multikey)
    assert [each.multikey for each in after.former] == [old.multikey]
    assert after.former[0].expires <= top.now
    assert top.holds(iri)


def test_a_hub_further_on_reads_both_keys_and_believes_the_records_of_both(dz, tn, top, make_node):
    rotate(dz, tn)
    at_once(top)
    top.harvest(tn)
    far = make_node("far")
    at_once(far)
    far.follow(top)

    assert far.harvest(top).created == 2
    assert far.reasons() == {}


def test_on_either_database(dz, tn, make_node, database_url):
    top = make_node("top", database_url=database_url)
    dz.publish("Before")
    at_once(dz, tn, top)
    tn.harvest(dz)
    top.follow(tn)
    top.harvest(tn)
    rotate(dz, tn)
    at_once(top)
    assert top.harvest(tn).created == 1
    assert pinned(top, dz).multikey == dz.signer.multikey


def test_while_the_node_is_silent_nothing_changes(dz, tn, top, wire):
    old = dz.signer
    iri = rotate(dz, tn)
    app = wire.apps.pop("dz.example.org")
    at_once(top)

    run = top.harvest(tn)

    assert f"{dz.iri} has a new key by the peer's word, and was not reached" in run.message
    assert pinned(top, dz).multikey == old.multikey
    assert (run.created, top.reasons()) == (0, {iri: "bad-proof"})

    wire.apps["dz.example.org"] = app
    top.later(days=1)
    assert top.harvest(tn).created == 1  # what was refused is read again
    assert (pinned(top, dz).multikey, top.reasons()) == (dz.signer.multikey, {})


def test_a_hub_that_lies_changes_nothing(dz, tn, top, wire, stranger):
    """It states a key of its own, and the node's as a former one; then it forges."""
    old = pinned(top, dz)
    wire.replies[tn.iri] = saying(tn, stating(dz, stranger, former=f"{dz.iri}#key"))
    real, dz.signer = dz.signer, stranger
    forged = dz.say(f"{dz.settings.uri_space}event/forged")
    tn.pass_on(dz.held(forged.iri), dz.iri)
    dz.signer = real
    at_once(top)
    top.later(minutes=10)

    run = top.harvest(tn)

    assert f"{dz.iri} has a new key by the peer's word alone" in run.message
    assert pinned(top, dz) == old
    assert top.reasons() == {forged.iri: "bad-proof"}
    del wire.replies[tn.iri]
    top.later(days=2)
    assert "new key" not in top.harvest(tn).message


def test_a_host_that_was_taken_over_changes_nothing(dz, tn, top, wire, stranger):
    """It states a key of the thief's, and the true one as a former one; the hub has seen no announcement."""
    old = pinned(top, dz)
    wire.replies[dz.iri] = saying(dz, stating(dz, stranger, former=f"{dz.iri}#key"))
    at_once(tn, top)
    tn.later(hours=1)
    top.later(hours=1)

    assert tn.harvest(dz).outcome == "quarantined"
    top.harvest(tn)

    assert pinned(top, dz) == old


def test_a_lost_key_needs_a_person(dz, tn, top, wire, stranger):
    """The node states its new key alone, and a person at the hub has believed it on the telephone."""
    old = pinned(top, dz)
    for each in (dz, tn):
        wire.replies[each.iri] = saying(each, lambda text: text.replace(old.multikey, stranger.multikey))
    at_once(top)
    top.later(days=1)

    run = top.harvest(tn)

    assert "another key than are pinned here" in run.message
    assert pinned(top, dz) == old

    with writing(top.engine) as connection:
        sources.remove(connection, tn.iri)
    with top.client() as client:
        found = discovery.discover(tn.settings.base_url, top.settings, client, top.readers, top.now)
    with writing(top.engine) as connection:
        discovery.propose(connection, found, top.now)
        sources.approve(connection, tn.iri, top.settings, top.now)
    top.harvest(tn)
    assert pinned(top, dz).multikey == stranger.multikey


def test_a_hub_that_states_the_former_key_although_the_node_does_not_changes_nothing(dz, tn, top, wire, stranger):
    """The node has lost its key, and says nothing of it; the hub makes up that it was given up in order."""
    old = pinned(top, dz)
    wire.replies[dz.iri] = saying(dz, lambda text: text.replace(old.multikey, stranger.multikey))
    wire.replies[tn.iri] = saying(tn, stating(dz, stranger, former=f"{dz.iri}#key"))
    at_once(top)
    top.later(minutes=10)

    run = top.harvest(tn)

    assert "if that key is lost" in run.message
    assert pinned(top, dz) == old


def test_a_second_hub_that_is_behind_speaks_for_the_new_key_too(dz, tn, top, make_node):
    """Or whoever stole the former key could go on with it there."""
    old = dz.signer
    behind = make_node("behind")
    at_once(behind, top)
    behind.follow(dz)
    behind.harvest(dz)
    top.follow(behind)
    top.harvest(behind)
    rotate(dz, tn)
    new, dz.signer = dz.signer, old
    at_once(dz, top)
    stolen = dz.say(f"{dz.settings.uri_space}event/stolen", version=dz.now)
    behind.pass_on(dz.held(stolen.iri), dz.iri)
    dz.signer = new
    top.harvest(tn)
    top.later(minutes=10)

    top.harvest(behind)

    assert not top.holds(stolen.iri)
    assert top.reasons() == {stolen.iri: "bad-proof"}


def test_a_key_under_the_name_of_another_host_is_none(dz, make_node, wire):
    """A hub that passed it on would state two keys under one name, and nobody would know which is the other node's."""
    other = make_node("other")
    wire.replies[dz.iri] = saying(dz, lambda text: text.replace(f"<{dz.iri}#key>", f"<{other.iri}#key>"))
    hub = make_node("hub")

    hub.follow(dz)

    with reading(hub.engine) as connection:
        assert sources.find(connection, dz.iri).authority.multikey == ""


def test_former_keys_that_a_hub_alone_states_are_not_passed_on(dz, tn, make_node, wire, stranger):
    wire.replies[tn.iri] = saying(tn, stating(dz, stranger, former=f"{dz.iri}#evil"))
    wire.apps.pop("dz.example.org")
    top = make_node("top")
    top.follow(tn)
    top.harvest(tn)

    description = top.get(top.iri, "text/turtle").decode()

    assert dz.signer.multikey in description  # believed on the hub's word
    assert stranger.multikey not in description
