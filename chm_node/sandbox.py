"""A disposable child process in which strangers' bytes are read.

No ``try`` catches a parser that aborts, hangs or eats all memory, so such work is done by a child that may die. The
child gets its questions and gives its answers through two pipes; it can open no file and no socket, and it does not
outlive its parent. Linux only.
"""

import codecs
import ctypes
import importlib
import io
import os
import pickle
import resource
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from fcntl import F_SETPIPE_SZ, fcntl
from typing import Any, Never

from chm_node.errors import ChmError, ReaderDiedError

START_SECONDS = 30.0
_PIPE_BYTES = 1024 * 1024
_HEADER_BYTES = 8
_OUT_OF_MEMORY = 3  # exit code of a child that could not get enough memory
_PR_SET_PDEATHSIG = 1
#: Where the classes of the values come from that a child may answer with.
_VALUE_PACKAGES = ("chm_node", "harvest", "datetime", "pyoxigraph")
#: What a child is told of the environment.
_ENVIRONMENT = ("CHM_VOCABULARY_DIR",)
#: Python's JSON reader tells them by the first bytes, and would open the file of each when it meets it.
_ENCODINGS_OF_JSON = ("utf-8-sig", "utf-16", "utf-16-be", "utf-16-le", "utf-32", "utf-32-be", "utf-32-le")
#: glibc keeps the memory of one document for the next, rather than giving it back and having it zeroed again.
_MALLOC = {"MALLOC_TRIM_THRESHOLD_": "268435456", "MALLOC_MMAP_THRESHOLD_": "134217728", "MALLOC_TOP_PAD_": "16777216"}
_BOOT = "import sys; sys.path[:] = sys.argv[1:]; from chm_node.sandbox import serve; serve()"


@dataclass(frozen=True)
class Limits:
    """What a child may use before it is ended."""

    memory_mib: int = 768  #: of address space
    seconds: float = 20.0  #: wall clock, for each call
    calls: int = 1000  #: then a fresh child, so that nothing can pile up in it


DEFAULT_LIMITS = Limits()


class Call:
    """A function at work in the child."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self._started = time.monotonic()
        self._outcome: tuple[str, Any] | None = None

    def result(self) -> Any:  # whatever the function gives
        """Waits for the function's value.

        Raises ``ReaderDiedError`` when the child died or ran out of time or memory, the function's own ``ChmError``,
        and ``RuntimeError`` with the child's traceback for everything else, which is a bug.
        """
        if self._outcome is None:
            self._outcome = self._sandbox._finish(self)
        kind, value = self._outcome
        if kind == "error":
            raise value
        if kind == "bug":
            raise RuntimeError(f"a function failed in the sandbox\n{value}")
        return value


class Sandbox:
    """Runs module-level functions in a child process, one at a time.

    The child is started when first needed, imports ``preload`` and is then closed in: a function whose module is not
    in ``preload`` cannot be found. It is ended with the sandbox, and with the thread that started it or called first.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, preload: Sequence[str] = ("chm_node.foreign",)) -> None:
        self._limits = limits
        self._preload = tuple(preload)
        self._child: _Child | None = None
        self._open_call: Call | None = None
        self._lock = threading.RLock()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the child; a later call gets a fresh one."""
        with self._lock:
            if self._child:
                self._child.end()
            self._child = None
            self._open_call = None

    def start(self) -> None:
        """Begins a child and does not wait; it is ready the sooner for the first question."""
        with self._lock:
            self._fresh_child()

    def run(self, function: Callable[..., Any], *args: Any) -> Any:  # any picklable values
        """The function's value, computed in the child; raises what ``Call.result`` raises."""
        return self.submit(function, *args).result()

    def submit(self, function: Callable[..., Any], *args: Any) -> Call:  # any picklable values
        """Gives the child its work and returns at once, or as soon as the call before is finished."""
        question = pickle.dumps((function, args), pickle.HIGHEST_PROTOCOL)
        with self._lock:
            if earlier := self._open_call:
                earlier._outcome = self._finish(earlier)  # so that answers cannot be mixed up
            child = self._fresh_child()
            self._open_call = Call(self)
            child.ask(question)
            return self._open_call

    def _fresh_child(self) -> "_Child":
        if self._child and (self._child.calls >= self._limits.calls or not self._child.alive()):
            self.close()
        if self._child is None:
            self._child = _Child(self._limits, self._preload)
        return self._child

    def _finish(self, call: Call) -> tuple[str, Any]:
        with self._lock:
            if call._outcome:
                return call._outcome
            if call is not self._open_call or self._child is None:
                raise RuntimeError("the sandbox was closed before the call was finished")
            self._open_call = None
            try:
                return self._child.answer(call._started)
            except (TimeoutError, EOFError) as end:
                died = self._child.died(end)
            finally:
                if not self._child.usable:
                    self.close()
            return "error", died


