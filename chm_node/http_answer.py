"""What comes of a request: the whole body within its limits, or a reason that a person understands."""

import hashlib
import ssl
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import requests
import urllib3

from chm_node.digests import CONTENT_DIGEST, stated_sha_256
from chm_node.errors import FetchError
from chm_node.http_guard import Fetch, FetchPolicy, Refusal

RETRY_AFTER_BOUNDS = (timedelta(minutes=1), timedelta(hours=24))
_READ_BYTES = 64 * 1024
_STATUS_REASONS = {
    206: "sent only a part of the page, which we had not asked for",
    304: "says the page has not changed, but we had not asked that",
    401: "asks for a password; the page has to be public to be harvested",
    403: "refuses to give us the page; ask its operator to allow it",
    404: "has no page at this address",
    410: "says the page was removed for good",
    429: "asks us to come less often",
    502: "has a web server that gets no answer from the node behind it",
    503: "is overloaded or being repaired",
    504: "has a web server that gets no answer from the node behind it",
}


def read_body(found: requests.Response, max_wire_bytes: int, max_body_bytes: int) -> bytes:
    body = _Body(found.headers.get("content-encoding", ""), max_body_bytes)
    sent = hashlib.sha256()
    for piece in pieces(found.raw, max_wire_bytes):
        sent.update(piece)
        body.add(piece)
    whole = body.whole()
    stated = stated_sha_256(found.headers.get(CONTENT_DIGEST, ""))
    # Or of what a proxy compressed and left the digest as it was.
    if stated and stated != sent.digest() and stated != hashlib.sha256(whole).digest():
        raise Refusal(f"was damaged on its way: it is not what its digest says ({CONTENT_DIGEST})")
    return whole


def pieces(raw: urllib3.HTTPResponse, max_wire_bytes: int) -> Iterator[bytes]:
    """A whole answer as it comes; raises ``Refusal`` as soon as it is too large."""
    if not raw.chunked and raw.length_remaining is None:
        raise Refusal("does not say how long its answer is, so we cannot know whether it is whole")
    if (raw.length_remaining or 0) > max_wire_bytes:
        raise _too_large(max_wire_bytes)
    room = max_wire_bytes
    for piece in raw.stream(_READ_BYTES, decode_content=False):
        room -= len(piece)
        if room < 0:
            raise _too_large(max_wire_bytes)
        yield piece


class _Body:
    """Collects and decompresses an answer, never more than there is room for."""

    def __init__(self, encoding: str, max_bytes: int) -> None:
        if encoding.strip().lower() not in ("", "identity", "gzip", "x-gzip"):
            raise Refusal(f"compresses its answer as {encoding[:50]!r}, though we asked for gzip or nothing")
        self._gzip = zlib.decompressobj(wbits=31) if "gzip" in encoding.lower() else None
        self._max_bytes = self._room = max_bytes
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        if self._gzip:
            piece = self._gzip.decompress(piece, self._room + 1)
        self._room -= len(piece)
        if self._room < 0:
            raise _too_large(self._max_bytes)
        self._pieces.append(piece)

    def whole(self) -> bytes:
        if self._gzip and (not self._gzip.eof or self._gzip.unused_data):
            raise Refusal("sent a compressed answer that is cut or followed by something else")
        return b"".join(self._pieces)


def _too_large(max_bytes: int) -> Refusal:
    size = f"{max_bytes / 1024 / 1024:g} MiB" if max_bytes >= 1024 * 1024 else f"{max_bytes:,} bytes"
    return Refusal(f"sent more than {size}; its operator should split the page")


def status_error(url: str, found: requests.Response, now: datetime | None) -> FetchError:
    status = found.status_code
    usual = "has a fault of its own; tell its operator" if status >= 500 else "does not give us the page"
    reason = f"{_STATUS_REASONS.get(status, usual)} (HTTP status {status})"
    return FetchError(url, reason, status=status, retry_after=_retry_after(found.headers, now))


def _retry_after(headers: Mapping[str, str], now: datetime | None) -> timedelta:
    """How long the peer asks us to wait (RFC 9110 §10.2.3), within bounds; nothing when it does not ask.

    A date is compared with the peer's own Date, so that its clock may be wrong.
    """
    asked = headers.get("retry-after", "").strip()
    if not asked:
        return timedelta(0)
    shortest, longest = RETRY_AFTER_BOUNDS
    if asked.isascii() and asked.isdigit():
        return max(shortest, timedelta(seconds=min(int(asked[:9]), longest.total_seconds())))
    until, since = _http_date(asked), _http_date(headers.get("date", "")) or now
    return min(max(shortest, until - since), longest) if until and since else shortest


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def reason_of(error: Exception, fetch: Fetch, policy: FetchPolicy) -> str:
    """Why there is no answer, for a person who does not know what a socket is."""
    if fetch.cut or isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
        return f"took too long; we wait {policy.deadline.total_seconds():g} seconds for a page"
    if isinstance(error, Refusal):
        return str(error)
    if fault := _certificate_fault(error):
        return f"has no valid certificate for an encrypted connection ({fault})"
    if isinstance(error, zlib.error):
        return "sent a damaged compressed answer"
    if isinstance(error, requests.exceptions.ProxyError):
        return f"could not be reached through the proxy of this node ({error})"
    return f"broke off the connection or sent what is not HTTP ({error})"


def _certificate_fault(error: BaseException) -> str | None:
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        cause = cause.__cause__ or cause.__context__
    return None
