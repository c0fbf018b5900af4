"""What nodes asked of this hub, and what became of each: the table ``notification``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, update

from chm_node.addresses import common_form
from chm_node.errors import HarvestError, RefusedNotificationError
from chm_node.message_signatures import Message, Signature
from chm_node.proofs import former_keys, stored_keys
from chm_node.record import from_milliseconds, milliseconds
from chm_node.tables import notification as table
from chm_node.text import host_of
from harvest.checker.checks import Report, as_json, from_json
from harvest.description import Description
from harvest.joining.notification import Notification
from harvest.trust import Authority

QUEUED, WAITING, APPROVED, REJECTED, REFUSED, WITHDRAWN = (
    "queued", "waiting", "approved", "rejected", "refused", "withdrawn",
)  # fmt: skip
#: Requests of strangers that wait for the worker, in all and from one host.
MAX_QUEUED, MAX_QUEUED_HOST = 50, 3
#: Requests that wait for a person; more would be read by nobody.
MAX_WAITING = 200
#: What was refused unseen is of no use to anybody for longer.
KEEP_REFUSED = timedelta(days=7)
#: A worker that began with a request and died is followed by another after this time.
LEASE = timedelta(minutes=10)


@dataclass(frozen=True)
class Request:
    """One notification that a worker or a person has to deal with."""

    id: str
    kind: str  #: Offer or Update
    node: str
    activity: str  #: IRI that the node gave it
    key_id: str
    received: datetime
    state: str
    found: Description | None  #: the node as it described itself once the signature was proven by it
    report: Report | None  #: what the checker found; None before it has looked
    reason: str  #: what a person wrote, or the code of the refusal
    detail: str  #: what shows it
    decided: datetime | None

    @property
    def address(self) -> str:
        """The address that people know the node by."""
        return common_form(urljoin(self.node, "/"))


def add(
    connection: Connection, asked: Notification, signature: Signature, message: Message, state: str, now: datetime
) -> str:
    """Remember a notification; its id."""
    found = str(uuid4())
    connection.execute(
        insert(table).values(
            id=found,
            kind=asked.kind,
            node=asked.actor,
            activity=asked.id,
            key_id=signature.key_id,
            received=milliseconds(now),
            begun=0,
            state=state,
            message=_message_json(message, signature) if state == QUEUED else "",
            description="",
            report="",
            reason="",
            detail="",
            decided=0 if state == QUEUED else milliseconds(now),
        )
    )
    return found


def check_room(connection: Connection, node: str) -> None:
    """Raises RefusedNotificationError when too many strangers wait already."""
    counted = connection.execute(select(table.c.state, func.count()).group_by(table.c.state))
    states: dict[str, int] = {row[0]: row[1] for row in counted}
    queued = connection.execute(select(table.c.node).where(table.c.state == QUEUED)).scalars()
    from_host = sum(host_of(each) == host_of(node) for each in queued)
    full = states.get(QUEUED, 0) >= MAX_QUEUED or states.get(WAITING, 0) >= MAX_WAITING
    if full or from_host >= MAX_QUEUED_HOST:
        raise RefusedNotificationError("inbox-full")


def find(connection: Connection, request_id: str) -> Request | None:
    row = connection.execute(select(table).where(table.c.id == request_id)).first()
    return _request(row) if row else None


def waiting(connection: Connection) -> list[Request]:
    """Offers that wait for a person, the oldest first."""
    statement = select(table).where(table.c.state == WAITING).order_by(table.c.received, table.c.id)
    return [_request(row) for row in connection.execute(statement)]


def waiting_of(connection: Connection, name: str) -> Request | None:
    """The offer of the node with this IRI or address that waits for a person."""
    address = common_form(name)
    return next((each for each in waiting(connection) if name == each.node or address == each.address), None)


def claim(connection: Connection, now: datetime) -> tuple[Request, Message | None] | None:
    """What has waited longest for a worker, marked as begun, with the request as it came while it is unproven."""
    row = connection.execute(select(table).where(_free(now)).order_by(table.c.begun, table.c.received).limit(1)).first()
    if row is None:
        return None
    _set(connection, row.id, begun=milliseconds(now))
    return _request(row), _message(row.message) if row.message else None


def is_open(connection: Connection, now: datetime) -> bool:
    """Whether a worker has anything to do here."""
    return connection.execute(select(table.c.id).where(_free(now)).limit(1)).first() is not None


def prove(connection: Connection, request: Request, found: Description, now: datetime) -> None:
    """The node's own key signed it: have a person decide. An earlier offer of the node is replaced."""
    earlier = (table.c.node == request.node) & (table.c.state == WAITING) & (table.c.id != request.id)
    replaced = {"state": REFUSED, "reason": "replaced", "decided": milliseconds(now)}
    connection.execute(update(table).where(earlier).values(replaced))
    _set(connection, request.id, state=WAITING, message="", description=_description_json(found))


