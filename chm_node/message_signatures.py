"""Signed HTTP requests: RFC 9421 with Ed25519 and Content-Digest (RFC 9530), as section 4.12 of the profile says.

Reading and verifying are two steps: what a signature states of itself can be judged before anybody knows the key.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    MappingKeyResolver,
    VerifyResult,
    algorithms,
)

from chm_node.digests import stated_sha_256
from chm_node.errors import RefusedNotificationError
from chm_node.signing import Signer, public_key

TAG = "chm-federation"
COMPONENTS = ("@method", "@target-uri", "content-type", "content-digest")
#: From ``created`` to ``expires``; a nonce is remembered that long.
LONGEST_LIFE = timedelta(minutes=5)
#: How far the clocks of two nodes may differ.
CLOCK_TOLERANCE = timedelta(minutes=1)
_LONGEST_NONCE = 128


@dataclass(frozen=True)
class Message:
    """A request, as it is signed and verified."""

    method: str
    url: str  #: the target, as its receiver is known to the world
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Signature:
    """What a signature states of itself; none of it is proven before ``is_signed_by`` says so."""

    key_id: str
    created: int  #: seconds since 1970, UTC
    expires: int
    nonce: str
    covered: tuple[str, ...]  #: names of the covered header fields


def sign(message: Message, signer: Signer, now: datetime, nonce: str) -> Message:
    """The message with its digest and its signature."""
    signed = replace(message, headers=dict(message.headers))
    keys = MappingKeyResolver(public_keys={}, private_keys={signer.verification_method: signer.key})
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=keys).sign(
        signed,
        key_id=signer.verification_method,
        created=now,
        expires=now + LONGEST_LIFE,
        nonce=nonce,
        label="chm",
        tag=TAG,
        covered_component_ids=COMPONENTS,
        body=message.body,
    )
    return signed


def read_signature(message: Message, now: datetime) -> Signature:
    """The one signature that is meant for us, whole, fresh, and over these bytes as far as the digest tells.

    Raises RefusedNotificationError.
    """
    found = _stated(message)
    parameters: Mapping[str, Any] = found.parameters  # Any: whatever structured fields can say
    covered = set(found.covered_components)
    missing = [each for each in COMPONENTS if f'"{each}"' not in covered]
    missing += [each for each in ("created", "expires", "nonce") if not parameters.get(each)]
    if missing:
        raise RefusedNotificationError("incomplete-signature", f"missing: {', '.join(missing)}")
    if len(parameters["nonce"]) > _LONGEST_NONCE:
        raise RefusedNotificationError("malformed-signature", f"the nonce is longer than {_LONGEST_NONCE} characters")
    _check_times(parameters["created"], parameters["expires"], now)
    _check_digest(message)
    fields = tuple(name[1:-1] for name in covered if name[1] != "@" and name.endswith('"'))
    return Signature(
        parameters["keyid"], parameters["created"], parameters["expires"], parameters["nonce"], tuple(sorted(fields))
    )


def is_signed_by(message: Message, multikey: str) -> bool:
    """Whether the holder of the key made the signature that ``read_signature`` read."""
    try:
        key = public_key(multikey)
    except ValueError:
        return False
    try:
        _Verifier(signature_algorithm=algorithms.ED25519, key_resolver=_Key(key)).verify(
            message, max_age=None, expect_tag=TAG, require_components=COMPONENTS
        )
    except HTTPMessageSignaturesException:
        return False
    return True


def _stated(message: Message) -> VerifyResult:
    names = {name.lower() for name in message.headers}
    if not names >= {"signature", "signature-input"}:
        raise RefusedNotificationError("unsigned")
    verifier = _Verifier(signature_algorithm=_Unchecked, key_resolver=_Key(None))
    try:
        found = verifier.verify(message, max_age=None, expect_tag=TAG)
    except HTTPMessageSignaturesException as error:
        no_tag = "matching the expected tag" in str(error)
        raise RefusedNotificationError("unsigned" if no_tag else "malformed-signature", str(error)) from error
    if len(found) != 1:
        raise RefusedNotificationError("malformed-signature", f"{len(found)} signatures have the tag {TAG}")
    return found[0]


def _check_times(created: int, expires: int, now: datetime) -> None:
    moment, tolerance = int(now.timestamp()), int(CLOCK_TOLERANCE.total_seconds())
    if created > moment + tolerance:
        raise RefusedNotificationError("signature-expired", "created lies ahead of our clock")
    if expires <= moment - tolerance:
        raise RefusedNotificationError("signature-expired", "expires has passed")
    if not created < expires <= created + int(LONGEST_LIFE.total_seconds()):
        raise RefusedNotificationError("signature-expired", "expires is not within five minutes after created")


def _check_digest(message: Message) -> None:
    """RFC 9530, section 2: the SHA-256 has to be there; further digests have to be right too."""
    stated = next(value for name, value in message.headers.items() if name.lower() == "content-digest")
    if stated_sha_256(stated) != hashlib.sha256(message.body).digest():
        raise RefusedNotificationError("bad-digest")
    try:
        ContentDigest.verify(stated, message.body)
    except HTTPMessageSignaturesException as error:
        raise RefusedNotificationError("bad-digest", str(error)) from error


class _Verifier(HTTPMessageVerifier):
    require_created = False

    def validate_created_and_expires(self, sig_input: object, max_age: object = None) -> None:
        """Nothing: the library asks its own clock; ours is an argument, and ``_check_times`` asks it."""


class _Unchecked(algorithms.ED25519):
    """Stands in while the key is not known yet: everything about the signature is read but whether it is true."""

    def __init__(self, public_key: object = None, private_key: object = None) -> None:
        pass

    def verify(self, signature: bytes, message: bytes) -> None:
        pass


class _Key(HTTPSignatureKeyResolver):
    """One key, whatever it is called."""

    def __init__(self, key: Ed25519PublicKey | None) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> Any:  # Any: the library takes None for an unknown key
        return self._key or b""
