"""Our WebSub hub towards callbacks that lie, stall, flood and lead elsewhere: real sockets on this machine."""

import hashlib
import hmac
import socket
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, update

from chm_node.database import open_database, reading, writing
from chm_node.http_client import FetchPolicy, HttpClient
from chm_node.record import milliseconds
from chm_node.tables import intent, log_head, subscriber
from chm_node.websub import intents
from chm_node.websub.distribution import Distributor, Rendition
from chm_node.websub.wishes import Wish

HUB = "https://node.example/hub"
TOPIC = "https://node.example/feeds/all.atom?lang=en"
BODY = b"<feed>Atelier</feed>"
RENDITION = Rendition(BODY, "application/atom+xml; charset=utf-8", '"1"')
LOCAL = FetchPolicy(allow_loopback=True, deadline=timedelta(seconds=2))


class Callback(ThreadingHTTPServer):
    """A subscriber's server: the first part of the path says how it behaves."""

    daemon_threads = True

    def __init__(self, elsewhere=""):
        super().__init__(("127.0.0.1", 0), Behaviour)
        self.elsewhere = elsewhere
        self.behaviour = ""  #: whatever the path says
        self.asked = []
        self.stopped = Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """A hub that hangs up on a flood is no news."""

    def stop(self):
        self.stopped.set()
        self.shutdown()
        self.server_close()


