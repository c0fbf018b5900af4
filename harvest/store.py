"""One page of a peer, stored in one transaction: records, log, receipts, unknown terms, frontier, cursor, counters.

Either all of it is committed or nothing, so a harvest may be cut anywhere and goes on without loss or repetition.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from chm_node.catalogue import Catalogue, ChangeLog, moves
from chm_node.catalogue import Held as HeldRecord
from chm_node.database import upsert_rows
from chm_node.record import Action, Change, Entry, RecordGraph, milliseconds
from chm_node.settings import Settings
from chm_node.tables import frontier as frontier_table
from chm_node.tables import receipt as receipt_table
from chm_node.tables import record as record_table
from chm_node.tables import source as source_table
from harvest import quarantine, runs
from harvest.page import Page
from harvest.plan import Guard, Judged, Plan, Planned, decided, plan, without
from harvest.quarantine import Kind
from harvest.sources import Source
from harvest.trust import HeldVersion, Verdict
from harvest.visit import Seen


@dataclass(frozen=True)
class Ledger:
    """Where one run writes; every call stands in a transaction that renewed the lease."""

    connection: Connection
    settings: Settings
    source: Source
    run_id: int
    now: datetime
    #: The node that records are read from, when it is not the source.
    sender: str = ""

    def store(self, address: str, seen: Seen | None, page: Page) -> runs.Counts:
        """Take over what a page offers; ``seen`` is None for a page that is to be asked for again.

        Withdrawals that are too many are held, and nothing else is.
        """
        planned = self._plan(page.judged)
        if planned.going and self._guard().stops(planned.withdrawals):
            planned = self._plan(without(planned.going, page.judged))
        self._apply(planned.changes)
        if not self.sender:  # a receipt is about what the peer itself offered
            self._write_receipts(planned, address)
        self._hold(planned.judged)
        if seen:
            self.remember(address, replace(seen, closed=page.closed))
        if page.newest:
            self.read_up_to(page.newest)
        counts = _counts(planned)
        runs.add(self.connection, self.run_id, counts)
        return counts

    def take(self, accepted: Sequence[Judged]) -> runs.Counts:
        """Take over what a person accepted; neither the version rule nor the guard is asked."""
        planned = decided(self._held(accepted), accepted)
        self._apply(planned.changes)
        self.tell(accepted)
        counts = _counts(planned)
        runs.add(self.connection, self.run_id, counts)
        return counts

    def tell(self, judged: Iterable[Judged]) -> None:
        """Write the newest verdict on each of these records."""
        told = {each.offer.iri: self._receipt(each.offer.iri, each.verdict, each.detail, each) for each in judged}
        upsert_rows(self.connection, receipt_table, [tuple(row.values()) for row in told.values()])

    def no_longer_held(self, kind: Kind, iris: Sequence[str]) -> None:
        """Forget what was held of these records, and the receipts that say so, to whomever they were given."""
        quarantine.forget(self.connection, self.source.id, kind, iris)
        told = (receipt_table.c.iri == bindparam("told")) & (receipt_table.c.reason == kind.verdict.value)
        if rows := [{"told": iri} for iri in iris]:
            self.connection.execute(delete(receipt_table).where(told), rows)

    def refuse(self, address: str, seen: Seen, reason: str) -> None:
        """Note that a page could not be read; it is read again once it differs."""
        receipt = self._receipt(address, Verdict.UNREADABLE_PAGE, reason) | {"digest": seen.digest}
        upsert_rows(self.connection, receipt_table, [tuple(receipt.values())])
        # Without its ETag: a page that was damaged on the way has that of the whole one.
        self.remember(address, replace(seen, etag=""))
        runs.add(self.connection, self.run_id, runs.Counts(rejected=1))

    def remember(self, address: str, seen: Seen) -> None:
        """Note what was last seen of a page."""
        row = (self.source.id, address, seen.etag, seen.digest, seen.closed)
        upsert_rows(self.connection, frontier_table, [row])

    def read_up_to(self, moment: datetime) -> None:
        """Note that everything up to this log timestamp of the peer's is stored."""
        moved = milliseconds(moment)
        behind = (source_table.c.id == self.source.id) & (source_table.c.cursor < moved)
        self.connection.execute(update(source_table).where(behind).values(cursor=moved))

    def compared(self, moment: datetime) -> None:
        """Note when our copies were compared with the peer's list."""
        own = source_table.c.id == self.source.id
        self.connection.execute(update(source_table).where(own).values(compared=milliseconds(moment)))

    def forget(self, pages: Iterable[str]) -> None:
        """Drop pages the peer's log no longer has."""
        gone = (frontier_table.c.source_id == self.source.id) & (frontier_table.c.page == bindparam("gone"))
        if rows := [{"gone": page} for page in pages]:
            self.connection.execute(delete(frontier_table).where(gone), rows)

    def _plan(self, offered: Sequence[Judged]) -> Plan:
        blocked = quarantine.blocked(self.connection, list({each.offer.iri for each in offered}))
        judged = (_blocked(each, blocked) for each in offered) if blocked else offered
        return _without_moved(self.connection, plan(self._held(offered), judged, self.now))

    def _held(self, judged: Iterable[Judged]) -> dict[str, HeldVersion]:
        digests = Catalogue(self.connection).digests(list({each.offer.iri for each in judged}))
        return {iri: HeldVersion(*version) for iri, version in digests.items()}

    def _hold(self, judged: Iterable[Judged]) -> None:
        kinds = [(quarantine.kind_of(each.verdict), each.offer) for each in judged]
        for kind in Kind:
            offers = [offer for found, offer in kinds if found is kind and offer.nquads]
            quarantine.hold(self.connection, self.source.id, kind, offers, self.now)

    def _guard(self) -> Guard:
        nodes = [self.source.node, *(each.node for each in self.source.members)]
        live = select(func.count()).where(record_table.c.origin.in_(nodes), ~record_table.c.withdrawn)
        gone = runs.withdrawn_since(self.connection, self.source.id, self.source.last_success, self.run_id)
        held = self.connection.execute(live).scalar_one() + gone
        waiting = quarantine.withdrawals_waiting(self.connection, self.source.id)
        return Guard(held, gone + waiting, self.settings.max_withdrawal_share)

    def _apply(self, changes: Sequence[Planned]) -> None:
        log = ChangeLog(self.connection)
        going = [each.judged.offer.iri for each in changes if each.action is Action.DELETE]
        known = Catalogue(self.connection).held(going) if going else {}
        times = log.next_log_times(len(changes), self.now)
        log.append(
            [
                _change(each, log_time, self.sender or self.source.node, known.get(each.judged.offer.iri))
                for each, log_time in zip(changes, times, strict=True)
            ]
        )

    def _write_receipts(self, planned: Plan, page: str) -> None:
        self.tell(each for each in planned.judged if not each.verdict.dropped)
        refused = (receipt_table.c.source_id == self.source.id) & (receipt_table.c.iri == page)
        self.connection.execute(delete(receipt_table).where(refused))

    def _receipt(self, iri: str, verdict: Verdict, detail: str, judged: Judged | None = None) -> dict[str, Any]:
        """The row, in the order of the table's columns."""
        version = judged.offer.version if judged else None
        return {
            "source_id": self.source.id,
            "iri": iri,
            "version": milliseconds(version) if version else 0,
            "digest": judged.offer.digest if judged else "",
            "run_id": self.run_id,
            "received": milliseconds(self.now),
            "verdict": "rejected" if verdict.refused else "accepted",
            "reason": verdict.value if verdict.refused else "",
            "detail": detail,
        }


