"""Erasure: what its owner had erased, or withdrew long ago, leaves the database, its files and the addresses of pages.

The change itself erases at once what can be read (``catalogue.erased``). What is done here takes a while: a database
keeps the bytes of what was overwritten until its files are written anew.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from chm_node import dumps, watermark
from chm_node.catalogue import Catalogue, ChangeLog, erased
from chm_node.database import failing, reading, writing
from chm_node.errors import RecordNotFoundError, StorageError
from chm_node.publishing import withdraw
from chm_node.record import Tombstone
from chm_node.search import index
from chm_node.settings import Settings
from chm_node.signing import Signer

#: A hub keeps earlier versions of a withdrawn record so long, for somebody may have withdrawn by mistake.
GRACE = timedelta(days=30)
#: Files are not written anew more often for erasures by peers; the worker looks every hour, and a day is promised.
INTERVAL = timedelta(hours=20)
#: Readers who come meanwhile have to wait as long.
_LONGEST_WAIT = timedelta(seconds=10)
_STILL_THERE = "what was erased still lies in the files of the database, so do it again"
_TABLES = (
    "change", "record", "facet", "unknown_term", "receipt", "search", "quarantine", "told", "check_result",
    "notification",
)  # fmt: skip


def erase(
    engine: Engine, settings: Settings, signer: Signer, iri: str, reason: Mapping[str, str], now: datetime
) -> None:
    """Erase a record of this node, under the IRIs too that it had before the node moved.

    Raises RecordNotFoundError, InvalidRecordError when another node owns it, StorageError or ConflictError when it has
    to be repeated.
    """
    _withdraw(engine, settings, signer, iri, reason, now)
    for former in settings.former:
        earlier = former.uri_space + iri.removeprefix(settings.uri_space)
        with suppress(RecordNotFoundError):
            _withdraw(engine, former, signer.at(former.node_iri), earlier, reason, now)
    finish(engine, settings, now)


def _withdraw(
    engine: Engine, settings: Settings, signer: Signer, iri: str, reason: Mapping[str, str], now: datetime
) -> None:
    with reading(engine) as connection:
        graph = ChangeLog(connection).graph(iri).graph
        former_type = Catalogue(connection).held([iri])[iri].type
    if not erased.is_erasure(graph):
        withdraw(engine, settings, signer, Tombstone(iri, former_type, reason, erased=True), now)


def finish(engine: Engine, settings: Settings, now: datetime) -> None:
    """Have every byte of what was erased leave the database's files, the dumps, and the addresses of pages.

    Raises StorageError when somebody reads the database for so long that it cannot be done now.
    """
    with writing(engine) as connection:
        until = erased.erased_until(connection)
        ChangeLog(connection).begin_epoch(now)
        index.rewrite(connection)
    dumps.discard(engine, settings)
    _write_files_anew(engine)
    if until:
        with writing(engine) as connection:
            erased.has_left_the_files(connection, until)
    watermark.note(engine, settings)


def finish_due(engine: Engine, settings: Settings, now: datetime) -> bool:
    """``finish`` if a peer's record was erased here and the last time is long enough ago; whether it was done."""
    with reading(engine) as connection:
        until, epoch = erased.erased_until(connection), ChangeLog(connection).head().epoch
    if until is None or datetime.fromtimestamp(epoch, UTC) > now - INTERVAL:
        return False
    finish(engine, settings, now)
    return True


def let_go_due(engine: Engine, settings: Settings, now: datetime) -> int:
    """Let go of earlier versions of what other nodes withdrew long ago; how many records."""
    total = 0
    while True:
        with writing(engine) as connection:
            count = erased.let_go_of_withdrawn(connection, settings.node_iri, now - GRACE)
        total += count
        if not count:
            return total


def _write_files_anew(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        _write_tables_anew(engine)
        return
    pooled = engine.raw_connection()
    try:
        driver: Any = pooled.driver_connection  # a pysqlite3 connection
        # By default it lies in memory, all of the database.
        driver.execute("PRAGMA temp_store = FILE")
        driver.execute("VACUUM")
        busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        driver.execute("PRAGMA temp_store = MEMORY")
    except engine.dialect.loaded_dbapi.Error as error:
        raise StorageError(f"{_STILL_THERE}: {error}") from error
    finally:
        pooled.close()
    if busy:
        raise StorageError(f"{_STILL_THERE}: they are being read")


def _write_tables_anew(engine: Engine) -> None:
    """PostgreSQL waits for whoever reads a table, such as ``pg_dump``, and lets nobody else read it meanwhile."""
    warnings: list[str] = []
    with failing(_STILL_THERE), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        driver: Any = connection.connection.driver_connection  # a psycopg connection
        driver.add_notice_handler(lambda notice: warnings.append(notice.message_primary))
        connection.detach()  # closed afterwards, and its time-out with it
        connection.exec_driver_sql(f"SET lock_timeout = {_LONGEST_WAIT // timedelta(milliseconds=1)}")
        connection.exec_driver_sql(f"VACUUM FULL {', '.join(_TABLES)}")
    if warnings:  # tables of another owner are left out with no more than a word
        raise StorageError(f"{_STILL_THERE}: {warnings[0]}")
