"""The only outbound HTTP: total deadline, size limits, conditional GET, plain reasons for every failure.

A peer may answer anything. Every hop is checked anew (``http_guard``), requests never sees a redirect's body, and only
a whole page counts: a cut, endless, partial or damaged answer is an error, never a short page.
"""

import hashlib
import socket
import ssl
import zlib
from collections.abc import Container, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import BinaryIO
from urllib.parse import urljoin

import requests
import urllib3
from requests.adapters import BaseAdapter
from requests.utils import parse_header_links

from chm_node.digests import CONTENT_DIGEST, stated_sha_256
from chm_node.errors import FetchError, StorageError
from chm_node.http_guard import (
    PORTS,
    Fetch,
    FetchPolicy,
    Guard,
    GuardedAdapter,
    Refusal,
    Resolver,
    checked_target,
    redirected,
)

__all__ = ["Answer", "FetchPolicy", "HttpClient"]

RETRY_AFTER_BOUNDS = (timedelta(minutes=1), timedelta(hours=24))
_READ_BYTES = 64 * 1024

_REDIRECTS = {301, 302, 303, 307, 308}
#: The others would have the peer asked by GET instead (RFC 9110 §15.4).
_REDIRECTS_OF_POST = {307, 308}
_STATUS_REASONS = {
    206: "sent only a part of the page, which we had not asked for",
    304: "says the page has not changed, but we had not asked that",
    401: "asks for a password; the page has to be public to be harvested",
    403: "refuses to give us the page; ask its operator to allow it",
    404: "has no page at this address",
    410: "says the page was removed for good",
    429: "asks us to come less often",
    503: "is overloaded or being repaired",
}


@dataclass(frozen=True)
class Answer:
    """A complete answer: the page (200, unless others were accepted), 304 when unchanged, or what became of a POST."""

    url: str  #: after redirects
    status: int
    body: bytes
    media_type: str  #: lower case, without parameters
    headers: Mapping[str, str]  #: names in any case
    etag: str | None
    last_modified: str | None

    @property
    def not_modified(self) -> bool:
        return self.status == 304

    @property
    def links(self) -> dict[str, list[str]]:
        """The addresses of the Link headers (RFC 8288) by relation."""
        links: dict[str, list[str]] = {}
        for link in parse_header_links(self.headers.get("link", "")):
            for relation in link.get("rel", "").lower().split():
                with suppress(ValueError):
                    address = urljoin(self.url, link["url"])
                    links.setdefault(relation, []).append(address)
        return links


