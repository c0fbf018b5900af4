"""Public keys and Data Integrity proofs: ``eddsa-rdfc-2022`` over canonical N-Quads. Decides; touches nothing.

W3C Data Integrity EdDSA Cryptosuites 1.0 §3.2; keys are Multikeys (Controlled Identifiers 1.0 §2.2.2).
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from nacl.bindings import crypto_sign_BYTES, crypto_sign_open, crypto_sign_PUBLICKEYBYTES
from nacl.exceptions import BadSignatureError

from chm_node.errors import ParseError
from chm_node.record import from_milliseconds, milliseconds

CRYPTOSUITE = "eddsa-rdfc-2022"
DATA_INTEGRITY_CONTEXT = "https://w3id.org/security/data-integrity/v2"

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_NO_DIGIT = 255
_DIGITS = bytes(_ALPHABET.find(chr(byte)) % 256 for byte in range(256))  # -1, for none, is 255
_ED25519_PUBLIC = b"\xed\x01"  # multicodec prefix

_FORBIDDEN = re.compile(r'["\\<>\x00-\x20]')

Proof = Mapping[str, str]
#: A former key as databases hold it: name, Multikey, end in milliseconds.
StoredKey = tuple[str, str, int]


@dataclass(frozen=True)
class PublicKey:
    """A key as a node states it."""

    key_id: str  #: IRI of the key in the node description
    multikey: str
    expires: datetime | None = None  #: UTC; nothing it signed later counts; None for the key in use


def verify(nquads: bytes, proof: Proof, multikey: str) -> bool:
    """Whether the holder of ``multikey`` signed exactly these canonical bytes.

    Raises ParseError when the proof or the key is not even well-formed.
    """
    try:
        key = raw_key(multikey)
        signature = _signature(proof["proofValue"])
        data = hash_data(nquads, proof)
    except (KeyError, ValueError) as error:
        raise ParseError(f"the proof cannot be read: {error}") from error
    try:
        crypto_sign_open(signature + data, key)
    except BadSignatureError:
        return False
    return True


def hash_data(nquads: bytes, proof: Proof) -> bytes:
    """What is signed: SHA-256 of the canonical proof options, then of the canonical graph (§3.3.4)."""
    return hashlib.sha256(_canonical_options(proof)).digest() + hashlib.sha256(nquads).digest()


def is_multikey(text: str) -> bool:
    """Whether the text is a public Ed25519 key in Multikey form (Controlled Identifiers 1.0 §2.2.2)."""
    try:
        raw_key(text)
    except ValueError:
        return False
    return True


def stored_keys(keys: Iterable[PublicKey]) -> list[StoredKey]:
    """Former keys as they are stored; those without an end are none."""
    return [(each.key_id, each.multikey, milliseconds(each.expires)) for each in keys if each.expires]


def former_keys(stored: Iterable[StoredKey]) -> tuple[PublicKey, ...]:
    """What ``stored_keys`` made."""
    return tuple(PublicKey(key_id, multikey, from_milliseconds(end)) for key_id, multikey, end in stored)


def fingerprint(multikey: str) -> str:
    """A short form of a public key that two people can compare on the telephone: 8 groups of 4."""
    digest = hashlib.sha256(multikey.encode()).hexdigest()[:32]
    return " ".join(digest[at : at + 4] for at in range(0, 32, 4))


def as_multikey(raw: bytes) -> str:
    """A public Ed25519 key in Multikey form."""
    return multibase(_ED25519_PUBLIC + raw)


@lru_cache(maxsize=1024)
def raw_key(multikey: str) -> bytes:
    """The 32 bytes of a Multikey; raises ValueError when it is no Ed25519 one."""
    raw = _from_multibase(multikey)
    if not raw.startswith(_ED25519_PUBLIC) or len(raw) != len(_ED25519_PUBLIC) + crypto_sign_PUBLICKEYBYTES:
        raise ValueError("not an Ed25519 Multikey")
    return raw[len(_ED25519_PUBLIC) :]


def multibase(data: bytes) -> str:
    """The bytes in base58btc, as Multikeys and proof values are written."""
    number = int.from_bytes(data)
    digits = ""
    while number:
        number, rest = divmod(number, 58)
        digits = _ALPHABET[rest] + digits
    return "z" + "1" * (len(data) - len(data.lstrip(b"\0"))) + digits


def proof_document(proof: Proof) -> dict[str, str]:
    """The proof as it stands in JSON-LD."""
    return {
        "type": "DataIntegrityProof",
        "cryptosuite": CRYPTOSUITE,
        "created": proof["created"],
        "verificationMethod": proof["verificationMethod"],
        "proofPurpose": "assertionMethod",
        "proofValue": proof["proofValue"],
    }


def _canonical_options(proof: Proof) -> bytes:
    # The options graph always has this one shape and one blank node, so its canonical
    # form is written down rather than computed for every record.
    created, method = proof["created"], proof["verificationMethod"]
    if _FORBIDDEN.search(created + method):
        raise ValueError("a character that may not stand in a date or an address")
    return (
        f'_:c14n0 <http://purl.org/dc/terms/created> "{created}"^^<http://www.w3.org/2001/XMLSchema#dateTime> .\n'
        "_:c14n0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://w3id.org/security#DataIntegrityProof> .\n"
        f'_:c14n0 <https://w3id.org/security#cryptosuite> "{CRYPTOSUITE}"'
        "^^<https://w3id.org/security#cryptosuiteString> .\n"
        "_:c14n0 <https://w3id.org/security#proofPurpose> <https://w3id.org/security#assertionMethod> .\n"
        f"_:c14n0 <https://w3id.org/security#verificationMethod> <{method}> .\n"
    ).encode()


def _signature(text: str) -> bytes:
    raw = _from_multibase(text)
    if len(raw) != crypto_sign_BYTES:
        raise ValueError("not an Ed25519 signature")
    return raw


def _from_multibase(text: str) -> bytes:
    if not text.startswith("z") or len(text) > 200:
        raise ValueError("not base58btc multibase text")
    digits = text[1:].encode("ascii", "replace").translate(_DIGITS)
    if _NO_DIGIT in digits:
        raise ValueError("a character that is not of the base58btc alphabet")
    number = 0
    # Eight digits at a time: arithmetic with large numbers is what takes long. Zeros before them change nothing.
    eights = zip(*[iter(digits.rjust(-(-len(digits) // 8) * 8, b"\0"))] * 8, strict=True)
    for a, b, c, d, e, f, g, h in eights:
        low = ((((((a * 58 + b) * 58 + c) * 58 + d) * 58 + e) * 58 + f) * 58 + g) * 58 + h
        number = number * 58**8 + low
    zeros = len(text[1:]) - len(text[1:].lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8)
