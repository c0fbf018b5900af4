"""Whom we believe what."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chm_node.record import Action
from chm_node.signing import create_key, load_signer
from harvest.trust import (
    MAX_HOPS,
    Authority,
    Offer,
    Powers,
    Verdict,
    check_proof,
    disjoint,
    judge,
    space_problem,
)

NOW = datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC)
DZ = Authority("https://dz.example.org/node", "https://dz.example.org/id/", "zDZ")
TN = Authority("https://tn.example.org/node", "https://tn.example.org/id/", "zTN")
HUB = "https://hub.example.org/node"
DOUBTED = "https://ma.example.org/node"
POWERS = Powers(HUB, "https://hub.example.org/id/", DZ, {TN.node: TN}, {DOUBTED: Verdict.DISPUTED_NODE})
IRI = f"{DZ.uri_space}event/1"
GOOD = Offer("act/1", Action.CREATE, IRI, DZ.node, NOW, nquads=b"<a> <b> <c> .\n", digest="d", triples=1)

CASES = [
    ("the peer's own record", {}, Verdict.ACCEPTED),
    ("of a node it may pass on", {"iri": f"{TN.uri_space}event/1", "origin": TN.node}, Verdict.ACCEPTED),
    ("of a node nobody knows", {"origin": "https://x.example.org/node"}, Verdict.UNKNOWN_NODE),
    ("of a node that disputes it", {"origin": DOUBTED}, Verdict.DISPUTED_NODE),
    ("of no node", {"origin": ""}, Verdict.UNKNOWN_NODE),
    ("under another node's addresses", {"iri": f"{TN.uri_space}event/1"}, Verdict.FOREIGN_IRI),
    ("on another host", {"iri": "https://dz.example.org.evil.example/id/1"}, Verdict.FOREIGN_IRI),
    ("with the URI space for an IRI", {"iri": DZ.uri_space}, Verdict.FOREIGN_IRI),
    ("leading out of the URI space", {"iri": f"{DZ.uri_space}../node"}, Verdict.FOREIGN_IRI),
    ("with a part of a record for an IRI", {"iri": f"{IRI}#meta"}, Verdict.FOREIGN_IRI),
    ("ours", {"iri": "https://hub.example.org/id/event/1"}, Verdict.ECHO),
    ("said to be ours", {"origin": HUB}, Verdict.ECHO),
    ("that was here", {"hops": (DZ.node, HUB)}, Verdict.LOOP),
    ("after eight hops", {"hops": ("n",) * MAX_HOPS}, Verdict.ACCEPTED),
    ("after nine hops", {"hops": ("n",) * (MAX_HOPS + 1)}, Verdict.TOO_MANY_HOPS),
    ("too many bytes", {"nquads": b"x" * (256 * 1024 + 1)}, Verdict.TOO_LARGE),
    ("too many statements", {"triples": 2001}, Verdict.TOO_LARGE),
    ("a flaw in itself", {"flaw": Verdict.BLANK_NODE}, Verdict.BLANK_NODE),
    ("a flaw, and of an unknown node", {"flaw": Verdict.BLANK_NODE, "origin": "x"}, Verdict.UNKNOWN_NODE),
    ("without payload", {"flaw": Verdict.NO_PAYLOAD, "origin": ""}, Verdict.NO_PAYLOAD),
]


@pytest.mark.parametrize(("changes", "verdict"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_rules_before_the_proof(changes, verdict):
    assert judge(replace(GOOD, **changes), POWERS) is verdict


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "key.pem"
    create_key(path)
    return load_signer(path, f"{DZ.node}#key")


@pytest.fixture
def signed(signer):
    return replace(GOOD, proof=signer.sign(GOOD.nquads, NOW))


def test_a_proof_by_the_pinned_key_is_accepted(signer, signed):
    powers = replace(POWERS, source=replace(DZ, multikey=signer.multikey))
    assert check_proof(signed, powers) is Verdict.ACCEPTED


def test_a_proof_by_another_key_or_over_other_bytes_is_not(signer, signed):
    powers = replace(POWERS, source=replace(DZ, multikey=signer.multikey))
    assert check_proof(replace(signed, nquads=b"<a> <b> <d> .\n"), powers) is Verdict.BAD_PROOF
    assert check_proof(signed, POWERS) is Verdict.BAD_PROOF


@pytest.mark.parametrize("broken", [{"proofValue": "z"}, {"created": 'x"'}, {}])
def test_a_proof_that_cannot_be_read_is_a_bad_one(signer, signed, broken):
    powers = replace(POWERS, source=replace(DZ, multikey=signer.multikey))
    proof = {**signed.proof, **broken} if broken else {}
    assert check_proof(replace(signed, proof=proof), powers) is Verdict.BAD_PROOF


def test_a_peer_with_a_key_may_not_leave_a_record_unsigned():
    assert check_proof(GOOD, POWERS) is Verdict.UNSIGNED


def test_what_nobody_signed_travels_one_hop():
    powers = replace(POWERS, source=replace(DZ, multikey=""))
    assert check_proof(GOOD, powers) is Verdict.ACCEPTED
    assert check_proof(replace(GOOD, hops=(DZ.node,)), powers) is Verdict.UNSIGNED


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("https://a.example/id/", "https://b.example/id/", True),
        ("https://a.example/id/", "https://a.example/id/", False),
        ("https://a.example/", "https://a.example/id/", False),
        ("https://a.example/id/", "https://a.example/", False),
        ("https://a.example/id/", "https://a.example/idea/", True),
    ],
)
def test_uri_spaces_that_overlap(one, other, apart):
    assert disjoint(one, other) is apart


@pytest.mark.parametrize(
    "space", ["https://a.example/id", "urn:x:", "https://", "ftp://a/", "https://u@a.example/", ""]
)
def test_a_uri_space_that_claims_more_than_it_seems_to(space):
    assert space_problem(space)


def test_a_usual_uri_space():
    assert space_problem("https://a.example/id/") == ""
