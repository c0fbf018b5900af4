"""RDF files: statements grouped into records.

A record is a subject under the node's URI space, with everything stated about it, its fragments and the blank nodes
it leads to. What is stated about other subjects is left out; so are the ``#meta`` parts of earlier exports, which
the node writes itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyoxigraph as ox

from chm_node import foreign
from chm_node.errors import Problem
from chm_node.importing.found import Found, checked
from chm_node.importing.naming import named, undeclared
from chm_node.importing.stated_type import stated_type
from chm_node.namespaces import AS, RDF
from chm_node.record import Record
from chm_node.sandbox import Sandbox
from chm_node.schema import RecordType
from chm_node.settings import Settings

#: Formats with one statement a line can be read in pieces, whatever the size of the file.
_BY_LINE = ("application/n-quads", "application/n-triples")
_LINES = 100_000

_TYPE, _TOMBSTONE = ox.NamedNode(RDF.type), ox.NamedNode(AS.Tombstone)


def read_statements(path: Path, settings: Settings, sandbox: Sandbox) -> list[ox.Quad]:
    """All statements of a file; relative IRIs lie under the node. Raises ParseError."""
    media_type = foreign.media_type_of(path)
    pieces = _pieces(path) if media_type in _BY_LINE else [path.read_bytes()]
    return [quad for piece in pieces for quad in sandbox.run(foreign.read_rdf, piece, media_type, settings.base_url)]


def records_in(quads: Iterable[ox.Quad], settings: Settings, assumed: RecordType | None = None) -> list[Found]:
    """The records the statements describe; ``assumed`` is the type of those that name none."""
    return [_found(iri, triples, settings, assumed) for iri, triples in _grouped(quads, settings.uri_space).items()]


def _found(iri: str, triples: Sequence[ox.Triple], settings: Settings, assumed: RecordType | None) -> Found:
    if any(triple.predicate == _TYPE and triple.object == _TOMBSTONE for triple in triples):
        return Found(iri, None, (Problem("type", "this is a withdrawn record; use `chm withdraw`"),))
    record_type = stated_type(iri, triples, settings.uri_space, assumed)
    if isinstance(record_type, Problem):
        return Found(iri, None, (record_type,))
    triples = named(iri, triples, record_type)
    read, problems = record_type.read(iri, triples)
    # What the values lack may be among the node's defaults; ``checked`` looks again.
    lacking = set(record_type.problems(read.values))
    draft = Record(iri, record_type.name, read.values, undeclared(iri, read.extra, triples, record_type))
    return checked(iri, draft, record_type, [each for each in problems if each not in lacking], settings)


def _grouped(quads: Iterable[ox.Quad], uri_space: str) -> dict[str, list[ox.Triple]]:
    """Triples by record, in the order of the file."""
    records: dict[str, dict[ox.Triple, None]] = {}
    blank: dict[object, list[ox.Triple]] = {}
    for quad in quads:
        if isinstance(quad.subject, ox.BlankNode):
            blank.setdefault(quad.subject, []).append(quad.triple)
        elif isinstance(quad.subject, ox.NamedNode) and (iri := _record(quad.subject.value, uri_space)):
            records.setdefault(iri, {})[quad.triple] = None
    return {iri: list(triples) + _reached(triples, blank) for iri, triples in records.items()}


def _record(subject: str, uri_space: str) -> str:
    """The record a subject belongs to; empty for a subject that is not ours to state."""
    iri, _, fragment = subject.partition("#")
    return iri if iri.startswith(uri_space) and iri != uri_space and fragment != "meta" else ""


def _reached(triples: Iterable[ox.Triple], blank: dict[object, list[ox.Triple]]) -> list[ox.Triple]:
    """What is stated about the blank nodes that the triples lead to."""
    found: list[ox.Triple] = []
    seen: set[object] = set()
    waiting = [triple.object for triple in triples]
    while waiting:
        node = waiting.pop(0)
        if node in blank and node not in seen:
            seen.add(node)
            found += blank[node]
            waiting += [triple.object for triple in blank[node]]
    return found


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while lines := list(islice(file, _LINES)):
            yield b"".join(lines)
