"""Feed requests answered 304, 200 from kept bytes and 200 freshly rendered, beside feedgen on every request.

All are asked over one kept-alive connection by the same client, so the client's own cost is in every figure.
"""

import http.client
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

from bench.naive_feeds import feedgen_app
from bench.node import serving_node
from bench.result import Result

RECORDS = 10_000
REQUESTS = 2_000
RENDERED_REQUESTS = 100
_NAIVE = "feedgen on every request"


def measure() -> list[Result]:
    """Three results: 304, kept 200, rendered 200 (each a query nobody asked before)."""
    with tempfile.TemporaryDirectory(prefix="chm-bench-") as name:
        folder = Path(name)
        with serving_node(folder / "node", RECORDS) as node:
            feed = "/feeds/all.atom?lang=fr"
            etag = _ask(node.base_url, [feed], {})[1]
            unchanged = _ask(node.base_url, [feed] * REQUESTS, {"If-None-Match": etag})[0]
            kept = _ask(node.base_url, [feed] * REQUESTS, {})[0]
            _ask(node.base_url, [f"{feed}&q=bench"], {})  # the first search of a process learns the names of terms
            fresh = [f"{feed}&q={number}" for number in range(RENDERED_REQUESTS)]
            rendered = _ask(node.base_url, fresh, {})[0]
        naive = _naive_rate(folder / "node")
    rows = (
        ("feeds 304", REQUESTS, unchanged),
        ("feeds 200 kept", REQUESTS, kept),
        ("feeds 200 rendered", RENDERED_REQUESTS, rendered),
    )
    return [Result(bench, count, rate, _NAIVE, naive, 0.0) for bench, count, rate in rows]


def _ask(base_url: str, paths: list[str], headers: dict[str, str]) -> tuple[float, str]:
    """Requests a second, and the last ETag."""
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=30)
    connection.request("GET", "/livez")
    connection.getresponse().read()
    etag = ""
    started = time.perf_counter()
    for path in paths:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status not in (200, 304):
            raise RuntimeError(f"{path} answered {answer.status}")
        etag = answer.headers.get("ETag", "")
    return len(paths) / (time.perf_counter() - started), etag


def _naive_rate(folder: Path) -> float:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve_naively, args=(folder, theirs), daemon=True)
    server.start()
    try:
        port = ours.recv()
        return _ask(f"http://127.0.0.1:{port}/", ["/feed"] * RENDERED_REQUESTS, {})[0]
    finally:
        server.kill()
        server.join()


def _serve_naively(folder: Path, parent: Connection) -> None:
    application: Callable[..., Any] = feedgen_app(folder)
    with make_server("127.0.0.1", 0, application, handler_class=_Quiet) as server:
        parent.send(server.server_port)
        server.serve_forever()


class _Quiet(WSGIRequestHandler):
    """Keeps the connection alive, as the node does, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        return
