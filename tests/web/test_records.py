"""Records under their own IRIs, in every format."""

import json
import re
from datetime import UTC, datetime

import pyoxigraph as ox
import pytest
from lxml import etree
from requests.utils import parse_header_links

from chm_node.addresses import EXTENSIONS
from chm_node.canonical import canonical_bytes, canonical_lines, digest
from chm_node.catalogue import ChangeLog
from chm_node.database import reading
from chm_node.errors import InvalidRecordError
from chm_node.proofs import verify
from chm_node.record import Action, Change, Entry, RecordGraph
from chm_node.record_types import RECORD_TYPES
from chm_node.web.records import FORMATS

GRAPHS = {
    ".ttl": ("text/turtle", ox.RdfFormat.TURTLE),
    ".rdf": ("application/rdf+xml", ox.RdfFormat.RDF_XML),
    ".nt": ("application/n-triples", ox.RdfFormat.N_TRIPLES),
    ".nq": ("application/n-quads", ox.RdfFormat.N_QUADS),
}
MEDIA_TYPES = [media_type for media_type, _ in GRAPHS.values()]
ALL = [*MEDIA_TYPES, "application/ld+json", "application/trig", "application/json"]


def stored(site, name):
    with reading(site.engine) as connection:
        return ChangeLog(connection).graph(site.iris[name]).graph


@pytest.mark.parametrize("extension", GRAPHS)
def test_every_syntax_states_the_graph_that_was_signed(site, extension):
    answer = site.get(site.iris["workshop"] + extension)
    assert answer.status_code == 200
    assert answer.mimetype == GRAPHS[extension][0]
    triples = [quad.triple for quad in ox.parse(answer.data, GRAPHS[extension][1])]
    assert canonical_bytes(canonical_lines(triples)) == stored(site, "workshop").nquads


def test_n_quads_are_exactly_the_stored_bytes(site):
    assert site.get(site.iris["workshop"] + ".nq").data == stored(site, "workshop").nquads


def test_json_ld_without_its_proof_has_the_signed_hash_and_the_proof_verifies(site):
    document = json.loads(site.get(site.iris["workshop"] + ".jsonld").data)
    proof = document.pop("proof")
    del document["@context"]  # the terms are all written out
    quads = list(ox.parse(json.dumps(document), ox.RdfFormat.JSON_LD))
    assert all(isinstance(quad.graph_name, ox.DefaultGraph) for quad in quads)
    data = canonical_bytes(canonical_lines(quad.triple for quad in quads))
    assert digest(data) == stored(site, "workshop").digest
    assert verify(data, proof, site.signer.multikey)
    assert proof["cryptosuite"] == "eddsa-rdfc-2022"


def test_trig_is_the_entry_of_the_log(site):
    quads = list(ox.parse(site.get(site.iris["workshop"] + ".trig").data, ox.RdfFormat.TRIG))
    activity = next(
        quad.subject for quad in quads if quad.predicate.value == "https://www.w3.org/ns/activitystreams#object"
    )
    lines = canonical_lines(quad.triple for quad in quads if quad.graph_name == activity)
    assert canonical_bytes(lines) == stored(site, "workshop").nquads


def test_json_gives_the_values_by_field_and_what_the_version_is(site):
    document = site.get(site.iris["workshop"] + ".json").json
    assert document["type"] == "event"
    assert document["values"]["title"]["fr"] == "Atelier régional sur les PCB"
    assert document["meta"]["sha256"] == stored(site, "workshop").digest


