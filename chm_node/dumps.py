"""Dumps: the log as it stands, in one file a format, for whoever begins: a new hub, or a researcher.

A dump is read in short stretches, so it neither holds the log nor keeps the database from tidying up. It reflects a
log timestamp: what changed while it was written is missing from it, and is in the log after that timestamp.
"""

import fcntl
import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, update

from chm_node.catalogue import ChangeLog, LoggedChange
from chm_node.database import reading, writing
from chm_node.errors import ChmError
from chm_node.formats.log import Log, listed_graphs
from chm_node.formats.quads import Graph, n_quads, trig
from chm_node.record import Action, milliseconds, parse_timestamp, timestamp
from chm_node.settings import Settings
from chm_node.tables import dump as dump_table

#: How often the worker writes new ones, when the log has moved; also the longest wait after failures.
INTERVAL = timedelta(days=1)
#: One that was cut short or failed is tried again after this; twice as long with each failure in a row.
RETRY = timedelta(hours=1)
#: Changes read at a time; memory does not grow with the log.
BATCH = 500
#: Half as slow as gzip's own choice of 6, and a twentieth larger.
_LEVEL = 4
_MANIFEST = "manifest.json"
_START = datetime(1970, 1, 1, tzinfo=UTC)
_WRITERS: Mapping[str, Callable[[Iterable[Graph]], bytes]] = {"nq": n_quads, "trig": trig}


@dataclass(frozen=True)
class DumpFile:
    """One file of a dump."""

    name: str
    sha256: str  #: hexadecimal
    bytes: int


@dataclass(frozen=True)
class Dump:
    """What the newest dump holds."""

    log_time: datetime  #: UTC; the newest change it reflects
    records: int  #: live ones
    withdrawn: int  #: tombstones, without which a hub could take an old version from somebody else
    files: Mapping[str, DumpFile]  #: by format: ``nq``, ``trig``


def folder(settings: Settings) -> Path:
    """Where the dumps of a node lie."""
    return settings.data_dir / "dumps"


