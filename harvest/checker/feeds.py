"""What a feed says, in whichever of the four formats, as facts to be judged. Runs in a sandboxed child.

Strict where a feed reader may be lenient: what is found here is told to its web master.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from chm_node.errors import ParseError

FEED_TYPES = (
    "application/rss+xml",
    "application/atom+xml",
    "application/rdf+xml",
    "application/feed+json",
)
RSS, RSS_1, ATOM, JSON_FEED = "RSS 2.0", "RSS 1.0", "Atom", "JSON Feed"
MAX_ENTRIES = 200
_MAX_DEPTH = 100

_ATOM = "{http://www.w3.org/2005/Atom}"
_RSS_1 = "{http://purl.org/rss/1.0/}"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
# Encodings of feeds that expat does not know itself; looked up now, for a reading child can open no file.
for _name in ("cp1250", "cp1251", "cp1252", "cp1254", "cp1256", "iso8859-6", "iso8859-9", "iso8859-15", "koi8-r"):
    codecs.lookup(_name)
_LOOKS = re.compile(rb"<(?:rss|feed|[a-z]+:feed|rdf:RDF)[\s>]|jsonfeed\.org/version/")


@dataclass(frozen=True)
class Entry:
    """One entry of a feed."""

    id: str
    title: str
    date: str  #: as written
    language: str  #: its own; empty when it takes over the feed's
    body: str  #: HTML or text


@dataclass(frozen=True)
class Feed:
    """A feed, good or bad."""

    address: str
    kind: str
    title: str
    language: str
    self_link: str
    entries: tuple[Entry, ...]


def looks_like_feed(data: bytes, media_type: str) -> bool:
    """Whether somebody meant this as a feed, however broken."""
    if media_type == "text/html":
        return False
    return media_type in FEED_TYPES or _LOOKS.search(data[:2000]) is not None


def read_feed(data: bytes, media_type: str, address: str) -> Feed:
    """The feed; raises ParseError that says what is wrong with it."""
    if data.lstrip()[:1] == b"{":
        return _json_feed(data, address)
    root = _parsed(data)
    if root.tag == f"{_ATOM}feed":
        return _atom(root, address)
    if root.tag == "rss" and (channel := root.find("channel")) is not None:
        return _rss(root, channel, address)
    if root.tag == f"{_RDF}RDF" and (channel := root.find(f"{_RSS_1}channel")) is not None:
        return _rss_1(root, channel, address)
    raise ParseError(f"is none of RSS 2.0, RSS 1.0, Atom and JSON Feed: it begins with {root.tag[:80]}")


class _Tree(ElementTree.TreeBuilder):
    """Refuses what feeds never need: a DOCTYPE, with its entities, and endless nesting."""

    _depth = 0

    def doctype(self, *_: object) -> None:
        raise ParseError("has a DOCTYPE, which is never read; remove it")

    def start(self, tag: Any, attrs: Any) -> Any:  # as the standard library declares it
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ParseError(f"is nested more than {_MAX_DEPTH} levels deep")
        return super().start(tag, attrs)

    def end(self, tag: str) -> Any:  # as the standard library declares it
        self._depth -= 1
        return super().end(tag)


def _parsed(data: bytes) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=_Tree())  # noqa: S314  no DOCTYPE, and in a sandbox
    try:
        parser.feed(data)
        root: ElementTree.Element = parser.close()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ParseError(f"is not well-formed XML: {error}") from error
    except OSError as error:  # its file would have to be opened
        raise ParseError("is in an encoding that is not read; write it in UTF-8") from error
    return root


def _atom(root: ElementTree.Element, address: str) -> Feed:
    links = root.findall(f"{_ATOM}link")
    entries = root.findall(f"{_ATOM}entry")[:MAX_ENTRIES]
    return Feed(
        address=address,
        kind=ATOM,
        title=_text(root, f"{_ATOM}title"),
        language=root.get(_LANGUAGE, ""),
        self_link=next((each.get("href", "") for each in links if each.get("rel") == "self"), ""),
        entries=tuple(
            Entry(
                id=_text(each, f"{_ATOM}id"),
                title=_text(each, f"{_ATOM}title"),
                date=_text(each, f"{_ATOM}updated"),
                language=each.get(_LANGUAGE, ""),
                body=_text(each, f"{_ATOM}content") or _text(each, f"{_ATOM}summary"),
            )
            for each in entries
        ),
    )


def _rss(root: ElementTree.Element, channel: ElementTree.Element, address: str) -> Feed:
    links = channel.findall(f"{_ATOM}link")
    return Feed(
        address=address,
        kind=RSS,
        title=_text(channel, "title"),
        language=_text(channel, "language") or _text(channel, f"{_DC}language") or root.get(_LANGUAGE, ""),
        self_link=next((each.get("href", "") for each in links if each.get("rel") == "self"), ""),
        entries=tuple(
            Entry(
                id=_text(each, "guid"),
                title=_text(each, "title"),
                date=_text(each, "pubDate") or _text(each, f"{_DC}date"),
                language=each.get(_LANGUAGE, "") or _text(each, f"{_DC}language"),
                body=_text(each, f"{_CONTENT}encoded") or _text(each, "description"),
            )
            for each in channel.findall("item")[:MAX_ENTRIES]
        ),
    )


def _rss_1(root: ElementTree.Element, channel: ElementTree.Element, address: str) -> Feed:
    return Feed(
        address=address,
        kind=RSS_1,
        title=_text(channel, f"{_RSS_1}title"),
        language=channel.get(_LANGUAGE, "") or _text(channel, f"{_DC}language") or root.get(_LANGUAGE, ""),
        self_link=channel.get(f"{_RDF}about", ""),
        entries=tuple(
            Entry(
                id=each.get(f"{_RDF}about", ""),
                title=_text(each, f"{_RSS_1}title"),
                date=_text(each, f"{_DC}date"),
                language=each.get(_LANGUAGE, "") or _text(each, f"{_DC}language"),
                body=_text(each, f"{_CONTENT}encoded") or _text(each, f"{_RSS_1}description"),
            )
            for each in root.findall(f"{_RSS_1}item")[:MAX_ENTRIES]
        ),
    )


def _json_feed(data: bytes, address: str) -> Feed:
    try:
        document = json.loads(data)
        if not str(document.get("version", "")).startswith("https://jsonfeed.org/version/"):
            raise ParseError("is JSON, but does not state a version of JSON Feed")
        entries = tuple(_json_entries(document))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ParseError(f"is not a well-formed JSON Feed: {error}") from error
    texts = {name: str(document.get(name) or "") for name in ("title", "language", "feed_url")}
    return Feed(address, JSON_FEED, texts["title"], texts["language"], texts["feed_url"], entries)


def _json_entries(document: dict[str, Any]) -> Iterator[Entry]:
    for each in document["items"][:MAX_ENTRIES] if "items" in document else ():
        names = ("id", "title", "language")
        texts = {name: str(each.get(name) or "") for name in names}
        date = str(each.get("date_modified") or each.get("date_published") or "")
        body = str(each.get("content_html") or each.get("content_text") or "")
        yield Entry(texts["id"], texts["title"], date, texts["language"], body)


def _text(element: ElementTree.Element, name: str) -> str:
    found = element.find(name)
    return "".join(found.itertext()).strip() if found is not None else ""
