"""Graphs written as Turtle, RDF/XML, N-Triples and JSON-LD, and the signed JSON-LD of one record."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO

import pyoxigraph as ox

from chm_node.canonical import canonical_bytes, canonical_lines
from chm_node.errors import NotAcceptableError
from chm_node.formats.quads import json_ld_objects
from chm_node.namespaces import PREFIXES, RDF
from chm_node.proofs import DATA_INTEGRITY_CONTEXT, Proof, proof_document

# XML 1.0 §2.2; a harvested record is forwarded as it came, and one such character breaks the whole document.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

# Namespaces in XML 1.0 §3: the letters that a name begins with, and those that may follow.
_BEGINS = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f\u2c00-\u2fef"
    "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_XML_NAME_AT_END = re.compile(rf"[{_BEGINS}][{_BEGINS}\-.0-9\u00b7\u0300-\u036f\u203f\u2040]*\Z")
# What RDF/XML says by these names is something else (RDF 1.1 XML Syntax §6.1), or nothing.
_TAKEN = frozenset(
    RDF[name]
    for name in ("RDF", "ID", "about", "parseType", "resource", "nodeID", "datatype", "Description", "li", "aboutEach",
                 "aboutEachPrefix", "bagID")
)  # fmt: skip
_NAMESPACE_OF_NAMESPACES = "http://www.w3.org/2000/xmlns/"
_TYPE = ox.NamedNode(RDF.type)


def turtle(triples: Sequence[ox.Triple]) -> bytes:
    """Turtle, with the prefixes that are used."""
    return _serialised(triples, ox.RdfFormat.TURTLE)


def rdf_xml(triples: Sequence[ox.Triple]) -> bytes:
    """RDF/XML, without the characters that XML cannot carry.

    Raises NotAcceptableError for statements that no RDF/XML can make.
    """
    if iri := unnamed_in_xml(triples):
        raise NotAcceptableError(f"RDF/XML has no name for {iri}, which this states something with; ask for Turtle")
    return _NOT_IN_XML.sub("", _serialised(triples, ox.RdfFormat.RDF_XML).decode()).encode()


def unnamed_in_xml(triples: Iterable[ox.Triple]) -> str:
    """A predicate or class that cannot be the name of an XML element, such as ``…/p/123``; empty when there is none."""
    names = (each.object if each.predicate == _TYPE else each.predicate for each in triples)
    iris = dict.fromkeys(each.value for each in names if isinstance(each, ox.NamedNode))
    return next((iri for iri in iris if not _names_an_element(iri)), "")


def _names_an_element(iri: str) -> bool:
    fits = _XML_NAME_AT_END.search(iri) and iri not in _TAKEN
    return bool(fits and not iri.startswith(_NAMESPACE_OF_NAMESPACES))


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
