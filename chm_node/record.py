"""A published record, what happens to it, and what a listing shows of it. Frozen values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import pyoxigraph as ox

#: Field name to value; the shape of each value is its kind's (``chm_node.schema``).
Values = Mapping[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Record:
    """One described thing, as its owner states it."""

    iri: str  #: minted by the owner, never changes
    type: str  #: name of the record type
    values: Values
    #: Triples the record type does not declare; kept and published as they came.
    extra: tuple[ox.Triple, ...] = ()


class Action(Enum):
    """What a change did; the value is the ActivityStreams 2.0 activity type."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


@dataclass(frozen=True)
class Tombstone:
    """What a withdrawn record leaves behind (ActivityStreams 2.0 §3.3)."""

    iri: str
    former_type: str
    reason: Mapping[str, str] = field(default_factory=dict)  #: language to sentence
    replaced_by: str | None = None
    erased: bool = False  #: whoever holds the record has to let go of every version of it at once


@dataclass(frozen=True)
class Entry:
    """What listings, feeds and the search index need of a record, read from its graph once."""

    type: str  #: name of the record type; "record" when it is none we know
    titles: Mapping[str, str]  #: language to text
    summaries: Mapping[str, str]
    facets: Sequence[tuple[str, str]]  #: (facet, value), see ``chm_node.entry``
    starts: str = ""  #: ISO 8601 day, month or year
    ends: str = ""
    search_title: str = ""  #: analysed words
    search_body: str = ""


@dataclass(frozen=True)
class RecordGraph:
    """One version of one record as it is federated: canonical bytes, their hash, the owner's proof.

    The bytes are sorted canonical N-Quads without blank nodes, which is what RDFC-1.0 yields for
    such a graph. Hubs store and forward them unchanged.
    """

    iri: str
    action: Action
    origin: str  #: IRI of the node that owns the record
    version: datetime  #: UTC, whole milliseconds; when the origin committed it
    nquads: bytes
    digest: str  #: SHA-256 of ``nquads``, hexadecimal
    proof: Mapping[str, str] | None = None  #: ``eddsa-rdfc-2022``, see ``chm_node.proofs``


@dataclass(frozen=True)
class Change:
    """One row of the change log."""

    log_time: datetime  #: UTC, whole milliseconds, strictly increasing within one node
    graph: RecordGraph
    entry: Entry
    hops: tuple[str, ...] = ()  #: node IRIs the record passed, origin first; empty on the origin
    derived_from: str | None = None  #: the peer's activity this one repeats
    issued: datetime | None = None  #: UTC; first published by the origin; None when it does not say
    unknown_terms: tuple[tuple[str, str], ...] = ()  #: (field, term) kept although no vocabulary of ours has it


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970 UTC."""
    return (moment - _EPOCH) // _MILLISECOND


def from_milliseconds(value: int) -> datetime:
    """The UTC moment of whole milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=value)


def timestamp(moment: datetime) -> str:
    """xsd:dateTime with milliseconds and ``Z``, the one form used in record graphs and the log."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"  # half the time of strftime


def parse_timestamp(text: str) -> datetime:
    """The UTC moment of an xsd:dateTime with a zone; raises ``ValueError`` for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.astimezone(UTC)


def activity_iri(base_url: str, log_time: datetime) -> str:
    """The IRI of the log entry with this log timestamp on the node at ``base_url``."""
    return f"{base_url}act/{timestamp(log_time).replace('-', '').replace(':', '').replace('.', '')}"
