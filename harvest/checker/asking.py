"""The checker's way to a peer: through the guarded client, bounded in time, reading in a sandboxed child."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any

from chm_node.errors import FetchError, ParseError
from chm_node.http_client import Answer, HttpClient
from chm_node.text import host_of, uri_of
from harvest.page import MAX_PAGE_BYTES
from harvest.readers import Readers

#: A whole check takes at most a minute: no request or reading begins after this time, and each is cut after 20 seconds.
LAST_START_SECONDS = 40.0


@dataclass(frozen=True)
class Reply:
    """What came of one request."""

    address: str
    answer: Answer | None  #: None when there is no usable one
    status: int | None = None  #: of an answer that is none of 200 and 304
    reason: str = ""  #: why there is no usable answer

    @property
    def trouble(self) -> str:
        """The address with the reason, for a finding."""
        return f"{self.address}: {self.reason}"


class Asker:
    """Asks one peer, one request at a time."""

    def __init__(self, client: HttpClient, readers: Readers, stop: Event) -> None:
        #: Whether something was not asked or read for want of time; what follows from its absence is then no finding.
        self.cut = False
        self.host = ""  #: of the peer, once it has answered; no other is asked on its word
        self._client = client
        self._readers = readers
        self._stop = stop
        self._ends = time.monotonic() + LAST_START_SECONDS

    def get(self, address: str, accept: str, *, etag: str | None = None, last_modified: str | None = None) -> Reply:
        """The answer of the peer's own host, or why there is none."""
        if self.host and not self.is_own(address):
            return Reply(address, None, reason="lies on another host, which is not asked on this one's word")
        if self._is_over():
            return Reply(address, None, reason="was not asked, for want of time")
        try:
            answer = self._client.get(
                uri_of(address), accept=accept, etag=etag, last_modified=last_modified, max_body_bytes=MAX_PAGE_BYTES,
                same_host=bool(self.host),
            )  # fmt: skip
        except FetchError as error:
            return Reply(address, None, error.status, error.reason)
        return Reply(address, answer)

    def read(self, function: Callable[..., Any], answer: Answer, *args: Any) -> Any:  # any picklable values
        """What the function makes of the answer, in a sandboxed child; raises ParseError."""
        if self._is_over():
            raise ParseError(f"{answer.url} was not read, for want of time")
        return self._readers.run(function, answer.body, answer.media_type, answer.url, *args)

    def is_own(self, address: str) -> bool:
        host = host_of(address)
        return bool(host) and host == self.host

    def _is_over(self) -> bool:
        if self._stop.is_set() or time.monotonic() > self._ends:
            self.cut = True
            return True
        return False
