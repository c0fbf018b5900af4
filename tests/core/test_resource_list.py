"""Reading a peer's ResourceSync documents: ours come back, and nonsense is refused in words."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chm_node.errors import ParseError
from chm_node.formats import resourcesync
from chm_node.record import Action
from chm_node.resource_lists import Resource
from harvest.resource_list import Entry, read_sitemap

BASE = "https://dz.example.org/"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SITEMAP = (
    b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:rs="http://www.openarchives.org/rs/terms/">'
)
HEAD = SITEMAP + b'<rs:md capability="resourcelist"/>'


def read(data):
    return read_sitemap(data, "application/xml", f"{BASE}resourcelist.xml")


def test_our_own_documents_come_back():
    iri = f"{BASE}id/event/1"
    written = resourcesync.resource_list(
        BASE, [Resource(iri, NOW, "ab", 7, Action.CREATE)], NOW, lambda each: f"{each}.nq"
    )
    found = read(written)
    assert (found.capability, found.index) == ("resourcelist", False)
    assert found.entries == (Entry(f"{iri}.nq", "", "ab", iri),)
    index = read(resourcesync.resource_list_index(BASE, 2, NOW))
    assert index.index
    assert [each.address for each in index.entries] == [f"{BASE}resourcelist-1.xml", f"{BASE}resourcelist-2.xml"]


def test_another_hash_beside_ours_is_passed_over():
    entry = b'<url><loc>https://a.example/1.nq</loc><rs:md hash="md5:xx sha-256:ab"/></url>'
    assert read(HEAD + entry + b"</urlset>").entries == (
        Entry("https://a.example/1.nq", "", "ab", "https://a.example/1"),
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not XML",
        b"<html/>",
        SITEMAP + b"</urlset>",
        HEAD,
        HEAD + b"<url/></urlset>",
        b'<?xml version="1.0" encoding="nonsense"?>' + HEAD + b"</urlset>",
        b"<!DOCTYPE x>" + HEAD + b"</urlset>",
        (HEAD + b"</urlset>").decode().encode("utf-16"),
        HEAD + b"<url><loc>a</loc></url>" * 50_001 + b"</urlset>",
    ],
    ids=["empty", "text", "HTML", "no capability", "cut", "no address", "encoding", "DOCTYPE", "UTF-16", "too long"],
)
def test_what_is_no_resource_sync_is_refused(data):
    with pytest.raises(ParseError):
        read(data)


@given(st.binary(max_size=200), st.integers(0, 150))
def test_reading_raises_nothing_else(noise, at):
    whole = HEAD + b"<url><loc>https://a.example/1.nq</loc></url></urlset>"
    for data in (noise, whole[:at] + noise + whole[at:]):
        with contextlib.suppress(ParseError):
            read(data)
