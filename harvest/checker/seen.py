"""What the checker saw of a peer, for ``judging``. Frozen values."""

from collections.abc import Sequence
from dataclasses import dataclass

from chm_node.http_client import Answer
from harvest.checker.asking import Reply
from harvest.checker.feeds import Feed
from harvest.checker.reading import Described, LogPage, Stream
from harvest.page import Relation
from harvest.plan import Judged


@dataclass(frozen=True)
class DescriptionSeen:
    """Where a description was looked for, and what it says."""

    catalog: str  #: what is wrong with the api-catalog; empty when nothing
    void: Reply
    described: Described | None
    tried: tuple[str, ...] = ()  #: places without a description, with the reason
    unreadable: tuple[str, ...] = ()  #: descriptions that are not well-formed RDF
    interfaces: tuple[Reply, ...] = ()
    answer: Answer | None = None  #: the description as it came

    @property
    def is_absent(self) -> bool:
        """Nothing was found, not even one that cannot be read."""
        return self.described is None and not self.unreadable


@dataclass(frozen=True)
class PageSeen:
    """One page of a log, the root included."""

    relation: Relation  #: as the page before states it
    page: LogPage | None
    trouble: str = ""  #: why there is no page
    immutable: bool = False  #: by its Cache-Control
    led_from: tuple[str, ...] = ()  #: the pages on the way to it, root first
    answer: Answer | None = None  #: the page as it came


@dataclass(frozen=True)
class LogSeen:
    """A log, and a sample of its pages."""

    address: str  #: empty when none is named
    stream: Stream | None
    trouble: str = ""  #: why the root cannot be read
    pages: tuple[PageSeen, ...] = ()


@dataclass(frozen=True)
class RecordSeen:
    """A record at its own address."""

    iri: str
    refused: tuple[str, ...]  #: syntaxes it does not come in, with the reason
    different: tuple[str, ...]  #: syntaxes in which it is not what the log carries


@dataclass(frozen=True)
class RecordsSeen:
    """A sample of the records of a log."""

    signed: bool  #: the node states a key
    judged: Sequence[Judged] = ()
    dereferenced: Sequence[RecordSeen] = ()
    withdrawn: Sequence[Reply] = ()  #: at the addresses of withdrawn records


@dataclass(frozen=True)
class Cached:
    """How a document is kept up to date by those who have it."""

    address: str
    is_feed: bool
    etag: bool
    last_modified: bool
    not_modified: bool  #: asked again, it answered 304
    compressed: bool
    size: int  #: bytes, decompressed


@dataclass(frozen=True)
class FeedSeen:
    """A feed, fetched twice."""

    address: str
    feed: Feed | None
    trouble: str = ""  #: why it cannot be read
    changed_ids: bool = False  #: entries with other ids at the second fetch
    announced: bool = True  #: by a link or a catalogue, not only guessed
