"""A stretch of a listing as feeds show it: newest change first, withdrawals among them, by cursor.

A withdrawn record has left its facets and the search index, so whether it belonged to a filtered
listing is read off its last version.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.sql.elements import ColumnElement, UnaryExpression

from chm_node.canonical import read_triples
from chm_node.catalogue import Catalogue, Filter, Held
from chm_node.catalogue import _held as held_of
from chm_node.database import change as change_table
from chm_node.database import record as record_table
from chm_node.entry import entry
from chm_node.record import Action, Entry, milliseconds
from chm_node.record_types import type_of
from chm_node.search.analyser import query as analyse_query

#: Withdrawn records that one stretch looks at, which bounds what a filter can cost.
_LOOKED_AT = 200


@dataclass(frozen=True)
class Stretch:
    """Part of a timeline, and where its neighbours begin."""

    records: Sequence[Held]
    total: int  #: live records of the whole listing, at most COUNT_LIMIT + 1
    older: datetime | None  #: the next stretch is what lies before this; None at the end
    newer: datetime | None  #: the same for the previous stretch; None when that is the first


class Timeline(Catalogue):
    """The catalogue, read by log timestamp with withdrawals included."""

    def stretch(self, chosen: Filter, size: int, before: datetime | None = None) -> Stretch:
        """The newest ``size`` records and withdrawals, or those before a log timestamp."""
        older_ones = () if before is None else (record_table.c.log_time < milliseconds(before),)
        found = self._merged(chosen, size + 1, older_ones, record_table.c.log_time.desc())
        found.sort(key=lambda held: held.log_time, reverse=True)
        shown = found[:size]
        return Stretch(
            shown,
            self.listing(chosen, 0).total,
            shown[-1].log_time if len(found) > size else None,
            self._newer(chosen, size, before) if before else None,
        )

    def _newer(self, chosen: Filter, size: int, before: datetime) -> datetime | None:
        newer_ones = (record_table.c.log_time >= milliseconds(before),)
        found = self._merged(chosen, size + 1, newer_ones, record_table.c.log_time.asc())
        found.sort(key=lambda held: held.log_time)
        return found[size].log_time if len(found) > size else None

    def _merged(
        self, chosen: Filter, count: int, bound: Sequence[ColumnElement[bool]], order: UnaryExpression[Any]
    ) -> list[Held]:
        """At least the nearest ``count`` records and withdrawals on one side of a bound, unsorted."""
        live = self._rows((*self._condition(chosen), *bound), order, count)
        gone_from = [record_table.c.withdrawn, *bound]
        if chosen.origin:
            gone_from.append(record_table.c.origin == chosen.origin)
        gone = self._rows(gone_from, order, _LOOKED_AT)
        return [*live, *islice((held for held in gone if self._was_in(chosen, held)), count)]

    def _rows(self, conditions: Sequence[ColumnElement[bool]], order: UnaryExpression[Any], limit: int) -> list[Held]:
        statement = select(record_table).where(*conditions).order_by(order).limit(limit)
        return [held_of(row) for row in self._connection.execute(statement)]

    def _was_in(self, chosen: Filter, held: Held) -> bool:
        if not chosen.facets and not chosen.words:
            return True
        last = self._last_entry(held)
        return last is not None and _passes(chosen, last)

    def _last_entry(self, held: Held) -> Entry | None:
        """What listings showed of a record before it was withdrawn."""
        statement = (
            select(change_table.c.nquads)
            .where(change_table.c.record_id == held.id, change_table.c.action != Action.DELETE.value)
            .order_by(change_table.c.seq.desc())
            .limit(1)
        )
        nquads = self._connection.execute(statement).scalar_one_or_none()
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
