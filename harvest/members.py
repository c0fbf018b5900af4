"""The nodes a hub vouches for: claimed by the hub, confirmed by the node itself. Decides; touches nothing.

Nobody here approved these nodes, so two have to say the same: the hub in its description, and the node in its own. A
node that cannot be reached is believed on the hub's word alone, marked as such, and asked again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from chm_node.proofs import former_keys, stored_keys
from chm_node.record import from_milliseconds, milliseconds
from chm_node.text import host_of
from harvest.trust import Authority, Verdict, disjoint, space_problem, succession

#: A hub that vouches for more is believed for the first of them.
MAX_MEMBERS = 5000
#: How long a node that did not answer, or contradicted, is left alone.
ASKED_AGAIN = timedelta(days=1)
_NEVER = from_milliseconds(0)
#: Of a claim that is impossible whatever the node says.
_POINTLESS = datetime(9999, 1, 1, tzinfo=UTC)
_NAMED = 3  # nodes that a note names


class Word(Enum):
    """What a node itself says of a hub's claim."""

    UNASKED = "unasked"
    CONFIRMED = "confirmed"  #: the same; this is final
    SILENT = "silent"  #: nothing, for it could not be reached
    DISPUTED = "disputed"  #: something else, or somebody else is pinned for its addresses


@dataclass(frozen=True)
class Member:
    """A node whose records a hub passes on."""

    authority: Authority
    country: str = ""  #: as the node says, or the hub while the node is silent
    word: Word = Word.UNASKED
    asked: datetime = _NEVER
    #: A new key by the hub's word, in the place of the pinned one; nothing until the node says so too.
    successor: Authority | None = None

    @property
    def claim(self) -> Authority:
        """What the hub says of the node."""
        return self.successor or self.authority

    @property
    def node(self) -> str:
        return self.authority.node

    @property
    def pinned(self) -> bool:
        """Whether its records are taken over, by this key and no other."""
        return self.word in (Word.CONFIRMED, Word.SILENT)


@dataclass(frozen=True)
class Answer:
    """What came of asking a node."""

    word: Word
    country: str = ""


def claimed(
    members: Iterable[Member], described: Iterable[Member], taken: Iterable[Member]
) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """What a hub vouches for once its description was read, and the nodes refused for contradicting what is pinned.

    ``taken`` is whom we believe already: ourselves, the approved sources, what is pinned for other hubs. What is
    pinned stays when the hub no longer says it, and when it says otherwise; a new key that names the pinned one as
    a former one has the node asked.
    """
    before = {each.node: each for each in members}
    known = {each.node: each for each in taken}
    kept = {node: each for node, each in before.items() if each.pinned}
    spoken = _Spoken([*kept.values(), *known.values()])
    refused = []
    for each in described:
        if spoken.contradicts(each.authority, unless_it_follows=True):
            refused.append(each.node)
            kept.setdefault(each.node, replace(each, word=Word.DISPUTED, asked=_POINTLESS))
        elif each.node in kept:
            kept[each.node] = _with_new_key(kept[each.node], each.authority)
        else:
            kept[each.node] = _asked_before(each, before.get(each.node), known.get(each.node))
    return tuple(kept.values())[:MAX_MEMBERS], tuple(refused)


def due(members: Iterable[Member], now: datetime) -> list[Member]:
    """Who has to be asked: those never asked first, then those that did not confirm, the longest ago first."""
    open_ones = (each for each in members if each.word is not Word.CONFIRMED or each.successor)
    return sorted((each for each in open_ones if each.asked <= now - ASKED_AGAIN), key=lambda each: each.asked)


def settled(
    members: Iterable[Member], answers: Mapping[str, Answer], taken: Iterable[Member], now: datetime
) -> tuple[Member, ...]:
    """The members once some were asked: pinned unless the node, or somebody who is pinned already, contradicts."""
    kept = {each.node: each for each in members}
    spoken = _Spoken([*kept.values(), *taken])
    for node, answer in answers.items():
        kept[node] = _answered(kept[node], answer, spoken, now)
        spoken.add(kept[node])
    return tuple(kept.values())


