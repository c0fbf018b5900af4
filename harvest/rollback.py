"""Going back to an earlier run of a source: what it brought since is undone here, and can be taken over again.

A hub never changes or re-mints, and only owners withdraw. So a record gets back the version it had, as its owner
signed it, or is taken back without a word in the log; whoever follows this hub passes both over and judges for itself.
What was undone waits in the quarantine: the next harvest does not bring it back, and a person may.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Engine, update

from chm_node.catalogue import ChangeLog, LoggedChange, history
from chm_node.database import writing
from chm_node.record import Action, Change, Entry
from chm_node.record_types import OTHER
from chm_node.settings import Settings
from chm_node.tables import source as source_table
from harvest import quarantine, runs
from harvest.decisions import BATCH, offer_of
from harvest.page import reread
from harvest.plan import Judged
from harvest.quarantine import Kind
from harvest.sources import find
from harvest.store import Ledger
from harvest.trust import Verdict


@dataclass(frozen=True)
class Undone:
    """What going back did."""

    restored: int = 0  #: records with an earlier version again
    taken_back: int = 0  #: records that were not here then
    erased: int = 0  #: records that stay as they are, for the bytes of their earlier version were erased

    def __add__(self, other: "Undone") -> "Undone":
        return Undone(self.restored + other.restored, self.taken_back + other.taken_back, self.erased + other.erased)

    def __str__(self) -> str:
        told = f"{self.restored} records got their earlier version back, {self.taken_back} were taken back"
        return f"{told}, of {self.erased} the earlier version was erased" if self.erased else told


def roll_back(engine: Engine, settings: Settings, name: str, run_id: int, now: datetime) -> Undone:
    """Undo what a source brought after one of its runs; what other sources brought stays.

    Raises HarvestError when it is no run of this source. May be cut anywhere and called again: what was undone is
    passed over, and the run says how far it came.
    """
    with writing(engine) as connection:
        source = find(connection, name)
        since = runs.log_position(connection, source.id, run_id)
        own = runs.decided(connection, source.id, now, f"a person is going back to run {run_id}")
        # A run under way ends at its page.
        connection.execute(update(source_table).where(source_table.c.id == source.id).values(lease=""))
        until = ChangeLog(connection).head().seq
    after, undone, more = since, Undone(), True
    while more:
        with writing(engine) as connection:
            found = history.brought(connection, source.node, after, until, BATCH)
            ledger = Ledger(connection, settings, source, own, now)
            undone += _undo(ledger, found, since, until)
            after, more = found[-1].seq if found else after, len(found) == BATCH
            going = "is going" if more else "went"
            runs.decided_until(connection, own, f"a person {going} back to run {run_id}: {undone}")
    return undone


@dataclass(frozen=True)
class _Step:
    """One record on its way back."""

    undone: LoggedChange
    earlier: LoggedChange | None  #: None when it was not here

    @property
    def is_erased(self) -> bool:
        return self.earlier is not None and not self.earlier.graph.nquads

    @property
    def is_done(self) -> bool:
        return self.undone.graph.digest == (self.earlier.graph.digest if self.earlier else "")

    @property
    def leads_on(self) -> bool:
        """Whether it undoes an earlier way back."""
        newer = self.earlier and self.earlier.graph.version > self.undone.graph.version
        return self.undone.taken_back or bool(newer)


def _undo(ledger: Ledger, found: Sequence[LoggedChange], since: int, until: int) -> Undone:
    iris = [each.graph.iri for each in found]
    earlier = history.before(ledger.connection, iris, ledger.source.node, since, until)
    steps = [_Step(each, earlier.get(each.graph.iri)) for each in found]
    todo = [each for each in steps if not each.is_done and not each.is_erased]
    log = ChangeLog(ledger.connection)
    times = log.next_log_times(len(todo), ledger.now)
    log.append([_change(each, log_time) for each, log_time in zip(todo, times, strict=True)])
    _remember(ledger, todo)
    restored = sum(1 for each in todo if each.earlier)
    counts = runs.Counts(updated=restored, withdrawn=len(todo) - restored)
    runs.add(ledger.connection, ledger.run_id, counts)
    return Undone(restored, counts.withdrawn, sum(1 for each in steps if each.is_erased and not each.is_done))


def _change(step: _Step, log_time: datetime) -> Change:
    earlier, undone = step.earlier, step.undone
    if earlier is None:
        nothing = replace(undone.graph, action=Action.DELETE, nquads=b"", digest="", proof=None)
        return Change(log_time, nothing, Entry(OTHER.name, {}, {}, ()), undone.hops)
    action = Action.DELETE if earlier.graph.action is Action.DELETE else Action.UPDATE
    judged = reread(offer_of(earlier))
    assert judged.entry  # noqa: S101  it has one, for it was here
    return Change(
        log_time,
        replace(earlier.graph, action=action),
        judged.entry,
        earlier.hops,
        earlier.derived_from,
        unknown_terms=judged.unknown_terms,
    )


def _remember(ledger: Ledger, steps: Sequence[_Step]) -> None:
    """Hold what was undone, and tell its peer; what was held before and is here again no longer waits."""
    back = [offer_of(each.undone) for each in steps if not each.leads_on]
    again = [offer_of(each.earlier) for each in steps if each.leads_on and each.earlier]
    quarantine.hold(ledger.connection, ledger.source.id, Kind.ROLLED_BACK, back, ledger.now)
    ledger.no_longer_held(Kind.ROLLED_BACK, [each.iri for each in again])
    ledger.tell([*(Judged(each, Verdict.ROLLED_BACK) for each in back), *map(reread, again)])
