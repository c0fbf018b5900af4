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
from chm_node.database import open_database, writing
from chm_node.serving import end, start_command
from chm_node.settings import Settings
from chm_node.tables import change

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
    with served(settings):
        yield settings


@contextmanager
def served(settings: Settings) -> Iterator[None]:
    """``chm serve`` for a node, in a process of its own; ready when this begins, ended with it."""
    server = start_command(
        "serve", "--no-worker", environment=environment(settings), log=settings.data_dir / "serve.log"
    )
    try:
        wait_for(f"http://127.0.0.1:{settings.port}/livez")
        yield
    finally:
        end(server)


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a process that is to have these settings, and nothing of a real node on this machine."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("CHM_")}
    chosen = {
        f"CHM_{name.upper()}": str(getattr(settings, name))
        for name, field in Settings.model_fields.items()
        if getattr(settings, name) != field.default
    }
    return others | chosen | {"CHM_CONFIG": os.devnull}


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
