"""A node that serves on a loopback port while a benchmark asks it."""

import os
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import update

from bench.publish import fill_node, node_settings
from bench.result import apart
from chm_node.database import change, open_database, writing
from chm_node.serving import end, start_command
from chm_node.settings import Settings

START_SECONDS = 20.0


def free_port() -> int:
    """A loopback port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def take_proofs_off(folder: Path) -> None:
    """As if the node had never signed anything."""
    engine = open_database(node_settings(folder).database)
    with writing(engine) as connection:
        connection.execute(update(change).values(proof=""))
    engine.dispose()


@contextmanager
def serving_node(folder: Path, records: int, *, signed: bool = True) -> Iterator[Settings]:
    """A node with that many made-up records, served as ``chm serve`` serves it; its log has proofs or has none."""
    port = free_port()
    apart(fill_node, folder, records, port)
    if not signed:
        apart(take_proofs_off, folder)
    settings = node_settings(folder, base_url=f"http://127.0.0.1:{port}/", port=port, profile="demo")
    chosen = {"base_url": settings.base_url, "port": str(port), "data_dir": str(folder), "profile": "demo"}
    environment = os.environ | {f"CHM_{name.upper()}": value for name, value in chosen.items()}
    server = start_command("serve", "--no-worker", environment=environment)
    try:
        wait_for(f"{settings.base_url}livez")
        yield settings
    finally:
        end(server)


def wait_for(url: str) -> None:
    """Until the node answers there."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 -- our own loopback node
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
