"""Publish, revise, withdraw: what an owner does to records, each a signed change in the log.

Checking and rendering happen before the log's lock is taken; inside it only the log timestamp is
assigned, which is the record's version and part of the signed graph, and the proof is made.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from uuid import NAMESPACE_URL, UUID, uuid5

import pyoxigraph as ox
from sqlalchemy import Connection, Engine

from chm_node.addresses import address_problems
from chm_node.canonical import canonical_bytes, canonical_lines, digest, refuse_blank_nodes
from chm_node.catalogue import Catalogue, ChangeLog, LoggedChange, Withdrawn, withdrawn_among
from chm_node.database import reading, writing
from chm_node.entry import entry
from chm_node.errors import ConflictError, InvalidRecordError, Problem
from chm_node.keys import current_name
from chm_node.limits import size_problems, term_problems
from chm_node.namespaces import OWL, VOCABULARY
from chm_node.record import Action, Change, Entry, Record, RecordGraph, Tombstone, Values, from_milliseconds
from chm_node.record_types import OTHER, RECORD_TYPES, type_of
from chm_node.schema import RecordType
from chm_node.settings import Settings
from chm_node.signing import Signer
from chm_node.statements import meta_lines, tombstone_lines, tombstone_triples

#: Changes in one transaction; a longer list is published in several.
BATCH = 500
_ANY_TIME = from_milliseconds(0)


@dataclass(frozen=True)
class Published:
    """What became of a list of records."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    left: tuple[Withdrawn, ...] = ()  #: withdrawn before, and left so
    again: tuple[Withdrawn, ...] = ()  #: withdrawn before, and published again

    def __add__(self, other: "Published") -> "Published":
        return Published(
            self.created + other.created,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.left + other.left,
            self.again + other.again,
        )


@dataclass(frozen=True)
class _Draft:
    """A checked and rendered record that only lacks its version."""

    record: Record
    body: tuple[str, ...]
    entry: Entry
    unknown_terms: tuple[tuple[str, str], ...]


_Held = Mapping[str, tuple[LoggedChange, datetime]]


@dataclass(frozen=True)
class _Plan:
    """What publishing a batch comes to."""

    changed: Sequence[_Draft]
    held: _Held  #: the newest version of each, and when it was first published
    published: Published


def record_iri(settings: Settings, type_name: str, identifier: UUID) -> str:
    """The IRI of one of this node's records; minted once, never used again."""
    return f"{settings.uri_space}{type_name}/{identifier}"


def identifier_of(settings: Settings, key: str) -> UUID:
    """The identifier of a record known by a name of its owner's, the same at every import and after every move."""
    first = next(iter(settings.former), settings)
    return uuid5(NAMESPACE_URL, f"{first.uri_space}{key}")


def with_defaults(values: Values, settings: Settings) -> dict[str, object]:
    """The values, with the node's licence and country where the record states none."""
    defaults: dict[str, object] = {
        "licence": settings.licence,
        "status": f"{VOCABULARY}record-statuses/published",
    }
    if settings.country:
        defaults["government"] = f"{VOCABULARY}countries/{settings.country}"
    return defaults | dict(values)


def publish(
    engine: Engine,
    settings: Settings,
    signer: Signer,
    records: Iterable[Record],
    now: datetime,
    *,
    republish: bool = True,
) -> Iterator[Published]:
    """Publish or revise records, one transaction a batch; yields what each batch did, for progress.

    A record whose content is what is published already makes no change, nor does a withdrawn or erased one unless
    ``republish``. Raises InvalidRecordError for what ``check`` refuses, before anything of its batch is written, and
    ConflictError when the key was changed meanwhile.
    """
    drafts = (_draft(record, settings) for record in records)
    while batch := list(islice(drafts, BATCH)):
        yield _publish_batch(engine, settings, signer, batch, now, republish=republish)


def check(record: Record, settings: Settings) -> None:
    """Refuse what this node cannot serve or no hub would take over; raises InvalidRecordError with every problem."""
    _checked(record, settings)


def foreseen(engine: Engine, settings: Settings, records: Iterable[Record], *, republish: bool = True) -> Published:
    """What ``publish`` would do with these records, without doing it; raises what it would raise."""
    drafts = [_draft(record, settings) for record in {record.iri: record for record in records}.values()]
    batches = (drafts[start : start + BATCH] for start in range(0, len(drafts), BATCH))
    with reading(engine) as connection:
        plans = (_plan(connection, settings, batch, republish=republish) for batch in batches)
        return sum((each.published for each in plans), Published())


def withdraw(engine: Engine, settings: Settings, signer: Signer, tombstone: Tombstone, now: datetime) -> Change:
    """Withdraw a record; its tombstone stays.

    A tombstone that says ``erased`` may follow an earlier one. Raises RecordNotFoundError, RecordWithdrawnError when
    the record is withdrawn already, or InvalidRecordError when another node owns it.
    """
    if problems := list(term_problems(tombstone.iri, tombstone_triples(tombstone, now), OTHER)):
        raise InvalidRecordError(problems)
    with writing(engine) as connection:
        check_key(settings, signer)
        log = ChangeLog(connection)
        catalogue = Catalogue(connection)
        held = (catalogue.find(tombstone.iri) if tombstone.erased else None) or catalogue.get(tombstone.iri)
        if held.origin != settings.node_iri:
            raise InvalidRecordError(
                [Problem("iri", f"only its own node, {held.origin}, can withdraw {tombstone.iri}")]
            )
        [version] = log.next_log_times(1, now)
        lines = tombstone_lines(tombstone, settings, version, held.issued)
        change = Change(
            version,
            signed(tombstone.iri, Action.DELETE, lines, settings, signer, version),
            Entry(held.type, held.titles, {}, ()),
        )
        log.append([change])
    return change


