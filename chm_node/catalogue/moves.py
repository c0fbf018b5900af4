"""A record whose node has moved: its tombstone names another record, which says that it is the same one.

And records whose node has another address by now, and was not moved.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, func, select

from chm_node.catalogue.log import ChangeLog
from chm_node.errors import RecordNotFoundError
from chm_node.namespaces import DCTERMS, OWL
from chm_node.record import Action
from chm_node.tables import change, record

#: Moves that are followed from one IRI.
_MOST_MOVES = 10


def successor(connection: Connection, iri: str) -> str:
    """The live record that a moved one is now; empty unless both say so."""
    log, now = ChangeLog(connection), iri
    for _ in range(_MOST_MOVES):
        try:
            graph = log.graph(now).graph
        except RecordNotFoundError:
            return ""
        if graph.action is not Action.DELETE:
            return now if now != iri and is_same_as(graph.nquads, now, iri) else ""
        now = replaced_by(graph.nquads, now)
    return ""


def moved(connection: Connection, stones: Mapping[str, bytes], offered: Mapping[str, bytes]) -> Sequence[str]:
    """Which of these tombstones are of records that moved; the canonical bytes of each by IRI.

    ``offered`` are live records that come with them, and count like held ones.
    """
    return [iri for iri, nquads in stones.items() if _is_known(connection, iri, replaced_by(nquads, iri), offered)]


def left_behind(connection: Connection, nodes: Collection[str]) -> dict[str, int]:
    """How many live records of our own are published in the name of another node than these, by that node.

    One record tells whose those of a node are: what was harvested says by whom it came.
    """
    first = select(func.min(record.c.id)).where(record.c.origin.not_in(nodes)).group_by(record.c.origin)
    ours = select(record.c.origin).join(change, change.c.seq == record.c.seq)
    named = connection.execute(ours.where(record.c.id.in_(first), change.c.hops == "[]")).scalars().all()
    if not named:
        return {}
    live = select(record.c.origin, func.count()).where(record.c.origin.in_(named), ~record.c.withdrawn)
    return dict(connection.execute(live.group_by(record.c.origin)).all())


def replaced_by(nquads: bytes, iri: str) -> str:
    """The record that a tombstone names in its place; empty for none, and for several."""
    pattern = rf"^<{re.escape(iri)}> <{re.escape(DCTERMS.isReplacedBy)}> <([^>]*)> \.$".encode()
    found = re.findall(pattern, nquads, re.MULTILINE)
    return found[0].decode() if len(found) == 1 else ""


def is_same_as(nquads: bytes, iri: str, other: str) -> bool:
    """Whether a record says that it is the same as another."""
    # A line of canonical N-Quads is a statement: line breaks of a literal are escaped.
    return f"\n<{iri}> <{OWL.sameAs}> <{other}> .\n".encode() in b"\n" + nquads


def _is_known(connection: Connection, iri: str, target: str, offered: Mapping[str, bytes]) -> bool:
    if not target:
        return False
    if target in offered:
        return is_same_as(offered[target], target, iri)
    try:
        graph = ChangeLog(connection).graph(target).graph
    except RecordNotFoundError:
        return False
    return graph.action is not Action.DELETE and is_same_as(graph.nquads, target, iri)
