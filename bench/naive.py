"""The naive ways the benchmarks compare with: what a first version of such a node would do."""

import time
import urllib.request
from pathlib import Path

import pysqlite3
import rdflib

from bench.records import synthetic
from chm_node.canonical import canonical_bytes, canonical_lines
from chm_node.namespaces import AS, DCTERMS, SEC
from chm_node.proofs import verify
from chm_node.record_types import RECORD_TYPES
from chm_node.settings import Settings

# Or rdflib writes other dates than were signed.
rdflib.NORMALIZE_LITERALS = False

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE record (iri TEXT PRIMARY KEY, title TEXT, turtle TEXT);
CREATE VIRTUAL TABLE search USING fts5(iri UNINDEXED, words);
"""


def publish_one_by_one(path: Path, count: int) -> tuple[int, float]:
    """Each record: an rdflib graph, Turtle, one commit."""
    settings = Settings.of(country="DZ")
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


def harvest_one_by_one(path: Path, base_url: str, pages: int) -> tuple[int, float]:
    """Each page of the log: fetched as TriG, parsed by rdflib; each record: its proof checked, one commit."""
    connection = pysqlite3.connect(str(path))
    connection.executescript(_SCHEMA)
    done = 0
    with urllib.request.urlopen(f"{base_url}node.ttl", timeout=30) as answer:  # noqa: S310 -- our own node
        description = rdflib.Graph().parse(data=answer.read(), format="turtle")
    key = str(next(description.objects(None, rdflib.URIRef(SEC.publicKeyMultibase))))
    started = time.perf_counter()
    for page in range(1, pages + 1):
        with urllib.request.urlopen(f"{base_url}feed/1/{page}.trig", timeout=30) as answer:  # noqa: S310 -- our own node
            dataset = rdflib.Dataset().parse(data=answer.read(), format="trig")
        for activity, iri in list(dataset.subject_objects(rdflib.URIRef(AS.object))):
            graph = dataset.graph(rdflib.URIRef(str(activity)))
            check_proof(dataset, activity, graph, key)
            store(connection, str(iri), graph)
            done += 1
    return done, time.perf_counter() - started


def check_proof(dataset: rdflib.Dataset, activity: rdflib.term.Node, graph: rdflib.Graph, key: str) -> None:
    """The proof of one record, over the lines rdflib writes of it; raises ValueError when it does not hold."""
    lines = graph.serialize(format="nt").splitlines(keepends=True)
    name = next(dataset.objects(activity, rdflib.URIRef(SEC.proof)))
    proof_graph = dataset.graph(rdflib.BNode(name) if isinstance(name, rdflib.BNode) else rdflib.URIRef(str(name)))
    names = {"created": DCTERMS.created, "verificationMethod": SEC.verificationMethod, "proofValue": SEC.proofValue}
    proof = {name: str(next(proof_graph.objects(None, rdflib.URIRef(predicate)))) for name, predicate in names.items()}
    if not verify(canonical_bytes(lines), proof, key):
        raise ValueError(f"{activity}: the proof does not hold")
