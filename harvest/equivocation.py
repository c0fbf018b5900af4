"""Two texts that a node signed as one version, one of them brought by a hub: settled by what the node serves now.

A hub cannot make a second text, for it lacks the key. So whichever counts, the other one is kept as dropped: a person
sees that the node has signed both.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from enum import Enum

from chm_node.catalogue import Catalogue
from chm_node.database import reading
from harvest import quarantine
from harvest.decisions import take_over
from harvest.members import named
from harvest.origins import at_origin
from harvest.page import Page
from harvest.quarantine import DROPPED, WAITING, Choice, Kind
from harvest.sources import Source
from harvest.store import Ledger
from harvest.transactions import Transactions
from harvest.trust import HeldVersion, Offer, Powers
from harvest.visit import Visit

#: Second texts that are asked about in one run.
MOST_ASKED = 20
#: How long a node is left alone that did not settle the matter.
ASKED_AGAIN = timedelta(days=1)


class Served(Enum):
    """What a node serves of a record of which it signed two texts as one version."""

    FIRST = "first"  #: the one that is held here
    SECOND = "second"  #: the one that a hub brought later
    NEWER = "newer"  #: a version after both
    NEITHER = "neither"  #: a third text, or an older version: a person has to decide
    NOTHING = "nothing"  #: no answer, or none that could be believed


_SENTENCES = {
    Served.FIRST: "a second text of one version was refused, for the node itself serves the first",
    Served.SECOND: "a second text of one version was taken over, for the node itself serves it; the first is refused",
    Served.NEWER: "two texts of one version gave way to a newer one, which the node itself serves",
    Served.NEITHER: "the node itself serves neither of two texts of one version, so a person has to decide: chm held",
    Served.NOTHING: "two texts of one version wait, for the node itself gave no usable answer",
}


def served(first: HeldVersion | None, second: Offer, now_there: Offer | None) -> Served:
    """What the node's own answer says of the two; ``first`` is what is held here."""
    if now_there is None:
        return Served.NOTHING
    if first and now_there.digest == first.digest:
        return Served.FIRST
    if now_there.digest == second.digest:
        return Served.SECOND
    versions = [each.version for each in (first, second) if each and each.version]
    newer = now_there.version and all(now_there.version > each for each in versions)
    return Served.NEWER if newer else Served.NEITHER


def settle(
    transactions: Transactions, source: Source, visit: Visit, powers: Powers, go_on: Callable[[], bool]
) -> Iterable[str]:
    """Ask the nodes about second texts that this hub brought, and say what came of it.

    What a node itself put into its own log twice is left to a person. Raises LeaseLostError.
    """
    with reading(transactions.engine) as connection:
        since = transactions.clock() - ASKED_AGAIN
        waiting = quarantine.second_texts(connection, source.id, source.node, since, MOST_ASKED)
    found: dict[Served, list[str]] = {}
    for second in waiting:
        if not go_on():
            break
        page = at_origin(visit, second.iri, powers, transactions.clock())
        with transactions.begin(source) as ledger:
            found.setdefault(_settle_one(ledger, second, page), []).append(second.iri)
    return [f"{named(found[each])}: {sentence}" for each, sentence in _SENTENCES.items() if each in found]


def _settle_one(ledger: Ledger, second: Offer, page: Page | None) -> Served:
    iri = second.iri
    held = Catalogue(ledger.connection).digests([iri]).get(iri)
    now_there = page.judged[0].offer if page else None
    found = served(HeldVersion(*held) if held else None, second, now_there)
    if found is Served.SECOND and (iri, second.digest) in quarantine.blocked(ledger.connection, [iri]):
        found = Served.NEITHER  # a person decided against it
    from_there = replace(ledger, sender=second.origin)
    if page and found is Served.SECOND:
        take_over(from_there, [(Kind.EQUIVOCATION, each) for each in page.judged])
    elif page and found is Served.NEWER:
        from_there.store("", None, page)
    elif found is Served.FIRST:
        quarantine.decide(ledger.connection, ledger.source.id, Choice(Kind.EQUIVOCATION, iri), WAITING, DROPPED)
    else:
        quarantine.asked(ledger.connection, ledger.source.id, iri, ledger.now)
    return found
