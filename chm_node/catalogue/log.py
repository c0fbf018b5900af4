"""The log of changes: what happened to which record, in commit order, and every version's bytes."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, Row, Select, bindparam, select, update

from chm_node.catalogue import pages
from chm_node.catalogue.current import make_current, row_ids
from chm_node.catalogue.erased import erase, is_erasure, without_titles
from chm_node.database import insert_rows
from chm_node.errors import RecordNotFoundError
from chm_node.record import Action, Change, RecordGraph, from_milliseconds, milliseconds
from chm_node.tables import change as change_table
from chm_node.tables import log_head
from chm_node.tables import record as record_table


@dataclass(frozen=True)
class LogHead:
    """Where the log stands."""

    seq: int
    log_time: datetime  #: UTC; of the newest change, or of the beginning of the epoch if that is later
    epoch: int
    pages: int  #: at least one, which may be empty


@dataclass(frozen=True)
class LoggedChange:
    """A change as the log's pages carry it: no entry, no search words."""

    seq: int
    log_time: datetime
    graph: RecordGraph
    hops: tuple[str, ...]
    derived_from: str

    @property
    def taken_back(self) -> bool:
        """Whether it only says that this node no longer has the record: nothing for others, who ask its owner."""
        return not self.graph.digest


class ChangeLog:
    """Reads the log over one connection and adds to it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def head(self) -> LogHead:
        """Where the log stands now."""
        row = self._connection.execute(select(log_head, pages.newest_number().label("pages"))).one()
        return LogHead(row.seq, from_milliseconds(row.log_time), row.epoch, max(1, row.pages))

    def next_log_times(self, count: int, now: datetime) -> list[datetime]:
        """Log timestamps for ``count`` changes: strictly increasing whole milliseconds, never before the newest.

        A clock that goes back is harmless; a batch runs ahead of the clock by one millisecond a change.
        """
        newest = self._connection.execute(select(log_head.c.log_time)).scalar_one()
        first = max(milliseconds(now), newest + 1)
        return [from_milliseconds(first + offset) for offset in range(count)]

    def begin_epoch(self, now: datetime, *, beyond: tuple[int, datetime] | None = None) -> LogHead:
        """Give every page another address, and go on with log timestamps after anything given out before.

        ``beyond`` is an epoch and a log timestamp that were given out although this database may not know of them.
        An epoch is named by its second, so that a database that was restored twice does not repeat one either.
        """
        head = self.head()
        epoch, log_time = beyond or (0, head.log_time)
        fresh = {
            "epoch": max(head.epoch + 1, epoch + 1, int(now.timestamp())),
            "log_time": milliseconds(max(head.log_time, log_time, now)),
        }
        self._connection.execute(update(log_head).values(fresh))
        return self.head()

    def append(self, changes: Sequence[Change]) -> None:
        """Add changes to the log and make the records equal to them; one change a record. Erasures erase.

        The log timestamps come from ``next_log_times`` in the same transaction. A ``Delete`` without bytes and hash
        takes a record back: it is no longer here, and the pages of the log do not say so, for only its owner
        withdraws it.
        """
        if not changes:
            return
        first_seq = self._connection.execute(select(log_head.c.seq)).scalar_one() + 1
        held = row_ids(self._connection, [each.graph.iri for each in changes])
        erasures = [each.graph.iri for each in changes if is_erasure(each.graph)]
        if erasures:
            changes = [without_titles(each) if each.graph.iri in erasures else each for each in changes]
        ids = make_current(self._connection, changes, held, first_seq)
        self._supersede(held.values())
        rows = [_change_row(each, ids[each.graph.iri], first_seq + n) for n, each in enumerate(changes)]
        insert_rows(self._connection, change_table, [tuple(row.values()) for row in rows])
        pages.extend(self._connection, changes, first_seq)
        self._connection.execute(
            update(log_head).values(seq=rows[-1]["seq"], log_time=milliseconds(changes[-1].log_time))
        )
        erase(self._connection, [ids[iri] for iri in erasures], changes[-1].log_time)

    def page(self, number: int) -> list[LoggedChange]:
        """The current changes of one page (counted from 1), oldest first; superseded versions have left it."""
        written = pages.written_to(self._connection, number)
        statement = logged_columns().where(written, ~change_table.c.superseded)
        found = (logged(row) for row in self._connection.execute(statement.order_by(change_table.c.seq)))
        return [each for each in found if not each.taken_back]

    def page_starts(self) -> list[datetime]:
        """The log timestamp of the first change ever written to each page, page 1 first."""
        return pages.starts(self._connection)

    def after(self, log_time: datetime, limit: int) -> list[LoggedChange]:
        """Current changes with a later log timestamp, oldest first; with them what was taken back."""
        later = (change_table.c.log_time > milliseconds(log_time), ~change_table.c.superseded)
        # By log timestamp, which is the same order: by number, SQLite would walk through the whole log before it.
        statement = logged_columns().where(*later).order_by(change_table.c.log_time)
        return [logged(row) for row in self._connection.execute(statement.limit(limit))]

    def newest_digests(self, limit: int) -> frozenset[str]:
        """The hashes of the newest current changes."""
        current = select(change_table.c.digest).where(~change_table.c.superseded)
        newest = current.order_by(change_table.c.seq.desc()).limit(limit)
        return frozenset(self._connection.execute(newest).scalars())

    def graph(self, iri: str) -> LoggedChange:
        """The newest version of a record, a tombstone included; raises RecordNotFoundError."""
        current = (change_table.c.seq == record_table.c.seq, change_table.c.digest != "")
        row = self._connection.execute(logged_columns().where(record_table.c.iri == iri, *current)).one_or_none()
        if row is None:
            raise RecordNotFoundError(iri)
        return logged(row)

    def graphs(self, ids: Iterable[int]) -> dict[int, LoggedChange]:
        """The newest version of several records by row id."""
        statement = logged_columns(record_table.c.id.label("row_id")).where(
            record_table.c.id.in_(list(ids)), change_table.c.seq == record_table.c.seq
        )
        return {row.row_id: logged(row) for row in self._connection.execute(statement)}

    def paths(self, ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """The nodes that the newest version of several records passed before this one, origin first, by row id."""
        current = record_table.join(change_table, change_table.c.seq == record_table.c.seq)
        statement = select(record_table.c.id, change_table.c.hops).select_from(current)
        rows = self._connection.execute(statement.where(record_table.c.id.in_(list(ids))))
        return {row.id: tuple(json.loads(row.hops)) for row in rows}

    def _supersede(self, ids: Iterable[int]) -> None:
        statement = (
            update(change_table)
            .where(change_table.c.record_id == bindparam("row_id"), ~change_table.c.superseded)
            .values(superseded=True)
        )
        if rows := [{"row_id": row_id} for row_id in ids]:
            self._connection.execute(statement, rows)


def logged_columns(*more: Any) -> Select[Any]:
    columns = [each for each in change_table.c if each.name != "record_id"]
    joined = change_table.join(record_table, record_table.c.id == change_table.c.record_id)
    return select(*columns, record_table.c.iri, record_table.c.origin, *more).select_from(joined)


def logged(row: Row[Any]) -> LoggedChange:
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


def _change_row(each: Change, row_id: int, seq: int) -> dict[str, Any]:
    """The row, in the order of the table's columns."""
    graph = each.graph
    return {
        "seq": seq,
        "log_time": milliseconds(each.log_time),
        "record_id": row_id,
        "action": graph.action.value,
        "version": milliseconds(graph.version),
        "digest": graph.digest,
        "nquads": graph.nquads,
        "proof": to_json(graph.proof).decode() if graph.proof else "",
        "hops": _hops(each.hops),
        "derived_from": each.derived_from or "",
        "superseded": False,
    }


@lru_cache(256)
def _hops(hops: tuple[str, ...]) -> str:
    # The changes of a page came the same way.
    return json.dumps(hops)
