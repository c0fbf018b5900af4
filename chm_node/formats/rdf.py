"""Graphs written as Turtle, RDF/XML, N-Triples and JSON-LD, and the signed JSON-LD of one record."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO

import pyoxigraph as ox

from chm_node.canonical import canonical_bytes, canonical_lines
from chm_node.formats.quads import json_ld_objects
from chm_node.namespaces import PREFIXES
from chm_node.proofs import DATA_INTEGRITY_CONTEXT, Proof, proof_document

# XML 1.0 §2.2; a harvested record is forwarded as it came, and one such character breaks the whole document.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def turtle(triples: Sequence[ox.Triple]) -> bytes:
    """Turtle, with the prefixes that are used."""
    return _serialised(triples, ox.RdfFormat.TURTLE)


def rdf_xml(triples: Sequence[ox.Triple]) -> bytes:
    """RDF/XML, without the characters that XML cannot carry."""
    return _NOT_IN_XML.sub("", _serialised(triples, ox.RdfFormat.RDF_XML).decode()).encode()


def n_triples(triples: Iterable[ox.Triple]) -> bytes:
    """Canonical N-Triples, sorted; the same bytes are N-Quads."""
    return canonical_bytes(canonical_lines(triples))


def json_ld(triples: Iterable[ox.Triple]) -> bytes:
    """Expanded JSON-LD."""
    return ("[" + ",\n".join(json_ld_objects(n_triples(triples))) + "]\n").encode()


def signed_json_ld(nquads: bytes, proof: Proof | None) -> bytes:
    """A record graph with its proof, as an independent verifier reads it (Data Integrity 1.0 §4.2).

    The proof is over the record graph as the default graph, which it is once ``proof`` is taken off.
    """
    objects = ",\n".join(json_ld_objects(nquads))
    end = f',"proof":{json.dumps(proof_document(proof))}' if proof else ""
    return f'{{"@context":"{DATA_INTEGRITY_CONTEXT}","@graph":[{objects}]{end}}}\n'.encode()


#: Media type to writer, for whatever is a graph.
GRAPH_WRITERS: Mapping[str, Callable[[Sequence[ox.Triple]], bytes]] = {
    "text/turtle": turtle,
    "application/ld+json": json_ld,
    "application/rdf+xml": rdf_xml,
    "application/n-triples": n_triples,
    "application/n-quads": n_triples,
}


def _serialised(triples: Sequence[ox.Triple], syntax: ox.RdfFormat) -> bytes:
    output = BytesIO()
    ox.serialize(triples, output, format=syntax, prefixes=_prefixes(triples))
    return output.getvalue()


def _prefixes(triples: Iterable[ox.Triple]) -> dict[str, str]:
    """Those of our prefixes that the triples use."""
    used = set()
    for triple in triples:
        for node in (triple.predicate, triple.object, getattr(triple.object, "datatype", None)):
            if isinstance(node, ox.NamedNode):
                cut = max(node.value.rfind("#"), node.value.rfind("/")) + 1
                used.add(node.value[:cut])
    return {prefix: namespace for prefix, namespace in PREFIXES.items() if namespace in used}
