"""Datasets written by text from canonical N-Quads lines: N-Quads, TriG, JSON-LD. No RDF library here.

A canonical line is also a line of Turtle, and its escapes (``\\n``, ``\\"``, ``\\u0001``, ...) are those
of JSON; so pages of the log and dumps are put together without parsing a single triple.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

_LINE = re.compile(
    r"(?:<(?P<subject>[^>]*)>|(?P<blank>_:[^ ]+)) <(?P<predicate>[^>]*)> "
    r'(?:<(?P<iri>[^>]*)>|(?P<node>_:[^ ]+)|"(?P<text>(?:[^"\\]|\\.)*)"'
    r"(?:@(?P<language>[A-Za-z0-9-]+)|\^\^<(?P<datatype>[^>]*)>)?) \.\n"
)
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"


@dataclass(frozen=True)
class Graph:
    """Canonical lines of one graph of a dataset; sorted, so that what belongs to one subject stands together."""

    name: str  #: ``<iri>`` or ``_:label``; empty for the default graph
    lines: bytes


def n_quads(graphs: Iterable[Graph]) -> bytes:
    """The dataset as N-Quads, graph after graph."""
    # A line break inside a literal is escaped, so " .\n" ends a statement and nothing else.
    return b"".join(
        graph.lines.replace(b" .\n", f" {graph.name} .\n".encode()) if graph.name else graph.lines for graph in graphs
    )


def trig(graphs: Iterable[Graph]) -> bytes:
    """The dataset as TriG."""
    return b"".join(
        b"%b {\n%b}\n" % (graph.name.encode(), graph.lines) if graph.name else graph.lines for graph in graphs
    )


def json_ld(graphs: Sequence[Graph]) -> bytes:
    """The dataset as expanded JSON-LD, which needs no context."""
    objects = []
    for graph in graphs:
        written = json_ld_objects(graph.lines)
        if graph.name:
            name = json.dumps(graph.name.strip("<>"), ensure_ascii=False)
            written = [f'{{"@id":{name},"@graph":[{",".join(written)}]}}']
        objects += written
    return ("[" + ",\n".join(objects) + "]\n").encode()


def json_ld_objects(lines: bytes) -> list[str]:
    """The node objects of canonical lines, each as JSON text; raises ValueError for lines that are none."""
    statements = [match.groupdict() for match in _LINE.finditer(lines.decode())]
    if len(statements) != (stated := lines.count(b"\n")):
        raise ValueError(f"{len(statements)} of {stated} lines can be written as JSON-LD")
    return [
        _node_object(subject, list(found))
        for subject, found in groupby(statements, key=lambda one: one["subject"] or one["blank"])
    ]


def _node_object(subject: str, statements: Sequence[dict[str, str | None]]) -> str:
    members = [f'"@id":"{subject}"']
    for predicate, found in groupby(statements, key=lambda one: one["predicate"]):
        values = list(found)
        # A type that is a literal or a blank node could not be told from an IRI as the value of "@type".
        if predicate == _TYPE and all(one["iri"] for one in values):
            members.append('"@type":[' + ",".join(f'"{one["iri"]}"' for one in values) + "]")
        else:
            members.append(f'"{predicate}":[' + ",".join(map(_value_object, values)) + "]")
    return "{" + ",".join(members) + "}"


def _value_object(statement: dict[str, str | None]) -> str:
    if (reference := statement["iri"] or statement["node"]) is not None:
        return f'{{"@id":"{reference}"}}'
    text = f'"@value":"{statement["text"]}"'
    if statement["language"]:
        return f'{{{text},"@language":"{statement["language"]}"}}'
    if statement["datatype"]:
        return f'{{{text},"@type":"{statement["datatype"]}"}}'
    return f"{{{text}}}"
