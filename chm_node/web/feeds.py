"""Any listing as a feed: RSS 2.0, RSS 1.0, Atom, JSON Feed; and the main feeds in one OPML file."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, request
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict

from chm_node.catalogue import Catalogue, ChangeLog, Filter
from chm_node.catalogue.timeline import Stretch, stretch
from chm_node.database import reading
from chm_node.errors import BadQueryError
from chm_node.formats.feed import Feed, FeedEntry
from chm_node.formats.feeds import atom, rss
from chm_node.formats.json_feed import json_feed
from chm_node.formats.opml import Outline, opml
from chm_node.formats.rss1 import rss_1
from chm_node.record import from_milliseconds, milliseconds
from chm_node.text import clean_text, host_of
from chm_node.web import Site, site
from chm_node.web.conditional import answer, link, strong_etag
from chm_node.web.entries import peer_titles
from chm_node.web.feed_entry import facet_label, feed_entries, interface_language, pick
from chm_node.web.filters import broadest, findable, parse, single, to_query
from chm_node.web.languages import language_name

blueprint = Blueprint("feeds", __name__)

#: Entries in one feed; RFC 5005 links lead to the rest.
SIZE = 50
#: A feed can be written in any language that the vocabularies speak.
LANGUAGES = ("en", "fr", "es", "ar", "ru", "zh")
FORMATS: Mapping[str, tuple[str, Callable[[Feed], bytes]]] = {
    "rss": ("application/rss+xml; charset=utf-8", rss),
    "rdf": ("application/rdf+xml; charset=utf-8", rss_1),
    "atom": ("application/atom+xml; charset=utf-8", atom),
    "json": ("application/feed+json", json_feed),
}
_CURSOR = re.compile(r"[0-9]{1,14}", re.ASCII)  # milliseconds; one digit more lies beyond the year 9999


@blueprint.get("/feeds/all.<extension>")
def feed(extension: str) -> Response:
    """The newest entries of the listing that the query describes."""
    if extension not in FORMATS:
        abort(HTTPStatus.NOT_FOUND, f"Feeds come as {', '.join(f'all.{each}' for each in FORMATS)}.")
    here = site()
    asked = _Asked.read(here, extension, request.args)
    content_type, write = FORMATS[extension]
    with reading(here.engine) as connection:
        shown = stretch(connection, asked.chosen, SIZE, asked.before)
        newest = ChangeLog(connection).head().log_time
        entries = feed_entries(here, connection, shown.records, asked.language)
        title = _title(here, asked, _origin(here, asked, connection))
    found = _feed(here, asked, title, shown, entries)
    named = [("hub", asked.hub(here)), ("self", asked.address(here)), *_paging(here, asked, shown)]
    links = [link(address, relation) for relation, address in named if address]
    tag = strong_etag(here.stamp, extension, found)
    return answer(tag, lambda: write(found), content_type, modified=newest, links=links)


def topic(here: Site, extension: str, args: MultiDict[str, str]) -> str:
    """The one spelling of a feed's address, under which its changes are told; raises BadQueryError."""
    asked = _Asked.read(here, extension, args)
    if asked.before:
        raise BadQueryError("before", "only the newest entries of a feed can be followed")
    return asked.address(here)


@dataclass(frozen=True)
class _Asked:
    """A feed as its address asks for it."""

    extension: str
    chosen: Filter
    language: str
    before: datetime | None

    @classmethod
    def read(cls, here: Site, extension: str, args: MultiDict[str, str]) -> "_Asked":
        language = single(args, "lang") or here.settings.languages[0]
        if language not in LANGUAGES:
            raise BadQueryError("lang", f"feeds are not written in {language!r}", LANGUAGES)
        before = single(args, "before")
        if before and not _CURSOR.fullmatch(before):
            raise BadQueryError("before", "take it from a link of the feed, do not make it up")
        chosen = parse(args, also=("lang", "before"))
        return cls(extension, chosen, language, from_milliseconds(int(before)) if before else None)

    def address(self, here: Site, before: datetime | None = None, *, first: bool = False) -> str:
        """The address of this feed, or of a neighbouring stretch of it."""
        cursor = None if first else before or self.before
        pairs = [("lang", self.language), *([("before", str(milliseconds(cursor)))] if cursor else [])]
        query = "&".join(filter(None, (to_query(self.chosen), urlencode(pairs))))
        return f"{here.settings.base_url}feeds/all.{self.extension}?{query}"

    def hub(self, here: Site) -> str:
        """Who tells when this feed changes; empty for an older stretch, which nobody needs to be told of."""
        return "" if self.before else here.settings.websub_hub


