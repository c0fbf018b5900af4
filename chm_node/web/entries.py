"""Records as the lists of a page show them, and the names of the nodes they come from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from flask import current_app
from sqlalchemy import Connection

from chm_node.catalogue import Catalogue, Filter, Held, LogHead
from chm_node.text import host_of, primary_language
from chm_node.web import Site
from chm_node.web.labels import Label, Reader, Words
from chm_node.web.offers import offers

#: Key in ``app.extensions`` of a function that knows what peers are called; a hub sets it.
PEERS = "chm_peers"
#: Places named with an entry; a record about forty countries names three.
MOST_PLACES = 3

PeerTitles = Callable[[Connection], Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True)
class EntryView:
    """One record of a list."""

    href: str
    title: Words
    summary: Words
    type_name: str
    dates: str
    places: tuple[Label, ...]
    languages: tuple[str, ...]
    origin: Words | None  #: None for the node's own records
    updated: str


def peer_titles(connection: Connection) -> Mapping[str, Mapping[str, str]]:
    """What a hub calls its peers, by node IRI."""
    titles_of = cast(PeerTitles | None, current_app.extensions.get(PEERS))
    return titles_of(connection) if titles_of else {}


class Origins:
    """What nodes are called: ourselves by the settings, peers by what the hub knows, others by their host."""

    def __init__(self, site: Site, reader: Reader, connection: Connection) -> None:
        self._own = site.settings.node_iri
        self._titles = {self._own: site.settings.titles} | dict(peer_titles(connection))
        self._reader = reader

    def name(self, node: str) -> Words:
        """The name of a node by its IRI."""
        if titles := self._titles.get(node):
            return self._reader.pick(titles)
        return Words(host_of(node) or node, "")

    def foreign(self, node: str) -> Words | None:
        """The name of another node; None for our own."""
        return None if node == self._own else self.name(node)


class UnfilteredCounts:
    """What is offered of the whole catalogue, counted once for each state of the log."""

    def __init__(self) -> None:
        self._counted: tuple[LogHead | None, dict[str, list[tuple[str, int]]]] = (None, {})

    def of(self, catalogue: Catalogue, head: LogHead, facet: str) -> list[tuple[str, int]]:
        """(value, count), commonest first."""
        counted_at, counts = self._counted
        if head != counted_at:
            # Together and anew: a thread with an older view must not count into the newer one.
            counts = {}
            self._counted = (head, counts)
        if facet not in counts:
            counts[facet] = offers(catalogue, Filter(), facet)
        return counts[facet]


def address_of(site: Site, iri: str, language: str) -> str:
    """The path of a record's page on this node."""
    return "/" + site.page_of(iri, language).removeprefix(site.settings.base_url)


def entries(
    site: Site, reader: Reader, catalogue: Catalogue, origins: Origins, held: Sequence[Held]
) -> list[EntryView]:
    """The records as a list shows them; one query, however many they are."""
    facets = catalogue.facets(each.id for each in held)
    return [_entry(site, reader, origins, each, facets.get(each.id, [])) for each in held]


def _entry(site: Site, reader: Reader, origins: Origins, held: Held, facets: Sequence[tuple[str, str]]) -> EntryView:
    places = sorted(value for facet, value in facets if facet == "country" and value)
    languages = {primary_language(value) for facet, value in facets if facet == "language"}
    return EntryView(
        href=address_of(site, held.iri, reader.language),
        title=reader.pick(held.titles),
        summary=reader.pick(held.summaries),
        type_name=reader.type_name(held.type),
        dates=reader.period(held.starts, held.ends),
        places=tuple(reader.term(value) for value in places[:MOST_PLACES]),
        languages=tuple(sorted(languages - {""})),
        origin=origins.foreign(held.origin),
        updated=reader.day(held.version),
    )
