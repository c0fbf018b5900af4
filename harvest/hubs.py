"""Hubs that are asked regularly what became of our records, and the newest whole answer of each.

What a hub said stays until it says something else; when it falls silent, its answer grows old and says so.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from chm_node.errors import HarvestError
from chm_node.record import from_milliseconds, milliseconds
from chm_node.tables import hub as hub_table
from chm_node.tables import record as record_table
from chm_node.tables import told as told_table
from harvest.standing import Light, Own, Standing, Told, compare

#: After this time a worker that died over a hub no longer keeps others from asking it.
_LEASE = timedelta(minutes=30)


@dataclass(frozen=True)
class Hub:
    """A hub, and how it answered."""

    id: int
    address: str  #: as the operator typed it, in the common form
    titles: Mapping[str, str]  #: as it calls itself; empty before its first answer
    answered: datetime | None  #: when its newest whole answer came
    problem: str  #: why the newest try brought none; empty when it did


@dataclass(frozen=True)
class HubView:
    """How our records stand at one hub."""

    hub: Hub
    green: int  #: records of which it has our version
    others: tuple[Standing, ...]  #: all that are not green, worst first

    @property
    def light(self) -> Light:
        """The worst light; green when there is nothing."""
        return self.others[0].light if self.others else Light.GREEN

    @property
    def counts(self) -> Mapping[Light, int]:
        """How many records have each light."""
        others = Counter(each.light for each in self.others)
        return {Light.GREEN: self.green, Light.AMBER: others[Light.AMBER], Light.RED: others[Light.RED]}


def remember(connection: Connection, address: str, now: datetime) -> None:
    """Have a hub asked from now on; one that is remembered already stays as it is."""
    if connection.execute(select(hub_table.c.id).where(hub_table.c.address == address)).first() is None:
        blank = {"titles": "{}", "failures": 0, "answered": 0, "problem": ""}
        at = milliseconds(now)
        connection.execute(insert(hub_table).values(address=address, added=at, due=at, **blank))


def forget(connection: Connection, address: str) -> None:
    """Ask a hub no more, and drop what it said; raises HarvestError when it is not remembered."""
    row = connection.execute(select(hub_table.c.id).where(hub_table.c.address == address)).first()
    if row is None:
        known = ", ".join(each.address for each in listing(connection)) or "none"
        raise HarvestError(f"{address} is no hub that is remembered here; these are: {known}")
    connection.execute(delete(told_table).where(told_table.c.hub_id == row.id))
    connection.execute(delete(hub_table).where(hub_table.c.id == row.id))


def listing(connection: Connection) -> list[Hub]:
    """All hubs that are remembered, in the order they were added."""
    return [_hub(row) for row in connection.execute(select(hub_table).order_by(hub_table.c.id))]


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether a hub waits to be asked."""
    return connection.execute(_due(now).limit(1)).first() is not None


def claim(connection: Connection, now: datetime) -> str | None:
    """The address of the hub that has waited longest, which no other worker asks meanwhile."""
    row = connection.execute(_due(now).order_by(hub_table.c.due).limit(1)).first()
    if row is None:
        return None
    later = {"due": milliseconds(now + _LEASE)}
    connection.execute(update(hub_table).where(hub_table.c.id == row.id).values(later))
    return str(row.address)


def answered(
    connection: Connection,
    address: str,
    titles: Mapping[str, str],
    told: Iterable[Told],
    now: datetime,
    due: datetime,
) -> None:
    """Keep a whole answer in the place of the one before; nothing happens when the hub was forgotten meanwhile."""
    row = connection.execute(select(hub_table.c.id).where(hub_table.c.address == address)).first()
    if row is None:
        return
    connection.execute(delete(told_table).where(told_table.c.hub_id == row.id))
    if rows := [_told_row(row.id, each, now) for each in told]:
        connection.execute(insert(told_table), rows)
    names = json.dumps(dict(titles), ensure_ascii=False)
    fresh = {"titles": names, "answered": milliseconds(now), "due": milliseconds(due), "failures": 0, "problem": ""}
    connection.execute(update(hub_table).where(hub_table.c.id == row.id).values(fresh))


def failures(connection: Connection, address: str) -> int:
    """How often in a row a hub did not answer."""
    found = connection.execute(select(hub_table.c.failures).where(hub_table.c.address == address)).scalar()
    return int(found or 0)


