"""A stretch of a listing as feeds show it: newest change first, withdrawals among them, by cursor.

A withdrawn record has left its facets and the search index, so whether it belonged to a filtered
listing is read off its last version.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.sql.elements import ColumnElement, UnaryExpression

from chm_node.canonical import read_triples
from chm_node.catalogue.held import Filter, Held, held_of, passing
from chm_node.entry import entry
from chm_node.record import Action, Entry, milliseconds
from chm_node.record_types import type_of
from chm_node.search.terms import query as analyse_query
from chm_node.tables import change as change_table
from chm_node.tables import record as record_table

#: Withdrawn records that one stretch looks at, which bounds what a filter can cost.
_LOOKED_AT = 200


@dataclass(frozen=True)
class Stretch:
    """Part of a timeline, and where its neighbours begin."""

    records: Sequence[Held]
    older: datetime | None  #: the next stretch is what lies before this; None at the end
    newer: datetime | None  #: the same for the previous stretch; None when that is the first


@dataclass(frozen=True)
class _Side:
    """What lies on one side of a log timestamp, nearest first."""

    bound: Sequence[ColumnElement[bool]]
    order: UnaryExpression[Any]  # Any: the order of a column, whatever its type


def stretch(connection: Connection, chosen: Filter, size: int, before: datetime | None = None) -> Stretch:
    """The newest ``size`` records and withdrawals, or those before a log timestamp."""
    bound = () if before is None else (record_table.c.log_time < milliseconds(before),)
    found = _merged(connection, chosen, size + 1, _Side(bound, record_table.c.log_time.desc()))
    found.sort(key=lambda held: held.log_time, reverse=True)
    shown = found[:size]
    return Stretch(
        shown,
        shown[-1].log_time if len(found) > size else None,
        _newer(connection, chosen, size, before) if before else None,
    )


def _newer(connection: Connection, chosen: Filter, size: int, before: datetime) -> datetime | None:
    bound = (record_table.c.log_time >= milliseconds(before),)
    found = _merged(connection, chosen, size + 1, _Side(bound, record_table.c.log_time.asc()))
    found.sort(key=lambda held: held.log_time)
    return found[size].log_time if len(found) > size else None


def _merged(connection: Connection, chosen: Filter, count: int, side: _Side) -> list[Held]:
    """At least the nearest ``count`` records and withdrawals on one side, unsorted."""
    live = _nearest(connection, passing(chosen, connection.dialect.name), side, count)
    # The withdrawal of what was never here is for those who follow the log, and no news to a reader.
    ever = select(change_table.c.seq).where(
        change_table.c.record_id == record_table.c.id, change_table.c.action != Action.DELETE.value
    )
    withdrawn: list[ColumnElement[bool]] = [record_table.c.withdrawn, record_table.c.digest != "", ever.exists()]
    if chosen.origin:
        withdrawn.append(record_table.c.origin == chosen.origin)
    gone = _nearest(connection, withdrawn, side, _LOOKED_AT)
    return [*live, *islice((held for held in gone if _was_in(connection, chosen, held)), count)]


def _nearest(connection: Connection, conditions: Sequence[ColumnElement[bool]], side: _Side, limit: int) -> list[Held]:
    statement = select(record_table).where(*conditions, *side.bound).order_by(side.order).limit(limit)
    return [held_of(row) for row in connection.execute(statement)]


def _was_in(connection: Connection, chosen: Filter, held: Held) -> bool:
    if not chosen.facets and not chosen.words:
        return True
    if chosen.in_vain:
        return False
    last = _last_entry(connection, held)
    return last is not None and _passes(chosen, last)


def _last_entry(connection: Connection, held: Held) -> Entry | None:
    """What listings showed of a record before it was withdrawn."""
    statement = (
        select(change_table.c.nquads)
        .where(change_table.c.record_id == held.id, change_table.c.action != Action.DELETE.value)
        .order_by(change_table.c.seq.desc())
        .limit(1)
    )
    nquads = connection.execute(statement).scalar_one_or_none()
    if not nquads:
        return None
    triples = read_triples(nquads)
    return entry(held.iri, triples, type_of(held.iri, triples))


def _passes(chosen: Filter, last: Entry) -> bool:
    facets = set(last.facets)
    if not all(any((facet, value) in facets for value in values) for facet, values in chosen.facets.items()):
        return False
    words = set(f"{last.search_title} {last.search_body}".split())
    return all(not words.isdisjoint(alternatives) for alternatives in analyse_query(chosen.words).words)