def _type(record: Record) -> RecordType:
    return RECORD_TYPES.get(record.type) or type_of(record.iri, record.extra)


def _checked(record: Record, settings: Settings) -> tuple[list[ox.Triple], list[str]]:
    """The record's own triples and their canonical lines; raises InvalidRecordError."""
    iri = record.iri
    if problems := address_problems(iri, settings.uri_space):
        raise InvalidRecordError(problems)
    record_type = _type(record)
    triples = record_type.triples(record)
    lines = canonical_lines(triples)
    # The largest that can be signed: times are of one length, and it may have had a name at each former address.
    names = [f"<{iri}> <{OWL.sameAs}> <{name}> .\n" for name in _former_names(iri, settings)]
    largest = canonical_bytes([*lines, *names, *meta_lines(iri, settings, _ANY_TIME, _ANY_TIME)])
    if problems := [*term_problems(iri, triples, record_type), *size_problems(largest)]:
        raise InvalidRecordError(problems)
    return triples, lines


def _draft(record: Record, settings: Settings) -> _Draft:
    triples, lines = _checked(record, settings)
    refuse_blank_nodes(record.iri, triples)
    record_type = _type(record)
    return _Draft(
        record,
        tuple(lines),
        entry(record.iri, triples, record_type),
        tuple(record_type.unknown_terms(record.values)),
    )


def _publish_batch(
    engine: Engine, settings: Settings, signer: Signer, drafts: Sequence[_Draft], now: datetime, *, republish: bool
) -> Published:
    with writing(engine) as connection:
        check_key(settings, signer)
        log = ChangeLog(connection)
        plan = _plan(connection, settings, drafts, republish=republish)
        times = log.next_log_times(len(plan.changed), now)
        log.append(
            [
                _change(draft, plan.held.get(draft.record.iri), settings, signer, version)
                for draft, version in zip(plan.changed, times, strict=True)
            ]
        )
    return plan.published


def _plan(connection: Connection, settings: Settings, drafts: Sequence[_Draft], *, republish: bool) -> _Plan:
    by_iri = {draft.record.iri: draft for draft in drafts}
    withdrawn = tuple(withdrawn_among(connection, {iri: _former_names(iri, settings) for iri in by_iri}))
    left = () if republish else withdrawn
    for each in left:
        del by_iri[each.iri]
    held = _held_graphs(connection, list(by_iri))
    wanted = [_with_former_names(draft, held.get(iri), settings) for iri, draft in by_iri.items()]
    changed = [draft for draft in wanted if not _is_published(draft, held.get(draft.record.iri))]
    created = sum(1 for draft in changed if draft.record.iri not in held)
    counts = (created, len(changed) - created, len(wanted) - len(changed))
    return _Plan(changed, held, Published(*counts, left, withdrawn if republish else ()))


def _former_names(iri: str, settings: Settings) -> list[str]:
    """The IRIs a record had before the node moved, the newest first."""
    return [former.uri_space + iri.removeprefix(settings.uri_space) for former in reversed(settings.former)]


def check_key(settings: Settings, signer: Signer) -> None:
    """Raise ConflictError when this is no longer the key of the node, because what it signs nobody believes.

    To be called under the log's lock, for a rotation takes it too.
    """
    if signer.verification_method != current_name(settings):
        raise ConflictError("the key of this node was changed meanwhile; repeat the command")


def _held_graphs(connection: Connection, iris: Sequence[str]) -> _Held:
    held = Catalogue(connection).held(iris)
    graphs = ChangeLog(connection).graphs(each.id for each in held.values())
    return {iri: (graphs[each.id], each.issued) for iri, each in held.items()}


def _with_former_names(draft: _Draft, held: tuple[LoggedChange, datetime] | None, settings: Settings) -> _Draft:
    """The draft with what the live version says of IRIs the record had before the node moved; editors need not know."""
    if held is None or not settings.former:
        return draft
    starts = tuple(f"<{draft.record.iri}> <{OWL.sameAs}> <{former.uri_space}" for former in settings.former)
    names = [line for line in held[0].graph.nquads.decode().splitlines(keepends=True) if line.startswith(starts)]
    return replace(draft, body=tuple(dict.fromkeys((*draft.body, *names))))


def _is_published(draft: _Draft, held: tuple[LoggedChange, datetime] | None) -> bool:
    """Whether the record's own triples are those of the live version; its version and dates do not count."""
    if held is None or held[0].graph.action is Action.DELETE:
        return False
    meta = f"<{draft.record.iri}#meta> "
    lines = held[0].graph.nquads.decode().splitlines(keepends=True)
    return set(draft.body) == {line for line in lines if not line.startswith(meta)}


def _change(
    draft: _Draft, held: tuple[LoggedChange, datetime] | None, settings: Settings, signer: Signer, version: datetime
) -> Change:
    iri = draft.record.iri
    issued = held[1] if held else version
    action = Action.UPDATE if held else Action.CREATE
    lines = [*draft.body, *meta_lines(iri, settings, version, issued)]
    graph = signed(iri, action, lines, settings, signer, version)
    return Change(version, graph, draft.entry, issued=issued, unknown_terms=draft.unknown_terms)


def signed(
    iri: str, action: Action, lines: Iterable[str], settings: Settings, signer: Signer, version: datetime
) -> RecordGraph:
    """The record graph with these lines, signed in the name of the node with these settings."""
    nquads = canonical_bytes(lines)
    proof = signer.sign(nquads, version)
    return RecordGraph(iri, action, settings.node_iri, version, nquads, digest(nquads), proof)
