"""The newest result of the checker for each source: asked for by a page, made by a worker.

A page only asks. What it may ask about are the sources that an operator added, each at most once in ten minutes, so
that nobody can send this node to addresses of their own.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

from sqlalchemy import Connection, Engine, insert, select, update

from chm_node.database import reading, writing
from chm_node.http_client import HttpClient
from chm_node.record import from_milliseconds, milliseconds
from chm_node.settings import Settings
from chm_node.tables import check_result
from harvest import sources
from harvest.checker.checks import Report, as_json, from_json
from harvest.checker.inspection import inspect
from harvest.dispatch import fetch_policy
from harvest.readers import Readers

#: A source is checked no more often, whoever asks.
INTERVAL = timedelta(minutes=10)


@dataclass(frozen=True)
class Result:
    """What is known of one source."""

    report: Report | None  #: None before the first check
    checked: datetime | None
    waiting: bool  #: a check is asked for, or under way


def newest(connection: Connection, source_id: int) -> Result:
    """The newest result of a source, made or awaited."""
    row = connection.execute(select(check_result).where(check_result.c.source_id == source_id)).first()
    if row is None:
        return Result(None, None, waiting=False)
    if not row.result:
        return Result(None, None, waiting=True)
    return Result(from_json(json.loads(row.result)), from_milliseconds(row.checked), waiting=row.asked > row.checked)


def is_due(connection: Connection, source_id: int, now: datetime) -> bool:
    """Whether a check may be asked for again."""
    row = connection.execute(select(check_result).where(check_result.c.source_id == source_id)).first()
    return row is None or max(row.asked, row.started, row.checked) <= milliseconds(now - INTERVAL)


def ask(connection: Connection, source_id: int, now: datetime) -> None:
    """Have the worker check a source, unless that was asked or done within the last ten minutes."""
    if not is_due(connection, source_id, now):
        return
    asked = {"asked": milliseconds(now)}
    found = connection.execute(update(check_result).where(check_result.c.source_id == source_id).values(asked))
    if not found.rowcount:
        blank = {"source_id": source_id, "started": 0, "checked": 0, "result": ""}
        connection.execute(insert(check_result).values(blank | asked))


def check_next(
    engine: Engine,
    settings: Settings,
    clock: Callable[[], datetime],
    stop: Event,
    connect: Callable[[], HttpClient] | None = None,
) -> bool:
    """Check the source that has waited longest; False when none waits."""
    with reading(engine) as connection:
        waits = connection.execute(select(check_result.c.source_id).where(_WAITS).limit(1)).first() is not None
    if not waits:
        return False  # without taking the log's lock at every tick
    with writing(engine) as connection:
        source = _claim(connection, clock())
    if source is None:
        return False
    with connect() if connect else HttpClient(fetch_policy(settings)) as client, Readers(1) as readers:
        report = inspect(source.address, client, readers, clock(), stop)
    if not stop.is_set():
        with writing(engine) as connection:
            store(connection, source.id, report, clock())
    return True


_WAITS = check_result.c.asked > check_result.c.started


def store(connection: Connection, source_id: int, report: Report, now: datetime) -> None:
    """Remember a result."""
    values = {"checked": milliseconds(now), "result": json.dumps(as_json(report), ensure_ascii=False)}
    connection.execute(update(check_result).where(check_result.c.source_id == source_id).values(values))


def _claim(connection: Connection, now: datetime) -> sources.Source | None:
    """The source that has waited longest, marked as begun, so that no other worker checks it too."""
    statement = select(check_result.c.source_id, check_result.c.asked).where(_WAITS).order_by(check_result.c.asked)
    row = connection.execute(statement.limit(1)).first()
    if row is None:
        return None
    begun = {"started": max(milliseconds(now), row.asked)}
    connection.execute(update(check_result).where(check_result.c.source_id == row.source_id).values(begun))
    return sources.get(connection, row.source_id)
