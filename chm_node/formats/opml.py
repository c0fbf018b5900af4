"""OPML 2.0: a list of feeds that a feed reader subscribes to in one go."""

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree


@dataclass(frozen=True)
class Outline:
    """A feed, or a group of them when it has no address."""

    text: str
    address: str = ""
    page: str = ""
    language: str = ""
    members: Sequence["Outline"] = ()


def opml(title: str, outlines: Sequence[Outline]) -> bytes:
    """The outlines as OPML 2.0."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = title
    body = etree.SubElement(root, "body")
    for outline in outlines:
        _write(body, outline)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _write(parent: etree._Element, outline: Outline) -> None:
    element = etree.SubElement(parent, "outline", text=outline.text)
    if outline.address:
        element.set("type", "rss")  # by definition for every kind of feed
        element.set("title", outline.text)
        element.set("xmlUrl", outline.address)
        element.set("htmlUrl", outline.page)
        element.set("language", outline.language)
    for member in outline.members:
        _write(element, member)
