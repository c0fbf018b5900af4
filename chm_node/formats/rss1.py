"""RSS 1.0: a feed that is RDF, with the modules dc, content and ev."""

from typing import Any

from lxml import etree

from chm_node.formats.feed import Feed, FeedEntry
from chm_node.namespaces import DCTERMS, HYDRA, RDF, RDFS
from chm_node.record import timestamp

_RSS = "http://purl.org/rss/1.0/"
_DC = "http://purl.org/dc/elements/1.1/"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_EVENT = "http://purl.org/rss/1.0/modules/event/"
_RDF = str(RDF)
_PREFIXES: Any = {  # Any: the type stubs know no default namespace
    None: _RSS,
    "rdf": _RDF,
    "rdfs": str(RDFS),
    "dc": _DC,
    "dcterms": str(DCTERMS),
    "content": _CONTENT,
    "ev": _EVENT,
    "hydra": str(HYDRA),
}
_XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def rss_1(feed: Feed) -> bytes:
    """The feed as RSS 1.0; items and their list in the channel agree."""
    root = etree.Element(f"{{{_RDF}}}RDF", nsmap=_PREFIXES)
    _channel(etree.SubElement(root, f"{{{_RSS}}}channel"), feed)
    for entry in feed.entries:
        _item(etree.SubElement(root, f"{{{_RSS}}}item"), entry, feed)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _channel(channel: etree._Element, feed: Feed) -> None:
    channel.set(f"{{{_RDF}}}about", feed.address)
    channel.set(_XML_LANGUAGE, feed.language)
    _text(channel, _RSS, "title", feed.title)
    _text(channel, _RSS, "link", feed.page)
    _text(channel, _RSS, "description", feed.title)
    _text(channel, _DC, "language", feed.language)
    _text(channel, _DC, "publisher", feed.publisher)
    _text(channel, _DC, "date", timestamp(feed.updated))
    for relation, address in feed.paging:
        _reference(channel, str(HYDRA), relation, address)
    items = etree.SubElement(etree.SubElement(channel, f"{{{_RSS}}}items"), f"{{{_RDF}}}Seq")
    for entry in feed.entries:
        _reference(items, _RDF, "li", entry.iri)


def _item(item: etree._Element, entry: FeedEntry, feed: Feed) -> None:
    item.set(f"{{{_RDF}}}about", entry.iri)
    if entry.language:
        item.set(_XML_LANGUAGE, entry.language)
    _text(item, _RSS, "title", entry.title)
    _text(item, _RSS, "link", entry.page)
    _text(item, _RSS, "description", entry.text)
    _text(item, _CONTENT, "encoded", entry.body)
    _text(item, _DC, "identifier", entry.iri)
    _text(item, _DC, "date", timestamp(entry.updated))
    _text(item, _DC, "language", entry.language)
    _text(item, _DC, "publisher", entry.origin.title if entry.origin else feed.publisher)
    _text(item, _DC, "source", entry.origin.iri if entry.origin else "")
    for category in entry.categories:
        _text(item, _DC, "subject", category.label)
        if category.iri:
            _reference(item, str(DCTERMS), "subject", category.iri)
    _text(item, _DC, "subject", entry.change)
    _text(item, str(DCTERMS), "issued", timestamp(entry.published))
    _text(item, str(DCTERMS), "modified", timestamp(entry.updated))
    for name, text in entry.event_facts:
        _text(item, _EVENT, name, text)
    for address, _ in entry.data:
        _reference(item, str(RDFS), "seeAlso", address)


def _text(parent: etree._Element, namespace: str, name: str, text: str) -> None:
    if text:
        etree.SubElement(parent, f"{{{namespace}}}{name}").text = text


def _reference(parent: etree._Element, namespace: str, name: str, iri: str) -> None:
    etree.SubElement(parent, f"{{{namespace}}}{name}").set(f"{{{_RDF}}}resource", iri)
