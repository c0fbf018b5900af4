"""The record types a node knows: built in and from the entry points ``chm_node.record_types``.

Each module declares one family. ``RECORD_TYPES`` is checked when this package is first imported;
two declarations that clash stop the start of the node.
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from types import MappingProxyType

import pyoxigraph as ox

from chm_node.errors import SettingsError
from chm_node.namespaces import DCTERMS, RDF, RDFS
from chm_node.record_types import (
    biodiversity,
    chemicals,
    community,
    cooperation,
    data,
    decisions,
    documents,
    events,
    news,
    organisations,
    people,
    projects,
    reports_and_plans,
)
from chm_node.schema.field import Field, Index
from chm_node.schema.record_type import RecordType, index_triples

_FAMILIES = (
    people,
    organisations,
    news,
    events,
    documents,
    reports_and_plans,
    decisions,
    projects,
    cooperation,
    data,
    chemicals,
    biodiversity,
    community,
)

#: A record of a type we do not know; it has the common header, and the rest is kept as it came.
OTHER = RecordType("record", RDFS.Resource, "Record")


def register(declared: Iterable[RecordType]) -> Mapping[str, RecordType]:
    """Record types by name; raises SettingsError when a name, or a predicate within one type, is used twice."""
    types: dict[str, RecordType] = {}
    for record_type in declared:
        if record_type.name in types or record_type.name == OTHER.name:
            raise SettingsError(f"the record type {record_type.name!r} is declared twice")
        refuse_clashes(record_type.name, record_type.fields)
        types[record_type.name] = record_type
    return MappingProxyType(types)


def refuse_clashes(where: str, fields: Iterable[Field]) -> None:
    """Two fields of one name or predicate could not be told apart; raises SettingsError."""
    seen: dict[str, str] = {}
    for field in fields:
        for key in (field.name, field.predicate):
            if key in seen:
                raise SettingsError(f"{where}: the fields {seen[key]!r} and {field.name!r} share {key}")
            seen[key] = field.name
        refuse_clashes(f"{where}.{field.name}", getattr(field, "parts", ()))


def plugged_in() -> list[RecordType]:
    """The types of installed packages: each entry point names a record type or several."""
    found: list[RecordType] = []
    for point in sorted(entry_points(group="chm_node.record_types"), key=lambda point: point.name):
        declared = point.load()
        types = declared if isinstance(declared, tuple | list) else (declared,)
        if not all(isinstance(each, RecordType) for each in types):
            raise SettingsError(f"the entry point {point.name} ({point.value}) is no record type")
        found += types
    return found


RECORD_TYPES = register([*(each for family in _FAMILIES for each in family.TYPES), *plugged_in()])

_BY_TERM = {each.term: each for each in RECORD_TYPES.values()}
_BY_CLASS = {
    str(each.rdf_class): each
    for each in RECORD_TYPES.values()
    if sum(other.rdf_class == each.rdf_class for other in RECORD_TYPES.values()) == 1
}


def type_of(iri: str, graph: Index | Iterable[ox.Triple]) -> RecordType:
    """The type of a record: what ``dcterms:type`` says, else a class that only one type has, else OTHER."""
    index = graph if isinstance(graph, Mapping) else index_triples(graph)
    own = index.get(iri, {})
    for predicate, types in ((DCTERMS.type, _BY_TERM), (RDF.type, _BY_CLASS)):
        named = {node.value for node in own.get(str(predicate), ()) if isinstance(node, ox.NamedNode)}
        found = [types[each] for each in sorted(named & types.keys())]
        if len(found) == 1:
            return found[0]
    return OTHER
