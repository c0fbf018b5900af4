"""A hub's first harvest over HTTP and the unchanged second one, beside rdflib and one commit a record."""

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, update

from bench.naive import harvest_one_by_one
from bench.node import serving_node
from bench.publish import node_settings
from bench.result import Measured, Result, apart
from chm_node.database import open_database, writing
from chm_node.http_client import HttpClient
from chm_node.settings import Settings
from chm_node.signing import create_key
from chm_node.tables import frontier, source
from chm_node.worker import settle_memory
from harvest.description import RDF_SYNTAXES
from harvest.discovery import discover, propose
from harvest.dispatch import Dispatcher, fetch_policy
from harvest.readers import Readers
from harvest.sources import Source, approve
from harvest.store import Ledger
from harvest.visit import Visit

RECORDS = 10_000
FEWER_RECORDS = 2_000
NAIVE_PAGES = 10
_NAIVE = "rdflib parse, proof, one commit a record"


def measure() -> list[Result]:
    """First harvests of two sizes (the memory should not tell them apart), then two unchanged ones."""
    with tempfile.TemporaryDirectory(prefix="chm-bench-") as name:
        folder = Path(name)
        with serving_node(folder / "small", FEWER_RECORDS) as small:
            apart(approve_peer, folder / "small-hub", small.base_url)
            few = apart(harvest_peer, folder / "small-hub", small.base_url)
        with serving_node(folder / "node", RECORDS) as node:
            naive = apart(harvest_one_by_one, folder / "naive.sqlite", node.base_url, NAIVE_PAGES)
            apart(approve_peer, folder / "hub", node.base_url)
            many = apart(harvest_peer, folder / "hub", node.base_url)
            by_304 = apart(harvest_peer, folder / "hub", node.base_url)
            apart(forget_etags, folder / "hub")
            by_hash = apart(harvest_peer, folder / "hub", node.base_url)
        with serving_node(folder / "unsigned", RECORDS, signed=False) as unsigned:
            apart(approve_peer, folder / "trusting-hub", unsigned.base_url, False)
            plain = apart(harvest_peer, folder / "trusting-hub", unsigned.base_url)
    baseline = naive.value / naive.seconds
    return [
        _result("harvest first, 2,000 records", few, FEWER_RECORDS, baseline),
        _result("harvest first", many, RECORDS, baseline),
        _result("harvest first, unsigned", plain, RECORDS, RECORDS / many.seconds, "the same with proofs"),
        _result("harvest unchanged, 304", by_304, RECORDS, baseline),
        _result("harvest unchanged, by hash", by_hash, RECORDS, baseline),
    ]


def approve_peer(folder: Path, address: str, signed: bool = True) -> None:
    """Set up a hub with one approved peer; without its key when it signs nothing."""
    folder.mkdir(parents=True)
    settings = node_settings(folder, profile="demo")
    create_key(settings.key_file)
    engine = open_database(settings.database)
    now = datetime.now(UTC)
    with HttpClient(fetch_policy(settings)) as client, Readers(1) as readers:
        proposal = discover(address, settings, client, readers, now)
    with writing(engine) as connection:
        propose(connection, proposal, now)
        approved = approve(connection, address, settings, now)
        if not signed:
            _forget_key(connection, settings, approved, now)
    engine.dispose()


def _forget_key(connection: Connection, settings: Settings, peer: Source, now: datetime) -> None:
    """Pin no key, and know the description already, or the key in it would contradict that."""
    with HttpClient(fetch_policy(settings)) as client, Readers(1) as readers:
        document = Visit(client, readers, {}, peer.feed).get(peer.node, RDF_SYNTAXES)
    connection.execute(update(source).values(multikey=""))
    if document:
        Ledger(connection, settings, peer, 0, now).remember(peer.node, document.seen)


def harvest_peer(folder: Path, address: str) -> tuple[int, float]:
    """Harvest the approved peer as the worker does; records taken over, and seconds."""
    settle_memory()
    settings = node_settings(folder, profile="demo")
    engine = open_database(settings.database)
    with Dispatcher(engine, settings, lambda: datetime.now(UTC)) as dispatcher:
        started = time.perf_counter()
        run = dispatcher.harvest(address)
        seconds = time.perf_counter() - started
    engine.dispose()
    if run is None or run.outcome not in ("ok", "not-modified"):
        raise RuntimeError(f"the harvest did not go well: {run}")
    return run.created, seconds


def forget_etags(folder: Path) -> None:
    """As if the peer knew no conditional requests and had to be walked from its first page."""
    engine = open_database(node_settings(folder, profile="demo").database)
    with writing(engine) as connection:
        connection.execute(update(frontier).values(etag=""))
        connection.execute(update(source).values(cursor=0))
    engine.dispose()


def _result(bench: str, ours: Measured, records: int, baseline: float, other: str = _NAIVE) -> Result:
    return Result(bench, records, records / ours.seconds, other, baseline, ours.peak_rss_mb)
