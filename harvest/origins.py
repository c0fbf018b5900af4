"""Asking the origins of what comes through a hub: whether it speaks for them, and whether it passes on their newest.

Origins are on hosts that only the hub names, so whatever it takes, few are asked in one run and not for long.
"""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random, SystemRandom

from sqlalchemy import Connection, select

from chm_node.errors import FetchError, ParseError
from chm_node.record import timestamp
from chm_node.tables import record as record_table
from chm_node.tables import source as source_table
from harvest.compare import asked, is_about_the_peer
from harvest.description import RDF_SYNTAXES, read_word
from harvest.members import Answer, Member, Word
from harvest.page import Page
from harvest.sources import APPROVED
from harvest.trust import Powers, Verdict
from harvest.visit import Visit

#: Nodes that are asked in one run whether a hub speaks for them.
MOST_ASKED = 200
#: Time for asking in one run, shorter than a lease, which is not renewed meanwhile.
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


def confirmations(visit: Visit, due: Sequence[Member], go_on: Callable[[], bool]) -> dict[str, Answer]:
    """What the nodes themselves say of a hub's claims, for as many as may be asked in one run."""
    answers: dict[str, Answer] = {}
    for member in due[:MOST_ASKED]:
        if not go_on():
            break
        answers[member.node] = _confirmation(visit.elsewhere(member.node), member)
    return answers


def _confirmation(visit: Visit, member: Member) -> Answer:
    try:
        document = visit.get(member.node, RDF_SYNTAXES)
        assert document  # noqa: S101  only what was seen before can be unchanged
        answer: Answer = visit.read(read_word, document, member.authority)
    except FetchError as error:
        return Answer(Word.SILENT if is_about_the_peer(error) else Word.DISPUTED)
    except ParseError:
        return Answer(Word.DISPUTED)
    return answer


def sample(connection: Connection, nodes: Collection[str], sampling: Sampling) -> list[Sampled]:
    """Records of these nodes that are held here, drawn at random; tombstones among them."""
    # Of a node that is harvested here too, nothing can be withheld.
    direct = select(source_table.c.node).where(source_table.c.state == APPROVED)
    indirect = record_table.c.origin.in_(list(nodes)) & record_table.c.origin.not_in(direct)
    ids = connection.execute(select(record_table.c.id).where(indirect)).scalars().all()
    columns = (record_table.c.iri, record_table.c.digest, record_table.c.origin)
    rows = connection.execute(select(*columns).where(record_table.c.id.in_(sampling.drawn(ids))))
    return [Sampled(*row) for row in rows]


@dataclass
class Check:
    """What came of a sample, as it goes."""

    asked: int = 0
    silent: int = 0
    newer: list[str] = field(default_factory=list)  #: records and their versions, for a person

    def at_origin(self, visit: Visit, held: Sampled, powers: Powers, now: datetime) -> Page | None:
        """What the origin says of a record now, when that can be believed and is not what we hold."""
        self.asked += 1
        try:
            page = asked(visit.elsewhere(held.iri), held.iri, powers, now)
        except FetchError:
            page = None
        if page is None or not all(each.verdict is Verdict.ACCEPTED for each in page.judged):
            self.silent += 1
            return None
        return page if any(each.offer.digest != held.digest for each in page.judged) else None

    def found_newer(self, page: Page) -> None:
        """Note a record that the hub had not passed on."""
        self.newer += [
            f"{each.offer.iri} of {timestamp(each.offer.version)}" for each in page.judged if each.offer.version
        ]

    def notes(self) -> Iterable[str]:
        """What a person should read."""
        if self.newer:
            yield (
                f"of {self.asked} records asked for at their origins, {len(self.newer)} were newer there than the peer "
                f"had passed on, such as {self.newer[0]}; they were taken over from there"
            )
        if self.silent:
            yield f"of {self.asked} records asked for at their origins, {self.silent} got no usable answer"
