"""What a description, a log and a record say, as facts to be judged. Runs in a sandboxed child; touches nothing."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import pyoxigraph as ox

from chm_node.canonical import canonical_bytes, canonical_lines, digest
from chm_node.errors import ParseError
from chm_node.foreign import read_rdf
from chm_node.namespaces import AS, DCAT, DCTERMS, LDES, LDES_SPECIFICATION, PROV, RDF, SEC, TREE, VOID
from chm_node.record import parse_timestamp
from chm_node.schema.field import Index
from chm_node.schema.record_type import index_triples
from chm_node.text import host_of
from harvest.checker.feeds import FEED_TYPES
from harvest.page import Relation, read_relations

_PATHS = (
    LDES.timestampPath, LDES.versionOfPath, LDES.versionTimestampPath,
    LDES.versionCreateObject, LDES.versionUpdateObject, LDES.versionDeleteObject,
)  # fmt: skip
#: What the profile says that each path and class of a stream is (section 4.4).
PROFILE_PATHS = dict(
    zip(
        (path.rpartition("#")[2] for path in _PATHS),
        (AS.published, AS.object, PROV.generatedAtTime, AS.Create, AS.Update, AS.Delete),
        strict=True,
    )
)
_MAX_FOUND = 20


@dataclass(frozen=True)
class Described:
    """A description of a node, good or bad."""

    address: str  #: where it was found
    node: str  #: what claims a URI space in it
    spaces: tuple[str, ...]
    titles: tuple[str, ...]  #: the languages of its titles
    languages: tuple[str, ...]  #: that it says it publishes in, as two letters
    licensed: bool
    key_id: str
    multikeys: tuple[str, ...]
    interfaces: tuple[str, ...]  #: their addresses
    logs: tuple[str, ...]  #: those that are event streams


@dataclass(frozen=True)
class Stream:
    """A document that may be the root of an event stream."""

    streams: tuple[str, ...]
    viewed: bool  #: tree:view leads to the document itself
    paths: dict[str, str]  #: by the local name of the property
    relations: tuple[Relation, ...]


@dataclass(frozen=True)
class Member:
    """One entry of a log."""

    activity: str
    record: str
    withdraws: bool
    published: datetime | None


@dataclass(frozen=True)
class LogPage:
    """One page of a log."""

    address: str
    members: tuple[Member, ...]
    closed: bool  #: says ldes:immutable
    relations: tuple[Relation, ...]


def describe(data: bytes, media_type: str, address: str) -> Described | None:
    """What the document says of a node; None when it describes none. Raises ParseError."""
    index = _index(data, media_type, address)
    node = _node(address.partition("#")[0], index)
    if not node:
        return None
    own = index.get(node, {})
    ended = {SEC.expiration, SEC.revoked}  # of a key that signed before
    keys = [each for each in _values(own, SEC.assertionMethod) if ended.isdisjoint(index.get(each, {}))]
    key_id = next(iter(keys), "")
    services = {url: each for each in index.values() for url in _values(each, DCAT.endpointURL)}
    return Described(
        address=address,
        node=node,
        spaces=tuple(_values(own, VOID.uriSpace)),
        titles=tuple(each.language or "" for each in own.get(DCTERMS.title, ()) if isinstance(each, ox.Literal)),
        languages=tuple(each.rpartition("/")[2].lower() for each in _values(own, DCTERMS.language)),
        licensed=bool(own.get(DCTERMS.license)),
        key_id=key_id,
        multikeys=tuple(_values(index.get(key_id, {}), SEC.publicKeyMultibase)),
        interfaces=tuple(services)[:_MAX_FOUND],
        logs=tuple(url for url, each in services.items() if LDES_SPECIFICATION in _values(each, DCTERMS.conformsTo)),
    )


def read_stream(data: bytes, media_type: str, address: str) -> Stream:
    """What the document says of an event stream. Raises ParseError."""
    index = _index(data, media_type, address)
    streams = {iri: own for iri, own in index.items() if LDES.EventStream in _values(own, RDF.type)}
    facts: Any = next(iter(streams.values()), {})
    return Stream(
        streams=tuple(streams),
        viewed=address in _values(facts, TREE.view) or address in streams,
        paths={str(path).rpartition("#")[2]: ", ".join(_values(facts, path)) for path in _PATHS},
        relations=tuple(read_relations(data, media_type, address)),
    )


def read_log_page(data: bytes, media_type: str, address: str, timestamp_path: str) -> LogPage:
    """The entries of a page; ``timestamp_path`` is where its stream has their times. Raises ParseError."""
    index = _index(data, media_type, address)
    named = dict.fromkeys(iri for own in index.values() for iri in _values(own, TREE.member))
    # What the stream itself answers holds no entries; its view does.
    views = [Relation(each) for each in _values(index.get(address, {}), TREE.view) if each != address]
    return LogPage(
        address=address,
        members=tuple(_member(iri, index.get(iri, {}), timestamp_path) for iri in named),
        closed="true" in _values(index.get(address, {}), LDES.immutable),
        relations=(*views, *read_relations(data, media_type, address)),
    )


def record_digest(data: bytes, media_type: str, address: str, iri: str) -> str:
    """The hash of the record's own statements, in whatever graph; a proof is none of them. Raises ParseError."""
    triples = [quad.triple for quad in read_rdf(data, media_type, address)]
    own = [each for each in triples if str(each.subject).strip("<>").partition("#")[0] == iri]
    return digest(canonical_bytes(canonical_lines(own)))


