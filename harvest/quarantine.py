"""Withdrawals held back because there were too many at once, and what a person decided about each.

A person decides about exactly what was shown: a withdrawal is named by its record and the digest of its tombstone. One
that is accepted passes the guard at the next harvest; one that is dropped is not followed, however often it is offered.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Join, Row, bindparam, delete, func, insert, select, update

from chm_node.database import frontier as frontier_table
from chm_node.database import quarantine as quarantine_table
from chm_node.database import record as record_table
from chm_node.database import source as source_table
from chm_node.errors import HarvestError
from chm_node.record import from_milliseconds, milliseconds
from harvest import runs
from harvest.sources import Source, find, get
from harvest.trust import Offer

WAITING, ACCEPTED, DROPPED = "waiting", "accepted", "dropped"
#: Titles that are shown of the records at stake.
EXAMPLES = 5

_columns = quarantine_table.c


@dataclass(frozen=True)
class Held:
    """Withdrawals of one source that a person was or is asked about."""

    source: Source
    decision: str  #: waiting, accepted or dropped
    count: int
    records: int  #: live records here that the source may withdraw
    since: datetime
    examples: tuple[Mapping[str, str], ...]  #: titles of some of the records, by language


def hold(connection: Connection, source_id: int, offers: Sequence[Offer], now: datetime) -> None:
    """Remember withdrawals until a person decides."""
    again = (_columns.source_id == source_id) & (_columns.iri == bindparam("again"))
    rows = [
        {
            "source_id": source_id,
            "iri": each.iri,
            "version": milliseconds(each.version or now),
            "digest": each.digest,
            "held": milliseconds(now),
            "decision": WAITING,
        }
        for each in offers
    ]
    if rows:
        connection.execute(delete(quarantine_table).where(again), [{"again": row["iri"]} for row in rows])
        connection.execute(insert(quarantine_table), rows)


def release(connection: Connection, source_id: int) -> None:
    """Forget what no longer waits: the log was read anew. What was dropped stays dropped."""
    passed = (_columns.source_id == source_id) & (_columns.decision != DROPPED)
    connection.execute(delete(quarantine_table).where(passed))


def decided(connection: Connection, source_id: int, decision: str, offers: Iterable[Offer]) -> frozenset[str]:
    """Digests of those tombstones that a person accepted or dropped."""
    digests = [each.digest for each in offers]
    found: set[str] = set()
    for start in range(0, len(digests), 500):
        of_page = _columns.digest.in_(digests[start : start + 500])
        wanted = (_columns.source_id == source_id) & (_columns.decision == decision) & of_page
        found.update(connection.execute(select(_columns.digest).where(wanted)).scalars())
    return frozenset(found)


def followed(connection: Connection, source_id: int) -> int:
    """How many accepted withdrawals are done; they do not count as suspicious."""
    done = (record_table.c.iri == _columns.iri) & (record_table.c.digest == _columns.digest)
    wanted = (_columns.source_id == source_id) & (_columns.decision == ACCEPTED)
    counted = select(func.count()).select_from(quarantine_table.join(record_table, done)).where(wanted)
    return int(connection.execute(counted).scalar_one())


def waiting(connection: Connection, source_id: int) -> int:
    """How many withdrawals of a source a person is asked about."""
    wanted = (_columns.source_id == source_id) & (_columns.decision == WAITING)
    counted = select(func.count()).select_from(_at_stake()).where(wanted)
    return int(connection.execute(counted).scalar_one())


def listing(connection: Connection) -> list[Held]:
    """What is held or was decided of each source, as far as its records are still live here."""
    groups = (
        select(
            _columns.source_id, _columns.decision, func.count().label("number"), func.min(_columns.held).label("since")
        )
        .select_from(_at_stake())
        .group_by(_columns.source_id, _columns.decision)
        .order_by(_columns.source_id, _columns.decision.desc())
    )
    return [_held(connection, row) for row in connection.execute(groups)]


def accept(connection: Connection, name: str, now: datetime) -> int:
    """Let the next harvest follow what is held or was dropped of a source; how many withdrawals that are.

    Raises HarvestError when there are none.
    """
    source = find(connection, name)
    count = _decide(connection, source, (DROPPED,), ACCEPTED)
    if count:
        # Their pages may lie behind the cursor, so the log has to be read once more; a run under way ends at its page.
        connection.execute(delete(frontier_table).where(frontier_table.c.source_id == source.id))
        connection.execute(update(source_table).where(source_table.c.id == source.id).values(cursor=0, lease=""))
    count += _decide(connection, source, (WAITING,), ACCEPTED)
    return _note(connection, source, count, ACCEPTED, now)


def drop(connection: Connection, name: str, now: datetime) -> int:
    """Keep the records although their node withdraws them; how many these are.

    Raises HarvestError when there are none.
    """
    source = find(connection, name)
    count = _decide(connection, source, (WAITING, ACCEPTED), DROPPED)
    return _note(connection, source, count, DROPPED, now)


def _at_stake() -> Join:
    """Held withdrawals beside the live record each would withdraw; what its node published anew is out of danger."""
    live = (
        (record_table.c.iri == _columns.iri) & ~record_table.c.withdrawn & (record_table.c.version < _columns.version)
    )
    return quarantine_table.join(record_table, live)


def _decide(connection: Connection, source: Source, before: Collection[str], decision: str) -> int:
    at_stake = select(_columns.iri).select_from(_at_stake()).where(_columns.source_id == source.id)
    wanted = (_columns.source_id == source.id) & _columns.decision.in_(before) & _columns.iri.in_(at_stake)
    return connection.execute(update(quarantine_table).where(wanted).values(decision=decision)).rowcount


def _note(connection: Connection, source: Source, count: int, decision: str, now: datetime) -> int:
    """Have the decision stand in the run history, and the source harvested soon."""
    if not count:
        raise HarvestError(f"no withdrawals of {source.node} are held")
    runs.note(connection, source.id, f"{now:%Y-%m-%d %H:%M} UTC: a person {decision} {count} withdrawals")
    idle = (source_table.c.id == source.id) & (source_table.c.lease == "")
    connection.execute(update(source_table).where(idle).values(due=milliseconds(now)))
    return count


def _held(connection: Connection, row: Row[Any]) -> Held:
    source = get(connection, row.source_id)
    of_group = (_columns.source_id == row.source_id) & (_columns.decision == row.decision)
    some = select(record_table.c.titles).select_from(_at_stake()).where(of_group).order_by(_columns.iri).limit(EXAMPLES)
    nodes = [source.node, *(each.node for each in source.members)]
    live = select(func.count()).where(record_table.c.origin.in_(nodes), ~record_table.c.withdrawn)
    return Held(
        source=source,
        decision=row.decision,
        count=row.number,
        records=connection.execute(live).scalar_one(),
        since=from_milliseconds(row.since),
        examples=tuple(json.loads(titles) for titles in connection.execute(some).scalars()),
    )
