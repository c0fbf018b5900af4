"""What the data means: shapes, JSON Schemas, the namespace document, the vocabularies."""

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from http import HTTPStatus

import pyoxigraph as ox
from flask import Blueprint, Response, abort
from rdflib import Graph

from chm_node.formats.rdf import GRAPH_WRITERS
from chm_node.namespaces import AS, PROV, XSD
from chm_node.record_types import OTHER, RECORD_TYPES
from chm_node.schema import derived
from chm_node.vocabulary import vocabularies
from chm_node.web import site
from chm_node.web.conditional import answer, strong_etag
from chm_node.web.negotiation import GRAPHS, TURTLE, choose, split

blueprint = Blueprint("reference", __name__)

_ACTIVITY_SHAPE = f"""
@prefix as: <{AS}> .
@prefix prov: <{PROV}> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <{XSD}> .

<> a sh:NodeShape ;
    sh:property [ sh:path as:object ; sh:nodeKind sh:IRI ; sh:minCount 1 ; sh:maxCount 1 ] ,
        [ sh:path as:actor ; sh:nodeKind sh:IRI ; sh:minCount 1 ; sh:maxCount 1 ] ,
        [ sh:path as:published ; sh:datatype xsd:dateTime ; sh:minCount 1 ; sh:maxCount 1 ] ,
        [ sh:path prov:generatedAtTime ; sh:datatype xsd:dateTime ; sh:minCount 1 ; sh:maxCount 1 ] .
"""


@blueprint.get("/shapes", defaults={"extension": ""})
@blueprint.get("/shapes.<extension>")
def shapes(extension: str) -> Response:
    """The SHACL shapes of all record types."""
    return _graph("shapes", extension, lambda: _triples(derived.all_shapes(RECORD_TYPES.values())))


@blueprint.get("/shapes/activity", defaults={"extension": ""})
@blueprint.get("/shapes/activity.<extension>")
def activity_shape(extension: str) -> Response:
    """The shape of an entry in the log."""
    base = f"{site().settings.base_url}shapes/activity"
    return _graph(
        "activity",
        extension,
        lambda: [quad.triple for quad in ox.parse(_ACTIVITY_SHAPE, ox.RdfFormat.TURTLE, base_iri=base)],
    )


@blueprint.get("/ns", defaults={"extension": ""})
@blueprint.get("/ns.<extension>")
def namespace(extension: str) -> Response:
    """The classes and properties of our own namespace."""
    return _graph("ns", extension, lambda: _triples(derived.namespace_document(RECORD_TYPES.values())))


@blueprint.get("/schemas/<name>.json")
def schema(name: str) -> Response:
    """The JSON Schema of a record type, for what ``/id/….json`` gives."""
    record_type = OTHER if name == OTHER.name else RECORD_TYPES.get(name)
    if record_type is None:
        abort(HTTPStatus.NOT_FOUND, f"The record types are {', '.join(sorted(RECORD_TYPES))}.")
    return answer(
        strong_etag(site().stamp, "schema", name),
        lambda: json.dumps(derived.json_schema(record_type), ensure_ascii=False, indent=1) + "\n",
        "application/schema+json",
    )


@blueprint.get("/vocabulary/<key>")
def vocabulary(key: str) -> Response:
    """A vocabulary, as its file states it."""
    name, extension = split(key, (TURTLE,))
    known = vocabularies()
    if name not in known.keys():  # noqa: SIM118 -- not a mapping
        abort(HTTPStatus.NOT_FOUND, f"The vocabularies are {', '.join(known)}.")
    syntax, turtle = choose(extension, (TURTLE,)), known.turtle(name)
    return answer(
        strong_etag(sha256(turtle).hexdigest()),
        lambda: turtle,
        syntax.content_type,
        vary=() if extension else ("Accept",),
    )


def _graph(name: str, extension: str, triples: Callable[[], Sequence[ox.Triple]]) -> Response:
    syntax = choose(f".{extension}" if extension else "", GRAPHS)
    return answer(
        strong_etag(site().stamp, name, syntax.extension),
        lambda: GRAPH_WRITERS[syntax.media_type](_settled(triples())),
        syntax.content_type,
        vary=() if extension else ("Accept",),
    )


def _settled(triples: Sequence[ox.Triple]) -> list[ox.Triple]:
    """In one order, and with names for blank nodes that follow from the graph: one ETag stands for the same bytes."""
    dataset = ox.Dataset(ox.Quad(*each) for each in triples)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return sorted((each.triple for each in dataset), key=str)


def _triples(graph: Graph) -> list[ox.Triple]:
    return [quad.triple for quad in ox.parse(graph.serialize(format="nt").encode(), ox.RdfFormat.N_TRIPLES)]
