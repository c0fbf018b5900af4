"""The page of one record: every field by its label, what the declaration does not know, and where it comes from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox
from sqlalchemy import Connection

from chm_node.canonical import read_triples
from chm_node.catalogue import Catalogue, ChangeLog, Held
from chm_node.entry import tombstone
from chm_node.namespaces import AS, DCTERMS, RDF
from chm_node.record_types import type_of
from chm_node.schema import Agent, Field, RecordReference
from chm_node.schema.record_type import index_triples
from chm_node.web import Site
from chm_node.web.entries import Origins, address_of
from chm_node.web.labels import Reader, Words, paragraphs
from chm_node.web.languages import NAMES, direction, own_name
from chm_node.web.negotiation import GRAPHS, JSON, TRIG

#: Fields with a place of their own on the page.
_PLACED = frozenset({"title", "summary", "text", "files", "statements", "licence"})
#: References looked up for one page; what is beyond is shown by its IRI.
_MOST_REFERENCES = 500
_FORMAT_NAMES = {
    ".ttl": "Turtle",
    ".jsonld": "JSON-LD",
    ".rdf": "RDF/XML",
    ".nt": "N-Triples",
    ".nq": "N-Quads",
    ".trig": "TriG",
    ".json": "JSON",
}


_NO_WORDS = Words("", "")


@dataclass(frozen=True)
class Reference:
    """A held record that this one names."""

    href: str
    title: Words
    withdrawn: bool


@dataclass(frozen=True)
class Value:
    """One object of a statement the declaration does not know: an IRI or a text."""

    iri: str = ""
    words: Words = _NO_WORDS


@dataclass(frozen=True)
class Unknown:
    """Statements with one property; ``label`` when the property is a field all the same."""

    predicate: str
    label: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Elsewhere:
    """What the record says in a language the page is not in."""

    code: str
    name: str
    title: str
    summary: str
    text: str

    @property
    def direction(self) -> str:
        return direction(self.code)


@dataclass(frozen=True)
class Statement:
    """One of several statements that contradict each other."""

    statement: Words
    source: Words


@dataclass(frozen=True)
class Format:
    """The record in one syntax."""

    name: str
    media_type: str
    href: str


class RecordPage:
    """A record read off its graph, for one reader."""

    def __init__(self, site: Site, reader: Reader, connection: Connection, origins: Origins, held: Held) -> None:
        self._site, self._reader, self._origins = site, reader, origins
        self._catalogue = Catalogue(connection)
        self._held = held
        self._change = ChangeLog(connection).graph(held.iri)
        triples = read_triples(self._change.graph.nquads)
        self._triples = [each for each in triples if each.subject != ox.NamedNode(f"{held.iri}#meta")]
        self._type = type_of(held.iri, self._triples)
        self._record, _ = self._type.read(held.iri, self._triples)

    def live(self) -> Mapping[str, Any]:  # Any: what the template ``record.html`` shows
        """Everything the page of a live record shows."""
        values, reader, held = self._record.values, self._reader, self._held
        original = str(values.get("original_language", ""))
        title = reader.pick(held.titles, original)
        return self._common() | {
            "title": title,
            "dates": reader.period(held.starts, held.ends),
            "changed": held.version.date() != held.issued.date(),
            "origin": self._origins.foreign(held.origin) or _NO_WORDS,
            "also_in": self._also_in(title.language),
            "statements": [self._statement(each) for each in values.get("statements", ())],
            "summary": reader.pick(values.get("summary", {}), original),
            "text": reader.pick(values.get("text", {}), original),
            "files": values.get("files", ()),
            "file_field": next(field for field in self._type.fields if field.name == "files"),
            "details": list(self._details()),
            "unknown": self._unknown(),
            "elsewhere": list(self._elsewhere()),
            "hops": [self._origins.name(hop) for hop in self._change.hops],
            "proof": self._change.graph.proof,
            "licence": values.get("licence", ""),
            "citation": self._citation(title),
            "formats": [self._format(syntax.extension, syntax.media_type) for syntax in (*GRAPHS, TRIG, JSON)],
        }

    def withdrawn(self) -> Mapping[str, Any]:  # Any: what the template ``withdrawn.html`` shows
        """Everything the page of a tombstone shows."""
        stone = tombstone(self._held.iri, index_triples(self._triples))
        return self._common() | {
            "title": self._reader.pick(self._held.titles),
            "reason": self._reader.pick(stone.reason),
            "replaced_by": stone.replaced_by,
        }

    def _common(self) -> dict[str, Any]:
        return {
            "held": self._held,
            "type_name": self._reader.type_name(self._held.type),
            "owner": self._origins.name(self._held.origin),
            "references": self._references(),
        }

    def _details(self) -> Iterator[tuple[Field, Any]]:
        """Fields that have a value, those of the type itself first."""
        own = {field.name for field in self._type.own_fields}
        for field in sorted(self._type.fields, key=lambda field: field.name not in own):
            if field.name in self._record.values and field.name not in _PLACED:
                yield field, self._record.values[field.name]

    def _statement(self, value: Mapping[str, Any]) -> Statement:
        return Statement(self._reader.pick(value.get("statement", {})), self._reader.pick(value.get("source", {})))

    def _also_in(self, shown: str) -> list[dict[str, str]]:
        """The other interface languages the record can be read in."""
        held = {_language(tag) for texts in self._texts() for tag in texts}
        return [
            {"code": code, "name": NAMES[code], "href": address_of(self._site, self._held.iri, code)}
            for code in self._site.settings.languages
            if code in held and code not in (_language(shown), self._reader.language)
        ]

    def _elsewhere(self) -> Iterator[Elsewhere]:
        """What the record says and no page of the interface shows, by language."""
        left = [self._not_shown(texts) for texts in self._texts()]
        for code in sorted({tag for texts in left for tag in texts} - {"und"}):
            title, summary, text = (texts.get(code, "") for texts in left)
            if title or summary or text:
                yield Elsewhere(code, own_name(code), title, paragraphs(summary), paragraphs(text))

    def _texts(self) -> tuple[Mapping[str, str], ...]:
        """Title, summary and text, each by language."""
        values = self._record.values
        return self._held.titles, values.get("summary", {}), values.get("text", {})

    def _not_shown(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Those in languages that the interface does not speak, and second varieties of those that it does."""
        spoken = self._site.settings.languages
        shown = {next((tag for tag in texts if _language(tag) == code), "") for code in spoken}
        return {tag: text for tag, text in texts.items() if tag not in shown}

    def _unknown(self) -> list[Unknown]:
        """What the declaration leaves over, by property; nothing a node says is hidden."""
        labels = {field.predicate: field.label for field in self._type.fields}
        known = {str(each) for each in (self._type.rdf_class, *self._type.more_classes, self._type.term, AS.Tombstone)}
        found: dict[str, list[Value]] = {}
        for triple in self._left_over():
            if not (triple.predicate == ox.NamedNode(RDF.type) and _text(triple.object) in known):
                found.setdefault(triple.predicate.value, []).append(_value(triple.object))
        return [Unknown(predicate, labels.get(predicate, ""), tuple(values)) for predicate, values in found.items()]

    def _left_over(self) -> list[ox.Triple]:
        """What no field shows; of two values where one is allowed, a field shows none."""
        record, extra = self._record, set(self._record.extra)
        unread = {ox.NamedNode(field.predicate) for field in self._type.fields if field.name not in record.values}
        main = ox.NamedNode(record.iri)
        return [each for each in self._triples if each in extra or (each.subject == main and each.predicate in unread)]

    def _references(self) -> dict[str, Reference]:
        iris = {iri for field, value in self._all_values() for iri in _named(field, value)}
        iris |= {each.object.value for each in self._record.extra if isinstance(each.object, ox.NamedNode)}
        iris |= {_text(each.object) for each in self._triples if each.predicate == ox.NamedNode(DCTERMS.isReplacedBy)}
        held = self._catalogue.held(sorted(iris)[:_MOST_REFERENCES])
        return {iri: self._reference(each) for iri, each in held.items()}

    def _all_values(self) -> Iterator[tuple[Field, Any]]:
        return ((field, self._record.values.get(field.name)) for field in self._type.fields)

    def _reference(self, held: Held) -> Reference:
        href = address_of(self._site, held.iri, self._reader.language)
        return Reference(href, self._reader.pick(held.titles), held.withdrawn)

    def _citation(self, title: Words) -> str:
        """How to cite the record: who, when, what, where."""
        owner = self._origins.name(self._held.origin).text
        return f"{owner} ({self._held.version.year}). {title.text}. {self._held.iri}"

    def _format(self, extension: str, media_type: str) -> Format:
        return Format(_FORMAT_NAMES[extension], media_type, self._site.data_of(self._held.iri, extension))


def _language(tag: str) -> str:
    """The language of which the tag names a variety, as ``Reader.pick`` takes it."""
    return tag.split("-")[0]


def _named(field: Field, value: Any) -> Iterator[str]:
    """The IRIs of records that a value names, in its parts too."""
    for one in value if isinstance(value, list | tuple) else [value]:
        if isinstance(one, str) and isinstance(field, RecordReference | Agent):
            yield one
        if isinstance(one, Mapping):
            for part in getattr(field, "parts", ()):
                yield from _named(part, one.get(part.name))


def _text(node: Any) -> str:
    return str(getattr(node, "value", node))


def _value(node: Any) -> Value:
    if isinstance(node, ox.Literal):
        return Value(words=Words(node.value, node.language or ""))
    return Value(iri=_text(node))
