"""The disposable child: what it survives, what it reports, what it cannot do."""

import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from datetime import timedelta
from pathlib import Path

import pytest

from chm_node.errors import FetchError, InvalidRecordError, ParseError, Problem
from chm_node.foreign import read_rdf
from chm_node.record import Action
from chm_node.sandbox import Limits, Sandbox

FUNCTIONS = """
    import os, socket
    from datetime import timedelta
    import pyoxigraph
    from chm_node.errors import FetchError, InvalidRecordError, ParseError, Problem
    from chm_node.record import Action

    KEPT = []

    def hog():
        while True:
            KEPT.append(bytearray(16 * 1024 * 1024))

    def rust_hog():
        return pyoxigraph.Literal("x" * 100_000_000), [pyoxigraph.Literal("x" * 100_000_000) for _ in range(20)]

    def loop():
        while True:
            pass

    def parse_deep():
        deep = b'{"urn:a":' * 60_000 + b"1" + b"}" * 60_000
        return len(list(pyoxigraph.parse(deep, pyoxigraph.RdfFormat.JSON_LD)))

    def fail(name):
        if name == "fetch":
            raise FetchError("https://peer.example/", "is closed", status=503, retry_after=timedelta(minutes=5))
        if name == "record":
            raise InvalidRecordError([Problem("title", "is missing", "fr")])
        if name == "parse":
            raise ParseError("not RDF")
        raise KeyError(name)

    def refused(name):
        tries = {
            "read": lambda: open("/etc/hostname"),
            "write": lambda: open("written-by-the-child", "w"),
            "socket": socket.socket,
            "pipe": os.pipe,
            "program": lambda: os.posix_spawn("/bin/true", ["true"], {}),
            "resolve": lambda: socket.getaddrinfo("localhost", 80),
        }
        try:
            tries[name]()
        except OSError as error:
            return type(error).__name__
        return ""

    def say(text):
        print(text)
        return text

    def environment():
        return dict(os.environ)

    class Program:
        def __reduce__(self):
            return os.system, ("true",)

    def a_program():
        return Program()

    class Member:
        def __init__(self, kind, name):
            self._said = (kind, name)

        def __reduce__(self):
            return getattr, self._said

    def a_member():
        return Member(Action, "DELETE")

    def an_attribute():
        return Member(ParseError, "__init__")

    def unpicklable():
        return lambda: None
"""


@pytest.fixture
def functions(tmp_path: Path, monkeypatch):
    """A module the child can import too."""
    (tmp_path / "child_functions.py").write_text(textwrap.dedent(FUNCTIONS))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "child_functions", raising=False)
    import child_functions

    return child_functions


@pytest.fixture
def sandbox(functions):
    with Sandbox(Limits(seconds=20), preload=("chm_node.foreign", "child_functions", "json")) as sandbox:
        yield sandbox


def test_a_document_is_read_in_the_child(sandbox):
    quads = sandbox.run(read_rdf, b"<> <a:b> <c> .", "text/turtle", "https://node.example/")
    assert str(quads[0].subject) == "<https://node.example/>"
    assert sandbox.run(os.getpid) != os.getpid()


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16-le", "utf-16-be", "utf-16", "utf-32-le", "utf-32-be", "utf-32"]
)
def test_json_in_any_of_its_encodings_needs_no_file_of_pythons(sandbox, encoding):
    assert sandbox.run(json.loads, '{"a": "é"}'.encode(encoding)) == {"a": "é"}


def test_answers_come_in_the_order_of_the_questions(sandbox):
    calls = [sandbox.submit(divmod, number, 7) for number in range(50)]
    assert [call.result() for call in reversed(calls)] == [divmod(number, 7) for number in reversed(range(50))]
    assert calls[3].result() == divmod(3, 7)


def test_large_questions_and_answers_pass(sandbox):
    megabytes = os.urandom(5_000_000)
    first, second = sandbox.submit(bytes.upper, megabytes), sandbox.submit(bytes.lower, megabytes)
    assert (second.result(), first.result()) == (megabytes.lower(), megabytes.upper())


@pytest.mark.parametrize(
    ("function", "reason"),
    [("parse_deep", "break down"), ("hog", "256 MiB of memory"), ("rust_hog", "break down|256 MiB")],
)
def test_a_child_that_breaks_down_refuses_the_document_and_the_next_one_is_read(functions, function, reason):
    with Sandbox(Limits(memory_mib=256), preload=("chm_node.foreign", "child_functions")) as sandbox:
        pid = sandbox.run(os.getpid)
        with pytest.raises(ParseError, match=reason):
            sandbox.run(getattr(functions, function))
        assert sandbox.run(os.getpid) != pid


