"""What the demo does, step by step, and how it ends."""

import contextlib
import fcntl
import json
import os
import platform
import shlex
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from chm_node.catalogue import Catalogue, Filter
from chm_node.database import open_database, reading, writing
from chm_node.demo.checks import check
from chm_node.demo.nodes import FIRST_PORT, NODES, Node, claimed_ports
from chm_node.demo.records import publish_all, shipped_records
from chm_node.demo.running import Running, harvest
from chm_node.errors import ChmError, FetchError
from chm_node.http_client import HttpClient
from chm_node.keys import node_signer
from chm_node.sandbox import Sandbox
from chm_node.serving import end, start_command
from chm_node.signing import create_key
from harvest.discovery import discover, propose
from harvest.dispatch import Dispatcher, fetch_policy
from harvest.readers import Readers
from harvest.sources import approve

START_SECONDS = 60.0
_LOCK = "demo.lock"
_PORTS = "ports.json"
_LOG = "serve.log"

Say = Callable[[str], None]
#: The ports of the nodes that are not at work yet.
Claims = Mapping[int, socket.socket]


def run(data: Path, *, once: bool, reset: bool, say: Say) -> bool:
    """Start everything and wait for Ctrl-C, or (``once``) check everything; whether it all went well.

    Raises ChmError when a step cannot be done.
    """
    try:
        with contextlib.ExitStack() as stack:
            stopping = stack.enter_context(_stopped_by_signals())
            stack.enter_context(_locked(data, reset))
            return _run(stack, data, once, say, stopping)
    except KeyboardInterrupt:
        if once:
            raise  # what was not looked at did not go well
        say("stopped")
        return True


def _run(stack: contextlib.ExitStack, data: Path, once: bool, say: Say, stopping: threading.Event) -> bool:
    """The six steps; what they start is ended by the stack."""
    nodes, claims = _placed(data, say)
    for claim in claims.values():
        stack.enter_context(claim)
    peers = _filled(nodes, say)
    hub = _opened(nodes[-1])
    for each in (*peers, hub):
        stack.callback(each.engine.dispose)
    processes = stack.enter_context(_served([each.node for each in peers], claims, with_worker=not once))
    dispatcher = Dispatcher(hub.engine, hub.settings, lambda: datetime.now(UTC))
    stack.callback(dispatcher.close)
    _harvested(hub, peers, dispatcher, say)
    processes += stack.enter_context(_served([hub.node], claims, with_worker=not once))
    if once:
        return check(hub, peers, dispatcher, say)
    _say_what_to_try(peers[0], hub, say)
    while all(process.poll() is None for process in processes):
        if stopping.wait(0.5):
            raise KeyboardInterrupt
    say("a node ended by itself; stopping the others")
    return False


# Before the first step.


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """SIGTERM, Ctrl-C and a terminal that is closed end the demo at whatever it does, and with it what it started.

    The event says so as well: an exception that is raised while Python tidies up is lost.
    """
    stopping = threading.Event()

    def stop(*_: object) -> None:
        stopping.set()
        raise KeyboardInterrupt

    ends = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        ends.append(signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in ends}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _locked(data: Path, reset: bool) -> Iterator[None]:
    """The folder, for us alone: two demos would take each other's ports and data."""
    try:
        if data.exists() and any(data.iterdir()) and not (data / _LOCK).exists():
            raise ChmError(f"{data} holds something else than the demo's data; name another folder with --data")
        data.mkdir(parents=True, exist_ok=True)
        opened = (data / _LOCK).open("w")
    except OSError as error:
        raise ChmError(f"{data} cannot be written to ({error.strerror}); name another folder with --data") from error
    with opened as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ChmError(f"a demo is running in {data} already; stop it first, or use --data") from error
        if reset:
            _empty(data)
        yield


def _empty(data: Path) -> None:
    for node in NODES:
        shutil.rmtree(data / node.key, ignore_errors=True)
    (data / _PORTS).unlink(missing_ok=True)


# Step 1: places.


def _placed(data: Path, say: Say) -> tuple[list[Node], Claims]:
    """The nodes with their ports and folders; data under other addresses is of no use any more."""
    file = data / _PORTS
    before = json.loads(file.read_text()) if file.exists() else []
    claims = claimed_ports(before or range(FIRST_PORT, FIRST_PORT + len(NODES)))
    ports = list(claims)
    if before != ports:
        _empty(data)
        file.write_text(json.dumps(ports))
    moved = "" if ports[0] == FIRST_PORT else f", moved to ports {ports[0]} to {ports[-1]}"
    say(f"[1/6] {'environment':18} Python {platform.python_version()}, data in {data}{moved}")
    return [replace(node, port=port, folder=data / node.key) for node, port in zip(NODES, ports, strict=True)], claims


