"""Whom we believe what: authority, loop, proof and version rules. Decides; touches nothing.

Authority comes from what a person pinned for a source, never from what a record says of itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from urllib.parse import urlsplit

from chm_node.errors import ParseError
from chm_node.limits import MAX_RECORD_BYTES, MAX_RECORD_STATEMENTS
from chm_node.proofs import PublicKey, verify
from chm_node.record import Action, parse_timestamp

MAX_HOPS = 8
#: How far a record's version may lie ahead of our clock; a peer's wrong clock would block all later versions.
CLOCK_TOLERANCE = timedelta(minutes=10)


class Verdict(Enum):
    """What becomes of an offered record or page; the value is the reason code of its receipt."""

    ACCEPTED = "accepted"
    # Dropped without a fuss: nothing is wrong, and nothing is new.
    UNCHANGED = "unchanged"
    STALE = "stale"
    ECHO = "echo"
    LOOP = "loop"
    TOO_MANY_HOPS = "too-many-hops"
    # Refused, with a receipt.
    NO_PAYLOAD = "no-payload"
    NO_IDENTITY = "no-identity"
    NO_LICENCE = "no-licence"
    NO_TITLE = "no-title"
    UNKNOWN_NODE = "unknown-node"
    UNASKED_NODE = "unasked-node"
    DISPUTED_NODE = "disputed-node"
    OUT_OF_SCOPE = "out-of-scope"
    FOREIGN_IRI = "foreign-iri"
    FOREIGN_SUBJECT = "foreign-subject"
    BLANK_NODE = "blank-node"
    BAD_CHARACTERS = "bad-characters"
    TOO_LARGE = "too-large"
    FUTURE = "future-version"
    UNSIGNED = "unsigned"
    BAD_PROOF = "bad-proof"
    EQUIVOCATION = "equivocation"
    WITHDRAWAL_HELD = "withdrawal-held"
    ROLLED_BACK = "rolled-back"
    # A whole page refused.
    UNREADABLE_PAGE = "unreadable-page"

    @property
    def dropped(self) -> bool:
        """Whether the record is passed over without a receipt."""
        return self in _DROPPED

    @property
    def refused(self) -> bool:
        """Whether a person should hear about it."""
        return self is not Verdict.ACCEPTED and not self.dropped


_DROPPED = frozenset((Verdict.UNCHANGED, Verdict.STALE, Verdict.ECHO, Verdict.LOOP, Verdict.TOO_MANY_HOPS))


@dataclass(frozen=True)
class Authority:
    """A node, the IRIs it may speak for, and the key its records are signed with (empty: unsigned)."""

    node: str
    uri_space: str
    multikey: str
    #: Keys it signed with before; each has an end, and what it signed until then stands.
    #: Two claims that differ in them alone do not contradict.
    former: tuple[PublicKey, ...] = field(default=(), compare=False)

    def follows(self, earlier: "Authority") -> bool:
        """Whether it states a new key in the place of the earlier one, which it names as a former one.

        A key that was given up does not come back: whoever stole it would bring it.
        """
        ended = {each.multikey for each in self.former if each.expires}
        given_up = {each.multikey for each in earlier.former}
        same = (self.node, self.uri_space) == (earlier.node, earlier.uri_space)
        return same and earlier.multikey in ended - {self.multikey} and self.multikey not in given_up


@dataclass(frozen=True)
class Powers:
    """What one source may say to us."""

    own_node: str  #: ours
    own_space: str
    source: Authority
    #: Nodes whose signed records it may pass on: those approved here, and those it vouches for.
    others: Mapping[str, Authority]
    #: Why the records of other nodes it vouches for are refused.
    doubted: Mapping[str, Verdict] = field(default_factory=dict)

    def authority(self, node: str) -> Authority | None:
        """What is pinned for the origin of a record."""
        return self.source if node == self.source.node else self.others.get(node)


@dataclass(frozen=True)
class Offer:
    """One record version as a peer's log offers it."""

    activity: str  #: IRI of the peer's log entry
    action: Action
    iri: str
    origin: str = ""  #: IRI of the node it is attributed to; empty when it does not say
    version: datetime | None = None  #: UTC; the origin's commit time, as signed
    issued: datetime | None = None
    hops: tuple[str, ...] = ()  #: nodes it passed before the source, origin first
    nquads: bytes = b""
    digest: str = ""
    triples: int = 0
    proof: Mapping[str, str] | None = None
    #: What reading its graph found wrong; ACCEPTED when nothing.
    flaw: Verdict = Verdict.ACCEPTED


@dataclass(frozen=True)
class HeldVersion:
    """The version of a record that we hold."""

    version: datetime
    digest: str
    withdrawn: bool