def test_a_call_without_end_is_ended(functions):
    with Sandbox(Limits(seconds=0.3), preload=("child_functions",)) as sandbox:
        with pytest.raises(ParseError, match=r"longer than 0\.3 seconds"):
            sandbox.run(functions.loop)
        assert sandbox.run(functions.say, "again") == "again"


def test_an_answer_that_waits_for_a_busy_parent_is_not_too_late():
    with Sandbox(Limits(seconds=0.2), preload=()) as sandbox:
        sandbox.run(abs, -1)
        call = sandbox.submit(abs, -2)
        time.sleep(0.5)
        assert call.result() == 2


def test_our_own_errors_travel_with_everything_they_know(sandbox, functions):
    with pytest.raises(FetchError, match=r"^https://peer\.example/: is closed$") as fetch:
        sandbox.run(functions.fail, "fetch")
    assert (fetch.value.status, fetch.value.retry_after) == (503, timedelta(minutes=5))
    with pytest.raises(InvalidRecordError) as record:
        sandbox.run(functions.fail, "record")
    assert record.value.problems == (Problem("title", "is missing", "fr"),)
    with pytest.raises(ParseError, match="not RDF"):
        sandbox.run(functions.fail, "parse")


def test_a_bug_is_shown_as_one_and_the_child_lives_on(sandbox, functions):
    pid = sandbox.run(os.getpid)
    with pytest.raises(RuntimeError, match=r"(?s)in the sandbox.*in fail.*KeyError: 'nonsense'"):
        sandbox.run(functions.fail, "nonsense")
    with pytest.raises(RuntimeError, match="pickle"):
        sandbox.run(functions.unpicklable)
    assert sandbox.run(os.getpid) == pid


def test_a_preload_that_does_not_exist_is_a_bug_every_time():
    with Sandbox(preload=("chm_node.no_such_module",)) as sandbox:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="no_such_module"):
                sandbox.run(abs, -1)


@pytest.mark.parametrize("attempt", ["read", "write", "socket", "pipe", "resolve"])
def test_the_child_can_open_nothing(sandbox, functions, attempt):
    assert sandbox.run(functions.refused, attempt) in ("OSError", "gaierror")


def test_the_child_knows_no_environment_and_prints_nowhere(sandbox, functions, monkeypatch):
    monkeypatch.setenv("CHM_SECRET", "hidden")
    assert "CHM_SECRET" not in sandbox.run(functions.environment)
    assert sandbox.run(functions.say, "x" * 100_000) == "x" * 100_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_child_ignores_a_signal_meant_for_the_parent(sandbox, number):
    pid = sandbox.run(os.getpid)
    os.kill(pid, number)
    assert sandbox.run(os.getpid) == pid


def test_a_fresh_child_comes_after_so_many_calls():
    with Sandbox(Limits(calls=2), preload=()) as sandbox:
        pids = [sandbox.run(os.getpid) for _ in range(6)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4] == pids[5]


def test_a_hundred_kills_between_calls_lose_nothing():
    with Sandbox(preload=()) as sandbox:
        for number in range(100):
            os.kill(sandbox.run(os.getpid), signal.SIGKILL)
            try:
                assert sandbox.run(abs, -number) == number
            except ParseError:  # the kill arrived while the next call was being asked
                assert sandbox.run(abs, -number) == number


def test_a_closed_sandbox_forgets_its_call_and_starts_anew(functions):
    with Sandbox(preload=("child_functions",)) as sandbox:
        call = sandbox.submit(functions.loop)
        sandbox.close()
        assert sandbox.run(abs, -3) == 3
        with pytest.raises(RuntimeError, match="closed"):
            call.result()


def test_the_child_does_not_outlive_its_parent():
    program = (
        "import os, sys, time; from chm_node.sandbox import Sandbox\n"
        "sandbox = Sandbox(preload=()); print(sandbox.run(os.getpid), flush=True); sandbox.submit(time.sleep, 60)\n"
        "os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", program]
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    pid = int(subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=False).stdout)
    for _ in range(100):
        if not _runs(pid):
            break
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_member_of_an_enumeration_arrives_from_a_child_of_an_early_python_3_11(sandbox, functions):
    assert sandbox.run(functions.a_member) is Action.DELETE
    with pytest.raises(pickle.UnpicklingError, match="may not answer"):
        sandbox.run(functions.an_attribute)


def test_an_answer_cannot_make_the_parent_run_anything(sandbox, functions):
    with pytest.raises(pickle.UnpicklingError, match="may not answer"):
        sandbox.run(functions.a_program)
