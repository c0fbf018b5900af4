"""The newest result of the checker for each address: asked for by a page, made by a worker.

A page only asks. Sources, which an operator added, may be checked every ten minutes; addresses of strangers once an
hour, few of one host and few in all, so that nobody can use this node against others. Their results are forgotten.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, select, update

from chm_node.database import reading, writing
from chm_node.errors import TooManyRequestsError
from chm_node.http_client import HttpClient
from chm_node.record import from_milliseconds, milliseconds
from chm_node.settings import Settings
from chm_node.tables import check_result as table
from harvest.checker.checks import Report, as_json, from_json
from harvest.checker.inspection import inspect
from harvest.dispatch import fetch_policy
from harvest.readers import Readers

#: A source is checked no more often, whoever asks.
INTERVAL = timedelta(minutes=10)
#: Nor is an address that no source has, and in this time only so many of one host, and of all together.
STRANGERS_INTERVAL = timedelta(hours=1)
MOST_OF_A_HOST = 3
MOST_IN_ALL = 30
#: Results for addresses that no source has.
KEPT = timedelta(days=7)
MOST_KEPT = 500


@dataclass(frozen=True)
class Subject:
    """An address that may be checked."""

    address: str
    host: str = ""  #: of an address that no source has; empty for that of a source

    @property
    def interval(self) -> timedelta:
        return STRANGERS_INTERVAL if self.host else INTERVAL


@dataclass(frozen=True)
class Result:
    """What is known of one address."""

    report: Report | None  #: None before the first check
    checked: datetime | None
    waiting: bool  #: a check is asked for, or under way


def newest(connection: Connection, subject: Subject, now: datetime) -> Result | None:
    """The newest result, made or awaited; None where there is none, or none any more."""
    row = connection.execute(select(table).where(table.c.address == subject.address)).first()
    if row is None or (subject.host and row.asked <= milliseconds(now - KEPT)):
        return None
    waiting = row.asked > row.checked
    if not row.result:  # none yet, or none any more
        return Result(None, None, waiting) if waiting else None
    return Result(from_json(json.loads(row.result)), from_milliseconds(row.checked), waiting)


def is_due(connection: Connection, subject: Subject, now: datetime) -> bool:
    """Whether a check may be asked for again."""
    row = connection.execute(select(table).where(table.c.address == subject.address)).first()
    return row is None or max(row.asked, row.started, row.checked) <= milliseconds(now - subject.interval)


def ask(connection: Connection, subject: Subject, now: datetime) -> None:
    """Have the worker check an address, unless that was asked or done a short while ago.

    Raises TooManyRequestsError when strangers have asked for too much, of this host or in all.
    """
    if not is_due(connection, subject, now):
        return
    if subject.host:
        _refuse_too_many(connection, subject.host, now)
        _forget(connection, now)
    asked = {"host": subject.host, "asked": milliseconds(now)}
    found = connection.execute(update(table).where(table.c.address == subject.address).values(asked))
    if not found.rowcount:
        blank = {"address": subject.address, "started": 0, "checked": 0, "result": ""}
        connection.execute(insert(table).values(blank | asked))


def check_next(
    engine: Engine,
    settings: Settings,
    clock: Callable[[], datetime],
    stop: Event,
    connect: Callable[[], HttpClient] | None = None,
) -> bool:
    """Check the address that has waited longest, sources first; False when none waits."""
    with reading(engine) as connection:
        waits = connection.execute(select(table.c.address).where(_WAITS).limit(1)).first() is not None
    if not waits:
        return False  # without taking the log's lock at every tick
    with writing(engine) as connection:
        address = _claim(connection, clock())
    if address is None:
        return False
    with connect() if connect else HttpClient(fetch_policy(settings)) as client, Readers(1) as readers:
        report = inspect(address, client, readers, clock(), stop)
    if not stop.is_set():
        with writing(engine) as connection:
            store(connection, report, clock())
    return True


_WAITS = table.c.asked > table.c.started
_OF_STRANGERS: ColumnElement[bool] = table.c.host != ""


def store(connection: Connection, report: Report, now: datetime) -> None:
    """Remember a result."""
    values = {"checked": milliseconds(now), "result": json.dumps(as_json(report), ensure_ascii=False)}
    connection.execute(update(table).where(table.c.address == report.address).values(values))


def _refuse_too_many(connection: Connection, host: str, now: datetime) -> None:
    lately = _OF_STRANGERS & (table.c.asked > milliseconds(now - STRANGERS_INTERVAL))
    counted = select(func.count()).select_from(table)
    in_all = connection.execute(counted.where(lately)).scalar_one()
    of_host = connection.execute(counted.where(lately, table.c.host == host)).scalar_one()
    if in_all >= MOST_IN_ALL or of_host >= MOST_OF_A_HOST:
        raise TooManyRequestsError("too many checks were asked for, in all or of this host", STRANGERS_INTERVAL)


def _forget(connection: Connection, now: datetime) -> None:
    """Let go of what is old, and of the oldest where there is too much, the one about to come included."""
    newest_first = select(table.c.address).where(_OF_STRANGERS).order_by(table.c.asked.desc(), table.c.address)
    beyond = connection.execute(newest_first.offset(MOST_KEPT - 1)).scalars().all()
    old = table.c.asked <= milliseconds(now - KEPT)
    connection.execute(delete(table).where(_OF_STRANGERS, old | table.c.address.in_(beyond)))


def _claim(connection: Connection, now: datetime) -> str | None:
    """The address to be checked next, marked as begun, so that no other worker checks it too."""
    statement = select(table.c.address, table.c.asked).where(_WAITS).order_by(_OF_STRANGERS, table.c.asked)
    row = connection.execute(statement.limit(1)).first()
    if row is None:
        return None
    begun = {"started": max(milliseconds(now), row.asked)}
    connection.execute(update(table).where(table.c.address == row.address).values(begun))
    return str(row.address)