class Behaviour(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(("GET", self.path, dict(self.headers), b""))
        how, query = self.how, parse_qs(urlsplit(self.path).query)
        challenge = query.get("hub.challenge", [""])[0].encode()
        answers = {
            "good": (200, challenge),
            "accepted": (202, challenge),
            "wrong": (200, b"something else"),
            "empty": (200, b""),
            "longer": (200, challenge + b"\n"),
            "not-found": (404, challenge),
            "broken": (500, challenge),
        }
        if how in answers:
            self.answer(*answers[how])
        else:
            self.misbehave(how)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(("POST", self.path, dict(self.headers), body))
        statuses = {"good": 204, "accepted": 202, "gone": 410, "broken": 500, "not-found": 404}
        if self.how in statuses:
            self.answer(statuses[self.how], b"")
        else:
            self.misbehave(self.how)

    @property
    def how(self):
        return self.server.behaviour or urlsplit(self.path).path.split("/")[1]

    def misbehave(self, how):
        if how in ("moved", "see-other", "away", "on-and-on"):
            status = {"moved": 307, "see-other": 302, "away": 307, "on-and-on": 308}[how]
            path = self.path.replace(f"/{how}", "/on-and-on" if how == "on-and-on" else "/good")
            self.send_response(status)
            self.send_header("Location", (self.server.elsewhere if how in ("away", "see-other") else "") + path)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif how == "endless":
            self.send_response(200)
            self.end_headers()
            while not self.server.stopped.is_set():
                self.wfile.write(b"x" * 65536)
        elif how == "silent":
            self.server.stopped.wait(30)
        elif how == "no-http":
            self.wfile.write(b"\0\xff nonsense\r\n\r\n")

    def answer(self, status, body):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def elsewhere():
    found = Callback()
    yield found
    found.stop()


@pytest.fixture
def callback(elsewhere):
    found = Callback(elsewhere.url)
    yield found
    found.stop()


@dataclass
class Hub:
    """Our hub with a clock of its own and one topic."""

    engine: object
    now: datetime = datetime(2026, 11, 22, tzinfo=UTC)
    rendition: Rendition | None = RENDITION

    def receive(self, address, mode="subscribe", secret=""):
        wish = Wish(mode, "https://node.example/feeds/all.atom", address, timedelta(days=1), secret)
        with writing(self.engine) as connection:
            intents.receive(connection, wish, TOPIC, self.now)

    def run(self, connect=lambda: HttpClient(LOCAL)):
        with Distributor(self.engine, HUB, lambda _: self.rendition, connect, lambda: self.now, Event()) as distributor:
            distributor.run()

    def publish(self):
        self.now += timedelta(minutes=2)
        with writing(self.engine) as connection:
            connection.execute(update(log_head).values(log_time=milliseconds(self.now)))

    def rows(self, table=subscriber):
        with reading(self.engine) as connection:
            return connection.execute(select(table)).all()


@pytest.fixture
def hub(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'node.sqlite'}")
    yield Hub(engine)
    engine.dispose()


def subscribed(hub, callback, how, **asked):
    """A subscriber that confirmed like an honest one and behaves otherwise from now on."""
    hub.receive(f"{callback.url}/good", **asked)
    hub.run()
    with writing(hub.engine) as connection:
        connection.execute(update(subscriber).values(callback=f"{callback.url}/{how}"))
    callback.asked.clear()


@pytest.mark.parametrize("how", ["good", "accepted", "moved", "good?id=7&x=%20"])
def test_a_callback_that_repeats_the_challenge_is_subscribed(hub, callback, how):
    hub.receive(f"{callback.url}/{how}")
    hub.run()
    assert len(hub.rows()) == 1
    assert hub.rows(intent) == []
    query = parse_qs(urlsplit(callback.asked[0][1]).query)
    assert query["hub.mode"] == ["subscribe"]
    assert query["hub.topic"] == ["https://node.example/feeds/all.atom"]
    assert query["hub.lease_seconds"] == ["86400"]


@pytest.mark.parametrize("how", ["wrong", "empty", "longer", "not-found"])
def test_a_callback_that_says_no_is_not_asked_again(hub, callback, how):
    hub.receive(f"{callback.url}/{how}")
    for _ in range(5):
        hub.run()
        hub.now += timedelta(minutes=1)
    assert hub.rows() == []
    assert len(callback.asked) == 1


@pytest.mark.parametrize("how", ["broken", "endless", "silent", "no-http", "away", "see-other", "on-and-on"])
def test_a_callback_that_does_not_answer_is_asked_a_few_times(hub, callback, elsewhere, how):
    hub.receive(f"{callback.url}/{how}")
    for _ in range(6):
        hub.run()
        hub.now += timedelta(minutes=1)
    assert hub.rows() == []
    first = [path for _, path, *_ in callback.asked if "hub.challenge" in path and path.startswith(f"/{how}")]
    assert len(set(first)) == intents.MOST_ATTEMPTS
    assert elsewhere.asked == []


def test_a_confirmed_unsubscription_ends_it_and_another_does_not(hub, callback):
    hub.receive(f"{callback.url}/good")
    hub.run()
    hub.receive(f"{callback.url}/good", mode="unsubscribe")
    callback.behaviour = "wrong"
    hub.run()
    assert len(hub.rows()) == 1
    callback.behaviour = "good"
    hub.now += timedelta(minutes=2)
    hub.receive(f"{callback.url}/good", mode="unsubscribe")
    hub.run()
    assert hub.rows() == []


def test_a_name_that_leads_to_a_private_network_is_never_dialled(hub, callback):
    port = callback.server_address[1]
    dialled = []

    def resolve(host, *_):
        dialled.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    hub.receive("http://rebound.example/good")
    with writing(hub.engine) as connection:
        intents.receive(
            connection, Wish("subscribe", TOPIC, "http://127.0.0.1/good", timedelta(days=1), ""), TOPIC, hub.now
        )
    for _ in range(4):
        hub.run(lambda: HttpClient(FetchPolicy(), resolve=resolve))
        hub.now += timedelta(minutes=1)
    assert set(dialled) == {"rebound.example"}
    assert callback.asked == []
    assert hub.rows() == []


# Telling.


def test_a_subscriber_is_sent_the_feed_with_its_links_and_our_signature(hub, callback):
    subscribed(hub, callback, "good", secret="sécret")
    hub.publish()
    hub.run()
    [(method, _, headers, body)] = callback.asked
    assert (method, body) == ("POST", BODY)
    assert headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert headers["Link"] == f'<{HUB}>; rel="hub", <{TOPIC}>; rel="self"'
    expected = hmac.new("sécret".encode(), BODY, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature"] == f"sha256={expected}"


def test_a_feed_that_shows_what_it_showed_is_not_sent(hub, callback):
    subscribed(hub, callback, "good")
    hub.publish()
    hub.run()
    hub.publish()
    hub.run()
    assert len(callback.asked) == 1
    hub.rendition = Rendition(BODY, "application/atom+xml", '"2"')
    hub.publish()
    hub.run()
    assert len(callback.asked) == 2
    assert hub.rows()[0].seen == milliseconds(hub.now)


@pytest.mark.parametrize("how", ["accepted", "endless", "moved"])
def test_only_the_status_of_an_answer_counts(hub, callback, how):
    subscribed(hub, callback, how)
    hub.publish()
    hub.run()
    [row] = hub.rows()
    assert (row.seen, row.failures) == (milliseconds(hub.now), 0)


@pytest.mark.parametrize("how", ["broken", "not-found", "silent", "no-http", "away", "see-other", "on-and-on"])
def test_a_failure_keeps_the_subscriber_and_its_cursor(hub, callback, elsewhere, how):
    subscribed(hub, callback, how)
    hub.publish()
    hub.run()
    [row] = hub.rows()
    assert (row.failures, row.tag) == (1, "")
    assert row.due > milliseconds(hub.now)
    assert elsewhere.asked == []


def test_gone_ends_a_subscription(hub, callback):
    subscribed(hub, callback, "gone")
    hub.publish()
    hub.run()
    assert hub.rows() == []


def test_a_topic_that_is_gone_is_denied_and_ended(hub, callback):
    subscribed(hub, callback, "good")
    hub.rendition = None
    hub.publish()
    hub.run()
    assert hub.rows() == []
    [(method, path, *_)] = callback.asked
    query = parse_qs(urlsplit(path).query)
    assert (method, query["hub.mode"], query["hub.topic"]) == ("GET", ["denied"], [TOPIC])
    assert query["hub.reason"]


def test_a_subscriber_that_stalls_does_not_keep_others_from_being_told(hub, callback, elsewhere):
    subscribed(hub, callback, "silent")
    hub.receive(f"{elsewhere.url}/good")
    hub.run()
    hub.publish()
    hub.run()
    told = {row.callback: row.failures for row in hub.rows()}
    assert told == {f"{callback.url}/silent": 1, f"{elsewhere.url}/good": 0}


def test_a_fault_while_one_is_told_does_not_stop_the_others(hub, callback, elsewhere):
    hub.receive(f"{callback.url}/good")
    hub.receive(f"{elsewhere.url}/good")
    hub.run()
    with writing(hub.engine) as connection:
        own = subscriber.c.callback.startswith(callback.url)
        connection.execute(update(subscriber).where(own).values(topic="broken"))
    hub.publish()

    def render(topic):
        if topic == "broken":
            raise RuntimeError("a fault of ours")
        return hub.rendition

    with Distributor(hub.engine, HUB, render, lambda: HttpClient(LOCAL), lambda: hub.now, Event()) as distributor:
        distributor.run()
    assert [method for method, *_ in elsewhere.asked] == ["GET", "POST"]
    assert len(hub.rows()) == 2
