"""A federation in one process: real nodes, each with its own database, key and web application.

The only thing replaced is the wire: each request is handed to the application that owns the host, or to
whatever a test put in its place.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit
from uuid import uuid4

import pyoxigraph as ox
import pytest
import requests as http
import urllib3
from flask import Flask
from requests.adapters import BaseAdapter, HTTPAdapter
from sqlalchemy import Engine, select

from chm_node.app import create_app
from chm_node.canonical import canonical_bytes, canonical_lines, digest
from chm_node.catalogue import Catalogue, ChangeLog, LoggedChange
from chm_node.database import open_database, reading, writing
from chm_node.http_client import FetchPolicy, HttpClient
from chm_node.namespaces import DCTERMS
from chm_node.publishing import publish, record_iri, with_defaults, withdraw
from chm_node.record import Action, Change, Entry, RecordGraph, Tombstone
from chm_node.record_types import RECORD_TYPES
from chm_node.settings import Settings
from chm_node.signing import Signer, create_key, load_signer
from chm_node.statements import meta_lines
from chm_node.tables import receipt
from chm_node.web.topics import renderer
from chm_node.websub.distribution import Distributor
from harvest import discovery, leases, push, sources
from harvest.dispatch import Dispatcher
from harvest.joining import deciding, requests
from harvest.joining.asking import Asking
from harvest.joining.memberships import Membership
from harvest.joining.requests import Request
from harvest.joining.work import work
from harvest.origins import Sampling
from harvest.overview import RunView
from harvest.readers import Readers
from harvest.run import Harvest

START = datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC)
N_QUADS = "application/n-quads"
_KEPT = ("ETag", "Location", "Retry-After", "Cache-Control", "Last-Modified", "Link", "Repr-Digest")


@dataclass
class Reply:
    """What a lying peer says instead of what its application would."""

    body: bytes = b""
    status: int = 200
    media_type: str = N_QUADS
    headers: Mapping[str, str] = field(default_factory=dict)


class Wire(BaseAdapter):
    """Hands each request to the application that owns the host."""

    def __init__(self) -> None:
        super().__init__()
        self.apps: dict[str, Flask] = {}
        self.replies: dict[str, Reply | Callable[[Reply], Reply]] = {}  #: by address; a function changes the real one
        self.asked: list[tuple[str, int]] = []  #: (address, status)
        self.before: Callable[[str], None] = lambda _url: None  #: called with the address before each answer

    def send(self, request: http.PreparedRequest, *_args, **_kwargs) -> http.Response:
        url = request.url or ""
        self.before(url)
        real = self._real(url, request)
        lie = self.replies.get(url)
        reply = lie(real) if callable(lie) else lie or real
        self.asked.append((url, reply.status))
        headers = {"Content-Type": reply.media_type, "Content-Length": str(len(reply.body)), **reply.headers}
        raw = urllib3.HTTPResponse(io.BytesIO(reply.body), headers, reply.status, preload_content=False)
        return HTTPAdapter().build_response(request, raw)

    def _real(self, url: str, request: http.PreparedRequest) -> Reply:
        app = self.apps.get(urlsplit(url).netloc)
        if app is None:
            return Reply(status=503)
        headers = {name: value for name, value in request.headers.items() if name.lower() != "accept-encoding"}
        asked = {"method": request.method, "headers": headers, "data": request.body}
        with app.test_client() as client, client.open(url, **asked) as answer:
            kept = {name: value for name, value in answer.headers.items() if name in _KEPT}
            return Reply(answer.get_data(), answer.status_code, answer.headers.get("Content-Type", ""), kept)

    def statuses(self) -> list[int]:
        """How the requests since the last call were answered."""
        found = [status for _, status in self.asked]
        self.asked.clear()
        return found

    def close(self) -> None:
        pass


@dataclass
class Node:
    """One node of the federation; its clock moves when the test says so."""

    settings: Settings
    engine: Engine
    signer: Signer
    wire: Wire
    readers: Readers
    now: datetime = START

    @property
    def iri(self) -> str:
        return self.settings.node_iri

    @property
    def feed(self) -> str:
        return f"{self.settings.base_url}feed"

    def page(self, number: int = 1) -> str:
        return f"{self.settings.base_url}feed/1/{number}"

    # What an editor does.

    def publish(self, *titles: str, **values: object) -> list[str]:
        """Publish one event a title; their IRIs."""
        return self.revise({record_iri(self.settings, "event", uuid4()): title for title in titles}, **values)

    def revise(self, titles: Mapping[str, str], **values: object) -> list[str]:
        event = RECORD_TYPES["event"]
        records = [
            event.record(iri, with_defaults({"title": {"en": title}, "starts": "2026-12-01", **values}, self.settings))
            for iri, title in titles.items()
        ]
        for _ in publish(self.engine, self.settings, self.signer, records, self.now):
            pass
        return list(titles)

    def withdraw(self, *iris: str) -> None:
        for iri in iris:
            withdraw(self.engine, self.settings, self.signer, Tombstone(iri, "event"), self.now)

    def say(
        self,
        iri: str,
        *more: str,
        version: datetime | None = None,
        action: Action = Action.CREATE,
        title: str = "A workshop",
        meta: bool = True,
        hops: tuple[str, ...] = (),
        signed: bool = True,
        origin: str = "",
    ) -> RecordGraph:
        """Put anything into the node's log, signed with its key: what no honest node would publish."""
        version = version or self.now
        lines = canonical_lines(
            [ox.Triple(ox.NamedNode(iri), ox.NamedNode(DCTERMS.title), ox.Literal(title, language="en"))]
            if title
            else []
        )
        lines += [*more, *(meta_lines(iri, self.settings, version, version) if meta else [])]
        lines = [each.replace(f"<{self.iri}>", f"<{origin or self.iri}>") for each in lines]
        nquads = canonical_bytes(lines)
        proof = self.signer.sign(nquads, version) if signed else None
        graph = RecordGraph(iri, action, origin or self.iri, version, nquads, digest(nquads), proof)
        self._append(graph, hops)
        return graph

    def pass_on(self, change: LoggedChange, *hops: str) -> None:
        """Put another node's record into the log, as a hub does."""
        self._append(change.graph, hops)

    def _append(self, graph: RecordGraph, hops: tuple[str, ...]) -> None:
        with writing(self.engine) as connection:
            log = ChangeLog(connection)
            [at] = log.next_log_times(1, self.now)
            log.append([Change(at, graph, Entry("event", {}, {}, ()), hops)])

    # What a hub does.

    def follow(self, peer: "Node | str") -> None:
        address = peer if isinstance(peer, str) else peer.settings.base_url
        with self.client() as client:
            found = discovery.discover(address, self.settings, client, self.readers, self.now)
        with writing(self.engine) as connection:
            discovery.propose(connection, found, self.now)
            sources.approve(connection, address, self.settings, self.now)

    def harvest(self, peer: "Node", *, compare: bool = False, sampling: Sampling | None = None) -> RunView:
        with writing(self.engine) as connection:
            source = leases.lease_now(connection, peer.iri, self.now)
        assert source
        with self.client() as client:
            run = Harvest(
                self.engine, self.settings, source, client, self.readers, lambda: self.now, Event(), with_list=compare,
                sampling=sampling,
            )  # fmt: skip
            return run.run(jitter=0.5)

    def client(self) -> HttpClient:
        return HttpClient(FetchPolicy(), adapter=self.wire)

    # Push.

    def distribute(self) -> None:
        """Ask callbacks and tell subscribers, as the worker does at a tick."""
        app = self.wire.apps[urlsplit(self.settings.base_url).netloc]
        render = renderer(app)
        with Distributor(
            self.engine, self.settings.websub_hub, render, self.client, lambda: self.now, Event()
        ) as distributor:
            distributor.run()

    def ask_hubs(self) -> None:
        with self.client() as client:
            push.ask_due(self.engine, self.settings, client, lambda: self.now, Event())

    def tick(self) -> list[RunView]:
        """Harvest what is due."""
        with Dispatcher(self.engine, self.settings, lambda: self.now, self.client) as dispatcher:
            return [each.result() for each in dispatcher.start_due()]

    # What both do about joining; signatures are made and judged by the clock of the machine.

    @contextmanager
    def asking(self) -> Iterator[Asking]:
        with self.client() as client:
            yield Asking(self.engine, self.settings, client, self.readers)

    def join(self, hub: "Node") -> Membership:
        with self.asking() as asking:
            return asking.join(hub.settings.base_url, datetime.now(UTC))

    def work(self) -> None:
        """Everything of joining that waits for a worker."""
        work(self.engine, self.settings, lambda: datetime.now(UTC), Event(), self.client)

    def requests(self) -> list[Request]:
        """What waits for a person."""
        with reading(self.engine) as connection:
            return requests.waiting(connection)

    def approve(self, peer: "Node") -> None:
        with writing(self.engine) as connection:
            deciding.approve(connection, peer.settings.base_url, self.settings, datetime.now(UTC))

    # What a test looks at.

    def held(self, iri: str) -> LoggedChange:
        with reading(self.engine) as connection:
            return ChangeLog(connection).graph(iri)

    def holds(self, iri: str) -> bool:
        with reading(self.engine) as connection:
            found = Catalogue(connection).find(iri)
        return found is not None and not found.withdrawn

    def log(self) -> list[LoggedChange]:
        """Every current change."""
        with reading(self.engine) as connection:
            return ChangeLog(connection).after(datetime(1970, 1, 2, tzinfo=UTC), 10_000)

    def reasons(self) -> dict[str, str]:
        """Reason code by record or page, of everything that was refused."""
        with reading(self.engine) as connection:
            return {row.iri: row.reason for row in connection.execute(select(receipt)) if row.reason}

    def get(self, address: str, accept: str = "*/*") -> bytes:
        app = self.wire.apps[urlsplit(self.settings.base_url).netloc]
        with app.test_client() as client, client.get(address, headers={"Accept": accept}) as answer:
            return answer.get_data()

    def later(self, **passed: float) -> None:
        self.now += timedelta(**passed)


