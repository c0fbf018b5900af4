"""``/catalogue``: all records, or those that a filter lets pass, as a DCAT 3 catalogue, page by page."""

import re
from collections.abc import Sequence

from flask import Blueprint, Response, request

from chm_node.catalogue import Catalogue, ChangeLog, Filter, Held, LoggedChange
from chm_node.database import reading
from chm_node.errors import BadQueryError
from chm_node.formats.dcat import Dataset, Page, catalogue_page
from chm_node.formats.rdf import GRAPH_WRITERS
from chm_node.namespaces import DCTERMS
from chm_node.text import counting_number, primary_language, valid_iri
from chm_node.web import Site, site
from chm_node.web.conditional import answer, link, strong_etag
from chm_node.web.feed_entry import facet_iri
from chm_node.web.filters import parse, single
from chm_node.web.listing import address
from chm_node.web.negotiation import GRAPHS, JSON_LD, N_QUADS, RDF_XML, TURTLE, choose

blueprint = Blueprint("catalogue", __name__)

#: Records on one page.
SIZE = 100
_LICENCE = re.compile(rf"> <{re.escape(DCTERMS.license)}> <([^>]*)> \.$", re.MULTILINE)


@blueprint.get("/catalogue", defaults={"extension": ""})
@blueprint.get("/catalogue.<extension>")
def catalogue(extension: str) -> Response:
    """One page of the catalogue or of a part of it; a harvester begins without ``page`` and follows ``hydra:next``."""
    here = site()
    suffix = f".{extension}" if extension else ""
    syntax = choose(suffix, GRAPHS)
    chosen, number = parse(request.args, also=("page",)), _page_number()
    with reading(here.engine) as connection:
        held, log = Catalogue(connection), ChangeLog(connection)
        total = sum(held.counts_by_origin(chosen).values())
        records = held.listing(chosen, SIZE, (number - 1) * SIZE).records
        newest = log.head().log_time
        facets = held.facets(each.id for each in records)
        graphs = log.graphs(each.id for each in records)
    page = _page(here, f"{here.settings.base_url}catalogue{suffix}", chosen, number, total)
    neighbours = (("next", page.next), ("prev", page.previous), ("first", page.first), ("last", page.last))
    return answer(
        strong_etag(here.stamp, syntax.extension, page, [(each.id, each.log_time) for each in records]),
        lambda: GRAPH_WRITERS[syntax.media_type](
            catalogue_page(page, [_dataset(here, each, facets.get(each.id, []), graphs[each.id]) for each in records])
        ),
        syntax.content_type,
        modified=newest,
        vary=() if extension else ("Accept",),
        links=[link(address, relation) for relation, address in neighbours if address],
    )


#: Enough for any catalogue, and small enough for any database.
_LAST_PAGE = 9_999_999


def _page_number() -> int:
    number = counting_number(single(request.args, "page") or "1", _LAST_PAGE)
    if number is None:
        raise BadQueryError("page", "is a number from 1")
    return number


def _page(here: Site, path: str, chosen: Filter, number: int, total: int) -> Page:
    last = max(1, -(-total // SIZE))
    first = address(path, chosen)
    # What it was asked as: clients look for the neighbours of the very address that they have fetched.
    asked = f"{path}?{request.query_string.decode(errors='replace')}" if request.query_string else path
    return Page(
        catalogue=here.settings.node_iri,
        collection=f"{first}#records" if chosen != Filter() else here.settings.node_iri,
        address=asked if valid_iri(asked) else address(path, chosen, number),
        first=first,
        previous=address(path, chosen, min(number - 1, last)) if number > 1 else "",
        next=address(path, chosen, number + 1) if number < last else "",
        last=address(path, chosen, last),
        size=SIZE,
        total=total,
    )


def _dataset(here: Site, held: Held, facets: Sequence[tuple[str, str]], graph: LoggedChange) -> Dataset:
    languages = {primary_language(value) for facet, value in facets if facet == "language"}
    themes = [facet_iri(facet, value) for facet, value in sorted(facets) if facet in ("subject", "treaty", "type")]
    return Dataset(
        iri=held.iri,
        origin=held.origin,
        titles=held.titles,
        summaries=held.summaries or held.titles,
        issued=held.issued,
        modified=held.version,
        licence=_licence(graph, held.iri) or here.settings.licence * here.is_own(held.iri),
        languages=sorted(languages - {""}),
        themes=[theme for theme in themes if theme],
        page=here.page_of(held.iri, here.settings.languages[0]),
        distributions=[
            (here.data_of(held.iri, each.extension), each.media_type) for each in (TURTLE, JSON_LD, RDF_XML, N_QUADS)
        ],
        signed=here.data_of(held.iri, N_QUADS.extension),
        sha256=held.digest,
    )


def _licence(graph: LoggedChange, iri: str) -> str:
    """The record's own licence; that of its description when it states none."""
    found = {line.split(" ", 1)[0]: match.group(1)
             for line in graph.graph.nquads.decode().splitlines() if (match := _LICENCE.search(line))}  # fmt: skip
    return found.get(f"<{iri}>", "") or found.get(f"<{iri}#meta>", "")
