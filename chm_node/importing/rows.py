"""The rows of a table: cells by column, each row with the line where it begins."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chm_node.errors import ParseError

COLUMNS = (
    "type", "slug", "title_orig", "lang", "title_en", "start", "end", "place", "country", "org", "treaty", "topics",
    "quantities", "relations", "seed", "caveat",
)  # fmt: skip
TITLE = re.compile(r"title_[a-z]{2,3}")


@dataclass(frozen=True)
class Row:
    """One row; a cell that is missing is an empty one."""

    line: int  #: where it begins
    cells: Mapping[str, str]
    surplus: bool  #: more cells than columns

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    @property
    def place(self) -> str:
        return f"line {self.line} ({self['slug']})" if self["slug"] else f"line {self.line}"

    def several(self, column: str) -> list[str]:
        """The parts of a cell between bars."""
        return [part.strip() for part in self[column].split("|") if part.strip()]


def rows_of(data: bytes) -> list[Row]:
    """The rows that are not empty; raises ParseError when the file as a whole is no such table."""
    numbered = _numbered(_text(data))
    _, names = next(numbered, (1, []))
    columns = _columns([name.lower() for name in names])
    return [
        Row(line, dict(zip(columns, cells, strict=False)), len(cells) > len(columns))
        for line, cells in numbered
        if cells
    ]


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ParseError(f"the table is not UTF-8 text (byte {error.start}); save it as CSV UTF-8") from error


def _numbered(text: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, without the empty ones that spreadsheets write at the end, and its first line."""
    header = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count), strict=True)
    line = 1
    try:
        for cells in reader:
            filled = [number for number, cell in enumerate(cells, start=1) if cell.strip()]
            yield line, [cell.strip() for cell in cells[: max(filled, default=0)]]
            line = reader.line_num + 1
    except csv.Error as error:
        # The reader notices a quote that is never closed at the end of the file, or where the cell has grown too long.
        message = f"line {line}: the row that begins here cannot be read; is a quotation mark missing? ({error})"
        raise ParseError(message) from error


def _columns(names: Sequence[str]) -> Sequence[str]:
    if "" in names:
        raise ParseError(f"column {names.index('') + 1} has no name; name it, or take it out")
    if unknown := [name for name in names if name not in COLUMNS and not TITLE.fullmatch(name)]:
        raise ParseError(f"the column {unknown[0]!r} is not known; use {', '.join(COLUMNS)}, or title_<language>")
    if twice := [name for name in names if names.count(name) > 1]:
        raise ParseError(f"the column {twice[0]!r} stands twice; keep one")
    if "slug" not in names:
        raise ParseError("the table has no column 'slug', your own short name for each record")
    return names
