"""Figures written in words: ``300 t PCB``, ``EUR 210 000``, ``target 54, actual 54``, ``80 participants``."""

import re
from collections.abc import Callable

from chm_node.importing.draft import Draft
from chm_node.namespaces import UNIT

_COLUMN = "quantities"
_UNITS = {"t": UNIT.TONNE, "kg": UNIT.KiloGM, "g": UNIT.GM, "%": UNIT.PERCENT}
_NUMBER = r"(\d[\d\s]*(?:[.,]\d+)?)"


def read_quantities(draft: Draft, text: str, title: str) -> None:
    """Read the parts between semicolons; what is not plain stays a note."""
    unit = re.search(r"\((\w+)\)\s*\Z", title)
    if unit and text and draft.has("unit", "figures"):
        draft.put(("unit",), unit[1], _COLUMN)
    for part in filter(None, (each.strip() for each in text.split(";"))):
        if not any((match := pattern.fullmatch(part)) and read(draft, match) for pattern, read in _PATTERNS):
            draft.note("Quantities", part)


def _participants(draft: Draft, match: re.Match[str]) -> bool:
    return draft.put(("participants",), _number(match[1]), _COLUMN)


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
    return draft.put(("holder_count",), _number(match[1]), _COLUMN)


def _value(draft: Draft, match: re.Match[str]) -> bool:
    return draft.put(("value",), _number(match[1]), _COLUMN)


def _figure(draft: Draft, match: re.Match[str]) -> bool:
    if "unit" not in draft.values or not draft.has("figures"):
        return False
    quantity = {"value": _number(match[2]), "unit": draft.values["unit"]}
    return draft.put(("figures",), {"name": {"en": match[1]}, "quantity": quantity}, _COLUMN)


_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[Draft, re.Match[str]], bool]], ...] = (
    (re.compile(rf"{_NUMBER} participants"), _participants),
    (re.compile(rf"target {_NUMBER}, actual {_NUMBER}(?: \({_NUMBER} ?%\))?"), _target),
    (re.compile(rf"([A-Z]{{3}}) {_NUMBER}"), _money),
    (re.compile(rf"{_NUMBER} ?(t|kg|g)(?: (?!\d)(.+))?"), _mass),
    (re.compile(rf"{_NUMBER} (companies|holders)"), _holders),
    (re.compile(_NUMBER), _value),
    (re.compile(rf"([a-z][a-z ]+) {_NUMBER}"), _figure),
)


def _number(text: str) -> str:
    """The figure as a Number field takes it."""
    return re.sub(r"\s", "", text).replace(",", ".")
