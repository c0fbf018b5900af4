"""A real node behind its real server, on a free loopback port, for clients that are not ours."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chm_node.database import open_database
from chm_node.publishing import identifier_of, publish, record_iri, with_defaults
from chm_node.record import Record
from chm_node.record_types import RECORD_TYPES
from chm_node.settings import Settings
from chm_node.signing import Signer, create_key, load_signer

CLIENTS = Path(__file__).parent


@dataclass(frozen=True)
class LiveNode:
    """A running node, and what a test needs to publish on it."""

    settings: Settings
    signer: Signer

    @property
    def url(self) -> str:
        return self.settings.base_url

    def record(self, name: str, slug: str, **values: object) -> Record:
        iri = record_iri(self.settings, name, identifier_of(self.settings, slug))
        return RECORD_TYPES[name].record(iri, with_defaults(values, self.settings))

    def publish(self, *records: Record) -> None:
        engine = open_database(self.settings.database)
        list(publish(engine, self.settings, self.signer, records, datetime.now(UTC)))
        engine.dispose()


@pytest.fixture(scope="session")
def run_client() -> Callable[..., str]:
    """Runs a client in this folder: what it printed; a client that fails, fails the test with its own words."""
    return _run_client


def _run_client(*command: str, cwd: Path = CLIENTS) -> str:
    program = shutil.which(command[0])
    assert program, f"{command[0]} is not installed; .ci/run installs it"
    done = subprocess.run([program, *command[1:]], cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def live_node(tmp_path: Path) -> Iterator[LiveNode]:
    """A node with twenty-five records: every page of the listings has something, in three languages."""
    port = _free_port()
    with _at_work(tmp_path, port, f"http://127.0.0.1:{port}/") as node:
        yield node


@pytest.fixture(scope="module")
def encrypted_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    """The same, as https://localhost: a test puts a web server in front of it, at the port of its public address."""
    port, public = _free_port(), f"https://localhost:{_free_port()}/"
    with _at_work(tmp_path_factory.mktemp("encrypted"), port, public) as node:
        yield node


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _at_work(folder: Path, port: int, base_url: str) -> Iterator[LiveNode]:
    chosen = {
        "base_url": base_url,
        "port": str(port),
        "data_dir": str(folder / "node"),
        "profile": "demo",
        "sparql": "on",
    }
    settings = Settings.load(**chosen)
    settings.data_dir.mkdir()
    create_key(settings.key_file)
    node = LiveNode(settings, load_signer(settings.key_file, f"{settings.node_iri}#key"))
    node.publish(*_records(node))
    environment = os.environ | {f"CHM_{name.upper()}": value for name, value in chosen.items()}
    command = [sys.executable, "-m", "chm_node.cli", "serve", "--no-worker"]
    with subprocess.Popen(command, env=environment, cwd=folder) as server:
        try:
            _wait_until_it_answers(f"http://127.0.0.1:{port}/")
            yield node
        finally:
            server.terminate()
            server.wait(timeout=20)


def _records(node: LiveNode) -> list[Record]:
    events = [
        node.record(
            "event",
            f"workshop-{number}",
            title={"fr": f"Atelier n° {number} sur les polluants", "ar": f"ورشة عمل {number} حول الملوثات"},
            summary={"fr": "Deux journées d’échanges à Alger & à Tunis.", "ar": "يومان من التبادل في الجزائر وتونس."},
            starts=f"2026-05-{number + 1:02d}",
            ends=f"2026-05-{number + 2:02d}",
            government="DZ",
            treaties=["stockholm"],
            subjects=["PCB"],
            keywords={"fr": ["PCB"], "zh": ["多氯联苯"]},
        )
        for number in range(20)
    ]
    documents = [
        node.record(
            "document",
            f"guide-{number}",
            title={"en": f"Guide {number} <for> focal points & friends", "ru": f"Руководство {number}"},
            summary={"en": "What to do first, what to do next."},
            government="TN",
        )
        for number in range(5)
    ]
    return [*events, *documents]


def _wait_until_it_answers(url: str) -> None:
    for _ in range(150):
        try:
            with urllib.request.urlopen(f"{url}livez", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the node at {url} did not start within 15 s")
