"""Peers that keep changing behind a proxy, and a hub whose worker is a process that can be killed."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from sqlalchemy import Engine, func, select, update
from sqlalchemy.exc import OperationalError

from bench.node import environment, free_port, served
from bench.proxy import Proxy
from bench.publish import node_settings
from bench.records import synthetic
from chm_node.database import open_database, reading, writing
from chm_node.http_client import HttpClient
from chm_node.publishing import publish, withdraw
from chm_node.record import Record, Tombstone, milliseconds
from chm_node.record_types import RECORD_TYPES
from chm_node.serving import end, start_command
from chm_node.settings import Settings
from chm_node.signing import Signer, create_key, load_signer
from chm_node.tables import change, log_head, record, run, source
from harvest.discovery import discover, propose
from harvest.dispatch import fetch_policy
from harvest.readers import Readers
from harvest.sources import approve

#: Between two edits.
EDIT_SECONDS = 0.05
#: For a last harvest of every peer, on a machine that is busy with other things.
QUIET_SECONDS = 60.0
_ORPHAN_SECONDS = 5.0


@dataclass
class Peer:
    """A node at work, and its editor."""

    settings: Settings
    engine: Engine
    signer: Signer
    proxy: Proxy
    live: list[Record] = field(default_factory=list)
    gone: list[Record] = field(default_factory=list)
    edits: int = 0

    def publish(self, *records: Record) -> None:
        for _ in publish(self.engine, self.settings, self.signer, records, datetime.now(UTC)):
            pass

    def edit(self, new: Iterator[Record], dice: Random) -> None:
        """One thing an editor does: publish, revise, withdraw, or publish again what was withdrawn."""
        self.edits += 1
        throw = dice.random()
        if throw < 0.3:
            self.live.append(next(new))
            self.publish(self.live[-1])
        elif throw < 0.85:
            self._revise(dice.sample(range(len(self.live)), dice.randint(1, 3)))
        elif throw < 0.95:
            self.gone.append(self.live.pop(dice.randrange(len(self.live))))
            tombstone = Tombstone(self.gone[-1].iri, self.gone[-1].type)
            withdraw(self.engine, self.settings, self.signer, tombstone, datetime.now(UTC))
        elif self.gone:
            self.live.append(self.gone.pop(dice.randrange(len(self.gone))))
            self.publish(self.live[-1])

    def _revise(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            old = self.live[number]
            titles = {language: f"{title} {self.edits}" for language, title in old.values["title"].items()}
            self.live[number] = RECORD_TYPES[old.type].record(old.iri, {**old.values, "title": titles})
        self.publish(*(self.live[number] for number in numbers))


@contextmanager
def changing_peers(folder: Path, count: int, records: int, dice: Random, share: float) -> Iterator[list[Peer]]:
    """So many nodes with so many records each, served behind proxies that strike a share of the answers."""
    with ExitStack() as stack:
        yield [_peer(stack, folder / f"peer-{number}", records, dice, share) for number in range(count)]


def _peer(stack: ExitStack, folder: Path, records: int, dice: Random, share: float) -> Peer:
    port = free_port()
    proxy = stack.enter_context(Proxy(port, dice, share))
    settings = node_settings(folder, base_url=proxy.address, port=port, profile="demo")
    folder.mkdir(parents=True)
    create_key(settings.key_file)
    signer = load_signer(settings.key_file, f"{settings.node_iri}#key")
    engine = open_database(settings.database)
    stack.callback(engine.dispose)
    stack.enter_context(served(settings))
    peer = Peer(settings, engine, signer, proxy, list(synthetic(settings, records)))
    peer.publish(*peer.live)
    return peer


@contextmanager
def edited(peers: Sequence[Peer], dice: Random) -> Iterator[None]:
    """Someone edits one peer after the other, until this ends."""
    stop = threading.Event()

    def work() -> None:
        new = [_further_records(peer) for peer in peers]
        while not stop.wait(EDIT_SECONDS):
            number = dice.randrange(len(peers))
            peers[number].edit(new[number], dice)

    editor = threading.Thread(target=work, name="editor")
    editor.start()
    try:
        yield
    finally:
        stop.set()
        editor.join()


def _further_records(peer: Peer) -> Iterator[Record]:
    known = {each.iri for each in (*peer.live, *peer.gone)}
    return (each for each in synthetic(peer.settings, 1_000_000) if each.iri not in known)


@dataclass(frozen=True)
class Hub:
    """A hub that follows the peers; its worker is started and ended at will."""

    settings: Settings
    engine: Engine

    def start_worker(self) -> subprocess.Popen[bytes]:
        log = self.settings.data_dir / "worker.log"
        return start_command("worker", environment=environment(self.settings), log=log)

    @contextmanager
    def working(self) -> Iterator[subprocess.Popen[bytes]]:
        """A worker that is told to stop when this ends."""
        worker = self.start_worker()
        try:
            yield worker
        finally:
            end(worker)

    def let_time_pass(self, *, leases_too: bool = False) -> None:
        """Make every source due, as the end of its back-off would; of its dead worker's lease, too, if wanted.

        This stands for hours of waiting; nothing else of the hub is touched.
        """
        free = [] if leases_too else [source.c.lease == ""]
        with writing(self.engine) as connection:
            connection.execute(update(source).where(*free).values(due=0))

    def harvests(self) -> int:
        """How many harvests were begun."""
        with reading(self.engine) as connection:
            return int(connection.execute(select(func.count()).select_from(run)).scalar_one())

    def is_harvesting(self) -> bool:
        with reading(self.engine) as connection:
            return connection.execute(select(run.c.id).where(run.c.ended == 0).limit(1)).first() is not None

    def changes(self) -> int:
        """How many changes its log has."""
        with reading(self.engine) as connection:
            return int(connection.execute(select(log_head.c.seq)).scalar_one())

    def is_writing(self) -> bool:
        """Whether the worker, which stands still, is in the middle of a transaction."""
        with self.engine.connect() as connection:
            connection.detach()  # the setting must not stay in the pool
            try:
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
                    connection.execute(update(log_head).values(seq=log_head.c.seq))
                else:
                    connection.execute(select(log_head.c.id).with_for_update(nowait=True))
            except OperationalError:
                return True
            connection.rollback()
        return False

    def settle(self) -> None:
        """One more harvest of each peer, all of them quiet by now; raises RuntimeError when there is none."""
        quiet = milliseconds(datetime.now(UTC))
        deadline = time.monotonic() + QUIET_SECONDS
        with self.working():
            while self._unsettled(quiet) and time.monotonic() < deadline:
                self.let_time_pass()
                time.sleep(0.1)
        if self._unsettled(quiet):
            raise RuntimeError(f"no quiet harvest within {QUIET_SECONDS:.0f} seconds; see {self.settings.data_dir}")

    def _unsettled(self, quiet: int) -> bool:
        done = (run.c.started > quiet) & run.c.outcome.in_(("ok", "not-modified"))
        with reading(self.engine) as connection:
            settled = set(connection.execute(select(run.c.source_id).where(done)).scalars())
            return not set(connection.execute(select(source.c.id)).scalars()) <= settled


def make_hub(folder: Path, addresses: Sequence[str], database_url: str = "") -> Hub:
    """A hub in a new folder that has approved the peers and harvested nothing yet."""
    folder.mkdir(parents=True)
    settings = node_settings(
        folder, profile="demo", database_url=database_url, poll_minutes=0.001, tick_seconds=0.2, port=free_port()
    )
    create_key(settings.key_file)
    engine = open_database(settings.database)
    now = datetime.now(UTC)
    with HttpClient(fetch_policy(settings)) as client, Readers(1) as readers:
        for address in addresses:
            proposal = discover(address, settings, client, readers, now)
            with writing(engine) as connection:
                propose(connection, proposal, now)
                approve(connection, address, settings, now)
    return Hub(settings, engine)


def copied(hub: Hub, folder: Path) -> Hub:
    """The same hub once more, as it stands; on SQLite alone."""
    hub.engine.dispose()
    shutil.copytree(hub.settings.data_dir, folder)
    settings = hub.settings.model_copy(update={"data_dir": folder})
    return Hub(settings, open_database(settings.database))


def kill(worker: subprocess.Popen[bytes], *, alone: bool) -> list[int]:
    """SIGKILL the worker, alone or with its group; the children of its that are still there after a while."""
    orphans = children(worker.pid)
    (os.kill if alone else os.killpg)(worker.pid, signal.SIGKILL)
    worker.wait()
    latest = time.monotonic() + _ORPHAN_SECONDS
    while (left := [each for each in orphans if _runs(each)]) and time.monotonic() < latest:
        time.sleep(0.01)
    return left


def children(pid: int) -> list[int]:
    """The processes that this one started; none when it is gone."""
    found: list[int] = []
    with suppress(OSError):  # a thread, or all of it, may end meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@dataclass(frozen=True)
class Differences:
    """How a hub's copies differ from what their owners have."""

    compared: int = 0
    wrong: int = 0  #: another version, hash, proof or state
    missing: int = 0
    extra: int = 0  #: records their owner does not have, and changes that stand in the hub's log twice

    @property
    def none(self) -> bool:
        return not (self.wrong or self.missing or self.extra)


