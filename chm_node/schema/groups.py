"""Kinds whose value has parts: a file, a quantity, money, a place, a period, a person or organisation.

A value is a dictionary of part name to part value; in RDF it is a node of its own with a fragment
IRI under the record (``<record#files-1>``), never a blank node.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pyoxigraph as ox

from chm_node.errors import Problem
from chm_node.namespaces import CHM, DCAT, DCTERMS, FOAF, QUDT, RDF, SDO, SPDX
from chm_node.schema.dates_and_numbers import Date, Number, date_type, lies_after
from chm_node.schema.field import Field, Index
from chm_node.schema.kinds import NAME, LocalisedText, MediaType, Text
from chm_node.schema.references import Language, Link, Term
from chm_node.text import clean_text, valid_iri


@dataclass(frozen=True)
class Group(Field):
    """Several parts that belong together, such as a member with a role and a term of office."""

    parts: tuple[Field, ...] = ()
    rdf_class: str = CHM.Group
    control: ClassVar[str] = "group"

    def clean(self, value: Any) -> Any:
        if not self.many:
            return self.clean_one(value)
        values = value if isinstance(value, list | tuple) else [value]
        return [one for one in map(self.clean_one, values) if not self.is_empty(one)]

    def clean_one(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        known = {part.name: part.clean(value[part.name]) for part in self.parts if part.name in value}
        unknown = {name: value[name] for name in value if name not in {part.name for part in self.parts}}
        return {name: one for name, one in (known | unknown).items() if not self.is_empty(one)}

    def problems(self, value: Any) -> list[Problem]:
        if self.is_empty(value):
            return [Problem(self.name, "is needed")] if self.required else []
        found = []
        for number, one in enumerate(self._each(value), start=1):
            prefix = f"{self.name} {number}" if self.many else self.name
            found += [
                Problem(f"{prefix} {problem.field}".strip(), problem.message, problem.language)
                for problem in self.part_problems(one)
            ]
        return found

    def part_problems(self, value: Any) -> list[Problem]:
        """What is wrong with the parts of one value; field names are those of the parts."""
        if not isinstance(value, Mapping):
            return [Problem("", f"give its parts: {', '.join(part.name for part in self.parts)}")]
        unknown = sorted(set(value) - {part.name for part in self.parts})
        problems = [Problem(name, "is not a part of this field") for name in unknown]
        for part in self.parts:
            problems += part.problems(value.get(part.name))
        return problems

    def triples(self, subject: str, value: Any) -> Iterator[ox.Triple]:
        for number, one in enumerate(self._each(value), start=1):
            node = self.node_iri(subject, number)
            yield ox.Triple(ox.NamedNode(subject), ox.NamedNode(self.predicate), ox.NamedNode(node))
            yield from self.part_triples(node, one)

    def part_triples(self, node: str, value: Any) -> Iterator[ox.Triple]:
        yield ox.Triple(ox.NamedNode(node), ox.NamedNode(RDF.type), ox.NamedNode(self.rdf_class))
        for part in self.parts:
            if part.name in value:
                yield from part.triples(node, value[part.name])

    def node_iri(self, subject: str, number: int) -> str:
        """The fragment IRI of the n-th value, counted from 1."""
        joint = "-" if "#" in subject else "#"
        return f"{subject}{joint}{self.name}-{number}" if self.many else f"{subject}{joint}{self.name}"

    def read(self, subject: str, index: Index) -> tuple[Any, list[Problem]]:
        values, problems = [], []
        for node in sorted(self.nodes(subject, index), key=_natural_order):
            if isinstance(node, ox.NamedNode):
                value, wrong = self.read_one(node.value, index)
                values += [] if self.is_empty(value) else [value]
                problems += wrong
            else:
                problems.append(Problem(self.name, "should be a node with an address of its own"))
        if not values:
            return None, problems
        if self.many:
            return self.clean(values), problems
        if len(values) > 1:
            return None, [*problems, Problem(self.name, f"{len(values)} values where one is allowed")]
        return values[0], problems

    def understood(self, subject: str, index: Index) -> Iterator[ox.Triple]:
        is_a = ox.NamedNode(RDF.type)
        for node in self.nodes(subject, index):
            if not isinstance(node, ox.NamedNode) or self.is_empty(value := self.read_one(node.value, index)[0]):
                continue
            yield ox.Triple(ox.NamedNode(subject), ox.NamedNode(self.predicate), node)
            if isinstance(value, Mapping):
                yield ox.Triple(node, is_a, ox.NamedNode(self.rdf_class))
                for part in self.parts:
                    yield from part.understood(node.value, index)

    def read_one(self, node: str, index: Index) -> tuple[Any, list[Problem]]:
        """The value whose node has this IRI."""
        values, problems = {}, []
        for part in self.parts:
            value, wrong = part.read(node, index)
            problems += [Problem(f"{self.name} {one.field}", one.message, one.language) for one in wrong]
            if value is not None:
                values[part.name] = value
        return values, problems

    def json_schema_one(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {part.name: part.json_schema() for part in self.parts},
            "required": [part.name for part in self.parts if part.required],
            "additionalProperties": False,
        }

    def json_schema(self) -> dict[str, Any]:
        one = self.json_schema_one()
        whole = {"type": "array", "items": one, "minItems": 1} if self.many else one
        return {"title": self.label, **({"description": self.hint} if self.hint else {}), **whole}

    def constraints(self) -> list[tuple[str, Any]]:
        return [("nodeKind", "IRI"), ("node", self)]

    def to_json(self, value: Any) -> Any:
        if self.many:
            return [self._one_to_json(one) for one in value]
        return self._one_to_json(value)

    def _one_to_json(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {part.name: part.to_json(value[part.name]) for part in self.parts if part.name in value}


@dataclass(frozen=True)
class DateRange(Group):
    """A period with a first and a last day; either may be open."""

    parts: tuple[Field, ...] = (Date("starts", DCAT.startDate, "First day"), Date("ends", DCAT.endDate, "Last day"))
    rdf_class: str = DCTERMS.PeriodOfTime
    control: ClassVar[str] = "period"

    def part_problems(self, value: Any) -> list[Problem]:
        if problems := super().part_problems(value):
            return problems
        return order_problems(value)


def order_problems(value: Mapping[str, Any]) -> list[Problem]:
    """Whether ``ends`` lies before ``starts``, where both are dates of a value."""
    starts, ends = value.get("starts"), value.get("ends")
    if not isinstance(starts, str) or not isinstance(ends, str) or not (date_type(starts) and date_type(ends)):
        return []  # what is no date is a problem of its own
    return [Problem("ends", "lies before the first day")] if lies_after(starts, ends) else []


@dataclass(frozen=True)
class Quantity(Group):
    """A number with its unit (a QUDT unit by IRI, or the unit's sign as text)."""

    parts: tuple[Field, ...] = (
        Number("value", QUDT.numericValue, "Number", required=True),
        Term("unit", QUDT.hasUnit, "Unit", required=True),
    )
    rdf_class: str = QUDT.QuantityValue
    control: ClassVar[str] = "quantity"


@dataclass(frozen=True)
class Money(Group):
    """An amount with its ISO 4217 currency."""

    parts: tuple[Field, ...] = (
        Number("amount", SDO.value, "Amount", required=True),
        Text("currency", SDO.currency, "Currency", required=True),
    )
    rdf_class: str = SDO.MonetaryAmount
    control: ClassVar[str] = "money"

    def clean_one(self, value: Any) -> Any:
        cleaned = super().clean_one(value)
        if isinstance(cleaned, Mapping) and isinstance(cleaned.get("currency"), str):
            return {**cleaned, "currency": cleaned["currency"].upper()}
        return cleaned

    def part_problems(self, value: Any) -> list[Problem]:
        problems = super().part_problems(value)
        if not problems and not re.fullmatch("[A-Z]{3}", value["currency"]):
            problems.append(Problem("currency", "write the three letters of the currency, such as TND or EUR"))
        return problems


@dataclass(frozen=True)
class Place(Group):
    """A place by name, town, country or region, and point."""

    parts: tuple[Field, ...] = (
        NAME,
        Text("locality", SDO.addressLocality, "Town"),
        Term("country", SDO.addressCountry, "Country", schemes=("countries",)),
        Term("region", SDO.containedInPlace, "Region", schemes=("un-regions", "cbd-regions")),
        Number("latitude", SDO.latitude, "Latitude"),
        Number("longitude", SDO.longitude, "Longitude"),
    )
    rdf_class: str = SDO.Place
    control: ClassVar[str] = "place"

    def part_problems(self, value: Any) -> list[Problem]:
        problems = super().part_problems(value)
        if problems:
            return problems
        for part, limit in (("latitude", 90), ("longitude", 180)):
            if part in value and abs(value[part]) > limit:
                problems.append(Problem(part, f"lies between -{limit} and {limit}"))
        if ("latitude" in value) != ("longitude" in value):
            problems.append(Problem("latitude", "give latitude and longitude together"))
        return problems


@dataclass(frozen=True)
class FileReference(Group):
    """A file on the web, with what a reader on a slow line wants to know first."""

    parts: tuple[Field, ...] = (
        Link("url", DCAT.downloadURL, "Address of the file", required=True),
        LocalisedText("title", DCTERMS.title, "Title"),
        Language("language", DCTERMS.language, "Language", many=True),
        MediaType("media_type", DCAT.mediaType, "Media type"),
        Number("bytes", DCAT.byteSize, "Size in bytes"),
        Text("sha256", SPDX.checksumValue, "SHA-256"),
    )
    rdf_class: str = DCAT.Distribution
    control: ClassVar[str] = "file"


@dataclass(frozen=True)
class Agent(Group):
    """A person or organisation: the IRI of its record, or a name with contact details."""

    parts: tuple[Field, ...] = (
        replace(NAME, predicate=FOAF.name, required=True),
        Text("email", SDO.email, "E-mail"),
        Link("homepage", FOAF.homepage, "Web page"),
    )
    rdf_class: str = FOAF.Agent
    control: ClassVar[str] = "agent"

    def clean_one(self, value: Any) -> Any:
        return clean_text(value) if isinstance(value, str) else super().clean_one(value)

    def part_problems(self, value: Any) -> list[Problem]:
        if isinstance(value, str):
            return [] if valid_iri(value) else [Problem("", "write the address of a record, or a name")]
        return super().part_problems(value)

    def triples(self, subject: str, value: Any) -> Iterator[ox.Triple]:
        for number, one in enumerate(self._each(value), start=1):
            node = one if isinstance(one, str) else self.node_iri(subject, number)
            yield ox.Triple(ox.NamedNode(subject), ox.NamedNode(self.predicate), ox.NamedNode(node))
            if not isinstance(one, str):
                yield from self.part_triples(node, one)

    def read_one(self, node: str, index: Index) -> tuple[Any, list[Problem]]:
        # What is said of a record's own name is no name of an agent: an organisation may publish its own record.
        if FOAF.name not in index.get(node, {}):
            return node, []
        return super().read_one(node, index)

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        if not self.many:
            return cleaned
        # In RDF the order of several values is that of their IRIs: references first, then names.
        references = sorted({one for one in cleaned if isinstance(one, str)})
        return references + [one for one in cleaned if not isinstance(one, str)]

    def json_schema_one(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "format": "iri"}, super().json_schema_one()]}

    def constraints(self) -> list[tuple[str, Any]]:
        return [("nodeKind", "IRI")]


def _natural_order(node: Any) -> tuple[str, int]:
    """Fragment IRIs by their number, so that the tenth value follows the ninth."""
    match = re.fullmatch(r"(.*?)(\d{1,9})", node.value if isinstance(node, ox.NamedNode) else "")
    return (match[1], int(match[2])) if match else (str(node), 0)
