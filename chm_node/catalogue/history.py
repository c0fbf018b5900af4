"""Earlier versions of records, and what one node brought: what it takes to undo that.

Superseded changes leave the pages of the log and stay in its table.
"""

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select
from sqlalchemy.sql.elements import ColumnElement

from chm_node.catalogue.log import LoggedChange, logged, logged_columns
from chm_node.tables import change as change_table
from chm_node.tables import record as record_table


def brought(connection: Connection, node: str, since: int, until: int, limit: int) -> list[LoggedChange]:
    """Current changes that came straight from a node, with numbers above ``since`` up to ``until``, oldest first.

    What was taken back of it is among them.
    """
    current = change_table.c.seq == record_table.c.seq
    statement = logged_columns().where(current, change_table.c.seq > since, change_table.c.seq <= until, _from(node))
    return [logged(row) for row in connection.execute(statement.order_by(change_table.c.seq).limit(limit))]


def before(connection: Connection, iris: Sequence[str], node: str, since: int, until: int) -> dict[str, LoggedChange]:
    """The newest version of each record up to ``until`` that is not one the node brought after ``since``.

    A record that had none is left out. A version whose bytes were erased is there, without bytes.
    """
    columns = (record_table.c.iri, change_table.c.seq, change_table.c.digest)
    joined = change_table.join(record_table, record_table.c.id == change_table.c.record_id)
    undone = (change_table.c.seq > since) & _from(node)
    statement = select(*columns).select_from(joined).where(record_table.c.iri.in_(iris))
    earlier = statement.where(change_table.c.seq <= until, ~undone).order_by(change_table.c.seq)
    newest = {row.iri: (row.seq, row.digest) for row in connection.execute(earlier)}
    return _changes(connection, (seq for seq, digest in newest.values() if digest))


def _changes(connection: Connection, numbers: Iterable[int]) -> dict[str, LoggedChange]:
    found = connection.execute(logged_columns().where(change_table.c.seq.in_(list(numbers))))
    return {change.graph.iri: change for change in map(logged, found)}


def _from(node: str) -> ColumnElement[bool]:
    """That the node is the last that a change passed."""
    return change_table.c.hops.endswith(f"{json.dumps(node)}]", autoescape=True)
