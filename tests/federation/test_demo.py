"""The demo: a whole federation on this machine, started, checked and stopped by one command."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import func, select

from chm_node.catalogue import Catalogue, Filter
from chm_node.database import open_database, reading
from chm_node.demo.nodes import NODES, claimed_ports
from chm_node.demo.records import shipped_records
from chm_node.sandbox import Sandbox
from chm_node.settings import Settings
from chm_node.sparql.child import Question
from chm_node.sparql.gate import GraphChoice
from chm_node.sparql.pool import Pool
from chm_node.tables import record as record_table
from chm_node.tables import subscriber
from chm_node.web.sparql import EXAMPLES

ROOT = Path(__file__).parents[2]


def start(data, *options):
    return subprocess.Popen(
        [sys.executable, "-m", "chm_node.cli", "demo", "--data", data, *options],
        cwd=ROOT,
        env=environment() | {"CHM_PORT": "1", "CHM_DATABASE_URL": "sqlite:////nowhere/x", "CHM_CONFIG": "/nowhere"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def environment():
    return os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}


def processes_of(data):
    """Processes that work on the demo's data, by what their environment says."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(data).encode() in (entry / "environ").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """The demo done once: its folder, exit code and output."""
    data = tmp_path_factory.mktemp("demo")
    with start(data, "--once") as process:
        output = process.communicate()[0]
    return data, process.returncode, output


def test_every_step_and_every_check_goes_well(once):
    _, code, output = once
    assert code == 0, output
    assert "FAILED" not in output
    assert "Traceback" not in output
    for step in range(1, 7):
        assert f"[{step}/6]" in output


@pytest.mark.parametrize(
    "check",
    [
        "the hub holds what the nodes hold",
        "an unchanged second harvest: .* all answered 304",
        "a correction travels",
        "a withdrawal travels",
        "feeds: .* can be read",
        "Arabic feed: runs from right to left",
        "proof of a harvested record",
        "home page",
    ],
)
def test_the_check_is_made(once, check):
    assert re.search(rf"^\[6/6\] ok +{check}", once[2], re.MULTILINE)


def test_queries_at_the_hub_count_its_records_by_type(once):
    engine = open_database(f"sqlite:///{once[0] / 'hub' / 'chm.sqlite'}")
    pool = Pool(engine, threads=2)
    question = Question(EXAMPLES[0], "https://hub.example/sparql", GraphChoice(), GraphChoice(), "text/csv", "")
    found = pool.ask(question, "reader").found.written.body.decode()
    pool.close()
    with reading(engine) as connection:
        expected = dict(Catalogue(connection).facet_counts(Filter(), "type"))
        withdrawn = connection.execute(select(func.count()).where(record_table.c.withdrawn)).scalar_one()
    engine.dispose()
    counted = {row.rsplit("/", 1)[-1].split(",")[0]: int(row.split(",")[1]) for row in found.split()[1:]}
    assert sorted(counted.values()) == sorted(expected.values())
    with Sandbox() as sandbox:
        shipped = [each for node in NODES[:-1] for each in shipped_records(node, (), settings_of(node), sandbox)]
    assert sum(counted.values()) + withdrawn == len(shipped)


def test_nothing_is_left_running(once):
    assert processes_of(once[0]) == []


def test_a_second_time_begins_with_what_is_there(once):
    data, _, _ = once
    with start(data, "--once") as process:
        output = process.communicate()[0]
    assert process.returncode == 0, output


