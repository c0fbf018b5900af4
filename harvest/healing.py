"""Healing our copies of a peer's own records: what its list shows to differ is asked for and taken over.

What the peer does not explain stays as it is, and is told.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chm_node.database import reading
from chm_node.errors import FetchError, ParseError
from harvest.compare import asked, check_plausible, difference, held_copies, is_older, report
from harvest.description import RDF_SYNTAXES, Description, read_description
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


def heal(
    transactions: Transactions,
    source: Source,
    visit: Visit,
    powers: Powers,
    described: Description | None,
    go_on: Callable[[], bool],
) -> Healed:
    """Compare our copies with the peer's list, and ask for each record that differs or is gone from it.

    ``described`` is None when the description is what it was. Raises ImplausibleHarvestError, LeaseLostError; whatever
    else fails is told, and the harvest stays what it was.
    """
    with transactions.begin(source) as ledger:
        ledger.compared(ledger.now)
    try:
        healed = _heal(transactions, source, visit, powers, described or _described(visit, source), go_on)
    except (FetchError, ParseError) as error:
        return Healed(f"our copies could not be compared with the peer's list: {error}", failed=True)
    if healed.goes_on:
        with transactions.begin(source) as ledger:
            ledger.compared(source.compared)
    return healed


def _described(visit: Visit, source: Source) -> Description | None:
    """The description, which names the list, although it has not changed."""
    visit.frontier.pop(source.node, None)
    document = visit.get(source.node, RDF_SYNTAXES)
    found: Description | None = visit.read(read_description, document) if document else None
    return found


def _heal(
    transactions: Transactions,
    source: Source,
    visit: Visit,
    powers: Powers,
    described: Description | None,
    go_on: Callable[[], bool],
) -> Healed:
    with reading(transactions.engine) as connection:
        held = held_copies(connection, source.node)
    found = difference(visit, described, source.authority, held, go_on)
    check_plausible(found, transactions.settings.max_withdrawal_share)
    healed, unexplained = False, list[str]()
    for iri in (*found.differing, *found.gone):
        if not go_on():
            return _left(healed=healed)
        offered = asked(visit, iri, powers, transactions.clock())
        if offered is None or is_older(offered, held.get(iri)):
            unexplained.append(iri)
            continue
        with transactions.begin(source) as ledger:
            healed = ledger.store("", None, offered).changed > 0 or healed
    differs = found.differing or found.gone
    return Healed(report(found, unexplained, transactions.settings.base_url) if differs else "")


def _left(*, healed: bool) -> Healed:
    """A comparison that was left before its end; it counts as done when it healed none, or it could go on for ever."""
    if healed:
        return Healed("the comparison goes on with the next harvest", goes_on=True)
    return Healed("the comparison was ended before the last record, having healed none")
