"""One activity of a peer's log, with the record graph and the proof it carries, as an offer."""

from collections.abc import Iterator, Mapping

import pyoxigraph as ox

from chm_node.canonical import canonical_bytes, digest
from chm_node.namespaces import AS, DCAT, DCTERMS, FOAF, PROV, RDF, SEC
from chm_node.proofs import CRYPTOSUITE
from chm_node.record import Action
from chm_node.schema.field import Index
from harvest.graphs import NO_GRAPH, Graph, Graphs, Nodes, first_of, iri_of, key_of, moment_of, only_of, text_of
from harvest.trust import Offer, Verdict

_OBJECT, _TYPE, _TOMBSTONE = AS.object, RDF.type, AS.Tombstone
_ACTIONS = {AS[action.value]: action for action in Action}
_TOPIC, _VERSION, _ISSUED = FOAF.primaryTopic, DCTERMS.modified, DCTERMS.issued
_ORIGIN, _LICENCE, _TITLE = PROV.wasAttributedTo, DCTERMS.license, DCTERMS.title
_CATALOG_RECORD = DCAT.CatalogRecord
_PROOFS, _CRYPTOSUITE = SEC.proof, SEC.cryptosuite
_PURPOSE, _ASSERTION = SEC.proofPurpose, SEC.assertionMethod
_ATTRIBUTION, _AGENT = PROV.qualifiedAttribution, PROV.agent
_PROOF = {
    "created": DCTERMS.created,
    "verificationMethod": SEC.verificationMethod,
    "proofValue": SEC.proofValue,
}


def read_offer(activity: str, default: Mapping[str, Nodes], graphs: Graphs) -> Offer:
    """What an activity of the page offers, with what is wrong with it in itself."""
    stated = default.get(activity, {})
    iri = iri_of(first_of(stated, _OBJECT))
    kinds = [_ACTIONS[each] for each in map(text_of, stated.get(_TYPE, ())) if each in _ACTIONS]
    graph = graphs.get(activity, NO_GRAPH)
    if not iri or len(kinds) != 1 or not graph.lines:
        return Offer(activity, Action.UPDATE, iri or activity, flaw=Verdict.NO_PAYLOAD)
    nquads = canonical_bytes([line + b" .\n" for line in graph.lines])
    meta = _meta(iri, graph.index)
    return Offer(
        activity=activity,
        action=kinds[0],
        iri=iri,
        origin=iri_of(only_of(meta, _ORIGIN)),
        version=moment_of(only_of(meta, _VERSION)),
        issued=moment_of(only_of(meta, _ISSUED)),
        hops=tuple(_hops(stated, default)),
        nquads=nquads,
        digest=digest(nquads),
        triples=len(graph.lines),
        proof=_proof(stated, graphs),
        flaw=_flaw(iri, kinds[0], graph, meta, nquads),
    )


def _meta(iri: str, index: Index) -> Nodes:
    """The record's own ``dcat:CatalogRecord``; empty when there is not exactly one."""
    found = [
        properties
        for properties in index.values()
        if any(text_of(node) == iri for node in properties.get(_TOPIC, ()))
        and any(text_of(node) == _CATALOG_RECORD for node in properties.get(_TYPE, ()))
    ]
    return found[0] if len(found) == 1 else {}


def _flaw(iri: str, action: Action, graph: Graph, meta: Nodes, nquads: bytes) -> Verdict:
    """What is wrong with a record graph in itself; the first thing a person should repair."""
    own = graph.index.get(iri, {})
    tombstone = any(text_of(node) == _TOMBSTONE for node in own.get(_TYPE, ()))
    if tombstone != (action is Action.DELETE):
        return Verdict.NO_PAYLOAD
    if not (moment_of(only_of(meta, _VERSION)) and iri_of(only_of(meta, _ORIGIN))):
        return Verdict.NO_IDENTITY
    if _has_blank_nodes(graph, nquads):
        return Verdict.BLANK_NODE
    if any(subject != iri and not subject.startswith(f"{iri}#") for subject in graph.index):
        return Verdict.FOREIGN_SUBJECT
    if _has_forbidden_characters(nquads):
        return Verdict.BAD_CHARACTERS
    if not meta.get(_LICENCE):
        return Verdict.NO_LICENCE
    titled = any(isinstance(node, ox.Literal) and node.value.strip() for node in own.get(_TITLE, ()))
    return Verdict.ACCEPTED if titled or tombstone else Verdict.NO_TITLE


def _has_blank_nodes(graph: Graph, nquads: bytes) -> bool:
    if b"_" not in nquads or b"_:" not in nquads:
        return False  # looking at every node of an ordinary page would take as long as hashing it
    objects = (node for stated in graph.index.values() for nodes in stated.values() for node in nodes)
    return any(subject.startswith("_:") for subject in graph.index) or any(
        isinstance(node, ox.BlankNode) for node in objects
    )


def _has_forbidden_characters(nquads: bytes) -> bool:
    # Canonical N-Quads write the characters that XML 1.0 cannot carry as \uXXXX, \b and \f, and no others so.
    if b"\\" not in nquads:
        return False
    escapes = nquads.replace(b"\\\\", b"")
    return any(each in escapes for each in (b"\\u", b"\\b", b"\\f"))


def _hops(stated: Nodes, default: Mapping[str, Nodes]) -> Iterator[str]:
    for node in stated.get(_ATTRIBUTION, ()):
        agent = iri_of(first_of(default.get(key_of(node), {}), _AGENT))
        if agent:
            yield agent


def _proof(activity: Nodes, graphs: Graphs) -> Mapping[str, str] | None:
    """The first proof of the one kind we check."""
    for name in activity.get(_PROOFS, ()):
        stated = graphs.get(key_of(name), NO_GRAPH).index.values()
        facts = {predicate: text_of(nodes[-1]) for each in stated for predicate, nodes in each.items()}
        if facts.get(_CRYPTOSUITE) != CRYPTOSUITE or facts.get(_PURPOSE) != _ASSERTION:
            continue
        proof = {name: facts.get(predicate, "") for name, predicate in _PROOF.items()}
        if all(proof.values()):
            return proof
    return None
