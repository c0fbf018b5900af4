"""A node joins a hub, is approved or rejected by a person, changes its key, and leaves: real nodes, one process."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from chm_node import keys
from chm_node.database import reading, writing
from chm_node.errors import ConflictError, HarvestError
from chm_node.proofs import fingerprint, verify
from chm_node.signing import create_key, load_signer
from harvest import hubs, sources
from harvest.joining import deciding, memberships, outbox, requests
from harvest.joining.notification import ACCEPT, UNDO, Notification

from .conftest import Reply


@pytest.fixture
def dz(make_node):
    """A node whose clock is that of the machine."""
    found = make_node("dz", country="DZ")
    found.now = datetime.now(UTC)
    return found


@pytest.fixture
def tn(make_node):
    """The hub: it follows nobody."""
    found = make_node("tn")
    found.now = datetime.now(UTC)
    return found


@pytest.fixture
def joined(dz, tn):
    """Both, after a request and a person's approval; the node knows of it."""
    dz.join(tn)
    tn.work()
    tn.approve(dz)
    tn.work()
    return dz, tn


def membership(node, hub):
    with reading(node.engine) as connection:
        return memberships.find(connection, hub.iri)


def source(hub, node):
    with reading(hub.engine) as connection:
        return sources.find(connection, node.iri)


def rotate(node, at=None):
    """A new key, as by the command; what hubs did not take."""
    with node.asking() as asking:
        node.signer, untold = asking.rotate_key(at or datetime.now(UTC))
    node.now = datetime.now(UTC) + timedelta(seconds=2)
    return untold


def leave(node, hub, at=None):
    """As by the command; None when the hub took it."""
    with node.asking() as asking:
        return asking.leave(hub.settings.base_url, at or datetime.now(UTC))


def unsent(node):
    """The receivers of what the worker still has to send."""
    with reading(node.engine) as connection:
        return list(connection.execute(select(outbox.table.c.node)).scalars())


def make_due(node):
    with writing(node.engine) as connection:
        connection.execute(outbox.table.update().values(due=0))


def test_a_node_that_asks_is_checked_approved_told_and_harvested(dz, tn):
    [iri] = dz.publish("Atelier")

    asked = dz.join(tn)
    assert (asked.state, tn.requests()) == ("asked", [])
    tn.work()
    [request] = tn.requests()
    assert fingerprint(request.found.authority.multikey) == fingerprint(dz.signer.multikey)
    assert request.report.level.value == "L2"
    assert request.report.having(type(request.report.findings[0].state).FAILED) == []
    tn.approve(dz)
    tn.work()

    answered = membership(dz, tn)
    assert (answered.state, answered.answered is not None) == ("accepted", True)
    tn.now = datetime.now(UTC)
    assert tn.harvest(dz).created == 1
    assert tn.holds(iri)


def test_a_node_that_is_rejected_is_told_why_and_may_ask_again(dz, tn):
    dz.join(tn)
    tn.work()
    with writing(tn.engine) as connection:
        deciding.reject(connection, dz.iri, "Who are you?", tn.settings, datetime.now(UTC))
    tn.work()

    answered = membership(dz, tn)
    assert (answered.state, answered.summary) == ("rejected", "Who are you?")
    with reading(tn.engine) as connection, pytest.raises(HarvestError, match="no source"):
        sources.find(connection, dz.iri)

    again = dz.join(tn)
    assert (again.state, again.offer != answered.offer) == ("asked", True)


def test_a_node_that_cannot_be_reached_asks_by_itself(dz, tn, wire):
    dz.join(tn)
    tn.work()
    app = wire.apps.pop("dz.example.org")
    tn.approve(dz)
    tn.work()
    assert membership(dz, tn).state == "asked"
    assert unsent(tn) == [dz.iri]

    wire.apps["dz.example.org"] = app
    with dz.asking() as asking:
        assert asking.status(tn.settings.base_url, datetime.now(UTC)).state == "accepted"


def test_asking_twice_sends_one_request(dz, tn):
    first, second = dz.join(tn), dz.join(tn)
    assert first.offer == second.offer
    tn.work()
    assert dz.join(tn).offer == first.offer
    assert len(tn.requests()) == 1