def catalogued_feeds(data: bytes, _media_type: str, address: str) -> list[str]:
    """The feeds that an api-catalog (RFC 9727) lists. Raises ParseError."""
    try:
        items = [item for context in json.loads(data)["linkset"] for item in context.get("item", ())]
        found = [urljoin(address, item["href"]) for item in items if item.get("type") in FEED_TYPES]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ParseError(f"{address} is no api-catalog: {error}") from error
    return list(dict.fromkeys(found))[:_MAX_FOUND]


def linked_feeds(data: bytes, _media_type: str, address: str) -> list[str]:
    """The feeds that an HTML page links to with rel="alternate"."""
    links = _Links()
    with suppress(AssertionError):  # how the parser of the standard library refuses some declarations
        links.feed(data.decode("utf-8", "replace"))
    base = _joined(address, links.base) or address
    found = [_joined(base, href) for href in links.hrefs]
    return list(dict.fromkeys(filter(None, found)))[:_MAX_FOUND]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        if tag == "base":
            self.base = self.base or own.get("href", "")
        kind = own.get("type", "").partition(";")[0].strip().lower()
        if tag in ("link", "a") and "alternate" in own.get("rel", "").lower().split() and kind in FEED_TYPES:
            self.hrefs.append(own.get("href", ""))


def _joined(address: str, href: str) -> str:
    try:
        return urljoin(address, href) if href else ""
    except ValueError:
        return ""


def _index(data: bytes, media_type: str, address: str) -> Index:
    quads = read_rdf(data, media_type, address)
    return index_triples(quad.triple for quad in quads if isinstance(quad.graph_name, ox.DefaultGraph))


def _node(address: str, index: Index) -> str:
    """The node that is described: the document itself, else what claims a URI space or is a catalogue on its host."""
    claims = [iri for iri, own in index.items() if own.get(VOID.uriSpace)]
    catalogues = [iri for iri, own in index.items() if DCAT.Catalog in _values(own, RDF.type)]
    candidates = [iri for iri in (*claims, *catalogues) if host_of(iri) == host_of(address)]
    return address if address in candidates else next(iter(candidates), "")


def _member(activity: str, own: Any, timestamp_path: str) -> Member:  # an Index's properties
    moments = own.get(timestamp_path, ())
    kinds = _values(own, RDF.type)
    published = _moment(moments[0]) if len(moments) == 1 else None
    return Member(activity, next(iter(_values(own, AS.object)), ""), AS.Delete in kinds, published)


def _moment(node: Any) -> datetime | None:  # an RDF term
    try:
        return parse_timestamp(node.value)
    except (ValueError, OverflowError, AttributeError):
        return None


def _values(own: Any, predicate: Any) -> Sequence[str]:  # an Index's properties; an rdflib IRI
    terms: Iterable[Any] = own.get(str(predicate), ())
    return [each.value for each in terms if isinstance(each, ox.NamedNode | ox.Literal)]
