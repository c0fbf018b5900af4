"""Feed readers and RDF tools read every feed."""

import io
import urllib.error
import urllib.request
from xml.etree import ElementTree

import feedparser
import pytest
import rdflib

QUERIES = (
    "",
    "?type=event",
    "?type=event&country=DZ&lang=ar",
    "?treaty=stockholm&subject=PCB&lang=fr",
    "?q=polluants&lang=fr",
)


def _get(url: str, **headers: str) -> tuple[bytes, str]:
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read(), answer.headers["ETag"]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("form", ["rss", "rdf", "atom"])
def test_feedparser_reads_it_without_complaint(live_node, form, query):
    body, _ = _get(f"{live_node.url}feeds/all.{form}{query}")
    read = feedparser.parse(io.BytesIO(body))
    assert not read.bozo, read.get("bozo_exception")
    assert len(read.entries) == (20 if query else 25)
    assert all(entry.id.startswith(f"{live_node.url}id/") for entry in read.entries)
    assert all(entry.link.startswith(live_node.url) and entry.title for entry in read.entries)


def test_rapper_reads_rss_1_as_rdf(live_node, run_client):
    said = run_client("rapper", "-q", "-i", "rdfxml", "-o", "ntriples", f"{live_node.url}feeds/all.rdf")
    assert said.count("<http://purl.org/rss/1.0/item>") == 25


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_rapper_reads_the_other_feeds(live_node, form, run_client):
    said = run_client("rapper", "-q", "-i", "rss-tag-soup", "-o", "ntriples", f"{live_node.url}feeds/all.{form}")
    assert said.count("<http://purl.org/rss/1.0/item>") >= 25


@pytest.mark.parametrize(("extension", "syntax"), [("ttl", "turtle"), ("rdf", "rdfxml"), ("nt", "ntriples")])
def test_rapper_reads_a_record_in_every_syntax(live_node, extension, syntax, run_client):
    iri = live_node.record("event", "workshop-5", title={"fr": "x"}, starts="2026").iri
    said = run_client("rapper", "-q", "-i", syntax, "-o", "ntriples", f"{iri}.{extension}")
    canonical, _ = _get(f"{iri}.nq")
    ours, theirs = rdflib.Graph().parse(data=canonical, format="nt"), rdflib.Graph().parse(data=said, format="nt")
    assert set(ours) == set(theirs)


def test_the_arabic_feed_is_marked_right_to_left(live_node):
    body, _ = _get(f"{live_node.url}feeds/all.atom?type=event&lang=ar")
    root = ElementTree.fromstring(body)
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == "ar"
    assert 'dir="rtl"' in body.decode().replace("&quot;", '"')


def test_the_xml_feeds_are_well_formed_for_a_strict_parser(live_node, tmp_path, run_client):
    for form in ("rss", "rdf", "atom"):
        copy = tmp_path / f"feed.{form}"
        copy.write_bytes(_get(f"{live_node.url}feeds/all.{form}")[0])
        run_client("xmllint", "--noout", "--nonet", str(copy))


@pytest.mark.parametrize("form", ["rss", "rdf", "atom", "json"])
def test_a_reader_that_asks_again_is_told_that_nothing_changed(live_node, form):
    url = f"{live_node.url}feeds/all.{form}?lang=fr"
    _, etag = _get(url)
    with pytest.raises(urllib.error.HTTPError) as unchanged:
        _get(url, **{"If-None-Match": etag})
    with unchanged.value as answer:
        assert answer.code == 304
    live_node.publish(live_node.record("document", "one-more", title={"fr": "Encore un guide"}))
    body, newer = _get(url, **{"If-None-Match": etag})
    assert newer != etag
    assert "Encore un guide" in body.decode()
