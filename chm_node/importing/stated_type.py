"""Which record type an author means: an import, unlike a harvest, takes no record of a type nobody knows. Decides."""

from collections.abc import Sequence
from difflib import get_close_matches

import pyoxigraph as ox

from chm_node.errors import Problem
from chm_node.namespaces import DCTERMS, RDF, VOCABULARY
from chm_node.record_types import OTHER, RECORD_TYPES, type_of
from chm_node.schema import RecordType
from chm_node.schema.record_type import index_triples
from chm_node.vocabulary import vocabularies

_TERMS = f"{VOCABULARY}record-types/"


def stated_type(
    iri: str, triples: Sequence[ox.Triple], uri_space: str, assumed: RecordType | None
) -> RecordType | Problem:
    """What ``dcterms:type`` names; else what the class tells, with the ``/id/<type>/`` of the address where several
    types share a class; else the type ``assumed`` of records that name none.
    """
    index = index_triples(triples)
    own = index.get(iri, {})
    named = sorted({name for node in own.get(DCTERMS.type, ()) if (name := _named(node))})
    if len(named) > 1:
        return Problem("type", f"two types are named, {' and '.join(named)}; keep one")
    if named:
        return RECORD_TYPES.get(named[0]) or unknown_type(named[0])
    if (only := type_of(iri, index)) is not OTHER:
        return only
    classes = {node.value for node in own.get(RDF.type, ()) if isinstance(node, ox.NamedNode)}
    possible = {name: each for name, each in RECORD_TYPES.items() if each.rdf_class in classes}
    segment = iri.removeprefix(uri_space).split("/")[0]
    return possible.get(segment) or assumed or _undecided(list(possible))


def unknown_type(name: str) -> Problem:
    """What is wrong with a name that is no record type one can import."""
    if f"{_TERMS}{name}" in vocabularies()["record-types"].terms:
        return Problem("type", f"{name!r} is written by the software and cannot be imported")
    meant = get_close_matches(name, RECORD_TYPES, 3)
    return Problem("type", f"{name!r} is not a record type" + (f"; perhaps {', '.join(meant)}?" if meant else ""))


def _named(node: object) -> str:
    """The record type that a ``dcterms:type`` names; empty for a type of another kind, such as one of DCMI."""
    if isinstance(node, ox.Literal):
        return node.value.removeprefix(_TERMS)
    if isinstance(node, ox.NamedNode) and node.value.startswith(_TERMS):
        return node.value.removeprefix(_TERMS)
    return ""


def _undecided(possible: Sequence[str]) -> Problem:
    which = f"say which of {', '.join(possible)}" if possible else "is needed"
    example = possible[0] if possible else "event"
    return Problem("type", f"{which}, such as dcterms:type <{_TERMS}{example}>, or import with --type {example}")
