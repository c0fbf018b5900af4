"""A proxy between a hub and a peer that does to the peer's answers what networks, caches and broken servers do."""

import http.client
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

HOST = "127.0.0.1"
#: Of each address the last answers are remembered, to be given out again too late or in the wrong place.
_REMEMBERED = 8
_ITS_OWN = {"connection", "keep-alive", "transfer-encoding", "content-length"}  # of each connection, not of the answer


@dataclass(frozen=True)
class Answer:
    """What the peer answered."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]  #: without the length of the body
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def having(self, name: str, value: str) -> "Answer":
        """The same answer with this header instead of what it had under that name."""
        others = (each for each in self.headers if each[0].lower() != name.lower())
        return replace(self, headers=(*others, (name, value)))

    def wire(self, length: int | None = None) -> bytes:
        """As it is sent; ``length`` is what it claims to be long."""
        claimed = len(self.body) if length is None else length
        headers = self.headers if self.status == 304 else (("Content-Length", str(claimed)), *self.headers)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        return f"HTTP/1.1 {self.status} {self.reason}\r\n{head}\r\n".encode("latin-1") + self.body


@dataclass(frozen=True)
class Exchange:
    """One answer, and what was answered before."""

    answer: Answer
    earlier: Sequence[Answer]  #: whole answers for this address, oldest first
    elsewhere: Sequence[Answer]  #: whole answers for other addresses


@dataclass(frozen=True)
class Sent:
    """What goes to the hub instead of the peer's answer."""

    data: bytes
    closes: bool = False  #: the connection ends with it
    pieces: int = 1
    pause: float = 0.0  #: after each piece, seconds


#: None when the fault does not fit this answer, such as a shortened body of an answer without one.
Fault = Callable[[Exchange, Random], Sent | None]


class Proxy:
    """Passes requests on to a port of this machine; ``fault`` strikes a share of the answers."""

    def __init__(self, upstream: int, dice: Random, share: float) -> None:
        self.fault: Fault | None = None
        self.struck = 0
        self.under_way = 0  #: requests that the hub waits for
        self.asked = threading.Event()
        self.upstream = upstream
        self._dice = dice
        self._share = share
        self._lock = threading.Lock()
        self._answers: dict[str, deque[Answer]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))
        self._server = _Server((HOST, 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="proxy", daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self._server.server_port}/"

    @contextmanager
    def request(self) -> Iterator[None]:
        """While the hub waits for one answer."""
        self.asked.set()
        with self._lock:
            self.under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self.under_way -= 1

    def sent(self, path: str, answer: Answer) -> Sent:
        """What to send for this answer."""
        with self._lock:
            others = [each for key, kept in self._answers.items() if key != path for each in kept]
            exchange = Exchange(answer, list(self._answers[path]), others)
            if answer.status == 200:
                self._answers[path].append(answer)
            strikes = self.fault is not None and self._dice.random() < self._share
            wrong = self.fault(exchange, self._dice) if self.fault and strikes else None
            self.struck += wrong is not None
        return wrong or Sent(answer.wire())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a hub that was killed leaves its connections in the middle of a sentence."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        with self.server.proxy.request():
            self._send(self.server.proxy.sent(self.path, self._ask()))

    def _ask(self) -> Answer:
        connection = http.client.HTTPConnection(HOST, self.server.proxy.upstream, timeout=30)
        try:
            connection.request("GET", self.path, headers=dict(self.headers.items()))
            found = connection.getresponse()
            headers = tuple(each for each in found.getheaders() if each[0].lower() not in _ITS_OWN)
            return Answer(found.status, found.reason, headers, found.read())
        finally:
            connection.close()

    def _send(self, sent: Sent) -> None:
        size = -(-len(sent.data) // sent.pieces) or 1
        for start in range(0, len(sent.data), size):
            self.wfile.write(sent.data[start : start + size])
            time.sleep(sent.pause)
        self.close_connection = self.close_connection or sent.closes

    def log_message(self, format: str, *args: Any) -> None:
        return
