"""A node that moves to another public address: its records get new IRIs, and the old ones lead to them.

The new record states ``owl:sameAs`` the old one; the old one is withdrawn with ``dcterms:isReplacedBy``, in the name of
the node at its old address. One key signs both, so hubs that pinned it believe both; what is moved may have been signed
with a former one.
"""

from collections.abc import Container, Iterator, Sequence
from datetime import datetime
from typing import Any

import pyoxigraph as ox
from sqlalchemy import Connection, Engine, select

from chm_node.canonical import canonical_lines, read_triples
from chm_node.catalogue import Catalogue, ChangeLog, Held, LoggedChange
from chm_node.database import reading, writing
from chm_node.entry import entry
from chm_node.errors import ChmError
from chm_node.keys import public_keys
from chm_node.namespaces import OWL
from chm_node.proofs import verify
from chm_node.publishing import check_key, signed
from chm_node.record import Action, Change, Entry, Tombstone
from chm_node.record_types import type_of
from chm_node.settings import Settings
from chm_node.signing import Signer
from chm_node.statements import meta_lines, tombstone_lines
from chm_node.tables import record as record_table

#: Records moved in one transaction.
BATCH = 200


def waiting(engine: Engine, settings: Settings) -> int:
    """How many live records still have an IRI of an earlier address."""
    with reading(engine) as connection:
        return sum(len(_live(connection, former)) for former in settings.former)


def move(engine: Engine, settings: Settings, signer: Signer, now: datetime) -> Iterator[int]:
    """Move the records of every earlier address; yields how many each transaction moved. May be cut and repeated.

    Raises ChmError for a record that no key of this node signed, ConflictError when the key was changed meanwhile.
    """
    ours = [each.multikey for each in public_keys(settings, signer.multikey)]
    for former in settings.former:
        with reading(engine) as connection:
            iris = _live(connection, former)
        for start in range(0, len(iris), BATCH):
            with writing(engine) as connection:
                check_key(settings, signer)
                batch = _live_ones(connection, iris[start : start + BATCH])
                for _, change in batch:
                    _refuse_foreign(change, ours)
                yield _move(connection, batch, former, settings, signer, now)


def _live(connection: Connection, former: Settings) -> Sequence[str]:
    live = (record_table.c.origin == former.node_iri) & ~record_table.c.withdrawn
    return connection.execute(select(record_table.c.iri).where(live).order_by(record_table.c.id)).scalars().all()


def _live_ones(connection: Connection, iris: Sequence[str]) -> list[tuple[Held, LoggedChange]]:
    """Those that were not withdrawn meanwhile, with their graphs."""
    held = Catalogue(connection).held(iris)
    graphs = ChangeLog(connection).graphs(each.id for each in held.values())
    return [(each, graphs[each.id]) for iri in iris if not (each := held[iri]).withdrawn]


def _move(
    connection: Connection,
    live: Sequence[tuple[Held, LoggedChange]],
    former: Settings,
    settings: Settings,
    signer: Signer,
    now: datetime,
) -> int:
    log = ChangeLog(connection)
    times = log.next_log_times(2 * len(live), now)
    there = Catalogue(connection).held([_moved(each.iri, former, settings) for each, _ in live])
    copies = [
        _copy(*each, former, settings, signer, at, there) for each, at in zip(live, times[: len(live)], strict=True)
    ]
    # After the copies: a hub that sees a record go knows already what it is now.
    stones = [
        _stone(each, former, settings, signer.at(former.node_iri), at)
        for (each, _), at in zip(live, times[len(live) :], strict=True)
    ]
    log.append(copies)
    log.append(stones)
    return len(live)


def _refuse_foreign(change: LoggedChange, ours: Sequence[str]) -> None:
    graph, proof = change.graph, change.graph.proof
    if change.hops or not proof or not any(verify(graph.nquads, proof, each) for each in ours):
        raise ChmError(f"moved_from: {graph.iri} was not signed with a key of this node, so it is not ours to move")


def _copy(
    held: Held,
    change: LoggedChange,
    former: Settings,
    settings: Settings,
    signer: Signer,
    version: datetime,
    there: Container[str],
) -> Change:
    iri = _moved(held.iri, former, settings)
    meta = ox.NamedNode(f"{held.iri}#meta")
    triples = [
        _moved_triple(each, former, settings) for each in read_triples(change.graph.nquads) if each.subject != meta
    ]
    triples.append(ox.Triple(ox.NamedNode(iri), ox.NamedNode(OWL.sameAs), ox.NamedNode(held.iri)))
    record_type = type_of(iri, triples)
    record, _ = record_type.read(iri, triples)
    lines = [*canonical_lines(triples), *meta_lines(iri, settings, version, held.issued)]
    return Change(
        version,
        signed(iri, Action.UPDATE if iri in there else Action.CREATE, lines, settings, signer, version),
        entry(iri, triples, record_type),
        issued=held.issued,
        unknown_terms=tuple(record_type.unknown_terms(record.values)),
    )


def _stone(held: Held, former: Settings, settings: Settings, signer: Signer, version: datetime) -> Change:
    tombstone = Tombstone(held.iri, held.type, replaced_by=_moved(held.iri, former, settings))
    lines = tombstone_lines(tombstone, former, version, held.issued)
    graph = signed(held.iri, Action.DELETE, lines, former, signer, version)
    return Change(version, graph, Entry(held.type, held.titles, {}, ()))


def _moved(iri: str, former: Settings, settings: Settings) -> str:
    return settings.uri_space + iri.removeprefix(former.uri_space)


def _moved_triple(triple: ox.Triple, former: Settings, settings: Settings) -> ox.Triple:
    def moved(node: Any) -> Any:  # whatever may be subject or object
        if isinstance(node, ox.NamedNode) and node.value.startswith(former.uri_space):
            return ox.NamedNode(_moved(node.value, former, settings))
        return node

    return ox.Triple(moved(triple.subject), triple.predicate, moved(triple.object))
