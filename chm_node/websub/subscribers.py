"""Who is told when a feed of ours changes, and what each got last."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, exists, or_, select, update

from chm_node import backoff
from chm_node.record import milliseconds
from chm_node.tables import intent as intent_table
from chm_node.tables import log_head
from chm_node.tables import subscriber as table
from chm_node.websub import intents

#: A worker that died over a subscriber leaves it to the others after this time.
CLAIM = timedelta(minutes=2)
#: A subscriber that does not answer is tried at least so often, until its lease ends.
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True)
class Subscriber:
    """One who is behind, claimed by this worker."""

    id: int
    topic: str
    callback: str
    host: str
    secret: str
    tag: str  #: of what it got last
    failures: int
    claimed: int  #: until when, milliseconds; tells this claim from a later one
    head: int  #: where the log stood when it was claimed, milliseconds


def anything_due(connection: Connection, now: datetime) -> bool:
    """Whether a callback is to be asked, somebody to be told, or a lease has ended; one query."""
    waits = exists().where(intents.is_due(now)).correlate_except(intent_table)
    behind = exists().where(_is_behind(now)).correlate_except(table)
    ended = exists().where(table.c.expires <= milliseconds(now)).correlate_except(table)
    return bool(connection.execute(select(or_(waits, behind, ended))).scalar_one())


def claim(connection: Connection, now: datetime, limit: int, busy: Collection[str]) -> list[Subscriber]:
    """Subscribers that are behind, one a host; none that another worker is at."""
    waiting = select(table).where(_is_behind(now), table.c.host.not_in(busy))
    in_order = waiting.order_by(table.c.failures, table.c.seen, table.c.id).limit(intents.LOOKED_AT)
    claimed, until = intents.first_of_each_host(connection.execute(in_order), limit), milliseconds(now + CLAIM)
    connection.execute(update(table).where(table.c.id.in_([row.id for row in claimed])).values(due=until))
    head = connection.execute(select(log_head.c.log_time)).scalar_one()
    return [_subscriber(row, until, head) for row in claimed]


def told(connection: Connection, subscriber: Subscriber, tag: str) -> None:
    """Move the cursor: it has the feed as it stood when it was claimed."""
    done = {"seen": subscriber.head, "tag": tag, "due": 0, "failures": 0}
    connection.execute(update(table).where(_claimed(subscriber)).values(done))


def failed(connection: Connection, subscriber: Subscriber, now: datetime, least: timedelta, jitter: float) -> None:
    """Leave the cursor where it is and try again later, not before ``least`` has passed."""
    failures = subscriber.failures + 1
    wait = max(backoff.wait(failures, jitter, LONGEST_WAIT), least)
    later = {"due": milliseconds(now + wait), "failures": failures}
    connection.execute(update(table).where(_claimed(subscriber)).values(later))


def end(connection: Connection, subscriber: Subscriber) -> None:
    """Tell it no more."""
    connection.execute(delete(table).where(_claimed(subscriber)))


def end_expired(connection: Connection, now: datetime) -> None:
    """Tell those no more whose lease has ended."""
    connection.execute(delete(table).where(table.c.expires <= milliseconds(now)))


def _is_behind(now: datetime) -> ColumnElement[bool]:
    newest = select(log_head.c.log_time).scalar_subquery()
    alive = table.c.expires > milliseconds(now)
    return alive & (table.c.due <= milliseconds(now)) & (table.c.seen < newest)


def _claimed(subscriber: Subscriber) -> ColumnElement[bool]:
    return (table.c.id == subscriber.id) & (table.c.due == subscriber.claimed)


def _subscriber(row: Row[Any], claimed: int, head: int) -> Subscriber:
    return Subscriber(
        id=row.id,
        topic=row.topic,
        callback=row.callback,
        host=row.host,
        secret=row.secret,
        tag=row.tag,
        failures=row.failures,
        claimed=claimed,
        head=head,
    )
