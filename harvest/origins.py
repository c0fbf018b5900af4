"""Asking the origins of what comes through a hub whether it passes on their newest.

Origins are on hosts that only the hub names, so whatever it takes, few are asked in one run and not for long.
"""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random, SystemRandom

from sqlalchemy import Connection, select

from chm_node.errors import FetchError
from chm_node.record import timestamp
from chm_node.tables import record as record_table
from chm_node.tables import source as source_table
from harvest.compare import asked
from harvest.page import Page
from harvest.sources import APPROVED, Source
from harvest.transactions import Transactions
from harvest.trust import Powers, Verdict
from harvest.visit import Visit

#: Time for asking hosts that a hub names, in one run; shorter than a lease, which is not renewed meanwhile.
LONGEST_ASKING = timedelta(minutes=5)
#: Records that one sample asks for.
MOST_SAMPLED = 100


@dataclass(frozen=True)
class Sampling:
    """Which of the records that came through a hub are compared with their origins."""

    share: float = 0.01
    dice: Random = field(default_factory=SystemRandom)

    def drawn(self, ids: Sequence[int]) -> list[int]:
        """At least one, if there is any, and never more than MOST_SAMPLED."""
        count = min(MOST_SAMPLED, math.ceil(len(ids) * self.share))
        return self.dice.sample(ids, count)


@dataclass(frozen=True)
class Sampled:
    """A record that came through a hub, as it is held here."""

    iri: str
    digest: str
    origin: str


def sample(connection: Connection, nodes: Collection[str], sampling: Sampling) -> list[Sampled]:
    """Records of these nodes that are held here, drawn at random; tombstones among them."""
    # Of a node that is harvested here too, nothing can be withheld.
    direct = select(source_table.c.node).where(source_table.c.state == APPROVED)
    indirect = record_table.c.origin.in_(list(nodes)) & record_table.c.origin.not_in(direct)
    ids = connection.execute(select(record_table.c.id).where(indirect)).scalars().all()
    columns = (record_table.c.iri, record_table.c.digest, record_table.c.origin)
    rows = connection.execute(select(*columns).where(record_table.c.id.in_(sampling.drawn(ids))))
    return [Sampled(*row) for row in rows]


def check(
    transactions: Transactions,
    source: Source,
    visit: Visit,
    powers: Powers,
    drawn: Iterable[Sampled],
    go_on: Callable[[], bool],
) -> Iterable[str]:
    """Compare a sample with what the origins say now, take over what is newer there, and say what came of it.

    Raises LeaseLostError.
    """
    found = _Found()
    for held in drawn:
        if not go_on():
            break
        found.asked += 1
        page = at_origin(visit, held.iri, powers, transactions.clock())
        if page is None:
            found.silent += 1
        elif any(each.offer.digest != held.digest for each in page.judged):
            with transactions.begin(source) as ledger:
                changed = replace(ledger, sender=held.origin).store("", None, page).changed
            found.newer += versions(page) if changed else []
    return found.notes()


def at_origin(visit: Visit, iri: str, powers: Powers, now: datetime) -> Page | None:
    """What the origin of a record says of it now; None when that cannot be had or believed."""
    try:
        page = asked(visit.elsewhere(iri), iri, powers, now)
    except FetchError:
        return None
    return page if page and all(each.verdict is Verdict.ACCEPTED for each in page.judged) else None


@dataclass
class _Found:
    """What came of a sample, as it goes."""

    asked: int = 0
    silent: int = 0
    newer: list[str] = field(default_factory=list)  #: records and their versions, for a person

    def notes(self) -> Iterable[str]:
        """What a person should read."""
        if self.newer:
            yield (
                f"of {self.asked} records asked for at their origins, {len(self.newer)} were newer there than the peer "
                f"had passed on, such as {self.newer[0]}; they were taken over from there"
            )
        if self.silent:
            yield f"of {self.asked} records asked for at their origins, {self.silent} got no usable answer"


def versions(page: Page) -> list[str]:
    """Which records in which version were found, for a person."""
    return [f"{each.offer.iri} of {timestamp(each.offer.version)}" for each in page.judged if each.offer.version]
