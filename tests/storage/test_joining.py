"""Requests to join, the outbox and memberships, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from chm_node.database import open_database, reading, writing
from chm_node.errors import HarvestError, RefusedNotificationError
from chm_node.message_signatures import Message, read_signature, sign
from chm_node.proofs import PublicKey
from chm_node.settings import Settings
from chm_node.signing import Signer
from harvest import sources
from harvest.checker.checks import Finding, State, report
from harvest.description import Description
from harvest.joining import deciding, memberships, outbox, requests
from harvest.joining.inbox import receive
from harvest.joining.memberships import Membership
from harvest.joining.notification import MEDIA_TYPE, OFFER, UNDO, UPDATE, Notification
from harvest.members import Member
from harvest.trust import Authority

NOW = datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC)
HUB = Settings(base_url="https://hub.example.org/")
NODE = "https://dz.example.org/node"
SIGNER = Signer(f"{NODE}#key", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
FORMER = PublicKey(f"{NODE}#key-0", "zFormer", NOW - timedelta(days=1))
FOUND = Description(
    Authority(NODE, "https://dz.example.org/id/", SIGNER.multikey, (FORMER,)),
    SIGNER.verification_method, "https://dz.example.org/feed", {"fr": "Algérie"}, "DZ", (),
    inbox="https://dz.example.org/inbox",
)  # fmt: skip
SENT = Membership(
    hub="https://hub.example.org/node", address="https://hub.example.org/", inbox="https://hub.example.org/inbox",
    key_id="https://hub.example.org/node#key", multikey="zHub", offer="urn:uuid:1", asked=NOW,
)  # fmt: skip


@pytest.fixture
def engine(database_url):
    found = open_database(database_url)
    yield found
    found.dispose()


def message(kind=OFFER, now=NOW, about=NODE, number=1):
    said = Notification(kind, f"urn:uuid:{number}", NODE, about, HUB.node_iri)
    unsigned = Message("POST", f"{HUB.base_url}inbox", {"Content-Type": MEDIA_TYPE}, said.body())
    return sign(unsigned, SIGNER, now, f"{kind}{number}{now}")


def prove(engine, now=NOW):
    """An offer, proven and checked."""
    request_id = receive(engine, HUB, message(now=now), now)
    with writing(engine) as connection:
        claimed, _ = requests.claim(connection, now)
        requests.prove(connection, claimed, FOUND, now)
        requests.keep_report(connection, claimed, report(NODE, [Finding("address.answers", State.PASSED)]))
        return requests.find(connection, request_id)


def test_an_offer_goes_from_the_queue_to_a_person_to_an_answer(engine, tmp_path):
    settings = HUB.model_copy(update={"data_dir": tmp_path})
    request_id = receive(engine, HUB, message(), NOW)
    with reading(engine) as connection:
        assert requests.find(connection, request_id).state == "queued"
        assert requests.waiting(connection) == []
        with pytest.raises(HarvestError, match="no request"):
            requests.request_named(connection, NODE)
    with writing(engine) as connection:
        claimed, signed = requests.claim(connection, NOW)
        assert requests.claim(connection, NOW) is None  # another worker has nothing to do
        assert read_signature(signed, NOW).key_id == claimed.key_id == SIGNER.verification_method
        requests.prove(connection, claimed, FOUND, NOW)
        [waiting] = requests.waiting(connection)
        assert (waiting.state, waiting.found, waiting.report) == ("waiting", FOUND, None)
        requests.keep_report(connection, waiting, report(NODE, ()))
        assert not requests.is_open(connection, NOW + timedelta(days=1))

        source = deciding.approve(connection, "https://dz.example.org/", settings, NOW)
        assert (source.state, source.authority, source.due) == ("approved", FOUND.authority, NOW)
        assert requests.find(connection, request_id).state == "approved"
        assert connection.execute(select(outbox.table.c.node)).scalars().all() == [NODE]


def test_a_worker_that_died_is_followed_by_another(engine):
    receive(engine, HUB, message(), NOW)
    with writing(engine) as connection:
        assert requests.claim(connection, NOW)
        assert requests.claim(connection, NOW + requests.LEASE - timedelta(seconds=1)) is None
        assert requests.claim(connection, NOW + requests.LEASE)


def test_asking_again_while_a_person_decides_leads_to_the_same_request(engine):
    first = prove(engine)
    later = NOW + timedelta(minutes=10)
    assert receive(engine, HUB, message(now=later, number=2), later) == first.id
    with reading(engine) as connection:
        assert requests.find(connection, first.id).activity == "urn:uuid:2"


def test_a_proven_offer_with_another_key_replaces_the_earlier_one(engine):
    first = prove(engine)
    other = Signer(f"{NODE}#key-2", Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
    said = Notification(OFFER, "urn:uuid:2", NODE, NODE, HUB.node_iri)
    unsigned = Message("POST", f"{HUB.base_url}inbox", {"Content-Type": MEDIA_TYPE}, said.body())
    request_id = receive(engine, HUB, sign(unsigned, other, NOW, "n"), NOW)
    with writing(engine) as connection:
        claimed, _ = requests.claim(connection, NOW)
        stated = replace(FOUND, key_id=other.verification_method)
        requests.prove(connection, claimed, stated, NOW)
        assert [each.id for each in requests.waiting(connection)] == [request_id]
        old = requests.find(connection, first.id)
    assert (old.state, old.reason) == ("refused", "replaced")


def test_what_was_refused_is_forgotten_after_a_week(engine):
    request = prove(engine)
    with writing(engine) as connection:
        requests.decide(connection, request, requests.REFUSED, NOW, "bad-signature")
        requests.purge(connection, NOW + requests.KEEP_REFUSED)
        assert requests.find(connection, request.id)
        requests.purge(connection, NOW + requests.KEEP_REFUSED + timedelta(seconds=1))
        assert requests.find(connection, request.id) is None


def test_a_request_is_approved_only_where_no_other_has_its_addresses(engine, tmp_path):
    prove(engine)
    taken = replace(FOUND, authority=Authority("https://x.example.org/node", "https://dz.example.org/id/", "zX"))
    with writing(engine) as connection:
        sources.propose(connection, "https://x.example.org/", taken, NOW)
        sources.approve(connection, "https://x.example.org/", HUB, NOW)
        with pytest.raises(HarvestError, match="were approved for"):
            deciding.approve(connection, NODE, HUB.model_copy(update={"data_dir": tmp_path}), NOW)


def test_an_approved_node_may_announce_a_key_and_leave(engine, tmp_path):
    prove(engine)
    with writing(engine) as connection:
        deciding.approve(connection, NODE, HUB.model_copy(update={"data_dir": tmp_path}), NOW)
    request_id = receive(engine, HUB, message(UPDATE), NOW)
    new = Authority(NODE, FOUND.authority.uri_space, "zNew", (PublicKey(f"{NODE}#key", SIGNER.multikey, NOW), FORMER))
    with writing(engine) as connection:
        claimed, _ = requests.claim(connection, NOW)
        assert (claimed.id, claimed.kind, claimed.state) == (request_id, UPDATE, "queued")
        found = replace(FOUND, authority=new, key_id=f"{NODE}#key-2")
        sources.take_over_key(connection, sources.find(connection, NODE), found, NOW)
        pinned = sources.find(connection, NODE)
        assert pinned.authority.multikey == "zNew"
        assert {each.multikey: each.expires for each in pinned.authority.former} == {
            SIGNER.multikey: NOW, "zFormer": FORMER.expires,
        }  # fmt: skip
        # The key that left cannot speak for the node any more.
    with pytest.raises(RefusedNotificationError, match="unknown-key"):
        receive(engine, HUB, message(UNDO), NOW)


def test_a_former_key_whose_end_is_still_to_come_is_not_pinned(engine):
    future = PublicKey(f"{NODE}#key-9", "zFuture", NOW + timedelta(days=1))
    found = replace(FOUND, authority=replace(FOUND.authority, former=(FORMER, future)))
    with writing(engine) as connection:
        assert sources.propose(connection, "https://dz.example.org/", found, NOW).authority.former == (FORMER,)


def test_a_member_of_a_hub_keeps_its_former_keys(engine):
    member = Member(Authority("https://tn.example.org/node", "https://tn.example.org/id/", "zTn", (FORMER,)), "TN")
    with writing(engine) as connection:
        source = sources.propose(connection, "https://dz.example.org/", FOUND, NOW)
        sources.set_members(connection, source.id, [member])
        [kept] = sources.find(connection, NODE).members
    assert (kept, kept.authority.former) == (member, (FORMER,))


def test_a_membership_is_known_by_address_and_by_node_and_remembers_the_answer(engine):
    with writing(engine) as connection:
        memberships.keep(connection, SENT)
        assert memberships.find(connection, SENT.hub) == memberships.find(connection, SENT.address) == SENT
        assert memberships.find(connection, SENT.address.rstrip("/").upper()) == SENT
        answered = memberships.answered(SENT, memberships.REJECTED, "No.", NOW)
        memberships.keep(connection, answered)
        assert memberships.listing(connection) == [answered]
        assert memberships.answered(answered, memberships.REJECTED, "No.", NOW + timedelta(days=1)) == answered
        memberships.forget(connection, answered)
        assert memberships.find(connection, SENT.hub) is None