class _Child:
    """The parent's end of one child process."""

    def __init__(self, limits: Limits, preload: Sequence[str]) -> None:
        self.calls = 0
        self.usable = False  # closed in, and not in the middle of a call that failed
        self._limits = limits
        # -I and next to no environment: no secret of the node and no PYTHON* variable reaches the child.
        known = _MALLOC | {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        command = [sys.executable, "-I", "-c", _BOOT, *sys.path]
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter and code
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=known, bufsize=0
        )
        assert self._process.stdin and self._process.stdout  # noqa: S101  both are pipes
        self._pipes = (self._process.stdin, self._process.stdout)
        for pipe in self._pipes:
            fcntl(pipe, F_SETPIPE_SZ, _PIPE_BYTES)
        self._send(pickle.dumps((limits, tuple(preload))))

    def ask(self, question: bytes) -> None:
        self.calls += 1
        self._send(question)

    def answer(self, asked: float) -> tuple[str, Any]:
        """What the child says to the question asked at that time; raises ``TimeoutError`` or ``EOFError``."""
        if self.calls == 1:
            kind, value = self._receive(time.monotonic() + START_SECONDS)
            if kind == "bug":
                return kind, value
            asked = time.monotonic()
        self.usable = False
        kind, value = self._receive(asked + self._limits.seconds)
        self.usable = True
        return kind, value

    def alive(self) -> bool:
        return self._process.poll() is None

    def died(self, end: TimeoutError | EOFError) -> ReaderDiedError:
        """Why there is no answer."""
        if isinstance(end, TimeoutError):
            return ReaderDiedError(f"takes longer than {self._limits.seconds:g} seconds")
        code = self._process.wait()
        if code == _OUT_OF_MEMORY:
            return ReaderDiedError(f"needs more than {self._limits.memory_mib} MiB of memory", broke_down=True)
        reason = f"makes the parser break down ({_exit_name(code)})"
        return ReaderDiedError(reason, broke_down=True, killed=code == -signal.SIGKILL)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in self._pipes:
            pipe.close()

    def _send(self, message: bytes) -> None:
        try:
            _write(self._pipes[0].fileno(), message)
        except BrokenPipeError:
            return  # a dead child is noticed, and explained, when its answer is read

    def _receive(self, deadline: float) -> tuple[str, Any]:
        kind, value = _Answer(io.BytesIO(_read(self._pipes[1].fileno(), deadline))).load()
        if kind != "error":
            return kind, value
        error_class, args, attributes = value
        error = error_class.__new__(error_class, *args)
        error.__dict__.update(attributes)
        return kind, error


class _Answer(pickle.Unpickler):
    """Reads what a child says, and makes nothing but values of it: a parser taken over by a document gains no more."""

    def find_class(self, module: str, name: str) -> Callable[..., Any]:  # whatever a class makes
        if (module, name) == ("builtins", "getattr"):
            return _member
        found = super().find_class(module, name) if module.split(".")[0] in _VALUE_PACKAGES else None
        if not isinstance(found, type) or module == __name__:
            raise pickle.UnpicklingError(f"the sandbox may not answer with {module}.{name}")
        return found


def _member(enumeration: type, name: str) -> Enum:
    """A member of an enumeration, for Python 3.11.0 to 3.11.3 pickle it as an attribute of its class."""
    if not (isinstance(enumeration, type) and issubclass(enumeration, Enum)):
        raise pickle.UnpicklingError(f"the sandbox may not answer with an attribute of {enumeration!r}")
    return enumeration[name]


def serve() -> Never:
    """The child's main function: closes itself in, then answers one question after another."""
    # Ctrl-C and systemd tell all processes at once; who asked us ends us when it needs no more answers.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    questions, answers = os.dup(0), os.dup(1)
    os.dup2(2, 1)  # what a function prints must not get between the answers
    limits, preload = pickle.loads(_read(questions))  # noqa: S301  written by our parent
    _write(answers, _outcome(_close_in, (limits, preload)))
    while True:
        _write(answers, _outcome(*_question(questions)))


def _close_in(limits: Limits, preload: Sequence[str]) -> None:
    for module in preload:
        importlib.import_module(module)
    for encoding in _ENCODINGS_OF_JSON:
        codecs.lookup(encoding)
    memory = limits.memory_mib * 1024 * 1024
    # No file descriptor below 0 is free: nothing can be opened from here on, neither file nor socket.
    limited = {resource.RLIMIT_AS: memory, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 0}
    for kind, limit in limited.items():
        resource.setrlimit(kind, (limit, limit))


def _question(questions: int) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    try:
        data = _read(questions)
    except EOFError:
        os._exit(0)  # the parent is gone
    return _call, (data,)


def _call(question: bytes) -> Any:  # whatever the function gives
    function, args = pickle.loads(question)  # noqa: S301  written by our parent
    return function(*args)


def _outcome(function: Callable[..., Any], args: tuple[Any, ...]) -> bytes:
    try:
        return pickle.dumps(("ok", function(*args)), pickle.HIGHEST_PROTOCOL)
    except ChmError as error:
        # Pickle would call the class with the message alone, which not every error accepts.
        return pickle.dumps(("error", (type(error), error.args, error.__dict__)))
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)
    except Exception:  # everything else is a bug, which the parent reports as one
        return pickle.dumps(("bug", traceback.format_exc()))


def _exit_name(code: int) -> str:
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"exit code {code}"


def _write(pipe: int, message: bytes) -> None:
    rest = memoryview(len(message).to_bytes(_HEADER_BYTES, "big") + message)
    while rest:
        rest = rest[os.write(pipe, rest) :]


def _read(pipe: int, deadline: float | None = None) -> bytearray:
    """The next message; raises ``EOFError``, and ``TimeoutError`` when nothing came until the deadline."""
    if deadline is not None and not _ready(pipe, deadline - time.monotonic()):
        raise TimeoutError
    size = int.from_bytes(_read_exactly(pipe, _HEADER_BYTES), "big")
    return _read_exactly(pipe, size)


def _ready(pipe: int, seconds: float) -> bool:
    poll = select.poll()  # select.select would refuse descriptors above 1023
    poll.register(pipe, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def _read_exactly(pipe: int, size: int) -> bytearray:
    message = bytearray(size)
    rest = memoryview(message)
    while rest:
        count = os.readv(pipe, [rest])
        if not count:
            raise EOFError
        rest = rest[count:]
    return message
