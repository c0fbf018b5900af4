"""A field: one property of a record type, and how often it may occur. The kinds are its subclasses."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pyoxigraph as ox

from chm_node import facets
from chm_node.errors import Problem
from chm_node.namespaces import XSD
from chm_node.text import clean_text

Node = ox.NamedNode | ox.Literal
#: Objects by predicate for each subject of one record graph.
Index = Mapping[str, Mapping[str, Sequence[ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple]]]


@dataclass(frozen=True)
class Field:
    """One property of a record type."""

    name: str
    predicate: str
    label: str  #: English; also the key of its translations
    required: bool = False
    many: bool = False
    facet: str = ""  #: name of the filter this field feeds; empty for none
    hint: str = ""  #: one English sentence for the form

    control: ClassVar[str] = "text"

    # What a kind says about one value.

    def clean_one(self, value: Any) -> Any:
        """The value in its one stored form; a value that has none comes back as it is."""
        return clean_text(value) if isinstance(value, str) else value

    def problem(self, value: Any) -> str:
        """What is wrong with one cleaned value; empty when nothing is."""
        return "" if isinstance(value, str) and value else "write some text"

    def to_node(self, value: Any) -> Node:
        """The RDF term of one valid value."""
        return ox.Literal(value)

    def from_node(self, node: Any) -> Any:
        """One value from an RDF term; raises ValueError when it is not of this kind."""
        if not isinstance(node, ox.Literal) or node.language:
            raise ValueError("should be text without a language")
        return node.value

    def facet_value(self, node: Any) -> str:  # Any: whatever RDF term a stranger sent
        """What a record with this RDF term is listed under, where the field has a ``facet``; empty for nothing."""
        return facets.of_node(node)

    def json_schema_one(self) -> dict[str, Any]:
        """JSON Schema 2020-12 of one value."""
        return {"type": "string", "minLength": 1}

    def constraints(self) -> list[tuple[str, Any]]:
        """SHACL constraints on one value: (local name of the sh: property, value)."""
        return [("datatype", XSD.string)]

    # The field as a whole.

    def is_empty(self, value: Any) -> bool:
        return value is None or value == "" or value == [] or value == {}

    def clean(self, value: Any) -> Any:
        """The whole value in its one stored form: cleaned; several values sorted and distinct."""
        if not self.many:
            return self.clean_one(value)
        return self._in_order(self.clean_one(one) for one in (value if isinstance(value, list | tuple) else [value]))

    def problems(self, value: Any) -> list[Problem]:
        """Everything wrong with a cleaned value, missing included."""
        if self.is_empty(value):
            return [Problem(self.name, "is needed")] if self.required else []
        messages = [self.problem(one) for one in self._each(value)]
        return [Problem(self.name, message) for message in messages if message]

    def triples(self, subject: str, value: Any) -> Iterator[ox.Triple]:
        """The triples of a valid value."""
        node, predicate = ox.NamedNode(subject), ox.NamedNode(self.predicate)
        for one in self._each(value):
            yield ox.Triple(node, predicate, self.to_node(one))

    def read(self, subject: str, index: Index) -> tuple[Any, list[Problem]]:
        """The value found in a graph (None when absent) and what was wrong with it."""
        values, problems = [], []
        for node in self.nodes(subject, index):
            try:
                values.append(self.clean_one(self.from_node(node)))
            except ValueError as error:
                problems.append(Problem(self.name, str(error)))
        if self.many:
            return self._in_order(values) or None, problems
        distinct = list({str(one): one for one in values if not self.is_empty(one)}.values())
        if len(distinct) > 1:
            return None, [*problems, Problem(self.name, f"{len(distinct)} values where one is allowed")]
        return (distinct[0] if distinct else None), problems

    def flawless(self, nodes: Sequence[Any]) -> bool:
        """Whether ``read`` and ``problems`` would certainly find nothing wrong; cheap, and False when in doubt."""
        return len(nodes) == 1 and self.plain(nodes[0])

    def plain(self, node: Any) -> bool:
        """Whether an RDF term is certainly a value of this kind as it stands; cheap, and False when in doubt."""
        return False

    def nodes(self, subject: str, index: Index) -> Sequence[Any]:  # Any: whatever RDF term a stranger sent
        """The objects of this field's triples."""
        # A plain text, because an rdflib IRI never equals one.
        return index.get(subject, {}).get(self.predicate, ())

    def understood(self, subject: str, index: Index) -> Iterator[ox.Triple]:
        """The triples ``read`` made a value of, in the form they came in."""
        for node in self.nodes(subject, index):
            try:
                self.from_node(node)
            except ValueError:
                continue
            yield ox.Triple(ox.NamedNode(subject), ox.NamedNode(self.predicate), node)

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema 2020-12 of the whole value."""
        one = self.json_schema_one()
        whole = {"type": "array", "items": one, "minItems": 1, "uniqueItems": True} if self.many else one
        return {"title": self.label, **({"description": self.hint} if self.hint else {}), **whole}

    def to_json(self, value: Any) -> Any:
        """The value as JSON knows it."""
        return value

    def _in_order(self, values: Iterable[Any]) -> list[Any]:
        """Cleaned values, sorted and distinct."""
        return sorted({str(one): one for one in values if not self.is_empty(one)}.values(), key=str)

    def _each(self, value: Any) -> Iterable[Any]:
        if self.many:
            return value if isinstance(value, list | tuple) else [value]
        return [value]
