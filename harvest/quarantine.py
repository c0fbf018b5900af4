"""Changes that a person is asked about, as they were offered: held here, never served and never passed on.

Of a source, a record and a kind, one change is held. A person decides about exactly what was shown, so a decision is
about its hash: a change that was dropped stays so, however often and by whichever way it is offered.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, exists, func, or_, select, text, tuple_, update
from sqlalchemy.sql.elements import ColumnElement

from chm_node.record import Action, from_milliseconds, milliseconds
from chm_node.tables import quarantine as quarantine_table
from chm_node.tables import record as record_table
from harvest.trust import Offer, Verdict

WAITING, DROPPED = "waiting", "dropped"

_columns = quarantine_table.c
_HOLD = text(
    "INSERT INTO quarantine (source_id, iri, kind, decision, held, asked, action, origin, version, issued, digest,"
    " nquads, proof, hops, activity) VALUES (:source_id, :iri, :kind, :decision, :held, 0, :action, :origin, :version,"
    " :issued, :digest, :nquads, :proof, :hops, :activity)"
    " ON CONFLICT (source_id, iri, kind) DO UPDATE SET decision = excluded.decision,"
    " held = excluded.held, asked = 0, action = excluded.action, origin = excluded.origin, version = excluded.version,"
    " issued = excluded.issued, digest = excluded.digest, nquads = excluded.nquads, proof = excluded.proof,"
    " hops = excluded.hops, activity = excluded.activity"
    # The same again waits since it first came, and stays dropped. What is passed over once it is held comes once:
    # nothing older takes its place.
    " WHERE quarantine.digest <> excluded.digest"
    " AND (quarantine.kind NOT IN ('withdrawal', 'rolled-back') OR quarantine.version <= excluded.version)"
)


class Kind(Enum):
    """Why a change is held; the value is what an operator types."""

    WITHDRAWAL = "withdrawal"  #: too many at once
    EQUIVOCATION = "equivocation"  #: another text as the version that is held
    FUTURE = "future-version"  #: dated ahead of our clock
    ROLLED_BACK = "rolled-back"  #: was taken over, until a person went back to an earlier run

    @property
    def verdict(self) -> Verdict:
        """What its peer reads of it."""
        return _VERDICTS[self]


_VERDICTS = {
    Kind.WITHDRAWAL: Verdict.WITHDRAWAL_HELD,
    Kind.EQUIVOCATION: Verdict.EQUIVOCATION,
    Kind.FUTURE: Verdict.FUTURE,
    Kind.ROLLED_BACK: Verdict.ROLLED_BACK,
}
#: What was taken over until a person went back is not offered, but held by that.
_HELD = {kind.verdict: kind for kind in Kind if kind is not Kind.ROLLED_BACK}


@dataclass(frozen=True)
class Choice:
    """Which of the held changes of a source: of one kind, of one record; empty for all."""

    kind: Kind | None = None
    iri: str = ""

    def condition(self) -> ColumnElement[bool]:
        """That a row of the quarantine is among them."""
        wanted: ColumnElement[bool] = _columns.iri == self.iri if self.iri else _columns.iri != ""
        return wanted & (_columns.kind == self.kind.value) if self.kind else wanted


@dataclass(frozen=True)
class Group:
    """Held changes of one source and kind."""

    source_id: int
    kind: Kind
    decision: str  #: waiting or dropped
    count: int
    since: datetime


def kind_of(verdict: Verdict) -> Kind | None:
    """As what a change with this verdict is held; None when it is refused and forgotten, or fine."""
    return _HELD.get(verdict)


def hold(
    connection: Connection,
    source_id: int,
    kind: Kind,
    offers: Sequence[Offer],
    now: datetime,
    decision: str = WAITING,
) -> None:
    """Keep changes until a person decides; of a record and a kind, the last one that came."""
    fixed: dict[str, Any] = {
        "source_id": source_id,
        "kind": kind.value,
        "decision": decision,
        "held": milliseconds(now),
    }
    if offers:
        connection.execute(_HOLD, [fixed | _row(each) for each in offers])


def forget_settled(connection: Connection, source_id: int) -> None:
    """Forget what a newer version has settled.

    A withdrawal of what is not here is not: the record was taken back, and going forward again brings it.
    """
    own = _columns.source_id == source_id
    taken_back = ~exists().where(record_table.c.iri == _columns.iri, record_table.c.digest != "")
    still = (_columns.kind == Kind.WITHDRAWAL.value) & taken_back
    settled = tuple_(_columns.iri, _columns.kind).not_in(_open(_columns.iri, _columns.kind).where(own))
    connection.execute(delete(quarantine_table).where(own, ~still, settled))


def forget(connection: Connection, source_id: int, kind: Kind, iris: Iterable[str]) -> None:
    """Hold nothing of this kind of these records any longer."""
    own = (_columns.source_id == source_id) & (_columns.kind == kind.value) & (_columns.iri == bindparam("settled"))
    if rows := [{"settled": iri} for iri in iris]:
        connection.execute(delete(quarantine_table).where(own), rows)


def blocked(connection: Connection, iris: Sequence[str]) -> dict[tuple[str, str], Verdict]:
    """What a person decided not to take over, or has to decide first: by record and hash, whoever offers it."""
    found: dict[tuple[str, str], Verdict] = {}
    if connection.execute(select(_columns.iri).limit(1)).first() is None:
        return found  # nearly always, and in a tenth of the time
    for start in range(0, len(iris), 500):
        first_decide = _columns.kind.in_((Kind.WITHDRAWAL.value, Kind.ROLLED_BACK.value))
        wanted = _columns.iri.in_(iris[start : start + 500]) & or_(_columns.decision == DROPPED, first_decide)
        for row in connection.execute(_open(_columns.iri, _columns.digest, _columns.kind).where(wanted)):
            found[row.iri, row.digest] = Kind(row.kind).verdict
    return found


def withdrawals_waiting(connection: Connection, source_id: int, since: datetime | None = None) -> int:
    """How many withdrawals of a source a person has yet to decide about; ``since``: of those that came from then on."""
    counted = _open(func.count()).where(_waiting_withdrawals(source_id))
    if since:
        counted = counted.where(_columns.held >= milliseconds(since))
    return int(connection.execute(counted).scalar_one())


def own_withdrawals(connection: Connection, source_id: int, node: str) -> Sequence[str]:
    """The records of a source's own node whose withdrawal waits."""
    waiting = _open(_columns.iri).where(_waiting_withdrawals(source_id), _columns.origin == node)
    return connection.execute(waiting.order_by(_columns.iri)).scalars().all()