@pytest.mark.parametrize("media_type", ALL)
def test_accept_chooses_the_format(site, media_type):
    answer = site.get(site.iris["workshop"], accept=f"{media_type}, */*;q=0.1")
    assert answer.mimetype == media_type
    assert {"Accept", "Accept-Language"} <= set(re.split(r",\s*", answer.headers["Vary"]))
    assert answer.headers["Content-Location"].startswith(site.iris["workshop"] + ".")


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("id", "text/turtle; charset=utf-8"),
        ("id", "application/json;charset=utf-8"),
        ("id", 'application/ld+json; profile="http://www.w3.org/ns/json-ld#expanded, 1;q=0.1"'),
        ("id", "Text/Turtle;charset=utf-8, */*;q=0.1"),
        ("node", "text/turtle; charset=utf-8"),
        ("node", 'application/ld+json; profile="http://www.w3.org/ns/json-ld#expanded"'),
        ("catalogue", "application/rdf+xml; charset=utf-8;q=0.5"),
        ("feed", "application/trig; charset=utf-8"),
        ("inbox", "application/ld+json; profile=x"),
    ],
)
def test_parameters_of_a_media_type_do_not_count(site, path, accept):
    answer = site.get(site.iris["workshop"] if path == "id" else path, accept=accept)
    assert answer.status_code == 200
    assert answer.mimetype == accept.split(";")[0].lower()


def test_a_browser_that_names_a_charset_gets_a_page(site):
    accept = "text/html;charset=utf-8"
    assert site.get(site.iris["workshop"], accept=accept).status_code == 303
    assert site.get("inbox", accept=accept).status_code == 303
    assert site.get("nothing-here", accept=accept).mimetype == "text/html"


def test_the_weight_of_a_media_type_with_parameters_counts(site):
    accept = "text/turtle;charset=utf-8;q=0.2, application/n-triples;charset=utf-8;q=0.9"
    assert site.get(site.iris["workshop"], accept=accept).mimetype == "application/n-triples"
    assert site.get(site.iris["workshop"], accept="text/turtle;charset=utf-8;q=0").status_code == 406


def test_a_reader_without_preferences_gets_turtle(site):
    assert site.get(site.iris["workshop"], accept="*/*").mimetype == "text/turtle"
    assert site.get(site.iris["workshop"]).mimetype == "text/turtle"


@pytest.mark.parametrize(("languages", "found"), [("ar", "ar"), ("fr-DZ, fr;q=0.9, en;q=0.5", "fr"), ("zh", "en")])
def test_a_browser_is_sent_to_the_page_in_its_language(site, languages, found):
    iri = site.iris["workshop"]
    answer = site.get(iri, accept="text/html,application/xhtml+xml,*/*;q=0.8", accept_language=languages)
    assert answer.status_code == 303
    assert answer.headers["Location"] == iri.replace("node.example/", f"node.example/{found}/")
    assert "Accept-Language" in answer.headers["Vary"]


def test_links_name_the_other_formats_the_profile_and_the_licence(site):
    links = site.get(site.iris["workshop"] + ".ttl").headers["Link"]
    for extension in (".jsonld", ".rdf", ".nt", ".nq", ".trig", ".json"):
        assert f'<{site.iris["workshop"]}{extension}>; rel="alternate"' in links
    assert '<https://w3id.org/chm/federation/1.0>; rel="profile"' in links
    assert '<https://creativecommons.org/publicdomain/zero/1.0/>; rel="license"' in links


def test_links_of_a_record_whose_address_is_not_ascii_can_be_followed(site):
    """RFC 8288 §3: the target of a link is a URI; an IRI would be read as Latin-1."""
    iri = "https://node.example/id/event/ورشة-été"
    site.publish_all([RECORD_TYPES["event"].record(iri, {"title": {"fr": "Été"}, "starts": "2026-06-21"})])
    links = parse_header_links(site.get(f"{iri}.ttl").headers["Link"])
    assert all(link["url"].isascii() for link in links)
    followed = [site.get(link["url"]).status_code for link in links if link["rel"] == "alternate"]
    assert followed == [200] * 9


def test_links_of_a_long_address_leave_room_for_what_a_web_server_passes_on(site):
    """nginx has 4 KiB for all headers of an answer, and each Arabic letter of an address takes six bytes."""
    iri = "https://node.example/id/event/" + "ورشة-عمل-إقليمية-حول-" * 5
    site.publish_all([RECORD_TYPES["event"].record(iri, {"title": {"fr": "Été"}, "starts": "2026-06-21"})])
    answer = site.get(iri)
    assert len(str(answer.headers)) < 3800
    relations = [link["rel"] for link in parse_header_links(answer.headers["Link"])]
    assert relations == ["profile", "license", *["alternate"] * 3]


