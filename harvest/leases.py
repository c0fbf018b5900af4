"""A worker's claim on a source: a due time moved forward by compare-and-set, with a fencing token.

A worker that dies loses its lease by itself, and one that was only asleep cannot write any more.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, select, update

from chm_node.errors import HarvestError
from chm_node.record import milliseconds
from chm_node.tables import source as source_table
from harvest.sources import APPROVED, Source, find, get

LEASE = timedelta(minutes=15)
#: No source waits longer: the longest interval is a week, give or take a fifth.
_FARTHEST = timedelta(days=9)


def anything_due(connection: Connection, now: datetime) -> bool:
    """Whether ``lease_due`` would claim something."""
    return connection.execute(select(source_table.c.id).where(_is_due(now)).limit(1)).first() is not None


def lease_due(connection: Connection, now: datetime, limit: int = 100) -> list[Source]:
    """Claim approved sources that are due, the longest waiting first; each is due again when the lease ends."""
    due = select(source_table.c.id).where(_is_due(now))
    ids = connection.execute(due.order_by(source_table.c.due).limit(limit)).scalars().all()
    claimed = (_claim(connection, source_id, now) for source_id in ids)
    return [source for source in claimed if source]


def lease_now(connection: Connection, name: str, now: datetime) -> Source | None:
    """Claim one source although it may not be due; None when a run holds it. Raises HarvestError unless approved."""
    source = find(connection, name)
    if source.state != APPROVED:
        raise HarvestError(f"{name} is {source.state}; only an approved source is harvested")
    if source.lease and source.due > now:
        return None
    connection.execute(update(source_table).where(source_table.c.id == source.id).values(due=milliseconds(now)))
    return _claim(connection, source.id, now)


def renew(connection: Connection, source: Source, now: datetime) -> bool:
    """Prolong the lease; False when another run holds it by now, and then nothing may be written.

    Called first in every transaction of a run, so that a worker that was asleep too long cannot
    write over the work of its successor.
    """
    held = (source_table.c.id == source.id) & (source_table.c.lease == source.lease)
    moved = connection.execute(update(source_table).where(held).values(due=milliseconds(now + LEASE)))
    return moved.rowcount == 1


def release(connection: Connection, source: Source, due: datetime, failures: int, success: datetime | None) -> bool:
    """Give the lease back and say when the source is due again; False when another run holds it by now."""
    held = (source_table.c.id == source.id) & (source_table.c.lease == source.lease)
    values: dict[str, Any] = {"lease": "", "due": milliseconds(due), "failures": failures}
    if success:
        values["last_success"] = milliseconds(success)
    return connection.execute(update(source_table).where(held).values(values)).rowcount == 1


def _is_due(now: datetime) -> ColumnElement[bool]:
    return (source_table.c.state == APPROVED) & _time_has_come(now)


def _time_has_come(now: datetime) -> ColumnElement[bool]:
    """Whether the due time is over, or so far ahead that it was written by a clock that was put right since."""
    return (source_table.c.due <= milliseconds(now)) | (source_table.c.due > milliseconds(now + _FARTHEST))


def _claim(connection: Connection, source_id: int, now: datetime) -> Source | None:
    free = (source_table.c.id == source_id) & _time_has_come(now)
    claim = {"lease": str(uuid4()), "due": milliseconds(now + LEASE)}
    if connection.execute(update(source_table).where(free).values(claim)).rowcount != 1:
        return None
    return get(connection, source_id)
