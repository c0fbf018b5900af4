"""Push between real processes: two nodes as ``chm serve`` runs them, each with its worker."""

import os
import socket
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from chm_node.database import open_database, reading, writing
from chm_node.http_client import HttpClient
from chm_node.publishing import publish, record_iri, with_defaults
from chm_node.record_types import RECORD_TYPES
from chm_node.serving import end, start_command
from chm_node.settings import Settings
from chm_node.signing import create_key, load_signer
from chm_node.tables import subscriber
from harvest import discovery, sources
from harvest.dispatch import fetch_policy
from harvest.readers import Readers

#: Nothing here is timed; this only ends a test that would wait for ever.
PATIENCE_SECONDS = 180


@dataclass
class Served:
    """A node at work, and its database."""

    settings: Settings
    engine: object
    process: object

    def publish(self, title):
        iri = record_iri(self.settings, "news", uuid4())
        record = RECORD_TYPES["news"].record(iri, with_defaults({"title": {"en": title}}, self.settings))
        signer = load_signer(self.settings.key_file, f"{self.settings.node_iri}#key")
        list(publish(self.engine, self.settings, signer, [record], datetime.now(UTC)))
        return iri

    def feed(self):
        with urllib.request.urlopen(f"{self.settings.base_url}feeds/all.json", timeout=20) as answer:
            return answer.read().decode()

    def subscribers(self):
        with reading(self.engine) as connection:
            return connection.execute(select(subscriber)).all()


@pytest.fixture
def serve(tmp_path):
    """Starts nodes that poll once a day, so that what is there sooner came by push."""
    served = []

    def start(name):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        chosen = {
            "base_url": f"http://127.0.0.1:{port}/",
            "port": str(port),
            "data_dir": str(tmp_path / name),
            "profile": "demo",
            "poll_minutes": "1440",
            "threads": "2",
        }
        settings = Settings.load(**chosen)
        settings.data_dir.mkdir()
        create_key(settings.key_file)
        engine = open_database(settings.database)
        environment = os.environ | {f"CHM_{key.upper()}": value for key, value in chosen.items()}
        served.append(Served(settings, engine, start_command("serve", environment=environment)))
        until(lambda: answers(settings.base_url))
        return served[-1]

    yield start
    for each in served:
        end(each.process)
        each.engine.dispose()


def answers(url):
    try:
        with urllib.request.urlopen(f"{url}livez", timeout=5):
            return True
    except OSError:
        return False


def until(holds):
    latest = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < latest, "it did not come to pass"
        time.sleep(0.2)


def follow(hub, node):
    with HttpClient(fetch_policy(hub.settings)) as client, Readers(1) as readers:
        found = discovery.discover(node.settings.base_url, hub.settings, client, readers, datetime.now(UTC))
    with writing(hub.engine) as connection:
        discovery.propose(connection, found, datetime.now(UTC))
        sources.approve(connection, node.settings.base_url, hub.settings, datetime.now(UTC))


def test_what_a_node_publishes_reaches_its_hub_by_push_and_survives_a_restart_of_the_hub(serve):
    node, hub = serve("node"), serve("hub")
    before = node.publish("Published before")
    follow(hub, node)
    until(lambda: before in hub.feed())
    until(node.subscribers)

    pushed = node.publish("Published afterwards")
    until(lambda: pushed in hub.feed())
    [told] = node.subscribers()
    assert told.callback.startswith(f"{hub.settings.base_url}ping/")

    # The hub is down when the node has news, and is told of it when it is back.
    end(hub.process)
    missed = node.publish("Published while the hub was down")
    until(lambda: node.subscribers()[0].failures > 0)
    environment = os.environ | {
        f"CHM_{key.upper()}": str(getattr(hub.settings, key))
        for key in ("base_url", "port", "data_dir", "profile", "poll_minutes", "threads")
    }
    hub.process = start_command("serve", environment=environment)
    until(lambda: answers(hub.settings.base_url))
    with writing(node.engine) as connection:
        connection.execute(update(subscriber).values(due=0))  # as if the wait after the failure were over
    until(lambda: missed in hub.feed())
