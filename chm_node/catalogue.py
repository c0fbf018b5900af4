"""Every record this node holds, and the log of changes, in commit order.

Writing needs a connection from ``chm_node.database.writing``, which holds the log's lock: the log
timestamp of a change is given out under that lock, so nobody who reads the log up to a timestamp
can ever miss an earlier change that is committed later.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from chm_node.database import change as change_table
from chm_node.database import facet as facet_table
from chm_node.database import log_head
from chm_node.database import record as record_table
from chm_node.errors import RecordNotFoundError, RecordWithdrawnError
from chm_node.record import Action, Change, RecordGraph, from_milliseconds, milliseconds
from chm_node.search import index
from chm_node.search.analyser import query as analyse_query

# One encoder for all: json.dumps makes a new one for each call with an option.
_json = json.JSONEncoder(ensure_ascii=False).encode

#: Changes on one page of the log.
PAGE_SIZE = 200
#: Above this many records a listing says "more than", instead of counting for seconds.
COUNT_LIMIT = 10_000


@dataclass(frozen=True)
class Held:
    """A record as a listing shows it."""

    id: int
    iri: str
    type: str
    origin: str
    version: datetime  #: UTC; the origin's last change
    digest: str
    log_time: datetime  #: UTC; when this node took the version over
    issued: datetime  #: UTC; first published, as far as this node knows
    titles: Mapping[str, str]
    summaries: Mapping[str, str]
    starts: str
    ends: str
    withdrawn: bool


@dataclass(frozen=True)
class Filter:
    """Which records a listing, a feed or a search shows: all conditions hold, values of one facet are alternatives."""

    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Listing:
    """A stretch of a listing, newest first."""

    records: tuple[Held, ...]
    total: int  #: of all records in the listing, at most COUNT_LIMIT + 1


@dataclass(frozen=True)
class LogHead:
    """Where the log stands."""

    seq: int
    log_time: datetime  #: UTC; of the newest change
    epoch: int

    @property
    def pages(self) -> int:
        """How many pages the log has; at least one, which may be empty."""
        return max(1, -(-self.seq // PAGE_SIZE))


@dataclass(frozen=True)
class LoggedChange:
    """A change as the log's pages carry it: no entry, no search words."""

    seq: int
    log_time: datetime
    graph: RecordGraph
    hops: tuple[str, ...]
    derived_from: str


