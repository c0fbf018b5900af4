"""Records under their own IRIs: ``/id/…`` for this node's, ``/record?iri=…`` for harvested ones."""

import json
import re
from collections.abc import Sequence
from http import HTTPStatus

from flask import Blueprint, Response, request

from chm_node.canonical import read_triples
from chm_node.catalogue import ChangeLog, LoggedChange
from chm_node.database import reading
from chm_node.entry import tombstone
from chm_node.errors import BadQueryError, RecordWithdrawnError
from chm_node.formats import quads, rdf
from chm_node.formats.log import member_graphs
from chm_node.namespaces import DCTERMS, PROFILE
from chm_node.record import Action, timestamp
from chm_node.record_types import type_of
from chm_node.schema import derived
from chm_node.schema.record_type import index_triples
from chm_node.text import clean_text, valid_iri
from chm_node.web import Site, site
from chm_node.web.conditional import OPEN, answer, link, redirection, strong_etag
from chm_node.web.filters import single
from chm_node.web.languages import preferred
from chm_node.web.negotiation import GRAPHS, HTML, JSON, JSON_LD, N_QUADS, RDF_XML, TRIG, Syntax, choose, split
from chm_node.web.problems import details_of, problem

blueprint = Blueprint("records", __name__)

#: What a record is available as, the default first.
FORMATS = (*GRAPHS, TRIG, JSON)
_NEGOTIATED = ("Accept", "Accept-Language")
_LICENCE = re.compile(rf"#meta> <{re.escape(DCTERMS.license)}> <([^>]*)> \.\n")


@blueprint.get("/id/<path:key>")
def own_record(key: str) -> Response:
    """A record of this node; its IRI is this address without an extension."""
    path, extension = split(key, FORMATS)
    return _record(site().settings.uri_space + clean_text(path), extension)


@blueprint.get("/record", defaults={"extension": ""})
@blueprint.get("/record.<extension>")
def any_record(extension: str) -> Response:
    """A record this node holds, whoever owns it, by its IRI."""
    here = site()
    iri = single(request.args, "iri")
    if not valid_iri(iri):
        raise BadQueryError("iri", "add the address of a record: /record?iri=https://…")
    suffix = f".{extension}" if extension else ""
    if here.is_own(iri):
        return redirection(iri + suffix, HTTPStatus.SEE_OTHER)
    if suffix and suffix not in {syntax.extension for syntax in FORMATS}:
        raise BadQueryError("extension", f"a record is not available as {suffix}", [each.extension for each in FORMATS])
    return _record(iri, suffix)


def _record(iri: str, extension: str) -> Response:
    here = site()
    with reading(here.engine) as connection:
        held = ChangeLog(connection).graph(iri)
    formats = _formats(held)
    syntax = choose(extension, formats if extension else (*formats, HTML))
    if syntax is HTML:
        language = preferred(request.accept_languages, here.settings.languages)
        return redirection(here.page_of(iri, language), HTTPStatus.SEE_OTHER, _NEGOTIATED)
    if held.graph.action is Action.DELETE and syntax is JSON:
        stone = tombstone(iri, index_triples(read_triples(held.graph.nquads)))
        error = RecordWithdrawnError(iri, held.graph.version, stone.replaced_by, stone.reason)
        return problem(HTTPStatus.GONE, "record-withdrawn", str(error), **details_of(error))
    response = answer(
        strong_etag(here.stamp, syntax.extension, held.graph.digest, held.log_time),
        lambda: write(here, held, syntax),
        syntax.content_type,
        modified=held.log_time,
        cache=OPEN,
        vary=() if extension else _NEGOTIATED,
        links=_links(here, held, [each for each in formats if each is not syntax]),
        status=HTTPStatus.GONE if held.graph.action is Action.DELETE else HTTPStatus.OK,
    )
    if not extension:
        response.headers["Content-Location"] = here.data_of(iri, syntax.extension)
    return response


def _formats(held: LoggedChange) -> tuple[Syntax, ...]:
    """What this record is available as: RDF/XML has no names for some of what others state."""
    unnamed = rdf.unnamed_in_xml(read_triples(held.graph.nquads))
    return tuple(each for each in FORMATS if not (unnamed and each is RDF_XML))


def write(here: Site, held: LoggedChange, syntax: Syntax) -> bytes:
    """A record in one syntax; N-Quads are exactly the bytes that were hashed and signed."""
    graph = held.graph
    if syntax is N_QUADS:
        return graph.nquads
    if syntax is JSON_LD:
        return rdf.signed_json_ld(graph.nquads, graph.proof)
    if syntax is TRIG:
        return quads.trig(member_graphs(here.settings.base_url, held))
    if syntax is JSON:
        return _as_json(held).encode()
    return rdf.GRAPH_WRITERS[syntax.media_type](read_triples(graph.nquads))


def _as_json(held: LoggedChange) -> str:
    graph = held.graph
    triples = [each for each in read_triples(graph.nquads) if str(each.subject) != f"<{graph.iri}#meta>"]
    record_type = type_of(graph.iri, triples)
    record, _ = record_type.read(graph.iri, triples)
    meta = {
        "origin": graph.origin,
        "version": timestamp(graph.version),
        "taken_over": timestamp(held.log_time),
        "sha256": graph.digest,
        "path": list(held.hops),
    }
    return json.dumps({**derived.to_json(record_type, record), "meta": meta}, ensure_ascii=False, indent=1) + "\n"


def _links(here: Site, held: LoggedChange, others: Sequence[Syntax]) -> list[str]:
    iri = held.graph.iri
    links = [link(PROFILE, "profile")]
    if licence := _LICENCE.search(held.graph.nquads.decode()):
        links.append(link(licence.group(1), "license"))
    links += [link(here.data_of(iri, each.extension), "alternate", type=each.media_type) for each in others]
    links += [
        link(here.page_of(iri, language), "alternate", type=HTML.media_type, hreflang=language)
        for language in here.settings.languages
    ]
    return links
