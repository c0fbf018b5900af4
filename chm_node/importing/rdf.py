"""RDF files: statements grouped into records.

A record is a subject under the node's URI space, with everything stated about it, its fragments and the blank nodes
it leads to. What is stated about other subjects is left out, and named; so are the ``#meta`` parts of earlier exports,
which the node writes itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyoxigraph as ox

from chm_node import foreign
from chm_node.errors import ParseError, Problem, ReaderDiedError, TooLargeError
from chm_node.importing.found import Contents, Found, checked
from chm_node.importing.naming import named, undeclared, untagged
from chm_node.importing.stated_type import stated_type
from chm_node.namespaces import AS, RDF
from chm_node.record import Record
from chm_node.sandbox import Sandbox
from chm_node.schema import RecordType
from chm_node.settings import Settings

#: Formats with one statement a line can be read in pieces, whatever the size of the file.
_BY_LINE = ("application/n-quads", "application/n-triples")
#: So many hold fewer statements than are read at once, however short.
_PIECE_BYTES = 1024 * 1024

_TYPE, _TOMBSTONE = ox.NamedNode(RDF.type), ox.NamedNode(AS.Tombstone)


def read_statements(path: Path, settings: Settings, sandbox: Sandbox) -> list[ox.Quad]:
    """All statements of a file; relative IRIs lie under the node. Raises ParseError."""
    media_type = foreign.media_type_of(path)
    if media_type in _BY_LINE:
        return list(_read_by_line(path, media_type, settings, sandbox))
    try:
        return list(sandbox.run(foreign.read_rdf, path.read_bytes(), media_type, settings.base_url))
    except TooLargeError as error:
        raise ParseError(f"{error}, or write N-Quads (.nq) or N-Triples (.nt), which are read in any size") from error


def records_in(quads: Iterable[ox.Quad], settings: Settings, assumed: RecordType | None = None) -> Contents:
    """The records the statements describe; ``assumed`` is the type of those that name none."""
    records, left_out = _grouped(quads, settings.uri_space)
    return Contents([_found(iri, triples, settings, assumed) for iri, triples in records.items()], left_out)


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
    found = checked(iri, draft, record_type, [each for each in problems if each not in lacking], settings)
    return replace(found, untagged=untagged(iri, triples, record_type))


def _grouped(quads: Iterable[ox.Quad], uri_space: str) -> tuple[dict[str, list[ox.Triple]], tuple[str, ...]]:
    """Triples by record, in the order of the file; and what other subjects there are."""
    records: dict[str, dict[ox.Triple, None]] = {}
    others: dict[str, None] = {}
    blank: dict[object, list[ox.Triple]] = {}
    for quad in quads:
        if isinstance(quad.subject, ox.BlankNode):
            blank.setdefault(quad.subject, []).append(quad.triple)
            continue
        iri, _, fragment = quad.subject.value.partition("#")  # type: ignore[union-attr]  # nested statements are refused
        if not iri.startswith(uri_space) or iri == uri_space:
            others[iri] = None
        elif fragment != "meta":
            records.setdefault(iri, {})[quad.triple] = None
    whole = {iri: list(triples) + _reached(triples, blank) for iri, triples in records.items()}
    reached = {triple.subject for triples in whole.values() for triple in triples}
    return whole, (*others, *(str(node) for node in blank if node not in reached))


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


def _read_by_line(path: Path, media_type: str, settings: Settings, sandbox: Sandbox) -> Iterator[ox.Quad]:
    before = 0
    with path.open("rb") as file:
        while lines := file.readlines(_PIECE_BYTES):
            piece = b"".join(lines)
            try:
                yield from sandbox.run(foreign.read_rdf, piece, media_type, settings.base_url)
            except ReaderDiedError:
                raise
            except ParseError:
                _check_encoding(lines, before)
                # Once more below as many empty lines, so that the error counts the lines of the file.
                yield from sandbox.run(foreign.read_rdf, b"\n" * before + piece, media_type, settings.base_url)
            before += len(lines)


def _check_encoding(lines: Iterable[bytes], before: int) -> None:
    for number, line in enumerate(lines, start=before + 1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            raise ParseError(f"line {number} is not UTF-8 text; save the file as UTF-8") from error