def test_a_node_that_was_approved_before_it_asked_is_told_at_once(dz, tn):
    tn.follow(dz)
    dz.join(tn)
    tn.work()
    assert membership(dz, tn).state == "accepted"
    with reading(dz.engine) as connection:  # and is asked for receipts from then on
        assert [each.address for each in hubs.listing(connection)] == [tn.settings.base_url]


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (lambda _: Reply(status=404), "no-description"),
        (lambda real: replace(real, body=b"nonsense"), "no-description"),
        (lambda real: replace(real, body=real.body.replace(b"#key>", b"#other>")), "unknown-key"),
        (lambda real: replace(real, body=real.body.replace(b"security#authenticationMethod", b"x")), "unknown-key"),
        (lambda real: replace(real, body=real.body.replace(b'"https://dz.example.org/id/', b'"https://tn.example.org/id/')),
         "no-description"),
    ],
)  # fmt: skip
def test_an_offer_that_its_own_node_does_not_bear_out_is_refused(dz, tn, wire, lie, code):
    wire.replies[dz.iri] = lambda real: lie(_as_n_triples(dz, real))
    asked = dz.join(tn)
    tn.work()

    assert tn.requests() == []
    del wire.replies[dz.iri]
    with dz.asking() as asking:
        told = asking.status(tn.settings.base_url, datetime.now(UTC))
    assert told.state == "refused"
    with reading(tn.engine) as connection:
        assert requests.find(connection, asked.location.rpartition("/")[2]).reason == code


def _as_n_triples(node, real):
    body = node.get(f"{node.iri}.nt") if real.status == 200 else real.body
    return replace(real, body=body, media_type="application/n-triples")


def test_an_offer_signed_by_another_key_than_the_node_states_is_refused(dz, tn, tmp_path, wire):
    create_key(tmp_path / "thief.pem")
    thief = load_signer(tmp_path / "thief.pem", f"{dz.iri}#key")
    original = dz.settings.key_file.read_bytes()
    dz.settings.key_file.write_bytes((tmp_path / "thief.pem").read_bytes())
    asked = dz.join(tn)
    dz.settings.key_file.write_bytes(original)
    tn.work()

    assert thief.multikey != dz.signer.multikey
    with reading(tn.engine) as connection:
        found = requests.find(connection, asked.location.rpartition("/")[2])
    assert (found.state, found.reason) == ("refused", "bad-signature")


def test_a_strangers_offer_costs_one_look_at_its_own_host_however_often_it_comes(dz, tn, wire, tmp_path):
    """What is sent in another's name brings the other one request each, and three at a time at most."""
    dz.settings.key_file.write_bytes(_other_key(tmp_path))
    for _ in range(6):
        with writing(dz.engine) as connection:
            if known := memberships.find(connection, tn.iri):
                memberships.forget(connection, known)
        try:
            dz.join(tn)
        except HarvestError as error:
            assert "wait already" in str(error)
    wire.asked.clear()
    tn.work()
    assert [address for address, _ in wire.asked if "dz.example.org" in address] == [dz.iri] * 3


def _other_key(folder):
    create_key(folder / "other.pem")
    return (folder / "other.pem").read_bytes()


def test_two_keys_for_one_node_are_never_approved_by_mistake(dz, tn, wire, tmp_path):
    """A person looked at one key; what is approved must not be another that came later."""
    create_key(tmp_path / "other.pem")
    other = load_signer(tmp_path / "other.pem", f"{dz.iri}#key").multikey
    wire.replies[dz.iri] = lambda real: replace(
        real, body=real.body.replace(dz.signer.multikey.encode(), other.encode())
    )
    with tn.client() as client:
        found = sources_of(tn, client, dz)
    del wire.replies[dz.iri]
    assert found.authority.multikey == other
    dz.join(tn)
    tn.work()
    with pytest.raises(HarvestError, match="another key"):
        tn.approve(dz)


def sources_of(hub, client, node):
    """The source, proposed by address as ``chm source add`` does."""
    from harvest import discovery

    found = discovery.discover(node.settings.base_url, hub.settings, client, hub.readers, hub.now)
    with writing(hub.engine) as connection:
        return discovery.propose(connection, found, hub.now)


def test_a_new_key_that_the_former_one_announces_is_taken_over(joined):
    dz, tn = joined
    old = dz.signer
    [before] = dz.publish("Before")
    tn.now = datetime.now(UTC)
    tn.harvest(dz)

    assert rotate(dz) == []
    tn.work()
    pinned = source(tn, dz)
    assert (pinned.authority.multikey, pinned.key_id) == (dz.signer.multikey, f"{dz.iri}#key-2")
    assert [each.multikey for each in pinned.authority.former] == [old.multikey]

    [after] = dz.publish("After")
    tn.now = dz.now
    run = tn.harvest(dz)
    assert (run.outcome, run.created) == ("ok", 1)
    assert tn.holds(before)
    assert tn.holds(after)
    assert verify(tn.held(after).graph.nquads, tn.held(after).graph.proof, dz.signer.multikey)
    assert tn.held(after).graph.proof["verificationMethod"] == f"{dz.iri}#key-2"


