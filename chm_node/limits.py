"""What no hub takes over of a record, whoever signed it (profile, Annex B). Decides; touches nothing.

One home for both sides: a node checks before it signs, a hub before it believes.
"""

from collections.abc import Iterable, Iterator

import pyoxigraph as ox

from chm_node.errors import Problem
from chm_node.foreign import MAX_IRI_CHARACTERS, MAX_LITERAL_BYTES
from chm_node.schema import RecordType

MAX_RECORD_BYTES = 256 * 1024  #: of canonical N-Quads
MAX_RECORD_STATEMENTS = 2000


def size_problems(nquads: bytes) -> list[Problem]:
    """What is wrong with the size of a record graph, given its canonical bytes."""
    problems = []
    # A line of canonical N-Quads is a statement: line breaks of a literal are escaped.
    if (statements := nquads.count(b"\n")) > MAX_RECORD_STATEMENTS:
        message = f"has {statements:,} statements, and hubs take {MAX_RECORD_STATEMENTS:,}; make several records of it"
        problems.append(Problem("record", message))
    if len(nquads) > MAX_RECORD_BYTES:
        size, limit = -(-len(nquads) // 1024), MAX_RECORD_BYTES // 1024
        problems.append(Problem("record", f"takes {size:,} KiB, and hubs take {limit}; put long texts into a file"))
    return problems


def term_problems(iri: str, triples: Iterable[ox.Triple], record_type: RecordType) -> Iterator[Problem]:
    """Each text and address of a record for which hubs would refuse the whole page it stands on."""
    names = {field.predicate: field.name for field in record_type.fields}
    for subject, predicate, value in triples:
        own = isinstance(subject, ox.NamedNode) and subject.value == iri
        name = names.get(predicate.value, predicate.value) if own else _part(subject, iri)
        if isinstance(value, ox.Literal) and (size := len(value.value.encode())) > MAX_LITERAL_BYTES:
            sizes = f"takes {-(-size // 1024):,} KiB, and hubs take {MAX_LITERAL_BYTES // 1024}"
            yield Problem(name, f"{sizes}; put the text into a file", value.language or "")
        elif isinstance(value, ox.NamedNode) and len(value.value) > MAX_IRI_CHARACTERS:
            yield Problem(name, f"is an address of more than {MAX_IRI_CHARACTERS:,} characters, which hubs refuse")


def _part(subject: object, iri: str) -> str:
    """The name of a part of a record: ``place`` for ``<record#place>``."""
    return subject.value.removeprefix(f"{iri}#") if isinstance(subject, ox.NamedNode) else str(subject)
