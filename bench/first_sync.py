"""The first harvest of a node with 100,000 records, by dump and log; and of three large nodes at once, by their logs.

While the dump is written an editor publishes: the longest that one has to wait says whether the log was held.
"""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from bench.federation import Differences, differences, make_hub
from bench.node import serving_node
from bench.publish import node_settings
from bench.records import synthetic
from bench.result import apart
from chm_node import dumps
from chm_node.database import open_database
from chm_node.publishing import publish
from chm_node.settings import Settings
from chm_node.signing import load_signer
from chm_node.worker import settle_memory
from harvest.dispatch import Dispatcher
from harvest.overview import RunView

RECORDS = 100_000
NODES, FEWER_RECORDS = 3, 10_000
_EDIT_SECONDS = 0.1


@dataclass(frozen=True)
class Sync:
    """What a large first harvest, or the dump for it, took; and how hub and nodes differ afterwards."""

    HEADING: ClassVar[str] = (
        f"{'first sync':<36}{'records':>9}{'seconds':>9}{'per second':>12}{'peak MiB':>10}"
        f"{'wrong':>7}{'missing':>9}{'extra':>7}   notes"
    )

    what: str
    records: int
    seconds: float
    peak_rss_mb: float  #: of the process that did the work, MiB; its reading children come on top
    found: Differences
    notes: str

    @property
    def well(self) -> bool:
        return self.found.none

    def line(self) -> str:
        """The row for a person to read."""
        found = self.found
        return (
            f"{self.what:<36}{self.records:>9,}{self.seconds:>9.1f}{self.records / self.seconds:>12,.0f}"
            f"{self.peak_rss_mb:>10.0f}{found.wrong:>7,}{found.missing:>9,}{found.extra:>7,}   {self.notes}"
        )

    def as_dict(self) -> dict[str, Any]:
        own = {name: value for name, value in asdict(self).items() if name != "found"}
        return own | asdict(self.found)


def measure() -> list[Sync]:
    """The dump, the harvest that begins with it, and three harvests at once."""
    with tempfile.TemporaryDirectory(prefix="chm-bench-") as name:
        return [*by_dump(Path(name), RECORDS), at_once(Path(name), NODES, FEWER_RECORDS)]


def by_dump(folder: Path, records: int) -> list[Sync]:
    """A node's dump, and a hub's first harvest of that node."""
    with serving_node(folder / "node", records) as node:
        dumped = apart(write_dump, folder / "node", node.base_url)
        dump, waits = dumped.value
        hub = make_hub(folder / "hub", [node.base_url])
        synced = apart(harvest_all, hub.settings)
        [run] = synced.value
        found = differences(hub.engine, [node.database])
        hub.engine.dispose()
    megabytes = sum(each.bytes for each in dump.files.values()) / 1024**2
    published = f"{len(waits)} records published meanwhile, the longest wait {max(waits):.2f} s; {megabytes:.0f} MiB"
    return [
        Sync("the dump is written", dump.records, dumped.seconds, dumped.peak_rss_mb, Differences(), published),
        Sync("harvest by dump and log", run.created, synced.seconds, synced.peak_rss_mb, found, _told(run)),
    ]


def at_once(folder: Path, nodes: int, records: int) -> Sync:
    """A hub's first harvests of several nodes that have written no dump, at the same time."""
    with ExitStack() as stack:
        served = [stack.enter_context(serving_node(folder / f"node-{n}", records)) for n in range(nodes)]
        hub = make_hub(folder / "hub-of-many", [each.base_url for each in served])
        synced = apart(harvest_all, hub.settings)
        found = differences(hub.engine, [each.database for each in served])
        hub.engine.dispose()
    runs: list[RunView] = synced.value
    notes = "; ".join(map(_told, runs))
    name = f"{nodes} harvests by the log at once"
    return Sync(name, sum(run.created for run in runs), synced.seconds, synced.peak_rss_mb, found, notes)


def write_dump(folder: Path, base_url: str) -> tuple[tuple[dumps.Dump, list[float]], float]:
    """A dump of the node, the seconds that each publishing meanwhile took, and those of the dump itself."""
    settings = node_settings(folder, base_url=base_url)
    engine = open_database(settings.database)
    with _publishing(settings) as waits:
        started = time.perf_counter()
        dump = dumps.write(engine, settings, datetime.now(UTC))
        seconds = time.perf_counter() - started
    engine.dispose()
    return (dump, waits), seconds


@contextmanager
def _publishing(settings: Settings) -> Iterator[list[float]]:
    """Someone publishes one record after the other; the seconds each took."""
    waits: list[float] = []
    stop = threading.Event()
    engine = open_database(settings.database)
    signer = load_signer(settings.key_file, f"{settings.node_iri}#key")
    other = node_settings(settings.data_dir, base_url=settings.base_url, country="TN")  # so that each is a change

    def work() -> None:
        for record in synthetic(other, RECORDS):
            started = time.perf_counter()
            list(publish(engine, other, signer, [record], datetime.now(UTC)))
            waits.append(time.perf_counter() - started)
            if stop.wait(_EDIT_SECONDS):
                return

    editor = threading.Thread(target=work, name="editor")
    editor.start()
    try:
        yield waits
    finally:
        stop.set()
        editor.join()
        engine.dispose()


def harvest_all(settings: Settings) -> tuple[list[RunView], float]:
    """Harvest every approved peer at once, as the worker does; the runs, and seconds."""
    settle_memory()
    engine = open_database(settings.database)
    with Dispatcher(engine, settings, lambda: datetime.now(UTC)) as dispatcher:
        started = time.perf_counter()
        runs = [each.result() for each in dispatcher.start_due()]
        seconds = time.perf_counter() - started
    engine.dispose()
    return runs, seconds


def _told(run: RunView) -> str:
    return f"{run.outcome}, {run.requests} requests" + (f", {run.message}" if run.message else "")
