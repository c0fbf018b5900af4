"""Conditional requests, kept answers, compression, caching headers."""

import base64
import gzip
import hashlib
import threading

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Response

from chm_node.app import create_app
from chm_node.web.kept import Kept

ADDRESSES = [
    "feeds/all.rss", "feeds/all.rdf?lang=ar", "feeds/all.atom?type=event", "feeds/all.json?q=formation", "feeds.opml",
    "feed", "feed.nq", "feed/1/1", "feed/1/1.jsonld", "catalogue", "catalogue.jsonld", "catalogue.rdf", "node",
    "node.jsonld", ".well-known/resourcesync", "capabilitylist.xml", "resourcelist.xml", "resourcelist-1.xml",
    "changelist.xml", "shapes", "shapes/activity", "schemas/event.json", "ns", "vocabulary/treaties",
    ".well-known/api-catalog", "robots.txt", ".well-known/security.txt",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_the_reader_has_is_not_sent_again(site, address):
    first = site.get(address)
    assert first.status_code == 200
    tag = first.headers["ETag"]
    assert not tag.startswith("W/")
    for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = site.get(address, if_none_match=condition)
        assert again.status_code == 304
        assert again.data == b""
        assert again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
        assert again.headers.get("Vary") == first.headers.get("Vary")
    assert site.get(address, if_none_match='"other"').status_code == 200


@pytest.mark.parametrize("address", [*ADDRESSES, "en/", "en/records", "receipts", "en/network"])
def test_who_wants_one_version_alone_gets_it_or_none(site, address):
    """RFC 9110 §13.1.1: ``If-Match`` comes first, and compares strongly."""
    plain = site.get(address).headers.get("ETag", "")
    zipped = site.get(address, accept_encoding="gzip").headers.get("ETag", "")
    for wanted in filter(None, (plain, zipped, f'"other", {plain}' if plain else "*", "*")):
        assert site.get(address, if_match=wanted).status_code == 200
        assert site.client.head(f"/{address}", headers={"If-Match": wanted}).status_code == 200
    for wanted in ('"other"', f"W/{plain}" if plain else 'W/"other"'):
        refused = site.get(address, if_match=wanted, if_none_match=plain)
        assert (refused.status_code, refused.json["type"].rsplit("/", 1)[-1]) == (412, "changed-meanwhile")
        assert refused.headers["X-Content-Type-Options"] == "nosniff"


def test_a_condition_says_nothing_of_what_is_not_there(site):
    assert site.get("nowhere", if_match='"x"').status_code == 404
    assert site.get(site.iris["withdrawn"], if_match='"x"').status_code == 410
    assert site.get(".well-known/void", if_match='"x"').status_code == 303


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_fresh_process_answers_304_to_an_old_etag(site, address):
    tag = site.get(address).headers["ETag"]
    site.app.wsgi_app = Kept(site.app.wsgi_app._app, site.app.wsgi_app._head)
    assert site.get(address, if_none_match=tag).status_code == 304
    assert site.get(address).status_code == 200
    assert site.get(address, if_none_match=tag).status_code == 304


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_fresh_process_writes_the_same_bytes_under_the_same_etag(site, address):
    first = site.get(address)
    site.app.wsgi_app = Kept(site.app.wsgi_app._app, site.app.wsgi_app._head)
    again = site.get(address)
    assert (again.headers["ETag"], again.data) == (first.headers["ETag"], first.data)


@pytest.mark.parametrize("address", [each for each in ADDRESSES if each.startswith(("feed", "catalogue"))])
def test_a_compressed_answer_is_the_same_answer_under_a_tag_of_its_own(site, address):
    plain, zipped = site.get(address), site.get(address, accept_encoding="br, gzip;q=0.8")
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.data) == plain.data
    assert int(zipped.headers["Content-Length"]) == len(zipped.data) < len(plain.data)
    assert zipped.headers["ETag"] != plain.headers["ETag"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    again = site.get(address, accept_encoding="gzip", if_none_match=zipped.headers["ETag"])
    assert again.status_code == 304
    assert again.headers["ETag"] == zipped.headers["ETag"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_answer_carries_the_digest_of_what_is_sent(site, address):
    for encoding in ("identity", "gzip", "gzip"):
        answer = site.get(address, accept_encoding=encoding)
        digest = base64.b64encode(hashlib.sha256(answer.data).digest()).decode()
        assert answer.headers["Content-Digest"] == f"sha-256=:{digest}:"
    again = site.get(address, if_none_match=answer.headers["ETag"])
    assert (again.status_code, "Content-Digest" in again.headers) == (304, False)


def test_without_content_there_is_no_digest_of_it(site):
    for address in ("feed/1/1", "node"):
        assert "Content-Digest" in site.get(address).headers
        assert "Content-Digest" not in site.client.head(f"/{address}").headers


def test_who_refuses_gzip_gets_none(site):
    for refusal in ("gzip;q=0", "identity", ""):
        assert "Content-Encoding" not in site.get("feeds/all.rss", accept_encoding=refusal).headers


def test_a_listing_changes_its_etag_exactly_when_it_changes(site):
    events, arabic = "feeds/all.rss?type=event", "feeds/all.rss?language=ar"
    tags = {address: site.get(address).headers["ETag"] for address in (events, arabic)}
    site.publish("other-news", "news", {"title": {"en": "Neither an event nor Arabic"}})
    for address, tag in tags.items():
        assert site.get(address, if_none_match=tag).status_code == 304
    site.publish("event-1", "event", {"title": {"ar": "تدريب"}, "starts": "2021-01-10"})
    for address, tag in tags.items():
        assert site.get(address, if_none_match=tag).status_code == 200


def test_the_withdrawal_of_an_old_record_changes_the_listing(site):
    address = "feeds/all.atom?country=DZ"
    tag = site.get(address).headers["ETag"]
    site.withdraw("workshop")
    answer = site.get(address, if_none_match=tag)
    assert answer.status_code == 200
    assert answer.text.index(site.iris["workshop"]) < answer.text.index(site.iris["event-5"])


def test_a_record_that_leaves_a_filter_changes_the_listing(site):
    address = "feeds/all.json?country=TN"
    first = site.get(address)
    assert len(first.json["items"]) == 1
    site.publish("news", "news", {"title": {"fr": "Ouverture du centre"}})
    answer = site.get(address, if_none_match=first.headers["ETag"])
    assert answer.status_code == 200
    assert answer.json["items"] == []


def test_a_record_beyond_the_first_stretch_that_leaves_changes_the_total(site):
    for number in range(60):
        site.publish(f"n{number}", "news", {"title": {"en": f"News {number}"}})
    tag = site.get("catalogue").headers["ETag"]
    site.withdraw("workshop")
    assert site.get("catalogue", if_none_match=tag).status_code == 200


def test_what_is_kept_is_compared_with_the_log_every_time(site):
    address = "feeds/all.json"
    for number in range(5):
        iri = site.publish(f"kept-{number}", "news", {"title": {"en": f"Kept {number}"}})
        assert site.get(address).json["items"][0]["id"] == iri
        assert site.get(address).json["items"][0]["id"] == iri


def test_kept_answers_are_told_apart_by_what_they_vary_by(site):
    iri = site.iris["workshop"]
    for _ in range(2):
        assert site.get(iri, accept="text/turtle").mimetype == "text/turtle"
        assert site.get(iri, accept="application/ld+json").mimetype == "application/ld+json"
        assert (
            site.get(iri, accept="text/html", accept_language="ar")
            .headers["Location"]
            .startswith("https://node.example/ar/")
        )
        assert (
            site.get(iri, accept="text/html", accept_language="fr")
            .headers["Location"]
            .startswith("https://node.example/fr/")
        )


def test_what_is_kept_stays_within_its_limit(site):
    kept = Kept(site.app.wsgi_app._app, site.app.wsgi_app._head, limit=400_000)
    site.app.wsgi_app = kept
    for number in range(60):
        site.get(f"feeds/all.rss?q=word{number}")
        site.get(f"feeds/all.json?lang={'en' if number % 2 else 'fr'}")
    assert 0 < kept._shelf._size <= 400_000
    assert sum(each.size for each in kept._shelf._kept.values()) == kept._shelf._size


def test_threads_that_read_while_others_publish_never_see_an_older_state(site):
    stop, wrong = threading.Event(), []

    def read():
        client, newest = site.app.test_client(), 0
        while not stop.is_set():
            found = client.get("/feeds/all.json").json["_chm"]["updated"]
            if newest and found < newest:
                wrong.append((newest, found))
            newest = found

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(15):
        site.publish(f"thread-{number}", "news", {"title": {"en": f"Number {number}"}})
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []


def test_a_feed_says_when_it_last_changed(site):
    answer = site.get("feeds/all.rss")
    assert answer.headers["Last-Modified"] == "Sun, 01 Mar 2026 08:14:00 GMT"
    assert site.get("feeds/all.rss", if_modified_since=answer.headers["Last-Modified"]).status_code == 304


def test_settings_that_show_change_every_etag(site, tmp_path):
    tag = site.get("feeds/all.rss").headers["ETag"]
    renamed = create_app(site.settings.model_copy(update={"titles": {"en": "New name"}}))
    assert renamed.test_client().get("/feeds/all.rss").headers["ETag"] != tag
    renamed.extensions["chm"].engine.dispose()


def test_both_databases_serve_and_keep_alike(new_site, database_url):
    made = new_site(database_url=database_url)
    first = made.publish("first", "event", {"title": {"en": "A course"}, "starts": "2020-01-01"})
    tag = made.get("feeds/all.json?type=event").headers["ETag"]
    assert made.get("feeds/all.json?type=event", if_none_match=tag).status_code == 304
    made.withdraw("first")
    answer = made.get("feeds/all.json?type=event", if_none_match=tag)
    assert [item["id"] for item in answer.json["items"]] == [first]
    assert made.get("feeds/all.json?type=event&q=course").json["items"][0]["_chm"]["change"] == "withdrawn"
    assert made.get(first).status_code == 410


@pytest.mark.parametrize(
    "condition",
    [{"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, {"If-None-Match": "abc"}, {"If-None-Match": '"abc"'}],
    ids=["a later date", "a tag without quotes", "another tag"],
)
def test_a_condition_never_brings_an_empty_answer(site, condition):
    for path in ("/feeds/all.atom", "/en/records", "/catalogue.ttl"):
        for _ in range(2):
            answered = site.client.get(path, headers=condition)
            assert (answered.status_code == 304) == (not answered.data), (path, answered.status_code)


def test_a_reader_without_a_condition_is_sent_the_bytes_although_the_log_cannot_be_looked_at(site):
    heads = iter([1, None])
    app = Kept(site.app.wsgi_app._app, lambda: next(heads))
    client = Client(app, Response)
    first, second = client.get("/feeds/all.atom"), client.get("/feeds/all.atom")
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.data == second.data != b""


def test_a_long_address_is_answered_and_not_kept(site):
    answered = site.client.get(f"/robots.txt?{'x' * 5000}")
    assert answered.status_code == 200
    assert not [key for key in site.app.wsgi_app._shelf._kept if len(key[0]) > 2000]
