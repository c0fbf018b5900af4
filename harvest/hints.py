"""Hints that a source has news. A hint says *look*, never *what*: it makes a source due earlier and nothing else."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, insert, select, update

from chm_node.record import milliseconds
from chm_node.tables import hint as table
from chm_node.tables import source as source_table
from harvest.sources import APPROVED, Source

#: A source is asked early no more often, whoever says so and how often.
INTERVAL = timedelta(minutes=1)


def give(connection: Connection, source: Source, now: datetime) -> None:
    """Have a source harvested as soon as it may be; a hint that waits already stands for this one too."""
    own = table.c.source_id == source.id
    known = connection.execute(select(table).where(own)).first()
    if known is None:
        fresh = {"source_id": source.id, "due": milliseconds(now), "followed": 0}
        connection.execute(insert(table).values(fresh))
    elif not known.due:
        due = max(milliseconds(now), known.followed + INTERVAL // timedelta(milliseconds=1))
        connection.execute(update(table).where(own).values(due=due))


def anything_due(connection: Connection, now: datetime) -> bool:
    """Whether a hint can be followed."""
    return connection.execute(select(table.c.source_id).where(_can_be_followed(now)).limit(1)).first() is not None


def follow(connection: Connection, now: datetime) -> None:
    """Make those sources due that hints came for; one under harvest has its turn when that has ended."""
    ids = connection.execute(select(table.c.source_id).where(_can_be_followed(now))).scalars().all()
    if not ids:
        return
    at = milliseconds(now)
    connection.execute(update(table).where(table.c.source_id.in_(ids)).values(due=0, followed=at))
    later = source_table.c.id.in_(ids) & (source_table.c.due > at)
    connection.execute(update(source_table).where(later).values(due=at))


def _can_be_followed(now: datetime) -> ColumnElement[bool]:
    # A lease is a due time moved forward: while a run holds it, it must not be moved back.
    idle = (source_table.c.lease == "") | (source_table.c.due <= milliseconds(now))
    free = select(source_table.c.id).where(source_table.c.state == APPROVED, idle)
    return (table.c.due > 0) & (table.c.due <= milliseconds(now)) & table.c.source_id.in_(free)
