"""nginx, in front of a node: as our guide sets it up, and with what others put into their configuration.

The configuration is the one that stands in ``docs/how-to/online.md``, but for names, files and ports.
"""

import os
import re
import shutil
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest

GUIDE = Path(__file__).parents[2] / "docs/how-to/online.md"
#: What we advise against, all at once: addresses that nginx writes anew, no Host, everything compressed once more.
OTHERS = [
    (r"proxy_pass .*", "proxy_pass http://127.0.0.1:8100/;"),
    (r"proxy_set_header .*", ""),
    (r"client_max_body_size .*", "gzip_types *; gzip_proxied any; gzip_vary on;"),
]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate


@pytest.fixture(scope="module", params=[[], OTHERS], ids=["as we advise", "as others do"])
def node(request, encrypted_node, certificate, tmp_path_factory):
    """The node behind nginx."""
    [guide] = re.findall(r"```nginx\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    for pattern, instead in request.param:
        assert re.search(pattern, guide)
        guide = re.sub(pattern, instead, guide)
    guide = re.sub(r"listen \[::\].*", "", guide)
    folder = tmp_path_factory.mktemp("nginx")
    ours = {
        "listen 80": f"listen unix:{folder}/unencrypted",
        "listen 443": f"listen 127.0.0.1:{urlsplit(encrypted_node.url).port}",
        "/etc/letsencrypt/live/chm.example.org": str(certificate.parent),
        "chm.example.org": "localhost",
        "127.0.0.1:8100": f"127.0.0.1:{encrypted_node.settings.port}",
    }
    for theirs, instead in ours.items():
        guide = guide.replace(theirs, instead)
    with at_work(folder, guide):
        yield encrypted_node


@contextmanager
def at_work(folder, servers):
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "nginx is not installed; .ci/run installs it"
    places = "".join(
        f"{each}_temp_path {folder}/{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""  # pytest's folder is private
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;"
        f"events {{}} http {{ access_log off; gzip on; {places} {servers} }}",
        encoding="utf-8",
    )
    with subprocess.Popen([program, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]) as process:
        try:
            for _ in range(100):
                if (folder / "nginx.pid").exists():
                    break
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


@pytest.fixture
def client(node, certificate):
    with httpx.Client(base_url=node.url, verify=ssl.create_default_context(cafile=certificate)) as client:
        yield client


def test_readers_get_what_the_node_says(node, client):
    assert client.get("readyz").text == "ready\n"
    assert client.get("fr").headers["Location"] == f"{node.url}fr/"
    search = f"feeds/all.rss?q={quote('ز' * 300)}"
    for path in ("fr/", "feed", "node", f"ar/records?q={quote('ورشة')}", search, "catalogue", "resourcelist.xml"):
        assert client.get(path).status_code == client.head(path).status_code == 200

    iri = f"{node.settings.uri_space}event/{'ورشة-عمل-' * 15}"
    node.publish(replace(node.record("event", "x", title={"ar": "ورشة"}, starts="2026-06-21"), iri=iri))
    assert client.get(iri, headers={"Accept": "text/turtle"}).headers["Content-Type"].startswith("text/turtle")
    page = client.get(iri, headers={"Accept": "text/html", "Accept-Language": "ar"})
    assert (page.status_code, client.get(page.headers["Location"]).status_code) == (303, 200)
    assert "ورشة" in client.get(page.headers["Location"]).text


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_what_a_reader_has_is_not_sent_again(client, coding):
    for path in ("feeds/all.rss", "feeds/all.atom", "feed", "feed/1/1", "node", "robots.txt", "receipts"):
        tag = client.get(path, headers={"Accept-Encoding": coding}).headers["ETag"]
        for known in (tag, f"W/{tag.removeprefix('W/')}", tag.removeprefix("W/")):
            again = client.get(path, headers={"Accept-Encoding": coding, "If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")


def test_a_hub_harvests_and_asks_for_nothing_twice(node, certificate, tmp_path):
    hub = {
        "CHM_CONFIG": str(tmp_path / "hub.toml"),
        "CHM_DATA_DIR": str(tmp_path / "hub"),
        "CHM_PROFILE": "demo",
        "CHM_CA_FILE": str(certificate),
    }

    def chm(*arguments, **settings):
        done = subprocess.run(
            [sys.executable, "-m", "chm_node.cli", *arguments],
            env=os.environ | hub | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    chm("init", "--yes")
    chm("source", "add", node.url)
    chm("source", "approve", node.url)
    assert ": ok: 2" in chm("harvest", node.url)
    assert "not-modified" in chm("harvest", node.url)
    own = {"CHM_CONFIG": "/dev/null", "CHM_DATA_DIR": str(node.settings.data_dir), "CHM_BASE_URL": node.url}
    assert f"public address: {node.url} answers." in chm("doctor", **own)
