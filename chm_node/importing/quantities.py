"""Figures written in words: ``300 t PCB``, ``EUR 210 000``, ``target 54, actual 54``, ``80 participants``."""

import re
from collections.abc import Callable

from chm_node.errors import Problem
from chm_node.importing.draft import Draft
from chm_node.namespaces import UNIT

_COLUMN = "quantities"
_UNITS = {"t": UNIT.TONNE, "kg": UNIT.KiloGM, "g": UNIT.GM, "%": UNIT.PERCENT}

#: What may part thousands, and what then marks decimals; the last are the Arabic ones.
_MARKS = ((r"\s", "[.,٫]"), (",", r"\."), (r"\.", ","), ("٬", "٫"))
_WHOLE = "|".join(rf"\d{{1,3}}(?:{mark}\d{{3}})+" for mark, _ in _MARKS)
_DECIMAL = "|".join(rf"\d{{1,3}}(?:{mark}\d{{3}})+{point}\d+" for mark, point in _MARKS)
_NUMBER = rf"({_DECIMAL}|{_WHOLE}|\d+(?:[.,٫]\d+)?)"
_COUNT = rf"({_WHOLE}|\d+)"
#: Fifteen hundred in one country and one and a half in another: a factor of 1,000 is nothing to guess.
_DOUBTFUL = re.compile(r"(?![0٠۰])\d{1,3}[.,]\d{3}")


def read_quantities(draft: Draft, text: str, title: str) -> None:
    """Read the parts between semicolons; what is not plain stays a note, what can be read in two ways is a problem."""
    unit = re.search(r"\((\w+)\)\s*\Z", title)
    if unit and text and draft.has("unit", "figures"):
        draft.put(("unit",), unit[1], _COLUMN)
    for part in filter(None, (each.strip() for each in text.split(";"))):
        if _read(draft, part, _COUNTS):
            continue
        match = _read(draft, part, _FIGURES)
        if not match:
            draft.note("Quantities", part)
            continue
        draft.problems += [_doubt(each) for each in match.groups() if each and _DOUBTFUL.fullmatch(each)]


def _read(draft: Draft, part: str, patterns: "_Patterns") -> re.Match[str] | None:
    """The first match whose figures a field took."""
    matches = ((pattern.fullmatch(part), read) for pattern, read in patterns)
    return next((match for match, read in matches if match and read(draft, match)), None)


def _doubt(written: str) -> Problem:
    whole, part = (int(digits) for digits in re.split("[.,]", written))
    thousands, decimal = f"{whole}{part:03}", f"{whole}.{part:03}".rstrip("0").rstrip(".")
    # With a fourth decimal there is no doubt.
    unmistakable = f"{decimal}0" if re.fullmatch(r"\d+\.\d{3}", decimal) else decimal
    message = f"{written} may be {thousands} or {decimal}; write {thousands} or {unmistakable}"
    return Problem(_COLUMN, message)


def _participants(draft: Draft, match: re.Match[str]) -> bool:
    return draft.put(("participants",), _count(match[1]), _COLUMN)


def _target(draft: Draft, match: re.Match[str]) -> bool:
    if not draft.has("planned", "achieved"):
        return False
    draft.put(("planned",), _number(match[1]), _COLUMN)
    draft.put(("achieved",), _number(match[2]), _COLUMN)
    if match[3]:
        draft.put(("percent",), _number(match[3]), _COLUMN)
    return True


def _money(draft: Draft, match: re.Match[str]) -> bool:
    return draft.put(("budget", "amount"), {"amount": _number(match[2]), "currency": match[1]}, _COLUMN)


def _mass(draft: Draft, match: re.Match[str]) -> bool:
    quantity = {"value": _number(match[1]), "unit": _UNITS[match[2]]}
    if draft.has("figures") and match[3]:
        return draft.put(("figures",), {"name": {"en": match[3]}, "quantity": quantity}, _COLUMN)
    return draft.put(("quantity",), quantity, _COLUMN)


def _holders(draft: Draft, match: re.Match[str]) -> bool:
    draft.put(("holders",), {"en": [match[2]]}, _COLUMN)
    return draft.put(("holder_count",), _count(match[1]), _COLUMN)


def _value(draft: Draft, match: re.Match[str]) -> bool:
    return draft.put(("value",), _number(match[1]), _COLUMN)


def _figure(draft: Draft, match: re.Match[str]) -> bool:
    if "unit" not in draft.values or not draft.has("figures"):
        return False
    quantity = {"value": _number(match[2]), "unit": draft.values["unit"]}
    return draft.put(("figures",), {"name": {"en": match[1]}, "quantity": quantity}, _COLUMN)


_Patterns = tuple[tuple[re.Pattern[str], Callable[[Draft, re.Match[str]], bool]], ...]
_COUNTS: _Patterns = (
    (re.compile(rf"{_COUNT} participants"), _participants),
    (re.compile(rf"{_COUNT} (companies|holders)"), _holders),
)
_FIGURES: _Patterns = (
    (re.compile(rf"target {_NUMBER}, actual {_NUMBER}(?: \({_NUMBER} ?%\))?"), _target),
    (re.compile(rf"([A-Z]{{3}}) {_NUMBER}"), _money),
    (re.compile(rf"{_NUMBER} ?(t|kg|g)(?: (?!\d)(.+))?"), _mass),
    (re.compile(_NUMBER), _value),
    (re.compile(rf"([a-z][a-z ]+) {_NUMBER}"), _figure),
)


def _count(text: str) -> str:
    return re.sub(r"\D", "", text)


def _number(text: str) -> str:
    """The figure as a Number field takes it; of a doubtful one, one of its readings."""
    marks = re.findall("[.,٫]", text)
    if not marks or marks.count(marks[-1]) > 1:
        return _count(text)
    whole, _, decimals = text.rpartition(marks[-1])
    return f"{_count(whole)}.{decimals}"
