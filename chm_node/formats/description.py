"""What a node says of itself: DCAT catalogue, VoID data set, controlled identifier document (profile, section 4.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyoxigraph as ox

from chm_node.formats import resourcesync
from chm_node.formats.statements import Object, classes, statements
from chm_node.namespaces import (
    ADMS,
    CHM,
    DCAT,
    DCTERMS,
    FOAF,
    LANGUAGE,
    LDES_SPECIFICATION,
    LDN_SPECIFICATION,
    LDP,
    PROFILE,
    RECEIPTS,
    SEC,
    SKOS,
    VOCABULARY,
    VOID,
)
from chm_node.proofs import PublicKey
from chm_node.settings import Settings

#: How often the catalogue changes (EU authority table, DCAT-AP 3): whenever somebody publishes, or by itself.
_IRREGULAR = "http://publications.europa.eu/resource/authority/frequency/IRREG"
_CONTINUOUS = "http://publications.europa.eu/resource/authority/frequency/CONT"
_WITHDRAWN = "http://purl.org/adms/status/Withdrawn"
_MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"


@dataclass(frozen=True)
class Interface:
    """One way to read this node, as a client of a standard finds it."""

    name: str
    title: str
    path: str
    media_type: str
    conforms_to: Sequence[str]


INTERFACES = (
    Interface("ldes", "Change log", "feed", "application/trig", (LDES_SPECIFICATION, str(PROFILE))),
    Interface(
        "dcat",
        "Catalogue of all records, page by page",
        "catalogue",
        "text/turtle",
        ("https://www.w3.org/TR/vocab-dcat-3/", "http://www.w3.org/ns/hydra/core"),
    ),
    Interface(
        "rss", "RSS 2.0", "feeds/all.rss", "application/rss+xml", ("https://www.rssboard.org/rss-specification",)
    ),
    Interface("rss1", "RSS 1.0", "feeds/all.rdf", "application/rdf+xml", ("http://purl.org/rss/1.0/spec",)),
    Interface("atom", "Atom", "feeds/all.atom", "application/atom+xml", ("https://www.rfc-editor.org/info/rfc4287",)),
    Interface(
        "json-feed", "JSON Feed", "feeds/all.json", "application/feed+json", ("https://jsonfeed.org/version/1.1",)
    ),
    Interface("inbox", "Inbox for notifications", "inbox", "application/ld+json", (LDN_SPECIFICATION,)),
    Interface("receipts", "What became of each record of a peer", "receipts", "application/json", (RECEIPTS,)),
    Interface(
        "resourcesync",
        "ResourceSync",
        ".well-known/resourcesync",
        resourcesync.MEDIA_TYPE,
        (resourcesync.SPECIFICATION,),
    ),
    Interface(
        "websub",
        "WebSub hub: tells of changes of the log and the feeds",
        "hub",
        "application/x-www-form-urlencoded",
        ("https://www.w3.org/TR/websub/",),
    ),
)

_SPARQL = Interface(
    "sparql",
    "Queries (SPARQL 1.1), reading only",
    "sparql",
    "application/sparql-results+json",
    ("https://www.w3.org/TR/sparql11-protocol/", "https://www.w3.org/TR/sparql11-query/"),
)


def interfaces(settings: Settings) -> tuple[Interface, ...]:
    """The interfaces that this node offers."""
    return INTERFACES if settings.sparql == "off" else (*INTERFACES, _SPARQL)


@dataclass(frozen=True)
class Peer:
    """A node whose records are harvested here, as it is vouched for to further hubs."""

    node: str
    uri_space: str
    key_id: str
    multikey: str
    feed: str
    titles: Mapping[str, str]
    country: str
    last_success: datetime | None
    records: int  #: live ones that are held here
    former: Sequence[PublicKey] = ()  #: keys it signed with before
    withdrawn: bool = False  #: it left; its records are kept and no longer asked for


@dataclass(frozen=True)
class Download:
    """A dump, with which a first harvest may begin."""

    path: str
    media_type: str  #: of what is compressed
    modified: datetime  #: UTC; the log timestamp it reflects
    bytes: int


def node_description(
    settings: Settings,
    descriptions: Mapping[str, str],
    keys: Sequence[PublicKey],
    peers: Sequence[Peer],
    records: int,
    downloads: Sequence[Download] = (),
) -> list[ox.Triple]:
    """The node, its keys (the one in use first), its dumps, its interfaces and the nodes it harvests."""
    return [
        *_node(settings, descriptions, records, _CONTINUOUS if peers else _IRREGULAR),
        *(triple for download in downloads for triple in _download(settings, download)),
        *(triple for key in keys for triple in _key(settings.node_iri, key)),
        *statements(settings.node_iri, [(SEC.authenticationMethod, keys[0].key_id)]),
        *(triple for interface in interfaces(settings) for triple in _service(settings, interface)),
        *(triple for number, peer in enumerate(peers, start=1) for triple in _peer(settings, number, peer)),
    ]


def _node(settings: Settings, descriptions: Mapping[str, str], records: int, frequency: str) -> list[ox.Triple]:
    node, base = settings.node_iri, settings.base_url
    publisher = f"{node}#publisher"
    name = {"und": settings.publisher} if settings.publisher else settings.titles
    mail = f"mailto:{settings.contact}" if settings.contact else ""
    return [
        *classes(node, DCAT.Catalog, VOID.Dataset),
        *statements(
            node,
            [
                (DCTERMS.title, settings.titles),
                (DCTERMS.description, descriptions),
                (DCTERMS.publisher, publisher),
                (DCTERMS.license, settings.licence),
                (DCTERMS.conformsTo, PROFILE),
                (DCTERMS.spatial, _place(settings.country)),
                *((DCTERMS.language, f"{LANGUAGE}{language}") for language in settings.languages),
                (DCTERMS.accrualPeriodicity, frequency),
                (FOAF.homepage, base),
                (VOID.uriSpace, ox.Literal(settings.uri_space)),
                (VOID.entities, records),
                *((VOID.vocabulary, str(each)) for each in (CHM, DCTERMS, DCAT, SKOS)),
                *((DCAT.service, f"{node}#{interface.name}") for interface in interfaces(settings)),
                (LDP.inbox, f"{base}inbox"),
                (VOID.sparqlEndpoint, f"{base}sparql" if settings.sparql != "off" else ""),
            ],
        ),
        *classes(publisher, FOAF.Agent),
        *statements(publisher, [(FOAF.name, name), (FOAF.mbox, mail)]),
    ]


def _place(country: str) -> str:
    return f"{VOCABULARY}countries/{country}" if country else ""


def _key(controller: str, key: PublicKey) -> list[ox.Triple]:
    multibase = ox.Literal(key.multikey, datatype=ox.NamedNode(SEC.multibase))
    ends = [(SEC.expiration, key.expires)] if key.expires else []
    return [
        *classes(key.key_id, SEC.Multikey),
        *statements(controller, [(SEC.assertionMethod, key.key_id)]),
        *statements(key.key_id, [(SEC.controller, controller), (SEC.publicKeyMultibase, multibase), *ends]),
    ]


def _download(settings: Settings, download: Download) -> list[ox.Triple]:
    address = settings.base_url + download.path
    facts: list[tuple[str, Object]] = [
        (DCTERMS.modified, download.modified),
        (DCAT.byteSize, download.bytes),
        (DCAT.mediaType, f"{_MEDIA_TYPES}{download.media_type}"),
        (DCAT.compressFormat, f"{_MEDIA_TYPES}application/gzip"),
    ]
    return [
        *statements(settings.node_iri, [(VOID.dataDump, address)]),
        *classes(address, DCAT.Distribution),
        *statements(address, facts),
    ]


def _service(settings: Settings, interface: Interface) -> list[ox.Triple]:
    service = f"{settings.node_iri}#{interface.name}"
    return [
        *classes(service, DCAT.DataService),
        *statements(
            service,
            [
                (DCTERMS.title, {"en": interface.title}),
                (DCAT.endpointURL, settings.base_url + interface.path),
                (DCAT.servesDataset, settings.node_iri),
                (DCTERMS["format"], f"{_MEDIA_TYPES}{interface.media_type}"),
                *((DCTERMS.conformsTo, specification) for specification in interface.conforms_to),
            ],
        ),
    ]


def _peer(settings: Settings, number: int, peer: Peer) -> list[ox.Triple]:
    node, entry = settings.node_iri, f"{settings.node_iri}#peer-{number}"
    facts = [(FOAF.primaryTopic, peer.node), (DCTERMS.source, peer.feed)]
    facts += [(ADMS.status, _WITHDRAWN)] if peer.withdrawn else []
    keys = [PublicKey(peer.key_id, peer.multikey)] if peer.multikey and peer.key_id else []
    seen = statements(entry, [(DCTERMS.modified, peer.last_success)] if peer.last_success else [])
    return [
        *statements(node, [(DCAT.catalog, peer.node), (DCAT.record, entry)]),
        *classes(entry, DCAT.CatalogRecord),
        *statements(entry, facts),
        *seen,
        *classes(peer.node, DCAT.Catalog),
        *statements(
            peer.node,
            [
                (DCTERMS.title, peer.titles),
                (DCTERMS.spatial, _place(peer.country)),
                (VOID.entities, peer.records),
                (VOID.uriSpace, ox.Literal(peer.uri_space)),
            ],
        ),
        *(triple for key in (*keys, *peer.former) for triple in _key(peer.node, key)),
    ]