class Catalogue:
    """Records and change log over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Writing.

    def next_log_times(self, count: int, now: datetime) -> list[datetime]:
        """Log timestamps for ``count`` changes: strictly increasing whole milliseconds, never before the newest.

        A clock that goes back is harmless; a batch runs ahead of the clock by one millisecond a change.
        """
        newest = self._connection.execute(select(log_head.c.log_time)).scalar_one()
        first = max(milliseconds(now), newest + 1)
        return [from_milliseconds(first + offset) for offset in range(count)]

    def append(self, changes: Sequence[Change]) -> None:
        """Add changes to the log and make the records equal to them; one change a record.

        The log timestamps come from ``next_log_times`` in the same transaction.
        """
        if not changes:
            return
        held = self._ids([each.graph.iri for each in changes])
        first_id = self._connection.execute(select(func.coalesce(func.max(record_table.c.id), 0))).scalar_one() + 1
        new = [each for each in changes if each.graph.iri not in held]
        ids = held | {each.graph.iri: first_id + offset for offset, each in enumerate(new)}
        first_seq = self._connection.execute(select(log_head.c.seq)).scalar_one() + 1
        rows = [_record_row(each, ids[each.graph.iri], first_seq + n) for n, each in enumerate(changes)]
        self._write_records(
            [row for row in rows if row["iri"] not in held], [row for row in rows if row["iri"] in held]
        )
        log_rows = [_change_row(each, ids[each.graph.iri], first_seq + n) for n, each in enumerate(changes)]
        self._connection.execute(insert(change_table), log_rows)
        self._write_index(changes, ids, [ids[iri] for iri in held])
        self._connection.execute(
            update(log_head).values(seq=log_rows[-1]["seq"], log_time=milliseconds(changes[-1].log_time))
        )

    # Reading records.

    def get(self, iri: str) -> Held:
        """The record with this IRI.

        Raises RecordNotFoundError, or RecordWithdrawnError when a tombstone is all that is left.
        """
        held = self.find(iri)
        if held is None:
            raise RecordNotFoundError(iri)
        if held.withdrawn:
            raise RecordWithdrawnError(iri, held.version)
        return held

    def find(self, iri: str) -> Held | None:
        """The record or tombstone with this IRI, None when there is neither."""
        row = self._connection.execute(select(record_table).where(record_table.c.iri == iri)).one_or_none()
        return _held(row) if row else None

    def graph(self, iri: str) -> LoggedChange:
        """The newest version of a record, a tombstone included; raises RecordNotFoundError."""
        statement = _log_columns().where(record_table.c.iri == iri, change_table.c.seq == record_table.c.seq)
        row = self._connection.execute(statement).one_or_none()
        if row is None:
            raise RecordNotFoundError(iri)
        return _logged(row)

    def graphs(self, ids: Iterable[int]) -> dict[int, LoggedChange]:
        """The newest version of several records by row id."""
        statement = _log_columns(record_table.c.id.label("row_id")).where(
            record_table.c.id.in_(list(ids)), change_table.c.seq == record_table.c.seq
        )
        return {row.row_id: _logged(row) for row in self._connection.execute(statement)}

    def history(self, iri: str) -> list[LoggedChange]:
        """Every version of a record, oldest first."""
        statement = _log_columns().where(record_table.c.iri == iri).order_by(change_table.c.seq)
        return [_logged(row) for row in self._connection.execute(statement)]

    def listing(self, chosen: Filter, limit: int, offset: int = 0) -> Listing:
        """Live records that pass the filter, newest log timestamp first."""
        condition = self._condition(chosen)
        statement = select(record_table).where(*condition).order_by(record_table.c.log_time.desc())
        rows = self._connection.execute(statement.limit(limit).offset(offset)).all()
        return Listing(tuple(_held(row) for row in rows), self._count(condition))

    def facet_counts(self, chosen: Filter, facet: str, limit: int = 200) -> list[tuple[str, int]]:
        """(value, number of records) of one facet among the records that pass the filter, commonest first."""
        statement = select(facet_table.c.value, func.count()).where(facet_table.c.facet == facet)
        if chosen.facets or chosen.words or chosen.origin:
            hits = select(record_table.c.id).where(*self._condition(chosen)).limit(COUNT_LIMIT)
            statement = statement.where(facet_table.c.record_id.in_(hits))
        statement = (
            statement.group_by(facet_table.c.value).order_by(func.count().desc(), facet_table.c.value).limit(limit)
        )
        return [(value, count) for value, count in self._connection.execute(statement)]

    def facets_of(self, record_id: int) -> list[tuple[str, str]]:
        """(facet, value) of one record."""
        statement = select(facet_table.c.facet, facet_table.c.value).where(facet_table.c.record_id == record_id)
        return [(facet, value) for facet, value in self._connection.execute(statement)]

    def many_facets(self, ids: Iterable[int]) -> dict[int, list[tuple[str, str]]]:
        """(facet, value) pairs of several records by row id."""
        statement = select(facet_table).where(facet_table.c.record_id.in_(list(ids)))
        found: dict[int, list[tuple[str, str]]] = {}
        for row in self._connection.execute(statement):
            found.setdefault(row.record_id, []).append((row.facet, row.value))
        return found

    def titles(self, iris: Iterable[str]) -> dict[str, Held]:
        """The held ones among these records, for links by title."""
        rows = self._connection.execute(select(record_table).where(record_table.c.iri.in_(list(iris))))
        return {row.iri: _held(row) for row in rows}

    def counts_by_origin(self, chosen: Filter | None = None) -> dict[str, int]:
        """Live records of each origin node, of those that pass the filter when there is one."""
        condition = self._condition(chosen) if chosen else [~record_table.c.withdrawn]
        statement = select(record_table.c.origin, func.count().label("records")).where(*condition)
        rows = self._connection.execute(statement.group_by(record_table.c.origin))
        return {row.origin: row.records for row in rows}

    def digests(self, iris: Sequence[str]) -> dict[str, tuple[datetime, str, bool]]:
        """(version, digest, withdrawn) of the held ones among these records."""
        columns = (record_table.c.iri, record_table.c.version, record_table.c.digest, record_table.c.withdrawn)
        found: dict[str, tuple[datetime, str, bool]] = {}
        for start in range(0, len(iris), 500):
            statement = select(*columns).where(record_table.c.iri.in_(iris[start : start + 500]))
            for row in self._connection.execute(statement):
                found[row.iri] = (from_milliseconds(row.version), row.digest, row.withdrawn)
        return found

    # Reading the log.

    def head(self) -> LogHead:
        """Where the log stands now."""
        row = self._connection.execute(select(log_head)).one()
        return LogHead(row.seq, from_milliseconds(row.log_time), row.epoch)

    def log_page(self, number: int) -> list[LoggedChange]:
        """The current changes of one page (counted from 1), oldest first; superseded versions have left it."""
        first = (number - 1) * PAGE_SIZE + 1
        statement = _log_columns().where(
            change_table.c.seq.between(first, first + PAGE_SIZE - 1), ~change_table.c.superseded
        )
        return [_logged(row) for row in self._connection.execute(statement.order_by(change_table.c.seq))]

    def page_starts(self) -> list[datetime]:
        """The log timestamp of the first change ever written to each page, page 1 first."""
        firsts = range(1, self.head().seq + 1, PAGE_SIZE)
        found: list[int] = []
        # By key, a few hundred at a time: a scan would read every change ever made.
        for start in range(0, len(firsts), 500):
            statement = select(change_table.c.log_time).where(change_table.c.seq.in_(firsts[start : start + 500]))
            found += self._connection.execute(statement.order_by(change_table.c.seq)).scalars()
        return [from_milliseconds(each) for each in found]

    def changes_after(self, log_time: datetime, limit: int) -> list[LoggedChange]:
        """Current changes with a later log timestamp, oldest first."""
        statement = _log_columns().where(change_table.c.log_time > milliseconds(log_time), ~change_table.c.superseded)
        return [_logged(row) for row in self._connection.execute(statement.order_by(change_table.c.seq).limit(limit))]

    # How it is done.

    def _ids(self, iris: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for start in range(0, len(iris), 500):
            chunk = iris[start : start + 500]
            statement = select(record_table.c.iri, record_table.c.id).where(record_table.c.iri.in_(chunk))
            found.update((iri, row_id) for iri, row_id in self._connection.execute(statement))
        return found

    def _write_records(self, created: list[dict[str, Any]], changed: list[dict[str, Any]]) -> None:
        if created:
            self._connection.execute(insert(record_table), created)
        if changed:
            # "issued" stays what it was when the record was first seen.
            columns: dict[str, Any] = {
                name: bindparam(f"new_{name}") for name in changed[0] if name not in ("id", "iri", "issued")
            }
            statement = update(record_table).where(record_table.c.id == bindparam("row_id")).values(columns)
            rows = [{"row_id": row["id"]} | {f"new_{name}": row[name] for name in columns} for row in changed]
            self._connection.execute(statement, rows)
            superseded = (
                update(change_table)
                .where(change_table.c.record_id == bindparam("row_id"), ~change_table.c.superseded)
                .values(superseded=True)
            )
            self._connection.execute(superseded, [{"row_id": row["id"]} for row in changed])

    def _write_index(self, changes: Sequence[Change], ids: Mapping[str, int], replaced: Sequence[int]) -> None:
        live = [(ids[each.graph.iri], each.entry) for each in changes if each.graph.action is not Action.DELETE]
        if replaced:
            statement = delete(facet_table).where(facet_table.c.record_id == bindparam("row_id"))
            self._connection.execute(statement, [{"row_id": row_id} for row_id in replaced])
        self._write_facets(
            [(facet, value, row_id) for row_id, entry in live for facet, value in sorted(set(entry.facets))]
        )
        words = [(row_id, entry.search_title, entry.search_body) for row_id, entry in live]
        index.write(self._connection, words, replaced)

    def _write_facets(self, rows: list[tuple[str, str, int]]) -> None:
        if not rows:
            return
        # Some ten rows a record: what SQLAlchemy does to named parameters would take longer than the database.
        mark = "?" if self._connection.dialect.name == "sqlite" else "%s"
        self._connection.exec_driver_sql(f"INSERT INTO facet VALUES ({mark}, {mark}, {mark})", rows)  # noqa: S608 -- one of two fixed marks

    def _condition(self, chosen: Filter) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = [~record_table.c.withdrawn]
        for facet, values in chosen.facets.items():
            hits = select(facet_table.c.record_id).where(facet_table.c.facet == facet, facet_table.c.value.in_(values))
            conditions.append(record_table.c.id.in_(hits))
        if chosen.origin:
            conditions.append(record_table.c.origin == chosen.origin)
        if (asked := analyse_query(chosen.words)).words:
            conditions.append(index.matching(self._connection.dialect.name, asked))
        return conditions

    def _count(self, condition: Sequence[ColumnElement[bool]]) -> int:
        hits = select(record_table.c.id).where(*condition).limit(COUNT_LIMIT + 1).subquery()
        return self._connection.execute(select(func.count()).select_from(hits)).scalar_one()


def _log_columns(*more: Any) -> Select[Any]:
    columns = [each for each in change_table.c if each.name != "record_id"]
    joined = change_table.join(record_table, record_table.c.id == change_table.c.record_id)
    return select(*columns, record_table.c.iri, record_table.c.origin, *more).select_from(joined)


def _logged(row: Row[Any]) -> LoggedChange:
    graph = RecordGraph(
        iri=row.iri,
        action=Action(row.action),
        origin=row.origin,
        version=from_milliseconds(row.version),
        nquads=row.nquads,
        digest=row.digest,
        proof=json.loads(row.proof) if row.proof else None,
    )
    return LoggedChange(row.seq, from_milliseconds(row.log_time), graph, tuple(json.loads(row.hops)), row.derived_from)


def _held(row: Row[Any]) -> Held:
    return Held(
        id=row.id,
        iri=row.iri,
        type=row.type,
        origin=row.origin,
        version=from_milliseconds(row.version),
        digest=row.digest,
        log_time=from_milliseconds(row.log_time),
        issued=from_milliseconds(row.issued),
        titles=json.loads(row.titles),
        summaries=json.loads(row.summaries),
        starts=row.starts,
        ends=row.ends,
        withdrawn=row.withdrawn,
    )


def _record_row(each: Change, row_id: int, seq: int) -> dict[str, Any]:
    version = milliseconds(each.graph.version)
    return {
        "id": row_id,
        "iri": each.graph.iri,
        "type": each.entry.type,
        "origin": each.graph.origin,
        "withdrawn": each.graph.action is Action.DELETE,
        "version": version,
        "digest": each.graph.digest,
        "seq": seq,
        "log_time": milliseconds(each.log_time),
        "issued": milliseconds(each.issued) if each.issued else version,
        "titles": _json(dict(each.entry.titles)),
        "summaries": _json(dict(each.entry.summaries)),
        "starts": each.entry.starts,
        "ends": each.entry.ends,
    }


def _change_row(each: Change, row_id: int, seq: int) -> dict[str, Any]:
    graph = each.graph
    return {
        "seq": seq,
        "log_time": milliseconds(each.log_time),
        "record_id": row_id,
        "action": graph.action.value,
        "version": milliseconds(graph.version),
        "digest": graph.digest,
        "nquads": graph.nquads,
        "proof": json.dumps(dict(graph.proof)) if graph.proof else "",
        "hops": json.dumps(each.hops),
        "derived_from": each.derived_from or "",
        "superseded": False,
    }
