"""What an import file holds: one record, where it stands, and what is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass

from chm_node.addresses import address_problems
from chm_node.errors import InvalidRecordError, Problem
from chm_node.publishing import check, with_defaults
from chm_node.record import Record
from chm_node.schema import RecordType
from chm_node.settings import Settings


@dataclass(frozen=True)
class Found:
    """One record of a file; ``record`` is None when it cannot be published."""

    place: str  #: where it stands: ``line 12 (ws-pnm-2016)``, or its IRI
    record: Record | None
    problems: tuple[Problem, ...] = ()
    unknown_terms: tuple[tuple[str, str], ...] = ()  #: (field, text) kept although no vocabulary has it
    untagged: tuple[str, ...] = ()  #: fields with a text that says no language
    slug: str = ""  #: its owner's name for it, in a table


@dataclass(frozen=True)
class Contents:
    """What one file holds."""

    found: list[Found]
    left_out: tuple[str, ...] = ()  #: what else it speaks of, each once: IRIs, and blank nodes no record leads to


def checked(
    place: str, draft: Record, record_type: RecordType, problems: Sequence[Problem], settings: Settings
) -> Found:
    """What was read, with the node's defaults; ``problems`` are those of the reading."""
    problems = [*problems, *address_problems(draft.iri, settings.uri_space)]
    try:
        record = record_type.record(draft.iri, with_defaults(draft.values, settings), draft.extra)
        check(record, settings)
    except InvalidRecordError as error:
        unread = {problem.field for problem in problems}  # said once is enough: not "is needed" as well
        return Found(place, None, (*problems, *(each for each in error.problems if each.field not in unread)))
    if problems:
        return Found(place, None, tuple(problems))
    return Found(place, record, (), tuple(record_type.unknown_terms(record.values)))
