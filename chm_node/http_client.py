"""The only outbound HTTP: total deadline, size limits, conditional GET, plain reasons for every failure.

A peer may answer anything. Every hop is checked anew (``http_guard``), requests never sees a redirect's body, and only
a whole page counts: a cut, endless, partial or damaged answer is an error, never a short page.
"""

import socket
import zlib
from collections.abc import Container, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import BinaryIO
from urllib.parse import urljoin

import requests
import urllib3
from requests.adapters import BaseAdapter
from requests.utils import parse_header_links

from chm_node.errors import FetchError, StorageError
from chm_node.http_answer import pieces, read_body, reason_of, status_error
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

_REDIRECTS = {301, 302, 303, 307, 308}
#: The others would have the peer asked by GET instead (RFC 9110 §15.4).
_REDIRECTS_OF_POST = {307, 308}


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
                raise status_error(fetch.url, found, now)
            return _answer(fetch.url, found, read_body(found, self._policy.max_wire_bytes, limit), {})

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
                raise status_error(fetch.url, found, None)
            if found.headers.get("content-encoding", "identity").strip().lower() != "identity":
                raise Refusal("compresses its answer, though we asked for the file as it is")
            for piece in pieces(found.raw, max_bytes):
                _keep(file, piece)
            return _answer(fetch.url, found, b"", {})

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The whole answer to a POST, whatever its status; a redirect is not followed. Raises ``FetchError``."""
        headers = {"User-Agent": self._policy.user_agent, "Accept-Encoding": "gzip", **headers}
        with self._explained_fetch(url, self._policy) as fetch:
            fetch.url = checked_target(url, self._policy).url
            with closing(self._send(fetch.url, headers, body)) as found:
                policy = self._policy
                return _answer(fetch.url, found, read_body(found, policy.max_wire_bytes, policy.max_body_bytes), {})

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
                raise status_error(fetch.url, found, now)
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
                raise FetchError(fetch.url, reason_of(error, fetch, policy)) from error

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


def _keep(file: BinaryIO, piece: bytes) -> None:
    """Writes to our own disk; what fails there is no fault of the peer."""
    try:
        file.write(piece)
        file.flush()
    except OSError as error:
        with suppress(OSError):
            file.close()  # or whoever closes it later would be told once more, by what is still in its buffer
        raise StorageError(f"the file could not be kept on this node: {error}") from error
