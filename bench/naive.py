"""The naive ways the benchmarks compare with: what a first version of such a node would do."""

import time
from pathlib import Path

import pysqlite3
import rdflib

from bench.records import synthetic
from chm_node.canonical import canonical_bytes, canonical_lines
from chm_node.record_types import RECORD_TYPES
from chm_node.settings import Settings

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE record (iri TEXT PRIMARY KEY, title TEXT, turtle TEXT);
CREATE VIRTUAL TABLE search USING fts5(iri UNINDEXED, words);
"""


def publish_one_by_one(path: Path, count: int) -> tuple[int, float]:
    """Each record: an rdflib graph, Turtle, one commit."""
    settings = Settings.load(country="DZ")
    records = list(synthetic(settings, count))
    connection = pysqlite3.connect(str(path))
    connection.executescript(_SCHEMA)
    started = time.perf_counter()
    for record in records:
        triples = RECORD_TYPES[record.type].triples(record)
        graph = rdflib.Graph().parse(data=canonical_bytes(canonical_lines(triples)), format="nt")
        store(connection, record.iri, graph)
    return count, time.perf_counter() - started


def store(connection: pysqlite3.Connection, iri: str, graph: rdflib.Graph) -> None:
    """One record and its words, committed at once."""
    texts = [str(each) for each in graph.objects() if isinstance(each, rdflib.Literal)]
    title = str(graph.value(rdflib.URIRef(iri), rdflib.DCTERMS.title) or "")
    connection.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", (iri, title, graph.serialize(format="turtle")))
    connection.execute("INSERT INTO search VALUES (?, ?)", (iri, " ".join(texts)))
    connection.commit()
