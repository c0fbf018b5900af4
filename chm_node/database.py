"""The one schema, opened on SQLite or PostgreSQL; one writer at a time on both.

A write transaction takes the log's lock first (SQLite: ``BEGIN IMMEDIATE``; PostgreSQL: the row of
``log_head``), so what it reads is what it will change, and log timestamps are given out in commit order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pysqlite3
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from chm_node.errors import SettingsError, StorageError

#: Older ones can lose a committed page with two connections in WAL mode (fixed in 3.51.3, 3.50.7 and 3.44.6).
SQLITE_FLOOR = (3, 51, 3)
#: Revision of the newest migration; the schema this release reads and writes.
SCHEMA_REVISION = "0001"

metadata = MetaData()

# One row: where the log stands. Its lock makes one writer at a time.
log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),  # of the newest change; dense, so that pages are ranges of it
    Column("log_time", BigInteger, nullable=False),  # of the newest change, or of the epoch; milliseconds, UTC
    Column("epoch", BigInteger, nullable=False),  # part of the page addresses; raised by a restore and by an erasure
    Column(
        "erased", BigInteger, nullable=False
    ),  # newest erasure whose bytes may still lie in a file; log timestamp or 0
)

record = Table(
    "record",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("iri", Text, nullable=False, unique=True),
    Column("type", String(64), nullable=False),
    Column("origin", Text, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),  # the origin's commit time, milliseconds
    Column("digest", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),  # of the change that holds the current graph
    Column("log_time", BigInteger, nullable=False),
    Column("issued", BigInteger, nullable=False),  # first published, milliseconds
    Column("titles", Text, nullable=False),  # JSON, language to text
    Column("summaries", Text, nullable=False),
    Column("starts", String(40), nullable=False),
    Column("ends", String(40), nullable=False),
    Index("record_by_log_time", "withdrawn", "log_time"),
    Index("record_by_origin", "origin"),
)

change = Table(
    "change",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("log_time", BigInteger, nullable=False, unique=True),
    Column("record_id", BigInteger, ForeignKey("record.id"), nullable=False, index=True),
    Column("action", String(8), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("nquads", LargeBinary, nullable=False),
    Column("proof", Text, nullable=False),  # JSON; empty for none
    Column("hops", Text, nullable=False),  # JSON list of node IRIs
    Column("derived_from", Text, nullable=False),  # the peer's activity; empty on the origin
    Column("superseded", Boolean, nullable=False),
)

# One row: the dumps, which one worker writes once a day.
dump = Table(
    "dump",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("made", BigInteger, nullable=False),  # when one was last begun by the worker or finished, milliseconds
    Column("log_time", BigInteger, nullable=False),  # that the newest one reflects
)

facet = Table(
    "facet",
    metadata,
    Column("facet", String(32), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("record_id", BigInteger, ForeignKey("record.id"), primary_key=True),
    Index("facet_by_record", "record_id"),
    sqlite_with_rowid=False,
)

source = Table(
    "source",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address", Text, nullable=False, unique=True),  # as the operator typed it
    Column("node", Text, nullable=False, unique=True),  # IRI of the peer node
    Column("uri_space", Text, nullable=False),
    Column("multikey", Text, nullable=False),  # pinned public key; empty for an unsigned peer
    Column("key_id", Text, nullable=False),
    Column("feed", Text, nullable=False),  # address of the log
    Column("titles", Text, nullable=False),
    Column("country", String(64), nullable=False),
    Column("state", String(16), nullable=False),  # proposed, approved, moved, removed
    Column("added", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),  # a lease is a due time moved forward
    Column("lease", String(36), nullable=False),  # fencing token of the run that holds the lease; empty for none
    Column("failures", Integer, nullable=False),  # in a row
    Column("cursor", BigInteger, nullable=False),  # log timestamp read up to, milliseconds
    Column("last_success", BigInteger, nullable=False),
    Column("compared", BigInteger, nullable=False),  # when our copies were last compared with the peer's, or approved
    Column("members", Text, nullable=False),  # JSON: nodes the peer vouches for (indirect origins)
)

# Pages of a peer's log that may still change, and what we last saw of each.
frontier = Table(
    "frontier",
    metadata,
    Column("source_id", Integer, ForeignKey("source.id"), primary_key=True),
    Column("page", Text, primary_key=True),
    Column("etag", Text, nullable=False),
    Column("digest", String(64), nullable=False),  # of the bytes, for peers without conditional requests
    Column("closed", Boolean, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", Integer, ForeignKey("source.id"), nullable=False, index=True),
    Column("started", BigInteger, nullable=False),
    Column("ended", BigInteger, nullable=False),  # 0 while it runs
    Column("outcome", String(32), nullable=False),  # a notation of the harvest-statuses vocabulary, or "running"
    Column("requests", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created", Integer, nullable=False),
    Column("updated", Integer, nullable=False),
    Column("withdrawn", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("message", Text, nullable=False),
)

# What we did with each record a peer offered: the newest verdict.
receipt = Table(
    "receipt",
    metadata,
    Column("source_id", Integer, ForeignKey("source.id"), primary_key=True),
    Column("iri", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("run_id", Integer, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("verdict", String(16), nullable=False),  # accepted, rejected
    Column("reason", Text, nullable=False),  # a reason code of harvest.trust; empty when accepted
    Column("detail", Text, nullable=False),
    sqlite_with_rowid=False,
)

# The newest result of the checker, asked for by a page and made by a worker.
check_result = Table(
    "check_result",
    metadata,
    Column("source_id", Integer, ForeignKey("source.id"), primary_key=True),
    Column("asked", BigInteger, nullable=False),  # milliseconds
    Column("started", BigInteger, nullable=False),  # the newest check; 0 for none yet
    Column("checked", BigInteger, nullable=False),  # when the result was made; 0 for none yet
    Column("result", Text, nullable=False),  # JSON; empty for none yet
)

# Withdrawals that were too many at once, and what a person decided about each.
quarantine = Table(
    "quarantine",
    metadata,
    Column("source_id", Integer, ForeignKey("source.id"), primary_key=True),
    Column("iri", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),  # of the tombstone
    Column("digest", String(64), nullable=False),  # of the tombstone
    Column("held", BigInteger, nullable=False),  # since when, milliseconds
    Column("decision", String(8), nullable=False),  # waiting, accepted, dropped
    sqlite_with_rowid=False,
)

# Terms that arrived and are in no vocabulary of ours.
unknown_term = Table(
    "unknown_term",
    metadata,
    Column("field", String(64), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("record_id", BigInteger, ForeignKey("record.id"), primary_key=True),
    Index("unknown_term_by_record", "record_id"),
)


def open_database(url: str) -> Engine:
    """An engine whose schema is this release's; creates or migrates it.

    Raises SettingsError for a URL we cannot use, a too old SQLite or a schema newer than this
    release, StorageError when the database does not answer.
    """
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            found = _revision(connection)
    except SQLAlchemyError as error:
        raise StorageError(f"database_url: the database cannot be opened: {error.__cause__ or error}") from error
    if found != SCHEMA_REVISION:
        # Alembic takes 150 ms to import; a database that is up to date never needs it.
        from chm_node.migrations import migrate

        try:
            migrate(engine, found)
        except SettingsError:
            engine.dispose()
            raise
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view of the database; raises StorageError."""
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                # By default each of its statements would see another state; SQLite's BEGIN gives one.
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection
    except SQLAlchemyError as error:
        raise StorageError(f"the database could not be read: {error.__cause__ or error}") from error


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that holds the log's lock from its first statement; raises StorageError."""
    try:
        with engine.connect().execution_options(chm_writes=True) as connection, connection.begin():
            if engine.dialect.name != "sqlite":
                connection.execute(select(log_head.c.id).with_for_update())
            yield connection
    except SQLAlchemyError as error:
        raise StorageError(f"the database could not be written: {error.__cause__ or error}") from error


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except ArgumentError as error:
        raise SettingsError("database_url: not a database address such as postgresql://user@host/name") from error
    if backend == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    if backend != "sqlite" or not parsed.database:
        raise SettingsError(
            "database_url: only SQLite files (sqlite:///…) and PostgreSQL (postgresql://…) are supported"
        )
    if pysqlite3.sqlite_version_info < SQLITE_FLOOR:
        raise SettingsError(
            f"database_url: SQLite {pysqlite3.sqlite_version} may lose data with several connections; "
            "install pysqlite3 0.6.1 or newer, or use PostgreSQL"
        )
    engine = create_engine(
        parsed.set(drivername="sqlite+pysqlite"), module=pysqlite3.dbapi2, connect_args={"timeout": 30}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, never by the driver
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # WAL keeps a commit over power loss only so
        "busy_timeout = 30000",
        "foreign_keys = ON",
        "journal_size_limit = 67108864",
        "cache_size = -8000",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A deferred BEGIN that reads first and writes later fails at once when another writer was faster.
    writes = connection.get_execution_options().get("chm_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _revision(connection: Connection) -> str:
    """The migration the database stands at; empty for a new database."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or ""
