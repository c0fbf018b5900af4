"""A record type, declared once; its check and its RDF in both directions are read off the declaration."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyoxigraph as ox

from chm_node.errors import InvalidRecordError, Problem
from chm_node.namespaces import DCTERMS, RDF, RDFS, VOCABULARY
from chm_node.record import Record, Values
from chm_node.schema.field import Field, Index
from chm_node.schema.groups import Group, order_problems
from chm_node.schema.header import HEADER
from chm_node.schema.references import Term


@dataclass(frozen=True)
class RecordType:
    """How one kind of record is declared: its class and the fields beyond the common header."""

    name: str  #: the notation in the record-types vocabulary, and a part of each record's IRI
    rdf_class: str
    label: str
    own_fields: tuple[Field, ...] = ()
    more_classes: tuple[str, ...] = ()

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The header's fields and this type's own; an own field replaces a header field of its name."""
        own = {field.name: field for field in self.own_fields}
        header = [own.pop(field.name, field) for field in HEADER]
        return (*header, *own.values())

    @cached_property
    def facets(self) -> tuple[tuple[str, str, Callable[[Any], str]], ...]:
        """(predicate, facet, what makes its value of an RDF term) of the fields that feed a filter."""
        return tuple((field.predicate, field.facet, field.facet_value) for field in self.fields if field.facet)

    @cached_property
    def term(self) -> str:
        """The term that names this type in ``dcterms:type``; several types may share one RDF class."""
        return f"{VOCABULARY}record-types/{self.name}"

    def clean(self, values: Values) -> dict[str, Any]:
        """The values in their one stored form; empty ones are left out, unknown names are kept."""
        known = {field.name: field.clean(values[field.name]) for field in self.fields if field.name in values}
        unknown = {name: values[name] for name in values if name not in known}
        return {name: value for name, value in (known | unknown).items() if not _is_empty(value)}

    def problems(self, values: Values) -> list[Problem]:
        """Everything wrong with cleaned values; an empty list means that they can be published."""
        names = {field.name for field in self.fields}
        problems = [Problem(name, "is not a field of this record type") for name in values if name not in names]
        for field in self.fields:
            problems += field.problems(values.get(field.name))
        return problems + order_problems(values)

    def record(self, iri: str, values: Values, extra: Sequence[ox.Triple] = ()) -> Record:
        """A valid record; raises InvalidRecordError with every problem there is."""
        cleaned = self.clean(values)
        if problems := self.problems(cleaned):
            raise InvalidRecordError(problems)
        return Record(iri, self.name, cleaned, tuple(extra))

    def unknown_terms(self, values: Values) -> list[tuple[str, str]]:
        """(field, value) of the terms that none of the field's vocabularies has; they are kept all the same."""
        return list(_unknown_terms(self.fields, values))

    def triples(self, record: Record) -> list[ox.Triple]:
        """The record's own triples, without those about its version (``chm_node.publishing``)."""
        triples = self._type_triples(ox.NamedNode(record.iri))
        for field in self.fields:
            if field.name in record.values:
                triples += field.triples(record.iri, record.values[field.name])
        return [*triples, *record.extra]

    def _type_triples(self, node: ox.NamedNode) -> list[ox.Triple]:
        if self.rdf_class == RDFS.Resource:
            return []  # a record of a type we do not know says itself what it is
        is_a = ox.NamedNode(RDF.type)
        triples = [ox.Triple(node, is_a, ox.NamedNode(each)) for each in (self.rdf_class, *self.more_classes)]
        return [*triples, ox.Triple(node, ox.NamedNode(DCTERMS.type), ox.NamedNode(self.term))]

    def read(self, iri: str, triples: Iterable[ox.Triple]) -> tuple[Record, list[Problem]]:
        """A record from its triples, and what breaks the declaration.

        What the declaration does not know is kept in ``Record.extra``, so that the graph of the
        record read is the graph that was read, whenever there are no problems.
        """
        triples = list(triples)
        index = index_triples(triples)
        values: dict[str, Any] = {}
        problems = []
        for field in self.fields:
            value, wrong = field.read(iri, index)
            problems += wrong
            if value is not None:
                values[field.name] = value
        extra = self._not_declared(iri, triples, Record(iri, self.name, values), index)
        unread = {problem.field for problem in problems}  # said once is enough: not "is needed" as well
        problems += [problem for problem in self.problems(values) if problem.field not in unread]
        return Record(iri, self.name, values, extra), problems

    def _not_declared(self, iri: str, triples: list[ox.Triple], record: Record, index: Index) -> tuple[ox.Triple, ...]:
        """The triples that neither state the record's values nor state them in another form."""
        known = set(self.triples(record))
        left = [triple for triple in triples if triple not in known]
        if not left:
            return ()
        known.update(triple for field in self.fields for triple in field.understood(iri, index))
        return tuple(triple for triple in left if triple not in known)


def index_triples(triples: Iterable[ox.Triple]) -> Index:
    """Objects by subject and predicate."""
    index: dict[str, dict[str, list[Any]]] = {}
    for triple in triples:
        if isinstance(triple.subject, ox.NamedNode):
            index.setdefault(triple.subject.value, {}).setdefault(triple.predicate.value, []).append(triple.object)
    return index


def _unknown_terms(fields: Iterable[Field], values: Values, where: str = "") -> Iterator[tuple[str, str]]:
    for field in fields:
        value = values.get(field.name)
        if value is None or not isinstance(field, Term | Group):
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(field, Term) and field.schemes and field.known(one) is None:
                yield where + field.name, one
            if isinstance(field, Group) and isinstance(one, Mapping):
                yield from _unknown_terms(field.parts, one, f"{where}{field.name} ")


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, list | Mapping) and not value)
