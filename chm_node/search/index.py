"""The index over the catalogue: FTS5 on SQLite, ``tsvector`` on PostgreSQL, fed with analysed words.

Both hold the same words, so moving from one to the other cannot change what is found.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.sql.elements import ColumnElement

from chm_node.search.analyser import Query, fts5_match, tsquery
from chm_node.tables import record

#: One indexed record: its row id, analysed title words, analysed body words.
Words = tuple[int, str, str]


def write(connection: Connection, rows: Sequence[Words], replaced: Sequence[int]) -> None:
    """Index these records; ``replaced`` are the row ids that were indexed before."""
    erase(connection, replaced)
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        statement = "INSERT INTO search(rowid, title, body) VALUES (?, ?, ?)"
    else:
        # 'A' and 'D' are the weights that ts_rank reads: a word in the title counts ten times as much.
        statement = (
            "INSERT INTO search(record_id, words) VALUES (%s, setweight(to_tsvector('simple', %s), 'A')"
            " || setweight(to_tsvector('simple', %s), 'D'))"
        )
    connection.exec_driver_sql(statement, list(rows))


def erase(connection: Connection, ids: Sequence[int]) -> None:
    """Take records out of the index."""
    if ids:
        column = "rowid" if connection.dialect.name == "sqlite" else "record_id"
        connection.execute(text(f"DELETE FROM search WHERE {column} = :id"), [{"id": each} for each in ids])  # noqa: S608 -- one of two fixed names


def matching(dialect: str, query: Query) -> ColumnElement[bool]:
    """A condition on ``record``: it holds every word asked for."""
    if dialect == "sqlite":
        hits = text("SELECT rowid FROM search WHERE search MATCH :search_query").bindparams(
            bindparam("search_query", fts5_match(query))
        )
    else:
        hits = text("SELECT record_id FROM search WHERE words @@ to_tsquery('simple', :search_query)").bindparams(
            bindparam("search_query", tsquery(query))
        )
    return record.c.id.in_(hits)


def merge(connection: Connection) -> None:
    """Tidy the index after a long run of writes; PostgreSQL does so by itself."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("INSERT INTO search(search, rank) VALUES ('merge', 500)"))


def rewrite(connection: Connection) -> None:
    """Write the index anew without what was taken out of it; PostgreSQL does so when it rewrites the table."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("INSERT INTO search(search) VALUES ('optimize')"))


def size(connection: Connection) -> int:
    """How many records are indexed."""
    table = "search_docsize" if connection.dialect.name == "sqlite" else "search"
    return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 -- one of two fixed names