def rename(connection: Connection, request: Request, activity: str) -> None:
    """The node asked again: what is answered is its newest offer."""
    _set(connection, request.id, activity=activity)


def keep_report(connection: Connection, request: Request, report: Report) -> None:
    _set(connection, request.id, report=json.dumps(as_json(report), ensure_ascii=False))


def decide(
    connection: Connection, request: Request, state: str, now: datetime, reason: str = "", detail: str = ""
) -> None:
    """What becomes of it in the end."""
    _set(
        connection, request.id, state=state, message="", reason=reason, detail=detail[:1000], decided=milliseconds(now)
    )


def withdraw(connection: Connection, node: str, now: datetime) -> None:
    """The node does not want to be harvested any more: whatever it asked is over."""
    asked = (table.c.node == node) & table.c.state.in_((QUEUED, WAITING, APPROVED))
    values = {"state": WITHDRAWN, "message": "", "decided": milliseconds(now)}
    connection.execute(update(table).where(asked).values(values))


def purge(connection: Connection, now: datetime) -> None:
    """Forget what was refused long ago."""
    old = (table.c.state == REFUSED) & (table.c.decided < milliseconds(now - KEEP_REFUSED))
    connection.execute(delete(table).where(old))


def _free(now: datetime) -> ColumnElement[bool]:
    open_ = or_(table.c.state == QUEUED, (table.c.state == WAITING) & (table.c.report == ""))
    return open_ & (table.c.begun <= milliseconds(now - LEASE))


def _set(connection: Connection, request_id: str, **values: object) -> None:
    connection.execute(update(table).where(table.c.id == request_id).values(values))


def _request(row: Row[Any]) -> Request:
    return Request(
        id=row.id,
        kind=row.kind,
        node=row.node,
        activity=row.activity,
        key_id=row.key_id,
        received=from_milliseconds(row.received),
        state=row.state,
        found=_description(json.loads(row.description)) if row.description else None,
        report=from_json(json.loads(row.report)) if row.report else None,
        reason=row.reason,
        detail=row.detail,
        decided=from_milliseconds(row.decided) if row.decided else None,
    )


def request_named(connection: Connection, name: str) -> Request:
    """The offer of this node that waits for a person; raises HarvestError."""
    found = waiting_of(connection, name)
    if found is None:
        raise HarvestError(f"no request of {name} waits for a decision; chm source list shows those that do")
    return found


def _message_json(message: Message, signature: Signature) -> str:
    """What is needed to verify it later: target, covered fields, signature, body."""
    kept = {*signature.covered, "signature", "signature-input"}
    headers = {name.lower(): value for name, value in message.headers.items() if name.lower() in kept}
    stored = {"method": message.method, "url": message.url, "headers": headers, "body": message.body.decode()}
    return json.dumps(stored)


def _message(stored: str) -> Message:
    found = json.loads(stored)
    return Message(found["method"], found["url"], found["headers"], found["body"].encode())


def _description_json(found: Description) -> str:
    """What a person decides about; the rest is read anew by the first harvest."""
    authority = found.authority
    stored = {
        "node": authority.node,
        "uri_space": authority.uri_space,
        "multikey": authority.multikey,
        "former": stored_keys(authority.former),
        "key_id": found.key_id,
        "feed": found.feed,
        "titles": found.titles,
        "country": found.country,
        "inbox": found.inbox,
    }
    return json.dumps(stored, ensure_ascii=False)


def _description(stored: Mapping[str, Any]) -> Description:  # any JSON value that _description_json wrote
    return Description(
        Authority(stored["node"], stored["uri_space"], stored["multikey"], former_keys(stored["former"])),
        stored["key_id"],
        stored["feed"],
        stored["titles"],
        stored["country"],
        (),
        inbox=stored["inbox"],
    )