def succession(pinned: Authority, stated: Authority, now: datetime) -> Authority:
    """What is pinned once a new key took the place of the pinned one.

    What former ones signed until their end stands; an end is what was pinned, else what is stated, and not later than
    a version may be.
    """
    latest = now + CLOCK_TOLERANCE
    ended = [replace(each, expires=min(each.expires, latest)) for each in stated.former if each.expires]
    former = {each.multikey: each for each in (*ended, *pinned.former)}
    return replace(stated, former=tuple(former.values()))


def judge(offer: Offer, powers: Powers) -> Verdict:
    """The verdict before the proof and before what we hold: authority (R1), loop (R2), limits, sense."""
    if offer.flaw in (Verdict.NO_PAYLOAD, Verdict.NO_IDENTITY):
        return offer.flaw
    for rule in (_loop, _authority, _limits):
        verdict = rule(offer, powers)
        if verdict is not Verdict.ACCEPTED:
            return verdict
    return Verdict.ACCEPTED


def check_proof(offer: Offer, powers: Powers) -> Verdict:
    """R3: the origin's pinned key signed exactly these bytes, or a former one did before its end.

    Only an approved source without a key may offer unsigned records, and only its own: what nobody
    signed travels one hop and no further.
    """
    authority = powers.authority(offer.origin)
    if authority is None:
        return Verdict.UNKNOWN_NODE
    if not authority.multikey:
        direct = authority == powers.source and not offer.hops
        return Verdict.ACCEPTED if direct else Verdict.UNSIGNED
    if offer.proof is None:
        return Verdict.UNSIGNED
    genuine = _signed_by(offer, offer.proof, authority.multikey) or any(
        _signed_by(offer, offer.proof, each.multikey) and _dated_before(offer, offer.proof, each.expires)
        for each in authority.former
    )
    return Verdict.ACCEPTED if genuine else Verdict.BAD_PROOF


def compare(offer: Offer, held: HeldVersion | None, now: datetime) -> Verdict:
    """R4: only a version newer than the held one counts, and no sooner than its time has come; of two different
    ones the first stays."""
    if held and offer.digest == held.digest:
        return Verdict.UNCHANGED
    if held and (offer.version is None or offer.version < held.version):
        return Verdict.STALE
    if offer.version and offer.version > now + CLOCK_TOLERANCE:
        return Verdict.FUTURE
    return Verdict.EQUIVOCATION if held and offer.version == held.version else Verdict.ACCEPTED


def disjoint(space: str, other: str) -> bool:
    """Whether no IRI can lie under both URI spaces."""
    return not space.startswith(other) and not other.startswith(space)


def space_problem(space: str) -> str:
    """What is wrong with a URI space; empty when nothing is.

    It has to end at a boundary: ``https://a.example/id`` would also claim ``https://a.example/idea/1``.
    """
    try:
        parts = urlsplit(space)
    except ValueError:  # such as https://[
        return "is no web address"
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or "@" in parts.netloc:
        return "is no web address"
    return "" if space.endswith(("/", "#")) else "does not end in a slash"


def _signed_by(offer: Offer, proof: Mapping[str, str], multikey: str) -> bool:
    try:
        return verify(offer.nquads, proof, multikey)
    except ParseError:
        return False


def _dated_before(offer: Offer, proof: Mapping[str, str], end: datetime | None) -> bool:
    """Whether proof and version are from before the end of a key (Controlled Identifiers 1.0 §2.2).

    Whoever has the key can date a proof back, but then not supersede what came after.
    """
    try:
        created = parse_timestamp(proof["created"])
    except ValueError:
        return False
    return bool(end and offer.version and created <= end and offer.version <= end)


def _loop(offer: Offer, powers: Powers) -> Verdict:
    if offer.iri.startswith(powers.own_space) or offer.origin == powers.own_node:
        return Verdict.ECHO
    if powers.own_node in offer.hops:
        return Verdict.LOOP
    return Verdict.TOO_MANY_HOPS if len(offer.hops) > MAX_HOPS else Verdict.ACCEPTED


def _authority(offer: Offer, powers: Powers) -> Verdict:
    authority = powers.authority(offer.origin)
    if authority is None:
        return powers.doubted.get(offer.origin, Verdict.UNKNOWN_NODE)
    name = offer.iri.removeprefix(authority.uri_space)
    # A dot segment would lead out of the space again once somebody resolves the IRI.
    outside = name == offer.iri or not name or "#" in name or {".", ".."} & set(name.split("/"))
    return Verdict.FOREIGN_IRI if outside else Verdict.ACCEPTED


def _limits(offer: Offer, _powers: Powers) -> Verdict:
    if len(offer.nquads) > MAX_RECORD_BYTES or offer.triples > MAX_RECORD_STATEMENTS:
        return Verdict.TOO_LARGE
    return offer.flaw
