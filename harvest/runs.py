"""The history of harvests, written as they go: a run that was cut short says so too."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from chm_node.database import run as run_table
from chm_node.record import milliseconds

RUNNING = "running"
# Notations of the harvest-statuses vocabulary.
OK, NOT_MODIFIED, PARTIAL = "ok", "not-modified", "partial"
UNREACHABLE, PARSE_ERROR, QUARANTINED = "unreachable", "parse-error", "quarantined"
_CUT_SHORT = "the worker stopped before the end; the next harvest went on from the last page that was stored"


@dataclass(frozen=True)
class Counts:
    """What a run did with the records it was offered."""

    created: int = 0
    updated: int = 0
    withdrawn: int = 0
    unchanged: int = 0
    rejected: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Counts)))

    @property
    def changed(self) -> int:
        return self.created + self.updated + self.withdrawn


def begin(connection: Connection, source_id: int, now: datetime) -> int:
    """A new row, and an end for those whose worker died: the lease says that nobody else is at work."""
    dead = (run_table.c.source_id == source_id) & (run_table.c.ended == 0)
    connection.execute(
        update(run_table).where(dead).values(ended=milliseconds(now), outcome=PARTIAL, message=_CUT_SHORT)
    )
    row = {"source_id": source_id, "started": milliseconds(now), "ended": 0, "outcome": RUNNING, "message": ""}
    nothing = {"requests": 0, "bytes": 0, **_columns(Counts())}
    [run_id] = connection.execute(insert(run_table).values(row | nothing)).inserted_primary_key or [0]
    return int(run_id)


def add(connection: Connection, run_id: int, counts: Counts) -> None:
    """Count one page, in the page's own transaction."""
    more = {name: run_table.c[name] + value for name, value in _columns(counts).items()}
    connection.execute(update(run_table).where(run_table.c.id == run_id).values(more))


def end(
    connection: Connection, run_id: int, now: datetime, outcome: str, message: str, requests: int, received: int
) -> None:
    """Close a run, unless its successor did so already; ``received`` is in bytes, as decompressed."""
    values = {"ended": milliseconds(now), "outcome": outcome, "message": message[:2000]}
    statement = update(run_table).where(run_table.c.id == run_id, run_table.c.ended == 0)
    connection.execute(statement.values(values | {"requests": requests, "bytes": received}))


def note(connection: Connection, source_id: int, sentence: str) -> None:
    """Add to the message of the newest run that has ended what a person decided about it."""
    ended = select(func.max(run_table.c.id)).where(run_table.c.source_id == source_id, run_table.c.ended > 0)
    newest = run_table.c.id == ended.scalar_subquery()
    for message in connection.execute(select(run_table.c.message).where(newest)).scalars().all():
        longer = "; ".join(filter(None, (message, sentence)))
        connection.execute(update(run_table).where(newest).values(message=longer))


def withdrawn_since(connection: Connection, source_id: int, moment: datetime | None) -> int:
    """How many records the runs of a source withdrew since its last complete one."""
    statement = select(func.coalesce(func.sum(run_table.c.withdrawn), 0)).where(run_table.c.source_id == source_id)
    if moment:
        statement = statement.where(run_table.c.started > milliseconds(moment))
    return int(connection.execute(statement).scalar_one())


def _columns(counts: Counts) -> Mapping[str, int]:
    return {each.name: getattr(counts, each.name) for each in fields(counts)}
