"""Backups of a node in one file, restoring one, and the new epoch of the log that follows.

A restored database has forgotten what was given out after the backup. So the log goes on in a new epoch: pages get
other addresses, log timestamps lie after all that was given out, and files made of the log are made anew.
"""

import hashlib
import json
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import pysqlite3
from sqlalchemy import Engine, func, select

from chm_node import dumps, keys, watermark
from chm_node.catalogue import ChangeLog, LogHead
from chm_node.database import SCHEMA_REVISION, make_private, open_database, reading, writing
from chm_node.disk import database_file
from chm_node.errors import BackupError, ChmError, SettingsError, StorageError
from chm_node.proofs import fingerprint
from chm_node.record import parse_timestamp, timestamp
from chm_node.settings import Settings
from chm_node.tables import record as record_table
from chm_node.transfer import transfer

_MANIFEST, _DATABASE = "manifest.json", "chm.sqlite"
#: A tenth slower to write than copying, and a fifth of the size.
_LEVEL = 1
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Backup:
    """What a backup holds."""

    node: str  #: IRI of the node it was made of
    made: datetime  #: UTC
    log_time: datetime  #: UTC; of the newest change in it
    records: int  #: live ones, harvested ones included
    schema: str
    sha256: str  #: of the database
    multikey: str  #: public key of the node, the one in use
    with_key: bool  #: whether the files of the keys are in it, former ones too


def back_up(
    engine: Engine, settings: Settings, file: Path, now: datetime, *, with_key: bool = False, over: bool = False
) -> Backup:
    """Write a backup, readable by its owner alone, while the node is at work; it appears under its name when whole.

    Raises BackupError when it cannot be written, when the file exists and it is not to be written over, or when the
    database is PostgreSQL.
    """
    if file.exists() and not over:
        raise BackupError(f"{file} exists already; choose another name, or write over it with --force")
    if database_file(settings) is None:
        raise BackupError(
            "the database is PostgreSQL, which has its own program for this: "
            f"pg_dump --format=custom --file={file} DATABASE"
        )
    try:
        with TemporaryDirectory(prefix=".backup-", dir=file.absolute().parent) as folder:
            copy = Path(folder) / _DATABASE
            _copy(engine, copy)
            backup = _described(copy, settings, now, with_key=with_key)
            part = Path(folder) / "part"
            _pack(part, backup, copy, settings)
            part.replace(file)
    except OSError as error:
        raise BackupError(f"{file} cannot be written: {error.strerror}") from error
    return backup


def examine(file: Path) -> Backup:
    """What a backup holds, once all of it was read and its hash was found right; raises BackupError."""
    return _unpack(file, None)


def restore(settings: Settings, file: Path, now: datetime) -> tuple[Backup, LogHead]:
    """Put the backup in the place of the database, in a new epoch; in one step, so a power cut leaves either.

    A database of PostgreSQL has to be empty. Keys in the backup take the place of the node's, which are kept beside
    them, unless those followed the keys of the backup. Raises BackupError, and then nothing is changed.
    """
    with _unpacked(file, settings.data_dir) as (backup, folder):
        if backup.node != settings.node_iri:
            raise BackupError(f"{file} is a backup of {backup.node}; this node is {settings.node_iri}, see base_url")
        copy = open_database(f"sqlite:///{folder / _DATABASE}")
        try:
            with writing(copy) as connection:
                head = ChangeLog(connection).begin_epoch(now, beyond=_given_out(settings))
            database = database_file(settings)
            if database is None:
                _transfer(copy, settings)
        finally:
            copy.dispose()
        if database:
            _replace(database, folder / _DATABASE, now)
        if backup.with_key:
            found = {each.name: each.read_bytes() for each in folder.iterdir() if keys.is_file(each.name)}
            keys.put_back(settings, found, backup.multikey, now)
    engine = open_database(settings.database)
    dumps.discard(engine, settings)
    watermark.note(engine, settings)
    engine.dispose()
    return backup, head


def new_epoch(engine: Engine, settings: Settings, now: datetime) -> LogHead:
    """What has to follow when a database was restored by other means."""
    with writing(engine) as connection:
        head = ChangeLog(connection).begin_epoch(now, beyond=watermark.read(settings))
    dumps.discard(engine, settings)
    watermark.note(engine, settings)
    return head


def _copy(engine: Engine, target: Path) -> None:
    """One consistent copy, however much is written meanwhile; only what is live, without free pages."""
    with reading(engine) as connection:
        connection.rollback()  # VACUUM stands in no transaction
        pooled: Any = connection.connection.driver_connection  # a pysqlite3 connection
        pooled.execute("VACUUM INTO ?", (str(target),))


def _described(copy: Path, settings: Settings, now: datetime, *, with_key: bool) -> Backup:
    engine = open_database(f"sqlite:///{copy}")
    try:
        with reading(engine) as connection:
            damage = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
            log_time = ChangeLog(connection).head().log_time
            live = select(func.count()).where(~record_table.c.withdrawn)
            records = connection.execute(live).scalar_one()
            connection.rollback()
            # One file again; a fresh connection would find no other.
            connection.connection.driver_connection.execute("PRAGMA journal_mode = DELETE")  # type: ignore[union-attr]  # it is connected
    finally:
        engine.dispose()
    if damage != "ok":
        raise BackupError(f"the database is damaged: {damage}. Restore an earlier backup")
    multikey = keys.node_signer(settings).multikey
    with copy.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Backup(settings.node_iri, now, log_time, records, SCHEMA_REVISION, sha256, multikey, with_key)


