"""Reading one page of a peer's log. Runs in a sandboxed child; touches nothing.

A page holds activities; the named graph of each is the record graph its owner signed. The canonical
bytes are rebuilt from the parsed statements, so a proof is checked over what was said, in whatever
syntax it came. Only the layout of the CHM Federation Profile is read: another LDES has no signed
record graph in its members, and each of them is refused with that reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

import pyoxigraph as ox

from chm_node.canonical import canonical_bytes, digest, read_triples
from chm_node.entry import entry
from chm_node.errors import ParseError, Problem
from chm_node.foreign import read_rdf
from chm_node.namespaces import AS, DCAT, DCTERMS, FOAF, LDES, PROV, RDF, SEC, TREE, XSD
from chm_node.proofs import CRYPTOSUITE
from chm_node.record import Action, Entry, parse_timestamp
from chm_node.record_types import OTHER, RECORD_TYPES, type_of
from chm_node.schema.field import Field, Index
from chm_node.schema.groups import Group
from chm_node.schema.record_type import RecordType, index_triples
from chm_node.schema.references import Language, Term
from harvest.plan import Judged
from harvest.trust import Offer, Powers, Verdict, check_proof, compare, judge

MAX_PAGE_BYTES = 5 * 1024 * 1024
#: Characters of the terms of one field whose check is remembered.
_WORTH_REMEMBERING = 512

_OBJECT, _PUBLISHED, _TYPE = AS.object, AS.published, RDF.type
_TOMBSTONE, _FORMER_TYPE = AS.Tombstone, AS.formerType
_ACTIONS = {AS[action.value]: action for action in Action}
_TOPIC, _VERSION, _ISSUED = FOAF.primaryTopic, DCTERMS.modified, DCTERMS.issued
_ORIGIN, _LICENCE, _TITLE = PROV.wasAttributedTo, DCTERMS.license, DCTERMS.title
_MEMBER, _CATALOG_RECORD = TREE.member, DCAT.CatalogRecord
_AFTER = frozenset((TREE.GreaterThanRelation, TREE.GreaterThanOrEqualToRelation))
_BEFORE = TREE.LessThanRelation
_PROOFS, _CRYPTOSUITE = SEC.proof, SEC.cryptosuite
_PURPOSE, _ASSERTION = SEC.proofPurpose, SEC.assertionMethod
_ATTRIBUTION, _AGENT = PROV.qualifiedAttribution, PROV.agent
_DATE_TIME = XSD.dateTime
_OF_TERMS = (Term, Language)
_HOLDING_TERMS = (Term, Group)
_PROOF = {
    "created": DCTERMS.created,
    "verificationMethod": SEC.verificationMethod,
    "proofValue": SEC.proofValue,
}


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
    default, graphs = _by_graph(read_rdf(data, media_type, address))
    if not default:
        # Even a page without members says what it is; one that says nothing was lost on its way.
        raise ParseError("the page holds no statement of its own; an empty answer never counts as an empty page")
    published = {member: _moment(_first(default.get(member, {}), _PUBLISHED)) for member in _members(default)}
    dated = sorted(published, key=lambda member: (published[member] is not None, published[member], member))
    return Page(
        judged=tuple(_judged(member, default, graphs, _Rules(powers, now, known)) for member in dated),
        newest=max((moment for moment in published.values() if moment), default=None),
        closed=_value(_first(default.get(address, {}), LDES.immutable)) in ("true", "1"),
    )


def read_record(data: bytes, media_type: str, address: str, iri: str, powers: Powers, now: datetime) -> Page:
    """The newest version of one record, from the address of the record itself, judged as on a page of the log.

    Raises ParseError.
    """
    if len(data) > MAX_PAGE_BYTES:
        raise ParseError(f"the record is larger than {MAX_PAGE_BYTES // 1024 // 1024} MiB")
    default, graphs = _by_graph(read_rdf(data, media_type, address))
    activities = [name for name, stated in default.items() if iri in map(_iri, stated.get(_OBJECT, ()))]
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
    default, _ = _by_graph(read_rdf(data, media_type, address))
    relations: dict[str, Relation] = {}
    for subject in default.values():
        page = _iri(_first(subject, TREE.node))
        if not page:
            continue
        found = relations.setdefault(page, Relation(page))
        kinds = {_value(each) for each in subject.get(_TYPE, ())}
        bound = _moment(_first(subject, TREE.value))
        dated = _value(_first(subject, TREE.path)) == _PUBLISHED
        if dated and kinds & _AFTER:
            found = replace(found, since=bound)
        if dated and _BEFORE in kinds:
            found = replace(found, before=bound)
        relations[page] = found
    return list(relations.values())


def has_relations(data: bytes, media_type: str) -> bool:
    """Whether a page may lead to others; cheap, and never wrong for the syntax we ask for first."""
    return media_type != "application/n-quads" or TREE.relation.encode() in data


_Nodes = Mapping[str, Sequence[Any]]  # objects by predicate
_Terms = tuple[tuple[str, str], ...]  # (field, value)


@dataclass(frozen=True)
class _Graph:
    """A named graph of the page: its statements in canonical form, unsorted and without the point, and as an index."""

    lines: list[bytes] = field(default_factory=list)
    index: dict[str, dict[str, list[Any]]] = field(default_factory=dict)


_Graphs = Mapping[str, _Graph]
_NO_GRAPH = _Graph()


def _by_graph(quads: list[ox.Quad]) -> tuple[dict[str, dict[str, list[Any]]], dict[str, _Graph]]:
    """The default graph by subject and predicate, and the named graphs; in one pass, for that is what takes time."""
    default: dict[str, dict[str, list[Any]]] = {}
    graphs: dict[str, _Graph] = {}
    index, stated, lines, end, named = default, dict[str, list[Any]](), list[bytes](), 0, False
    last_name = last_subject = None
    # All lines at once: writing each statement by itself takes three times as long.
    written = ox.serialize(quads, format=ox.RdfFormat.N_QUADS) or b""
    for quad, line in zip(quads, written.splitlines(), strict=True):
        subject, predicate, value, name = quad
        if name != last_name:  # a page keeps the statements of a record together, and those of a subject
            named = not isinstance(name, ox.DefaultGraph)
            graph = graphs.setdefault(_key(name), _Graph()) if named else _Graph(index=default)
            index, lines, end = graph.index, graph.lines, -len(f" {name} .".encode())
            last_name, last_subject = name, None
        if subject != last_subject:
            stated, last_subject = index.setdefault(_key(subject), {}), subject
        stated.setdefault(predicate.value, []).append(value)
        if named:
            lines.append(line[:end])
    return default, graphs


def _key(node: Any) -> str:  # Any: an IRI, or a blank node, whose label must not pass for one
    return node.value if isinstance(node, ox.NamedNode) else str(node)


def _members(default: Mapping[str, _Nodes]) -> Iterator[str]:
    named = (node for subject in default.values() for node in subject.get(_MEMBER, ()))
    yield from dict.fromkeys(_key(node) for node in named)


@dataclass(frozen=True)
class _Rules:
    """What the offers of a page are judged by."""

    powers: Powers
    now: datetime
    known: frozenset[str]


def _judged(activity: str, default: Mapping[str, _Nodes], graphs: _Graphs, rules: _Rules) -> Judged:
    graph = graphs.get(activity, _NO_GRAPH)
    offer = _offer(activity, default, graphs)
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
    detail, unknown = _check(offer.iri, index, record_type)
    return Judged(offer, Verdict.ACCEPTED, entry(offer.iri, index, record_type), detail, unknown)


def _offer(activity: str, default: Mapping[str, _Nodes], graphs: _Graphs) -> Offer:
    stated = default.get(activity, {})
    iri = _iri(_first(stated, _OBJECT))
    kinds = [_ACTIONS[each] for each in map(_value, stated.get(_TYPE, ())) if each in _ACTIONS]
    graph = graphs.get(activity, _NO_GRAPH)
    if not iri or len(kinds) != 1 or not graph.lines:
        return Offer(activity, Action.UPDATE, iri or activity, flaw=Verdict.NO_PAYLOAD)
    nquads = canonical_bytes([line + b" .\n" for line in graph.lines])
    meta = _meta(iri, graph.index)
    return Offer(
        activity=activity,
        action=kinds[0],
        iri=iri,
        origin=_iri(_only(meta, _ORIGIN)),
        version=_moment(_only(meta, _VERSION)),
        issued=_moment(_only(meta, _ISSUED)),
        hops=tuple(_hops(stated, default)),
        nquads=nquads,
        digest=digest(nquads),
        triples=len(graph.lines),
        proof=_proof(stated, graphs),
        flaw=_flaw(iri, kinds[0], graph, meta, nquads),
    )


def _meta(iri: str, index: Index) -> _Nodes:
    """The record's own ``dcat:CatalogRecord``; empty when there is not exactly one."""
    found = [
        properties
        for properties in index.values()
        if any(_value(node) == iri for node in properties.get(_TOPIC, ()))
        and any(_value(node) == _CATALOG_RECORD for node in properties.get(_TYPE, ()))
    ]
    return found[0] if len(found) == 1 else {}


