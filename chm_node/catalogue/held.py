"""A record as a listing shows it, and which records a filter lets pass."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.sql.elements import ColumnElement

from chm_node.record import from_milliseconds
from chm_node.search import index
from chm_node.search.terms import query as analyse_query
from chm_node.tables import facet as facet_table
from chm_node.tables import record as record_table

#: Above this many records a listing says "more than", instead of counting for seconds.
COUNT_LIMIT = 10_000


@dataclass(frozen=True)
class Held:
    """A record as a listing shows it."""

    id: int
    iri: str
    type: str
    origin: str
    version: datetime  #: UTC; the origin's last change
    digest: str
    log_time: datetime  #: UTC; when this node took the version over
    issued: datetime  #: UTC; first published, as far as this node knows
    titles: Mapping[str, str]
    summaries: Mapping[str, str]
    starts: str
    ends: str
    withdrawn: bool


@dataclass(frozen=True)
class Filter:
    """Which records a listing, a feed or a search shows: all conditions hold, values of one facet are alternatives."""

    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: str = ""
    origin: str = ""

    @property
    def in_vain(self) -> bool:
        """Whether its words hold nothing that can be searched for: no record passes then."""
        return bool(self.words) and not analyse_query(self.words).words


@dataclass(frozen=True)
class Listing:
    """A stretch of a listing, newest first."""

    records: tuple[Held, ...]
    total: int  #: of all records in the listing, at most COUNT_LIMIT + 1


def held_of(row: Row[Any]) -> Held:  # Any: as SQLAlchemy types a row of a table
    """The record in a row of the table ``record``."""
    return Held(
        id=row.id,
        iri=row.iri,
        type=row.type,
        origin=row.origin,
        version=from_milliseconds(row.version),
        digest=row.digest,
        log_time=from_milliseconds(row.log_time),
        issued=from_milliseconds(row.issued),
        titles=json.loads(row.titles),
        summaries=json.loads(row.summaries),
        starts=row.starts,
        ends=row.ends,
        withdrawn=row.withdrawn,
    )


def passing(chosen: Filter, dialect: str) -> list[ColumnElement[bool]]:
    """Conditions on ``record``, all of which hold for the live records that pass the filter."""
    conditions: list[ColumnElement[bool]] = [~record_table.c.withdrawn]
    for facet, values in chosen.facets.items():
        hits = select(facet_table.c.record_id).where(facet_table.c.facet == facet, facet_table.c.value.in_(values))
        conditions.append(record_table.c.id.in_(hits))
    if chosen.origin:
        conditions.append(record_table.c.origin == chosen.origin)
    if chosen.words:
        conditions.append(index.matching(dialect, analyse_query(chosen.words)))
    return conditions
