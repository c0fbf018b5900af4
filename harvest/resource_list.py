"""Reading ResourceSync documents of a peer (ANSI/NISO Z39.99-2017). Runs in a sandboxed child; touches nothing."""

import io
from dataclasses import dataclass

from lxml import etree

from chm_node.errors import ParseError

_SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
_RS = "{http://www.openarchives.org/rs/terms/}"
_MAX_ENTRIES = 50_000
_SHA_256 = "sha-256:"


@dataclass(frozen=True)
class Entry:
    """What a document says of one resource or further document."""

    address: str
    capability: str
    sha256: str  #: hexadecimal; empty when it does not say
    iri: str  #: of the record the resource is a form of


@dataclass(frozen=True)
class Sitemap:
    """One ResourceSync document."""

    capability: str  #: such as ``resourcelist``
    index: bool  #: leads to parts of the list instead of being one
    entries: tuple[Entry, ...]


def read_sitemap(data: bytes, _media_type: str, address: str) -> Sitemap:
    """The document; raises ParseError, also for one that is empty or no ResourceSync at all."""
    # A zero byte is what UTF-16 would need to hide a DOCTYPE.
    if b"<!DOCTYPE" in data or b"\0" in data:
        raise ParseError(f"{address} has a DOCTYPE or is not UTF-8; neither is ever needed")
    try:
        return _read(data, address)
    except etree.XMLSyntaxError as error:
        raise ParseError(f"{address} is not valid XML: {error}") from error


def _read(data: bytes, address: str) -> Sitemap:
    kinds = (f"{_SITEMAP}url", f"{_SITEMAP}sitemap")
    entries: list[Entry] = []
    for _, element in etree.iterparse(io.BytesIO(data), tag=kinds, resolve_entities=False, no_network=True):
        entries.append(_entry(element, address))
        element.clear()  # a full part would take ten times its size as a tree
        if len(entries) > _MAX_ENTRIES:
            raise ParseError(f"{address} lists more than {_MAX_ENTRIES:,} resources; it has to be split")
    return _with_head(data, address, tuple(entries))


def _with_head(data: bytes, address: str, entries: tuple[Entry, ...]) -> Sitemap:
    """What the root says; it stands before the entries."""
    root: str = ""
    for event, element in etree.iterparse(io.BytesIO(data), events=("start", "end"), resolve_entities=False):
        root = root or str(element.tag)
        if event == "end" and element.tag == f"{_RS}md" and root in (f"{_SITEMAP}urlset", f"{_SITEMAP}sitemapindex"):
            return Sitemap(element.get("capability", ""), root == f"{_SITEMAP}sitemapindex", entries)
    raise ParseError(f"{address} is no ResourceSync document")


def _entry(element: etree._Element, address: str) -> Entry:
    location = (element.findtext(f"{_SITEMAP}loc") or "").strip()
    if not location:
        raise ParseError(f"{address} lists a resource without an address")
    about = element.find(f"{_RS}md")
    stated = about.get("hash", "").split() if about is not None else []
    canonical = [each.get("href", "") for each in element.iterfind(f"{_RS}ln") if each.get("rel") == "canonical"]
    return Entry(
        address=location,
        capability=about.get("capability", "") if about is not None else "",
        sha256=next((each.removeprefix(_SHA_256) for each in stated if each.startswith(_SHA_256)), ""),
        iri=canonical[0] if canonical else location.removesuffix(".nq"),
    )