def frontier(connection: Connection, source_id: int) -> dict[str, Seen]:
    """What was last seen of each page of a source."""
    rows = connection.execute(select(frontier_table).where(frontier_table.c.source_id == source_id))
    return {row.page: Seen(row.etag, row.digest, row.closed) for row in rows}


def _blocked(judged: Judged, blocked: Mapping[tuple[str, str], Verdict]) -> Judged:
    """What a person decided not to take over, or has to decide first; what is refused for itself stays so."""
    verdict = blocked.get((judged.offer.iri, judged.offer.digest))
    if not verdict or judged.verdict not in (Verdict.ACCEPTED, Verdict.FUTURE):
        return judged
    return Judged(replace(judged.offer, nquads=b""), verdict)  # without its bytes: it is not held once more


def _without_moved(connection: Connection, planned: Plan) -> Plan:
    """The plan in which what only moved does not count as withdrawn."""
    offered = {each.judged.offer.iri: each.judged.offer for each in planned.changes}
    live = {iri: offer.nquads for iri, offer in offered.items() if offer.action is not Action.DELETE}
    gone = moves.moved(connection, {each.iri: each.nquads for each in planned.going}, live)
    return replace(planned, going=tuple(each for each in planned.going if each.iri not in gone), moved=len(gone))


def _change(planned: Planned, log_time: datetime, upstream: str, known: HeldRecord | None) -> Change:
    offer, entry = planned.judged.offer, planned.judged.entry
    assert entry and offer.version  # noqa: S101  both belong to every accepted offer
    if known:  # a tombstone states no title; readers of the log still want to know what is gone
        entry = Entry(known.type, known.titles, {}, ())
    graph = RecordGraph(
        iri=offer.iri,
        action=planned.action,
        origin=offer.origin,
        version=offer.version,
        nquads=offer.nquads,
        digest=offer.digest,
        proof=offer.proof,
    )
    hops = (*offer.hops, upstream)
    return Change(log_time, graph, entry, hops, offer.activity, offer.issued, planned.judged.unknown_terms)


def _counts(planned: Plan) -> runs.Counts:
    actions = [each.action for each in planned.changes]
    created, updated = actions.count(Action.CREATE), actions.count(Action.UPDATE) + planned.moved
    rejected = sum(1 for each in planned.judged if each.verdict.refused)
    # A tombstone of what we never held, or the older of two versions on one page, changes nothing anybody sees.
    unchanged = len(planned.judged) - created - updated - planned.withdrawals - rejected
    return runs.Counts(created, updated, planned.withdrawals, unchanged, rejected)
