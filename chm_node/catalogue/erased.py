"""What is left of a record: of an erased one its newest tombstone, of one withdrawn long ago its tombstones.

The rows stay, for pages are ranges of them; an earlier version that was let go has no bytes, no proof and no hash.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update

from chm_node.namespaces import DCTERMS, NON_PUBLIC
from chm_node.record import Action, Change, Entry, RecordGraph, from_milliseconds, milliseconds
from chm_node.tables import change as change_table
from chm_node.tables import check_result, log_head, notification, quarantine, told
from chm_node.tables import receipt as receipt_table
from chm_node.tables import record as record_table

_NOTHING = {"nquads": b"", "proof": "", "digest": "", "derived_from": ""}
#: Records let go of in one transaction.
_BATCH = 500


def is_erasure(graph: RecordGraph) -> bool:
    """Whether the change is a tombstone which says that the record may not be kept."""
    if graph.action is not Action.DELETE:
        return False
    # A line of canonical N-Quads is a statement: line breaks of a literal are escaped.
    line = f"<{graph.iri}> <{DCTERMS.accessRights}> <{NON_PUBLIC}> .\n".encode()
    return graph.nquads.startswith(line) or b"\n" + line in graph.nquads


def without_titles(change: Change) -> Change:
    """The change as listings may show it."""
    return replace(change, entry=Entry(change.entry.type, {}, {}, ()))


def erase(connection: Connection, ids: Sequence[int], log_time: datetime) -> None:
    """Let go of every superseded version of these records; their bytes leave the files later (``erased_until``)."""
    if not ids:
        return
    _let_go(connection, ids)
    _forget_quotes(connection, ids)
    connection.execute(update(log_head).values(erased=milliseconds(log_time)))


def erased_until(connection: Connection) -> datetime | None:
    """The newest erasure whose bytes may still lie in a file; None when there is none."""
    erased = connection.execute(select(log_head.c.erased)).scalar_one()
    return from_milliseconds(erased) if erased else None


def has_left_the_files(connection: Connection, erased: datetime) -> None:
    """Note that nothing is left of what was erased up to then."""
    until = log_head.c.erased <= milliseconds(erased)
    connection.execute(update(log_head).where(until).values(erased=0))


def let_go_of_withdrawn(connection: Connection, own_node: str, before: datetime) -> int:
    """Let go of the versions of other nodes' records that were withdrawn before a moment; how many records."""
    kept = select(change_table.c.seq).where(
        change_table.c.record_id == record_table.c.id, change_table.c.superseded, change_table.c.digest != ""
    )
    withdrawn = (record_table.c.withdrawn, record_table.c.log_time < milliseconds(before))
    theirs = select(record_table.c.id).where(*withdrawn, record_table.c.origin != own_node, kept.exists())
    ids = connection.execute(theirs.limit(_BATCH)).scalars().all()
    _let_go(connection, ids)
    return len(ids)


def _let_go(connection: Connection, ids: Iterable[int]) -> None:
    earlier = (change_table.c.record_id == bindparam("row_id")) & change_table.c.superseded
    # What a hub said of a version may quote it.
    about = (
        receipt_table.c.iri
        == select(record_table.c.iri).where(record_table.c.id == bindparam("row_id")).scalar_subquery()
    )
    if rows := [{"row_id": row_id} for row_id in ids]:
        connection.execute(update(change_table).where(earlier).values(_NOTHING), rows)
        connection.execute(update(receipt_table).where(about).values(detail=""), rows)


def _forget_quotes(connection: Connection, ids: Sequence[int]) -> None:
    """Let go of what is held of these records, and of every sentence that may quote them."""
    iris = select(record_table.c.iri).where(record_table.c.id.in_(ids))
    connection.execute(delete(quarantine).where(quarantine.c.iri.in_(iris)))
    connection.execute(update(told).where(told.c.iri.in_(iris)).values(detail=""))
    # A page that could not be read, and a record of it that says not even its version, may have been this one.
    sources = select(receipt_table.c.source_id).where(receipt_table.c.iri.in_(iris))
    unread = (receipt_table.c.version == 0) & receipt_table.c.source_id.in_(sources)
    connection.execute(update(receipt_table).where(unread).values(detail=""))
    # The checker quotes titles of feeds, whoever's they are; it makes its reports anew when they are asked for.
    connection.execute(update(check_result).values(result=""))
    connection.execute(update(notification).values(report=""))
