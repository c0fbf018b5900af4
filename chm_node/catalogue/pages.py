"""Where the pages of the log begin. A page is closed by the changes on it or by their bytes, whichever comes first."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, false, func, select
from sqlalchemy.sql.elements import ColumnElement

from chm_node.database import upsert_rows
from chm_node.record import Change, from_milliseconds, milliseconds
from chm_node.setting_rules import MAX_BASE_URL_BYTES
from chm_node.tables import change as change_table
from chm_node.tables import log_page

#: Changes on one page of the log.
PAGE_SIZE = 200
#: What the changes of one page take at most, in every syntax that we serve.
PAGE_BYTES = 4 * 1024 * 1024

# N-Quads is the longest syntax: it repeats the name of the graph, which is the activity, in every statement. Counted is
# the longest name a node may have, for pages stay as they are when it moves.
_NAME = MAX_BASE_URL_BYTES + len(" <act/20261122T052208014Z>")
#: Statements about a change and its proof, and about each hop; what they take besides names.
_STATEMENTS, _STATED = 12, 2000
_HOP_STATEMENTS, _HOP_STATED = 2, 300


def bytes_on_page(change: Change) -> int:
    """The most that a change takes on a page."""
    graph, hops = change.graph, change.hops
    names = graph.nquads.count(b"\n") + _STATEMENTS + _HOP_STATEMENTS * len(hops)
    terms = (graph.iri, change.derived_from or "", *hops, *(graph.proof or {}).values())
    stated = _STATED + _HOP_STATED * len(hops) + sum(len(term.encode()) for term in terms)
    return len(graph.nquads) + names * _NAME + stated


def extend(connection: Connection, changes: Sequence[Change], first_seq: int) -> None:
    """Give changes, which get the sequence numbers from ``first_seq`` on, to the newest page and to new ones."""
    newest = connection.execute(select(log_page).order_by(log_page.c.number.desc()).limit(1)).one_or_none()
    number, first, begins, filled = newest or (0, 0, 0, PAGE_BYTES)
    pages: dict[int, tuple[int, int, int, int]] = {}
    for seq, change in enumerate(changes, start=first_seq):
        size = bytes_on_page(change)
        if seq - first >= PAGE_SIZE or filled + size > PAGE_BYTES:
            number, first, begins, filled = number + 1, seq, milliseconds(change.log_time), 0
        filled += size
        pages[number] = (number, first, begins, filled)
    upsert_rows(connection, log_page, list(pages.values()))


def newest_number() -> ColumnElement[int]:
    """The number of the newest page; 0 when there is none."""
    return func.coalesce(select(func.max(log_page.c.number)).scalar_subquery(), 0)


def written_to(connection: Connection, number: int) -> ColumnElement[bool]:
    """That a change was written to the page with this number, counted from 1."""
    statement = select(log_page.c.number, log_page.c.first_seq).where(log_page.c.number.in_((number, number + 1)))
    firsts = {row.number: row.first_seq for row in connection.execute(statement)}
    if number not in firsts:
        return false()
    begun = change_table.c.seq >= firsts[number]
    return and_(begun, change_table.c.seq < firsts[number + 1]) if number + 1 in firsts else begun


def starts(connection: Connection) -> list[datetime]:
    """The log timestamp of the first change ever written to each page, page 1 first."""
    statement = select(log_page.c.log_time).order_by(log_page.c.number)
    return [from_milliseconds(each) for each in connection.execute(statement).scalars()]
