"""The one schema (``chm_node.tables``), opened on SQLite or PostgreSQL; one writer at a time on both.

A write transaction takes the log's lock first (SQLite: ``BEGIN IMMEDIATE``; PostgreSQL: the row of
``log_head``), so what it reads is what it will change, and log timestamps are given out in commit order.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pysqlite3
from sqlalchemy import URL, Column, Connection, Engine, Table, create_engine, event, exists, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.elements import ColumnElement

from chm_node.errors import ChmError, SettingsError, StorageError
from chm_node.setting_rules import database_address
from chm_node.tables import change, log_head, source

#: Older ones can lose a committed page with two connections in WAL mode (fixed in 3.51.3, 3.50.7 and 3.44.6).
SQLITE_FLOOR = (3, 51, 3)
#: Revision of the newest migration; the schema this release reads and writes.
SCHEMA_REVISION = "0001"


def open_database(url: str) -> Engine:
    """An engine whose schema is this release's; creates or migrates it.

    Raises SettingsError for a URL we cannot use, a too old SQLite or a schema newer than this
    release, StorageError when the database does not answer.
    """
    engine = _engine(url)
    try:
        with failing("database_url: the database cannot be opened"), engine.connect() as connection:
            _check_encoding(connection)
            found = _revision(connection)
        if found != SCHEMA_REVISION:
            # Alembic takes 150 ms to import; a database that is up to date never needs it.
            from chm_node.migrations import migrate

            with failing("database_url: the tables cannot be made"):
                migrate(engine, found)
    except ChmError:
        engine.dispose()
        raise
    return engine


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows whose values stand in the order of the table's columns.

    For many rows of values that the drivers take as they are: what SQLAlchemy does to named parameters takes longer
    than the database.
    """
    if rows:
        connection.exec_driver_sql(_insert(connection, table), list(rows))


def upsert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows as ``insert_rows`` does; one whose primary key is there takes the place of that."""
    if rows:
        keys = ", ".join(each.name for each in table.primary_key)
        others = ", ".join(f"{each.name} = excluded.{each.name}" for each in table.columns if not each.primary_key)
        conflict = f" ON CONFLICT ({keys}) DO UPDATE SET {others}"
        connection.exec_driver_sql(_insert(connection, table) + conflict, list(rows))


def _insert(connection: Connection, table: Table) -> str:
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    names, marks = ", ".join(table.columns.keys()), ", ".join([mark] * len(table.columns))
    return f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 -- our own names


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view of the database; raises StorageError."""
    with failing("the database could not be read"), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            # By default each of its statements would see another state; SQLite's BEGIN gives one.
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that holds the log's lock from its first statement; raises StorageError."""
    with (
        failing("the database could not be written"),
        engine.connect().execution_options(chm_writes=True) as connection,
        connection.begin(),
    ):
        if engine.dialect.name != "sqlite":
            connection.execute(select(log_head.c.id).with_for_update())
        yield connection


def in_code_points(connection: Connection, column: Column[str]) -> ColumnElement[str]:
    """The column, to order by: each database of PostgreSQL has an order of its own, that of a language."""
    return column.collate("BINARY" if connection.dialect.name == "sqlite" else "C")


def in_use(connection: Connection) -> bool:
    """Whether a node has stored anything there yet."""
    return bool(connection.execute(select(exists(select(change.c.seq)) | exists(select(source.c.id)))).scalar_one())


@contextmanager
def failing(what: str) -> Iterator[None]:
    """Raises StorageError in the words of the database; its further lines, such as hints, are left out."""
    try:
        yield
    except SQLAlchemyError as error:
        reason, _, _ = str(error.__cause__ or error).partition("\n")
        raise StorageError(f"{what}: {reason}") from error


def _engine(url: str) -> Engine:
    try:
        address = database_address(url)
    except ValueError as error:
        raise SettingsError(f"database_url: {error}") from error
    if address.get_backend_name() == "postgresql":
        return _postgresql_engine(address)
    if pysqlite3.sqlite_version_info < SQLITE_FLOOR:
        raise SettingsError(
            f"database_url: SQLite {pysqlite3.sqlite_version} may lose data with several connections; "
            "install pysqlite3 0.6.1 or newer, or use PostgreSQL"
        )
    file = Path(address.database or "")
    if not file.parent.is_dir():
        raise SettingsError(
            f"data_dir, database_url: there is no folder {file.parent}; run chm init, or correct the setting"
        )
    make_private(file)
    engine = create_engine(
        address.set(drivername="sqlite+pysqlite"), module=pysqlite3.dbapi2, connect_args={"timeout": 30}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql_engine(address: URL) -> Engine:
    # That a pipeline of statements broke off with the connection is no news: what ended it is raised as well.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    # A pooler between us and the server (pgbouncer) hands each transaction to another connection, where a prepared
    # statement is missing, or is another one of the same name.
    fixed = {"prepare_threshold": None, "client_encoding": "utf8"}
    return create_engine(address.set(drivername="postgresql+psycopg"), pool_pre_ping=True, connect_args=fixed)


def make_private(file: Path) -> None:
    """Begin a SQLite file that only its owner may read, unless it is there: it holds secrets of subscribers.

    SQLite gives its companions (``-wal``, ``-shm``) the same rights, and says itself what keeps it from opening one.
    """
    with suppress(OSError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, never by the driver
    for pragma in (
        # Of a new file: a record's bytes fill several pages of the usual size, each to be found by the one before.
        "page_size = 16384",
        "journal_mode = WAL",
        "wal_autocheckpoint = 2000",
        "synchronous = FULL",  # WAL keeps a commit over power loss only so
        "busy_timeout = 30000",
        "foreign_keys = ON",
        "journal_size_limit = 67108864",
        "cache_size = -4000",  # each of a worker's connections has one
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A deferred BEGIN that reads first and writes later fails at once when another writer was faster.
    writes = connection.get_execution_options().get("chm_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _check_encoding(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":  # whose texts are what we write
        return
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise SettingsError(
            f"database_url: the database is encoded in {encoding}, which cannot hold every script; "
            "make another one: CREATE DATABASE chm ENCODING 'UTF8' TEMPLATE template0"
        )


def _revision(connection: Connection) -> str:
    """The migration the database stands at; empty for a new database."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or ""
