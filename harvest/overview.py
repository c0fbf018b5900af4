"""Sources and their runs, as operators and peers see them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from chm_node.proofs import fingerprint
from chm_node.record import from_milliseconds
from chm_node.tables import record as record_table
from chm_node.tables import run as run_table
from harvest.members import Member
from harvest.sources import APPROVED, Source, listing


@dataclass(frozen=True)
class RunView:
    """One harvest, or a person's decision, as operators and peers see it."""

    id: int
    started: datetime
    ended: datetime | None  #: None while it runs
    outcome: str  #: a notation of the harvest-statuses vocabulary, "running" or "decided"
    requests: int
    bytes: int
    created: int
    updated: int
    withdrawn: int
    unchanged: int
    rejected: int
    message: str


@dataclass(frozen=True)
class SourceView:
    """A source, as operators and peers see it."""

    id: int
    node: str
    address: str
    titles: Mapping[str, str]
    country: str
    state: str
    uri_space: str
    fingerprint: str  #: of the pinned key; empty for an unsigned peer
    records: int  #: live ones, its own and those of the nodes it vouches for that are not harvested here themselves
    last_run: RunView | None
    last_success: datetime | None
    due: datetime
    failures: int
    members: tuple[Member, ...]  #: nodes it vouches for
    countries: tuple[str, ...]  #: whose nodes it may vouch for; none are all


def overview(connection: Connection) -> list[SourceView]:
    """All sources with their newest run and the number of live records that come from them."""
    newest = select(func.max(run_table.c.id)).group_by(run_table.c.source_id)
    runs = {row.source_id: _run(row) for row in connection.execute(select(run_table).where(run_table.c.id.in_(newest)))}
    live = select(record_table.c.origin, func.count()).where(~record_table.c.withdrawn).group_by(record_table.c.origin)
    counts = {row[0]: row[1] for row in connection.execute(live)}
    found = listing(connection)
    direct = {each.node for each in found if each.state == APPROVED}
    return [_view(each, runs.get(each.id), sum(counts.get(node, 0) for node in _nodes(each, direct))) for each in found]


def _nodes(source: Source, direct: Collection[str]) -> set[str]:
    """Whose records come from a source."""
    return {source.node, *(each.node for each in source.members if each.pinned and each.node not in direct)}


def history(connection: Connection, source_id: int, limit: int = 50) -> list[RunView]:
    """The newest runs of a source, newest first."""
    statement = select(run_table).where(run_table.c.source_id == source_id).order_by(run_table.c.id.desc())
    return [_run(row) for row in connection.execute(statement.limit(limit))]


def run_view(connection: Connection, run_id: int) -> RunView:
    """One run by its row id."""
    return _run(connection.execute(select(run_table).where(run_table.c.id == run_id)).one())


def _run(row: Row[Any]) -> RunView:
    return RunView(
        id=row.id,
        started=from_milliseconds(row.started),
        ended=from_milliseconds(row.ended) if row.ended else None,
        outcome=row.outcome,
        requests=row.requests,
        bytes=row.bytes,
        created=row.created,
        updated=row.updated,
        withdrawn=row.withdrawn,
        unchanged=row.unchanged,
        rejected=row.rejected,
        message=row.message,
    )


def _view(source: Source, last_run: RunView | None, records: int) -> SourceView:
    return SourceView(
        id=source.id,
        node=source.node,
        address=source.address,
        titles=source.titles,
        country=source.country,
        state=source.state,
        uri_space=source.authority.uri_space,
        fingerprint=fingerprint(source.authority.multikey) if source.authority.multikey else "",
        records=records,
        last_run=last_run,
        last_success=source.last_success,
        due=source.due,
        failures=source.failures,
        members=source.members,
        countries=source.countries,
    )
