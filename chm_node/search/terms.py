"""Terms of the vocabularies in the search index. Decides; touches nothing.

A record is indexed with one token for each of its terms, and a question asks for the terms whose names hold its words:
an Arabic word finds a French record. The names of a term, in six languages, are so kept once and not in every record,
and a corrected name counts at once.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from chm_node.search import analyser
from chm_node.search.analyser import Query
from chm_node.vocabulary import Term, Vocabularies, vocabularies

_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


@lru_cache(maxsize=4096)
def term_token(iri: str) -> str:
    """What stands in the index for a term, known to a vocabulary of ours or not; letters and digits, as any token."""
    return f"t{hashlib.sha256(iri.encode()).hexdigest()[:15]}"


def query(text: str) -> Query:
    """The words somebody typed, each with the terms that are called so in any language."""
    named = names()
    typed = analyser.query(text).words
    return Query(tuple((*word, *_terms(word, named)) for word in typed))


def names() -> Mapping[str, frozenset[str]]:
    """The tokens of the terms that have a word in their names, by word; made by the first call."""
    return _names(vocabularies())


def _terms(word: Iterable[str], named: Mapping[str, frozenset[str]]) -> list[str]:
    return sorted(frozenset().union(*(named.get(form, frozenset()) for form in word)))


@lru_cache(maxsize=1)
def _names(known: Vocabularies) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for term in (term for key in known for term in known[key].terms.values()):
        for word in analyser.document_text(_names_of(term)).split():
            found.setdefault(word, set()).add(term_token(term.iri))
    return {word: frozenset(tokens) for word, tokens in found.items()}


def _names_of(term: Term) -> list[tuple[str, str]]:
    labels = [(label, language) for language, label in term.labels.items()]
    return labels + [(code, "") for code in (*term.codes, *term.aliases) if not _GUID.fullmatch(code)]
