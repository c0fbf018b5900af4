"""Vocabularies and their terms: reads the SKOS Turtle files of ``vocabularies/`` and of a node's own directory.

A file is read when its scheme is first asked for. Importing this module reads nothing.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import pyoxigraph as ox

from chm_node.errors import SettingsError, UnknownTermError

# Spelled out rather than taken from ``namespaces``: that imports rdflib, which takes longer than reading a vocabulary.
#: The setting ``vocabulary_dir``; an environment variable, because a sandboxed child has no settings of its own.
DIRECTORY_VARIABLE = "CHM_VOCABULARY_DIR"

BASE = "https://w3id.org/chm/vocabulary/"
_CHM = "https://w3id.org/chm/ns#"
_SKOS = "http://www.w3.org/2004/02/skos/core#"
_SKOSXL = "http://www.w3.org/2008/05/skos-xl#"
_RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_DCTERMS_TITLE = "http://purl.org/dc/terms/title"
_LABEL_QUALITY = _CHM + "labelQuality"

_SEPARATOR = ", "
_CAS_NUMBER = re.compile(r"(?:CAS)?(\d{2,7}-\d{2}-\d)", re.IGNORECASE)

_Values = Mapping[str, Sequence[ox.Literal | ox.NamedNode]]


@dataclass(frozen=True)
class Term:
    """One SKOS concept. ``unofficial`` and ``machine`` name the languages whose label is not the publisher's own."""

    iri: str
    scheme: str
    notation: str
    labels: Mapping[str, str] = field(hash=False)
    unofficial: frozenset[str]
    broader: tuple[str, ...]
    matches: tuple[str, ...]
    aliases: tuple[str, ...]
    properties: Mapping[str, str] = field(
        default_factory=dict, hash=False
    )  # local name in chm:; several values as "a, b"
    machine: frozenset[str] = frozenset()  # part of ``unofficial``: translated by a machine, checked by nobody

    def label(self, languages: Sequence[str]) -> tuple[str, str]:
        """The label and its language: the first language that has one, else English, else any, else the notation."""
        wanted = [form for language in languages for form in (language, language.split("-")[0])]
        for language in (*wanted, "en", *self.labels):
            if language in self.labels:
                return self.labels[language], language
        return self.notation, ""

    @property
    def codes(self) -> tuple[str, ...]:
        """Everything that stands for the term and is no name: notation, end of its IRI, CAS numbers."""
        return self.notation, _local_id(self.iri), *self.cas_numbers

    @property
    def cas_numbers(self) -> tuple[str, ...]:
        return tuple(filter(None, self.properties.get("casNumber", "").split(_SEPARATOR)))


@dataclass(frozen=True)
class Vocabulary:
    """One concept scheme; ``terms`` by IRI in the order of the file, which is the order to show them in."""

    key: str
    iri: str
    titles: Mapping[str, str]
    terms: Mapping[str, Term]

    def find(self, text: str) -> Term | None:
        """The term of that IRI, notation, id, alias, CAS number or label in any language; blanks and case are ignored.

        Where two terms share a text, an earlier kind of that list wins, then the earlier term.
        """
        key = _folded(text)
        if cas := _CAS_NUMBER.fullmatch(key):
            key = cas.group(1)
        return self._by_text.get(key)

    @cached_property
    def _by_text(self) -> Mapping[str, Term]:
        found: dict[str, Term] = {}
        for kind in zip(*map(_texts, self.terms.values()), strict=True):
            for term, texts in zip(self.terms.values(), kind, strict=True):
                for text in texts:
                    found.setdefault(_folded(text), term)
        return found


