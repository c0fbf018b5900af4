"""Reading what a node says of itself: its description, and the catalogue of its interfaces.

Runs in a sandboxed child; touches nothing. What is read here is a claim: a person compares it before it is pinned.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import urljoin

import pyoxigraph as ox

from chm_node.errors import ParseError
from chm_node.foreign import read_rdf
from chm_node.namespaces import DCAT, DCTERMS, LDES, LDES_SPECIFICATION, LDP, RDF, RECEIPTS, SEC, VOCABULARY, VOID
from chm_node.proofs import PublicKey
from chm_node.record import from_milliseconds, parse_timestamp
from chm_node.schema.field import Index
from chm_node.schema.record_type import index_triples
from chm_node.text import clean_text, host_of
from harvest.members import Answer, Member, Word
from harvest.trust import Authority, space_problem

RDF_SYNTAXES = "text/turtle, application/ld+json;q=0.9, application/n-triples;q=0.8, application/rdf+xml;q=0.7"
LINKSET = "application/linkset+json"
_RESOURCE_SYNC = "http://www.openarchives.org/rs/1.1/resourcesync"
_COUNTRIES = f"{VOCABULARY}countries/"
_N_QUADS = "https://www.iana.org/assignments/media-types/application/n-quads"
_MAX_TITLE, _MAX_TITLES = 300, 20  # characters of one, and languages
MAX_KEYS = 8  #: former keys of one node, and keys that sign requests
_ASSERTION = SEC.assertionMethod
#: Link relations that lead to a node description (RFC 8631), likeliest first.
_DESCRIBING = ("service-meta", "describedby", "service-desc", "item")


@dataclass(frozen=True)
class DumpLink:
    """Where a node says that all of its log can be had in one file."""

    address: str
    modified: datetime  #: UTC; the log timestamp it reflects


@dataclass(frozen=True)
class Description:
    """A node as it describes itself."""

    authority: Authority
    key_id: str  #: IRI of its key; empty when it has none
    feed: str
    titles: dict[str, str]
    country: str  #: such as ``DZ``; empty for a regional or global node
    members: tuple[Member, ...]  #: nodes whose records it passes on
    receipts: str = ""  #: address of what became of the records it was offered; empty when it does not say
    records: int = 0  #: how many it holds; 0 when it does not say
    dump: DumpLink | None = None
    resource_sync: str = ""  #: where its ResourceSync begins; empty when it has none
    inbox: str = ""  #: where it takes notifications; empty when it does not say
    authentication: tuple[str, ...] = ()  #: IRIs of the keys that sign its requests


def read_description(data: bytes, media_type: str, address: str) -> Description:
    """The description of the node at ``address``; raises ParseError that says what is missing."""
    index = index_triples(quad.triple for quad in read_rdf(data, media_type, address))
    node = address.partition("#")[0]
    own = index.get(node, {})
    if LDES.EventStream in _types(index):
        raise ParseError(f"{address} is a log; give the address of the node, whose description names its log")
    space = _one(own, VOID.uriSpace)
    if not space:
        raise ParseError(f"{address} describes no node: it does not state under which addresses its records lie")
    if problem := space_problem(space):
        raise ParseError(f"{address} claims the addresses under {space[:200]}, which {problem}")
    key_id, authority = _authority(node, space, index)
    feed, receipts = _service(node, index, LDES_SPECIFICATION), _service(node, index, RECEIPTS)
    inbox = _one(own, LDP.inbox)
    if host_of(feed) != host_of(node):
        raise ParseError(f"{address} names no log on its own host; without one there is nothing to harvest")
    if host_of(receipts) != host_of(node):
        receipts = ""
    return Description(
        authority,
        key_id,
        feed,
        _titles(own),
        _country(own),
        _members(own, index),
        receipts,
        _records(own),
        _dump(own, index),
        _service(node, index, _RESOURCE_SYNC),
        inbox if host_of(inbox) == host_of(node) else "",
        tuple(_iris(own.get(SEC.authenticationMethod, ()))[:MAX_KEYS]),
    )


def read_word(data: bytes, media_type: str, address: str, claim: Authority) -> Answer:
    """Whether the node's own document states these addresses, this key and these former ones; raises ParseError."""
    index = index_triples(quad.triple for quad in read_rdf(data, media_type, address))
    own = index.get(claim.node, {})
    keys = _keys(claim.node, index)
    in_use, former = {each.multikey for each in keys if each.expires is None}, {each for each in keys if each.expires}
    agrees = _one(own, VOID.uriSpace) == claim.uri_space and claim.multikey in in_use and set(claim.former) <= former
    return Answer(Word.CONFIRMED if agrees else Word.DISPUTED, _country(own))


