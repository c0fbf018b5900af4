"""Notifications to be sent: signed anew for each try, tried again with back-off, given up after a week.

A row is taken by moving its due time forward, so that two do not send it at once: two workers, or a worker and the
command that wants to hear what the receiver says.
"""

import logging
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, Engine, delete, insert, select, update

from chm_node.database import reading, writing
from chm_node.errors import FetchError, ParseError, SettingsError
from chm_node.http_client import Answer, HttpClient
from chm_node.keys import signer_of
from chm_node.message_signatures import Message, sign
from chm_node.record import milliseconds
from chm_node.settings import Settings
from chm_node.tables import outbox as table
from harvest.description import RDF_SYNTAXES, Description, read_description
from harvest.joining.notification import MEDIA_TYPE, Notification
from harvest.joining.told import problem_of
from harvest.readers import Readers
from harvest.schedule import next_due
from harvest.visit import Visit

#: A receiver that took nothing for so long has to ask by itself.
KEEP_TRYING = timedelta(days=7)
_LEASE = timedelta(minutes=5)
_AT_ONCE = 20
_TAKEN = range(200, 300)
#: 401 too, for a clock can be set right; and 403, for the receiver may not have heard of our new key yet.
_TRY_AGAIN = (401, 403, 408, 425, 429)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NotTaken:
    """What a receiver did not take."""

    node: str  #: IRI of the receiver
    said: str  #: what it answered, or why there is no answer
    final: bool  #: whether it is given up, and not tried again


@dataclass(frozen=True)
class _Row:
    id: int
    node: str
    inbox: str
    key_id: str
    body: str
    created: int
    failures: int


def put(
    connection: Connection, notification: Notification, inbox: str, key_id: str, now: datetime, *, taken: bool = False
) -> int:
    """Have a notification sent, signed with this key; with no inbox, to where the receiver's description says.

    Gives its number, for a caller that has ``taken`` it to ``send`` it itself.
    """
    statement = insert(table).values(
        node=notification.target,
        inbox=inbox,
        key_id=key_id,
        body=notification.body().decode(),
        created=milliseconds(now),
        due=milliseconds(now + _LEASE if taken else now),
        failures=0,
    )
    return int(connection.execute(statement.returning(table.c.id)).scalar_one())


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether anything is to be sent."""
    return connection.execute(select(table.c.id).where(table.c.due <= milliseconds(now)).limit(1)).first() is not None


def send_due(engine: Engine, settings: Settings, client: HttpClient, readers: Readers, now: datetime) -> None:
    """Send what is due."""
    with writing(engine) as connection:
        taken = _take_due(connection, now)
    send(engine, settings, client, readers, taken, now)


def send(
    engine: Engine, settings: Settings, client: HttpClient, readers: Readers, taken: Iterable[int], now: datetime
) -> list[NotTaken]:
    """Send these, which the caller has taken; what their receivers did not take."""
    with reading(engine) as connection:
        rows = connection.execute(select(table).where(table.c.id.in_(taken)).order_by(table.c.id)).all()
    problems = []
    for found in rows:
        row = _Row(found.id, found.node, found.inbox, found.key_id, found.body, found.created, found.failures)
        problem = _send(row, settings, client, readers, now)
        with writing(engine) as connection:
            _settle(connection, row, problem, now)
        problems += [problem] if problem else []
    return problems


def reason_of(answer: Answer) -> str:
    """Why the receiver did not take it, in its own words if it has any."""
    said = problem_of(answer.body)
    return f"{answer.url} answered {answer.status}" + (f": {said}" if said else "")


def post(client: HttpClient, settings: Settings, inbox: str, body: bytes, key_id: str, now: datetime) -> Answer:
    """One signed request; raises FetchError when there is no whole answer."""
    headers = {"Content-Type": MEDIA_TYPE, "Accept": "application/json, application/problem+json"}
    message = sign(Message("POST", inbox, headers, body), signer_of(settings, key_id), now, uuid4().hex)
    return client.post(inbox, body, message.headers)


def _take_due(connection: Connection, now: datetime) -> Sequence[int]:
    due = select(table.c.id).where(table.c.due <= milliseconds(now)).order_by(table.c.due).limit(_AT_ONCE)
    taken = connection.execute(due).scalars().all()
    connection.execute(update(table).where(table.c.id.in_(taken)).values(due=milliseconds(now + _LEASE)))
    return taken


def _send(row: _Row, settings: Settings, client: HttpClient, readers: Readers, now: datetime) -> NotTaken | None:
    """Why it was not taken; None when it was."""
    try:
        inbox = row.inbox or _inbox_of(row.node, Visit(client, readers, {}, row.node))
        answer = post(client, settings, inbox, row.body.encode(), row.key_id, now)
    except (FetchError, ParseError, SettingsError) as error:  # the last when the key is not there any more
        return NotTaken(row.node, str(error), _is_over(row, now))
    if answer.status in _TAKEN:
        return None
    refused = 400 <= answer.status < 500 and answer.status not in _TRY_AGAIN
    return NotTaken(row.node, reason_of(answer), refused or _is_over(row, now))


def _is_over(row: _Row, now: datetime) -> bool:
    return milliseconds(now - KEEP_TRYING) > row.created


def _inbox_of(node: str, visit: Visit) -> str:
    document = visit.get(node, RDF_SYNTAXES)
    assert document  # noqa: S101  only what was seen before can be unchanged
    found: Description = visit.read(read_description, document)
    if not found.inbox:
        raise ParseError(f"{node} states no inbox")
    return found.inbox


def _settle(connection: Connection, row: _Row, problem: NotTaken | None, now: datetime) -> None:
    same = table.c.id == row.id
    if problem is None:
        connection.execute(delete(table).where(same))
        return
    what_follows = "it is given up" if problem.final else "it is tried again"
    _log.warning("notification for %s was not taken, and %s: %s", row.node, what_follows, problem.said)
    if problem.final:
        connection.execute(delete(table).where(same))
        return
    failures = row.failures + 1
    due = next_due(now, timedelta(0), failures, timedelta(0), random.random())  # noqa: S311  only spreads the load
    connection.execute(update(table).where(same).values(failures=failures, due=milliseconds(due)))