def tombstones(connection: Connection, node: str) -> set[str]:
    """The records of a node whose tombstones are held, for whatever reason, decision and source."""
    held = _open(_columns.iri).where(_columns.action == Action.DELETE.value, _columns.origin == node)
    return set(connection.execute(held).scalars())


def ripe(connection: Connection, source_id: int, latest: datetime) -> list[Offer]:
    """Changes that were dated ahead and whose time has come."""
    due = (_columns.kind == Kind.FUTURE.value) & (_columns.version <= milliseconds(latest))
    return _offers(connection, source_id, due & (_columns.decision == WAITING))


def second_texts(connection: Connection, source_id: int, node: str, before: datetime, limit: int) -> list[Offer]:
    """Second texts of other nodes' records that wait and about which nobody was asked since; the longest ago first."""
    wanted = (_columns.source_id == source_id) & (_columns.kind == Kind.EQUIVOCATION.value)
    due = (_columns.decision == WAITING) & (_columns.origin != node) & (_columns.asked <= milliseconds(before))
    oldest = _open(*_columns).where(wanted, due).order_by(_columns.asked, _columns.held, _columns.iri)
    return [_offer(row) for row in connection.execute(oldest.limit(limit))]


def asked(connection: Connection, source_id: int, iri: str, now: datetime) -> None:
    """Note that the node of a record was asked about what is held of it."""
    own = (_columns.source_id == source_id) & Choice(Kind.EQUIVOCATION, iri).condition()
    connection.execute(update(quarantine_table).where(own).values(asked=milliseconds(now)))


