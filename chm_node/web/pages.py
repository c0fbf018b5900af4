"""The pages for people: home, listing, record, follow. HTML without scripts, in every language of the interface.

The language stands in the path. Each view reads the request, asks one module and renders one template.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, redirect, render_template, request, url_for
from flask_babel import gettext
from markupsafe import Markup

from chm_node.catalogue import Catalogue, ChangeLog, Filter, Held, LogHead, moves
from chm_node.database import reading
from chm_node.errors import BadQueryError, RecordNotFoundError
from chm_node.record_types.events import EVENT_TYPES
from chm_node.text import clean_text, counting_number, valid_iri
from chm_node.web import site
from chm_node.web.conditional import answer, catalog_link, redirection, strong_etag
from chm_node.web.entries import Origins, UnfilteredCounts, address_of, entries
from chm_node.web.filters import parse, single
from chm_node.web.labels import Label, Reader, Words, lead
from chm_node.web.languages import NAMES, direction, page_language, preferred
from chm_node.web.listing import PAGE, Choices, address, count_text
from chm_node.web.record_page import RecordPage

_STATIC = Path(__file__).parent / "static"
_HTML = "text/html; charset=utf-8"
_FOR_EVER = "public, max-age=31536000, immutable"
_COUNTS = "chm_unfiltered_counts"
_LANGUAGE = f"/<any({', '.join(NAMES)}):language>"
_LATEST, _EVENTS, _EVENTS_LOOKED_AT, _TREATIES, _TYPES = 8, 4, 100, 12, 15
#: Last page of a listing that is shown; further back, filters serve better.
_LAST_PAGE = 500
#: Formats of feeds: extension, name, media type.
FEEDS = (
    ("atom", "Atom", "application/atom+xml"),
    ("rss", "RSS 2.0", "application/rss+xml"),
    ("rdf", "RSS 1.0", "application/rdf+xml"),
    ("json", "JSON Feed", "application/feed+json"),
)


blueprint = Blueprint("pages", __name__)


@blueprint.record
def _prepare(state: Any) -> None:  # Any: flask does not export the type of its set-up state
    app: Flask = state.app
    app.extensions[_COUNTS] = UnfilteredCounts()


@blueprint.url_value_preprocessor
def _refuse_other_languages(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    if values and values.get("language", site().settings.languages[0]) not in site().settings.languages:
        abort(HTTPStatus.NOT_FOUND)


@blueprint.app_context_processor
def _layout() -> dict[str, Any]:
    """What the base layout shows on every page, error pages too."""
    settings = site().settings
    language = page_language(settings.languages)
    reader = Reader(language, settings.languages)
    return {
        "settings": settings,
        "reader": reader,
        "direction": direction(language),
        "node": reader.pick(settings.titles),
        "languages": [_other_language(code) for code in settings.languages],
        "has_network": "network.network" in current_app.view_functions,
        "asset": _asset,
        "current": _current,
        "foreign": lambda words: _foreign(words, language),
        "linkable": valid_iri,
        "file_kind": lambda media_type: media_type.rsplit("/", 1)[-1].upper()[:12],
        "feed_address": lambda extension: feed_address(extension, Filter(), language),
    }


@blueprint.get("/assets/<any('style.css', 'icon.svg'):name>")
def asset(name: str) -> Response:
    """The style sheet or the icon; kept for a year, for its address on a page carries its hash."""
    kind = {"style.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}[name]
    return answer(strong_etag(_hash(name)), (_STATIC / name).read_bytes, kind, cache=_FOR_EVER)


@blueprint.get("/")
def root() -> Response:
    """To the home page in the reader's language."""
    language = preferred(request.accept_languages, site().settings.languages)
    response = _redirect(url_for("pages.home", language=language))
    response.headers["Vary"] = "Accept-Language"
    response.headers["Link"] = catalog_link(site())
    return response