def _flaw(iri: str, action: Action, graph: _Graph, meta: _Nodes, nquads: bytes) -> Verdict:
    """What is wrong with a record graph in itself; the first thing a person should repair."""
    own = graph.index.get(iri, {})
    tombstone = any(_value(node) == _TOMBSTONE for node in own.get(_TYPE, ()))
    if tombstone != (action is Action.DELETE):
        return Verdict.NO_PAYLOAD
    if not (_moment(_only(meta, _VERSION)) and _iri(_only(meta, _ORIGIN))):
        return Verdict.NO_IDENTITY
    if _has_blank_nodes(graph, nquads):
        return Verdict.BLANK_NODE
    if any(subject != iri and not subject.startswith(f"{iri}#") for subject in graph.index):
        return Verdict.FOREIGN_SUBJECT
    if _has_forbidden_characters(nquads):
        return Verdict.BAD_CHARACTERS
    if not meta.get(_LICENCE):
        return Verdict.NO_LICENCE
    titled = any(isinstance(node, ox.Literal) and node.value.strip() for node in own.get(_TITLE, ()))
    return Verdict.ACCEPTED if titled or tombstone else Verdict.NO_TITLE


def _has_blank_nodes(graph: _Graph, nquads: bytes) -> bool:
    if b"_" not in nquads or b"_:" not in nquads:
        return False  # looking at every node of an ordinary page would take as long as hashing it
    objects = (node for stated in graph.index.values() for nodes in stated.values() for node in nodes)
    return any(subject.startswith("_:") for subject in graph.index) or any(
        isinstance(node, ox.BlankNode) for node in objects
    )


