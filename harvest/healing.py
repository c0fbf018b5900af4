"""Healing our copies of a peer's own records: what its list shows to differ is asked for and taken over.

What the peer does not explain stays as it is, and is told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chm_node.database import reading
from chm_node.errors import FetchError, ParseError
from chm_node.record import Action
from harvest import quarantine
from harvest.compare import asked, check_plausible, difference, held_copies, is_older, report
from harvest.description import RDF_SYNTAXES, Description, read_description
from harvest.page import Page
from harvest.quarantine import Kind
from harvest.sources import Source
from harvest.transactions import Transactions
from harvest.trust import Powers
from harvest.visit import Visit


@dataclass(frozen=True)
class Healed:
    """What came of a comparison."""

    note: str  #: for a person; empty when nothing differed
    goes_on: bool = False  #: with the next harvest, for there was no time to ask for everything
    failed: bool = False  #: there was no whole list


@dataclass(frozen=True)
class Healing:
    """Comparing and healing within one run."""

    transactions: Transactions
    source: Source
    visit: Visit
    powers: Powers
    go_on: Callable[[], bool]

    def heal(self, described: Description | None) -> Healed:
        """Compare our copies with the peer's list, and ask for each record that differs or is gone from it.

        ``described`` is None when the description is what it was. Raises ImplausibleHarvestError, LeaseLostError;
        whatever else fails is told, and the harvest stays what it was.
        """
        with self.transactions.begin(self.source) as ledger:
            ledger.compared(ledger.now)
        try:
            healed = self._heal(described or self._unchanged_description())
        except (FetchError, ParseError) as error:
            return Healed(f"our copies could not be compared with the peer's list: {error}", failed=True)
        if healed.goes_on:
            with self.transactions.begin(self.source) as ledger:
                ledger.compared(self.source.compared)
        return healed

    def _unchanged_description(self) -> Description | None:
        """The description, which names the list, although it has not changed."""
        self.visit.frontier.pop(self.source.node, None)
        document = self.visit.get(self.source.node, RDF_SYNTAXES)
        found: Description | None = self.visit.read(read_description, document) if document else None
        return found

    def _heal(self, described: Description | None) -> Healed:
        with reading(self.transactions.engine) as connection:
            held = held_copies(connection, self.source.node)
        found = difference(self.visit, described, self.source.authority, held, self.go_on)
        with reading(self.transactions.engine) as connection:
            tombstones = quarantine.tombstones(connection, self.source.node)
            waiting = quarantine.own_withdrawals(connection, self.source.id, self.source.node)
        # A person was asked about these, or has decided.
        found = replace(found, gone=tuple(iri for iri in found.gone if iri not in tombstones))
        check_plausible(found, self.transactions.settings.max_withdrawal_share)
        self._let_go([iri for iri in waiting if iri in found.same])
        healed, unexplained = False, list[str]()
        for iri in (*found.differing, *found.gone):
            if not self.go_on():
                return _left(healed=healed)
            offered = self._asked(iri)
            if offered is None or is_older(offered, held.get(iri)):
                unexplained.append(iri)
                continue
            with self.transactions.begin(self.source) as ledger:
                healed = ledger.store("", None, offered).changed > 0 or healed
        differs = found.differing or found.gone
        return Healed(report(found, unexplained, self.transactions.settings.base_url) if differs else "")

    def _let_go(self, listed: Sequence[str]) -> None:
        """Have withdrawals wait no longer whose records are live at the peer as they are here: it went back to before
        them. A list may be older than they are, so the records themselves are asked for."""
        for iri in listed:
            if not self.go_on():
                return
            offered = self._asked(iri)
            if offered and all(each.offer.action is not Action.DELETE for each in offered.judged):
                with self.transactions.begin(self.source) as ledger:
                    ledger.no_longer_held(Kind.WITHDRAWAL, [iri])

    def _asked(self, iri: str) -> Page | None:
        return asked(self.visit, iri, self.powers, self.transactions.clock())


def _left(*, healed: bool) -> Healed:
    """A comparison that was left before its end; it counts as done when it healed none, or it could go on for ever."""
    if healed:
        return Healed("the comparison goes on with the next harvest", goes_on=True)
    return Healed("the comparison was ended before the last record, having healed none")