class Vocabularies:
    """All vocabularies of a node, each read from its file when first needed."""

    def __init__(self, files: Mapping[str, Traversable]) -> None:
        self._files = files
        self._contents: dict[str, bytes] = {}
        self._read: dict[str, Vocabulary] = {}

    @classmethod
    def shipped(cls, extra: Path | None = None) -> "Vocabularies":
        """The vocabularies of this release and those of ``extra``; a file there replaces the shipped one of its name.

        Raises SettingsError when ``extra`` is no directory.
        """
        own = cls.of(extra)._files if extra else {}
        return cls(dict(sorted((_turtle_files(resources.files("vocabularies")) | dict(own)).items())))

    @classmethod
    def of(cls, directory: Path) -> "Vocabularies":
        """The vocabularies of this directory alone; raises SettingsError when it is none."""
        if not directory.is_dir():
            raise SettingsError(f"the directory of vocabularies {directory} does not exist")
        return cls(_turtle_files(directory))

    def keys(self) -> Sequence[str]:
        return tuple(self._files)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __getitem__(self, key: str) -> Vocabulary:
        """Raises KeyError for a scheme nobody ships, SettingsError for a file that is no vocabulary."""
        if key not in self._read:
            file = self._files[key]
            self._read[key] = _read(key, file, self.turtle(key))
        return self._read[key]

    def turtle(self, key: str) -> bytes:
        """The file of a scheme, as it was when first read; raises KeyError for a scheme nobody ships."""
        if key not in self._contents:
            self._contents[key] = self._files[key].read_bytes()
        return self._contents[key]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything these vocabularies say, hexadecimal."""
        files = ((key, hashlib.sha256(self.turtle(key)).hexdigest()) for key in self)
        return hashlib.sha256(repr(list(files)).encode()).hexdigest()

    def fetch(self) -> None:
        """Read the bytes of every file, for a process that can open none later; each is understood when needed."""
        for key in self:
            self.turtle(key)

    def read_all(self) -> None:
        """Understand every file now; raises SettingsError for one that is no vocabulary, OSError for one not read."""
        for key in self:
            self[key]

    def term(self, iri: str) -> Term | None:
        key = iri.removeprefix(BASE).split("/")[0] if iri.startswith(BASE) else ""
        if key in self._files and (term := self[key].terms.get(iri)):
            return term
        # Only an IRI outside our space, or one nobody knows, costs reading every file.
        return self._by_iri.get(iri)

    def resolve(self, schemes: Sequence[str], text: str) -> Term:
        """The term in the first of the schemes that has one; raises UnknownTermError."""
        for scheme in schemes:
            if term := self[scheme].find(text):
                return term
        raise UnknownTermError(", ".join(schemes), text)

    def expand(self, iri: str) -> frozenset[str]:
        """The IRI and everything narrower, over all schemes: what a filter on a term has to match."""
        found = {iri}
        waiting = [iri]
        while waiting:
            new = self._narrower.get(waiting.pop(), frozenset()) - found
            found |= new
            waiting.extend(new)
        return frozenset(found)

    @cached_property
    def _by_iri(self) -> Mapping[str, Term]:
        return {iri: term for key in self for iri, term in self[key].terms.items()}

    @cached_property
    def _narrower(self) -> Mapping[str, frozenset[str]]:
        narrower: dict[str, set[str]] = {}
        for iri, term in self._by_iri.items():
            for parent in term.broader:
                narrower.setdefault(parent, set()).add(iri)
        return {iri: frozenset(children) for iri, children in narrower.items()}


def use_directory(directory: Path) -> None:
    """Have this process, and the children that read documents for it, know the vocabularies of this directory too."""
    os.environ[DIRECTORY_VARIABLE] = str(directory)
    vocabularies.cache_clear()


@cache
def vocabularies() -> Vocabularies:
    """The shipped vocabularies and those of the node's own directory, shared by the whole process.

    Raises SettingsError when there is no such directory.
    """
    directory = os.environ.get(DIRECTORY_VARIABLE)
    return Vocabularies.shipped(Path(directory) if directory else None)


def _turtle_files(directory: Traversable) -> dict[str, Traversable]:
    return {entry.name.removesuffix(".ttl"): entry for entry in directory.iterdir() if entry.name.endswith(".ttl")}


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _local_id(iri: str) -> str:
    return re.split(r"[/#]", iri)[-1]


def _texts(term: Term) -> tuple[Sequence[str], ...]:
    """What finds a term, the strongest kind of text first."""
    names = tuple(term.labels.values())
    return (term.iri,), (term.notation,), (_local_id(term.iri),), term.aliases, term.cas_numbers, names


def _read(key: str, file: Traversable, contents: bytes) -> Vocabulary:
    try:
        subjects = _by_subject(contents)
    except SyntaxError as error:
        raise SettingsError(f"the vocabulary {file} is not readable as Turtle: {error}") from error
    schemes = [iri for iri, values in subjects.items() if _is_a(values, "ConceptScheme")]
    if len(schemes) != 1:
        raise SettingsError(f"the vocabulary {file} holds {len(schemes)} concept schemes instead of one")
    concepts = {iri: values for iri, values in subjects.items() if _is_a(values, "Concept")}
    terms = {iri: _term(iri, key, values, subjects) for iri, values in concepts.items()}
    return Vocabulary(key, schemes[0], _by_language(subjects[schemes[0]], _DCTERMS_TITLE), terms)


def _by_subject(turtle: bytes) -> dict[str, dict[str, list[ox.Literal | ox.NamedNode]]]:
    subjects: dict[str, dict[str, list[ox.Literal | ox.NamedNode]]] = {}
    for quad in ox.parse(turtle, ox.RdfFormat.TURTLE, base_iri=BASE):
        if isinstance(quad.subject, ox.NamedNode) and isinstance(quad.object, ox.Literal | ox.NamedNode):
            values = subjects.setdefault(quad.subject.value, {})
            values.setdefault(quad.predicate.value, []).append(quad.object)
    return subjects


def _is_a(values: _Values, skos_class: str) -> bool:
    return any(node.value == _SKOS + skos_class for node in values.get(_RDF_TYPE, ()))


def _by_language(values: _Values, predicate: str) -> dict[str, str]:
    return {node.language or "": node.value for node in values.get(predicate, ()) if isinstance(node, ox.Literal)}


def _strings(values: _Values, *predicates: str) -> tuple[str, ...]:
    return tuple(node.value for predicate in predicates for node in values.get(predicate, ()))


def _term(iri: str, key: str, values: _Values, subjects: Mapping[str, _Values]) -> Term:
    notations = _strings(values, _SKOS + "notation")
    quality = _label_quality(values, subjects)
    return Term(
        iri=iri,
        scheme=key,
        notation=notations[0] if notations else _local_id(iri),
        labels=_by_language(values, _SKOS + "prefLabel"),
        unofficial=frozenset(quality),
        broader=_strings(values, _SKOS + "broader"),
        matches=_strings(values, *(predicate for predicate in values if predicate.endswith("Match"))),
        aliases=notations[1:] + _strings(values, _SKOS + "altLabel", _SKOS + "hiddenLabel"),
        properties={
            predicate.removeprefix(_CHM): _SEPARATOR.join(_strings(values, predicate))
            for predicate in values
            if predicate.startswith(_CHM)
        },
        machine=frozenset(language for language, mark in quality.items() if mark == _CHM + "machine"),
    )


def _label_quality(values: _Values, subjects: Mapping[str, _Values]) -> Mapping[str, str]:
    """Language to quality of the labels that say they are not official (SKOS-XL, ``chm:labelQuality``)."""
    quality: dict[str, str] = {}
    for label in values.get(_SKOSXL + "prefLabel", ()):
        described = subjects.get(label.value, {})
        for mark in _strings(described, _LABEL_QUALITY):
            quality |= dict.fromkeys(_by_language(described, _SKOSXL + "literalForm"), mark)
    return quality