def waiting(connection: Connection, source_id: int, chosen: Choice, limit: int) -> list[tuple[Kind, Offer]]:
    """The next held changes that a person is asked about."""
    wanted = (_columns.source_id == source_id) & (_columns.decision == WAITING) & chosen.condition()
    rows = connection.execute(_open(*_columns).where(wanted).order_by(_columns.iri).limit(limit))
    return [(Kind(row.kind), _offer(row)) for row in rows]


def some(connection: Connection, group: Group, limit: int) -> list[Offer]:
    """The first changes of a group, to show what it is about."""
    of_group = (_columns.kind == group.kind.value) & (_columns.decision == group.decision)
    return _offers(connection, group.source_id, of_group, limit)


def groups(connection: Connection, source_id: int | None = None, chosen: Choice | None = None) -> list[Group]:
    """What is held or was dropped, by source and kind, as far as nothing newer has settled it."""
    by = (_columns.source_id, _columns.kind, _columns.decision)
    counted = _open(*by, func.count().label("number"), func.min(_columns.held).label("since"))
    if source_id is not None:
        counted = counted.where(_columns.source_id == source_id)
    if chosen:
        counted = counted.where(chosen.condition())
    # "waiting" before "dropped"
    rows = connection.execute(counted.group_by(*by).order_by(by[0], by[2].desc(), by[1]))
    return [
        Group(row.source_id, Kind(row.kind), row.decision, row.number, from_milliseconds(row.since)) for row in rows
    ]


def decide(connection: Connection, source_id: int, chosen: Choice, before: str, after: str) -> None:
    """Have what waits be dropped, or what was dropped wait."""
    still_open = _open(_columns.iri, _columns.kind).where(_columns.source_id == source_id)
    wanted = (_columns.source_id == source_id) & (_columns.decision == before) & chosen.condition()
    statement = update(quarantine_table).where(wanted, tuple_(_columns.iri, _columns.kind).in_(still_open))
    connection.execute(statement.values(decision=after))


def _open(*columns: Any) -> Select[Any]:  # Any: whatever a select may list
    """Held changes that are no older than what is here of the record, and not that; withdrawals of live ones."""
    joined = quarantine_table.outerjoin(record_table, record_table.c.iri == _columns.iri)
    absent = record_table.c.id.is_(None) | (record_table.c.digest == "")
    newer = (record_table.c.version <= _columns.version) & (record_table.c.digest != _columns.digest)
    withdraws = _columns.kind == Kind.WITHDRAWAL.value
    at_stake = ~withdraws & (absent | newer) | withdraws & ~absent & newer & ~record_table.c.withdrawn
    return select(*columns).select_from(joined).where(at_stake)


def _waiting_withdrawals(source_id: int) -> ColumnElement[bool]:
    of_kind = Choice(Kind.WITHDRAWAL).condition()
    return (_columns.source_id == source_id) & (_columns.decision == WAITING) & of_kind


def _offers(
    connection: Connection, source_id: int, wanted: ColumnElement[bool], limit: int | None = None
) -> list[Offer]:
    statement = _open(*_columns).where(_columns.source_id == source_id, wanted).order_by(_columns.iri)
    return [_offer(row) for row in connection.execute(statement.limit(limit))]


def _row(offer: Offer) -> dict[str, Any]:
    assert offer.version  # noqa: S101  it belongs to everything that could be taken over
    return {
        "iri": offer.iri,
        "action": offer.action.value,
        "origin": offer.origin,
        "version": milliseconds(offer.version),
        "issued": milliseconds(offer.issued) if offer.issued else 0,
        "digest": offer.digest,
        "nquads": offer.nquads,
        "proof": json.dumps(dict(offer.proof)) if offer.proof else "",
        "hops": json.dumps(offer.hops),
        "activity": offer.activity,
    }


def _offer(row: Row[Any]) -> Offer:
    return Offer(
        activity=row.activity,
        action=Action(row.action),
        iri=row.iri,
        origin=row.origin,
        version=from_milliseconds(row.version),
        issued=from_milliseconds(row.issued) if row.issued else None,
        hops=tuple(json.loads(row.hops)),
        nquads=row.nquads,
        digest=row.digest,
        triples=row.nquads.count(b"\n"),
        proof=json.loads(row.proof) if row.proof else None,
    )
