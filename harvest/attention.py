"""What an operator should look at, by source: what is held, what was taken over with remarks, what was refused."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import Connection

from chm_node.catalogue import Catalogue, Filter
from harvest import quarantine, receipts
from harvest.page import reread
from harvest.quarantine import Group, Kind
from harvest.sources import Source, listing
from harvest.trust import Offer

#: Shown of each matter.
EXAMPLES = 5
UNKNOWN_TERMS, BROKEN_RULES = "unknown-term", "broken-rule"


class State(Enum):
    """What became of what a matter is about."""

    WAITING = "waiting"  #: held until a person decides
    DROPPED = "dropped"  #: a person decided against it
    FLAGGED = "flagged"  #: taken over all the same
    REFUSED = "refused"  #: not taken over


@dataclass(frozen=True)
class Example:
    """One of the records a matter is about."""

    name: str  #: its IRI, or a term
    titles: Mapping[str, str]
    detail: str = ""


@dataclass(frozen=True)
class Matter:
    """One thing to look at."""

    state: State
    code: str  #: a kind of held changes, a reason code, or what was remarked
    count: int
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Attention:
    """What there is to look at of one source."""

    source: Source
    records: int  #: live ones of its own, or that it passes on
    matters: tuple[Matter, ...]


def attention(connection: Connection) -> list[Attention]:
    """Every source with something to look at."""
    counts = Catalogue(connection).counts_by_origin(Filter())
    found = [_of(connection, each, counts) for each in listing(connection)]
    return [each for each in found if each.matters]


def _of(connection: Connection, source: Source, counts: Mapping[str, int]) -> Attention:
    nodes = [source.node, *(each.node for each in source.members)]
    matters = (*_held(connection, source), *_flagged(connection, source, nodes), *_refused(connection, source))
    return Attention(source, sum(counts.get(node, 0) for node in nodes), matters)


def _held(connection: Connection, source: Source) -> Iterator[Matter]:
    for group in quarantine.groups(connection, source.id):
        yield Matter(State(group.decision), group.kind.value, group.count, _offered(connection, group))


def _offered(connection: Connection, group: Group) -> tuple[Example, ...]:
    offers = quarantine.some(connection, group, EXAMPLES)
    here = Catalogue(connection).held(each.iri for each in offers)
    return tuple(
        Example(each.iri, _titles(each) or (here[each.iri].titles if each.iri in here else {}), _said(group, each))
        for each in offers
    )


def _titles(offer: Offer) -> Mapping[str, str]:
    entry = reread(offer).entry
    return entry.titles if entry else {}


def _said(group: Group, offer: Offer) -> str:
    return f"dated {offer.version:%Y-%m-%d %H:%M} UTC" if group.kind is Kind.FUTURE else ""


def _flagged(connection: Connection, source: Source, nodes: Sequence[str]) -> Iterator[Matter]:
    if terms := Catalogue(connection).unknown_terms(nodes):
        shown = tuple(Example(term, {}, f"{field}, {count} records") for field, term, count in terms[:EXAMPLES])
        yield Matter(State.FLAGGED, UNKNOWN_TERMS, len(terms), shown)
    if count := receipts.counts_by_reason(connection, source.id).get(""):
        yield Matter(State.FLAGGED, BROKEN_RULES, count, _told(connection, source, ""))


def _refused(connection: Connection, source: Source) -> Iterator[Matter]:
    held = {kind.verdict.value for kind in Kind}
    for reason, count in receipts.counts_by_reason(connection, source.id).items():
        if reason and reason not in held:
            yield Matter(State.REFUSED, reason, count, _told(connection, source, reason))


def _told(connection: Connection, source: Source, reason: str) -> tuple[Example, ...]:
    found = receipts.examples(connection, source.id, reason, EXAMPLES)
    return tuple(Example(each.iri, each.held.titles if each.held else {}, each.detail) for each in found)
