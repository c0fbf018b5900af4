"""What a node states of each version of a record, and of a withdrawn one. Pure."""

from datetime import datetime

import pyoxigraph as ox

from chm_node.canonical import canonical_lines
from chm_node.namespaces import ADMS, AS, DCAT, DCTERMS, FOAF, NON_PUBLIC, PROFILE, PROV, RDF
from chm_node.record import Tombstone, timestamp
from chm_node.record_types import RECORD_TYPES
from chm_node.settings import Settings


def tombstone_triples(tombstone: Tombstone, deleted: datetime) -> list[ox.Triple]:
    """What is stated of a withdrawn record (ActivityStreams 2.0 §3.3)."""
    node = ox.NamedNode(tombstone.iri)
    known = RECORD_TYPES.get(tombstone.former_type)
    triples = [
        ox.Triple(node, ox.NamedNode(RDF.type), ox.NamedNode(AS.Tombstone)),
        ox.Triple(node, ox.NamedNode(AS.deleted), _moment(deleted)),
    ]
    if known is not None:
        triples.append(ox.Triple(node, ox.NamedNode(AS.formerType), ox.NamedNode(known.term)))
    if tombstone.replaced_by:
        triples.append(ox.Triple(node, ox.NamedNode(DCTERMS.isReplacedBy), ox.NamedNode(tombstone.replaced_by)))
    if tombstone.erased:
        triples.append(ox.Triple(node, ox.NamedNode(DCTERMS.accessRights), ox.NamedNode(NON_PUBLIC)))
    for language, reason in tombstone.reason.items():
        triples.append(ox.Triple(node, ox.NamedNode(DCTERMS.description), ox.Literal(reason, language=language)))
    return triples


def tombstone_lines(tombstone: Tombstone, settings: Settings, version: datetime, issued: datetime) -> list[str]:
    """The record graph of a withdrawn record."""
    triples = tombstone_triples(tombstone, version)
    return [*canonical_lines(triples), *meta_lines(tombstone.iri, settings, version, issued)]


def meta_lines(iri: str, settings: Settings, version: datetime, issued: datetime) -> list[str]:
    """The record's ``dcat:CatalogRecord``: who speaks for it, which version this is, under which terms."""
    node = ox.NamedNode(f"{iri}#meta")
    facts: tuple[ox.NamedNode | ox.Literal, ...] = (
        ox.NamedNode(iri),
        ox.Literal(iri),
        _moment(issued),
        _moment(version),
        ox.NamedNode(settings.node_iri),
        ox.NamedNode(settings.metadata_licence),
    )
    varying = [ox.Triple(node, predicate, fact) for predicate, fact in zip(_META_PREDICATES, facts, strict=True)]
    constant = [ox.Triple(node, predicate, fact) for predicate, fact in _META_FACTS]
    return canonical_lines([*varying, *constant])


_META_PREDICATES = tuple(
    ox.NamedNode(each)
    for each in (
        FOAF.primaryTopic,
        DCTERMS.identifier,
        DCTERMS.issued,
        DCTERMS.modified,
        PROV.wasAttributedTo,
        DCTERMS.license,
    )
)
_META_FACTS = (
    (ox.NamedNode(RDF.type), ox.NamedNode(DCAT.CatalogRecord)),
    (ox.NamedNode(DCTERMS.conformsTo), ox.NamedNode(PROFILE)),
    (ox.NamedNode(ADMS.status), ox.NamedNode("http://purl.org/adms/status/Completed")),
)
_XSD_DATE_TIME = ox.NamedNode("http://www.w3.org/2001/XMLSchema#dateTime")


def _moment(moment: datetime) -> ox.Literal:
    return ox.Literal(timestamp(moment), datatype=_XSD_DATE_TIME)
