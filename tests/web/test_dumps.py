"""Dumps: what is in them, when they are written, how they are served."""

import base64
import fcntl
import gzip
import hashlib
import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pyoxigraph as ox
import pytest

from chm_node import dumps
from chm_node.catalogue import ChangeLog
from chm_node.database import reading
from chm_node.errors import ChmError
from chm_node.record import milliseconds

ROOT = Path(__file__).parents[2]
MEMBER = "https://w3id.org/tree#member"
SYNTAXES = {"nq": ox.RdfFormat.N_QUADS, "trig": ox.RdfFormat.TRIG}


def dataset(data, syntax):
    found = ox.Dataset(ox.parse(data, syntax))
    found.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return found


def fetch(site, address, **headers):
    """The answer, read to its end; a file that is being sent wants to be closed."""
    with site.get(address, **headers) as answer:
        answer.get_data()
    return answer


@pytest.fixture
def dumped(site):
    dumps.write(site.engine, site.settings, site.now)
    return site


@pytest.mark.parametrize("name", SYNTAXES)
def test_a_dump_states_what_the_pages_of_the_log_state(dumped, name):
    written = gzip.decompress(fetch(dumped, f"dumps/records.{name}.gz").data)
    page = ox.Dataset(
        quad
        for quad in ox.parse(dumped.get("feed/1/1.nq").data, ox.RdfFormat.N_QUADS)
        if not str(quad.subject).startswith("<https://node.example/feed/1/1")
    )
    page.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    assert dataset(written, SYNTAXES[name]) == page


def test_the_manifest_and_the_headers_say_what_was_written(dumped):
    stated = dumped.get("dumps/manifest.json").json
    assert (stated["records"], stated["withdrawn"]) == (11, 1)
    for each in stated["files"]:
        answer = fetch(dumped, each["href"])
        assert hashlib.sha256(answer.data).hexdigest() == each["sha256"]
        assert len(answer.data) == each["bytes"] == answer.content_length
        digest = base64.b64encode(bytes.fromhex(each["sha256"])).decode()
        assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
        assert answer.mimetype == "application/gzip"
        assert "Content-Encoding" not in answer.headers


def test_an_unchanged_dump_is_not_sent_again(dumped):
    tag = fetch(dumped, "dumps/records.nq.gz").headers["ETag"]
    assert not tag.startswith("W/")
    assert fetch(dumped, "dumps/records.nq.gz", if_none_match=tag).status_code == 304


def test_the_same_log_gives_the_same_bytes(dumped):
    first = dumps.newest(dumped.settings)
    assert dumps.write(dumped.engine, dumped.settings, dumped.now + timedelta(days=1)) == first


def test_the_description_names_the_dump_and_what_it_reflects(site):
    before = site.get("node").headers["ETag"]
    dumps.write(site.engine, site.settings, site.now)
    stated = site.get("node.nt", if_none_match=before).text
    dump = "<https://node.example/dumps/records.nq.gz>"
    assert f"<https://node.example/node> <http://rdfs.org/ns/void#dataDump> {dump} ." in stated
    moment = json.loads((dumps.folder(site.settings) / "manifest.json").read_text())["log_time"]
    assert f'{dump} <http://purl.org/dc/terms/modified> "{moment}"' in stated


def test_the_worker_writes_one_a_day_when_the_log_has_moved(site):
    now, day = site.now, timedelta(days=1)
    assert dumps.write_due(site.engine, site.settings, now)
    site.publish("late", "news", {"title": {"en": "Late"}})
    assert dumps.write_due(site.engine, site.settings, now + day / 2) is None
    assert dumps.write_due(site.engine, site.settings, now + day).records == 12
    assert dumps.write_due(site.engine, site.settings, now + 3 * day) is None


WRITING = """
import sys
from datetime import datetime
from chm_node import dumps
from chm_node.database import open_database
from chm_node.settings import Settings
settings = Settings.load()
dumps.write_due(open_database(settings.database), settings, datetime.fromisoformat(sys.argv[1]))
"""


def test_a_dump_whose_writer_was_killed_is_written_within_the_hour(dumped):
    dumped.publish("late", "news", {"title": {"en": "Late"}})
    now, folder = dumped.now + timedelta(days=1), dumps.folder(dumped.settings)
    with reading(dumped.engine) as connection:
        log_time = milliseconds(ChangeLog(connection).head().log_time)
    # Opening it waits for a reader, so the writer is in the middle of its work when it is killed.
    halfway = folder / f"records-{log_time}.trig.gz.part"
    os.mkfifo(halfway)
    chosen = {f"CHM_{name.upper()}": str(getattr(dumped.settings, name)) for name in ("base_url", "data_dir")}
    environment = os.environ | chosen | {"PYTHONPATH": str(ROOT), "CHM_CONFIG": "/dev/null"}
    with subprocess.Popen([sys.executable, "-c", WRITING, now.isoformat()], env=environment) as writer:
        while not (folder / f"records-{log_time}.nq.gz.part").exists():
            assert writer.poll() is None
            time.sleep(0.05)
        writer.kill()
    halfway.unlink()
    assert dumps.write_due(dumped.engine, dumped.settings, now + timedelta(minutes=59)) is None
    assert dumps.write_due(dumped.engine, dumped.settings, now + timedelta(hours=1)).records == 12
    assert len(list(folder.glob("records-*"))) == 2
    assert not list(folder.glob("*.part"))


def test_a_dump_that_keeps_failing_is_tried_ever_more_seldom(site):
    in_the_way, hour = dumps.folder(site.settings), timedelta(hours=1)
    in_the_way.write_text("a file where the folder should be")
    tried = []
    for hours in range(80):
        try:
            assert dumps.write_due(site.engine, site.settings, site.now + hours * hour) is None
        except ChmError:
            tried.append(hours)
    assert tried == [0, 1, 3, 7, 15, 31, 55, 79]
    in_the_way.unlink()
    assert dumps.write_due(site.engine, site.settings, site.now + 200 * hour).records == 11


def test_only_the_newest_dump_is_kept(dumped):
    dumped.publish("late", "news", {"title": {"en": "Late"}})
    dumps.write(dumped.engine, dumped.settings, dumped.now)
    assert len(list(dumps.folder(dumped.settings).glob("records-*"))) == 2


def test_two_do_not_write_at_once(dumped):
    with (dumps.folder(dumped.settings) / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ChmError, match="just now"):
            dumps.write(dumped.engine, dumped.settings, dumped.now)


@pytest.mark.parametrize("name", ["records.nq.gz", "manifest.json"])
def test_before_the_first_dump_there_is_none(site, name):
    assert site.get(f"dumps/{name}").status_code == 404


def test_a_dump_is_written_as_one_of_the_known_formats(dumped):
    assert dumped.get("dumps/records.csv.gz").status_code == 404
