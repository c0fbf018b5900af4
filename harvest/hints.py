"""Hints that a source has news. A hint says *look*, never *what*: it makes a source due earlier and nothing else.

Each hint that is followed costs a source a minute, and some minutes may be spent ahead: who publishes a few records in
a row sees all of them at once, and whoever floods us has a source looked at once a minute.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, case, insert, select, update

from chm_node.record import milliseconds
from chm_node.tables import hint as table
from chm_node.tables import source as source_table
from harvest.sources import APPROVED, Source

#: In the long run a source is asked early no more often, whoever says so and how often.
INTERVAL = timedelta(minutes=1)
#: So many hints are followed one after another, by a source of which there was nothing to hear for as many minutes.
IN_A_ROW = 20
_COST = INTERVAL // timedelta(milliseconds=1)


def give(connection: Connection, source: Source, now: datetime) -> None:
    """Have a source harvested as soon as it may be; a hint that waits already stands for this one too."""
    own = table.c.source_id == source.id
    known = connection.execute(select(table).where(own)).first()
    if known is None:
        fresh = {"source_id": source.id, "due": milliseconds(now), "spent": 0}
        connection.execute(insert(table).values(fresh))
    elif not known.due:
        due = max(milliseconds(now), known.spent - (IN_A_ROW - 1) * _COST)
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
    spent = case((table.c.spent > at, table.c.spent), else_=at) + _COST
    connection.execute(update(table).where(table.c.source_id.in_(ids)).values(due=0, spent=spent))
    later = source_table.c.id.in_(ids) & (source_table.c.due > at)
    connection.execute(update(source_table).where(later).values(due=at))


def _can_be_followed(now: datetime) -> ColumnElement[bool]:
    # A lease is a due time moved forward: while a run holds it, it must not be moved back.
    idle = (source_table.c.lease == "") | (source_table.c.due <= milliseconds(now))
    free = select(source_table.c.id).where(source_table.c.state == APPROVED, idle)
    return (table.c.due > 0) & (table.c.due <= milliseconds(now)) & table.c.source_id.in_(free)