def read_catalog(data: bytes, _media_type: str, address: str) -> list[str]:
    """Where an api-catalog (RFC 9727) says that its interfaces are described, likeliest first; raises ParseError."""
    try:
        contexts = json.loads(data)["linkset"]
        found = [
            urljoin(address, target["href"]).partition("#")[0]
            for relation in _DESCRIBING
            for context in contexts
            for target in context.get(relation, ())
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ParseError(f"{address} is no api-catalog: {error}") from error
    return list(dict.fromkeys(found))


def _types(index: Index) -> set[str]:
    return {iri for own in index.values() for iri in _iris(own.get(RDF.type, ()))}


def _authority(node: str, space: str, index: Index) -> tuple[str, Authority]:
    """What the node claims, and the IRI of its key for records (Controlled Identifiers 1.0 §2.3.2).

    The key is the first without an end; those with one are former ones.
    """
    found = _keys(node, index)
    current = next((each for each in found if each.expires is None), PublicKey("", ""))
    former = tuple(each for each in found if each.expires is not None)[:MAX_KEYS]
    return current.key_id, Authority(node, space, current.multikey, former)


def _keys(node: str, index: Index) -> list[PublicKey]:
    methods = _iris(index.get(node, {}).get(_ASSERTION, ()))
    stated = ((method, _one(index.get(method, {}), SEC.publicKeyMultibase)) for method in methods)
    # Under another host's name it could stand in a hub's description in the place of that host's own key.
    own = ((method, key) for method, key in stated if key and host_of(method) == host_of(node))
    return [PublicKey(method, key, _end(method, index)) for method, key in own]


def _end(method: str, index: Index) -> datetime | None:
    """When a key ended or will end, the earliest that is stated (Controlled Identifiers 1.0 §2.2); None for never."""
    stated = [
        each for property in (SEC.expiration, SEC.revoked) for each in index.get(method, {}).get(str(property), ())
    ]
    return min((_moment(each) for each in stated), default=None)


def _moment(node: Any) -> datetime:  # an RDF term
    """The moment; the beginning of time for what is none, so that a key with an end we cannot read signs nothing."""
    try:
        return parse_timestamp(node.value)
    except (AttributeError, ValueError, OverflowError):
        return from_milliseconds(0)


def _service(node: str, index: Index, specification: str) -> str:
    """Where the node answers by a specification; empty when it does not say."""
    for own in index.values():
        served = _iris(own.get(DCAT.servesDataset, ()))
        conforms = specification in _iris(own.get(DCTERMS.conformsTo, ()))
        if conforms and (not served or node in served) and (address := _one(own, DCAT.endpointURL)):
            return address
    return ""


def _titles(own: Any) -> dict[str, str]:
    titles = (each for each in own.get(DCTERMS.title, ()) if isinstance(each, ox.Literal))
    return {each.language or "und": clean_text(each.value)[:_MAX_TITLE] for each in islice(titles, _MAX_TITLES)}


def _country(own: Any) -> str:
    places = _iris(own.get(DCTERMS.spatial, ()))
    return next((place.removeprefix(_COUNTRIES) for place in places if place.startswith(_COUNTRIES)), "")[:64]


def _members(own: Any, index: Index) -> tuple[Member, ...]:
    members = (_member(node, index) for node in _iris(own.get(DCAT.catalog, ())))
    return tuple(each for each in members if each.authority.uri_space and each.authority.multikey)


def _member(node: str, index: Index) -> Member:
    about = index.get(node, {})
    authority = _authority(node, _one(about, VOID.uriSpace), index)[1]
    return Member(authority, _country(about), titles=_titles(about))


def _records(own: Any) -> int:
    stated = _one(own, VOID.entities)
    return int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 12 else 0


def _dump(own: Any, index: Index) -> DumpLink | None:
    """The dump in the one syntax that can be read in stretches."""
    for address in _iris(own.get(VOID.dataDump, ())):
        about = index.get(address, {})
        with suppress(ValueError, OverflowError):
            if _one(about, DCAT.mediaType) == _N_QUADS:
                return DumpLink(address, parse_timestamp(_one(about, DCTERMS.modified)))
    return None


def _one(own: Any, predicate: Any) -> str:  # an Index's properties; an rdflib IRI
    """The one value of a property; empty when there is none, or when there are several."""
    values = {each.value for each in own.get(str(predicate), ()) if isinstance(each, ox.NamedNode | ox.Literal)}
    return str(values.pop()) if len(values) == 1 else ""


def _iris(nodes: Iterable[Any]) -> list[str]:  # RDF terms
    return [node.value for node in nodes if isinstance(node, ox.NamedNode)]