def until_ready(process):
    """What it says until it is ready, line by line; the last two are a command to try."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "withdraw http" in line:
            return lines
    raise AssertionError("".join(lines))


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_runs_until_it_is_stopped_and_takes_everything_with_it(tmp_path, stop):
    with start(tmp_path / "demo") as process:
        lines = until_ready(process)
        while len(processes_of(tmp_path)) < 12:  # four nodes, each a server of two processes, and a worker
            assert process.poll() is None, "".join(lines)
            time.sleep(0.1)
        process.send_signal(stop)
        rest = process.communicate()[0]
    assert process.returncode == 0, "".join(lines) + rest
    assert "Traceback" not in rest
    assert processes_of(tmp_path) == []


def test_what_it_started_does_not_outlive_one_that_is_killed(tmp_path):
    with start(tmp_path / "demo") as process:
        until_ready(process)
        process.kill()
        process.communicate()
    until(lambda: processes_of(tmp_path) == [])


def test_what_it_says_to_try_can_be_pasted_and_the_hub_is_told(tmp_path):
    (tmp_path / "chm.toml").write_text('country = "TN"\n')  # a node of one's own, which is none of the demo's
    with start(tmp_path / "demo") as process:
        try:
            *lines, told, last = until_ready(process)
            command = (told + last).replace("./chm", f"{sys.executable} -m chm_node.cli")
            until(lambda: subscribers(tmp_path / "demo" / "dz") == 1)
            done = subprocess.run(
                ["sh", "-c", command], cwd=tmp_path, env=environment(), capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            record = last.split()[2]
            assert any(f"/en/record?iri={quote(record, safe='')}" in line for line in lines)
            until(lambda: is_withdrawn(tmp_path / "demo" / "hub", record))
        finally:
            process.terminate()
            process.communicate()


def until(holds):
    latest = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < latest, "it did not come to pass"
        time.sleep(0.1)


@contextmanager
def looking_into(folder):
    engine = open_database(f"sqlite:///{folder / 'chm.sqlite'}")
    with reading(engine) as connection:
        yield connection
    engine.dispose()


def subscribers(folder):
    with looking_into(folder) as connection:
        return connection.execute(select(func.count()).select_from(subscriber)).scalar_one()


def is_withdrawn(folder, record):
    with looking_into(folder) as connection:
        found = Catalogue(connection).find(record)
    return found is not None and found.withdrawn


@pytest.mark.parametrize("place", ["/proc/x", "/dev/null/x"])
def test_a_folder_that_cannot_be_made_is_named(place):
    with start(place, "--once") as process:
        output = process.communicate()[0]
    assert process.returncode == 1
    assert output.startswith(f"Error: {place} cannot be written to")
    assert "Traceback" not in output


def test_two_demos_do_not_share_a_folder(tmp_path):
    with start(tmp_path / "demo") as first:
        next(line for line in first.stdout if line.startswith("[1/6]"))
        with start(tmp_path / "demo", "--reset") as second:
            assert "running in" in second.communicate()[0]
        assert second.returncode == 1
        first.send_signal(signal.SIGTERM)
        first.communicate()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with start(tmp_path, "--reset", "--once") as process:
        assert "something else" in process.communicate()[0]
    assert process.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_a_port_that_is_taken_is_left_to_its_owner():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = claimed_ports([port, port])
    assert port not in ports
    assert len(ports) == 2
    for each in ports.values():
        each.close()


def test_two_demos_that_begin_in_the_same_moment_have_ports_of_their_own():
    first, second = claimed_ports([8501, 8502]), claimed_ports([8501, 8502])
    assert len(first.keys() | second.keys()) == 4
    for each in (*first.values(), *second.values()):
        each.close()


@pytest.mark.parametrize("node", NODES[:-1], ids=lambda node: node.key)
def test_the_shipped_records_are_valid_and_link_only_to_records_that_exist(node):
    with Sandbox() as sandbox:
        shipped = {each.key: shipped_records(each, (), settings_of(each), sandbox) for each in NODES[:-1]}
    known = {record.iri for records in shipped.values() for record in records}
    assert len(shipped[node.key]) > 30
    for record in shipped[node.key]:
        linked = re.findall(r"https://\w+\.chm\.example/id/[^\"'#]+", json.dumps(record.values, default=str))
        assert sorted(set(linked) - known) == [], record.iri


def settings_of(node):
    return Settings.load(base_url=f"https://{node.key}.chm.example/", country=node.country)
