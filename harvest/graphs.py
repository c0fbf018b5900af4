"""The statements of a page of a peer's log, by graph and subject, and what stands in them.

The default graph says what the page offers; each named graph is a record graph, or a proof.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyoxigraph as ox

from chm_node.namespaces import XSD
from chm_node.record import parse_timestamp

_DATE_TIME = XSD.dateTime

#: Objects by predicate.
Nodes = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Graph:
    """A named graph of the page: its statements in canonical form, unsorted and without the point, and as an index."""

    lines: list[bytes] = field(default_factory=list)
    index: dict[str, dict[str, list[Any]]] = field(default_factory=dict)


Graphs = Mapping[str, Graph]
NO_GRAPH = Graph()


def by_graph(quads: list[ox.Quad]) -> tuple[dict[str, dict[str, list[Any]]], dict[str, Graph]]:
    """The default graph by subject and predicate, and the named graphs; in one pass, for that is what takes time."""
    default: dict[str, dict[str, list[Any]]] = {}
    graphs: dict[str, Graph] = {}
    index, stated, lines, end, named = default, dict[str, list[Any]](), list[bytes](), 0, False
    last_name = last_subject = None
    # All lines at once: writing each statement by itself takes three times as long.
    written = ox.serialize(quads, format=ox.RdfFormat.N_QUADS) or b""
    for quad, line in zip(quads, written.splitlines(), strict=True):
        subject, predicate, value, name = quad
        if name != last_name:  # a page keeps the statements of a record together, and those of a subject
            named = not isinstance(name, ox.DefaultGraph)
            graph = graphs.setdefault(key_of(name), Graph()) if named else Graph(index=default)
            index, lines, end = graph.index, graph.lines, -len(f" {name} .".encode())
            last_name, last_subject = name, None
        if subject != last_subject:
            stated, last_subject = index.setdefault(key_of(subject), {}), subject
        stated.setdefault(predicate.value, []).append(value)
        if named:
            lines.append(line[:end])
    return default, graphs


def key_of(node: Any) -> str:  # Any: an IRI, or a blank node, whose label must not pass for one
    return node.value if isinstance(node, ox.NamedNode) else str(node)


def first_of(nodes: Nodes, predicate: str) -> Any:  # an RDF term or None
    """The first value, in the order of the page."""
    return next(iter(nodes.get(predicate, ())), None)


def only_of(nodes: Nodes, predicate: str) -> Any:  # an RDF term or None
    """The one value; None when there are several, for then nobody can say which was meant."""
    found = nodes.get(predicate, ())
    return found[0] if len(found) == 1 else None


def text_of(node: Any) -> str:
    """The IRI, or the text of a literal; empty for everything else."""
    return node.value if isinstance(node, ox.NamedNode | ox.Literal) else ""


def iri_of(node: Any) -> str:
    """The IRI; empty for everything else."""
    return node.value if isinstance(node, ox.NamedNode) else ""


def moment_of(node: Any) -> datetime | None:
    """The UTC time of an ``xsd:dateTime``, in whole milliseconds; None for everything else."""
    if not isinstance(node, ox.Literal) or node.datatype.value != _DATE_TIME:
        return None
    try:
        moment = parse_timestamp(node.value)
    except (ValueError, OverflowError):
        return None
    # A version is stored in whole milliseconds; one that is finer would not compare equal to itself.
    return moment if not moment.microsecond % 1000 else moment.replace(microsecond=moment.microsecond // 1000 * 1000)
