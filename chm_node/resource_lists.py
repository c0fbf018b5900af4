"""What ResourceSync lists: every live record, in stretches of row ids, and the newest changes.

A row id is given out once, so a record stays in its stretch for ever and an unchanged stretch keeps its ETag.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from chm_node.record import Action, from_milliseconds
from chm_node.tables import change as change_table
from chm_node.tables import log_head
from chm_node.tables import record as record_table

#: The most a sitemap may hold (sitemaps.org), and so a part of a resource list.
PART_SIZE = 50_000
#: Changes that the change list goes back; who was away for longer begins with the resource list.
CHANGES = 10_000


@dataclass(frozen=True)
class Resource:
    """A record as its N-Quads are found and checked."""

    iri: str
    log_time: datetime  #: UTC; when this node took the version over
    digest: str  #: SHA-256 of the N-Quads, hexadecimal; empty for what was taken back, which has none
    length: int  #: of the N-Quads, in bytes
    action: Action  #: what its change did


def parts(connection: Connection) -> int:
    """How many parts the resource list has; at least one, which may be empty."""
    newest = int(connection.execute(select(func.coalesce(func.max(record_table.c.id), 0))).scalar_one())
    return max(1, -(-newest // PART_SIZE))


def part_time(connection: Connection, number: int) -> datetime:
    """The log timestamp of the newest change in a part, which decides its bytes; withdrawals count."""
    newest = select(func.coalesce(func.max(record_table.c.log_time), 0)).where(_in_part(number))
    return from_milliseconds(connection.execute(newest).scalar_one())


def part(connection: Connection, number: int) -> list[Resource]:
    """The live records of a part (counted from 1), in the order they were first seen."""
    statement = _resources().where(
        _in_part(number), ~record_table.c.withdrawn, change_table.c.seq == record_table.c.seq
    )
    return _read(connection.execute(statement.order_by(record_table.c.id)))


def newest_changes(connection: Connection) -> list[Resource]:
    """The newest changes, oldest first, those that later ones replaced included."""
    first = connection.execute(select(log_head.c.seq)).scalar_one() - CHANGES
    # Of what was erased there is nothing to list; what was taken back has no digest either, but counts as deleted.
    there = (change_table.c.seq > first) & ((change_table.c.digest != "") | ~change_table.c.superseded)
    return _read(connection.execute(_resources().where(there).order_by(change_table.c.seq)))


def _in_part(number: int) -> Any:  # a condition
    return record_table.c.id.between((number - 1) * PART_SIZE + 1, number * PART_SIZE)


def _resources() -> Any:  # a select, which its callers narrow
    columns = (change_table.c.log_time, change_table.c.digest, change_table.c.action)
    length = func.length(change_table.c.nquads).label("length")  # bytes, on both databases
    joined = change_table.join(record_table, record_table.c.id == change_table.c.record_id)
    return select(record_table.c.iri, *columns, length).select_from(joined)


def _read(rows: Iterable[Row[Any]]) -> list[Resource]:
    return [
        Resource(row.iri, from_milliseconds(row.log_time), row.digest, row.length, Action(row.action)) for row in rows
    ]