@pytest.fixture(scope="session")
def readers() -> Iterator[Readers]:
    """The children that read what peers send; started once, as in a worker."""
    with Readers() as found:
        yield found


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def make_node(tmp_path: Path, wire: Wire, readers: Readers) -> Iterator[Callable[..., Node]]:
    """Makes a node that answers at ``https://<name>.example.org/``."""
    made: list[Node] = []

    def make(name: str, **settings: object) -> Node:
        folder = tmp_path / f"{name}-{len(made)}"
        folder.mkdir()
        chosen = Settings.load(
            base_url=f"https://{name}.example.org/", data_dir=folder, titles={"en": name}, **settings
        )
        create_key(chosen.key_file)
        signer = load_signer(chosen.key_file, f"{chosen.node_iri}#key")
        wire.apps[f"{name}.example.org"] = create_app(chosen)
        made.append(Node(chosen, open_database(chosen.database), signer, wire, readers))
        return made[-1]

    yield make
    for app in wire.apps.values():
        app.extensions["chm"].engine.dispose()
    for node in made:
        node.engine.dispose()


@pytest.fixture
def peer(make_node: Callable[..., Node]) -> Node:
    return make_node("dz", country="DZ")


@pytest.fixture
def hub(make_node: Callable[..., Node], peer: Node) -> Node:
    """A hub that follows the peer and has harvested nothing yet."""
    node = make_node("hub")
    node.follow(peer)
    return node
