"""The entries of a feed: records as the catalogue and their graphs have them, in the language of the feed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from chm_node import entry
from chm_node.canonical import read_triples
from chm_node.catalogue import Catalogue, ChangeLog, Held
from chm_node.facets import iri_of
from chm_node.formats.feed import Category, FeedEntry, Origin
from chm_node.record_types import RECORD_TYPES
from chm_node.record_types.events import EVENT_TYPES
from chm_node.schema.field import Index
from chm_node.schema.record_type import index_triples
from chm_node.text import clean_text, host_of
from chm_node.vocabulary import vocabularies
from chm_node.web import Site
from chm_node.web.entries import peer_titles
from chm_node.web.negotiation import RDF_XML, TURTLE

#: What stands before the title of an entry, and before the reason or the note, in each language of feeds.
NEWS = {
    "withdrawn": {
        "en": "Withdrawn: {}",
        "fr": "Retrait : {}",
        "es": "Retirada: {}",
        "ar": "سحب: {}",
        "ru": "Отзыв: {}",
        "zh": "撤回：{}",
    },
    "changed": {
        "en": "Changed: {}",
        "fr": "Modification : {}",
        "es": "Cambio: {}",
        "ar": "تغيير: {}",
        "ru": "Изменение: {}",
        "zh": "更改：{}",
    },
}
#: Facets whose terms become categories.
_CATEGORIES = ("type", "treaty", "subject", "country")
#: Between the parts of a place, where it is not a comma with a blank.
_COMMAS = {"ar": "، ", "zh": "，"}


def feed_entries(here: Site, connection: Connection, records: Sequence[Held], language: str) -> list[FeedEntry]:
    """What a feed in this language says of the records, in their order."""
    facets = Catalogue(connection).facets(held.id for held in records)
    changes = ChangeLog(connection).graphs(held.id for held in records)
    graphs = {held.id: index_triples(read_triples(changes[held.id].graph.nquads)) for held in records}
    events = {held.id: entry.happening(held.iri, graphs[held.id]) for held in records if _happens(held)}
    named = {each for event in events.values() for each in event.organisers if isinstance(each, str)}
    context = _Context(here, language, peer_titles(connection), Catalogue(connection).held(named))
    return [
        _entry(context, held, facets.get(held.id, []), graphs[held.id], events.get(held.id), changes[held.id].hops)
        for held in records
    ]


@dataclass(frozen=True)
class _Context:
    """What all entries of a feed are written with."""

    here: Site
    language: str
    peers: Mapping[str, Mapping[str, str]]  #: titles of nodes
    held: Mapping[str, Held]  #: records that others name

    def origin(self, node: str) -> Origin | None:
        """Another node, as the feed names it."""
        if node == self.here.settings.node_iri:
            return None
        name = clean_text(pick(self.peers.get(node, {}), self.language)[0])
        return Origin(node, name or host_of(node) or node)

    def organiser(self, organiser: str | Mapping[str, str]) -> str:
        """The name of an organiser, or the address of one whose record is not here."""
        held = self.held.get(organiser) if isinstance(organiser, str) else None
        titles = held.titles if held else organiser
        return titles if isinstance(titles, str) else clean_text(pick(titles, self.language)[0])

    def place(self, place: entry.Place) -> str:
        """Name, town and country of a place."""
        country = facet_label("country", place.term, self.language) if place.term else ""
        parts = dict.fromkeys((pick(place.names, self.language)[0], place.town, country))
        return _COMMAS.get(self.language, ", ").join(filter(None, parts))


def _entry(
    context: _Context,
    held: Held,
    facets: Sequence[tuple[str, str]],
    graph: Index,
    event: entry.Happening | None,
    hops: Sequence[str],
) -> FeedEntry:
    here, language = context.here, context.language
    title, title_language = pick(held.titles, language)
    title = clean_text(title) or held.iri
    summary = clean_text(held.summaries.get(title_language, "")) if title_language else ""
    change = "withdrawn" if held.withdrawn else "new" if held.version <= held.issued else "changed"
    remark, remark_language = pick(_remarks(held, change, graph), language)
    kinds = [("type", held.type)] if held.withdrawn else sorted(facets, key=lambda each: _order(each[0]))
    return FeedEntry(
        iri=held.iri,
        page=here.page_of(held.iri, interface_language(here, language)),
        data=tuple((here.data_of(held.iri, each.extension), each.media_type) for each in (TURTLE, RDF_XML)),
        title=_news(change, title, title_language, language),
        summary=summary or title,
        language="" if title_language == "und" else title_language,
        published=held.issued,
        updated=held.version,
        change=change,
        categories=tuple(_categories(kinds, language)),
        origin=context.origin(held.origin),
        remark=_news(change, remark, remark_language, language) if remark else "",
        remark_language="" if remark_language == "und" else remark_language,
        starts=held.starts if event else "",
        ends=held.ends if event else "",
        event=facet_label("type", held.type, language) if event else "",
        places=tuple(filter(None, map(context.place, event.places))) if event else (),
        organisers=tuple(filter(None, map(context.organiser, event.organisers))) if event else (),
        path=tuple(node for each in hops if (node := context.origin(each))),
    )


def _happens(held: Held) -> bool:
    return held.type in EVENT_TYPES and not held.withdrawn


def _categories(facets: Sequence[tuple[str, str]], language: str) -> Iterator[Category]:
    for facet, value in facets:
        # A row of old may hold what no output can carry.
        if facet in _CATEGORIES and (label := facet_label(facet, value, language)):
            yield Category(facet, facet_iri(facet, value), label)


def _remarks(held: Held, change: str, graph: Index) -> Mapping[str, str]:
    """Why the record was withdrawn, or what changed, by language."""
    if change == "withdrawn":
        return entry.tombstone(held.iri, graph).reason
    return entry.change_note(held.iri, graph) if change == "changed" else {}


def _news(change: str, text: str, language: str, wanted: str) -> str:
    """The text after a word that says what happened: in the language of the text, else of the feed."""
    forms = NEWS.get(change)
    return forms.get(language.split("-")[0], forms[wanted]).format(text) if forms else text


def _order(facet: str) -> int:
    return _CATEGORIES.index(facet) if facet in _CATEGORIES else len(_CATEGORIES)


def pick(texts: Mapping[str, str], language: str) -> tuple[str, str]:
    """The text in a language, else in English, else in any; with the language it is in."""
    for code in (language, *(each for each in texts if each.startswith(f"{language}-")), "en", *texts):
        if texts.get(code):
            return texts[code], code
    return "", ""


def facet_iri(facet: str, value: str) -> str:
    """The IRI of the term that a facet value stands for; empty when it is a text."""
    if facet == "type":
        return RECORD_TYPES[value].term if value in RECORD_TYPES else ""
    return iri_of(value)


def facet_label(facet: str, value: str, language: str) -> str:
    """A facet value in words; the value itself when no vocabulary has it."""
    if facet == "language":
        return value
    iri = facet_iri(facet, value)
    term = vocabularies().term(iri) if iri else None
    return clean_text(term.label([language])[0] if term else value)


def interface_language(here: Site, language: str) -> str:
    """The language of the pages that a feed leads to."""
    return language if language in here.settings.languages else here.settings.languages[0]
