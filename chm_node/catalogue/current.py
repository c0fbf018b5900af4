"""What a record is now: its row, facets, search words and unknown terms, made equal to its newest change."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, Table, bindparam, delete, func, select, update

from chm_node.database import insert_rows
from chm_node.record import Action, Change, milliseconds
from chm_node.search import index
from chm_node.tables import facet as facet_table
from chm_node.tables import record as record_table
from chm_node.tables import unknown_term as unknown_term_table

#: Characters kept of the name of a field and of a term; an index of PostgreSQL takes no more than some 2,700 bytes.
_LONGEST_FIELD, _LONGEST_TERM = 64, 500


def row_ids(connection: Connection, iris: Sequence[str]) -> dict[str, int]:
    """Row ids of the held ones among these records."""
    found: dict[str, int] = {}
    for start in range(0, len(iris), 500):
        chunk = iris[start : start + 500]
        statement = select(record_table.c.iri, record_table.c.id).where(record_table.c.iri.in_(chunk))
        found.update((iri, row_id) for iri, row_id in connection.execute(statement))
    return found


def make_current(
    connection: Connection, changes: Sequence[Change], held: Mapping[str, int], first_seq: int
) -> dict[str, int]:
    """Make the records equal to these changes, which get the sequence numbers from ``first_seq`` on.

    ``held`` are the row ids of the records among them that existed before; gives the row ids of all.
    """
    first_id = connection.execute(select(func.coalesce(func.max(record_table.c.id), 0))).scalar_one() + 1
    new = [each.graph.iri for each in changes if each.graph.iri not in held]
    ids = {**held, **{iri: first_id + offset for offset, iri in enumerate(new)}}
    rows = [_record_row(each, ids[each.graph.iri], first_seq + n) for n, each in enumerate(changes)]
    insert_rows(connection, record_table, [tuple(row.values()) for row in rows if row["iri"] not in held])
    _replace(connection, [row for row in rows if row["iri"] in held])
    replaced = list(held.values())
    live = {ids[each.graph.iri]: each for each in changes if each.graph.action is not Action.DELETE}
    _write_facets(connection, live, replaced)
    words = [(row_id, each.entry.search_title, each.entry.search_body) for row_id, each in live.items()]
    index.write(connection, words, replaced)
    _write_unknown_terms(connection, live, replaced)
    return ids


def _replace(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    # "issued" stays what it was when the record was first seen.
    columns: dict[str, Any] = {
        name: bindparam(f"new_{name}") for name in rows[0] if name not in ("id", "iri", "issued")
    }
    statement = update(record_table).where(record_table.c.id == bindparam("row_id")).values(columns)
    connection.execute(
        statement, [{"row_id": row["id"]} | {f"new_{name}": row[name] for name in columns} for row in rows]
    )


def _write_facets(connection: Connection, live: Mapping[int, Change], replaced: Sequence[int]) -> None:
    _erase(connection, facet_table, replaced)
    rows = [(facet, value, row_id) for row_id, each in live.items() for facet, value in sorted(set(each.entry.facets))]
    insert_rows(connection, facet_table, rows)


def _write_unknown_terms(connection: Connection, live: Mapping[int, Change], replaced: Sequence[int]) -> None:
    _erase(connection, unknown_term_table, replaced)
    rows = [
        (field, value, row_id)
        for row_id, each in live.items()
        for field, value in {(name[:_LONGEST_FIELD], term[:_LONGEST_TERM]) for name, term in each.unknown_terms}
    ]
    insert_rows(connection, unknown_term_table, rows)


def _erase(connection: Connection, table: Table, ids: Sequence[int]) -> None:
    if ids:
        statement = delete(table).where(table.c.record_id == bindparam("row_id"))
        connection.execute(statement, [{"row_id": row_id} for row_id in ids])


def _record_row(each: Change, row_id: int, seq: int) -> dict[str, Any]:
    """The row, in the order of the table's columns."""
    version = milliseconds(each.graph.version)
    return {
        "id": row_id,
        "iri": each.graph.iri,
        "type": each.entry.type,
        "origin": each.graph.origin,
        "withdrawn": each.graph.action is Action.DELETE,
        "version": version,
        "digest": each.graph.digest,
        "seq": seq,
        "log_time": milliseconds(each.log_time),
        "issued": milliseconds(each.issued) if each.issued else version,
        "titles": to_json(each.entry.titles).decode(),
        "summaries": to_json(each.entry.summaries).decode(),
        "starts": each.entry.starts,
        "ends": each.entry.ends,
    }