def _feed(here: Site, asked: _Asked, title: str, shown: Stretch, entries: list[FeedEntry]) -> Feed:
    settings = here.settings
    paging = dict(_paging(here, asked, shown))
    query, page_language = to_query(asked.chosen), interface_language(here, asked.language)
    return Feed(
        address=asked.address(here),
        page=f"{settings.base_url}{page_language}/records{'?' + query if query else ''}",
        page_language=page_language,
        title=title,
        language=asked.language,
        updated=shown.records[0].log_time if shown.records else from_milliseconds(0),
        node=settings.node_iri,
        publisher=settings.publisher or pick(settings.titles, asked.language)[0],
        entries=entries,
        first=paging.get("first", ""),
        previous=paging.get("previous", ""),
        next=paging.get("next", ""),
        hub=asked.hub(here),
    )


def _paging(here: Site, asked: _Asked, shown: Stretch) -> list[tuple[str, str]]:
    links = [("first", asked.address(here, first=True))]
    if asked.before:
        links.append(("previous", asked.address(here, shown.newer, first=shown.newer is None)))
    if shown.older:
        links.append(("next", asked.address(here, shown.older)))
    return links


def _title(here: Site, asked: _Asked, origin: str = "") -> str:
    """The node's name, and what the filter asks for, in the language of the feed; ``origin`` is the name of a node."""
    parts = [pick(here.settings.titles, asked.language)[0]]
    for facet, values in asked.chosen.facets.items():
        label = language_name if facet == "language" else partial(facet_label, facet)
        parts += [label(value, asked.language) for value in broadest(values)]
    return " – ".join(filter(None, (*parts, asked.chosen.words, origin)))


def _origin(here: Site, asked: _Asked, connection: Connection) -> str:
    """What the node is called whose records are asked for; empty when the origin does not matter."""
    if not (node := asked.chosen.origin):
        return ""
    titles = here.settings.titles if node == here.settings.node_iri else peer_titles(connection).get(node, {})
    return clean_text(pick(titles, asked.language)[0]) or host_of(node) or node


@blueprint.get("/feeds.opml")
def main_feeds() -> Response:
    """Everything, each record type, treaty and country that has records, in each interface language."""
    here = site()
    with reading(here.engine) as connection:
        catalogue = Catalogue(connection)
        values = {
            facet: sorted(value for value, _ in catalogue.facet_counts(Filter(), facet) if findable(facet, value))
            for facet in ("type", "treaty", "country")
        }
    title = pick(here.settings.titles, here.settings.languages[0])[0]
    return answer(
        strong_etag(here.stamp, "opml", sorted(values.items())),
        lambda: opml(title, [_outlines(here, language, values) for language in here.settings.languages]),
        "text/x-opml; charset=utf-8",
    )


def _outlines(here: Site, language: str, values: Mapping[str, list[str]]) -> Outline:
    everything = [
        _outline(here, _Asked(extension, Filter(), language, None), name)
        for extension, name in (("rss", "RSS 2.0"), ("atom", "Atom"), ("rdf", "RSS 1.0"), ("json", "JSON Feed"))
    ]
    filtered = [
        _outline(here, _Asked("rss", Filter({facet: (value,)}), language, None))
        for facet, found in values.items()
        for value in found
    ]
    return Outline(pick(here.settings.titles, language)[0], language=language, members=[*everything, *filtered])


def _outline(here: Site, asked: _Asked, name: str = "") -> Outline:
    query = to_query(asked.chosen)
    page = f"{here.settings.base_url}{asked.language}/records{'?' + query if query else ''}"
    title = _title(here, asked)
    return Outline(f"{title} ({name})" if name else title, asked.address(here), page, asked.language)
