"""Two nodes, a regional and a global hub, each a process of its own: a record travels two hops as it was signed."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

from chm_node.canonical import digest
from chm_node.database import open_database, writing
from chm_node.http_client import HttpClient
from chm_node.proofs import verify
from chm_node.publishing import publish, record_iri, with_defaults, withdraw
from chm_node.record import Tombstone
from chm_node.record_types import RECORD_TYPES
from chm_node.settings import Settings
from chm_node.signing import create_key, load_signer
from chm_node.tables import source
from harvest import discovery, sources
from harvest.dispatch import fetch_policy

PATIENCE = 120  #: seconds; only a fault makes anything take so long


@dataclass
class Served:
    """A node in a process of its own."""

    settings: Settings
    client: httpx.Client
    options: tuple[str, ...] = ()
    process: subprocess.Popen | None = None

    def __post_init__(self):
        self.settings.data_dir.mkdir()
        create_key(self.settings.key_file)
        self.signer = load_signer(self.settings.key_file, f"{self.settings.node_iri}#key")
        self.engine = open_database(self.settings.database)

    @property
    def base(self):
        return self.settings.base_url

    def start(self):
        names = (
            "base_url",
            "profile",
            "data_dir",
            "host",
            "port",
            "threads",
            "tick_seconds",
            "poll_minutes",
            "country",
        )
        own = {f"CHM_{name.upper()}": str(getattr(self.settings, name)) for name in names}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chm_node.cli", "serve", *self.options],
            env=os.environ | own | {"CHM_CONFIG": os.devnull},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self):
        """As when the power fails, but not while a harvest holds a lease: that would be waited for."""
        while True:
            with writing(self.engine) as connection:
                if not any(connection.execute(select(source.c.lease)).scalars()):
                    return self.end()
            time.sleep(0.02)

    def end(self):
        """Kill the server, its children and its worker, which is in a group of its own."""
        while found := processes_of(self.settings.data_dir):
            for number in found:
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            self.process.wait()

    def publish(self, iri, title):
        event = RECORD_TYPES["event"]
        values = with_defaults({"title": {"en": title}, "starts": "2026-12-01"}, self.settings)
        for _ in publish(self.engine, self.settings, self.signer, [event.record(iri, values)], datetime.now(UTC)):
            pass

    def withdraw(self, iri):
        withdraw(self.engine, self.settings, self.signer, Tombstone(iri, "event"), datetime.now(UTC))

    def follow(self, peer, readers):
        now = datetime.now(UTC)
        with HttpClient(fetch_policy(self.settings)) as client:
            found = discovery.discover(peer.base, self.settings, client, readers, now)
        with writing(self.engine) as connection:
            discovery.propose(connection, found, now)
            sources.approve(connection, peer.base, self.settings, now)

    def answers(self):
        try:
            return self.client.get(f"{self.base}livez").is_success
        except httpx.TransportError:
            return False

    def copy(self, iri, extension):
        """What the node says of a record, its own or another's."""
        address = f"{iri}{extension}" if iri.startswith(self.base) else None
        return self.client.get(address or f"{self.base}record{extension}?{urlencode({'iri': iri})}")


@pytest.fixture
def served(tmp_path):
    """Two nodes and two hubs, all at work."""

    def make(name, *options, **more):
        port = free_port()
        return Served(
            Settings.load(
                base_url=f"http://127.0.0.1:{port}/", profile="demo", data_dir=tmp_path / name, host="127.0.0.1",
                port=port, threads=2, tick_seconds=0.5, poll_minutes=0.02, **more,
            ),
            client,
            options,
        )  # fmt: skip

    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client())
        nodes = [make("dz", "--no-worker", country="DZ"), make("tn", "--no-worker"), make("region"), make("world")]
        for node in nodes:
            stack.callback(node.engine.dispose)
            node.start()
            stack.callback(node.end)
        for node in nodes:
            until(node.answers)
        yield nodes


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(holds):
    latest = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > latest:
            pytest.fail("this never came true")
        time.sleep(0.1)


def processes_of(folder: Path):
    """Processes that work on the data of the test, by what their environment says."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder).encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_record_its_correction_and_a_withdrawal_travel_two_hops(served, readers):
    dz, tn, region, world = served
    kept, gone = (record_iri(each.settings, "event", uuid4()) for each in (dz, tn))
    dz.publish(kept, "Workshop on PCB")
    tn.publish(gone, "Meeting on mercury")
    region.follow(dz, readers)
    region.follow(tn, readers)
    world.follow(region, readers)

    until(lambda: all(world.copy(iri, ".nq").is_success for iri in (kept, gone)))
    assert world.copy(kept, ".nq").content == dz.copy(kept, ".nq").content
    proof = world.copy(kept, ".jsonld").json()["proof"]
    assert proof == dz.copy(kept, ".jsonld").json()["proof"]

    region.kill()
    dz.publish(kept, "Workshop on PCB and DDT")
    tn.withdraw(gone)
    region.start()

    corrected, tombstone = dz.copy(kept, ".nq").content, tn.copy(gone, ".nq").content
    until(lambda: world.copy(kept, ".nq").content == corrected and world.copy(gone, ".nq").content == tombstone)
    assert world.copy(gone, ".nq").status_code == 410
    assert b"DDT" in corrected

    # The proof that came with it, against the key that its owner shows.
    proof = world.copy(kept, ".jsonld").json()["proof"]
    assert proof == dz.copy(kept, ".jsonld").json()["proof"]
    assert verify(corrected, proof, dz.signer.multikey)
    assert dz.signer.multikey in dz.client.get(f"{dz.base}node", headers={"Accept": "text/turtle"}).text

    # And the global hub says by which way it came, and what it holds.
    trig = world.copy(kept, ".trig").text
    assert all(f"agent> <{each.settings.node_iri}>" in trig for each in (dz, region))
    told = world.client.get(f"{world.base}receipts", params={"node": region.settings.node_iri}).json()
    [receipt] = [each for each in told["receipts"] if each["record"] == kept]
    assert (receipt["verdict"], receipt["held"]["hash"]) == ("accepted", digest(corrected))
