"""Exporting 10,000 records as N-Quads, beside rdflib writing them."""

import tempfile
import time
from pathlib import Path

import rdflib

from bench.publish import fill_node, node_settings
from bench.result import Result, apart
from chm_node.database import open_database, reading
from chm_node.exporting import export

RECORDS = 10_000
NAIVE_RECORDS = 500


def measure() -> list[Result]:
    """One result: records written a second."""
    with tempfile.TemporaryDirectory(prefix="chm-bench-") as name:
        folder = Path(name)
        apart(fill_node, folder / "node", RECORDS)
        ours = apart(export_all, folder / "node", folder / "export.nq")
        naive = apart(export_with_rdflib, folder / "export.nq", NAIVE_RECORDS)
    return [
        Result(
            bench="export",
            records=RECORDS,
            per_second=RECORDS / ours.seconds,
            baseline="rdflib graph a record, serialised",
            baseline_per_second=NAIVE_RECORDS / naive.seconds,
            peak_rss_mb=ours.peak_rss_mb,
        )
    ]


def export_all(folder: Path, target: Path) -> None:
    """Every record into a file, as ``chm export`` does."""
    engine = open_database(node_settings(folder).database)
    with reading(engine) as connection, target.open("wb") as file:
        for part in export(connection, "nq"):
            file.write(part)
    engine.dispose()


def export_with_rdflib(exported: Path, count: int) -> tuple[int, float]:
    """Each record: its triples into an rdflib graph, then N-Triples."""
    lines: dict[str, list[str]] = {}
    for line in exported.read_text(encoding="utf-8").splitlines():
        statement, name, _ = line.rsplit(" ", 2)
        lines.setdefault(name, []).append(f"{statement} .")
    records = ["\n".join(each) for each in list(lines.values())[:count]]
    graphs = [list(rdflib.Graph().parse(data=each, format="nt")) for each in records]
    started = time.perf_counter()
    for triples in graphs:
        graph = rdflib.Graph()
        for triple in triples:
            graph.add(triple)
        graph.serialize(format="nt")
    return len(graphs), time.perf_counter() - started
