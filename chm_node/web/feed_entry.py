"""The entries of a feed: records as the catalogue and their graphs have them, in the language of the feed."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from chm_node import entry
from chm_node.canonical import read_triples
from chm_node.catalogue import Catalogue, ChangeLog, Held
from chm_node.formats.feed import Category, FeedEntry, Origin
from chm_node.namespaces import VOCABULARY
from chm_node.schema.kinds import Index
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
        "fr": "Retrait : {}",
        "es": "Retirada: {}",
        "ar": "سحب: {}",
        "ru": "Отзыв: {}",
        "zh": "撤回：{}",
    },
    "changed": {
        "en": "Changed: {}",
        "fr": "Modification : {}",
        "es": "Cambio: {}",
        "ar": "تغيير: {}",
        "ru": "Изменение: {}",
        "zh": "更改：{}",
    },
}
#: Facets whose terms become categories.
_CATEGORIES = ("type", "treaty", "subject", "country")


def feed_entries(here: Site, connection: Connection, records: Sequence[Held], language: str) -> list[FeedEntry]:
    """What a feed in this language says of the records, in their order."""
    facets = Catalogue(connection).facets(held.id for held in records)
    changes = ChangeLog(connection).graphs(held.id for held in records)
    titles = peer_titles(connection)
    nodes = {node for change in changes.values() for node in change.hops} | {held.origin for held in records}
    named = {node: _origin(here, node, titles, language) for node in nodes}
    return [
        _entry(
            here,
            language,
            held,
            facets.get(held.id, []),
            index_triples(read_triples(changes[held.id].graph.nquads)),
            named[held.origin],
            [node for each in changes[held.id].hops if (node := named[each])],
        )
        for held in records
    ]


def _entry(
    here: Site,
    language: str,
    held: Held,
    facets: Sequence[tuple[str, str]],
    graph: Index,
    origin: Origin | None,
    path: Sequence[Origin],
) -> FeedEntry:
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
        categories=tuple(
            Category(facet, facet_iri(facet, value), facet_label(facet, value, language))
            for facet, value in kinds
            if facet in _CATEGORIES
        ),
        origin=origin,
        remark=_news(change, clean_text(remark), remark_language, language) if remark else "",
        remark_language="" if remark_language == "und" else remark_language,
        starts=held.starts,
        ends=held.ends,
        path=path,
    )


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


def _origin(here: Site, node: str, titles: Mapping[str, Mapping[str, str]], language: str) -> Origin | None:
    if node == here.settings.node_iri:
        return None
    name = clean_text(pick(titles.get(node, {}), language)[0])
    return Origin(node, name or host_of(node) or node)


def pick(texts: Mapping[str, str], language: str) -> tuple[str, str]:
    """The text in a language, else in English, else in any; with the language it is in."""
    for code in (language, *(each for each in texts if each.startswith(f"{language}-")), "en", *texts):
        if texts.get(code):
            return texts[code], code
    return "", ""


def facet_iri(facet: str, value: str) -> str:
    """The term that a facet value stands for."""
    if ":" in value:
        return value
    return f"{VOCABULARY}record-types/{value}" if facet == "type" else f"{VOCABULARY}{value}"


def facet_label(facet: str, value: str, language: str) -> str:
    """A facet value in words; the value itself when no vocabulary has it."""
    if facet == "language":
        return value
    term = vocabularies().term(facet_iri(facet, value))
    return clean_text(term.label([language])[0] if term else value)


def interface_language(here: Site, language: str) -> str:
    """The language of the pages that a feed leads to."""
    return language if language in here.settings.languages else here.settings.languages[0]
