"""What is derived from the declaration of a record type: JSON and its schema, SHACL, form, namespace document."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rdflib import BNode, Graph, Literal, URIRef
from rdflib.collection import Collection
from rdflib.namespace import DCTERMS, OWL, RDF, RDFS, SH

from chm_node.namespaces import CHM, PREFIXES
from chm_node.record import Record
from chm_node.schema.field import Field
from chm_node.schema.groups import Agent, Group
from chm_node.schema.kinds import Choice, LocalisedText
from chm_node.schema.record_type import RecordType
from chm_node.schema.references import RecordReference, Term
from chm_node.vocabulary import vocabularies

SCHEMA = "https://w3id.org/chm/schema/"
SHAPES = "https://w3id.org/chm/shapes/"

# JSON


def to_json(record_type: RecordType, record: Record) -> dict[str, Any]:
    """The record as plain JSON: ``id``, ``type`` and ``values`` by field name."""
    values = {
        field.name: field.to_json(record.values[field.name])
        for field in record_type.fields
        if field.name in record.values
    }
    return {"id": record.iri, "type": record_type.name, "values": values}


def json_schema(record_type: RecordType) -> dict[str, Any]:
    """JSON Schema 2020-12 of what ``to_json`` gives for this type."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA + record_type.name,
        "title": record_type.label,
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "iri"},
            "type": {"const": record_type.name},
            "values": values_schema(record_type),
        },
        "required": ["id", "type", "values"],
    }


def values_schema(record_type: RecordType) -> dict[str, Any]:
    """JSON Schema 2020-12 of the values alone, which is what an editor sends."""
    return {
        "type": "object",
        "properties": {field.name: field.json_schema() for field in record_type.fields},
        "required": [field.name for field in record_type.fields if field.required],
        "additionalProperties": False,
    }


# SHACL


def all_shapes(record_types: Iterable[RecordType]) -> Graph:
    """The shapes of all these types in one graph."""
    graph = _graph()
    for record_type in record_types:
        graph += shape(record_type)
    return graph


def shape(record_type: RecordType) -> Graph:
    """The SHACL shape of one type.

    Several types share a class, so the shape aims at the records that name the type in
    ``dcterms:type``: its target is the type's term, and a path leads back to them (SHACL §2.3.1).
    """
    graph = _graph()
    node, records = URIRef(SHAPES + record_type.name), URIRef(f"{SHAPES}{record_type.name}#record")
    back = BNode(f"{record_type.name}-path")
    graph.add((node, RDF.type, SH.NodeShape))
    graph.add((node, SH.targetNode, URIRef(record_type.term)))
    graph.add((node, RDFS.label, Literal(record_type.label, lang="en")))
    graph.add((node, SH.property, records))
    graph.add((records, RDF.type, SH.PropertyShape))
    graph.add((records, SH.path, back))
    graph.add((back, SH.inversePath, DCTERMS.type))
    graph.add((records, SH["class"], URIRef(record_type.rdf_class)))
    for field in record_type.fields:
        _property_shape(graph, records, f"{record_type.name}#{field.name}", field)
    return graph


def _property_shape(graph: Graph, parent: URIRef, name: str, field: Field, *, optional: bool = False) -> None:
    node = URIRef(SHAPES + name)
    graph.add((parent, SH.property, node))
    graph.add((node, RDF.type, SH.PropertyShape))
    graph.add((node, SH.path, URIRef(field.predicate)))
    graph.add((node, SH.name, Literal(field.label, lang="en")))
    if field.hint:
        graph.add((node, SH.description, Literal(field.hint, lang="en")))
    if field.required and not optional:
        graph.add((node, SH.minCount, Literal(1)))
    if not field.many and not isinstance(field, LocalisedText):
        graph.add((node, SH.maxCount, Literal(1)))
    for constraint, value in field.constraints():
        _constraint(graph, node, constraint, value)
    if isinstance(field, Group):
        for part in field.parts:
            # An agent may be the IRI of a record alone, so none of its parts is compulsory.
            _property_shape(graph, node, f"{name}-{part.name}", part, optional=isinstance(field, Agent))


def _constraint(graph: Graph, node: URIRef, constraint: str, value: Any) -> None:
    if constraint == "nodeKind":
        graph.add((node, SH.nodeKind, SH[value]))
    elif constraint == "or-datatype":
        options = [BNode() for _ in value]
        for option, datatype in zip(options, value, strict=True):
            graph.add((option, SH.datatype, URIRef(datatype)))
        graph.add((node, SH["or"], _list(graph, options)))
    elif constraint == "in":
        graph.add((node, SH["in"], _list(graph, [Literal(each) for each in value])))
    elif constraint == "datatype":
        graph.add((node, SH.datatype, URIRef(value)))
    elif constraint != "node":  # the parts of a group are written by the caller
        graph.add((node, SH[constraint], Literal(value)))


def _list(graph: Graph, members: list[Any]) -> BNode:
    head = BNode()
    Collection(graph, head, members)
    return head


def _graph() -> Graph:
    graph = Graph(bind_namespaces="none")
    for prefix, namespace in {**PREFIXES, "sh": str(SH)}.items():
        graph.bind(prefix, namespace)
    return graph


