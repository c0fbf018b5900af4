"""The kinds of field whose value names something else: a link, a record, a language, a term."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import pyoxigraph as ox

from chm_node import facets
from chm_node.namespaces import LANGUAGE, VOCABULARY
from chm_node.schema.field import Field, Node
from chm_node.schema.kinds import LANGUAGE_PATTERN
from chm_node.text import (
    clean_text,
    language_tag,
    primary_language,
    shortest_tag,
    valid_iri,
    valid_language_tag,
)
from chm_node.vocabulary import Term as VocabularyTerm
from chm_node.vocabulary import vocabularies

#: What can name a term or a language, and so much of its end as can be one.
_NAMING, _LONGEST_END = (ox.NamedNode, ox.Literal), 80


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

    def plain(self, node: Any) -> bool:
        return isinstance(node, ox.NamedNode) and valid_iri(node.value)

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
        return shortest_tag(language_tag(value)) if isinstance(value, str) else value

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

    def facet_value(self, node: Any) -> str:
        # Any list of languages ends its IRIs by a code; a reader of Portuguese wants what is in that of Brazil too.
        return _language_at_end(node.value[-_LONGEST_END:]) if isinstance(node, _NAMING) else ""

    def json_schema_one(self) -> dict[str, Any]:
        return {"type": "string", "pattern": LANGUAGE_PATTERN}

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
        short = isinstance(value, str) and 0 < len(value) < facets.LETTERS
        return _known_term(self.schemes, value) if short else None

    def problem(self, value: Any) -> str:
        return "" if isinstance(value, str) and value else "choose a term"

    def to_node(self, value: Any) -> Node:
        return ox.NamedNode(value) if valid_iri(value) else ox.Literal(value)

    def from_node(self, node: Any) -> Any:
        if isinstance(node, ox.NamedNode | ox.Literal):
            return node.value
        raise ValueError("should be a term")

    def facet_value(self, node: Any) -> str:
        if isinstance(node, ox.NamedNode) and (iri := node.value).startswith(VOCABULARY):
            return facets.of_iri(iri[: facets.LETTERS])  # most are such, and there is nothing to look up
        if not isinstance(node, _NAMING):
            return ""
        if term := self.known(node.value):
            return facets.of_iri(term.iri)
        # As ``to_node`` has it: what is written like an IRI is one.
        return facets.of_node(ox.NamedNode(node.value) if valid_iri(node.value) else node)

    def constraints(self) -> list[tuple[str, Any]]:
        return [("nodeKind", "IRIOrLiteral")]


@lru_cache(maxsize=1024)
def _language_at_end(iri: str) -> str:
    return primary_language(iri.rsplit("/", 1)[-1])


@lru_cache(maxsize=16384)  # the same few hundred terms stand in record after record
def _known_term(schemes: tuple[str, ...], value: str) -> VocabularyTerm | None:
    if value.startswith(VOCABULARY):
        return vocabularies().term(value)
    return next((term for key in schemes if (term := vocabularies()[key].find(value))), None)
