"""The records this node holds now: one, several, a listing, and what there is to count of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select
from sqlalchemy.sql.elements import ColumnElement

from chm_node.catalogue.held import COUNT_LIMIT, Filter, Held, Listing, held_of, passing
from chm_node.database import in_code_points
from chm_node.errors import RecordNotFoundError, RecordWithdrawnError
from chm_node.record import from_milliseconds
from chm_node.tables import facet as facet_table
from chm_node.tables import record as record_table
from chm_node.tables import unknown_term as unknown_term_table


class Catalogue:
    """Reads records over one connection; what was taken back (``ChangeLog.append``) is not here."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, iri: str) -> Held:
        """The record with this IRI.

        Raises RecordNotFoundError, or RecordWithdrawnError when a tombstone is all that is left.
        """
        held = self.find(iri)
        if held is None:
            raise RecordNotFoundError(iri)
        if held.withdrawn:
            raise RecordWithdrawnError(iri, held.version)
        return held

    def find(self, iri: str) -> Held | None:
        """The record or tombstone with this IRI, None when there is neither."""
        here = (record_table.c.iri == iri, record_table.c.digest != "")
        row = self._connection.execute(select(record_table).where(*here)).one_or_none()
        return held_of(row) if row else None

    def held(self, iris: Iterable[str]) -> dict[str, Held]:
        """The held ones among these records, tombstones included, by IRI."""
        here = (record_table.c.iri.in_(list(iris)), record_table.c.digest != "")
        rows = self._connection.execute(select(record_table).where(*here))
        return {row.iri: held_of(row) for row in rows}

    def digests(self, iris: Sequence[str]) -> dict[str, tuple[datetime, str, bool]]:
        """(version, digest, withdrawn) of the held ones among these records."""
        columns = (record_table.c.iri, record_table.c.version, record_table.c.digest, record_table.c.withdrawn)
        found: dict[str, tuple[datetime, str, bool]] = {}
        for start in range(0, len(iris), 500):
            here = (record_table.c.iri.in_(iris[start : start + 500]), record_table.c.digest != "")
            statement = select(*columns).where(*here)
            for row in self._connection.execute(statement):
                found[row.iri] = (from_milliseconds(row.version), row.digest, row.withdrawn)
        return found

    def withdrawn_by_iri(self, origin: str) -> dict[str, bool]:
        """Whether each of the records of one origin node is withdrawn, by IRI."""
        of_origin = (record_table.c.origin == origin, record_table.c.digest != "")
        rows = self._connection.execute(select(record_table.c.iri, record_table.c.withdrawn).where(*of_origin))
        return {row.iri: row.withdrawn for row in rows}

    def listing(self, chosen: Filter, limit: int, offset: int = 0) -> Listing:
        """Live records that pass the filter, newest log timestamp first."""
        conditions = self._passing(chosen)
        statement = select(record_table).where(*conditions).order_by(record_table.c.log_time.desc())
        rows = self._connection.execute(statement.limit(limit).offset(offset)).all()
        return Listing(tuple(held_of(row) for row in rows), self._count(conditions))

    def facet_counts(self, chosen: Filter, facet: str, limit: int = 200) -> list[tuple[str, int]]:
        """(value, number of records) of one facet among the records that pass the filter, commonest first."""
        statement = select(facet_table.c.value, func.count()).where(*self._counted(chosen, facet))
        by_name = in_code_points(self._connection, facet_table.c.value)
        statement = statement.group_by(facet_table.c.value).order_by(func.count().desc(), by_name).limit(limit)
        return [(value, count) for value, count in self._connection.execute(statement)]

    def facet_count(self, chosen: Filter, facet: str, values: Iterable[str]) -> int:
        """Number of records with any of these values of a facet, counted among the same as ``facet_counts``."""
        conditions = (*self._counted(chosen, facet), facet_table.c.value.in_(list(values)))
        statement = select(func.count(facet_table.c.record_id.distinct())).where(*conditions)
        return self._connection.execute(statement).scalar_one()

    def facets(self, ids: Iterable[int]) -> dict[int, list[tuple[str, str]]]:
        """(facet, value) pairs of several records by row id."""
        statement = select(facet_table).where(facet_table.c.record_id.in_(list(ids)))
        found: dict[int, list[tuple[str, str]]] = {}
        for row in self._connection.execute(statement):
            found.setdefault(row.record_id, []).append((row.facet, row.value))
        return found

    def counts_by_origin(self, chosen: Filter | None = None) -> dict[str, int]:
        """Live records of each origin node, of those that pass the filter when there is one."""
        conditions = self._passing(chosen or Filter())
        statement = select(record_table.c.origin, func.count().label("records")).where(*conditions)
        rows = self._connection.execute(statement.group_by(record_table.c.origin))
        return {row.origin: row.records for row in rows}

    def unknown_terms(self, origins: Sequence[str]) -> list[tuple[str, str, int]]:
        """(field, term, live records) of what these nodes use and no vocabulary of ours has, commonest first."""
        columns = (unknown_term_table.c.field, unknown_term_table.c.value)
        joined = unknown_term_table.join(record_table, record_table.c.id == unknown_term_table.c.record_id)
        counted = select(*columns, func.count().label("records")).select_from(joined).group_by(*columns)
        by_name = [in_code_points(self._connection, each) for each in columns]
        rows = self._connection.execute(
            counted.where(record_table.c.origin.in_(origins)).order_by(func.count().desc(), *by_name)
        )
        return [(row.field, row.value, row.records) for row in rows]

    def _passing(self, chosen: Filter) -> list[ColumnElement[bool]]:
        return passing(chosen, self._connection.dialect.name)

    def _counted(self, chosen: Filter, facet: str) -> list[ColumnElement[bool]]:
        """Conditions on the rows of one facet that are counted; of many records that pass, a part is enough."""
        conditions: list[ColumnElement[bool]] = [facet_table.c.facet == facet]
        if chosen.facets or chosen.words or chosen.origin:
            hits = select(record_table.c.id).where(*self._passing(chosen)).limit(COUNT_LIMIT)
            conditions.append(facet_table.c.record_id.in_(hits))
        return conditions

    def _count(self, conditions: Sequence[ColumnElement[bool]]) -> int:
        hits = select(record_table.c.id).where(*conditions).limit(COUNT_LIMIT + 1).subquery()
        return self._connection.execute(select(func.count()).select_from(hits)).scalar_one()
