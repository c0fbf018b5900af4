"""The digests of HTTP answers (RFC 9530): how one is written, and what one says."""

import base64
import binascii
import hashlib
import re

#: The header with the digest of the bytes that were sent.
CONTENT_DIGEST = "Content-Digest"
_SHA_256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):")


def digest_field(sha_256: bytes) -> str:
    """The value of Content-Digest or Repr-Digest for a SHA-256."""
    return f"sha-256=:{base64.b64encode(sha_256).decode()}:"


def stated_sha_256(field: str) -> bytes | None:
    """The SHA-256 that such a field states; None when it states none, or none that can be read."""
    match = _SHA_256.search(field)
    try:
        found = base64.b64decode(match[1], validate=True) if match else b""
    except binascii.Error:
        return None
    return found if len(found) == hashlib.sha256().digest_size else None