def newest(settings: Settings) -> Dump | None:
    """The dump that is there; None as long as none was written."""
    try:
        stated = json.loads((folder(settings) / _MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    files = {name: DumpFile(**each) for name, each in stated["files"].items()}
    return Dump(parse_timestamp(stated["log_time"]), stated["records"], stated["withdrawn"], files)


def write(engine: Engine, settings: Settings, now: datetime) -> Dump:
    """Write new dumps and take away the old ones; each file appears under its name when it is whole.

    Raises ChmError when the folder cannot be written, or when somebody else is at it.
    """
    try:
        with _alone(folder(settings)) as target:
            try:
                dump = _written(engine, settings, target)
                _replace(target / _MANIFEST, _manifest(dump))
            finally:
                _tidy(target, newest(settings))
    except OSError as error:
        raise ChmError(f"{folder(settings)}: {error.strerror}") from error
    _note(engine, due=now + INTERVAL, log_time=dump.log_time)
    return dump


def write_due(engine: Engine, settings: Settings, now: datetime) -> Dump | None:
    """Write new dumps if the last ones are a day old and the log has moved since; None otherwise.

    Raises ChmError as ``write`` does; it is then tried again after a while.
    """
    return write(engine, settings, now) if _is_due(engine, now) and _claim(engine, now) else None


def discard(engine: Engine, settings: Settings) -> None:
    """Take the dumps away; the worker writes new ones at its next look. Waits for one that is being written."""
    target = folder(settings)
    try:
        with _alone(target, wait=True):
            (target / _MANIFEST).unlink(missing_ok=True)
            _tidy(target, None)
    except OSError as error:
        raise ChmError(f"{target}: {error.strerror}") from error
    _note(engine, due=_START, log_time=_START)


def _is_due(engine: Engine, now: datetime) -> bool:
    with reading(engine) as connection:
        row = connection.execute(select(dump_table)).one()
        moved = milliseconds(ChangeLog(connection).head().log_time) > row.log_time
    return bool(moved and row.due <= milliseconds(now))


def _claim(engine: Engine, now: datetime) -> bool:
    """Whether it is for this worker to do; another one on the same database may have been faster.

    It counts as failed until it is done, for a worker that is killed says nothing any more.
    """
    with writing(engine) as connection:
        row = connection.execute(select(dump_table)).one()
        if row.due > milliseconds(now):
            return False
        wait = min(RETRY * 2 ** min(row.failures, 10), INTERVAL)
        connection.execute(update(dump_table).values(due=milliseconds(now + wait), failures=row.failures + 1))
    return True


def _note(engine: Engine, due: datetime, log_time: datetime) -> None:
    with writing(engine) as connection:
        done = {"due": milliseconds(due), "failures": 0, "log_time": milliseconds(log_time)}
        connection.execute(update(dump_table).values(done))


@contextmanager
def _alone(target: Path, *, wait: bool = False) -> Iterator[Path]:
    target.mkdir(exist_ok=True)
    with (target / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise ChmError("a dump is being written just now; wait until it is there") from None
        yield target


def _written(engine: Engine, settings: Settings, target: Path) -> Dump:
    with reading(engine) as connection:
        head = ChangeLog(connection).head()
    log = Log(settings.base_url, head.epoch, head.pages)
    names = {each: f"records-{milliseconds(head.log_time)}.{each}.gz" for each in _WRITERS}
    live = withdrawn = 0
    with ExitStack() as stack:
        zipped = {each: stack.enter_context(_Zipped(target / f"{name}.part")) for each, name in names.items()}
        for changes in _changes(engine, head.log_time):
            graphs = [graph for change in changes for graph in listed_graphs(log, change)]
            for each, write_graphs in _WRITERS.items():
                zipped[each].add(write_graphs(graphs))
            gone = sum(1 for change in changes if change.graph.action is Action.DELETE)
            live, withdrawn = live + len(changes) - gone, withdrawn + gone
    for name in names.values():
        (target / f"{name}.part").replace(target / name)
    files = {each: DumpFile(name, zipped[each].digest, zipped[each].size) for each, name in names.items()}
    return Dump(head.log_time, live, withdrawn, files)


def _changes(engine: Engine, until: datetime) -> Iterator[Sequence[LoggedChange]]:
    cursor = _START
    while True:
        with reading(engine) as connection:
            found = ChangeLog(connection).after(cursor, BATCH)
        found = [each for each in found if each.log_time <= until]
        if not found:
            return
        yield [each for each in found if not each.taken_back]
        cursor = found[-1].log_time


class _Zipped:
    """A gzip file that is hashed as it is written; the same content gives the same bytes."""

    def __init__(self, path: Path) -> None:
        self.size = 0
        self._hash = hashlib.sha256()
        self._file = path.open("wb")
        self._gzip = gzip.GzipFile("", "wb", _LEVEL, fileobj=self, mtime=0)

    def __enter__(self) -> "_Zipped":
        return self

    def __exit__(self, *_: object) -> None:
        self._gzip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def add(self, data: bytes) -> None:
        self._gzip.write(data)

    def write(self, data: bytes) -> int:
        """What gzip calls with compressed bytes."""
        self.size += len(data)
        self._hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        """What gzip calls at its end."""


def _manifest(dump: Dump) -> bytes:
    stated: dict[str, Any] = {**asdict(dump), "log_time": timestamp(dump.log_time)}
    return json.dumps(stated, indent=1).encode() + b"\n"


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _tidy(target: Path, dump: Dump | None) -> None:
    """Take away what is no part of the dump: older ones, and what was not written to its end."""
    kept = {each.name for each in dump.files.values()} if dump else set()
    # Whoever is reading an old dump keeps it open and reads it to its end.
    for path in target.iterdir():
        if path.name not in kept and path.name.startswith("records-"):
            path.unlink()
