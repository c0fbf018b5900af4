"""The changes that make held records equal to offered ones. Decides; touches nothing.

Absence is never a deletion: only a tombstone that its owner signed withdraws a record.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chm_node.record import Action, Entry
from harvest.trust import HeldVersion, Offer, Verdict, compare

#: So many withdrawals are never suspicious, however small the source.
ALWAYS_PLAUSIBLE = 5


@dataclass(frozen=True)
class Judged:
    """An offer with what reading, the trust rules and the record type said of it."""

    offer: Offer
    verdict: Verdict
    entry: Entry | None = None  #: of an offer that may be taken over, now or later
    detail: str = ""  #: what breaks the record type's rules; shown, and no reason to refuse
    unknown_terms: tuple[tuple[str, str], ...] = ()  #: (field, value)


@dataclass(frozen=True)
class Guard:
    """How much one harvest may withdraw before a person is asked."""

    held: int  #: live records of the source when its withdrawals began to count
    withdrawn: int  #: since then, and those that a person has yet to decide about
    max_share: float

    def stops(self, more: int) -> bool:
        """Whether ``more`` withdrawals are too many."""
        return more > 0 and self.withdrawn + more > max(ALWAYS_PLAUSIBLE, int(self.held * self.max_share))


@dataclass(frozen=True)
class Planned:
    """One change to make."""

    judged: Judged
    action: Action


@dataclass(frozen=True)
class Plan:
    """What to do with one page."""

    changes: tuple[Planned, ...]
    judged: tuple[Judged, ...]  #: every offer, with its final verdict
    going: tuple[Offer, ...] = ()  #: tombstones of records that are live here, and are not lost by a move
    moved: int = 0  #: tombstones of records that are here under another IRI now

    @property
    def withdrawals(self) -> int:
        return len(self.going)


def plan(held: Mapping[str, HeldVersion], offered: Iterable[Judged], now: datetime) -> Plan:
    """The version rule applied to offers in log order; at most one change a record, the newest."""
    known = dict(held)
    changes: dict[str, Planned] = {}
    verdicts: list[Judged] = []
    for each in offered:
        final = _with_version_rule(each, known.get(each.offer.iri), now)
        verdicts.append(final)
        if final.verdict is Verdict.ACCEPTED:
            offer = final.offer
            changes[offer.iri] = Planned(final, _action(offer, held.get(offer.iri)))
            assert offer.version  # noqa: S101  an offer without one is never accepted
            known[offer.iri] = HeldVersion(offer.version, offer.digest, offer.action is Action.DELETE)
    return Plan(tuple(changes.values()), tuple(verdicts), tuple(_going(held, changes.values())))


def without(going: Collection[Offer], judged: Iterable[Judged]) -> list[Judged]:
    """The offers of a page, those withdrawals left for a person."""
    digests = {each.digest for each in going}
    return [Judged(each.offer, Verdict.WITHDRAWAL_HELD) if each.offer.digest in digests else each for each in judged]


def decided(held: Mapping[str, HeldVersion], accepted: Iterable[Judged]) -> Plan:
    """What a person accepted, past the version rule; one change a record."""
    judged = tuple(accepted)
    changes = tuple(Planned(each, _action(each.offer, held.get(each.offer.iri))) for each in judged)
    return Plan(changes, judged, tuple(_going(held, changes)))


def _with_version_rule(judged: Judged, held: HeldVersion | None, now: datetime) -> Judged:
    if judged.entry is None or judged.verdict not in (Verdict.ACCEPTED, Verdict.FUTURE):
        return judged
    verdict = compare(judged.offer, held, now)
    return replace(judged, verdict=verdict) if verdict is Verdict.ACCEPTED else Judged(judged.offer, verdict)


def _action(offer: Offer, held: HeldVersion | None) -> Action:
    if offer.action is Action.DELETE:
        return Action.DELETE
    return Action.UPDATE if held else Action.CREATE


def _going(held: Mapping[str, HeldVersion], changes: Iterable[Planned]) -> Iterator[Offer]:
    for each in changes:
        known = held.get(each.judged.offer.iri)
        if each.action is Action.DELETE and known and not known.withdrawn:
            yield each.judged.offer
