"""The kinds of field: each is the only place that knows control, check, RDF and JSON of its values.

Values are plain Python: text, ``bool``, ``int``, ``Decimal``, and dictionaries of language to text.
A kind maps one value to one RDF term and back; how often a value may occur is handled by ``Field``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import pyoxigraph as ox

from chm_node.errors import Problem
from chm_node.namespaces import SDO, XSD
from chm_node.schema.field import Field, Index, Node
from chm_node.text import clean_text, language_tag, valid_language_tag

_MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
LANGUAGE_PATTERN = "^([a-z]{2,8}|x)(-[a-z0-9]{1,8})*$"
# Few are in use, and a page states each of them hundreds of times.
_is_language_tag = lru_cache(64)(valid_language_tag)


@dataclass(frozen=True)
class Text(Field):
    """Text in no language: a name, a number plate, a code."""

    def plain(self, node: Any) -> bool:
        return isinstance(node, ox.Literal) and not node.language and node.value[:1].isalnum()


@dataclass(frozen=True)
class MediaType(Text):
    """A media type such as ``application/pdf``; an IRI of the IANA register in RDF (as DCAT 3 §6.8.15 asks)."""

    def plain(self, node: Any) -> bool:
        return False  # it has rules of its own

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
            "propertyNames": {"pattern": LANGUAGE_PATTERN},
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


NAME = LocalisedText("name", SDO.name, "Name")
