"""Flask-WebSub 0.4.1, unmodified: as a subscriber of our hub, and as the hub that a harvested node has chosen.

Its hub leaves its work to Celery, which is not installed here: ``AtOnce`` runs each task where Celery would queue it.
"""

import os
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from flask import Flask, Response, request
from flask_websub.hub import Hub, SQLite3HubStorage
from flask_websub.subscriber import SQLite3SubscriberStorage, SQLite3TempSubscriberStorage, Subscriber, discover
from sqlalchemy import select
from werkzeug.serving import make_server

from chm_node.database import open_database, reading, writing
from chm_node.http_client import HttpClient
from chm_node.serving import end, start_command
from chm_node.settings import Settings
from chm_node.signing import create_key, load_signer
from chm_node.tables import subscriber, subscription
from harvest import discovery, sources
from harvest.dispatch import fetch_policy
from harvest.readers import Readers

#: Nothing here is timed; this only ends a test that would wait for ever. Far less than the polling interval.
PATIENCE_SECONDS = 180


KEPT = ("content-type", "etag", "link")


class AtOnce:
    """What Flask-WebSub asks of Celery."""

    def task(self, *, bind=False, **_):
        def made(function):
            def run(*args):
                return function(*([self] if bind else []), *args)

            run.delay = run
            return run

        return made


@contextmanager
def served(app):
    """The app behind a server of its own; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def at_work(settings, *command):
    """A process of a node with these settings."""
    names = ("base_url", "port", "data_dir", "profile")
    environment = os.environ | {f"CHM_{name.upper()}": str(getattr(settings, name)) for name in names}
    process = start_command(*command, environment=environment)
    try:
        yield
    finally:
        end(process)


def until(holds):
    latest = time.monotonic() + PATIENCE_SECONDS
    while not (found := holds()):
        assert time.monotonic() < latest, "it did not come to pass"
        time.sleep(0.1)
    return found


def rows(settings, table):
    engine = open_database(settings.database)
    with reading(engine) as connection:
        found = connection.execute(select(table)).all()
    engine.dispose()
    return found


def news(node, slug):
    record = node.record("news", slug, title={"fr": f"Nouvelle {slug}"})
    node.publish(record)
    return record.iri


# As a subscriber.


@dataclass
class Told:
    """What Flask-WebSub says to its application."""

    confirmed: list = field(default_factory=list)
    bodies: list = field(default_factory=list)


@pytest.fixture
def their_subscriber(tmp_path):
    """Flask-WebSub's subscriber at work: the subscriber, its application and what it was told."""
    file = str(tmp_path / "subscriber.sqlite")
    found = Subscriber(SQLite3SubscriberStorage(file), SQLite3TempSubscriberStorage(file))
    app, told = Flask("subscriber"), Told()
    app.register_blueprint(found.build_blueprint(url_prefix="/callbacks"))
    found.add_success_handler(lambda _topic, _id, mode: told.confirmed.append(mode))
    found.add_listener(lambda topic, _id, body: told.bodies.append((topic, body.decode())))
    with served(app) as address, app.test_request_context(base_url=address):
        yield found, told


@pytest.mark.parametrize("feed", ["feeds/all.atom?type=news", "feeds/all.rss?type=news", "feeds/all.json?type=news"])
def test_its_subscriber_discovers_subscribes_is_told_and_unsubscribes(live_node, their_subscriber, feed):
    client, told = their_subscriber
    found = discover(f"{live_node.url}{feed}")
    assert found == {"hub_url": f"{live_node.url}hub", "topic_url": f"{live_node.url}{feed}&lang=en"}

    with at_work(live_node.settings, "worker"):
        callback = client.subscribe(**found)
        until(lambda: told.confirmed == ["subscribe"])
        iri = news(live_node, "un")
        until(lambda: any(iri in body for _, body in told.bodies))
        assert {topic for topic, _ in told.bodies} == {found["topic_url"]}

        client.renew(callback)
        until(lambda: told.confirmed == ["subscribe", "subscribe"])
        assert len(rows(live_node.settings, subscriber)) == 1
        client.unsubscribe(callback)
        until(lambda: told.confirmed[-1] == "unsubscribe")
        until(lambda: rows(live_node.settings, subscriber) == [])


