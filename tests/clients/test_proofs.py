"""Digital Bazaar's libraries compute the same hash from our JSON-LD and accept the proof."""

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest

from chm_node.canonical import digest
from chm_node.database import open_database
from chm_node.publishing import withdraw
from chm_node.record import Tombstone


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


def test_an_independent_verifier_accepts_the_proof_and_computes_the_same_hash(live_node, run_client):
    iri = live_node.record("event", "workshop-3", title={"fr": "x"}, starts="2026").iri
    said = run_client("node", "verify_proof.mjs", f"{iri}.jsonld")
    assert said.split() == ["verified", digest(_get(f"{iri}.nq"))]


def test_the_same_verifier_refuses_a_changed_record(live_node, tmp_path, run_client):
    iri = live_node.record("event", "workshop-3", title={"fr": "x"}, starts="2026").iri
    copy = tmp_path / "record.json"
    copy.write_bytes(_get(f"{iri}.jsonld"))
    assert "verified" in run_client("node", "verify_proof.mjs", str(copy))
    with pytest.raises(AssertionError, match=r"(?i)invalid|signature|verif"):
        run_client("node", "verify_proof.mjs", str(copy), "Un autre titre")


def test_a_tombstone_is_signed_too(live_node, run_client):
    iri = live_node.record("document", "guide-1", title={"en": "x"}).iri
    engine = open_database(live_node.settings.database)
    stone = Tombstone(iri, "document", {"en": "Published twice", "fr": "Publié deux fois"})
    withdraw(engine, live_node.settings, live_node.signer, stone, datetime.now(UTC))
    engine.dispose()
    with pytest.raises(urllib.error.HTTPError) as gone:
        _get(f"{iri}.jsonld")
    copy = live_node.settings.data_dir / "tombstone.json"
    with gone.value as answer:
        assert answer.code == 410
        copy.write_bytes(answer.read())
    assert json.loads(copy.read_text())["proof"]["cryptosuite"] == "eddsa-rdfc-2022"
    assert "verified" in run_client("node", "verify_proof.mjs", str(copy))
