"""What a person decides about held changes. Each decision is a run of its source, so that the history is whole."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, update

from chm_node.catalogue import Catalogue, ChangeLog, LoggedChange
from chm_node.database import reading, writing
from chm_node.errors import HarvestError
from chm_node.record import milliseconds
from chm_node.settings import Settings
from chm_node.tables import source as source_table
from harvest import quarantine, runs
from harvest.page import reread
from harvest.plan import Judged
from harvest.quarantine import DROPPED, WAITING, Choice, Group, Kind
from harvest.sources import Source, find
from harvest.store import Ledger
from harvest.trust import Offer

#: Records changed in one transaction, so that a decision about a whole country keeps nobody waiting.
BATCH = 500


def accept(engine: Engine, settings: Settings, name: str, chosen: Choice, now: datetime) -> int:
    """Take over what waits, as it was offered; how many changes that are.

    Of two texts as one version, the other one is held then, as dropped. Raises HarvestError when nothing
    waits, or changes of several kinds and none was chosen. May be cut anywhere and called again: what was taken over
    waits no longer, and the run says how many those are.
    """
    with reading(engine) as connection:
        source = find(connection, name)
        count = _count(connection, source, chosen, WAITING)
    run_id, done, more = 0, 0, True
    while more:
        with writing(engine) as connection:
            run_id = run_id or runs.decided(connection, source.id, now, "")
            taken = _accept_some(Ledger(connection, settings, source, run_id, now), chosen)
            done, more = done + taken, taken == BATCH
            progress = f"{done} of {count}" if more else str(done)
            runs.decided_until(connection, run_id, f"a person accepted {progress} {_words(chosen)}")
            if not more:
                _harvest_soon(connection, source, now)
    return done


def drop(connection: Connection, name: str, chosen: Choice, now: datetime) -> int:
    """Never take over what waits; how many changes that are. Raises HarvestError as ``accept`` does."""
    source = find(connection, name)
    count = _count(connection, source, chosen, WAITING)
    quarantine.decide(connection, source.id, chosen, WAITING, DROPPED)
    runs.decided(connection, source.id, now, f"a person dropped {count} {_words(chosen)}")
    _harvest_soon(connection, source, now)
    return count


def reopen(connection: Connection, name: str, chosen: Choice, now: datetime) -> int:
    """Have what was dropped wait again; how many changes that are. Raises HarvestError as ``accept`` does."""
    source = find(connection, name)
    count = _count(connection, source, chosen, DROPPED)
    quarantine.decide(connection, source.id, chosen, DROPPED, WAITING)
    runs.decided(connection, source.id, now, f"a person asks again about {count} {_words(chosen)}")
    _harvest_soon(connection, source, now)
    return count


def take_over(ledger: Ledger, found: Sequence[tuple[Kind, Judged]]) -> None:
    """Take over held changes, past the version rule.

    Of two texts as one version, the other one is held then, as dropped.
    """
    connection, source_id = ledger.connection, ledger.source.id
    replaced = _held_now(connection, [each.offer.iri for kind, each in found if kind is Kind.EQUIVOCATION])
    ledger.take([each for _, each in found])
    for kind in Kind:
        ledger.no_longer_held(kind, [each.offer.iri for held, each in found if held is kind])
    quarantine.hold(connection, source_id, Kind.EQUIVOCATION, replaced, ledger.now, DROPPED)


def offer_of(change: LoggedChange) -> Offer:
    """A harvested version as it was once offered."""
    graph = change.graph
    return Offer(
        activity=change.derived_from,
        action=graph.action,
        iri=graph.iri,
        origin=graph.origin,
        version=graph.version,
        hops=change.hops[:-1],
        nquads=graph.nquads,
        digest=graph.digest,
        triples=graph.nquads.count(b"\n"),
        proof=graph.proof,
    )


def _accept_some(ledger: Ledger, chosen: Choice) -> int:
    """How many these were; there may be more if it is a whole batch."""
    found = quarantine.waiting(ledger.connection, ledger.source.id, chosen, BATCH)
    take_over(ledger, [(kind, reread(offer)) for kind, offer in found])
    return len(found)


def _held_now(connection: Connection, iris: Sequence[str]) -> list[Offer]:
    ids = [each.id for each in Catalogue(connection).held(iris).values()]
    # What was taken back has no bytes, and nothing to go back to.
    return [offer_of(change) for change in ChangeLog(connection).graphs(ids).values() if not change.taken_back]


def _count(connection: Connection, source: Source, chosen: Choice, decision: str) -> int:
    found = [each for each in quarantine.groups(connection, source.id, chosen) if each.decision == decision]
    if not found:
        raise HarvestError(f"nothing of {source.node} that you chose is {decision}; chm held lists what is")
    if len(found) > 1:
        raise HarvestError(f"say which you mean with --kind: {', '.join(map(_said, found))} are {decision}")
    return found[0].count


def _said(group: Group) -> str:
    return f"{group.count} of {group.kind.value}"


def _words(chosen: Choice) -> str:
    kind = f"held changes ({chosen.kind.value})" if chosen.kind else "held changes"
    return f"{kind} of {chosen.iri}" if chosen.iri else kind


def _harvest_soon(connection: Connection, source: Source, now: datetime) -> None:
    idle = (source_table.c.id == source.id) & (source_table.c.lease == "")
    connection.execute(update(source_table).where(idle).values(due=milliseconds(now)))
