"""Statements about one node, put together for descriptions in RDF."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import pyoxigraph as ox

from chm_node.namespaces import RDF, XSD
from chm_node.record import timestamp

#: What an object may be: an IRI, a text per language, a moment, a number or a term made elsewhere.
Object = str | Mapping[str, str] | datetime | int | ox.Literal


def statements(subject: str, facts: Iterable[tuple[str, Object]]) -> list[ox.Triple]:
    """One triple a fact, several for a text in several languages, none for an empty value; text is an IRI."""
    node = ox.NamedNode(subject)
    return [
        ox.Triple(node, ox.NamedNode(predicate), found)
        for predicate, value in facts
        if value != ""
        for found in _nodes(value)
    ]


def classes(subject: str, *names: str) -> list[ox.Triple]:
    """What the subject is an instance of."""
    return statements(subject, [(RDF.type, name) for name in names])


def _nodes(value: Object) -> list[ox.NamedNode | ox.Literal]:
    if isinstance(value, Mapping):
        return [
            ox.Literal(text) if language == "und" else ox.Literal(text, language=language)
            for language, text in value.items()
        ]
    if isinstance(value, datetime):
        return [ox.Literal(timestamp(value), datatype=ox.NamedNode(XSD.dateTime))]
    if isinstance(value, int):
        return [ox.Literal(str(value), datatype=ox.NamedNode(XSD.integer))]
    return [value] if isinstance(value, ox.Literal) else [ox.NamedNode(value)]
