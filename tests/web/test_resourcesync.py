"""ResourceSync: from the well-known address to every record and its bytes."""

import hashlib
from datetime import UTC, datetime

import pytest
from lxml import etree

from chm_node import resource_lists
from chm_node.record import Action, Change, Entry, RecordGraph
from chm_node.record_types import RECORD_TYPES

NAMES = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "rs": "http://www.openarchives.org/rs/terms/"}


def read(site, address):
    return etree.fromstring(site.get(address).data)


def find(tree, path):
    return tree.xpath(path, namespaces=NAMES)


def test_the_well_known_address_leads_to_every_list(site):
    [capabilities] = find(read(site, ".well-known/resourcesync"), "//s:loc/text()")
    lists = find(read(site, capabilities), "//s:loc/text()")
    assert [find(read(site, each), "/*/rs:md/@capability") for each in lists] == [["resourcelist"], ["changelist"]]


def test_the_resource_list_has_every_live_record_with_the_hash_of_its_bytes(site):
    [part] = find(read(site, "resourcelist.xml"), "/s:sitemapindex/s:sitemap/s:loc/text()")
    listed = find(read(site, part), "//s:url")
    assert len(listed) == 11
    for each in listed:
        [address], [about], [iri] = (find(each, path) for path in ("s:loc/text()", "rs:md", "rs:ln/@href"))
        data = site.get(address).data
        assert address == f"{iri}.nq"
        assert about.get("hash") == f"sha-256:{hashlib.sha256(data).hexdigest()}"
        assert about.get("length") == str(len(data))
    assert site.iris["withdrawn"] not in site.get(part).text


def test_the_change_list_has_every_change_in_order(site):
    tree = read(site, "changelist.xml")
    changes = find(tree, "//s:url/rs:md/@change")
    moments = find(tree, "//s:url/rs:md/@datetime")
    assert (changes.count("created"), changes.count("updated"), changes.count("deleted")) == (12, 1, 1)
    assert moments == sorted(moments)
    [about] = find(tree, "/*/rs:md")
    assert (about.get("from"), about.get("until")) == (moments[0], moments[-1])


def test_the_change_list_goes_back_a_limited_number_of_changes(site, monkeypatch):
    monkeypatch.setattr(resource_lists, "CHANGES", 3)
    tree = read(site, "changelist.xml")
    assert len(find(tree, "//s:url")) == 3
    assert find(tree, "/*/rs:md/@from") == find(tree, "//s:url[1]/rs:md/@datetime")


def test_a_change_touches_the_etag_of_its_part_alone(site, monkeypatch):
    monkeypatch.setattr(resource_lists, "PART_SIZE", 5)
    parts = find(read(site, "resourcelist.xml"), "//s:loc/text()")
    before = [site.get(part).headers["ETag"] for part in parts]
    site.withdraw("event-1")
    after = [site.get(part).headers["ETag"] for part in parts]
    assert len(parts) == 3
    assert [old == new for old, new in zip(before, after, strict=True)].count(False) == 1


def test_a_hub_lists_harvested_records_where_it_serves_their_bytes(site):
    peer, iri = "https://peer.example/node", "https://peer.example/id/news/1"
    nquads = f'<{iri}> <http://purl.org/dc/terms/title> "Bonjour"@fr .\n'.encode()
    digest = hashlib.sha256(nquads).hexdigest()
    graph = RecordGraph(iri, Action.CREATE, peer, datetime(2026, 2, 1, tzinfo=UTC), nquads, digest)
    site.take_over([Change(datetime(2026, 4, 1, tzinfo=UTC), graph, Entry("news", {"fr": "Bonjour"}, {}, ()), (peer,))])
    tree = read(site, "resourcelist-1.xml")
    [entry] = find(tree, f"//s:url[rs:ln/@href='{iri}']")
    assert site.get(find(entry, "s:loc/text()")[0]).data == nquads
    assert find(entry, "rs:md/@hash") == [f"sha-256:{digest}"]


@pytest.mark.parametrize("name", ["resourcelist-1.xml", "changelist.xml"])
def test_listed_addresses_are_escaped_and_name_the_record_as_it_is(site, name):
    """sitemaps.org: locations are URL-escaped; the record behind one has its own name, an IRI."""
    iri = "https://node.example/id/event/ورشة-2026"
    site.publish_all([RECORD_TYPES["event"].record(iri, {"title": {"ar": "ورشة"}, "starts": "2026-06-21"})])
    tree = read(site, name)
    assert all(address.isascii() for address in find(tree, "//s:loc/text()"))
    [address] = find(tree, f"//s:url[rs:ln/@href='{iri}']/s:loc/text()")
    assert site.get(address).data == site.get(f"{iri}.nq").data


@pytest.mark.parametrize(
    "name", ["resourcelist-0.xml", "resourcelist-01.xml", "resourcelist-2.xml", "resourcelist-x.xml"]
)
def test_a_part_that_does_not_exist_is_not_found(site, name):
    assert site.get(name).status_code == 404


def test_an_empty_node_has_an_empty_list(empty_site):
    assert find(read(empty_site, "resourcelist-1.xml"), "//s:url") == []
    assert find(read(empty_site, "changelist.xml"), "//s:url") == []


def test_robots_find_the_resource_list(site):
    assert "Sitemap: https://node.example/resourcelist.xml\n" in site.get("robots.txt").text
