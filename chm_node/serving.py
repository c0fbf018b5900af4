"""The node at work on one machine: the web server, and one worker process beside it.

granian answers requests from one process with threads; the worker is a process of its own, so that a
long harvest never takes a reader's time, and is started again when it ends by itself. Neither outlives
the process that started it, even one that was killed: who starts the node again finds the port free.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from chm_node import lifeline, watermark
from chm_node.errors import SettingsError
from chm_node.keys import node_signer
from chm_node.settings import Settings

STOP_SECONDS = 10.0
RESTART_SECONDS = 5.0
#: A client that has not sent its request by then is let go; it holds no thread meanwhile.
HEADER_MILLISECONDS = 15_000


def serve(settings: Settings, *, with_worker: bool, say: Callable[[str], None]) -> None:
    """Serve until SIGINT, SIGTERM or the end of the terminal; raises SettingsError before anything is started."""
    address = _address(settings.host)
    with _opened(settings, address):
        _serve(settings, address, with_worker=with_worker, say=say)


def _serve(settings: Settings, address: str, *, with_worker: bool, say: Callable[[str], None]) -> None:
    server = Granian(
        "chm",
        address=address,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=settings.threads,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS),
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=int(STOP_SECONDS),
    )
    # granian would begin anew when its terminal is closed; only what nohup started outlives one.
    stays = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    at_hangup = signal.SIG_IGN if stays else server.signal_handler_interrupt
    server.on_startup(lambda: signal.signal(signal.SIGHUP, at_hangup))
    worker = Worker(say) if with_worker else None
    if worker:
        worker.start()
    say(f"{settings.base_url} is served on {address}:{settings.port}; Ctrl-C stops it")
    try:
        server.serve(target_loader=partial(_load_app, os.getpid()))
    finally:
        if worker:
            worker.stop()
    say("stopped")


def _address(host: str) -> str:
    """The address that a name stands for, which granian does not look up: one of IPv4 if there is one."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SettingsError(f"host: {host}: {error.strerror}") from error
    return str(min(found, key=lambda each: each[0])[4][0])


def _opened(settings: Settings, address: str) -> socket.socket:
    """Open everything once, so that a wrong setting stops the start here and by its name; the port, claimed."""
    node_signer(settings)
    watermark.opened(settings).dispose()
    try:
        return claimed(address, settings.port)
    except OSError as error:
        raise SettingsError(f"host, port: {address}:{settings.port}: {error.strerror}") from error


def claimed(host: str, port: int) -> socket.socket:
    """A port for us alone until the socket is closed; raises OSError when it is taken.

    granian shares its port with any process that asks for it in the same moment (``SO_REUSEPORT``): two nodes would
    answer in turn. The UDP port of the same number is of no use to anybody, and the system gives it to one only.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    claim = socket.socket(family, socket.SOCK_DGRAM)
    try:
        claim.bind((host, port))
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was used a moment ago is free
            probe.bind((host, port))
    except OSError:
        claim.close()
        raise
    return claim


class Worker:
    """The worker process, started again when it ends although nobody asked it to."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper = threading.Thread(target=self._keep, name="worker-keeper", daemon=True)

    def start(self) -> None:
        self._process = start_command("worker")
        self._keeper.start()

    def stop(self) -> None:
        """Ask the worker to end its harvests, and wait for it."""
        self._stopping.set()
        if self._process:
            end(self._process)
        self._keeper.join(STOP_SECONDS)

    def _keep(self) -> None:
        while self._process is not None:
            code = self._process.wait()
            if self._stopping.is_set():
                return
            self._say(f"the worker ended (exit code {code}); starting it again in {RESTART_SECONDS:.0f} seconds")
            if self._stopping.wait(RESTART_SECONDS):
                return
            self._process = start_command("worker")


def start_command(
    *arguments: str, environment: Mapping[str, str] | None = None, log: Path | None = None
) -> subprocess.Popen[bytes]:
    """A ``chm`` command as a process of its own group: Ctrl-C reaches it through us alone.

    It stops by itself once the thread that called this has ended, and so when we are killed. ``log`` is the file for
    what it says; without one it says it where we do.
    """
    command = [sys.executable, "-m", "chm_node.cli", "--end-with", str(os.getpid()), *arguments]
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(log.open("ab")) if log else None
        return subprocess.Popen(  # noqa: S603 -- our own command
            command, env=environment, stdout=output, stderr=output, process_group=0
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process we started, by force when asking is not enough."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _load_app(parent: int, _: str) -> Any:  # a WSGI application
    # In granian's child process, which inherits the parent's handlers: a stop that came while the application
    # is being loaded would be forgotten, and the child killed after a long wait.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the parent knows what it means
    lifeline.end_with(parent)
    from chm_node.app import create_app

    return create_app(Settings.load())
