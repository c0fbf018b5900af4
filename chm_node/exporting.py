"""Writing the catalogue out: every live record, in the order of the log, from the stored bytes.

The same catalogue gives the same bytes. N-Quads and TriG hold each record in a graph named by its IRI and can be
imported again; the table is for reading.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from chm_node.canonical import read_triples
from chm_node.catalogue import Catalogue, ChangeLog, Held, LoggedChange
from chm_node.formats.quads import Graph, json_ld_objects, n_quads, trig
from chm_node.formats.rdf import turtle
from chm_node.record import Action, timestamp

#: Records read at a time; memory does not grow with the catalogue.
BATCH = 500
_START = datetime(1970, 1, 1, tzinfo=UTC)

_LANGUAGES = ("en", "fr", "ar", "es", "ru", "zh")
_FACETS = ("country", "treaty", "subject")
_COLUMNS = ("iri", "type", "origin", "modified", "starts", "ends", *(f"title_{each}" for each in _LANGUAGES), *_FACETS)

Batches = Iterator[Sequence[LoggedChange]]


def export(connection: Connection, name: str, origin: str = "") -> Iterator[bytes]:
    """The records in the format of this name; ``origin`` is the IRI of the node whose records are wanted."""
    return EXPORT_FORMATS[name](connection, _batches(connection, origin))


def _batches(connection: Connection, origin: str) -> Batches:
    log = ChangeLog(connection)
    cursor = _START
    while changes := log.after(cursor, BATCH):
        cursor = changes[-1].log_time
        yield [
            change
            for change in changes
            if change.graph.action is not Action.DELETE and origin in ("", change.graph.origin)
        ]


def _graphs(changes: Sequence[LoggedChange]) -> list[Graph]:
    return [Graph(f"<{each.graph.iri}>", each.graph.nquads) for each in changes]


def _n_quads(_: Connection, batches: Batches) -> Iterator[bytes]:
    return (n_quads(_graphs(changes)) for changes in batches)


def _trig(_: Connection, batches: Batches) -> Iterator[bytes]:
    return (trig(_graphs(changes)) for changes in batches)


def _n_triples(_: Connection, batches: Batches) -> Iterator[bytes]:
    return (each.graph.nquads for changes in batches for each in changes)


def _turtle(_: Connection, batches: Batches) -> Iterator[bytes]:
    return (turtle(read_triples(each.graph.nquads)) + b"\n" for changes in batches for each in changes)


def _json_ld(_: Connection, batches: Batches) -> Iterator[bytes]:
    yield b"["
    joint = ""
    for changes in batches:
        for graph in _graphs(changes):
            yield (joint + ",\n".join(json_ld_objects(graph.lines))).encode()
            joint = ",\n"
    yield b"]\n"


def _table(connection: Connection, batches: Batches) -> Iterator[bytes]:
    catalogue = Catalogue(connection)
    yield "\ufeff".encode()  # without it, spreadsheets take Arabic for something else
    yield _csv([_COLUMNS])
    for changes in batches:
        held = catalogue.held(each.graph.iri for each in changes)
        facets = catalogue.facets(each.id for each in held.values())
        rows = [held[each.graph.iri] for each in changes]
        yield _csv([_row(each, facets.get(each.id, ())) for each in rows])


def _row(held: Held, facets: Sequence[tuple[str, str]]) -> list[str]:
    titles = [held.titles.get(language, "") for language in _LANGUAGES]
    terms = ["|".join(value for name, value in facets if name == facet) for facet in _FACETS]
    return [held.iri, held.type, held.origin, timestamp(held.version), held.starts, held.ends, *titles, *terms]


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[_harmless(cell) for cell in row] for row in rows])
    return text.getvalue().encode()


def _harmless(cell: str) -> str:
    """A spreadsheet would run a harvested title that begins like a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


EXPORT_FORMATS: Mapping[str, Callable[[Connection, Batches], Iterator[bytes]]] = {
    "nq": _n_quads,
    "trig": _trig,
    "nt": _n_triples,
    "ttl": _turtle,
    "jsonld": _json_ld,
    "csv": _table,
}