def test_what_we_do_not_write_is_not_acceptable_and_the_formats_are_listed(site):
    answer = site.get(site.iris["workshop"], accept="image/png")
    assert answer.status_code == 406
    assert answer.mimetype == "application/problem+json"
    assert "application/ld+json" in answer.json["detail"]


def test_a_record_that_rdf_xml_has_no_names_for_is_not_offered_in_it(site):
    """Else the answer would be no XML, or none: ``rdf:li`` and the end of ``…/p/123`` can name no element."""
    peer, iri = "https://peer.example/node", "https://peer.example/id/news/1"
    nquads = f'<{iri}> <https://peer.example/p/123> "x" .\n'.encode()
    graph = RecordGraph(iri, Action.CREATE, peer, datetime(2026, 2, 1, tzinfo=UTC), nquads, digest(nquads))
    site.take_over([Change(datetime(2026, 4, 1, tzinfo=UTC), graph, Entry("news", {"fr": "x"}, {}, ()), (peer,))])

    refused = site.get(f"record.rdf?iri={iri}")
    assert refused.status_code == 406
    assert "text/turtle (.ttl)" in refused.json["detail"]
    assert "rdf+xml" not in refused.json["detail"]
    assert site.get(f"record?iri={iri}", accept="application/rdf+xml").status_code == 406
    other = site.get(f"record?iri={iri}", accept="application/rdf+xml, text/turtle;q=0.5")
    assert (other.status_code, other.mimetype) == (200, "text/turtle")
    assert "rdf+xml" not in other.headers["Link"]


def test_an_unknown_record_is_not_found(site):
    answer = site.get("id/event/none")
    assert answer.status_code == 404
    assert answer.json["type"] == "https://w3id.org/chm/problems/record-not-found"


@pytest.mark.parametrize("extension", GRAPHS)
def test_a_withdrawn_record_is_gone_and_leaves_a_tombstone(site, extension):
    answer = site.get(site.iris["withdrawn"] + extension)
    assert answer.status_code == 410
    stated = {(quad.predicate.value, quad.object.value) for quad in ox.parse(answer.data, GRAPHS[extension][1])}
    tombstone = "https://www.w3.org/ns/activitystreams#Tombstone"
    assert ("http://www.w3.org/1999/02/22-rdf-syntax-ns#type", tombstone) in stated


def test_a_withdrawn_record_in_json_is_a_problem(site):
    answer = site.get(site.iris["withdrawn"] + ".json")
    assert answer.status_code == 410
    assert answer.mimetype == "application/problem+json"
    assert answer.json["record"] == site.iris["withdrawn"]
    assert answer.json["reason"] == {"en": "It was cancelled."}


def test_the_problem_of_a_withdrawn_record_names_what_replaced_it(site):
    site.publish("other", "event", {"title": {"en": "Another day"}, "starts": "2020-01-01"})
    site.withdraw("other", replaced_by=site.iris["workshop"], reason={})
    answer = site.get(site.iris["other"] + ".json")
    assert answer.status_code == 410
    assert answer.json["replaced_by"] == site.iris["workshop"]
    assert answer.json["reason"] == {}


@pytest.mark.parametrize("extension", [*GRAPHS, ".jsonld", ".trig", ".json"])
def test_an_unchanged_record_is_not_sent_twice(site, extension):
    address = site.iris["workshop"] + extension
    first = site.get(address)
    again = site.get(address, if_none_match=first.headers["ETag"])
    assert again.status_code == 304
    assert again.data == b""
    assert again.headers["ETag"] == first.headers["ETag"]
    assert site.get(address, if_modified_since=first.headers["Last-Modified"]).status_code == 304


def test_the_etag_of_a_record_changes_with_the_record_and_not_with_others(site):
    workshop = site.get(site.iris["workshop"] + ".ttl").headers["ETag"]
    news = site.get(site.iris["news"] + ".ttl").headers["ETag"]
    site.publish("news", "news", {"title": {"fr": "Ouverture reportée"}})
    assert site.get(site.iris["workshop"] + ".ttl").headers["ETag"] == workshop
    changed = site.get(site.iris["news"] + ".ttl", if_none_match=news)
    assert changed.status_code == 200
    assert "Ouverture reportée" in changed.text