def named(nodes: Sequence[str]) -> str:
    """Some of the nodes by name, and how many more there are."""
    more = len(nodes) - _NAMED
    return ", ".join(nodes[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def newest(vouched: Mapping[str, Authority], others: Iterable[Authority]) -> dict[str, Authority]:
    """The nodes whose records a hub may pass on, with the new keys that ``others`` have in the place of theirs.

    It may be another hub that brought the new key; the former one is given up all the same.
    """
    found = dict(vouched)
    for each in others:
        if each.node in found and each.follows(found[each.node]):
            found[each.node] = each
    return found


def pinned(members: Iterable[Member], countries: Sequence[str]) -> dict[str, Authority]:
    """The nodes whose records a hub may pass on here, when it was approved for these countries; none are all."""
    return {each.node: _borne_out(each) for each in members if each.pinned and _in_scope(each, countries)}


def confirmed(members: Iterable[Member], countries: Sequence[str]) -> dict[str, Authority]:
    """Those of them that have said so themselves."""
    return pinned((each for each in members if each.word is Word.CONFIRMED), countries)


def _borne_out(member: Member) -> Authority:
    # A former key that the hub alone states could be anybody's, and sign what is past.
    return member.authority if member.word is Word.CONFIRMED else replace(member.authority, former=())


def doubted(members: Iterable[Member], countries: Sequence[str]) -> dict[str, Verdict]:
    """Why the records of the other nodes it vouches for are refused."""
    reasons = {Word.UNASKED: Verdict.UNASKED_NODE, Word.DISPUTED: Verdict.DISPUTED_NODE}
    return {
        each.node: reasons.get(each.word, Verdict.OUT_OF_SCOPE)
        for each in members
        if not each.pinned or not _in_scope(each, countries)
    }


def to_json(member: Member) -> dict[str, Any]:
    """A member as it is stored."""
    return {
        **_stored(member.authority),
        "country": member.country,
        "word": member.word.value,
        "asked": milliseconds(member.asked),
        "successor": _stored(member.successor) if member.successor else None,
    }


def from_json(stored: Mapping[str, Any]) -> Member:
    """A stored member."""
    return Member(
        _authority(stored),
        stored["country"],
        Word(stored["word"]),
        from_milliseconds(stored["asked"]),
        _authority(stored["successor"]) if stored["successor"] else None,
    )


def _stored(authority: Authority) -> dict[str, Any]:
    return {
        "node": authority.node,
        "uri_space": authority.uri_space,
        "multikey": authority.multikey,
        "former": stored_keys(authority.former),
    }


def _authority(stored: Mapping[str, Any]) -> Authority:
    return Authority(stored["node"], stored["uri_space"], stored["multikey"], former_keys(stored["former"]))


class _Spoken:
    """Who speaks already for which addresses. Spaces that overlap lie on one host, so only those are compared."""

    def __init__(self, members: Iterable[Member]) -> None:
        self._by_host: dict[str, dict[str, Authority]] = {}
        self._by_node: dict[str, Authority] = {}
        for each in members:
            self.add(each)

    def add(self, member: Member) -> None:
        if member.pinned:
            self._by_host.setdefault(host_of(member.authority.uri_space), {})[member.node] = member.authority
            self._by_node[member.node] = member.authority

    def contradicts(self, claim: Authority, *, unless_it_follows: bool) -> bool:
        """Whether a claim is impossible beside what is pinned, or in itself.

        ``unless_it_follows`` lets pass a new key that names the pinned one as a former one.
        """
        host = host_of(claim.node)
        if host != host_of(claim.uri_space) or space_problem(claim.uri_space) or not claim.multikey:
            return True
        others = (each for node, each in self._by_host.get(host, {}).items() if node != claim.node)
        known = self._by_node.get(claim.node, claim)
        differs = known != claim and not (unless_it_follows and claim.follows(known))
        return differs or any(not disjoint(claim.uri_space, other.uri_space) for other in others)


def _with_new_key(held: Member, claim: Authority) -> Member:
    """What is pinned, and the new key that the hub states by now, if it does; a claim is asked about once a day."""
    if not claim.follows(held.authority):
        return replace(held, successor=None)
    known = held.successor
    if known and (known, known.former) == (claim, claim.former):
        return held
    return replace(held, successor=claim, asked=_NEVER)


def _answered(member: Member, answer: Answer, spoken: _Spoken, now: datetime) -> Member:
    """A member once it was asked about what the hub says of it."""
    asked, new_key = replace(member, asked=now), member.successor
    if new_key and answer.word is Word.SILENT:
        return asked  # the hub alone cannot replace a key
    confirmed = answer.word is Word.CONFIRMED
    contradicted = spoken.contradicts(member.claim, unless_it_follows=confirmed)
    if new_key and member.word is Word.CONFIRMED and (contradicted or not confirmed):
        return asked  # nor can it make the node's own word undone
    word = Word.DISPUTED if contradicted else answer.word
    if new_key and word is Word.CONFIRMED:
        asked = replace(asked, authority=succession(_borne_out(member), new_key, now))
    return replace(asked, word=word, country=answer.country if confirmed else member.country, successor=None)


def _asked_before(claim: Member, before: Member | None, known: Member | None) -> Member:
    """A claim with the answer that was given to the same one."""
    if known and known.word is Word.CONFIRMED and known.authority == claim.authority:
        return known
    same = before and before.authority == claim.authority and before.asked < _POINTLESS
    return before if before and same else claim


def _in_scope(member: Member, countries: Sequence[str]) -> bool:
    return not countries or member.country in countries