def failed(connection: Connection, address: str, problem: str, due: datetime) -> None:
    """Note that a hub did not answer; what it said before stays."""
    values = {"problem": problem[:1000], "due": milliseconds(due), "failures": hub_table.c.failures + 1}
    connection.execute(update(hub_table).where(hub_table.c.address == address).values(values))


def view(connection: Connection, hub: Hub, node: str, uri_space: str) -> HubView:
    """How the records of our node, and what else it has of our URI space, stand at a hub by its newest answer."""
    joined = record_table.outerjoin(
        told_table, (told_table.c.iri == record_table.c.iri) & (told_table.c.hub_id == hub.id)
    )
    ours = record_table.c.origin == node
    equal = func.coalesce(told_table.c.held, "") == record_table.c.digest
    green = connection.execute(select(func.count()).select_from(joined).where(ours, equal)).scalar_one()
    own = select(record_table.c.iri, *_own_columns).select_from(joined).where(ours, ~equal)
    others = [_own(row) for row in connection.execute(own)]
    return HubView(hub, green, tuple(compare(others, _told_of_others(connection, hub, node), uri_space)))


def own_records(connection: Connection, node: str) -> Iterator[Own]:
    """Every record of our node, tombstones included."""
    own = select(record_table.c.iri, *_own_columns).where(record_table.c.origin == node)
    return (_own(row) for row in connection.execute(own))


def at_each(connection: Connection, iri: str, node: str) -> list[tuple[Hub, Standing]]:
    """How one record of our node stands at each hub that has answered."""
    row = connection.execute(
        select(record_table.c.iri, *_own_columns).where(record_table.c.iri == iri, record_table.c.origin == node)
    ).first()
    if row is None:
        return []
    own = _own(row)
    asked = [each for each in listing(connection) if each.answered]
    said = connection.execute(select(told_table).where(told_table.c.iri == iri))
    told = {each.hub_id: {iri: _told(each)} for each in said}
    return [(hub, standing) for hub in asked for standing in compare([own], told.get(hub.id, {}), iri)]


_own_columns = (record_table.c.titles, record_table.c.digest, record_table.c.withdrawn, record_table.c.version)


def _own(row: Any) -> Own:  # Any: a row of these columns, whose types SQLAlchemy knows one by one
    return Own(row.iri, json.loads(row.titles), row.digest, row.withdrawn, from_milliseconds(row.version))


def _told_of_others(connection: Connection, hub: Hub, node: str) -> dict[str, Told]:
    """What the hub said, but of records of which it has our version."""
    same = (
        (record_table.c.iri == told_table.c.iri)
        & (record_table.c.origin == node)
        & (record_table.c.digest == told_table.c.held)
    )
    joined = told_table.outerjoin(record_table, same)
    statement = select(told_table).select_from(joined).where(told_table.c.hub_id == hub.id, record_table.c.id.is_(None))
    return {row.iri: _told(row) for row in connection.execute(statement)}


def _due(now: datetime) -> Select[Any]:
    return select(hub_table.c.id, hub_table.c.address).where(hub_table.c.due <= milliseconds(now))


def _hub(row: Row[Any]) -> Hub:
    answered = from_milliseconds(row.answered) if row.answered else None
    return Hub(row.id, row.address, json.loads(row.titles), answered, row.problem)


def _told_row(hub_id: int, told: Told, now: datetime) -> dict[str, Any]:
    return {
        "hub_id": hub_id,
        "iri": told.iri,
        "digest": told.digest,
        "refused": told.refused,
        "reason": told.reason,
        "sentences": json.dumps(dict(told.sentences), ensure_ascii=False),
        "detail": told.detail,
        "held": told.held,
        "held_version": milliseconds(told.held_version) if told.held_version else 0,
        "received": milliseconds(told.received or now),
    }


def _told(row: Row[Any]) -> Told:
    return Told(
        iri=row.iri,
        digest=row.digest,
        refused=row.refused,
        reason=row.reason,
        sentences=json.loads(row.sentences),
        detail=row.detail,
        held=row.held,
        held_version=from_milliseconds(row.held_version) if row.held_version else None,
        received=from_milliseconds(row.received),
    )
