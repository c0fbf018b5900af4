"""The kinds of field whose value is a date or a number."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar

import pyoxigraph as ox

from chm_node.namespaces import XSD
from chm_node.schema.field import Field, Node

_LONGEST_NUMBER = 400  # digits before and after the point
_LONGEST_DATE = len("2017-04-05T12:00:00.123456+00:00")
_DECIMAL = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})\Z")


@dataclass(frozen=True)
class Date(Field):
    """A day, month, year or moment, as ISO 8601 text: ``2017-04-05``, ``2017-04``, ``2017``."""

    control: ClassVar[str] = "date"

    def problem(self, value: Any) -> str:
        if isinstance(value, str) and date_type(value):
            return ""
        return "write the date as year-month-day, such as 2017-04-05; the day or month may be left out"

    def to_node(self, value: Any) -> Node:
        return ox.Literal(value, datatype=ox.NamedNode(str(date_type(value))))

    def from_node(self, node: Any) -> Any:
        if not isinstance(node, ox.Literal) or not date_type(node.value):
            raise ValueError("should be a date such as 2017-04-05")
        return node.value

    def plain(self, node: Any) -> bool:
        return isinstance(node, ox.Literal) and date_type(node.value) is not None

    def json_schema_one(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^\d{4}(-\d{2}(-\d{2}(T.*)?)?)?$"}

    def constraints(self) -> list[tuple[str, Any]]:
        return [("or-datatype", (XSD.date, XSD.gYearMonth, XSD.gYear, XSD.dateTime))]


@dataclass(frozen=True)
class Number(Field):
    """A whole or decimal number, exact: ``int`` or ``Decimal``, never a float."""

    control: ClassVar[str] = "number"

    def clean_one(self, value: Any) -> Any:
        text = _plain_number(value)
        if not _DECIMAL.match(text):
            return value
        number = Decimal(text)
        # Decimal.normalize would round to 28 digits.
        return int(number) if number == number.to_integral_value() else Decimal(f"{number:f}".rstrip("0"))

    def problem(self, value: Any) -> str:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return (
            "" if whole or (isinstance(value, Decimal) and value.is_finite()) else "write a number, such as 800 or 2.5"
        )

    def to_node(self, value: Any) -> Node:
        if isinstance(value, int):
            return ox.Literal(str(value), datatype=ox.NamedNode(XSD.integer))
        return ox.Literal(f"{value:f}", datatype=ox.NamedNode(XSD.decimal))

    def from_node(self, node: Any) -> Any:
        if not isinstance(node, ox.Literal) or not _DECIMAL.match(node.value):
            raise ValueError("should be a number such as 800 or 2.5")
        return self.clean_one(node.value)

    def json_schema_one(self) -> dict[str, Any]:
        # Text where a JSON number, read as a float, would be another number.
        return {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?\d+\.\d+$"}]}

    def constraints(self) -> list[tuple[str, Any]]:
        return [("or-datatype", (XSD.integer, XSD.decimal))]

    def to_json(self, value: Any) -> Any:
        if self.many:
            return [_json_number(one) for one in value]
        return _json_number(value)


def lies_after(one: str, other: str) -> bool:
    """Whether one date lies after another, as far as both are known: "2017-04" does not lie after "2017"."""
    if date_type(one) == date_type(other) == XSD.dateTime:  # each in its own zone
        return datetime.fromisoformat(one) > datetime.fromisoformat(other)
    return one[: len(other)] > other[: len(one)]


def date_type(text: str) -> str | None:
    """The XML Schema type of an ISO 8601 text, None when it is no date."""
    return _short_date_type(text) if len(text) <= _LONGEST_DATE else None


@lru_cache(maxsize=4096)  # a day comes again and again
def _short_date_type(text: str) -> str | None:
    try:
        if re.fullmatch(r"[0-9]{4}", text) and text != "0000":
            return XSD.gYear
        if re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text) and text[:4] != "0000":
            return XSD.gYearMonth
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            date.fromisoformat(text)
            return XSD.date
        if re.fullmatch(r"[0-9-]{10}T[0-9:]{8}(\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])", text):
            datetime.fromisoformat(text)
            return XSD.dateTime
    except ValueError:
        return None
    return None


def _plain_number(value: Any) -> str:
    """The number written out without an exponent; no number at all for a value that has no such form."""
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        return f"{value:f}" if value.is_finite() and abs(value.adjusted()) < _LONGEST_NUMBER else ""
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _json_number(value: Any) -> int | float | str:
    """A JSON number where that is exact, text where a float would change the value."""
    if isinstance(value, int):
        return value
    return float(value) if Decimal(repr(float(value))) == value else str(value)


#: A name in several languages, the commonest part of a group.
