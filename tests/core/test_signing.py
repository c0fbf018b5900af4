"""Proofs against the test vectors of the cryptosuite's specification, and keys on disk."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chm_node.canonical import digest
from chm_node.errors import ParseError, SettingsError
from chm_node.proofs import fingerprint, hash_data, verify
from chm_node.signing import Signer, create_key, load_signer

# Data Integrity EdDSA Cryptosuites 1.0, appendix B.1: key pair, proof options, canonical documents, hashes, signatures.
FOLDER = Path(__file__).parent / "w3c" / "vc-di-eddsa"
MULTIKEY = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
SECRET = bytes.fromhex("c96ef9ea10c5e414c471723aff9de72c35fa5b70fae97e8832ecac7d2e2b8ed6")
METHOD = f"did:key:{MULTIKEY}#{MULTIKEY}"
CREATED = datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC)
OPTIONS = {"created": "2023-02-24T23:36:38Z", "verificationMethod": METHOD}
OPTIONS_HASH = "bea7b7acfbad0126b135104024a5f1733e705108f42d59668b05c0c50004c6b0"
#: Document hash and signature by name; both have the same proof options.
VECTORS = {
    "alumni": (
        "517744132ae165a5349155bef0bb0cf2258fff99dfe1dbd914b938d775a36017",
        "z2YwC8z3ap7yx1nZYCg4L3j3ApHsF8kgPdSb5xoS1VR7vPG3F561B52hYnQF9iseabecm3ijx4K1FBTQsCZahKZme",
    ),
    "employment": (
        "03f59e5b04ab575b1172cb684f22eede72f0e9033e0b5c67d0e2506768d6ce11",
        "zeuuS9pi2ZR8Q41bFFJKS9weSWkwa7pRcxHTHzxjDEHtVSZp3D9Rm3JdzT82EQpmXMb9wvfFJLuDPeSXZaRX1q1c",
    ),
}
DOCUMENT = (FOLDER / "alumni.nq").read_bytes()
SIGNATURE = VECTORS["alumni"][1]
SIGNER = Signer(METHOD, Ed25519PrivateKey.from_private_bytes(SECRET))


@pytest.mark.parametrize("name", VECTORS)
def test_hashes_and_signature_are_those_of_the_specification(name):
    document, (document_hash, signature) = (FOLDER / f"{name}.nq").read_bytes(), VECTORS[name]
    assert SIGNER.multikey == MULTIKEY
    assert digest(document) == document_hash
    assert hash_data(document, OPTIONS).hex() == OPTIONS_HASH + document_hash
    assert SIGNER.sign(document, CREATED) == {**OPTIONS, "proofValue": signature}


@pytest.mark.parametrize("name", VECTORS)
def test_the_specifications_signature_verifies(name):
    document, (_, signature) = (FOLDER / f"{name}.nq").read_bytes(), VECTORS[name]
    assert verify(document, {**OPTIONS, "proofValue": signature}, MULTIKEY)


@pytest.mark.parametrize("field", ["created", "verificationMethod", "proofValue", "document", "key"])
def test_a_change_to_any_part_is_noticed(field):
    proof = dict(SIGNER.sign(DOCUMENT, CREATED))
    document, key = DOCUMENT, MULTIKEY
    if field == "document":
        document = DOCUMENT.replace(b"minimum", b"maximum")
    elif field == "key":
        key = Signer(METHOD, Ed25519PrivateKey.generate()).multikey
    elif field == "proofValue":
        proof[field] = SIGNER.sign(b"something else", CREATED)[field]
    else:
        proof[field] = proof[field].replace("2", "3", 1)
    assert not verify(document, proof, key)


@pytest.mark.parametrize(
    "proof",
    [
        {},
        {"created": "2023-02-24T23:36:38Z", "verificationMethod": METHOD, "proofValue": "x123"},
        {"created": "2023-02-24T23:36:38Z", "verificationMethod": METHOD, "proofValue": "z0OIl"},
        {"created": '2023"^^<x>', "verificationMethod": METHOD, "proofValue": SIGNATURE},
        {"created": "2023-02-24T23:36:38Z", "verificationMethod": "a> . <b", "proofValue": SIGNATURE},
        {"created": "2023-02-24T23:36:38Z", "verificationMethod": METHOD, "proofValue": "z" + "2" * 10_000},
    ],
)
def test_a_proof_that_is_none_is_refused_and_nothing_else_happens(proof):
    with pytest.raises(ParseError):
        verify(DOCUMENT, proof, MULTIKEY)


@pytest.mark.parametrize("key", ["", "z", "zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme", MULTIKEY[:-1]])
def test_a_key_that_is_none_is_refused(key):
    with pytest.raises(ParseError):
        verify(DOCUMENT, SIGNER.sign(DOCUMENT, CREATED), key)


def test_a_key_file_is_readable_by_its_owner_alone_and_never_overwritten(tmp_path):
    path = tmp_path / "key.pem"
    create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        create_key(path)
    assert path.read_bytes() == before


def test_a_key_that_others_can_read_stops_the_start(tmp_path):
    path = tmp_path / "key.pem"
    create_key(path)
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="can be read by others"):
        load_signer(path, METHOD)


def test_a_missing_or_broken_key_is_named(tmp_path):
    with pytest.raises(SettingsError, match="chm init"):
        load_signer(tmp_path / "none.pem", METHOD)
    broken = tmp_path / "broken.pem"
    broken.write_bytes(b"not a key")
    broken.chmod(0o600)
    with pytest.raises(SettingsError, match="not a private key"):
        load_signer(broken, METHOD)


def test_a_loaded_key_signs_as_before(tmp_path):
    path = tmp_path / "key.pem"
    create_key(path)
    first, second = load_signer(path, METHOD), load_signer(path, METHOD)
    assert verify(DOCUMENT, first.sign(DOCUMENT, CREATED), second.multikey)


def test_a_fingerprint_is_eight_groups_that_differ_between_keys():
    other = Signer(METHOD, Ed25519PrivateKey.generate()).multikey
    assert [len(group) for group in fingerprint(MULTIKEY).split()] == [4] * 8
    assert fingerprint(MULTIKEY) != fingerprint(other)
