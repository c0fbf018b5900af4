"""The rows of a SQLite database, brought into an empty one of PostgreSQL."""

from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, delete, func, select

from chm_node.canonical import read_triples
from chm_node.database import in_use, insert_rows, reading, writing
from chm_node.entry import entry
from chm_node.errors import BackupError
from chm_node.record_types import type_of
from chm_node.search import index
from chm_node.tables import change, metadata, record

_ROWS = 500


def transfer(held: Engine, empty: Engine) -> None:
    """Have the second database hold what the first does, row by row, in one transaction.

    The words to search for are taken from the records anew: each kind of database keeps them in its own way. Raises
    BackupError when a node is at work in the second.
    """
    with reading(held) as source, writing(empty) as target:
        if in_use(target):
            raise BackupError(
                "the database is in use by a node, and a backup of SQLite goes into an empty one; what pg_dump wrote "
                "is restored by: pg_restore --clean --if-exists --dbname=DATABASE FILE, and then: chm new-epoch"
            )
        for table in metadata.sorted_tables:
            target.execute(delete(table))  # the rows that a new database begins with
            for rows in source.execute(select(table).execution_options(yield_per=_ROWS)).partitions():
                insert_rows(target, table, [tuple(row) for row in rows])
            _number_on(target, table)
        current = select(record.c.id, record.c.iri, change.c.nquads).join(change, change.c.seq == record.c.seq)
        live = current.where(~record.c.withdrawn).execution_options(yield_per=_ROWS)
        for rows in source.execute(live).partitions():
            index.write(target, [_words(row) for row in rows], ())


def _number_on(target: Connection, table: Table) -> None:
    """Have the next row that the database numbers by itself follow the last one."""
    column = table.autoincrement_column
    if column is not None:
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        target.execute(select(func.setval(sequence, func.coalesce(func.max(column), 0) + 1, False)))


def _words(row: Row[Any]) -> index.Words:  # Any: as SQLAlchemy types a row of several tables
    triples = read_triples(row.nquads)
    found = entry(row.iri, triples, type_of(row.iri, triples))
    return row.id, found.search_title, found.search_body
