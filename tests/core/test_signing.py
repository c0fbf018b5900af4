"""Proofs against the test vector of the cryptosuite's specification, and keys on disk."""

import stat
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chm_node.errors import ParseError, SettingsError
from chm_node.signing import Signer, create_key, fingerprint, load_signer, verify

# Data Integrity EdDSA Cryptosuites 1.0, appendix B.1: key pair, canonical document and signature.
MULTIKEY = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
SECRET = bytes.fromhex("c96ef9ea10c5e414c471723aff9de72c35fa5b70fae97e8832ecac7d2e2b8ed6")
METHOD = f"did:key:{MULTIKEY}#{MULTIKEY}"
CREATED = datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC)
SIGNATURE = "z2YwC8z3ap7yx1nZYCg4L3j3ApHsF8kgPdSb5xoS1VR7vPG3F561B52hYnQF9iseabecm3ijx4K1FBTQsCZahKZme"
DOCUMENT = (
    b'<did:example:abcdefgh> <https://www.w3.org/ns/credentials/examples#alumniOf> "The School of Examples" .\n'
    b"<urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
    b" <https://www.w3.org/2018/credentials#VerifiableCredential> .\n"
    b"<urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
    b" <https://www.w3.org/ns/credentials/examples#AlumniCredential> .\n"
    b"<urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33> <https://schema.org/description>"
    b' "A minimum viable example of an Alumni Credential." .\n'
    b'<urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33> <https://schema.org/name> "Alumni Credential" .\n'
    b"<urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33> <https://www.w3.org/2018/credentials#credentialSubject>"
    b" <did:example:abcdefgh> .\n"
    b"<urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33> <https://www.w3.org/2018/credentials#issuer>"
    b" <https://vc.example/issuers/5678> .\n"
    b"<urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33> <https://www.w3.org/2018/credentials#validFrom>"
    b' "2023-01-01T00:00:00Z"^^<http://www.w3.org/2001/XMLSchema#dateTime> .\n'
)
SIGNER = Signer(METHOD, Ed25519PrivateKey.from_private_bytes(SECRET))


def test_the_signature_is_that_of_the_specification():
    assert SIGNER.multikey == MULTIKEY
    assert SIGNER.sign(DOCUMENT, CREATED)["proofValue"] == SIGNATURE


def test_the_specifications_signature_verifies():
    proof = {"created": "2023-02-24T23:36:38Z", "verificationMethod": METHOD, "proofValue": SIGNATURE}
    assert verify(DOCUMENT, proof, MULTIKEY)


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
