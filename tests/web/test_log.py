"""The change log as an event stream."""

from datetime import UTC, datetime

import pyoxigraph as ox
import pytest

from chm_node.canonical import canonical_bytes, canonical_lines
from chm_node.catalogue import ChangeLog
from chm_node.database import reading
from chm_node.proofs import verify
from chm_node.publishing import identifier_of, record_iri
from chm_node.record import Action, Change, Entry, RecordGraph
from chm_node.record_types import RECORD_TYPES

AS = "https://www.w3.org/ns/activitystreams#"
LDES = "https://w3id.org/ldes#"
TREE = "https://w3id.org/tree#"
SEC = "https://w3id.org/security#"
SYNTAXES = {".trig": ox.RdfFormat.TRIG, ".nq": ox.RdfFormat.N_QUADS, ".jsonld": ox.RdfFormat.JSON_LD}
MEDIA_TYPES = {"application/trig": ".trig", "application/n-quads": ".nq", "application/ld+json": ".jsonld"}


def dataset(data, syntax):
    found = ox.Dataset(ox.parse(data, syntax))
    found.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return found


def fill(site, count):
    """Publish many small records at once, so that pages of the log close."""
    site.publish_all(
        [
            RECORD_TYPES["news"].record(
                record_iri(site.settings, "news", identifier_of(site.settings, f"many-{number}")),
                {"title": {"en": f"News {number}"}},
            )
            for number in range(count)
        ]
    )


@pytest.mark.parametrize("address", ["feed", "feed/1/1"])
def test_all_syntaxes_say_the_same(site, address):
    found = [dataset(site.get(address + extension).data, syntax) for extension, syntax in SYNTAXES.items()]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) > 10


@pytest.mark.parametrize("address", ["feed", "feed/1/1"])
@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_accept_chooses_the_syntax(site, address, media_type):
    answer = site.get(address, accept=media_type)
    assert answer.mimetype == media_type
    assert answer.data == site.get(address + MEDIA_TYPES[media_type]).data
    assert "Accept" in answer.headers["Vary"]


def test_trig_is_the_default(site):
    assert site.get("feed").mimetype == "application/trig"


def test_the_root_leads_to_every_page(site):
    fill(site, 200)
    quads = list(ox.parse(site.get("feed").data, ox.RdfFormat.TRIG))
    nodes = sorted(quad.object.value for quad in quads if quad.predicate.value == f"{TREE}node")
    # The first page is closed, hence two bounds; the second is open.
    assert nodes == ["https://node.example/feed/1/1"] * 2 + ["https://node.example/feed/1/2"]
    bounds = {quad.subject.value: quad.object.value for quad in quads if quad.predicate.value == f"{TREE}value"}
    assert bounds["https://node.example/feed#page-1-lt"] == bounds["https://node.example/feed#page-2-ge"]


def test_a_closed_page_is_immutable_and_the_open_one_is_not(site):
    fill(site, 200)
    closed, last = site.get("feed/1/1"), site.get("feed/1/2")
    assert closed.headers["Cache-Control"] == "public, max-age=86400, immutable"
    assert f"<{LDES}immutable>" in closed.text
    assert last.headers["Cache-Control"] == "public, max-age=60"
    assert f"<{LDES}immutable>" not in last.text
    assert site.get("feed").headers["Cache-Control"] == "public, max-age=60"


def test_members_come_in_order_and_superseded_ones_are_gone(site):
    quads = list(ox.parse(site.get("feed/1/1.nq").data, ox.RdfFormat.N_QUADS))
    members = [quad.object.value for quad in quads if quad.predicate.value == f"{TREE}member"]
    assert members == sorted(members)
    objects = [quad.object.value for quad in quads if quad.predicate.value == f"{AS}object"]
    assert len(objects) == len(set(objects)) == 12
    kinds = {quad.object.value for quad in quads if quad.object.value in {f"{AS}{action.value}" for action in Action}}
    assert kinds == {f"{AS}Create", f"{AS}Update", f"{AS}Delete"}


