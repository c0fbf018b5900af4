"""Canonical N-Quads and their hash. Decides; touches nothing.

A graph without blank nodes has one canonical form under RDFC-1.0: its distinct canonical N-Quads
lines in code point order (RDF Dataset Canonicalization §4.4, step 5 onwards with no blank node to
label). Sorting is therefore all there is to do, and it is linear in practice.
"""

import hashlib
from collections.abc import Iterable

import pyoxigraph as ox

from chm_node.errors import ParseError


def canonical_lines(triples: Iterable[ox.Triple]) -> list[str]:
    """One canonical N-Quads line a triple, unsorted; pyoxigraph's ``str`` writes canonical terms."""
    return [f"{triple} .\n" for triple in triples]


def canonical_bytes(lines: Iterable[str] | Iterable[bytes]) -> bytes:
    """The canonical form of the graph these lines state; UTF-8 sorts as its code points do."""
    return b"".join(sorted({line if isinstance(line, bytes) else line.encode() for line in lines}))


def digest(data: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def refuse_blank_nodes(iri: str, triples: Iterable[ox.Triple]) -> None:
    """A record graph holds no blank nodes, or its canonical form could take for ever to find.

    Raises ParseError.
    """
    for triple in triples:
        if isinstance(triple.subject, ox.BlankNode) or isinstance(triple.object, ox.BlankNode):
            raise ParseError(f"{iri} holds a blank node; give every part of the record an address of its own")


def read_triples(nquads: bytes) -> list[ox.Triple]:
    """The triples of canonical bytes that we stored."""
    return [quad.triple for quad in ox.parse(nquads, format=ox.RdfFormat.N_QUADS)]
