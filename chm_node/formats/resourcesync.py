"""ResourceSync 1.1 (ANSI/NISO Z39.99-2017): source description, capability list, resource list, change list.

What is listed of a record is the address of its N-Quads, which gives exactly the bytes that were hashed and signed.
"""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from lxml import etree

from chm_node.record import Action, timestamp
from chm_node.resource_lists import Resource
from chm_node.text import uri_of

SPECIFICATION = "http://www.openarchives.org/rs/1.1/resourcesync"
MEDIA_TYPE = "application/xml"

_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_RS = "http://www.openarchives.org/rs/terms/"
_PREFIXES: Any = {None: _SITEMAP, "rs": _RS}  # Any: the type stubs know no default namespace
_N_QUADS = "application/n-quads"
_CHANGES = {Action.CREATE: "created", Action.UPDATE: "updated", Action.DELETE: "deleted"}

#: The address of the N-Quads of a record, by its IRI.
Addresses = Callable[[str], str]


def source_description(base_url: str) -> bytes:
    """Where a client begins: it leads to the one capability list."""
    capabilities = _entry("url", f"{base_url}capabilitylist.xml", {"capability": "capabilitylist"})
    return _document("urlset", {"capability": "description"}, {"describedby": f"{base_url}node"}, [capabilities])


def capability_list(base_url: str) -> bytes:
    """What there is to read."""
    names = ("resourcelist", "changelist")
    up = {"up": f"{base_url}.well-known/resourcesync", "describedby": f"{base_url}node"}
    entries = (_entry("url", f"{base_url}{name}.xml", {"capability": name}) for name in names)
    return _document("urlset", {"capability": "capabilitylist"}, up, entries)


def resource_list_index(base_url: str, parts: int, at: datetime) -> bytes:
    """The parts of the resource list."""
    entries = (_entry("sitemap", f"{base_url}resourcelist-{number}.xml", {}) for number in range(1, parts + 1))
    about = {"capability": "resourcelist", "at": timestamp(at)}
    return _document("sitemapindex", about, {"up": f"{base_url}capabilitylist.xml"}, entries)


def resource_list(base_url: str, resources: Sequence[Resource], at: datetime, address_of: Addresses) -> bytes:
    """One part of the resource list, as it stands since ``at``."""
    links = {"up": f"{base_url}capabilitylist.xml", "index": f"{base_url}resourcelist.xml"}
    entries = (_resource(each, address_of, {}) for each in resources)
    return _document("urlset", {"capability": "resourcelist", "at": timestamp(at)}, links, entries)


def change_list(
    base_url: str, changes: Sequence[Resource], since: datetime, until: datetime, address_of: Addresses
) -> bytes:
    """The changes between two log timestamps, oldest first."""
    about = {"capability": "changelist", "from": timestamp(since), "until": timestamp(until)}
    entries = (
        _resource(each, address_of, {"change": _CHANGES[each.action], "datetime": timestamp(each.log_time)})
        for each in changes
    )
    return _document("urlset", about, {"up": f"{base_url}capabilitylist.xml"}, entries)


def _resource(resource: Resource, address_of: Addresses, change: Mapping[str, str]) -> etree._Element:
    bytes_of = {"hash": f"sha-256:{resource.digest}", "length": str(resource.length), "type": _N_QUADS}
    about = {**change, **(bytes_of if resource.digest else {})}
    entry = _entry("url", address_of(resource.iri), about, resource.log_time)
    # The N-Quads are one form of the record, and this is the record itself, by the name it has in RDF.
    etree.SubElement(entry, f"{{{_RS}}}ln", {"rel": "canonical", "href": resource.iri})
    return entry


def _entry(kind: str, address: str, about: Mapping[str, str], modified: datetime | None = None) -> etree._Element:
    entry = etree.Element(f"{{{_SITEMAP}}}{kind}", nsmap=_PREFIXES)
    etree.SubElement(entry, f"{{{_SITEMAP}}}loc").text = uri_of(address)
    if modified:
        etree.SubElement(entry, f"{{{_SITEMAP}}}lastmod").text = timestamp(modified)
    if about:
        etree.SubElement(entry, f"{{{_RS}}}md", dict(about))
    return entry


def _document(
    kind: str, about: Mapping[str, str], links: Mapping[str, str], entries: Iterable[etree._Element]
) -> bytes:
    written = io.BytesIO()
    # Written as it is made: as one tree, a full part would take a hundred megabytes.
    with etree.xmlfile(written, encoding="UTF-8") as file:
        file.write_declaration()
        with file.element(f"{{{_SITEMAP}}}{kind}", nsmap=_PREFIXES):
            for relation, address in links.items():
                file.write(etree.Element(f"{{{_RS}}}ln", {"rel": relation, "href": address}), "\n")
            file.write(etree.Element(f"{{{_RS}}}md", dict(about)), "\n")
            for entry in entries:
                file.write(entry, "\n")
    return written.getvalue()
