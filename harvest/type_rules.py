"""What breaks the rules of a record's type: shown, and no reason to refuse it.

Reading a record by its declaration takes longer than all else that is done with it, so only what cannot be taken for
right at a glance is read.
"""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import pyoxigraph as ox

from chm_node.errors import Problem
from chm_node.record_types import OTHER, RECORD_TYPES
from chm_node.schema.field import Field, Index
from chm_node.schema.groups import Group
from chm_node.schema.record_type import RecordType
from chm_node.schema.references import Language, Term
from harvest.graphs import iri_of

#: Characters of the terms of one field whose check is remembered.
_WORTH_REMEMBERING = 512
_OF_TERMS = (Term, Language)
_HOLDING_TERMS = (Term, Group)
_Terms = tuple[tuple[str, str], ...]  # (field, value)


def check(iri: str, index: Index, record_type: RecordType) -> tuple[str, _Terms]:
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
    terms = tuple(map(iri_of, nodes))
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