# Form


@dataclass(frozen=True)
class Control:
    """One control of a form; ``parts`` are the controls of a group."""

    name: str
    label: str  #: English, the key of its translations
    hint: str
    control: str  #: what kind of control, see ``Field.control``
    required: bool
    many: bool
    choices: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()  #: vocabularies whose terms are offered
    types: tuple[str, ...] = ()  #: record types offered; empty for all
    parts: tuple["Control", ...] = ()
    more: bool = False  #: belongs under "more details"


def form(record_type: RecordType) -> list[Control]:
    """The controls in the order to show them: compulsory ones, those of this type, then "more details"."""
    own = {field.name for field in record_type.own_fields} | {"title", "summary", "languages", "files"}
    controls = [_control(field, more=field.name not in own and not field.required) for field in record_type.fields]
    return sorted(controls, key=lambda control: (not control.required, control.more))


def _control(field: Field, *, more: bool = False) -> Control:
    return Control(
        name=field.name,
        label=field.label,
        hint=field.hint,
        control=field.control,
        required=field.required,
        many=field.many,
        choices=field.choices if isinstance(field, Choice) else (),
        schemes=field.schemes if isinstance(field, Term) else (),
        types=field.types if isinstance(field, RecordReference) else (),
        parts=tuple(map(_control, field.parts)) if isinstance(field, Group) else (),
        more=more,
    )


# Namespace document

#: Terms of ours that the vocabularies use: name to (label, comment, what it is).
_IN_VOCABULARIES: Mapping[str, tuple[str, str, URIRef]] = {
    "labelQuality": ("label quality", "Who vouches for a label that is not the publisher's own.", OWL.ObjectProperty),
    "human": ("human", "Written or checked by a person, but not official.", OWL.NamedIndividual),
    "machine": ("machine", "Translated by a machine and checked by nobody.", OWL.NamedIndividual),
    "ownership": ("ownership", "Who publishes records of a type.", OWL.DatatypeProperty),
    "recordClass": ("record class", "The name of a record type as a class.", OWL.ObjectProperty),
    "casNumber": ("CAS number", "Number of a substance in the CAS Registry.", OWL.DatatypeProperty),
    "substanceKind": ("kind of substance", "How a listed substance is used or made.", OWL.DatatypeProperty),
    "listingYear": ("listing year", "Year in which a substance was listed.", OWL.DatatypeProperty),
    "listedAt": ("listed at", "Meeting that listed a substance.", OWL.DatatypeProperty),
    "listingDecision": ("listing decision", "Number of the decision that listed a substance.", OWL.DatatypeProperty),
    "phaseOut": ("phase-out", "Year by which something is phased out.", OWL.DatatypeProperty),
    "actorGroup": ("actor group", "The group an addressee of decisions belongs to.", OWL.DatatypeProperty),
    "followUpKind": ("kind of follow-up", "What follows from a verb of a decision.", OWL.DatatypeProperty),
}


def namespace_document(record_types: Iterable[RecordType]) -> Graph:
    """Every term of our own namespace, described from the declarations that use it."""
    graph = _graph()
    ontology = URIRef(str(CHM).removesuffix("#"))
    graph.add((ontology, RDF.type, OWL.Ontology))
    graph.add((ontology, RDFS.label, Literal("Clearing-house mechanism terms", lang="en")))
    for name, (label, comment, kind) in _IN_VOCABULARIES.items():
        _describe(graph, URIRef(CHM[name]), label, comment, kind)
    for record_type in record_types:
        if term := vocabularies().term(record_type.term):
            name = URIRef(term.properties["recordClass"])
            _describe(graph, name, record_type.label, f"The record type {record_type.name}.", RDFS.Class)
        for where, field in _all_fields(record_type.fields, record_type.label):
            _describe_field(graph, where, field)
    return graph


def _all_fields(fields: Iterable[Field], where: str) -> Iterator[tuple[str, Field]]:
    for field in fields:
        yield where, field
        if isinstance(field, Group):
            yield from _all_fields(field.parts, field.label)


def _describe_field(graph: Graph, where: str, field: Field) -> None:
    if field.predicate.startswith(str(CHM)):
        is_node = str(dict(field.constraints()).get("nodeKind", "Literal")).startswith("IRI")
        kind = OWL.ObjectProperty if is_node else OWL.DatatypeProperty
        _describe(graph, URIRef(field.predicate), field.label, field.hint or f"First used in: {where}.", kind)
    if isinstance(field, Group) and field.rdf_class.startswith(str(CHM)):
        _describe(graph, URIRef(field.rdf_class), field.label, f"One value of the field: {field.label}.", RDFS.Class)


def _describe(graph: Graph, term: URIRef, label: str, comment: str, kind: URIRef) -> None:
    """Describes a term unless an earlier declaration did."""
    if (term, None, None) in graph:
        return
    graph.add((term, RDF.type, kind))
    graph.add((term, RDFS.label, Literal(label, lang="en")))
    graph.add((term, RDFS.comment, Literal(comment, lang="en")))
    graph.add((term, RDFS.isDefinedBy, URIRef(str(CHM).removesuffix("#"))))
