"""Records that a hub never passed on: the lists of their origins have them, and nothing here does.

The sample (``harvest.origins``) asks for what is held, so what was withheld from the beginning is not in it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from sqlalchemy import Connection, select

from chm_node.database import reading
from chm_node.errors import FetchError, ParseError
from chm_node.tables import source as source_table
from harvest.compare import Difference, difference, held_copies
from harvest.description import RDF_SYNTAXES, Description, read_description
from harvest.members import confirmed
from harvest.origins import at_origin, versions
from harvest.sources import APPROVED, Source
from harvest.transactions import Transactions
from harvest.trust import Authority, Powers
from harvest.visit import Visit

#: Nodes whose lists are compared in one check.
MOST_COMPARED = 10


def draw(connection: Connection, source: Source, dice: Random) -> list[Authority]:
    """Some of the nodes that a hub speaks for and that confirmed it; those that are harvested here too are left out."""
    direct = set(connection.execute(select(source_table.c.node).where(source_table.c.state == APPROVED)).scalars())
    nodes = [each for each in confirmed(source.members, source.countries).values() if each.node not in direct]
    return dice.sample(nodes, min(MOST_COMPARED, len(nodes)))


def check(
    transactions: Transactions,
    source: Source,
    visit: Visit,
    powers: Powers,
    nodes: Sequence[Authority],
    go_on: Callable[[], bool],
) -> Iterable[str]:
    """Compare what is held of these nodes with their own lists, take over from there what is missing, and tell of it.

    What is here and not listed is left alone: absence withdraws nothing. Raises LeaseLostError.
    """
    found = _Found()
    for node in nodes:
        if not go_on():
            break
        try:
            missed = _difference(transactions, visit, node, go_on).differing
        except (FetchError, ParseError) as error:
            found.unread.append(f"{node.node}: {error}")
            continue
        found.compared += 1
        for iri in missed:
            if not go_on():
                break
            page = at_origin(visit, iri, powers, transactions.clock())
            if page is None:
                found.unproven.append(iri)
                continue
            with transactions.begin(source) as ledger:
                changed = replace(ledger, sender=node.node).store("", None, page).changed
            found.missed += versions(page) if changed else []
    return found.notes()


def _difference(transactions: Transactions, visit: Visit, node: Authority, go_on: Callable[[], bool]) -> Difference:
    way = visit.elsewhere(node.node)
    document = way.get(node.node, RDF_SYNTAXES)
    described: Description | None = way.read(read_description, document) if document else None
    with reading(transactions.engine) as connection:
        held = held_copies(connection, node.node)
    return difference(way, described, node, held, go_on)


@dataclass
class _Found:
    """What came of a check, as it goes."""

    compared: int = 0
    missed: list[str] = field(default_factory=list)  #: records and their versions, for a person
    unproven: list[str] = field(default_factory=list)  #: records without a usable answer
    unread: list[str] = field(default_factory=list)  #: nodes, and why

    def notes(self) -> Iterable[str]:
        """What a person should read."""
        if self.missed:
            yield (
                f"the lists of {self.compared} nodes that the peer speaks for were compared, and {len(self.missed)} "
                f"records were missing or older here, such as {self.missed[0]}; they were taken over from there"
            )
        if self.unproven:
            yield f"{len(self.unproven)} records that their nodes list could not be had there: {self.unproven[0]}"
        if self.unread:
            yield f"the lists of {len(self.unread)} nodes that the peer speaks for could not be read: {self.unread[0]}"
