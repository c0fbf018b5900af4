"""RSS 2.0 and Atom, written by feedgen; the one home of feedgen and of what has to be done about it.

feedgen 1.0.0 drops the attributes of entry links, takes the last link of a channel for its page, and
stamps feeds with the clock; hence the extension below, the order of the links, and the given dates.
"""

from typing import Any

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from chm_node.formats.feed import CHANGE_SCHEME, Feed, FeedEntry
from chm_node.record import timestamp

_ATOM = "http://www.w3.org/2005/Atom"
_EVENT = "http://purl.org/rss/1.0/modules/event/"
_DC = "http://purl.org/dc/elements/1.1/"
_TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
_XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

_Element = etree._Element


def atom(feed: Feed) -> bytes:
    """The feed as Atom 1.0 (RFC 4287), with paging (RFC 5005) and tombstones (RFC 6721)."""
    generator = _generator(feed)
    generator.author(name=feed.publisher, uri=feed.node)
    for relation, address in (("self", feed.address), *feed.paging):
        generator.link(href=address, rel=relation, type="application/atom+xml")
    if feed.hub:
        generator.link(href=feed.hub, rel="hub")
    generator.link(href=feed.page, rel="alternate", type="text/html", hreflang=feed.page_language)
    for entry in feed.entries:
        added = _added(generator, entry)
        added.chm.page_language = feed.page_language
        added.content(entry.body, type="html")
        if entry.origin:
            added.author(name=entry.origin.title, uri=entry.origin.iri)
        for category in entry.categories:
            # A text that is no term stands for itself, in no scheme.
            scheme = CHANGE_SCHEME.replace("#change", f"#{category.facet}") if category.iri else None
            added.category(term=category.iri or category.label, scheme=scheme, label=category.label)
        added.category(term=entry.change, scheme=CHANGE_SCHEME, label=entry.change)
    written: bytes = generator.atom_str(pretty=True)
    return written


def rss(feed: Feed) -> bytes:
    """The feed as RSS 2.0, with Atom links for itself and its neighbours."""
    generator = _generator(feed)
    generator.description(feed.title)
    generator.link(href=feed.address, rel="self", type="application/rss+xml")
    # The channel's <link> is the last link given, so the page comes last.
    generator.link(href=feed.page, rel="alternate", type="text/html")
    generator.pubDate(feed.updated)
    for entry in feed.entries:
        added = _added(generator, entry)
        added.description(entry.body)
        added.guid(entry.iri, permalink=False)
        added.link(href=entry.page, rel="alternate")
        if entry.origin:
            added.source(entry.origin.feed, entry.origin.title)
        for category in entry.categories:
            added.category(term=category.iri or category.label, scheme=category.iri or None, label=category.label)
        added.category(term=entry.change, scheme=CHANGE_SCHEME, label=entry.change)
    written: bytes = generator.rss_str(pretty=True)
    return written


class _FeedExtension(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """Namespaces, paging links and hub of RSS, tombstones of Atom."""

    feed: Feed

    def extend_ns(self) -> dict[str, str]:
        return {"ev": _EVENT, "dc": _DC, "at": _TOMBSTONES}

    def extend_atom(self, element: _Element) -> _Element:
        for entry in self.feed.entries:
            if entry.withdrawn:
                gone = etree.SubElement(element, f"{{{_TOMBSTONES}}}deleted-entry")
                gone.set("ref", entry.iri)
                gone.set("when", timestamp(entry.updated))
        return element

    def extend_rss(self, element: _Element) -> _Element:
        for relation, address in self.feed.paging:
            _atom_link(element[0], address, relation, "application/rss+xml")
        if self.feed.hub:
            etree.SubElement(element[0], f"{{{_ATOM}}}link", href=self.feed.hub, rel="hub")
        return element


class _EntryExtension(BaseEntryExtension):  # type: ignore[misc]  # feedgen has no types
    """What feedgen cannot say of an entry: its language, its links with all attributes, what it is as an event."""

    entry: FeedEntry
    page_language: str

    def extend_atom(self, element: _Element) -> _Element:
        self._language_and_event(element)
        page = {"href": self.entry.page, "rel": "alternate", "type": "text/html", "hreflang": self.page_language}
        etree.SubElement(element, "link", page)
        # Not "alternate": some readers open the first such link of an entry, some the last, whatever its type.
        for address, media_type in self.entry.data:
            etree.SubElement(element, "link", href=address, rel="describedby", type=media_type)
        for node in self.entry.path:
            etree.SubElement(element, "link", href=node.iri, rel="via", title=node.title)
        if origin := self.entry.origin:
            source = etree.SubElement(element, "source")
            etree.SubElement(source, "id").text = origin.iri
            etree.SubElement(source, "title").text = origin.title
            etree.SubElement(source, "updated").text = timestamp(self.entry.updated)
            etree.SubElement(source, "link", href=origin.iri, rel="alternate")
        return element

    def extend_rss(self, element: _Element) -> _Element:
        self._language_and_event(element)
        for address, media_type in self.entry.data:
            _atom_link(element, address, "describedby", media_type)
        for node in self.entry.path:
            etree.SubElement(element, f"{{{_ATOM}}}link", href=node.iri, rel="via", title=node.title)
        if self.entry.origin:
            etree.SubElement(element, f"{{{_DC}}}source").text = self.entry.origin.iri
        return element

    def _language_and_event(self, element: _Element) -> None:
        if self.entry.language:
            element.set(_XML_LANGUAGE, self.entry.language)
        for name, text in self.entry.event_facts:
            etree.SubElement(element, f"{{{_EVENT}}}{name}").text = text


def _generator(feed: Feed) -> Any:  # Any: feedgen has no types
    generator = FeedGenerator()
    generator.register_extension("chm", _FeedExtension, _EntryExtension)
    generator.chm.feed = feed
    generator.id(feed.address)
    generator.title(feed.title)
    generator.language(feed.language)
    generator.generator("CHM node")
    # feedgen stamps feeds with the clock unless told otherwise, and a feed that differs on every
    # request can never be answered with 304 Not Modified.
    generator.updated(feed.updated)
    return generator


def _added(generator: Any, entry: FeedEntry) -> Any:  # Any: feedgen has no types
    added = generator.add_entry(order="append")  # its default would turn the feed around
    added.id(entry.iri)
    added.title(entry.title)
    added.published(entry.published)
    added.updated(entry.updated)
    added.chm.entry = entry
    return added


def _atom_link(parent: _Element, address: str, relation: str, media_type: str) -> None:
    etree.SubElement(parent, f"{{{_ATOM}}}link", href=address, rel=relation, type=media_type)
