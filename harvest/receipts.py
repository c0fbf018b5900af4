"""What this hub did with each record a peer offered, for the peer to read.

A receipt is the newest verdict on a record; ``harvest.store`` writes them. What is held stands beside it: a record may
have come by another way, and when a newer version is refused the older one stays.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, union

from chm_node.catalogue import Catalogue, Held
from chm_node.record import from_milliseconds
from chm_node.tables import receipt as receipt_table
from chm_node.tables import record as record_table
from harvest import quarantine
from harvest.reasons import REASONS
from harvest.sources import Source, find, listing
from harvest.trust import Verdict

#: Receipts on one page for machines.
PAGE = 500
_SENTENCES = {verdict.value: sentences for verdict, sentences in REASONS.items()}


@dataclass(frozen=True)
class Receipt:
    """What became of one record, or of one page of the log that could not be read."""

    iri: str
    version: datetime | None  #: as offered; None when it did not say
    digest: str  #: as offered; empty when there was nothing to hash
    received: datetime
    reason: str  #: reason code; empty when it was taken over
    detail: str  #: in English
    held: Held | None  #: what this hub has of the record now

    @property
    def refused(self) -> bool:
        return bool(self.reason)

    @property
    def sentences(self) -> Mapping[str, str]:
        """Why it was refused, by language."""
        return _SENTENCES.get(self.reason, {})

    @property
    def anchor(self) -> str:
        """Names the receipt on a page and in a feed."""
        return f"r-{hashlib.sha256(self.iri.encode()).hexdigest()[:16]}"


@dataclass(frozen=True)
class Summary:
    """All receipts of one peer in numbers."""

    node: str
    titles: Mapping[str, str]
    accepted: int
    refused: int
    waiting: int  #: withdrawals that a person is asked about
    last_success: datetime | None


def summary(connection: Connection, node: str) -> Summary:
    """The receipts of a peer in numbers; raises HarvestError when this hub has never known it."""
    return _summary(connection, find(connection, node))


def summaries(connection: Connection) -> list[Summary]:
    """The receipts of every peer in numbers."""
    return [_summary(connection, source) for source in listing(connection)]


def every(connection: Connection, node: str, after: str = "") -> list[Receipt]:
    """The next receipts of a peer in the order of the IRIs, at most PAGE; those of its records that came by
    another way count as taken over."""
    source = find(connection, node)
    told = select(receipt_table.c.iri).where(receipt_table.c.source_id == source.id, receipt_table.c.iri > after)
    here = (record_table.c.origin == source.node, record_table.c.digest != "")
    held = select(record_table.c.iri).where(*here, record_table.c.iri > after)
    iris = list(connection.execute(union(told, held).order_by("iri").limit(PAGE)).scalars())
    rows = connection.execute(
        select(receipt_table).where(receipt_table.c.source_id == source.id, receipt_table.c.iri.in_(iris))
    )
    receipts = {row.iri: row for row in rows}
    records = Catalogue(connection).held(iris)
    return [_receipt(receipts[iri], records.get(iri)) if iri in receipts else _implied(records[iri]) for iri in iris]


def refuses_under(connection: Connection, source_id: int, space: str, reasons: Iterable[Verdict]) -> bool:
    """Whether records under a URI space were refused for one of these reasons."""
    own = (receipt_table.c.source_id == source_id) & receipt_table.c.reason.in_([each.value for each in reasons])
    found = select(receipt_table.c.iri).where(own, receipt_table.c.iri.startswith(space, autoescape=True)).limit(1)
    return connection.execute(found).first() is not None


def refused(connection: Connection, node: str, limit: int, offset: int = 0) -> list[Receipt]:
    """What was refused of a peer, newest first."""
    bad = (receipt_table.c.source_id == find(connection, node).id) & (receipt_table.c.reason != "")
    newest = select(receipt_table).where(bad).order_by(receipt_table.c.received.desc(), receipt_table.c.iri)
    rows = connection.execute(newest.limit(limit).offset(offset)).all()
    records = Catalogue(connection).held(row.iri for row in rows)
    return [_receipt(row, records.get(row.iri)) for row in rows]


def counts_by_reason(connection: Connection, source_id: int) -> dict[str, int]:
    """How many receipts of a source give each reason code; the empty one stands for those that were taken over
    although they break the rules of their record type."""
    counted = (
        select(receipt_table.c.reason, func.count())
        .where(receipt_table.c.source_id == source_id, _told)
        .group_by(receipt_table.c.reason)
    )
    return {row[0]: row[1] for row in connection.execute(counted.order_by(receipt_table.c.reason))}


def examples(connection: Connection, source_id: int, reason: str, limit: int) -> list[Receipt]:
    """The newest receipts of a source with this reason code."""
    wanted = (receipt_table.c.source_id == source_id) & (receipt_table.c.reason == reason) & _told
    newest = select(receipt_table).where(wanted).order_by(receipt_table.c.received.desc(), receipt_table.c.iri)
    rows = connection.execute(newest.limit(limit)).all()
    records = Catalogue(connection).held(row.iri for row in rows)
    return [_receipt(row, records.get(row.iri)) for row in rows]


#: That a receipt says more than that all is well.
_told = (receipt_table.c.reason != "") | (receipt_table.c.detail != "")


def _summary(connection: Connection, source: Source) -> Summary:
    counted = (
        select(receipt_table.c.verdict, func.count())
        .where(receipt_table.c.source_id == source.id)
        .group_by(receipt_table.c.verdict)
    )
    counts = {row[0]: row[1] for row in connection.execute(counted)}
    return Summary(
        node=source.node,
        titles=source.titles,
        accepted=counts.get("accepted", 0),
        refused=counts.get("rejected", 0),
        waiting=_withdrawals_held(connection, source.id),
        last_success=source.last_success,
    )


def _withdrawals_held(connection: Connection, source_id: int) -> int:
    groups = quarantine.groups(connection, source_id, quarantine.Choice(quarantine.Kind.WITHDRAWAL))
    return sum(each.count for each in groups if each.decision == quarantine.WAITING)


def _receipt(row: Row[Any], held: Held | None) -> Receipt:
    return Receipt(
        iri=row.iri,
        version=from_milliseconds(row.version) if row.version else None,
        digest=row.digest,
        received=from_milliseconds(row.received),
        reason=row.reason,
        detail=row.detail,
        held=held,
    )


def _implied(held: Held) -> Receipt:
    return Receipt(held.iri, held.version, held.digest, held.log_time, "", "", held)