def test_records_of_a_former_key_are_still_believed_by_a_hub_that_comes_later(joined, make_node):
    """Directly, and through the first hub, whose description states both keys."""
    dz, tn = joined
    [before] = dz.publish("Before")
    rotate(dz)
    [after] = dz.publish("After")
    tn.work()
    tn.now = dz.now
    assert tn.harvest(dz).created == 2

    for name, peer in (("direct", dz), ("through", tn)):
        late = make_node(name)
        late.now = dz.now
        late.follow(peer)
        run = late.harvest(peer)
        assert (run.outcome, late.reasons()) == ("ok", {})
        assert late.holds(before)
        assert late.holds(after)


def test_what_a_former_key_signs_after_its_end_is_refused(joined):
    dz, tn = joined
    old = dz.signer
    rotate(dz)
    tn.work()
    dz.signer, new = old, dz.signer
    forged = f"{dz.settings.uri_space}event/forged"
    dz.say(forged)
    tn.now = dz.now
    run = tn.harvest(dz)
    assert run.rejected == 1
    assert tn.reasons() == {forged: "bad-proof"}

    dz.signer = new
    dz.later(seconds=1)
    dz.say(forged)
    tn.now = dz.now
    assert tn.harvest(dz).created == 1


def test_a_new_key_that_nobody_announced_needs_a_person(joined, wire):
    """The hub was not told, and the description alone is not believed."""
    dz, tn = joined
    with writing(dz.engine) as connection:
        memberships.forget(connection, memberships.find(connection, tn.iri))
    rotate(dz)
    tn.now = dz.now
    assert tn.harvest(dz).outcome == "quarantined"
    assert source(tn, dz).key_id == f"{dz.iri}#key"

    tn.follow(dz)
    assert tn.harvest(dz).outcome == "ok"


def test_two_new_keys_before_the_hub_looks_are_both_taken_over(joined, wire):
    dz, tn = joined
    rotate(dz)
    [between] = dz.publish("Between")
    dz.now = datetime.now(UTC) + timedelta(seconds=3)
    rotate(dz)
    [after] = dz.publish("After")
    tn.work()
    tn.now = dz.now + timedelta(seconds=5)
    assert tn.harvest(dz).outcome == "ok"
    assert tn.holds(between)
    assert tn.holds(after)


def test_an_announcement_that_the_description_does_not_bear_out_changes_nothing(joined, wire):
    dz, tn = joined
    before = wire.apps["dz.example.org"].test_client().get("/node.nt").data
    wire.replies[dz.iri] = Reply(before, media_type="application/n-triples")
    rotate(dz)
    tn.work()
    assert source(tn, dz).key_id == f"{dz.iri}#key"


def test_a_hub_that_is_away_is_told_of_the_new_key_later(joined, wire):
    dz, tn = joined
    app = wire.apps.pop("tn.example.org")
    [untold] = rotate(dz)
    assert (untold.node, untold.final) == (tn.iri, False)
    wire.apps["tn.example.org"] = app
    make_due(dz)
    dz.work()
    tn.work()
    assert source(tn, dz).key_id == f"{dz.iri}#key-2"


WRONG = pytest.mark.parametrize("wrong", [timedelta(hours=1), timedelta(hours=-1)], ids=["ahead", "behind"])


@WRONG
def test_a_node_whose_clock_is_wrong_tells_of_its_new_key_once_it_is_set(joined, wrong):
    """Each try is signed anew, so the same message is taken later."""
    dz, tn = joined

    [untold] = rotate(dz, datetime.now(UTC) + wrong)

    assert (untold.node, untold.final) == (tn.iri, False)
    assert "set the clock" in untold.said
    assert unsent(dz) == [tn.iri]
    make_due(dz)
    dz.work()
    tn.work()
    assert unsent(dz) == []
    tn.now = datetime.now(UTC)
    assert (source(tn, dz).key_id, tn.harvest(dz).outcome) == (f"{dz.iri}#key-2", "ok")


@WRONG
def test_a_node_whose_clock_is_wrong_leaves_once_it_is_set(joined, wrong):
    dz, tn = joined
    untold = leave(dz, tn, datetime.now(UTC) + wrong)
    assert (untold.node, untold.final, source(tn, dz).state) == (tn.iri, False, "approved")
    assert "set the clock" in untold.said
    make_due(dz)
    dz.work()
    assert (unsent(dz), source(tn, dz).state) == ([], "left")


GONE = Reply(b'{"detail": "This inbox is closed."}', 410, "application/problem+json")