def test_head_tells_what_get_would_send(site):
    address = "/" + site.iris["workshop"].removeprefix("https://node.example/")
    head, get = site.client.head(address), site.client.get(address)
    assert head.data == b""
    del get.headers["Content-Digest"]  # of what is not sent to HEAD
    assert head.headers == get.headers


def test_an_own_record_asked_for_by_its_iri_is_where_it_always_is(site):
    answer = site.client.get("/record.ttl", query_string={"iri": site.iris["workshop"]})
    assert answer.status_code == 303
    assert answer.headers["Location"] == site.iris["workshop"] + ".ttl"


def test_record_needs_an_iri(site):
    answer = site.get("record")
    assert answer.status_code == 400
    assert answer.json["parameter"] == "iri"


NAUGHTY = [
    "<script>alert(1)</script>", '"quoted" \\ back\\slash', "]]> &amp; <![CDATA[", "tab\tand\nline", "𝒳 emoji 🦋",
    "\u202eright to left override", "{{ 7*7 }} ${x} %s", "'''\"\"\"", "a b", "\u0001\u0002control",
    "_:b0 <http://x> .", "@prefix : <x> .", "\ufeffbom",
]  # fmt: skip


def test_naughty_strings_break_no_format_of_a_record(site):
    iri = site.publish("naughty", "news", {"title": {"en": " ".join(NAUGHTY)}, "summary": {"ar": "\n".join(NAUGHTY)}})
    for extension, (_, syntax) in GRAPHS.items():
        assert list(ox.parse(site.get(iri + extension).data, syntax))
    etree.fromstring(site.get(iri + ".rdf").data)
    assert list(ox.parse(site.get(iri + ".trig").data, ox.RdfFormat.TRIG))
    json.loads(site.get(iri + ".jsonld").data)
    json.loads(site.get(iri + ".json").data)


def named(site, key):
    return RECORD_TYPES["news"].record(f"{site.settings.uri_space}{key}", {"title": {"en": f"A notice called {key}"}})


@pytest.mark.parametrize(
    "key",
    ["news/u1", "u1", "a/b/c/d", "news/é", "news/خبر", "news/新闻", "news/a;b=c,d", "news/a+b", "news/a:b@c",
     "news/a&b", "news/(a)*!$'", "news/u1.html", "news/u1.ttl.old", "news/v1.2", "news/a\u00a0b", "news/~a-_"],
)  # fmt: skip
def test_a_record_answers_at_the_address_it_was_given(site, key):
    record = named(site, key)
    site.publish_all([record])
    plain, turtle, page = site.get(record.iri), site.get(f"{record.iri}.ttl"), site.get(f"en/id/{key}")
    assert [each.status_code for each in (plain, turtle, page)] == [200] * 3
    for answer in (plain, turtle):
        assert {quad.subject.value for quad in ox.parse(answer.data, ox.RdfFormat.TURTLE)} >= {record.iri}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("news/u%20x", "no % or"),
        ("news/%D9%85", "no % or"),
        ("news/a/b/c?x=1", "no % or"),
        ("news/u1#part", "no % or"),
        ("news/a b", "use letters"),
        ("news/e\u0301", "use letters"),
        ("news//a", "may be empty"),
        ("news/", "may be empty"),
        ("", "may be empty"),
        ("news/../a", "may be empty"),
        ("news/./a", "may be empty"),
        *((f"news/u1{syntax.extension}", f"leave out {syntax.extension}") for syntax in FORMATS),
    ],
)
def test_an_address_that_would_not_be_answered_is_not_given(site, key, message):
    with pytest.raises(InvalidRecordError, match=re.escape(message)):
        site.publish_all([named(site, key)])


def test_the_endings_that_are_refused_are_those_that_are_served():
    assert set(EXTENSIONS) == {syntax.extension for syntax in FORMATS}
