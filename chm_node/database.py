"""The one schema, opened on SQLite or PostgreSQL; one writer at a time on both.

A write transaction takes the log's lock first (SQLite: ``BEGIN IMMEDIATE``; PostgreSQL: the row of
``log_head``), so what it reads is what it will change, and log timestamps are given out in commit order.
"""

from collections.abc import Iterator, Sequence
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
    Column("former", Text, nullable=False),  # JSON: keys it signed with before
    Column("feed", Text, nullable=False),  # address of the log
    Column("titles", Text, nullable=False),
    Column("country", String(64), nullable=False),
    Column("state", String(16), nullable=False),  # proposed, approved, moved, left (by its own wish), removed
    Column("added", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),  # a lease is a due time moved forward
    Column("lease", String(36), nullable=False),  # fencing token of the run that holds the lease; empty for none
    Column("failures", Integer, nullable=False),  # in a row
    Column("cursor", BigInteger, nullable=False),  # log timestamp read up to, milliseconds
    Column("last_success", BigInteger, nullable=False),
    Column("compared", BigInteger, nullable=False),  # when our copies were last compared with the peer's, or approved
    Column("members", Text, nullable=False),  # JSON: nodes the peer vouches for (indirect origins)
    Column("countries", Text, nullable=False),  # JSON: whose nodes it may vouch for; none are all
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
    Column("outcome", String(32), nullable=False),  # a notation of the vocabulary, "running" or "decided"
    Column("requests", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created", Integer, nullable=False),
    Column("updated", Integer, nullable=False),
    Column("withdrawn", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),  # of our log's newest change when it ended; 0 while it runs
)

# A peer says that it has news: when to look, at most once a minute.
hint = Table(
    "hint",
    metadata,
    Column("source_id", Integer, ForeignKey("source.id"), primary_key=True),
    Column("due", BigInteger, nullable=False),  # when to follow it, milliseconds; 0 when there is none
    Column("followed", BigInteger, nullable=False),  # when one was last followed
)

# What we asked the WebSub hubs of our sources: to tell us when their logs move.
subscription = Table(
    "subscription",
    metadata,
    Column("source_id", Integer, ForeignKey("source.id"), primary_key=True),
    Column("hub", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("token", String(43), nullable=False, unique=True),  # end of the callback's address
    Column("secret", Text, nullable=False),  # empty for none
    Column("due", BigInteger, nullable=False),  # when to ask, or to ask again
    Column("expires", BigInteger, nullable=False),  # 0 before the hub has confirmed it
    Column("failures", Integer, nullable=False),  # requests that the hub has not confirmed yet, in a row
)

# Who is told when a feed of ours changes (WebSub), and what each got last.
subscriber = Table(
    "subscriber",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(64), nullable=False, unique=True),  # SHA-256 of topic and callback
    Column("topic", Text, nullable=False),  # in its one spelling
    Column("callback", Text, nullable=False),
    Column("host", Text, nullable=False),  # of the callback
    Column("secret", Text, nullable=False),  # empty for none
    Column("expires", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),  # log timestamp that it was told of
    Column("tag", Text, nullable=False),  # what tells the content it got last from another; empty for none
    Column("due", BigInteger, nullable=False),  # not to be told before; moved forward while it is told
    Column("failures", Integer, nullable=False),  # in a row
)

