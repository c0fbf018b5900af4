"""What a feed says, whatever it is written in. Frozen values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from chm_node.namespaces import CHM
from chm_node.text import is_rtl

#: Scheme of the category that tells new, changed and withdrawn apart.
CHANGE_SCHEME = CHM.change


@dataclass(frozen=True)
class Category:
    """A term by its IRI, empty for a text that is no term, and in words; ``facet`` it belongs to."""

    facet: str
    iri: str
    label: str


@dataclass(frozen=True)
class Origin:
    """The other node a harvested record comes from."""

    iri: str
    title: str

    @property
    def feed(self) -> str:
        """Its RSS feed, where such a node has one; else the node itself."""
        return self.iri.removesuffix("node") + "feeds/all.rss" if self.iri.endswith("/node") else self.iri


@dataclass(frozen=True)
class FeedEntry:
    """One record in a feed."""

    iri: str
    page: str  #: address of its HTML page
    data: Sequence[tuple[str, str]]  #: (address, media type) of it in RDF
    title: str  #: of the record; that it was changed or withdrawn stands before it
    summary: str  #: plain text; the title again when there is none
    language: str  #: of title and summary; empty when unknown
    published: datetime  #: UTC; first published by its origin
    updated: datetime  #: UTC; last change by its origin
    change: str  #: new, changed or withdrawn
    categories: Sequence[Category]
    origin: Origin | None = None  #: None for this node's own records
    remark: str = ""  #: why it was withdrawn, or what changed; empty when its owner does not say
    remark_language: str = ""
    starts: str = ""  #: ISO 8601, of an event
    ends: str = ""
    event: str = ""  #: what kind of event it is, in words; empty for what is none
    places: Sequence[str] = ()
    organisers: Sequence[str] = ()
    path: Sequence[Origin] = ()  #: the nodes it passed before this one, its origin first

    @property
    def body(self) -> str:
        """Remark and summary as HTML that runs the right way wherever it is shown."""
        remark = _paragraphs(self.remark, _direction(self.remark_language))
        return f"<div{_direction(self.language)}>{remark}{_paragraphs(self.summary)}</div>"

    @property
    def text(self) -> str:
        """Remark and summary as plain text."""
        return f"{self.remark}\n{self.summary}" if self.remark else self.summary

    @property
    def event_facts(self) -> Sequence[tuple[str, str]]:
        """(name, text) of what the module ev of RSS says of an event."""
        facts = (
            ("startdate", self.starts),
            ("enddate", self.ends),
            ("location", "; ".join(self.places)),
            ("organizer", "; ".join(self.organisers)),
            ("type", self.event),
        )
        return [(name, text) for name, text in facts if text]

    @property
    def withdrawn(self) -> bool:
        return self.change == "withdrawn"


@dataclass(frozen=True)
class Feed:
    """A stretch of a listing as a feed, newest first."""

    address: str  #: its own; also its id
    page: str  #: address of the same listing in HTML
    page_language: str  #: of this page and of those of the entries
    title: str
    language: str
    updated: datetime  #: UTC; of the newest entry, never the clock's
    node: str  #: IRI of the node that writes it
    publisher: str
    entries: Sequence[FeedEntry]
    first: str = ""  #: address of the newest stretch (RFC 5005 §3)
    previous: str = ""  #: of the newer one
    next: str = ""  #: of the older one
    hub: str = ""  #: of the WebSub hub that tells of its changes; empty for what is no newest stretch

    @property
    def paging(self) -> Sequence[tuple[str, str]]:
        """(relation, address) of the neighbouring stretches."""
        links = (("first", self.first), ("previous", self.previous), ("next", self.next))
        return [(relation, address) for relation, address in links if address]


def _paragraphs(text: str, attributes: str = "") -> str:
    return "".join(f"<p{attributes}>{escape(part, quote=False)}</p>" for part in text.split("\n") if part.strip())


def _direction(language: str) -> str:
    """The attributes ``lang`` and ``dir`` of a text."""
    if not language:
        return ' dir="auto"'
    return f' lang="{escape(language)}" dir="{"rtl" if is_rtl(language) else "ltr"}"'