class HttpClient:
    """Fetches pages from peers over kept-alive connections; one for each thread.

    ``adapter`` replaces the network, and with it the address guard, for whoever answers requests in the same
    process; ``resolve`` replaces ``socket.getaddrinfo``.
    """

    def __init__(
        self, policy: FetchPolicy, *, adapter: BaseAdapter | None = None, resolve: Resolver = socket.getaddrinfo
    ) -> None:
        self._policy = policy
        self._guard = Guard(policy, resolve)
        self._session = _Session()
        self._session.trust_env = False  # no proxy, password or certificate from the environment
        self._proxies = dict.fromkeys(PORTS, policy.proxy) if policy.proxy else {}
        transport = adapter or GuardedAdapter(self._guard, policy)
        for scheme in PORTS:
            self._session.mount(f"{scheme}://", transport)

    def __enter__(self) -> "HttpClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def get(
        self,
        url: str,
        *,
        accept: str,
        etag: str | None = None,
        last_modified: str | None = None,
        max_body_bytes: int | None = None,
        same_host: bool = False,
        accepted: Container[int] = (200,),
        now: datetime | None = None,
    ) -> Answer:
        """The page, complete and decompressed, or that it has not changed since ``etag`` or ``last_modified``.

        ``same_host`` refuses redirects to other hosts. ``now`` serves to read a Retry-After date of a peer that does
        not date its answers. Raises ``FetchError`` for everything else than a whole answer of an ``accepted`` status,
        or a 304 that was asked for.
        """
        headers = {"User-Agent": self._policy.user_agent, "Accept": accept, "Accept-Encoding": "gzip"}
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers |= {name: value for name, value in conditions.items() if value}
        limit = min(max_body_bytes or self._policy.max_body_bytes, self._policy.max_body_bytes)
        with self._explained_fetch(url, self._policy) as fetch, closing(self._follow(headers, same_host)) as found:
            if found.status_code == 304 and (etag or last_modified):
                _finish_empty(found.raw)
                return _answer(fetch.url, found, b"", conditions)
            if found.status_code not in accepted:
                raise _status_error(fetch.url, found, now)
            return _answer(fetch.url, found, _read_body(found, self._policy.max_wire_bytes, limit), {})

    def save(
        self, url: str, file: BinaryIO, *, accept: str, max_bytes: int, deadline: timedelta, same_host: bool = False
    ) -> Answer:
        """Writes a whole file of a peer's into ``file``, byte for byte and never into memory; the answer has no body.

        Raises ``FetchError``, and then ``file`` may hold a part; ``StorageError`` when it cannot be written here, and
        then it is closed.
        """
        headers = {"User-Agent": self._policy.user_agent, "Accept": accept, "Accept-Encoding": "identity"}
        patient = replace(self._policy, deadline=deadline)
        with self._explained_fetch(url, patient) as fetch, closing(self._follow(headers, same_host)) as found:
            if found.status_code != 200:
                raise _status_error(fetch.url, found, None)
            if found.headers.get("content-encoding", "identity").strip().lower() != "identity":
                raise Refusal("compresses its answer, though we asked for the file as it is")
            for piece in _pieces(found.raw, max_bytes):
                _keep(file, piece)
            return _answer(fetch.url, found, b"", {})

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The whole answer to a POST, whatever its status; a redirect is not followed. Raises ``FetchError``."""
        headers = {"User-Agent": self._policy.user_agent, "Accept-Encoding": "gzip", **headers}
        with self._explained_fetch(url, self._policy) as fetch:
            fetch.url = checked_target(url, self._policy).url
            with closing(self._send(fetch.url, headers, body)) as found:
                policy = self._policy
                return _answer(fetch.url, found, _read_body(found, policy.max_wire_bytes, policy.max_body_bytes), {})

    def deliver(self, url: str, body: bytes, headers: Mapping[str, str], *, now: datetime | None = None) -> int:
        """Send something; the status of the answer, a 2xx, whose body is not read.

        Redirects are followed by 307 and 308 within the host alone. Raises ``FetchError`` for every other status.
        """
        headers = {"User-Agent": self._policy.user_agent, **headers}
        with (
            self._explained_fetch(url, self._policy) as fetch,
            closing(self._follow(headers, same_host=True, body=body)) as found,
        ):
            if not 200 <= found.status_code < 300:
                raise _status_error(fetch.url, found, now)
            return found.status_code

    @contextmanager
    def _explained_fetch(self, url: str, policy: FetchPolicy) -> Iterator[Fetch]:
        with Fetch(url, policy) as fetch:
            self._guard.fetch = fetch
            try:
                yield fetch
                if fetch.cut:  # http.client takes the end of a connection for the end of headers and trailers
                    raise TimeoutError
            except (Refusal, requests.RequestException, urllib3.exceptions.HTTPError, zlib.error, OSError) as error:
                raise FetchError(fetch.url, _reason(error, fetch, policy)) from error

    def _follow(self, headers: Mapping[str, str], same_host: bool, body: bytes | None = None) -> requests.Response:
        """The first answer that is no redirect, its body unread; a POST when there is something to send."""
        fetch = self._guard.fetch
        target = checked_target(fetch.url, self._policy)
        redirects = _REDIRECTS if body is None else _REDIRECTS_OF_POST
        for _ in range(self._policy.max_redirects + 1):
            fetch.url = target.url
            answer = self._send(target.url, headers, body)
            if answer.status_code not in redirects:
                return answer
            answer.close()  # unread: a redirect's body is of no use and may have no end
            target = redirected(target, answer.headers.get("location", ""), self._policy, same_host)
        raise Refusal(f"sends us on more than {self._policy.max_redirects} times")

    def _send(self, url: str, headers: Mapping[str, str], body: bytes | None = None) -> requests.Response:
        request = requests.PreparedRequest()
        request.prepare(method="GET" if body is None else "POST", url=url, headers=headers, data=body)
        rest = self._guard.fetch.remaining()
        timeout = (min(self._policy.connect_seconds, rest), min(self._policy.read_seconds, rest))
        return self._session.send(request, stream=True, allow_redirects=False, timeout=timeout, proxies=self._proxies)


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, always: requests would read a redirect's body into memory before following it."""


def _finish_empty(raw: urllib3.BaseHTTPResponse) -> None:
    """Reads the end of a 304, which has no body, so that its connection can be used again."""
    if getattr(raw, "chunked", False):
        raw.close()  # a peer that announces a body nevertheless may never send it
    else:
        raw.drain_conn()


def _answer(url: str, found: requests.Response, body: bytes, held: Mapping[str, str | None]) -> Answer:
    headers = found.headers
    return Answer(
        url=url,
        status=found.status_code,
        body=body,
        media_type=headers.get("content-type", "").partition(";")[0].strip().lower(),
        headers=headers,
        etag=headers.get("etag") or held.get("If-None-Match"),
        last_modified=headers.get("last-modified") or held.get("If-Modified-Since"),
    )


def _read_body(found: requests.Response, max_wire_bytes: int, max_body_bytes: int) -> bytes:
    body = _Body(found.headers.get("content-encoding", ""), max_body_bytes)
    sent = hashlib.sha256()
    for piece in _pieces(found.raw, max_wire_bytes):
        sent.update(piece)
        body.add(piece)
    whole = body.whole()
    stated = stated_sha_256(found.headers.get(CONTENT_DIGEST, ""))
    # Or of what a proxy compressed and left the digest as it was.
    if stated and stated != sent.digest() and stated != hashlib.sha256(whole).digest():
        raise Refusal(f"was damaged on its way: it is not what its digest says ({CONTENT_DIGEST})")
    return whole


def _pieces(raw: urllib3.HTTPResponse, max_wire_bytes: int) -> Iterator[bytes]:
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


def _keep(file: BinaryIO, piece: bytes) -> None:
    """Writes to our own disk; what fails there is no fault of the peer."""
    try:
        file.write(piece)
        file.flush()
    except OSError as error:
        with suppress(OSError):
            file.close()  # or whoever closes it later would be told once more, by what is still in its buffer
        raise StorageError(f"the file could not be kept on this node: {error}") from error


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


def _status_error(url: str, found: requests.Response, now: datetime | None) -> FetchError:
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


def _reason(error: Exception, fetch: Fetch, policy: FetchPolicy) -> str:
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
