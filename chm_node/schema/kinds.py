"""The kinds of field: each is the only place that knows control, check, RDF and JSON of its values.

Values are plain Python: text, ``bool``, ``int``, ``Decimal``, and dictionaries of language to text.
A kind maps one value to one RDF term and back; how often a value may occur is handled by ``Field``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar

import pyoxigraph as ox

from chm_node.errors import Problem
from chm_node.namespaces import LANGUAGE, SDO, VOCABULARY, XSD
from chm_node.schema.field import Field as Field
from chm_node.schema.field import Index as Index
from chm_node.schema.field import Node as Node
from chm_node.text import clean_text, language_tag, valid_iri, valid_language_tag
from chm_node.vocabulary import Term as VocabularyTerm
from chm_node.vocabulary import vocabularies

_MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
_LANGUAGE_PATTERN = "^([a-z]{2,8}|x)(-[a-z0-9]{1,8})*$"
_LONGEST_NUMBER = 400  # digits before and after the point
_LONGEST_DATE = len("2017-04-05T12:00:00.123456+00:00")
_DECIMAL = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})\Z")
# Few are in use, and a page states each of them hundreds of times.
_is_language_tag = lru_cache(64)(valid_language_tag)


@dataclass(frozen=True)
class Text(Field):
    """Text in no language: a name, a number plate, a code."""


@dataclass(frozen=True)
class MediaType(Text):
    """A media type such as ``application/pdf``; an IRI of the IANA register in RDF (as DCAT 3 §6.8.15 asks)."""

    def problem(self, value: Any) -> str:
        fine = isinstance(value, str) and re.fullmatch(r"[a-z]+/[a-z0-9][a-z0-9.+-]*", value)
        return "" if fine else "write a media type such as application/pdf"

    def to_node(self, value: Any) -> Node:
        return ox.NamedNode(_MEDIA_TYPES + value)

    def from_node(self, node: Any) -> Any:
        value = node.value.removeprefix(_MEDIA_TYPES) if isinstance(node, ox.NamedNode | ox.Literal) else ""
        if self.problem(value):
            raise ValueError("should be a media type such as application/pdf")
        return value

    def constraints(self) -> list[tuple[str, Any]]:
        return [("nodeKind", "IRI")]


@dataclass(frozen=True)
class Choice(Field):
    """One of a few fixed words."""

    choices: tuple[str, ...] = ()
    control: ClassVar[str] = "select"

    def problem(self, value: Any) -> str:
        return "" if value in self.choices else f"choose one of: {', '.join(self.choices)}"

    def json_schema_one(self) -> dict[str, Any]:
        return {"enum": list(self.choices)}

    def constraints(self) -> list[tuple[str, Any]]:
        return [("in", self.choices)]


@dataclass(frozen=True)
class LocalisedText(Field):
    """Text per language: ``{"fr": "…", "ar": "…"}``; with ``many``, lists of texts per language."""

    control: ClassVar[str] = "localised"

    def clean(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        cleaned = {language_tag(str(language)): self._clean_texts(texts) for language, texts in value.items()}
        return {language: texts for language, texts in sorted(cleaned.items()) if texts}

    def problems(self, value: Any) -> list[Problem]:
        if self.is_empty(value):
            return [Problem(self.name, "is needed in at least one language")] if self.required else []
        if not isinstance(value, Mapping):
            return [Problem(self.name, "give the text for each language, such as fr: …")]
        return [
            Problem(self.name, message, language)
            for language, texts in value.items()
            for message in self._text_problems(language, texts)
        ]

    def triples(self, subject: str, value: Any) -> Iterator[ox.Triple]:
        node, predicate = ox.NamedNode(subject), ox.NamedNode(self.predicate)
        for language, texts in value.items():
            for text in texts if self.many else [texts]:
                yield ox.Triple(node, predicate, ox.Literal(text, language=language))

    def read(self, subject: str, index: Index) -> tuple[Any, list[Problem]]:
        found: dict[str, list[str]] = {}
        problems = []
        for node in self.nodes(subject, index):
            if isinstance(node, ox.Literal):
                found.setdefault(node.language or "und", []).append(node.value)
            else:
                problems.append(Problem(self.name, "should be text"))
        if self.many:
            return (self.clean(found) or None), problems
        several = {language: texts for language, texts in found.items() if len(texts) > 1}
        doubled = [language for language, texts in several.items() if len(set(map(clean_text, texts))) > 1]
        problems += [Problem(self.name, "two texts where one is allowed", language) for language in doubled]
        single = {language: texts[0] for language, texts in found.items() if language not in doubled}
        return (self.clean(single) or None), problems

    def flawless(self, nodes: Sequence[Any]) -> bool:
        languages = [node.language for node in nodes if isinstance(node, ox.Literal) and node.value[:1].isalnum()]
        return 0 < len(set(languages)) == len(nodes) and all(
            language and _is_language_tag(language) for language in languages
        )

    def understood(self, subject: str, index: Index) -> Iterator[ox.Triple]:
        for node in self.nodes(subject, index):
            if isinstance(node, ox.Literal):
                yield ox.Triple(ox.NamedNode(subject), ox.NamedNode(self.predicate), node)

    def json_schema(self) -> dict[str, Any]:
        text: dict[str, Any] = {"type": "string", "minLength": 1}
        texts = {"type": "array", "items": text, "minItems": 1} if self.many else text
        return {
            "title": self.label,
            **({"description": self.hint} if self.hint else {}),
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": _LANGUAGE_PATTERN},
            "additionalProperties": texts,
        }

    def constraints(self) -> list[tuple[str, Any]]:
        return [("nodeKind", "Literal")] + ([] if self.many else [("uniqueLang", True)])

    def _clean_texts(self, texts: Any) -> Any:
        if not self.many:
            return clean_text(texts) if isinstance(texts, str) else texts
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            return texts
        return sorted({clean_text(text) for text in texts} - {""})

    def _text_problems(self, language: str, texts: Any) -> Iterator[str]:
        if not valid_language_tag(language):
            yield f"{language!r} is not a language tag such as fr, ar or zh"
        for text in texts if self.many and isinstance(texts, list) else [texts]:
            if not isinstance(text, str) or not text:
                yield "write some text"


@dataclass(frozen=True)
class Date(Field):
    """A day, month, year or moment, as ISO 8601 text: ``2017-04-05``, ``2017-04``, ``2017``."""

    control: ClassVar[str] = "date"

    def problem(self, value: Any) -> str:
        if isinstance(value, str) and _date_type(value):
            return ""
        return "write the date as year-month-day, such as 2017-04-05; the day or month may be left out"

    def to_node(self, value: Any) -> Node:
        return ox.Literal(value, datatype=ox.NamedNode(str(_date_type(value))))

    def from_node(self, node: Any) -> Any:
        if not isinstance(node, ox.Literal) or not _date_type(node.value):
            raise ValueError("should be a date such as 2017-04-05")
        return node.value

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


@dataclass(frozen=True)
class YesNo(Field):
    """Yes or no."""

    control: ClassVar[str] = "checkbox"

    def clean_one(self, value: Any) -> Any:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        return words.get(value.strip().lower(), value) if isinstance(value, str) else value

    def problem(self, value: Any) -> str:
        return "" if isinstance(value, bool) else "answer yes or no"

    def to_node(self, value: Any) -> Node:
        return ox.Literal("true" if value else "false", datatype=ox.NamedNode(XSD.boolean))

    def from_node(self, node: Any) -> Any:
        answer = self.clean_one(node.value) if isinstance(node, ox.Literal) else None
        if not isinstance(answer, bool):
            raise ValueError("should be true or false")
        return answer

    def json_schema_one(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def constraints(self) -> list[tuple[str, Any]]:
        return [("datatype", XSD.boolean)]


@dataclass(frozen=True)
class Link(Field):
    """An address on the web, or a ``mailto:``, ``tel:`` or ``urn:`` one."""

    control: ClassVar[str] = "url"

    def problem(self, value: Any) -> str:
        return (
            ""
            if isinstance(value, str) and valid_iri(value)
            else "write a full address, such as https://example.org/page"
        )

    def to_node(self, value: Any) -> Node:
        return ox.NamedNode(value)

    def from_node(self, node: Any) -> Any:
        if not isinstance(node, ox.NamedNode):
            raise ValueError("should be an address")
        return node.value

    def json_schema_one(self) -> dict[str, Any]:
        return {"type": "string", "format": "iri"}

    def constraints(self) -> list[tuple[str, Any]]:
        return [("nodeKind", "IRI")]


@dataclass(frozen=True)
class RecordReference(Link):
    """The IRI of another record, here or on another node."""

    types: tuple[str, ...] = ()  #: record types the form offers; empty for all
    control: ClassVar[str] = "record"


@dataclass(frozen=True)
class Language(Field):
    """A language by its ISO 639-1 code; an IRI of the Library of Congress list in RDF (as DCAT 3 advises)."""

    control: ClassVar[str] = "language"

    def clean_one(self, value: Any) -> Any:
        return language_tag(value) if isinstance(value, str) else value

    def problem(self, value: Any) -> str:
        return (
            "" if isinstance(value, str) and valid_language_tag(value) else "write a language code such as fr, ar or zh"
        )

    def to_node(self, value: Any) -> Node:
        return ox.NamedNode(f"{LANGUAGE}{value}")

    def from_node(self, node: Any) -> Any:
        if isinstance(node, ox.NamedNode) and valid_language_tag(node.value.rsplit("/", 1)[-1]):
            return node.value.rsplit("/", 1)[-1]
        if isinstance(node, ox.Literal) and valid_language_tag(node.value):
            return node.value
        raise ValueError("should be a language")

    def json_schema_one(self) -> dict[str, Any]:
        return {"type": "string", "pattern": _LANGUAGE_PATTERN}

    def constraints(self) -> list[tuple[str, Any]]:
        return [("nodeKind", "IRI")]


@dataclass(frozen=True)
class Term(Field):
    """A term of a vocabulary, by IRI. A term we do not know is kept as it came, never dropped."""

    schemes: tuple[str, ...] = ()
    control: ClassVar[str] = "term"

    def clean_one(self, value: Any) -> Any:
        text = clean_text(value) if isinstance(value, str) else value
        term = self.known(text)
        return term.iri if term else text

    def known(self, value: Any) -> VocabularyTerm | None:
        """The term a value names by IRI, code, alias or label; None when no scheme of ours has it."""
        return _known_term(self.schemes, value) if isinstance(value, str) and value else None

    def problem(self, value: Any) -> str:
        return "" if isinstance(value, str) and value else "choose a term"

    def to_node(self, value: Any) -> Node:
        return ox.NamedNode(value) if valid_iri(value) else ox.Literal(value)

    def from_node(self, node: Any) -> Any:
        if isinstance(node, ox.NamedNode | ox.Literal):
            return node.value
        raise ValueError("should be a term")

    def constraints(self) -> list[tuple[str, Any]]:
        return [("nodeKind", "IRIOrLiteral")]


@lru_cache(maxsize=16384)  # the same few hundred terms stand in record after record
def _known_term(schemes: tuple[str, ...], value: str) -> VocabularyTerm | None:
    if value.startswith(VOCABULARY):
        return vocabularies().term(value)
    return next((term for key in schemes if (term := vocabularies()[key].find(value))), None)


def _date_type(text: str) -> str | None:
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
NAME = LocalisedText("name", SDO.name, "Name")
