"""How long a record takes from its node into the feed of a hub: with push, and by polling alone.

Real processes, as ``chm serve`` runs them. The nodes publish in turn, each some records in a row.
"""

import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from uuid import uuid4

from sqlalchemy import select

from bench.node import environment, free_port, wait_for
from bench.publish import node_settings
from bench.result import Result
from chm_node.database import open_database, reading, writing
from chm_node.http_client import HttpClient
from chm_node.publishing import publish, record_iri, with_defaults
from chm_node.record_types import RECORD_TYPES
from chm_node.serving import end, start_command
from chm_node.settings import Settings
from chm_node.signing import create_key, load_signer
from chm_node.tables import subscriber
from harvest.discovery import discover, propose
from harvest.dispatch import fetch_policy
from harvest.readers import Readers
from harvest.sources import approve

NODES = 3
ROUNDS = 5
#: As in the demo; a real hub asks every quarter of an hour.
POLL_MINUTES = 0.25
PATIENCE_SECONDS = 120.0
_LOOK_SECONDS = 0.02


def measure() -> list[Result]:
    """The median and the worst of several publications with push, each beside the same of polling."""
    polled, _ = _latencies(push=False)
    pushed, peak = _latencies(push=True)
    naive = f"polling every {POLL_MINUTES * 60:.0f} s"
    return [
        _result("push to a hub, median", median(pushed), median(polled), naive, peak),
        _result("push to a hub, worst", max(pushed), max(polled), naive, peak),
    ]


def _result(bench: str, ours: float, polled: float, naive: str, peak: float) -> Result:
    return Result(f"{bench} ({ours:.1f} s)", NODES * ROUNDS, 1 / ours, f"{naive}: {polled:.1f} s", 1 / polled, peak)


def _latencies(*, push: bool) -> tuple[list[float], float]:
    """Seconds of each publication, and the peak memory of the hub's worker in MiB."""
    with tempfile.TemporaryDirectory(prefix="chm-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        # A node without a worker tells nobody.
        options = () if push else ("--no-worker",)
        nodes = [stack.enter_context(_served(_made(folder / f"node-{n}"), *options))[0] for n in range(NODES)]
        hub = _made(folder / "hub", poll_minutes=15.0 if push else POLL_MINUTES)
        _follow(hub, nodes)
        process_id = stack.enter_context(_served(hub))[1]
        for each in nodes if push else ():
            _until(partial(_is_subscribed, each))
        found = [_latency(each, hub) for each in nodes for _ in range(ROUNDS)]
        return found, _peak_rss_mb(process_id)


def _made(folder: Path, **chosen: object) -> Settings:
    port = free_port()
    folder.mkdir(parents=True)
    base_url = f"http://127.0.0.1:{port}/"
    settings = node_settings(folder, base_url=base_url, port=port, profile="demo", **chosen)
    create_key(settings.key_file)
    open_database(settings.database).dispose()
    return settings


@contextmanager
def _served(settings: Settings, *options: str) -> Iterator[tuple[Settings, int]]:
    server = start_command("serve", *options, environment=environment(settings))
    try:
        wait_for(f"{settings.base_url}livez")
        yield settings, server.pid
    finally:
        end(server)


def _follow(hub: Settings, nodes: Sequence[Settings]) -> None:
    engine = open_database(hub.database)
    with HttpClient(fetch_policy(hub)) as client, Readers(1) as readers:
        found = [discover(each.base_url, hub, client, readers, datetime.now(UTC)) for each in nodes]
    with writing(engine) as connection:
        for each, node in zip(found, nodes, strict=True):
            propose(connection, each, datetime.now(UTC))
            approve(connection, node.base_url, hub, datetime.now(UTC))
    engine.dispose()


def _latency(node: Settings, hub: Settings) -> float:
    """Seconds from the commit at the node to the first answer of the hub's feed that has it."""
    iri = record_iri(node, "news", uuid4())
    record = RECORD_TYPES["news"].record(iri, with_defaults({"title": {"en": "A measured notice"}}, node))
    engine = open_database(node.database)
    signer = load_signer(node.key_file, f"{node.node_iri}#key")
    for _ in publish(engine, node, signer, [record], datetime.now(UTC)):
        pass
    started = time.perf_counter()
    engine.dispose()
    _until(partial(_shows, hub, iri))
    return time.perf_counter() - started


def _shows(hub: Settings, iri: str) -> bool:
    with urllib.request.urlopen(f"{hub.base_url}feeds/all.json", timeout=20) as answer:  # noqa: S310  our own node
        return iri.encode() in answer.read()


def _is_subscribed(node: Settings) -> bool:
    engine = open_database(node.database)
    with reading(engine) as connection:
        found = connection.execute(select(subscriber.c.id)).first()
    engine.dispose()
    return found is not None


def _until(holds: Callable[[], bool]) -> None:
    latest = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > latest:
            raise RuntimeError("it did not come to pass; see what the nodes say")
        time.sleep(_LOOK_SECONDS)


def _peak_rss_mb(process_id: int) -> float:
    """Of the largest child of a ``chm serve``, which with a worker at harvests is that one."""
    children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    peaks = [
        int(line.split()[1]) / 1024
        for child in children
        for line in Path(f"/proc/{child}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    return max(peaks)