# Requests to our WebSub hub that wait for the word of the callback.
intent = Table(
    "intent",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(64), nullable=False, unique=True),  # as above
    Column("mode", String(16), nullable=False),  # subscribe, unsubscribe
    Column("topic", Text, nullable=False),
    Column("asked_topic", Text, nullable=False),  # as the request wrote it
    Column("callback", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("lease", Integer, nullable=False),  # seconds
    Column("secret", Text, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),  # where the log stood then
    Column("due", BigInteger, nullable=False),  # the callback is not asked before
    Column("attempts", Integer, nullable=False),
    Column("challenge", String(43), nullable=False),  # of the newest attempt; tells one claim from another
    Column("settled", Boolean, nullable=False),  # refused, or given up; kept a while, so that it cannot be repeated
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

# Changes that a person is asked about, as they were offered; never served or passed on.
quarantine = Table(
    "quarantine",
    metadata,
    Column("source_id", Integer, ForeignKey("source.id"), primary_key=True),
    Column("iri", Text, primary_key=True),
    Column("kind", String(16), nullable=False),  # withdrawal, equivocation, future-version, rolled-back
    Column("decision", String(8), nullable=False),  # waiting, dropped
    Column("held", BigInteger, nullable=False),  # since when, milliseconds
    Column("action", String(8), nullable=False),
    Column("origin", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("issued", BigInteger, nullable=False),  # 0 when it does not say
    Column("digest", String(64), nullable=False),
    Column("nquads", LargeBinary, nullable=False),
    Column("proof", Text, nullable=False),  # JSON; empty for none
    Column("hops", Text, nullable=False),  # JSON: nodes it passed before the source
    Column("activity", Text, nullable=False),  # the peer's log entry
    Index("quarantine_by_iri", "iri"),
)

# Hubs that are asked regularly what became of this node's records.
hub = Table(
    "hub",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address", Text, nullable=False, unique=True),  # as the operator typed it
    Column("titles", Text, nullable=False),  # JSON, as the hub calls itself
    Column("added", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),  # in a row
    Column("answered", BigInteger, nullable=False),  # the newest whole answer, milliseconds; 0 for none
    Column("problem", Text, nullable=False),  # of the newest try; empty when it was answered
)

# What each of these hubs says of a record of this node: its newest whole answer.
told = Table(
    "told",
    metadata,
    Column("hub_id", Integer, ForeignKey("hub.id"), primary_key=True),
    Column("iri", Text, primary_key=True),
    Column("digest", String(64), nullable=False),  # of the version it was offered
    Column("refused", Boolean, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("sentences", Text, nullable=False),  # JSON, language to sentence, in the hub's words
    Column("detail", Text, nullable=False),
    Column("held", String(64), nullable=False),  # digest of the version it has; empty for none
    Column("held_version", BigInteger, nullable=False),  # of that; 0 for none
    Column("received", BigInteger, nullable=False),  # when it said so, milliseconds
    Index("told_by_iri", "iri"),
    sqlite_with_rowid=False,
)

# Notifications for the inbox that wait for a worker or a person, and what became of each.
notification = Table(
    "notification",
    metadata,
    Column("id", String(36), primary_key=True),  # unguessable: part of the address of its state
    Column("kind", String(16), nullable=False),  # offer, update
    Column("node", Text, nullable=False, index=True),  # IRI of its sender
    Column("activity", Text, nullable=False),  # IRI the sender gave it
    Column("key_id", Text, nullable=False),
    Column("received", BigInteger, nullable=False),  # milliseconds
    Column("begun", BigInteger, nullable=False),  # when a worker last began with it; 0 for none
    Column("state", String(16), nullable=False),  # queued, waiting, approved, rejected, refused
    Column("message", Text, nullable=False),  # JSON: the signed request, until it is verified
    Column("description", Text, nullable=False),  # JSON: the node as it described itself; empty until it was asked
    Column("report", Text, nullable=False),  # JSON: what the checker found; empty until then
    Column("reason", Text, nullable=False),  # what a person wrote, or the code of the refusal
    Column("detail", Text, nullable=False),  # what shows it
    Column("decided", BigInteger, nullable=False),  # 0 for not yet
)

# Nonces of signed requests, each until its signature expires: no request counts twice.
nonce = Table(
    "nonce",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("nonce", Text, primary_key=True),
    Column("expires", BigInteger, nullable=False, index=True),  # seconds
)

# Notifications to be sent, until they are taken or given up.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("node", Text, nullable=False),  # IRI of its receiver
    Column("inbox", Text, nullable=False),  # empty: as the receiver's description says
    Column("key_id", Text, nullable=False),  # of ours, that signs it
    Column("body", Text, nullable=False),  # JSON
    Column("created", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),  # moved forward while a worker sends it
    Column("failures", Integer, nullable=False),
)

# Hubs that this node asked to harvest it.
membership = Table(
    "membership",
    metadata,
    Column("hub", Text, primary_key=True),  # IRI of the hub's node
    Column("address", Text, nullable=False),  # as the operator typed it
    Column("inbox", Text, nullable=False),
    Column("key_id", Text, nullable=False),  # of the hub, with which it answers
    Column("multikey", Text, nullable=False),
    Column("offer", Text, nullable=False),  # IRI of our request
    Column("location", Text, nullable=False),  # where the hub tells its state; empty when it did not say
    Column("state", String(16), nullable=False),  # asked, accepted, rejected, refused, left
    Column("summary", Text, nullable=False),  # the hub's reason
    Column("asked", BigInteger, nullable=False),
    Column("answered", BigInteger, nullable=False),  # 0 for not yet
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


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows whose values stand in the order of the table's columns.

    For many rows of values that the drivers take as they are: what SQLAlchemy does to named parameters takes longer
    than the database.
    """
    if rows:
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        names, marks = ", ".join(table.columns.keys()), ", ".join([mark] * len(table.columns))
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", list(rows))  # noqa: S608 -- ours


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
        # Of a new file: a record's bytes fill several pages of the usual size, each to be found by the one before.
        "page_size = 16384",
        "journal_mode = WAL",
        "wal_autocheckpoint = 2000",
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
