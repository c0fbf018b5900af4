"""Tables: one record a row, in the columns of ``COLUMNS`` (``docs/reference/commands.md``).

The ``slug`` is the owner's name for a record: the same slug gives the same IRI at every import. Dates, places,
organisations, terms, figures and links go to the fields of the record type; what no field can hold goes, in words,
to the summary. Nothing is dropped.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chm_node.errors import Problem
from chm_node.importing.draft import Draft
from chm_node.importing.found import Found, checked
from chm_node.importing.quantities import read_quantities
from chm_node.importing.relations import Names, read_relations, sources_in
from chm_node.importing.rows import TITLE, Row, rows_of
from chm_node.importing.stated_type import unknown_type
from chm_node.publishing import identifier_of, record_iri
from chm_node.record import Record
from chm_node.record_types import RECORD_TYPES
from chm_node.schema import RecordType
from chm_node.schema.groups import order_problems
from chm_node.settings import Settings
from chm_node.text import clean_text, language_tag

_SYMBOL = re.compile(r"(?=\S*\d)[A-Z]{2,}[\w.-]*(?:/[\w.-]+)+|[A-Z]+-\d[\w./-]*/\d+|[IVX]+/\d+")
_PARAGRAPH = re.compile(r"(\d+(?:\([a-z]\))?)\.?\s")

_PERIOD = {"starts": "start", "ends": "end"}

#: Where a problem of a field most likely comes from, when no column filled it.
_USUAL_COLUMNS = {
    "number": "title_orig",
    "government": "country",
    "treaties": "treaty",
    "chemical": "topics",
    "quantity": "quantities",
    "title": "title_orig",
    **_PERIOD,
}
_STARTS = ("date", "adopted_on", "founded_on")
_ENDS = ("ends", "due")
_ORGANISATIONS = ("organisers", "lead", "body", "responsible", "parties", "secretariat", "publishers")


def read_table(data: bytes, settings: Settings, assumed: RecordType | None = None) -> list[Found]:
    """The records of a table; ``assumed`` is the type of the rows that name none.

    Raises ParseError when the file as a whole is no such table.
    """
    rows = rows_of(data)
    named = {row["slug"]: row for row in reversed(rows) if row["slug"]}
    types = {slug: _type(row, assumed) for slug, row in named.items()}
    iris = {slug: _iri(slug, each, settings) for slug, each in types.items() if each}
    names = Names(_all_names(named, iris), _results(rows, iris))
    found = []
    for row in rows:
        problems = _row_problems(row, named, assumed)
        record_type = _type(row, assumed)
        if record_type and row["slug"] and not row.surplus:
            found.append(_found(row, record_type, problems, names, settings))
        else:  # what the cells mean is not known
            found.append(Found(row.place, None, tuple(problems)))
    return found


def _found(row: Row, record_type: RecordType, problems: Sequence[Problem], names: Names, settings: Settings) -> Found:
    draft = Draft(record_type)
    _read_titles(draft, row)
    _read_dates(draft, row)
    _read_place(draft, row)
    _read_organisation(draft, row, names)
    _read_terms(draft, row)
    read_quantities(draft, row["quantities"], row["title_en"])
    read_relations(draft, row["slug"], row["relations"], names)
    _read_whole(draft, row["slug"], names)
    _read_caveat(draft, row)
    if draft.notes:
        draft.put(("summary",), {"en": "\n".join(draft.notes)}, "quantities")
    record = Record(_iri(row["slug"], record_type, settings), record_type.name, draft.values)
    found = checked(row.place, record, record_type, [*problems, *draft.problems], settings)
    by_column = dict.fromkeys(_by_column(_of_figures(each, row), draft) for each in found.problems)
    return replace(found, problems=tuple(by_column), slug=row["slug"])


# What the rows are called.


def _all_names(named: Mapping[str, Row], iris: Mapping[str, str]) -> dict[str, str]:
    """Slugs, and the numbers and symbols that stand as titles."""
    symbols = {
        match[0]: iris[slug]
        for slug, row in named.items()
        if slug in iris and (match := _SYMBOL.fullmatch(row["title_orig"]))
    }
    return symbols | dict(iris)


def _results(rows: Sequence[Row], iris: Mapping[str, str]) -> dict[str, list[str]]:
    results: dict[str, list[str]] = {}
    for row in rows:
        for source in sources_in(row["relations"]):
            if row["slug"] in iris:
                results.setdefault(source, []).append(iris[row["slug"]])
    return results


def _type(row: Row, assumed: RecordType | None) -> RecordType | None:
    name = row["type"]
    return RECORD_TYPES.get(name) if name else assumed


def _iri(slug: str, record_type: RecordType, settings: Settings) -> str:
    return record_iri(settings, record_type.name, identifier_of(settings, slug))


def _row_problems(row: Row, named: Mapping[str, Row], assumed: RecordType | None) -> list[Problem]:
    """What is wrong whatever the record type."""
    problems = []
    if row.surplus:
        problems.append(Problem("row", "has more cells than the table has columns; is a text with a comma not quoted?"))
    if not row["slug"]:
        problems.append(Problem("slug", "is needed"))
    elif named[row["slug"]] is not row:
        problems.append(Problem("slug", f"is used on line {named[row['slug']].line} already"))
    if _type(row, assumed) is None:
        problems.append(unknown_type(row["type"]) if row["type"] else Problem("type", "is needed"))
    if row["title_orig"] and not row["lang"]:
        problems.append(Problem("lang", "write the language of title_orig, such as fr"))
    return problems


# The columns of one row.


def _read_titles(draft: Draft, row: Row) -> None:
    titles: dict[str, str] = {}
    if original := row["title_orig"]:
        titles[language_tag(row["lang"]) or "und"] = original
        _put_filled(draft, ("original_language",), row["lang"], "lang")
    for column in filter(TITLE.fullmatch, row.cells):
        language, text = column.removeprefix("title_"), row[column]
        if text and clean_text(titles.setdefault(language, text)) != clean_text(text):
            draft.problems.append(Problem(column, f"title_orig is another title in {language}; keep one of them"))
    draft.put(("title",), titles, "title_orig")
    if symbol := _SYMBOL.search(original):
        draft.put(("number",), symbol[0], "title_orig")
    elif draft.has("decision") and (paragraph := _PARAGRAPH.match(row["title_en"])):
        draft.put(("number",), paragraph[1], "title_en")


def _read_dates(draft: Draft, row: Row) -> None:
    start, end = row["start"], row["end"]
    draft.problems += order_problems({"starts": start, "ends": end})
    if re.search("[A-Za-z]", end) and draft.has("deadline"):
        draft.put(("deadline",), {"event_name": {"en": end}}, "end")
        end = ""
    if draft.has("starts"):
        _put_filled(draft, ("starts",), start, "start")
        if end and not draft.put(_ENDS, end, "end"):
            draft.note("End", end)
    elif start and end and draft.has("measured_during"):
        draft.put(("measured_during",), {"starts": start, "ends": end}, "start")
    else:
        rest = {} if not start or draft.put(_STARTS, start, "start") else {"starts": start}
        if end and not draft.put(_ENDS, end, "end"):
            rest = {"starts": start, "ends": end} if start else {"ends": end}
        if rest:
            draft.put(("period",), rest, "start")


def _put_filled(draft: Draft, names: Sequence[str], value: str, column: str) -> None:
    if value:
        draft.put(names, value, column)


def _read_place(draft: Draft, row: Row) -> None:
    countries = row.several("country")
    for country in countries:
        draft.put(("coverage",), country, "country")
    if len(countries) == 1 and draft.record_type.problems({"government": countries[0]}) != draft.record_type.problems(
        {}
    ):
        draft.put(("government",), countries[0], "country")
    if not (text := row["place"]):
        return
    place: dict[str, Any] = {"name": {row["lang"] or "en": text}}
    if len(countries) == 1:
        place["country"] = countries[0]
    if not draft.put(("place", "location", "sites"), place, "place"):
        draft.note("Place", text)


def _read_organisation(draft: Draft, row: Row, names: Names) -> None:
    text = row["org"]
    iri = names.iris.get(text)
    if not text or (iri and draft.put(("institution", "parent"), iri, "org")):
        return
    if draft.has("parent") and not draft.has("secretariat"):
        draft.note("Organisation", text)  # publishing an organisation is not what this says
        return
    draft.put(_ORGANISATIONS, iri or {"name": {row["lang"] or "en": text}}, "org")


def _read_terms(draft: Draft, row: Row) -> None:
    for treaty in row.several("treaty"):
        draft.put(("treaties",), treaty, "treaty")
    for topic in row.several("topics"):
        draft.put(("chemical", "subjects"), topic, "topics")


def _read_whole(draft: Draft, slug: str, names: Names) -> None:
    """A paragraph belongs to the decision whose slug its own begins with: mc-6-20-4a to mc-6-20."""
    if not draft.has("decision"):
        return
    for match in reversed(list(re.finditer("-", slug))):
        if whole := names.iris.get(slug[: match.start()]):
            draft.put(("decision",), whole, "slug")
            return


def _read_caveat(draft: Draft, row: Row) -> None:
    if caveat := row["caveat"]:
        source = f"Source document {row['seed']}".strip()
        draft.put(("statements",), {"statement": {"en": caveat}, "source": {"en": source}}, "caveat")


def _of_figures(problem: Problem, row: Row) -> Problem:
    """A figure that is lacking although its cell is filled could not be read."""
    written = row["quantities"]
    if _USUAL_COLUMNS.get(problem.field) != "quantities" or not written:
        return problem
    return Problem(problem.field, f"{written!r} cannot be read; write a number and t, kg or g, such as 300 t PCB")


def _by_column(problem: Problem, draft: Draft) -> Problem:
    """The problem under the name of the column it comes from, where that is not the field's own name."""
    name, _, part = problem.field.partition(" ")
    column = _PERIOD.get(part) or draft.columns.get(name) or _USUAL_COLUMNS.get(name, name)
    return Problem(column, problem.message, problem.language)