def test_what_a_hub_refuses_for_good_is_said_and_not_sent_again(joined, wire):
    dz, tn = joined
    wire.replies[f"{tn.settings.base_url}inbox"] = GONE

    refused = rotate(dz)
    refused.append(leave(dz, tn))

    said = f"{tn.settings.base_url}inbox answered 410: This inbox is closed."
    assert [(each.node, each.final, each.said) for each in refused] == [(tn.iri, True, said)] * 2
    assert unsent(dz) == []
    assert (membership(dz, tn).state, membership(dz, tn).summary) == ("left", said)


def test_no_worker_sends_what_a_command_is_sending(joined, wire):
    """It would hear of a refusal, and the command would not."""
    dz, tn = joined
    due = []

    def look(_):
        with reading(dz.engine) as connection:
            due.append(outbox.is_due(connection, datetime.now(UTC)))

    wire.before = look
    assert leave(dz, tn) is None
    assert due
    assert not any(due)


def test_a_message_whose_key_is_gone_keeps_no_other_waiting(joined):
    dz, tn = joined
    with writing(dz.engine) as connection:
        for name in ("key-9", "key"):
            undo = Notification(UNDO, f"urn:uuid:{name}", dz.iri, membership(dz, tn).offer, tn.iri)
            outbox.put(connection, undo, f"{tn.settings.base_url}inbox", f"{dz.iri}#{name}", datetime.now(UTC))
    dz.work()
    assert source(tn, dz).state == "left"
    assert unsent(dz) == [tn.iri]


def test_nothing_is_published_with_a_key_that_was_changed_meanwhile(dz):
    old = dz.signer
    rotate(dz)
    dz.signer = old
    with pytest.raises(ConflictError, match="key of this node was changed"):
        dz.publish("Too late")


def test_a_rotation_that_was_interrupted_before_it_counted_is_repeated(dz):
    (dz.settings.data_dir / "signing-key-2.pem").write_bytes(b"half a file")
    rotate(dz)
    assert dz.signer.verification_method == keys.current_name(dz.settings) == f"{dz.iri}#key-2"


def test_leaving_ends_the_harvest_and_keeps_the_records_marked(joined):
    dz, tn = joined
    [iri] = dz.publish("Atelier")
    tn.now = datetime.now(UTC)
    tn.harvest(dz)

    assert leave(dz, tn) is None

    assert (membership(dz, tn).state, source(tn, dz).state) == ("left", "left")
    assert tn.holds(iri)
    with pytest.raises(HarvestError, match="left"):
        tn.harvest(dz)
    described = tn.get(f"{tn.iri}.nt").decode()
    assert "<http://www.w3.org/ns/adms#status> <http://purl.org/adms/status/Withdrawn>" in described
    assert "its catalogue is withdrawn" in tn.get(f"{tn.settings.base_url}en/network", "text/html").decode()


def test_a_node_that_left_may_come_back(joined):
    dz, tn = joined
    leave(dz, tn)
    assert dz.join(tn).state == "asked"
    tn.work()
    assert len(tn.requests()) == 1
    tn.approve(dz)
    tn.work()
    assert (membership(dz, tn).state, source(tn, dz).state) == ("accepted", "approved")


def test_a_request_that_waits_can_be_taken_back(dz, tn):
    dz.join(tn)
    tn.work()
    assert leave(dz, tn) is None
    assert tn.requests() == []


def test_an_answer_to_what_was_never_asked_is_not_taken(dz, tn):
    dz.join(tn)
    said = Notification(ACCEPT, "urn:uuid:1", tn.iri, "urn:uuid:another", dz.iri)
    with writing(tn.engine) as connection:
        outbox.put(connection, said, f"{dz.settings.base_url}inbox", f"{tn.iri}#key", datetime.now(UTC))
    tn.work()
    assert membership(dz, tn).state == "asked"


def test_a_node_that_forgot_its_request_asks_again_and_hears_the_answer(dz, tn):
    """As when the first answer was lost: the request is the same, and is answered by its newest name."""
    first = dz.join(tn)
    tn.work()
    with writing(dz.engine) as connection:
        memberships.forget(connection, first)
    again = dz.join(tn)
    assert (again.location, again.offer != first.offer) == (first.location, True)
    tn.approve(dz)
    tn.work()
    assert membership(dz, tn).state == "accepted"


def test_a_hub_that_sends_us_on_gets_no_second_request(dz, tn, wire):
    wire.replies[f"{tn.settings.base_url}inbox"] = Reply(status=307, headers={"Location": "https://other.example.org/"})
    with pytest.raises(HarvestError, match="307"):
        dz.join(tn)
    assert membership(dz, tn) is None
    assert not any("other.example.org" in address for address, _ in wire.asked)
