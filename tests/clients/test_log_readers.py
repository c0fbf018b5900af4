"""A strict TriG and N-Quads reader accepts the log and the records, and both forms state the same."""

import base64
import gzip
import hashlib
import re
import urllib.request
from datetime import UTC, datetime

import pytest

from chm_node import dumps
from chm_node.database import open_database


@pytest.fixture
def serdi(run_client, tmp_path):
    """Reads what an address answers, and writes it as N-Quads."""

    def read(url, syntax):
        copy = tmp_path / "copy"
        with urllib.request.urlopen(url, timeout=10) as answer:
            copy.write_bytes(answer.read())
        return run_client("serdi", "-q", "-i", syntax, "-o", "nquads", str(copy))

    return read


@pytest.mark.parametrize(("extension", "syntax"), [("trig", "trig"), ("nq", "nquads")])
def test_serdi_reads_a_page_of_the_log(live_node, serdi, extension, syntax):
    said = serdi(f"{live_node.url}feed/1/1.{extension}", syntax)
    assert said.count("<https://w3id.org/tree#member>") == 25
    assert "Guide 3 <for> focal points & friends" in said


def test_serdi_reads_both_forms_as_the_same_statements(live_node, serdi):
    page = f"{live_node.url}feed/1/1"
    forms = [serdi(f"{page}.{extension}", syntax) for extension, syntax in (("trig", "trig"), ("nq", "nquads"))]
    # Readers name blank nodes as they like.
    trig, nquads = (sorted(re.sub(r"_:\S+", "_:", said).splitlines()) for said in forms)
    assert trig == nquads


@pytest.mark.parametrize(("extension", "syntax"), [("trig", "trig"), ("nq", "nquads"), ("ttl", "turtle")])
def test_serdi_reads_a_record(live_node, serdi, extension, syntax):
    iri = live_node.record("event", "workshop-5", title={"fr": "x"}, starts="2026").iri
    said = serdi(f"{iri}.{extension}", syntax)
    assert "Atelier n° 5 sur les polluants" in said


@pytest.mark.parametrize(("extension", "syntax"), [("trig", "trig"), ("nq", "nquads")])
def test_serdi_reads_a_dump(live_node, run_client, tmp_path, extension, syntax):
    engine = open_database(live_node.settings.database)
    dumps.write(engine, live_node.settings, datetime.now(UTC))
    engine.dispose()
    with urllib.request.urlopen(f"{live_node.url}dumps/records.{extension}.gz", timeout=10) as answer:
        data = answer.read()
        assert int(answer.headers["Content-Length"]) == len(data)
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    copy = tmp_path / "copy"
    copy.write_bytes(gzip.decompress(data))
    said = run_client("serdi", "-q", "-i", syntax, "-o", "nquads", str(copy))
    assert said.count("<https://w3id.org/tree#member>") == 25
