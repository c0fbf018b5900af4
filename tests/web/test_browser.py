"""The pages in a real browser: accessible (axe), narrow screens, no script needed, nothing loaded from elsewhere."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from chm_node.database import writing
from chm_node.web.sparql import POOL
from harvest.description import Description
from harvest.sources import approve, propose
from harvest.trust import Authority

SCRIPT = Path(__file__).parent / "browser" / "pages.js"
LANGUAGES = ("en", "ar")
TIMEOUT_SECONDS = 300
LONG_WORD = "Donau" * 41
LONG = "https://files.example/" + "a-very-long-name-without-any-blank-in-it-" * 4 + ".pdf"


def published(site) -> str:
    """A record with everything that can break a page; gives its path after the language."""
    iri = site.publish(
        "rich",
        "event",
        {
            "title": {"fr": "Atelier sur les PCB", "ar": "ورشة عمل بشأن ثنائي الفينيل متعدد الكلور"},
            "summary": {"fr": "Un atelier.", "es": "Un taller."},
            "text": {"fr": "<h2>Programme</h2><ul><li>Un</li></ul><script>document.title = 'harmed'</script>"},
            "starts": "2017-04-04",
            "ends": "2017-04-05",
            "place": {"name": {"fr": "Hôtel Oasis"}, "locality": "Alger", "country": "DZ"},
            "coverage": ["DZ", "TN"],
            "treaties": ["stockholm"],
            "subjects": ["PCB"],
            "related": [site.iris["workshop"], "https://elsewhere.example/" + "x" * 90],
            "files": [{"url": LONG, "media_type": "application/pdf", "bytes": 310000, "language": ["fr"]}],
            "contacts": [{"name": {"fr": "Centre national"}, "email": "centre@example.org"}],
            "statements": [
                {"statement": {"fr": f"Le 13 décembre {year}."}, "source": {"fr": "Rapport"}} for year in (2018, 2019)
            ],
        },
    )
    return iri.removeprefix(site.settings.base_url)


def with_a_long_title(site) -> str:
    """A record whose title is one word, which no line of a phone holds; gives its path after the language."""
    iri = site.publish("long", "news", {"title": {"fr": LONG_WORD}, "summary": {"fr": LONG_WORD}})
    return iri.removeprefix(site.settings.base_url)


def sources(site) -> None:
    with writing(site.engine) as connection:
        for name in ("tunis", "rabat"):
            host = f"http://{name}.example/"
            authority = Authority(f"{host}node", f"{host}id/", "")
            propose(connection, host, Description(authority, "", f"{host}feed", {"fr": name}, "TN", ()), site.now)
        approve(connection, "http://tunis.example/", site.settings, site.now)


@pytest.fixture
def address(site) -> Iterator[str]:
    """Where the node answers over HTTP."""
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def empty_site(new_site):
    """With its query service on, which has a page of its own."""
    made = new_site(sparql="on")
    yield made
    made.app.extensions[POOL].close()


def visited(address: str, paths: list[str]) -> dict[str, Any]:
    chromium = shutil.which("chromium")
    if chromium is None or shutil.which("node") is None:
        pytest.fail("Chromium or Node is missing; these tests never skip them: apt install chromium nodejs")
    command = ["node", str(SCRIPT), chromium, address, *paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_the_pages_are_accessible_fit_a_narrow_screen_and_need_no_script(site, address):
    long, record = with_a_long_title(site), published(site)
    sources(site)
    paths = ("", "records", record, long, "network", f"records?q={LONG_WORD}", "sparql")
    report = visited(address, [f"{language}/{path}" for language in LANGUAGES for path in paths])
    for page in report["pages"]:
        assert page["status"] == 200
        assert page["violations"] == [], page["path"]
        assert page["scroll"] == page["client"], f"{page['path']} scrolls sideways at 320 pixels"
        assert page["small"] == [], page["path"]
        assert (page["foreign"], page["errors"], page["cookies"]) == ([], [], 0)
        assert page["direction"] == ("rtl" if page["path"].startswith("ar") else "ltr")
    visit = report["visit"]
    assert visit["first"] == "#main", "the first stop of the keyboard is the skip link"
    assert visit["found"] >= 1
    assert visit["filtered"] >= 1
    assert "PCB" in visit["title"]
    assert visit["direction"] == "rtl"