@blueprint.get(f"{_LANGUAGE}/")
def home(language: str) -> Response:
    """What the node is, what it holds, what is new."""
    with reading(site().engine) as connection:
        catalogue = Catalogue(connection)
        head = ChangeLog(connection).head()
        reader, origins = _reader(language), Origins(site(), _reader(language), connection)
        tag = strong_etag(site().stamp, "home", language, head)
        links = [catalog_link(site())]
        return answer(
            tag, lambda: render_template("home.html", **_home(reader, catalogue, head, origins)), _HTML, links=links
        )


@blueprint.get(f"{_LANGUAGE}/records")
def records(language: str) -> Response:
    """The listing, with words and filters."""
    chosen, page = parse(request.args, also=("page",)), _page_number()
    with reading(site().engine) as connection:
        catalogue = Catalogue(connection)
        head = ChangeLog(connection).head()
        listing = catalogue.listing(chosen, PAGE, (page - 1) * PAGE)
        if page > 1 and not listing.records:
            abort(HTTPStatus.NOT_FOUND)
        reader = _reader(language)
        origins = Origins(site(), reader, connection)
        choices = Choices(catalogue, head, _counts(), reader, origins, url_for("pages.records", language=language))

        def render() -> str:
            return render_template(
                "records.html",
                entries=entries(site(), reader, catalogue, origins, listing.records),
                words=chosen.words,
                in_vain=chosen.in_vain,
                heading=chosen.words or gettext("Records"),
                count=count_text(listing.total, reader),
                page=page,
                pages=min(-(-listing.total // PAGE), _LAST_PAGE),
                page_href=lambda number: choices.href(chosen, number),
                groups=choices.groups(chosen),
                active=choices.active(chosen),
                suggestions=choices.suggestions(chosen) if not listing.records else [],
                feed_address=lambda extension: feed_address(extension, chosen, language),
            )

        return answer(strong_etag(site().stamp, request.full_path, head), render, _HTML)


@blueprint.get(f"{_LANGUAGE}/id/<path:key>")
def own_record(language: str, key: str) -> Response:
    """The page of one of this node's records."""
    return _record(language, site().settings.uri_space + clean_text(key))


@blueprint.get(f"{_LANGUAGE}/record")
def any_record(language: str) -> Response:
    """The page of a record by its IRI, whoever owns it."""
    iri = single(request.args, "iri")
    if not valid_iri(iri):
        raise BadQueryError("iri", "add the address of a record: record?iri=https://…")
    if site().is_own(iri):
        return _redirect(address_of(site(), iri, language))
    return _record(language, iri)


@blueprint.get(f"{_LANGUAGE}/follow")
def follow(language: str) -> Response:
    """What feeds are, and the main ones."""
    with reading(site().engine) as connection:
        catalogue = Catalogue(connection)
        head = ChangeLog(connection).head()
        tag = strong_etag(site().stamp, "follow", language, head)
        return answer(tag, lambda: render_template("follow.html", **_follow(_reader(language), catalogue, head)), _HTML)


def feed_address(extension: str, chosen: Filter, language: str) -> str:
    """The address of the feed of a search."""
    return address(f"/feeds/all.{extension}", chosen, lang=language)


def _home(reader: Reader, catalogue: Catalogue, head: LogHead, origins: Origins) -> Mapping[str, Any]:
    path = url_for("pages.records", language=reader.language)
    latest = catalogue.listing(Filter(), _LATEST)
    happening = Filter(facets={"type": EVENT_TYPES})
    # The latest dates first, whatever day it is: no page depends on the clock.
    events = sorted(catalogue.listing(happening, _EVENTS_LOOKED_AT).records, key=lambda each: each.starts)
    peers = {node: count for node, count in catalogue.counts_by_origin().items() if node != site().settings.node_iri}

    def show(held: tuple[Held, ...] | list[Held]) -> Any:
        return entries(site(), reader, catalogue, origins, held)

    return {
        "lead": lead(is_hub=bool(peers)),
        "total": sum(catalogue.counts_by_origin().values()),
        "most_types": _TYPES,
        "types": _counted(reader, catalogue, head, "type", path),
        "treaties": _counted(reader, catalogue, head, "treaty", path)[:_TREATIES],
        "latest": show(latest.records),
        "events": show([each for each in reversed(events) if each.starts][:_EVENTS]),
        "events_href": address(path, happening),
        "peers": [
            {"label": Label(origins.name(node)), "count": count, "href": address(path, Filter(origin=node))}
            for node, count in sorted(peers.items(), key=lambda each: -each[1])
        ],
    }


def _counted(reader: Reader, catalogue: Catalogue, head: LogHead, facet: str, path: str) -> list[dict[str, Any]]:
    return [
        {
            "label": reader.facet_value(facet, value),
            "count": count,
            "href": address(path, Filter(facets={facet: (value,)})),
        }
        for value, count in _counts().of(catalogue, head, facet)
    ]


def _follow(reader: Reader, catalogue: Catalogue, head: LogHead) -> Mapping[str, Any]:
    everything = (Label(Words(gettext("All records"), reader.language)), None, Filter())
    single = [
        (reader.facet_value(facet, value), count, Filter(facets={facet: (value,)}))
        for facet in ("type", "treaty")
        for value, count in _counts().of(catalogue, head, facet)
    ]
    rows = [
        {
            "label": label,
            "count": count,
            "feeds": [
                {"name": name, "media_type": kind, "href": feed_address(extension, chosen, reader.language)}
                for extension, name, kind in FEEDS
            ],
        }
        for label, count, chosen in [everything, *single]
    ]
    return {"feeds": rows, "opml_href": "/feeds.opml"}


def _record(language: str, iri: str) -> Response:
    with reading(site().engine) as connection:
        held = Catalogue(connection).find(iri)
        if held is None:
            raise RecordNotFoundError(iri)
        reader = _reader(language)
        page = RecordPage(site(), reader, connection, Origins(site(), reader, connection), held)
        if held.withdrawn and (now := moves.successor(connection, iri)):
            return redirection(address_of(site(), now, language), HTTPStatus.MOVED_PERMANENTLY)
        if held.withdrawn:
            tag = strong_etag(site().stamp, language, held.digest)
            gone = HTTPStatus.GONE
            return answer(tag, lambda: render_template("withdrawn.html", **page.withdrawn()), _HTML, status=gone)
        type_href = address(url_for("pages.records", language=language), Filter(facets={"type": (held.type,)}))
        # Names of referenced records change with the log.
        tag = strong_etag(site().stamp, language, held.digest, ChangeLog(connection).head())
        return answer(tag, lambda: render_template("record.html", type_href=type_href, **page.live()), _HTML)


def _redirect(address: str) -> Response:
    response = redirect(address)
    return Response(response.response, response.status_code, response.headers)


def _reader(language: str) -> Reader:
    return Reader(language, site().settings.languages)


def _counts() -> UnfilteredCounts:
    counts: UnfilteredCounts = current_app.extensions[_COUNTS]
    return counts


def _page_number() -> int:
    number = counting_number(single(request.args, "page") or "1", _LAST_PAGE)
    if number is None:
        raise BadQueryError("page", f"write a number from 1 to {_LAST_PAGE}")
    return number


def _other_language(code: str) -> Mapping[str, str]:
    """This page in another language of the interface."""
    language, _, rest = request.path.lstrip("/").partition("/")
    query = f"?{request.query_string.decode('ascii', 'replace')}" if request.query_string else ""
    known = language in site().settings.languages
    return {
        "code": code,
        "name": NAMES[code],
        "direction": direction(code),
        "href": f"/{code}/{rest}{query}" if known else f"/{code}/",
    }


def _foreign(words: Words, page: str) -> Markup:
    """Attributes that say which language a text is in, where it is not the page's."""
    if words.language == page:
        return Markup("")
    if not words.language:
        return Markup(' dir="auto"')
    return Markup(' lang="{}" dir="{}"').format(words.language, words.direction)


def _current(endpoint: str) -> Markup:
    return Markup(' aria-current="page"') if request.endpoint == endpoint else Markup("")


def _asset(name: str) -> str:
    return url_for("pages.asset", name=name, v=_hash(name))


@cache
def _hash(name: str) -> str:
    return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:10]
