"""Reading one page of a peer's log. Runs in a sandboxed child; touches nothing.

A page holds activities; the named graph of each is the record graph its owner signed. The canonical
bytes are rebuilt from the parsed statements, so a proof is checked over what was said, in whatever
syntax it came. Only the layout of the CHM Federation Profile is read: another LDES has no signed
record graph in its members, and each of them is refused with that reason.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chm_node.canonical import read_triples
from chm_node.entry import entry
from chm_node.errors import ParseError
from chm_node.foreign import read_rdf
from chm_node.namespaces import AS, LDES, RDF, TREE
from chm_node.record import Action, Entry
from chm_node.record_types import OTHER, RECORD_TYPES, type_of
from chm_node.schema.field import Index
from chm_node.schema.record_type import index_triples
from harvest.graphs import NO_GRAPH, Graphs, Nodes, by_graph, first_of, iri_of, key_of, moment_of, text_of
from harvest.offers import read_offer
from harvest.plan import Judged
from harvest.trust import Offer, Powers, Verdict, check_proof, compare, judge
from harvest.type_rules import check

MAX_PAGE_BYTES = 5 * 1024 * 1024

_OBJECT, _PUBLISHED, _TYPE, _FORMER_TYPE = AS.object, AS.published, RDF.type, AS.formerType
_MEMBER = TREE.member
_AFTER = frozenset((TREE.GreaterThanRelation, TREE.GreaterThanOrEqualToRelation))
_BEFORE = TREE.LessThanRelation


@dataclass(frozen=True)
class Page:
    """What one page of a peer's log offers, in log order."""

    judged: tuple[Judged, ...]
    newest: datetime | None  #: log timestamp of its last member
    closed: bool  #: the peer promises that no member will be added


@dataclass(frozen=True)
class Relation:
    """A link to another page; the bounds are log timestamps, None when the peer does not say."""

    page: str
    since: datetime | None = None
    before: datetime | None = None


def read_page(data: bytes, media_type: str, address: str, powers: Powers, now: datetime, known: frozenset[str]) -> Page:
    """The offers of a page with a verdict each; ``known`` are hashes of versions we hold, not to be checked again.

    Raises ParseError when the page as a whole cannot be read.
    """
    if len(data) > MAX_PAGE_BYTES:
        raise ParseError(f"the page is larger than {MAX_PAGE_BYTES // 1024 // 1024} MiB; its operator should split it")
    default, graphs = by_graph(read_rdf(data, media_type, address))
    if not default:
        # Even a page without members says what it is; one that says nothing was lost on its way.
        raise ParseError("the page holds no statement of its own; an empty answer never counts as an empty page")
    published = {member: moment_of(first_of(default.get(member, {}), _PUBLISHED)) for member in _members(default)}
    dated = sorted(published, key=lambda member: (published[member] is not None, published[member], member))
    return Page(
        judged=tuple(_judged(member, default, graphs, _Rules(powers, now, known)) for member in dated),
        newest=max((moment for moment in published.values() if moment), default=None),
        closed=text_of(first_of(default.get(address, {}), LDES.immutable)) in ("true", "1"),
    )


def read_record(data: bytes, media_type: str, address: str, iri: str, powers: Powers, now: datetime) -> Page:
    """The newest version of one record, from the address of the record itself, judged as on a page of the log.

    Raises ParseError.
    """
    if len(data) > MAX_PAGE_BYTES:
        raise ParseError(f"the record is larger than {MAX_PAGE_BYTES // 1024 // 1024} MiB")
    default, graphs = by_graph(read_rdf(data, media_type, address))
    activities = [name for name, stated in default.items() if iri in map(iri_of, stated.get(_OBJECT, ()))]
    rules = _Rules(powers, now, frozenset())
    return Page(tuple(_judged(each, default, graphs, rules) for each in activities), None, closed=False)


def reread(offer: Offer) -> Judged:
    """What was judged and kept before, read once more from the canonical bytes that we stored."""
    return _accepted(offer, index_triples(read_triples(offer.nquads)))


def judged_anew(offer: Offer, powers: Powers) -> Judged:
    """What was kept for later, by what its source may say today."""
    verdict = judge(offer, powers)
    if verdict is Verdict.ACCEPTED:
        verdict = check_proof(offer, powers)
    return reread(offer) if verdict is Verdict.ACCEPTED else Judged(replace(offer, nquads=b""), verdict)


def read_relations(data: bytes, media_type: str, address: str) -> list[Relation]:
    """The pages a page leads to, each once, with the bounds stated for it. Raises ParseError."""
    default, _ = by_graph(read_rdf(data, media_type, address))
    relations: dict[str, Relation] = {}
    for subject in default.values():
        page = iri_of(first_of(subject, TREE.node))
        if not page:
            continue
        found = relations.setdefault(page, Relation(page))
        kinds = {text_of(each) for each in subject.get(_TYPE, ())}
        bound = moment_of(first_of(subject, TREE.value))
        dated = text_of(first_of(subject, TREE.path)) == _PUBLISHED
        if dated and kinds & _AFTER:
            found = replace(found, since=bound)
        if dated and _BEFORE in kinds:
            found = replace(found, before=bound)
        relations[page] = found
    return list(relations.values())


def has_relations(data: bytes, media_type: str) -> bool:
    """Whether a page may lead to others; cheap, and never wrong for the syntax we ask for first."""
    return media_type != "application/n-quads" or TREE.relation.encode() in data


def _members(default: Mapping[str, Nodes]) -> Iterator[str]:
    named = (node for subject in default.values() for node in subject.get(_MEMBER, ()))
    yield from dict.fromkeys(key_of(node) for node in named)


@dataclass(frozen=True)
class _Rules:
    """What the offers of a page are judged by."""

    powers: Powers
    now: datetime
    known: frozenset[str]


def _judged(activity: str, default: Mapping[str, Nodes], graphs: Graphs, rules: _Rules) -> Judged:
    graph = graphs.get(activity, NO_GRAPH)
    offer = read_offer(activity, default, graphs)
    verdict = judge(offer, rules.powers)
    if verdict is Verdict.ACCEPTED:
        verdict = Verdict.UNCHANGED if offer.digest in rules.known else check_proof(offer, rules.powers)
    if verdict is not Verdict.ACCEPTED:
        # What is not stored need not travel to the parent.
        return Judged(replace(offer, nquads=b"", proof=None), verdict)
    accepted = _accepted(offer, graph.index)
    verdict = compare(offer, None, rules.now)
    # One that is dated ahead may be taken over later, so it travels whole.
    return accepted if verdict is Verdict.ACCEPTED else replace(accepted, verdict=verdict)


def _accepted(offer: Offer, index: Index) -> Judged:
    if offer.action is Action.DELETE:
        return Judged(offer, Verdict.ACCEPTED, _tombstone_entry(offer.iri, index))
    record_type = type_of(offer.iri, index)
    detail, unknown = check(offer.iri, index, record_type)
    return Judged(offer, Verdict.ACCEPTED, entry(offer.iri, index, record_type), detail, unknown)


def _tombstone_entry(iri: str, index: Index) -> Entry:
    former = text_of(first_of(index.get(iri, {}), _FORMER_TYPE))
    names = [each.name for each in RECORD_TYPES.values() if each.term == former]
    return Entry(names[0] if names else OTHER.name, {}, {}, ())