def test_canonical_bytes_and_proof_can_be_rebuilt_from_the_n_quads_of_a_page(site):
    data = site.get("feed/1/1.nq").text
    quads = list(ox.parse(data, ox.RdfFormat.N_QUADS))
    proofs = {quad.subject: quad.object for quad in quads if quad.predicate.value == f"{SEC}proof"}
    assert len(proofs) == 12
    for activity, proof_graph in proofs.items():
        # By text, as a harvester may do it: the lines stand together and in canonical order.
        lines = [line for line in data.splitlines() if line.endswith(f" {activity} .") and "#member>" not in line]
        rebuilt = "".join(line.removesuffix(f"{activity} .") + ".\n" for line in lines).encode()
        assert rebuilt == canonical_bytes(canonical_lines(q.triple for q in quads if q.graph_name == activity))
        facts = {quad.predicate.value: quad.object.value for quad in quads if quad.graph_name == proof_graph}
        proof = {
            "created": facts["http://purl.org/dc/terms/created"],
            "verificationMethod": facts[f"{SEC}verificationMethod"],
            "proofValue": facts[f"{SEC}proofValue"],
        }
        assert verify(rebuilt, proof, site.signer.multikey)


@pytest.mark.parametrize("address", ["feed/2/1", "feed/0/1", "feed/7/99"])
def test_a_page_of_another_epoch_leads_to_the_root(site, address):
    answer = site.get(address)
    assert answer.status_code == 301
    assert answer.headers["Location"] == "https://node.example/feed"


@pytest.mark.parametrize("address", ["feed/1/2", "feed/1/0", "feed/1/r1", "feed/1/01", "feed/1/x", "feed/1/1.ttl"])
def test_a_page_that_never_was_is_not_found(site, address):
    assert site.get(address).status_code == 404


def test_an_empty_log_has_a_root_and_an_empty_page(empty_site):
    assert b"relation" not in empty_site.get("feed").data
    assert empty_site.get("feed/1/1").status_code == 200


def test_an_activity_leads_to_its_page(site):
    with reading(site.engine) as connection:
        change = ChangeLog(connection).graph(site.iris["workshop"])
    answer = site.get(f"act/{change.log_time:%Y%m%dT%H%M%S}000Z")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "https://node.example/feed/1/1"


@pytest.mark.parametrize("stamp", ["20260301T080100001Z", "20261399T000000000Z", "x", "19700101T000000000Z"])
def test_an_unknown_activity_is_not_found(site, stamp):
    assert site.get(f"act/{stamp}").status_code == 404


def test_the_etag_of_a_closed_page_changes_when_a_member_leaves_it_and_only_then(site):
    fill(site, 200)
    before = site.get("feed/1/1").headers["ETag"]
    fill(site, 201)
    assert site.get("feed/1/1", if_none_match=before).status_code == 304
    site.withdraw("workshop")
    after = site.get("feed/1/1", if_none_match=before)
    assert after.status_code == 200
    assert site.iris["workshop"] not in after.text


def test_a_hub_tells_the_path_of_a_record(site):
    peer, iri = "https://peer.example/node", "https://peer.example/id/news/1"
    nquads = f'<{iri}> <http://purl.org/dc/terms/title> "Bonjour"@fr .\n'.encode()
    version = datetime(2026, 2, 1, tzinfo=UTC)
    graph = RecordGraph(iri, Action.CREATE, peer, version, nquads, "0" * 64)
    upstream = "https://peer.example/act/20260201T000000000Z"
    log_time = datetime(2026, 4, 1, tzinfo=UTC)
    entry = Entry("news", {"fr": "Bonjour"}, {}, [("type", "news")])
    site.take_over([Change(log_time, graph, entry, (peer,), upstream)])
    stated = {
        (quad.predicate.value, getattr(quad.object, "value", ""))
        for quad in ox.parse(site.get("feed/1/1").data, ox.RdfFormat.TRIG)
    }
    assert ("http://www.w3.org/ns/prov#wasDerivedFrom", upstream) in stated
    assert ("http://www.w3.org/ns/prov#agent", peer) in stated
    assert ("http://www.w3.org/ns/prov#generatedAtTime", "2026-02-01T00:00:00.000Z") in stated
    found = [dataset(site.get("feed/1/1" + each).data, syntax) for each, syntax in SYNTAXES.items()]
    assert found[0] == found[1] == found[2]
    record = site.client.get("/record", query_string={"iri": iri}, headers={"Accept": "application/n-quads"})
    assert record.data == nquads
    page = site.client.get("/record", query_string={"iri": iri}, headers={"Accept": "text/html"})
    assert page.headers["Location"] == "https://node.example/en/record?iri=https%3A%2F%2Fpeer.example%2Fid%2Fnews%2F1"
