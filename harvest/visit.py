"""What a run may do towards its peer: ask for documents, politely, and have them read in a sandboxed child."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, BinaryIO

from chm_node.http_client import Answer, HttpClient
from chm_node.text import host_of
from harvest.readers import Readers

#: N-Quads first: it needs the least time on either side, and keeps the owner's canonical lines together.
RDF = "application/n-quads, application/trig;q=0.9, application/ld+json;q=0.8, text/turtle;q=0.7, */*;q=0.1"
GONE = 410
#: A page above ``harvest.page.MAX_PAGE_BYTES`` is refused as that page; what is larger still is not read to its end.
_MAX_BODY_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Seen:
    """What was last seen of a page that may still change, or that was read to its end."""

    etag: str
    digest: str  #: SHA-256 of media type and bytes, for peers without conditional requests
    closed: bool = False


@dataclass(frozen=True)
class Document:
    """One document of a peer, as it came."""

    address: str  #: as asked for
    url: str  #: after redirects
    data: bytes
    media_type: str
    seen: Seen
    #: Leads to other pages: remembered only when all of those were read, or one could be missed for ever.
    branch: bool = False
    gone: bool = False  #: the peer says that what was here is gone for good

    def without_data(self) -> "Document":
        """The same document without its bytes, to be kept while those are read."""
        return replace(self, data=b"")


@dataclass
class Cost:
    """What a run has asked its peer for."""

    requests: int = 0
    bytes: int = 0  #: as decompressed


class Visit:
    """One run's way to its peer; counts what it costs."""

    def __init__(self, client: HttpClient, readers: Readers, frontier: Mapping[str, Seen], root: str) -> None:
        self.frontier = dict(frontier)  #: by page address
        self.cost = Cost()
        self.announced: dict[str, list[str]] = {}  #: what the Link headers of the log's root name, by relation
        self._client = client
        self._readers = readers
        self._root = root
        self._asked: set[str] = set()

    def get(
        self, address: str, accept: str = RDF, max_bytes: int = _MAX_BODY_BYTES, *, gone: bool = False
    ) -> Document | None:
        """The document; None when it is what it was when last seen, by the peer's word or byte for byte.

        ``gone`` asks for what is said of a withdrawn record too. Raises FetchError.
        """
        seen = self.frontier.get(address)
        self._asked.add(address)
        self.cost.requests += 1
        answer = self._client.get(
            address, accept=accept, etag=(seen.etag or None) if seen else None, max_body_bytes=max_bytes,
            same_host=True, accepted=(200, GONE) if gone else (200,),
        )  # fmt: skip
        if address == self._root:
            self.announced = answer.links
        if answer.not_modified:
            return None
        self.cost.bytes += len(answer.body)
        # With the type: bytes that were refused under a wrong one are read when they come under the right one.
        digest = hashlib.sha256(answer.media_type.encode() + b"\n")
        digest.update(answer.body)
        if seen and seen.digest == digest.hexdigest():
            return None
        fresh = Seen(answer.etag or "", digest.hexdigest())
        return Document(address, answer.url, answer.body, answer.media_type, fresh, gone=answer.status == GONE)

    def save(self, address: str, file: BinaryIO, accept: str, max_bytes: int, deadline: timedelta) -> Answer:
        """Write a whole file of the peer's into ``file``.

        Raises FetchError, or StorageError when the file cannot be kept here.
        """
        self.cost.requests += 1
        answer = self._client.save(address, file, accept=accept, max_bytes=max_bytes, deadline=deadline, same_host=True)
        self.cost.bytes += file.tell()
        return answer

    def read(self, function: Callable[..., Any], document: Document, *args: Any) -> Any:  # any picklable values
        """What the function makes of the document, in a sandboxed child; raises ParseError."""
        return self._readers.run(function, document.data, document.media_type, document.url, *args)

    def is_own(self, address: str) -> bool:
        """Whether the address is on the peer's own host; no other is asked on its word."""
        host = host_of(address)
        return bool(host) and host == host_of(self._root)

    def elsewhere(self, address: str) -> "Visit":
        """The way to the host of another address; what is asked there counts here."""
        other = Visit(self._client, self._readers, {}, address)
        other.cost = self.cost
        return other

    def unasked(self) -> list[str]:
        """Open pages that nothing led to this time."""
        return [page for page, seen in self.frontier.items() if not seen.closed and page not in self._asked]
