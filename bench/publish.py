"""Publishing 10,000 records, beside an rdflib graph and one commit a record."""

import tempfile
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from bench.naive import publish_one_by_one
from bench.records import synthetic
from bench.result import Result, apart
from chm_node.database import open_database
from chm_node.publishing import publish
from chm_node.settings import Settings
from chm_node.signing import create_key, load_signer

RECORDS = 10_000
NAIVE_RECORDS = 500


def measure() -> list[Result]:
    """One result: records checked, signed, indexed and committed a second."""
    with tempfile.TemporaryDirectory(prefix="chm-bench-") as folder:
        ours = apart(fill_node, Path(folder) / "node", RECORDS)
        naive = apart(publish_one_by_one, Path(folder) / "naive.sqlite", NAIVE_RECORDS)
    return [
        Result(
            bench="publish",
            records=RECORDS,
            per_second=RECORDS / ours.seconds,
            baseline="rdflib graph, Turtle, one commit a record",
            baseline_per_second=NAIVE_RECORDS / naive.seconds,
            peak_rss_mb=ours.peak_rss_mb,
        )
    ]


def node_settings(folder: Path, **more: object) -> Settings:
    """Settings of a node that lives in this folder, whatever the environment and a settings file say of a real one."""
    return Settings.of(**({"data_dir": folder, "country": "DZ"} | more))


def fill_node(folder: Path, count: int, port: int = 8100) -> tuple[int, float]:
    """Publish ``count`` made-up records on a new node; how many, and the seconds the publishing took."""
    settings = node_settings(folder, base_url=f"http://127.0.0.1:{port}/", port=port)
    folder.mkdir(parents=True)
    create_key(settings.key_file)
    signer = load_signer(settings.key_file, f"{settings.node_iri}#key")
    engine = open_database(settings.database)
    records, done, seconds = synthetic(settings, count), 0, 0.0
    while stretch := list(islice(records, RECORDS)):  # made before they are timed, and never all of them at once
        started = time.perf_counter()
        done += sum(each.created for each in publish(engine, settings, signer, stretch, datetime.now(UTC)))
        seconds += time.perf_counter() - started
    engine.dispose()
    return done, seconds