# Steps 2 to 4: the nodes with their records.


def _filled(nodes: Sequence[Node], say: Say) -> list[Running]:
    running = []
    with Sandbox() as sandbox:
        for step, node in enumerate(nodes[:-1], start=2):
            each = _opened(node)
            records = shipped_records(node, nodes, each.settings, sandbox)
            publish_all(each.engine, each.settings, each.signer, records, datetime.now(UTC))
            languages = ", ".join(node.languages)
            say(f"[{step}/6] {node.label:18} {node.address}  {languages}  {len(records)} records")
            running.append(each)
    return running


def _opened(node: Node) -> Running:
    """The node with folder, key and database, made if they are not there."""
    settings = node.settings()
    node.folder.mkdir(0o700, exist_ok=True)
    if not settings.key_file.exists():
        create_key(settings.key_file)
    signer = node_signer(settings)
    return Running(node, settings, open_database(settings.database), signer)


@contextlib.contextmanager
def _served(nodes: Sequence[Node], claims: Claims, *, with_worker: bool) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The nodes at work, each in a process of its own, which claims its port itself; all ended at the end."""
    options = () if with_worker else ("--no-worker",)
    for node in nodes:
        claims[node.port].close()
    processes = [
        start_command("serve", *options, environment=node.environment(), log=node.folder / _LOG) for node in nodes
    ]
    try:
        for node, process in zip(nodes, processes, strict=True):
            _wait_until_served(node, process)
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            end(process)


def _wait_until_served(node: Node, process: subprocess.Popen[bytes]) -> None:
    latest = time.monotonic() + START_SECONDS
    with HttpClient(fetch_policy(node.settings())) as client:
        while True:
            try:
                return _answers(client, node)
            except FetchError as error:
                if process.poll() is not None or time.monotonic() > latest:
                    log = node.folder / _LOG
                    raise ChmError(f"the node {node.address} did not start ({error.reason}); see {log}") from error
            time.sleep(0.05)


def _answers(client: HttpClient, node: Node) -> None:
    client.get(f"{node.address}node", accept="text/turtle")


# Step 5: the hub.


def _harvested(hub: Running, peers: Sequence[Running], dispatcher: Dispatcher, say: Say) -> None:
    """Sources added and approved, one harvest of each."""
    with HttpClient(fetch_policy(hub.settings)) as client, Readers(1) as readers:
        for peer in peers:
            proposal = discover(peer.settings.base_url, hub.settings, client, readers, datetime.now(UTC))
            with writing(hub.engine) as connection:
                propose(connection, proposal, datetime.now(UTC))
                approve(connection, peer.settings.base_url, hub.settings, datetime.now(UTC))
    started = time.monotonic()
    runs = [(peer, harvest(dispatcher, peer)) for peer in peers]
    brought = "  ".join(f"{peer.node.key} {run.created} new" for peer, run in runs)
    with reading(hub.engine) as connection:
        total = sum(Catalogue(connection).counts_by_origin().values())
    languages = ", ".join(hub.node.languages)
    seconds = time.monotonic() - started
    say(f"[5/6] {hub.node.label:18} {hub.node.address}  {languages}  {brought}  {total} records, {seconds:.1f} s")


# Step 6: for people.


def _say_what_to_try(peer: Running, hub: Running, say: Say) -> None:
    address = hub.node.address
    with reading(peer.engine) as connection:
        record = Catalogue(connection).listing(Filter(), 1).records[0].iri
    say(f"[6/6] {'ready':18} Ctrl-C stops everything; {_program()} demo --reset begins anew")
    say("")
    say("Try:")
    say(f"  {address}fr/                          everything, from three nodes")
    say(f"  {address}ar/                          the same, from right to left")
    say(f"  {address}feeds/all.rss?type=event     a feed of one record type")
    say(f"  {address}feed                         the log that other hubs harvest")
    say("")
    say(f"Withdraw a record on the node of {peer.node.label} and see it go from the hub within seconds:")
    say(f"  {address}en/record?iri={quote(record, safe='')}")
    say("")
    say(f"  {_as_node(peer)} \\")
    say(f'    {_program()} withdraw {record} --reason "Only a test"')


def _program() -> str:
    """The command as a person types it here: in a checkout, it is not on the path."""
    return "./chm" if Path("chm").is_file() else "chm"


def _as_node(peer: Running) -> str:
    """What has a command work on a node of the demo, whatever is set up in this folder."""
    told = {
        "CHM_CONFIG": os.devnull,
        "CHM_PROFILE": peer.settings.profile,
        "CHM_BASE_URL": peer.settings.base_url,
        "CHM_DATA_DIR": str(peer.settings.data_dir),
    }
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in told.items())
