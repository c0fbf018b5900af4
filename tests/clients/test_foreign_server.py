"""``chm check-peer`` asks a server that is not ours, with a feed that is not ours, over real connections."""

import json
import sys
import threading
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from feedgen.feed import FeedGenerator

HOME = (
    '<html><head><title>Nouvelles</title><link rel="alternate" type="application/rss+xml" href="rss.xml"></head></html>'
)


@pytest.fixture
def folder(tmp_path):
    """A web site of files, served by Python's own server; its address."""
    place = tmp_path / "site" / "news"
    place.mkdir(parents=True)
    (place / "index.html").write_text(HOME)
    (place / "rss.xml").write_bytes(_feed())
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "site")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def _feed() -> bytes:
    generator = FeedGenerator()
    generator.title("Nouvelles")
    generator.description("Ce qui se passe")
    generator.link(href="http://cms.example/", rel="alternate")
    generator.language("fr")
    for number in range(3):
        entry = generator.add_entry()
        entry.guid(f"tag:cms.example,2026:{number}")
        entry.title(f"Atelier {number}")
        entry.published(datetime(2026, 11, 22, number, tzinfo=UTC))
    written: bytes = generator.rss_str()
    return written


def test_a_folder_of_files_with_a_feed_is_level_0_with_nothing_to_mend(folder, run_client, tmp_path):
    """The server leads from the folder's name to the folder (301), and its home page leads to the feed."""
    command = (sys.executable, "-m", "chm_node.cli", "check-peer", f"{folder}news", "--json")
    found = json.loads(run_client("env", "CHM_CONFIG=/dev/null", "CHM_PROFILE=demo", *command, cwd=tmp_path))
    assert found["level"] == "L0"
    states = {each["check"]: each["state"] for each in found["findings"]}
    assert {states[f"feeds.{name}"] for name in ("found", "well-formed", "dates", "ids", "language")} == {"passed"}
    assert states["caching.not-modified"] == "passed"
    assert "failed" not in states.values()