def _has_forbidden_characters(nquads: bytes) -> bool:
    # Canonical N-Quads write the characters that XML 1.0 cannot carry as \uXXXX, \b and \f, and no others so.
    if b"\\" not in nquads:
        return False
    escapes = nquads.replace(b"\\\\", b"")
    return any(each in escapes for each in (b"\\u", b"\\b", b"\\f"))


def _hops(stated: _Nodes, default: Mapping[str, _Nodes]) -> Iterator[str]:
    for node in stated.get(_ATTRIBUTION, ()):
        agent = _iri(_first(default.get(_key(node), {}), _AGENT))
        if agent:
            yield agent


def _proof(activity: _Nodes, graphs: _Graphs) -> Mapping[str, str] | None:
    """The first proof of the one kind we check."""
    for name in activity.get(_PROOFS, ()):
        stated = graphs.get(_key(name), _NO_GRAPH).index.values()
        facts = {predicate: _value(nodes[-1]) for each in stated for predicate, nodes in each.items()}
        if facts.get(_CRYPTOSUITE) != CRYPTOSUITE or facts.get(_PURPOSE) != _ASSERTION:
            continue
        proof = {name: facts.get(predicate, "") for name, predicate in _PROOF.items()}
        if all(proof.values()):
            return proof
    return None


