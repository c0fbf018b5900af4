"""Notifications to be sent: signed anew for each try, tried again with back-off, given up after a week.

A row is taken by moving its due time forward, so that two workers do not send it twice at once.
"""

import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, Engine, delete, insert, select, update

from chm_node.database import writing
from chm_node.errors import FetchError, ParseError
from chm_node.http_client import Answer, HttpClient
from chm_node.keys import signer_of
from chm_node.message_signatures import Message, sign
from chm_node.record import milliseconds
from chm_node.settings import Settings
from chm_node.tables import outbox as table
from harvest.description import RDF_SYNTAXES, Description, read_description
from harvest.joining.notification import MEDIA_TYPE, Notification
from harvest.readers import Readers
from harvest.schedule import next_due
from harvest.visit import Visit

#: A receiver that took nothing for so long has to ask by itself.
KEEP_TRYING = timedelta(days=7)
_LEASE = timedelta(minutes=5)
_AT_ONCE = 20
_TAKEN = range(200, 300)
#: 403 too: the receiver may not have heard of our new key yet.
_TRY_AGAIN = (403, 408, 425, 429)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Row:
    id: int
    node: str
    inbox: str
    key_id: str
    body: str
    created: int
    failures: int


def put(connection: Connection, notification: Notification, inbox: str, key_id: str, now: datetime) -> None:
    """Have a notification sent, signed with this key; with no inbox, to where the receiver's description says."""
    connection.execute(
        insert(table).values(
            node=notification.target,
            inbox=inbox,
            key_id=key_id,
            body=notification.body().decode(),
            created=milliseconds(now),
            due=milliseconds(now),
            failures=0,
        )
    )


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether anything is to be sent."""
    return connection.execute(select(table.c.id).where(table.c.due <= milliseconds(now)).limit(1)).first() is not None


def send_due(engine: Engine, settings: Settings, client: HttpClient, readers: Readers, now: datetime) -> int:
    """Send what is due; how many were taken by their receivers."""
    with writing(engine) as connection:
        rows = _claim(connection, now)
    taken = 0
    for row in rows:
        problem = _send(row, settings, client, readers, now)
        with writing(engine) as connection:
            _settle(connection, row, problem, now)
        taken += not problem
    return taken


def waiting(connection: Connection) -> list[str]:
    """The receivers of what could not be sent yet."""
    return list(connection.execute(select(table.c.node).order_by(table.c.id)).scalars())


def post(client: HttpClient, settings: Settings, inbox: str, body: bytes, key_id: str, now: datetime) -> Answer:
    """One signed request; raises FetchError when there is no whole answer."""
    headers = {"Content-Type": MEDIA_TYPE, "Accept": "application/json, application/problem+json"}
    message = sign(Message("POST", inbox, headers, body), signer_of(settings, key_id), now, uuid4().hex)
    return client.post(inbox, body, message.headers)


def _claim(connection: Connection, now: datetime) -> list[_Row]:
    due = select(table).where(table.c.due <= milliseconds(now)).order_by(table.c.due).limit(_AT_ONCE)
    rows = connection.execute(due).all()
    ids = [row.id for row in rows]
    connection.execute(update(table).where(table.c.id.in_(ids)).values(due=milliseconds(now + _LEASE)))
    return [_Row(row.id, row.node, row.inbox, row.key_id, row.body, row.created, row.failures) for row in rows]


@dataclass(frozen=True)
class _Problem:
    said: str
    final: bool


def _send(row: _Row, settings: Settings, client: HttpClient, readers: Readers, now: datetime) -> _Problem | None:
    """Why it was not taken; None when it was."""
    try:
        inbox = row.inbox or _inbox_of(row.node, Visit(client, readers, {}, row.node))
        answer = post(client, settings, inbox, row.body.encode(), row.key_id, now)
    except (FetchError, ParseError) as error:
        return _Problem(str(error), final=False)
    if answer.status in _TAKEN:
        return None
    final = 400 <= answer.status < 500 and answer.status not in _TRY_AGAIN
    return _Problem(f"{inbox} answered {answer.status}: {answer.body[:200]!r}", final)


def _inbox_of(node: str, visit: Visit) -> str:
    document = visit.get(node, RDF_SYNTAXES)
    assert document  # noqa: S101  only what was seen before can be unchanged
    found: Description = visit.read(read_description, document)
    if not found.inbox:
        raise ParseError(f"{node} states no inbox")
    return found.inbox


def _settle(connection: Connection, row: _Row, problem: _Problem | None, now: datetime) -> None:
    same = table.c.id == row.id
    if problem is None:
        connection.execute(delete(table).where(same))
        return
    _log.warning("notification for %s was not taken: %s", row.node, problem.said)
    if problem.final or milliseconds(now - KEEP_TRYING) > row.created:
        connection.execute(delete(table).where(same))
        return
    failures = row.failures + 1
    due = next_due(now, timedelta(0), failures, timedelta(0), random.random())  # noqa: S311  only spreads the load
    connection.execute(update(table).where(same).values(failures=failures, due=milliseconds(due)))
