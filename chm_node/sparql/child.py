"""The records as a store of graphs, in a child process that can open no file and no socket.

Every function here runs in the child (``chm_node.sandbox``), whose memory the store is. It is never the only copy:
the parent compares ``standing`` with the change log and feeds what is missing, everything to a fresh child.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import pyoxigraph as ox

from chm_node.errors import MalformedQueryError
from chm_node.formats.quads import Graph, n_quads
from chm_node.formats.rdf import GRAPH_WRITERS
from chm_node.sparql.gate import GraphChoice
from chm_node.sparql.results import TABLES, Written, take, write_rows

#: Pages come first when there are fewer cores than work.
_NICENESS = 10
MAX_ROWS = 10_000
MAX_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True)
class Standing:
    """How far a child has read the log."""

    epoch: int = 0
    log_time: int = 0  #: of the newest change it holds; milliseconds, UTC


@dataclass(frozen=True)
class Fact:
    """A change as a child needs it."""

    iri: str
    nquads: bytes | None  #: None for a withdrawal
    log_time: int


@dataclass(frozen=True)
class Question:
    """A query that has passed the gate."""

    query: str
    base_iri: str
    own: GraphChoice  #: what the query says with FROM
    asked: GraphChoice  #: what the request says, which counts more (SPARQL 1.1 Protocol §2.1.4)
    table_type: str  #: media type for SELECT and ASK; empty when the reader takes none
    graph_type: str  #: media type for CONSTRUCT and DESCRIBE


@dataclass(frozen=True)
class Found:
    """What a query found; no result when the reader takes no format for results of this kind."""

    media_type: str
    written: Written | None


class _Holding:
    """The one store of a child."""

    def __init__(self) -> None:
        self.store = ox.Store()
        self.standing = Standing()


_holding = _Holding()


def standing() -> Standing:
    """How far this child has read the log; the beginning for a fresh one."""
    os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
    return _holding.standing


def feed(epoch: int, facts: Sequence[Fact]) -> Standing:
    """Takes over the changes, oldest first; a new epoch begins with an empty store."""
    global _holding
    if epoch != _holding.standing.epoch:
        _holding = _Holding()
    newest = {fact.iri: fact for fact in facts}
    for iri in newest:
        _holding.store.remove_graph(ox.NamedNode(iri))
    graphs = [Graph(f"<{iri}>", fact.nquads) for iri, fact in newest.items() if fact.nquads is not None]
    _holding.store.bulk_load(n_quads(graphs), ox.RdfFormat.N_QUADS)
    _holding.standing = Standing(epoch, facts[-1].log_time if facts else _holding.standing.log_time)
    return _holding.standing


def answer(question: Question) -> Found:
    """What the query finds; raises ``MalformedQueryError`` with the parser's words."""
    try:
        found = _evaluate(question)
        if isinstance(found, ox.QueryTriples):
            return Found(question.graph_type, _graph(found, question.graph_type))
        return Found(question.table_type, _table(found, question.table_type))
    except (SyntaxError, ValueError) as error:
        raise MalformedQueryError(str(error)) from error
    except OSError as error:  # an evaluation that cannot go on
        raise MalformedQueryError(f"the query cannot be evaluated: {error}") from error


def _evaluate(question: Question) -> ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples:
    for iri in (*question.own.default, *question.own.named, *question.asked.default, *question.asked.named):
        if not _holding.store.contains_named_graph(ox.NamedNode(iri)):
            raise MalformedQueryError(f"there is no graph {iri} here; the graphs are the records of this node")
    if question.asked:
        return _holding.store.query(
            question.query,
            base_iri=question.base_iri,
            default_graph=[ox.NamedNode(iri) for iri in question.asked.default],
            named_graphs=[ox.NamedNode(iri) for iri in question.asked.named],
        )
    return _holding.store.query(question.query, base_iri=question.base_iri, use_default_graph_as_union=not question.own)


def _graph(triples: ox.QueryTriples, media_type: str) -> Written | None:
    if not media_type:
        return None
    found, cut = take(triples, MAX_ROWS, MAX_BYTES)
    return Written(GRAPH_WRITERS[media_type](found), len(found), cut)


def _table(found: ox.QuerySolutions | ox.QueryBoolean, media_type: str) -> Written | None:
    if not media_type:
        return None
    if isinstance(found, ox.QueryBoolean):
        return Written(TABLES[media_type].ask(bool(found)).encode(), 1, cut=False)
    return write_rows(found, media_type, MAX_ROWS, MAX_BYTES)