def test_an_end_that_its_subscriber_did_not_ask_for_is_none(live_node, their_subscriber):
    """Flask-WebSub answers 404 to a verification it did not ask for."""
    client, told = their_subscriber
    found = discover(f"{live_node.url}feeds/all.atom")
    with at_work(live_node.settings, "worker"):
        callback = client.subscribe(**found)
        address = until(lambda: rows(live_node.settings, subscriber))[0].callback
        form = urllib.parse.urlencode(
            {"hub.mode": "unsubscribe", "hub.topic": found["topic_url"], "hub.callback": address}
        )
        with urllib.request.urlopen(f"{live_node.url}hub", form.encode(), timeout=20) as answer:
            assert answer.status == 202
        iri = news(live_node, "deux")
        until(lambda: any(iri in body for _, body in told.bodies))
    assert callback in address
    assert len(rows(live_node.settings, subscriber)) == 1


# As a hub.


@pytest.fixture
def their_hub(live_node, tmp_path):
    """A node whose public address is a proxy, which names Flask-WebSub's hub instead of the node's own."""
    hub = Hub(SQLite3HubStorage(str(tmp_path / "hub.sqlite")), AtOnce())
    app = Flask("proxy")
    app.register_blueprint(hub.build_blueprint(url_prefix="/their-hub"))
    inside = Settings.load(data_dir=tmp_path / "source", profile="demo").model_copy(update={"port": free_port()})

    @app.get("/", defaults={"path": ""})
    @app.get("/<path:path>")
    def passed_on(path):
        query = f"?{request.query_string.decode()}" if request.query_string else ""
        asked = {name: request.headers[name] for name in ("Accept", "If-None-Match") if name in request.headers}
        asked["Host"] = request.host
        to_node = urllib.request.Request(f"http://127.0.0.1:{inside.port}/{path}{query}", headers=asked)
        try:
            answer = urllib.request.urlopen(to_node, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            headers = {name: value for name, value in answer.headers.items() if name.lower() in KEPT}
            own, theirs = f"<{request.host_url}hub>", f"<{request.host_url}their-hub>"
            changed = {name: value.replace(own, theirs) for name, value in headers.items()}
            return Response(answer.read(), answer.status, changed)

    with served(app) as address:
        settings = inside.model_copy(update={"base_url": address})
        settings.data_dir.mkdir()
        create_key(settings.key_file)
        signer = load_signer(settings.key_file, f"{settings.node_iri}#key")
        node = replace(live_node, settings=settings, signer=signer)
        news(node, "zero")
        with at_work(settings, "serve", "--no-worker"):
            until(lambda: answers(f"http://127.0.0.1:{settings.port}/livez"))
            yield hub, node


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(address):
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:
        return False


def follow(settings, address):
    engine = open_database(settings.database)
    with HttpClient(fetch_policy(settings)) as client, Readers(1) as readers:
        found = discovery.discover(address, settings, client, readers, datetime.now(UTC))
    with writing(engine) as connection:
        discovery.propose(connection, found, datetime.now(UTC))
        sources.approve(connection, address, settings, datetime.now(UTC))
    engine.dispose()


def test_its_hub_tells_ours_that_a_source_has_news(live_node, their_hub):
    hub, node = their_hub
    follow(live_node.settings, node.url)
    with at_work(live_node.settings, "worker"):
        callbacks = until(lambda: list(hub.storage.get_callbacks(f"{node.url}feed")))
        [ours] = until(lambda: [row for row in rows(live_node.settings, subscription) if row.expires])
        assert (ours.hub, ours.failures) == (f"{node.url}their-hub", 0)
        assert callbacks[0][0] == f"{live_node.url}ping/{ours.token}"

        iri = news(node, "trois")
        hub.send_change_notification.delay(f"{node.url}feed")
        until(lambda: answers(f"{live_node.url}record.ttl?iri={urllib.parse.quote(iri, safe='')}"))
