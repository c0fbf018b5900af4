"""The hubs that this node asked to harvest it: the table ``membership``."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from chm_node.addresses import common_form
from chm_node.record import from_milliseconds, milliseconds
from chm_node.tables import membership as table
from harvest import hubs

ASKED, ACCEPTED, REJECTED, REFUSED, LEFT = "asked", "accepted", "rejected", "refused", "left"


@dataclass(frozen=True)
class Membership:
    """One hub, and how it answered."""

    hub: str  #: IRI of its node
    address: str  #: as the operator typed it, in the common form
    inbox: str
    key_id: str  #: with which it signs its answer; empty for none
    multikey: str
    offer: str  #: IRI of our request
    asked: datetime
    location: str = ""  #: where the hub tells what became of it
    state: str = ASKED
    summary: str = ""  #: the hub's reason
    answered: datetime | None = None


def find(connection: Connection, name: str) -> Membership | None:
    """The membership at the hub with this address or node IRI."""
    named = (table.c.hub == name) | (table.c.address == common_form(name))
    row = connection.execute(select(table).where(named)).first()
    return _membership(row) if row else None


def listing(connection: Connection) -> list[Membership]:
    return [_membership(row) for row in connection.execute(select(table).order_by(table.c.asked, table.c.hub))]


def keep(connection: Connection, membership: Membership) -> None:
    """Remember it in place of whatever was known of this hub; one that accepted is asked for receipts from then on."""
    forget(connection, membership)
    if membership.state == ACCEPTED:
        hubs.remember(connection, membership.address, membership.answered or membership.asked)
    stored = asdict(membership)
    answered = milliseconds(membership.answered) if membership.answered else 0
    connection.execute(insert(table).values(stored | {"asked": milliseconds(membership.asked), "answered": answered}))


def forget(connection: Connection, membership: Membership) -> None:
    connection.execute(delete(table).where(table.c.hub == membership.hub))


def answered(membership: Membership, state: str, summary: str, now: datetime) -> Membership:
    """The membership after the hub's answer; an answer that says nothing new keeps its moment."""
    if (membership.state, membership.summary) == (state, summary):
        return membership
    return replace(membership, state=state, summary=summary, answered=now)


def _membership(row: Row[Any]) -> Membership:
    stored: dict[str, Any] = row._asdict()
    moments = {
        "asked": from_milliseconds(row.asked),
        "answered": from_milliseconds(row.answered) if row.answered else None,
    }
    return Membership(**{**stored, **moments})
