"""Tables: one record a row, in the columns of ``COLUMNS`` (``docs/reference/commands.md``).

The ``slug`` is the owner's name for a record: the same slug gives the same IRI at every import. Dates, places,
organisations, terms, figures and links go to the fields of the record type; what no field can hold goes, in words,
to the summary. Nothing is dropped.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chm_node.errors import ParseError, Problem
from chm_node.importing.draft import Draft
from chm_node.importing.found import Found, checked
from chm_node.importing.quantities import read_quantities
from chm_node.importing.relations import Names, read_relations, sources_in
from chm_node.importing.stated_type import unknown_type
from chm_node.publishing import identifier_of, record_iri
from chm_node.record import Record
from chm_node.record_types import RECORD_TYPES
from chm_node.schema import RecordType
from chm_node.settings import Settings

COLUMNS = (
    "type", "slug", "title_orig", "lang", "title_en", "start", "end", "place", "country", "org", "treaty", "topics",
    "quantities", "relations", "seed", "caveat",
)  # fmt: skip
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_TITLE = re.compile(r"title_[a-z]{2,3}")
_SYMBOL = re.compile(r"(?=\S*\d)[A-Z]{2,}[\w.-]*(?:/[\w.-]+)+|[A-Z]+-\d[\w./-]*/\d+|[IVX]+/\d+")
_PARAGRAPH = re.compile(r"(\d+(?:\([a-z]\))?)\.?\s")

#: Where a problem of a field most likely comes from, when no column filled it.
_USUAL_COLUMNS = {
    "starts": "start",
    "number": "title_orig",
    "government": "country",
    "treaties": "treaty",
    "chemical": "topics",
    "quantity": "quantities",
    "title": "title_orig",
}
_STARTS = ("date", "adopted_on", "founded_on")
_ENDS = ("ends", "due")
_ORGANISATIONS = ("organisers", "lead", "body", "responsible", "parties", "secretariat", "publishers")


@dataclass(frozen=True)
class _Row:
    line: int
    cells: Mapping[str, str]
    surplus: bool  #: more cells than columns

    @property
    def slug(self) -> str:
        return self.cells.get("slug", "")

    @property
    def place(self) -> str:
        return f"line {self.line} ({self.slug})" if self.slug else f"line {self.line}"

    def several(self, column: str) -> list[str]:
        """The parts of a cell between bars."""
        return [part.strip() for part in self.cells.get(column, "").split("|") if part.strip()]


def read_table(data: bytes, settings: Settings, assumed: RecordType | None = None) -> list[Found]:
    """The records of a table; ``assumed`` is the type of the rows that name none.

    Raises ParseError when the file as a whole is no such table.
    """
    rows = list(_rows(_text(data)))
    named = {row.slug: row for row in reversed(rows) if row.slug}
    types = {slug: _type(row, assumed) for slug, row in named.items()}
    iris = {slug: _iri(slug, each, settings) for slug, each in types.items() if isinstance(each, RecordType)}
    names = Names(_all_names(named, iris), _results(rows, iris))
    found = []
    for row in rows:
        if problems := _row_problems(row, named, assumed):
            found.append(Found(row.place, None, tuple(problems)))
        else:
            found.append(_found(row, types[row.slug], iris[row.slug], names, settings))
    return found


def _found(row: _Row, record_type: RecordType | None, iri: str, names: Names, settings: Settings) -> Found:
    assert record_type is not None  # noqa: S101 -- _row_problems has refused the row otherwise
    draft = Draft(record_type)
    _read_titles(draft, row)
    _read_dates(draft, row)
    _read_place(draft, row)
    _read_organisation(draft, row, names)
    _read_terms(draft, row)
    read_quantities(draft, row.cells.get("quantities", ""), row.cells.get("title_en", ""))
    read_relations(draft, row.slug, row.cells.get("relations", ""), names)
    _read_whole(draft, row.slug, names)
    _read_caveat(draft, row)
    if draft.notes:
        draft.put(("summary",), {"en": "\n".join(draft.notes)}, "quantities")
    found = checked(row.place, Record(iri, record_type.name, draft.values), record_type, draft.problems, settings)
    problems = tuple(_by_column(_of_figures(each, row), draft) for each in found.problems)
    return Found(found.place, found.record, problems, found.unknown_terms)


# The file.


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ParseError(f"the table is not UTF-8 text (byte {error.start}); save it as CSV UTF-8") from error


def _rows(text: str) -> Iterator[_Row]:
    header = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count), strict=True)
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        _check_columns(columns)
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                values = {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
                yield _Row(line, values, len(cells) > len(columns))
            line = reader.line_num + 1
    except csv.Error as error:
        raise ParseError(f"line {reader.line_num}: the table cannot be read: {error}") from error


def _check_columns(columns: Sequence[str]) -> None:
    unknown = [name for name in columns if name not in COLUMNS and not _TITLE.fullmatch(name)]
    if unknown:
        raise ParseError(f"the column {unknown[0]!r} is not known; use {', '.join(COLUMNS)}, or title_<language>")
    if "slug" not in columns:
        raise ParseError("the table has no column 'slug', your own short name for each record")


def _all_names(named: Mapping[str, _Row], iris: Mapping[str, str]) -> dict[str, str]:
    """Slugs, and the numbers and symbols that stand as titles."""
    symbols = {
        match[0]: iris[slug]
        for slug, row in named.items()
        if slug in iris and (match := _SYMBOL.fullmatch(row.cells.get("title_orig", "")))
    }
    return symbols | dict(iris)


def _results(rows: Sequence[_Row], iris: Mapping[str, str]) -> dict[str, list[str]]:
    results: dict[str, list[str]] = {}
    for row in rows:
        for source in sources_in(row.cells.get("relations", "")):
            if row.slug in iris:
                results.setdefault(source, []).append(iris[row.slug])
    return results


def _type(row: _Row, assumed: RecordType | None) -> RecordType | None:
    name = row.cells.get("type", "")
    return RECORD_TYPES.get(name) if name else assumed


def _iri(slug: str, record_type: RecordType, settings: Settings) -> str:
    return record_iri(settings, record_type.name, identifier_of(settings, slug))


def _row_problems(row: _Row, named: Mapping[str, _Row], assumed: RecordType | None) -> list[Problem]:
    problems = []
    if row.surplus:
        problems.append(Problem("", "has more cells than the table has columns; is a text with a comma not quoted?"))
    if not row.slug:
        problems.append(Problem("slug", "is needed"))
    elif named[row.slug] is not row:
        problems.append(Problem("slug", f"is used on line {named[row.slug].line} already"))
    if _type(row, assumed) is None:
        name = row.cells.get("type", "")
        problems.append(unknown_type(name) if name else Problem("type", "is needed"))
    start, end = row.cells.get("start", ""), row.cells.get("end", "")
    # "2017-04" does not lie after "2017": compare as far as both are known.
    if _DATE.fullmatch(start) and _DATE.fullmatch(end) and start[: len(end)] > end[: len(start)]:
        problems.append(Problem("end", "lies before the start"))
    if row.cells.get("title_orig") and not row.cells.get("lang"):
        problems.append(Problem("lang", "write the language of title_orig, such as fr"))
    return problems


# The columns of one row.


def _read_titles(draft: Draft, row: _Row) -> None:
    titles = {name[6:]: text for name, text in row.cells.items() if _TITLE.fullmatch(name) and text}
    if original := row.cells.get("title_orig"):
        titles[row.cells["lang"]] = original
        draft.put(("original_language",), row.cells["lang"], "lang")
    draft.put(("title",), titles, "title_orig")
    if symbol := _SYMBOL.search(row.cells.get("title_orig", "")):
        draft.put(("number",), symbol[0], "title_orig")
    elif draft.has("decision") and (paragraph := _PARAGRAPH.match(row.cells.get("title_en", ""))):
        draft.put(("number",), paragraph[1], "title_en")


def _read_dates(draft: Draft, row: _Row) -> None:
    start, end = row.cells.get("start", ""), row.cells.get("end", "")
    if re.search("[A-Za-z]", end) and draft.has("deadline"):
        draft.put(("deadline",), {"event_name": {"en": end}}, "end")
        end = ""
    if draft.has("starts"):
        _put_filled(draft, ("starts",), start, "start")
        _put_filled(draft, _ENDS, end, "end")
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


def _read_place(draft: Draft, row: _Row) -> None:
    countries = row.several("country")
    for country in countries:
        draft.put(("coverage",), country, "country")
    if len(countries) == 1 and draft.record_type.problems({"government": countries[0]}) != draft.record_type.problems(
        {}
    ):
        draft.put(("government",), countries[0], "country")
    if not (text := row.cells.get("place", "")):
        return
    place: dict[str, Any] = {"name": {row.cells.get("lang") or "en": text}}
    if len(countries) == 1:
        place["country"] = countries[0]
    if not draft.put(("place", "location", "sites"), place, "place"):
        draft.note("Place", text)


def _read_organisation(draft: Draft, row: _Row, names: Names) -> None:
    text = row.cells.get("org", "")
    iri = names.iris.get(text)
    if not text or (iri and draft.put(("institution", "parent"), iri, "org")):
        return
    if draft.has("parent") and not draft.has("secretariat"):
        draft.note("Organisation", text)  # publishing an organisation is not what this says
        return
    draft.put(_ORGANISATIONS, iri or {"name": {row.cells.get("lang") or "en": text}}, "org")


def _read_terms(draft: Draft, row: _Row) -> None:
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


def _read_caveat(draft: Draft, row: _Row) -> None:
    if caveat := row.cells.get("caveat"):
        source = f"Source document {row.cells.get('seed', '')}".strip()
        draft.put(("statements",), {"statement": {"en": caveat}, "source": {"en": source}}, "caveat")


def _of_figures(problem: Problem, row: _Row) -> Problem:
    """A figure that is lacking although its cell is filled could not be read."""
    written = row.cells.get("quantities", "")
    if _USUAL_COLUMNS.get(problem.field) != "quantities" or not written:
        return problem
    return Problem(problem.field, f"{written!r} cannot be read; write a number and t, kg or g, such as 300 t PCB")


def _by_column(problem: Problem, draft: Draft) -> Problem:
    """The problem under the name of the column it comes from, where that is not the field's own name."""
    name = problem.field.split(" ")[0]
    column = draft.columns.get(name) or _USUAL_COLUMNS.get(name, name)
    if column in ("start", "end"):
        column = "end" if problem.field.endswith("ends") else "start"
    return Problem(column, problem.message, problem.language)
