"""The history of harvests, written as they go: a run that was cut short says so too."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, ScalarSelect, delete, func, insert, select, update

from chm_node.errors import HarvestError
from chm_node.record import milliseconds
from chm_node.tables import log_head
from chm_node.tables import run as run_table

RUNNING = "running"
# Notations of the harvest-statuses vocabulary.
OK, NOT_MODIFIED, PARTIAL = "ok", "not-modified", "partial"
UNREACHABLE, PARSE_ERROR, QUARANTINED = "unreachable", "parse-error", "quarantined"
#: No harvest: what a person decided about held changes, or a way back to an earlier run.
DECIDED = "decided"
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
        update(run_table)
        .where(dead)
        .values(ended=milliseconds(now), outcome=PARTIAL, message=_CUT_SHORT, seq=_log_stands_at())
    )
    return _insert(connection, source_id, started=milliseconds(now), ended=0, outcome=RUNNING, message="", seq=0)


def decided(connection: Connection, source_id: int, now: datetime, message: str) -> int:
    """A row for what a person decided; ``add`` counts what it changes, ``decided_until`` says where the log is then."""
    at = milliseconds(now)
    return _insert(connection, source_id, started=at, ended=at, outcome=DECIDED, message=message, seq=_log_stands_at())


def decided_until(connection: Connection, run_id: int, message: str) -> None:
    """Say what came of a decision, once all of it is done."""
    statement = update(run_table).where(run_table.c.id == run_id)
    connection.execute(statement.values(message=message, seq=_log_stands_at()))


def add(connection: Connection, run_id: int, counts: Counts) -> None:
    """Count one page, in the page's own transaction."""
    more = {name: run_table.c[name] + value for name, value in _columns(counts).items()}
    connection.execute(update(run_table).where(run_table.c.id == run_id).values(more))


def counts(connection: Connection, run_id: int) -> Counts:
    """What a run has done so far."""
    columns = [run_table.c[each.name] for each in fields(Counts)]
    return Counts(*connection.execute(select(*columns).where(run_table.c.id == run_id)).one())


def end(
    connection: Connection, run_id: int, now: datetime, outcome: str, message: str, requests: int, received: int
) -> None:
    """Close a run, unless its successor did so already; ``received`` is in bytes, as decompressed.

    Of the runs that found nothing new the newest is kept: the others would hide, and soon outnumber, those that did.
    """
    values = {"ended": milliseconds(now), "outcome": outcome, "message": message[:2000], "seq": _log_stands_at()}
    statement = update(run_table).where(run_table.c.id == run_id, run_table.c.ended == 0)
    connection.execute(statement.values(values | {"requests": requests, "bytes": received}))
    if outcome == NOT_MODIFIED:
        of_this = select(run_table.c.source_id).where(run_table.c.id == run_id).scalar_subquery()
        earlier = (run_table.c.source_id == of_this) & (run_table.c.id < run_id)
        said_nothing = (run_table.c.outcome == NOT_MODIFIED) & (run_table.c.message == "")
        connection.execute(delete(run_table).where(earlier, said_nothing))


def log_position(connection: Connection, source_id: int, run_id: int) -> int:
    """Where our log stood when a run of this source had ended; raises HarvestError."""
    own = (run_table.c.source_id == source_id) & (run_table.c.id == run_id) & (run_table.c.ended > 0)
    position = connection.execute(select(run_table.c.seq).where(own)).scalar_one_or_none()
    if position is None:
        raise HarvestError(f"{run_id} is no run of this source that has ended; chm source history lists them")
    return int(position)


def withdrawn_since(connection: Connection, source_id: int, moment: datetime | None, run_id: int) -> int:
    """How many records the runs of a source withdrew since its last complete one and in this one, unasked."""
    unasked = (run_table.c.source_id == source_id) & (run_table.c.outcome != DECIDED)
    statement = select(func.coalesce(func.sum(run_table.c.withdrawn), 0)).where(unasked)
    if moment:
        # This one counts even when the clock was ahead then and was put right.
        statement = statement.where((run_table.c.started > milliseconds(moment)) | (run_table.c.id == run_id))
    return int(connection.execute(statement).scalar_one())


def _insert(connection: Connection, source_id: int, **values: Any) -> int:  # Any: what the columns hold
    row = {"source_id": source_id, "requests": 0, "bytes": 0, **_columns(Counts()), **values}
    [run_id] = connection.execute(insert(run_table).values(row)).inserted_primary_key or [0]
    return int(run_id)


def _log_stands_at() -> ScalarSelect[int]:
    return select(log_head.c.seq).scalar_subquery()


def _columns(counts: Counts) -> Mapping[str, int]:
    return {each.name: getattr(counts, each.name) for each in fields(counts)}