def differences(hub: Engine, peers: Sequence[str]) -> Differences:
    """Every record and tombstone in the peers' databases beside the hub's copy: version, hash, bytes, proof, state."""
    theirs: dict[str, tuple[object, ...]] = {}
    for url in peers:
        engine = open_database(url)
        theirs |= _copies(engine)
        engine.dispose()
    ours = _copies(hub)
    wrong = sum(1 for iri, copy in theirs.items() if iri in ours and ours[iri] != copy)
    missing, extra = len(theirs.keys() - ours.keys()), len(ours.keys() - theirs.keys())
    return Differences(len(theirs), wrong, missing, extra + _repeated(hub))


def _copies(engine: Engine) -> dict[str, tuple[object, ...]]:
    columns = (record.c.iri, record.c.version, record.c.digest, record.c.withdrawn, change.c.nquads, change.c.proof)
    joined = record.join(change, record.c.seq == change.c.seq)
    with reading(engine) as connection:
        rows = connection.execute(select(*columns).select_from(joined))
        return {row.iri: (row.version, row.digest, row.withdrawn, hash(bytes(row.nquads)), row.proof) for row in rows}


def _repeated(engine: Engine) -> int:
    alike = select(func.count().label("times")).select_from(change).group_by(change.c.record_id, change.c.digest)
    with reading(engine) as connection:
        return sum(times - 1 for times in connection.execute(alike).scalars())
