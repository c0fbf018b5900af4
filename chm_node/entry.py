"""What a listing, a feed and the search index show of a record, read off its graph by meaning.

``dcterms:title`` is the title, ``dcterms:description`` the summary, a field with a ``facet`` feeds
that filter: nothing to declare twice, and a record of a type we do not know still has an entry.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox

from chm_node.namespaces import (
    ADMS,
    AS,
    DCAT,
    DCTERMS,
    FOAF,
    NON_PUBLIC,
    SDO,
    SKOS,
    VOCABULARY,
)
from chm_node.record import Entry, Tombstone
from chm_node.schema.field import Index
from chm_node.schema.record_type import RecordType, index_triples
from chm_node.search.analyser import document_text
from chm_node.search.terms import term_token
from chm_node.text import clean_text, primary_language

#: Predicates of names and titles, weighted above the rest by the search index.
_TITLES = (DCTERMS.title, SKOS.altLabel, DCTERMS.identifier)
_TITLE, _DESCRIPTION = DCTERMS.title, DCTERMS.description
_STARTS = (SDO.startDate, DCAT.startDate, DCTERMS.date)
_ENDS = (SDO.endDate, DCAT.endDate)
#: A longer one is no date.
DATE_LETTERS = 40
#: Places and organisers that a feed names of one event.
MOST_NAMED = 10
_DATE = re.compile(r"-?\d{4}")
_NAMES = frozenset((FOAF.name, SDO.name, SDO.addressLocality))


def entry(iri: str, graph: Index | Iterable[ox.Triple], record_type: RecordType) -> Entry:
    """The entry of the record graph's main resource."""
    index = graph if isinstance(graph, Mapping) else index_triples(graph)
    own = index.get(iri, {})
    titles = _texts(own.get(_TITLE, ()))
    return Entry(
        type=record_type.name,
        titles=titles,
        summaries=_texts(own.get(_DESCRIPTION, ())),
        facets=tuple(dict.fromkeys(_facets(own, record_type, titles))),
        starts=_first_date(own, _STARTS),
        ends=_first_date(own, _ENDS),
        search_title=document_text(_words(own, _TITLES)),
        search_body=" ".join([document_text(_body(iri, index)), *_term_tokens(own)]),
    )


def tombstone(iri: str, graph: Index) -> Tombstone:
    """What is stated of a withdrawn record, and what it was."""
    own = graph.get(iri, {})
    return Tombstone(
        iri,
        former_type=_first_iri(own, AS.formerType).removeprefix(f"{VOCABULARY}record-types/"),
        reason=_texts(own.get(DCTERMS.description, ())),
        replaced_by=_first_iri(own, DCTERMS.isReplacedBy) or None,
        erased=_first_iri(own, DCTERMS.accessRights) == NON_PUBLIC,
    )


def change_note(iri: str, graph: Index) -> dict[str, str]:
    """What its owner says of the newest change of a record, by language."""
    return _texts(graph.get(iri, {}).get(ADMS.versionNotes, ()))


@dataclass(frozen=True)
class Place:
    """Where something happens."""

    names: Mapping[str, str]  #: language to text
    town: str = ""
    term: str = ""  #: IRI of a country or region


@dataclass(frozen=True)
class Happening:
    """Where an event happens and who organises it."""

    places: Sequence[Place]
    organisers: Sequence[str | Mapping[str, str]]  #: IRI of a record, or a name by language


def happening(iri: str, graph: Index) -> Happening:
    """What is stated of a record as an event."""
    own = graph.get(iri, {})
    places, organisers = own.get(SDO.location, ())[:MOST_NAMED], own.get(SDO.organizer, ())[:MOST_NAMED]
    return Happening([_place(iri, node, graph) for node in places], [_organiser(node, graph) for node in organisers])


def _place(iri: str, node: Any, graph: Index) -> Place:
    parts = graph.get(node.value, {})
    if isinstance(node, ox.Literal):
        return Place(_texts([node]))
    if not parts:  # a part of the record of which nothing is stated is no place
        return Place({}, term="" if node.value.startswith(f"{iri}#") else node.value)
    town = next(iter(_texts(parts.get(SDO.addressLocality, ())).values()), "")
    term = _first_iri(parts, SDO.addressCountry) or _first_iri(parts, SDO.containedInPlace)
    return Place(_texts(parts.get(SDO.name, ())), town, term)


def _organiser(node: Any, graph: Index) -> str | Mapping[str, str]:
    names = _texts([node] if isinstance(node, ox.Literal) else graph.get(node.value, {}).get(FOAF.name, ()))
    return names or clean_text(node.value)


def _texts(nodes: Sequence[Any]) -> dict[str, str]:
    # Cleaned, as every output can carry them; the signed bytes stay what they are.
    return {node.language or "und": clean_text(node.value) for node in nodes if isinstance(node, ox.Literal)}


def _first_iri(own: Any, predicate: str) -> str:
    return next((node.value for node in own.get(predicate, ()) if isinstance(node, ox.NamedNode)), "")


def _facets(own: Any, record_type: RecordType, titles: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield "type", record_type.name
    for predicate, facet, value_of in record_type.facets:
        for node in own.get(predicate, ()):
            if value := value_of(node):
                yield facet, value
    # A reader who asks for Arabic wants what can be read in Arabic, stated or not.
    for tag in titles:
        if language := primary_language(tag):
            yield "language", language


def _first_date(own: Any, predicates: Sequence[str]) -> str:
    """The first literal that begins like a date; a listing has no use for another."""
    found = (node.value for predicate in predicates for node in own.get(predicate, ()) if isinstance(node, ox.Literal))
    return next((text for text in found if _DATE.match(text) and len(text) <= DATE_LETTERS), "")


def _words(own: Any, predicates: Sequence[str]) -> list[tuple[str, str]]:
    nodes = (node for predicate in predicates for node in own.get(predicate, ()))
    return [(node.value, node.language or "") for node in nodes if isinstance(node, ox.Literal)]


def _body(iri: str, index: Index) -> Iterator[tuple[str, str]]:
    """Texts in a language anywhere in the graph, and names; not the numbers, dates and codes."""
    for subject, properties in index.items():
        titles = _TITLES if subject == iri else ()
        for predicate, nodes in properties.items():
            if predicate in titles:
                continue
            for node in nodes:
                if isinstance(node, ox.Literal) and ((language := node.language) or predicate in _NAMES):
                    yield node.value, language or ""


def _term_tokens(own: Any) -> Iterator[str]:
    for nodes in own.values():
        for node in nodes:
            if isinstance(node, ox.NamedNode) and node.value.startswith(VOCABULARY):
                yield term_token(node.value)