def _tombstone_entry(iri: str, index: Index) -> Entry:
    former = _value(_first(index.get(iri, {}), _FORMER_TYPE))
    names = [each.name for each in RECORD_TYPES.values() if each.term == former]
    return Entry(names[0] if names else OTHER.name, {}, {}, ())


def _check(iri: str, index: Index, record_type: RecordType) -> tuple[str, _Terms]:
    """What breaks the record type's rules, in one line, and the terms of no vocabulary of ours."""
    stated = index.get(iri, {})
    fields, required = _declared(record_type.name)
    problems = [
        str(problem) for predicate, missing in required.items() if predicate not in stated for problem in missing
    ]
    unknown: list[tuple[str, str]] = []
    # Most fields are absent from most records, and asking each of them would double the time of a page.
    for predicate, nodes in stated.items():
        if predicate not in fields or fields[predicate].flawless(nodes):
            continue
        terms = _few_terms(nodes) if isinstance(fields[predicate], _OF_TERMS) else ()
        if terms:
            wrong, new = _checked_terms(record_type.name, predicate, terms)
        else:
            wrong, new = _checked(record_type, fields[predicate], iri, index)
        problems += wrong
        unknown += new
    return "; ".join(problems)[:1000], tuple(unknown)


def _checked(record_type: RecordType, field: Field, iri: str, index: Index) -> tuple[Sequence[str], _Terms]:
    value, wrong = field.read(iri, index)
    unknown = record_type.unknown_terms({field.name: value}) if isinstance(field, _HOLDING_TERMS) else ()
    return [str(each) for each in wrong or field.problems(value)], tuple(unknown)


def _few_terms(nodes: Sequence[Any]) -> tuple[str, ...]:
    """The terms a record names in one field; none when a stranger names so much that it is not worth remembering."""
    terms = tuple(map(_iri, nodes))
    return terms if all(terms) and sum(map(len, terms)) <= _WORTH_REMEMBERING else ()


@lru_cache(4096)
def _checked_terms(type_name: str, predicate: str, terms: tuple[str, ...]) -> tuple[Sequence[str], _Terms]:
    # The same few terms stand in thousands of records.
    record_type = RECORD_TYPES.get(type_name, OTHER)
    stated = {"": {predicate: [ox.NamedNode(each) for each in terms]}}
    return _checked(record_type, _declared(type_name)[0][predicate], "", stated)


@cache
def _declared(type_name: str) -> tuple[Mapping[str, Field], Mapping[str, Sequence[Problem]]]:
    """The fields of a record type by predicate, and what to say when a required one is missing."""
    fields = {each.predicate: each for each in RECORD_TYPES.get(type_name, OTHER).fields}
    return fields, {predicate: each.problems(None) for predicate, each in fields.items() if each.required}


def _first(nodes: _Nodes, predicate: str) -> Any:  # an RDF term or None
    return next(iter(nodes.get(predicate, ())), None)


def _only(nodes: _Nodes, predicate: str) -> Any:  # an RDF term or None
    """The one value; None when there are several, for then nobody can say which was meant."""
    found = nodes.get(predicate, ())
    return found[0] if len(found) == 1 else None


def _value(node: Any) -> str:
    return node.value if isinstance(node, ox.NamedNode | ox.Literal) else ""


def _iri(node: Any) -> str:
    return node.value if isinstance(node, ox.NamedNode) else ""


def _moment(node: Any) -> datetime | None:
    if not isinstance(node, ox.Literal) or node.datatype.value != _DATE_TIME:
        return None
    try:
        moment = parse_timestamp(node.value)
    except (ValueError, OverflowError):
        return None
    # A version is stored in whole milliseconds; one that is finer would not compare equal to itself.
    return moment if not moment.microsecond % 1000 else moment.replace(microsecond=moment.microsecond // 1000 * 1000)
