"""What the value of a facet may be, and which IRI it stands for. Decides; touches nothing.

A term of our vocabularies is shortened (``countries/DZ``); any other IRI and any text stay as they came. A row of the
catalogue holds the value alone, so what it is has to be read off it.
"""

import re
from functools import lru_cache
from typing import Any

import pyoxigraph as ox

from chm_node.namespaces import VOCABULARY
from chm_node.text import clean_text, is_clean, valid_iri
from chm_node.vocabulary import vocabularies

#: No value is longer: what a stranger calls a term may be longer than an index of PostgreSQL can hold.
LETTERS = 300
#: What can do without the beginning of our IRIs: nothing that would be read as another IRI, or as a name.
_SHORT = re.compile(r"[a-z0-9-]+/")


def of_node(node: Any) -> str:  # Any: whatever RDF term a stranger sent
    """The value of an RDF term as it came; empty for what no page could show."""
    if isinstance(node, ox.NamedNode):
        return of_iri(node.value[:LETTERS])
    return of_text(node.value) if isinstance(node, ox.Literal) else ""


@lru_cache(maxsize=4096)  # the same few hundred terms stand in record after record
def of_iri(iri: str) -> str:
    """The value of an IRI, of which a caller gives ``LETTERS`` at most, for it is remembered.

    Empty for one that cannot be shown: cleaned it would be another. One that is cut is a text.
    """
    if len(iri) == LETTERS:
        return of_text(iri)
    rest = iri.removeprefix(VOCABULARY)
    value = rest if rest != iri and _SHORT.match(rest) else iri
    return value if is_clean(value) else ""


def of_text(text: str) -> str:
    """The value of a text; what is too long is cut, and ends so that nobody takes it for an IRI."""
    text = clean_text(text)
    return text if len(text) < LETTERS else f"{text[: LETTERS - 2].rstrip()} …"


def iri_of(value: str) -> str:
    """The IRI that a value stands for; empty for a text, and for an IRI that was cut."""
    if len(value) >= LETTERS:  # rows of old were cut there
        return ""
    if valid_iri(value):
        return value
    iri = f"{VOCABULARY}{value}"
    # A term that a newer release has is one of a scheme that we have; "and/or" is a text.
    ours = _SHORT.match(value) and value.partition("/")[0] in vocabularies().keys()  # noqa: SIM118  no mapping
    return iri if ours and valid_iri(iri) else ""
