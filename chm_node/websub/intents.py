"""Requests to the hub that wait for the word of their callback (WebSub §5.3, verification of intent).

Bounded, so that nobody can have this node ask a third party often: each callback at most once a minute about a topic,
and a host about a few subscriptions in ten minutes.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from chm_node.errors import TooManyRequestsError
from chm_node.record import milliseconds
from chm_node.tables import intent as table
from chm_node.tables import log_head
from chm_node.tables import subscriber as subscriber_table
from chm_node.websub.wishes import SUBSCRIBE, Wish

#: Subscribers and requests together.
MAX_IN_ALL = 5_000
#: The same, of one callback host.
MAX_OF_A_HOST = 100
#: Requests of one callback host that are not confirmed.
MAX_UNCONFIRMED_OF_A_HOST = 30
#: A request that was not confirmed by then is forgotten.
LASTS = timedelta(minutes=10)
MOST_ATTEMPTS = 3
#: Rows that one look for work reads; those of one host are fewer.
LOOKED_AT = 500
#: The same callback is not asked again before.
BETWEEN_ATTEMPTS = timedelta(minutes=1)


@dataclass(frozen=True)
class Intent:
    """A request that waits, claimed by this worker."""

    key: str
    mode: str
    topic: str  #: in its one spelling
    asked_topic: str  #: as the request wrote it
    callback: str
    host: str
    lease: timedelta
    secret: str
    seen: int  #: log timestamp of when it came, milliseconds
    attempts: int  #: the one under way included
    challenge: str  #: what the callback has to repeat; tells this claim from a later one


def key_of(topic: str, callback: str) -> str:
    """What tells one subscription from another (WebSub §5.1)."""
    return hashlib.sha256(f"{topic}\n{callback}".encode()).hexdigest()


def receive(connection: Connection, wish: Wish, topic: str, now: datetime) -> None:
    """Remember a request, instead of an earlier one about the same; raises TooManyRequestsError."""
    forget(connection, now)
    key = key_of(topic, wish.callback)
    known = connection.execute(select(table.c.due).where(table.c.key == key)).scalar_one_or_none()
    if known is None:
        _check_room(connection, key, wish.host)
    row = _row(wish, topic) | {
        "received": milliseconds(now),
        "seen": connection.execute(select(log_head.c.log_time)).scalar_one(),
        "due": max(milliseconds(now), known or 0),
    }
    # Without its challenge: what is under way for the earlier request has no effect any more.
    connection.execute(delete(table).where(table.c.key == key))
    connection.execute(insert(table).values(row | {"key": key}))


def is_due(now: datetime) -> ColumnElement[bool]:
    return ~table.c.settled & (table.c.due <= milliseconds(now))


def claim(connection: Connection, now: datetime, limit: int, busy: Collection[str]) -> list[Intent]:
    """Requests whose callbacks may be asked now, one a host; none that another worker is at."""
    waiting = select(table).where(is_due(now), table.c.host.not_in(busy)).order_by(table.c.due)
    claimed = [_intent(row) for row in first_of_each_host(connection.execute(waiting.limit(LOOKED_AT)), limit)]
    for each in claimed:
        moved = {"due": milliseconds(now + BETWEEN_ATTEMPTS), "attempts": each.attempts, "challenge": each.challenge}
        connection.execute(update(table).where(table.c.key == each.key).values(moved))
    return claimed


def first_of_each_host(rows: Iterable[Row[Any]], limit: int) -> list[Row[Any]]:
    """No host has to bear more than one of our requests at a time."""
    by_host: dict[str, Row[Any]] = {}
    for row in rows:
        by_host.setdefault(row.host, row)
    return list(by_host.values())[:limit]


def confirm(connection: Connection, intent: Intent, now: datetime) -> bool:
    """Do what the callback agreed to; False when another request took its place meanwhile."""
    if connection.execute(delete(table).where(_claimed(intent))).rowcount != 1:
        return False
    same = subscriber_table.c.key == intent.key
    if intent.mode != SUBSCRIBE:
        connection.execute(delete(subscriber_table).where(same))
        return True
    renewed = {"expires": milliseconds(now + intent.lease), "secret": intent.secret, "due": 0, "failures": 0}
    if connection.execute(update(subscriber_table).where(same).values(renewed)).rowcount != 1:
        fresh = {"key": intent.key, "topic": intent.topic, "callback": intent.callback, "host": intent.host}
        # Told at once of what came between its request and now.
        connection.execute(insert(subscriber_table).values(renewed | fresh | {"seen": intent.seen, "tag": ""}))
    return True


def settle(connection: Connection, intent: Intent) -> None:
    """Ask no more; kept until it is forgotten, so that repeating the request costs its callback nothing."""
    connection.execute(update(table).where(_claimed(intent)).values(settled=True))


def forget(connection: Connection, now: datetime) -> None:
    """Drop what was not confirmed in time."""
    connection.execute(delete(table).where(table.c.received <= milliseconds(now - LASTS)))


def _claimed(intent: Intent) -> ColumnElement[bool]:
    return (table.c.key == intent.key) & (table.c.challenge == intent.challenge)


def _check_room(connection: Connection, key: str, host: str) -> None:
    """Raises TooManyRequestsError when there are too many of all, or of this host."""
    if connection.execute(select(subscriber_table.c.id).where(subscriber_table.c.key == key)).first():
        return _check_unconfirmed(connection, host)
    in_all = sum(_count(connection, each) for each in (table, subscriber_table))
    of_host = sum(_count(connection, each, each.c.host == host) for each in (table, subscriber_table))
    if in_all >= MAX_IN_ALL or of_host >= MAX_OF_A_HOST:
        raise TooManyRequestsError("there are too many subscriptions, or too many of this callback's host", LASTS)
    return _check_unconfirmed(connection, host)


def _check_unconfirmed(connection: Connection, host: str) -> None:
    if _count(connection, table, table.c.host == host) >= MAX_UNCONFIRMED_OF_A_HOST:
        raise TooManyRequestsError("too many subscriptions of this callback's host are not confirmed", LASTS)


def _count(connection: Connection, of: Any, *conditions: ColumnElement[bool]) -> int:  # a table
    return int(connection.execute(select(func.count()).select_from(of).where(*conditions)).scalar_one())


def _row(wish: Wish, topic: str) -> dict[str, Any]:
    return {
        "mode": wish.mode,
        "topic": topic,
        "asked_topic": wish.topic,
        "callback": wish.callback,
        "host": wish.host,
        "lease": int(wish.lease.total_seconds()),
        "secret": wish.secret,
        "attempts": 0,
        "challenge": "",
        "settled": False,
    }


def _intent(row: Row[Any]) -> Intent:
    return Intent(
        key=row.key,
        mode=row.mode,
        topic=row.topic,
        asked_topic=row.asked_topic,
        callback=row.callback,
        host=row.host,
        lease=timedelta(seconds=row.lease),
        secret=row.secret,
        seen=row.seen,
        attempts=row.attempts + 1,
        challenge=token_urlsafe(32),
    )