def _pack(part: Path, backup: Backup, copy: Path, settings: Settings) -> None:
    stated = asdict(backup) | {"made": timestamp(backup.made), "log_time": timestamp(backup.log_time)}
    manifest = part.with_name(_MANIFEST)
    manifest.write_text(json.dumps(stated, indent=1) + "\n")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_LEVEL) as archive:
            archive.add(manifest, _MANIFEST)
            archive.add(copy, _DATABASE)
            for name, data in keys.files(settings).items() if backup.with_key else ():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(data), 0o600
                archive.addfile(member, BytesIO(data))
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _unpacked(file: Path, place: Path) -> Iterator[tuple[Backup, Path]]:
    """A backup in a folder of the data folder, found whole: beside the file may be neither room nor the right to write.

    Where the database will be, what holds the key has always been secret.
    """
    try:
        place.mkdir(0o700, parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".restore-", dir=place) as folder:
            yield _unpack(file, Path(folder)), Path(folder)
    except OSError as error:
        raise BackupError(f"data_dir: {error.filename or place}: {error.strerror or error}") from error


def _unpack(file: Path, folder: Path | None) -> Backup:
    """Read all of a backup, and write it into the folder if there is one; raises BackupError."""
    try:
        with tarfile.open(file, "r:gz") as archive:
            backup = _manifest(archive)
            if backup.schema > SCHEMA_REVISION:
                raise BackupError(f"{file} was made by a newer release of chm; install that one first")
            of_keys = filter(keys.is_file, archive.getnames()) if backup.with_key else ()
            hashes = [_read(archive, name, folder) for name in (_DATABASE, *of_keys)]
    except (tarfile.TarError, zlib.error, EOFError, KeyError, ValueError, TypeError) as error:
        raise BackupError(f"{file} is no backup of chm, or a damaged one: {error}") from error
    except OSError as error:
        where = f", or {folder} not be written" if folder else ""
        raise BackupError(f"{file} cannot be read{where}: {error.strerror or error}") from error
    if hashes[0] != backup.sha256:
        raise BackupError(f"{file} is damaged: its database is not the one that was put in")
    return backup


def _manifest(archive: tarfile.TarFile) -> Backup:
    stated = json.loads(_member(archive, _MANIFEST).read(_CHUNK_BYTES))
    moments = {name: parse_timestamp(stated[name]) for name in ("made", "log_time")}
    return Backup(**stated | moments)


def _read(archive: tarfile.TarFile, name: str, folder: Path | None) -> str:
    """The SHA-256 of a file in the archive, which is written into the folder if there is one."""
    digest = hashlib.sha256()
    place = folder / name if folder else Path(os.devnull)
    with _member(archive, name) as source, place.open("wb") as target:
        while piece := source.read(_CHUNK_BYTES):
            digest.update(piece)
            target.write(piece)
    return digest.hexdigest()


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    if found is None:
        raise KeyError(f"{name} is no file")
    return found


def _given_out(settings: Settings) -> watermark.Mark | None:
    """The furthest that anything still knows: the file beside the database, and the database that is to be replaced."""
    marks = [mark for mark in (watermark.read(settings), _present(settings)) if mark]
    return (max(epoch for epoch, _ in marks), max(reached for _, reached in marks)) if marks else None


def _transfer(copy: Engine, settings: Settings) -> None:
    engine = open_database(settings.database)
    try:
        transfer(copy, engine)
    finally:
        engine.dispose()


def _present(settings: Settings) -> watermark.Mark | None:
    file = database_file(settings)
    if file is None or not file.exists():
        return None
    try:
        engine = open_database(settings.database)
        with reading(engine) as connection:
            head = ChangeLog(connection).head()
        engine.dispose()
    except ChmError:
        return None  # damaged, which is why somebody restores
    return head.epoch, head.log_time


def _replace(database: Path, copy: Path, now: datetime) -> None:
    try:
        _write_over(database, copy)
    except pysqlite3.dbapi2.DatabaseError as error:
        if "locked" in str(error):
            raise StorageError(f"{database} is in use: {error}; stop chm serve, then restore again") from error
        for suffix in ("", "-wal", "-shm"):  # no database any more; kept for whoever wants to look
            damaged = database.with_name(database.name + suffix)
            if damaged.exists():
                damaged.replace(damaged.with_name(f"{damaged.name}.damaged-{now:%Y%m%dT%H%M%S}"))
        _write_over(database, copy)


def _write_over(database: Path, copy: Path) -> None:
    """In one transaction of the database that is there, so that a node at work sees the one or the other."""
    make_private(database)
    source, target = (pysqlite3.connect(str(path), timeout=30) for path in (copy, database))
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()


def key_warning(backup: Backup, settings: Settings) -> str:
    """What to say when the key of the node is neither that of the backup nor one that followed it; else empty."""
    try:
        present = keys.node_signer(settings).multikey
    except SettingsError as error:
        found = f"{error}."
    else:
        if backup.multikey in {each.multikey for each in keys.public_keys(settings, present)}:
            return ""
        found = f"The key of this node ({fingerprint(present)}) is not the one it had when the backup was made."
    return (
        f"{found} Put the key of then ({fingerprint(backup.multikey)}) back into {settings.data_dir}, with all its "
        "files: signing-key.pem, and after a rotation signing-key-2.pem and so on and keys.json; without it every hub "
        "has to approve the node anew."
    )
