"""The worker, while what it stands on is away for a time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from chm_node.database import open_database
from chm_node.errors import StorageError
from chm_node.signing import create_key
from chm_node.worker import Complaints

ROOT = Path(__file__).parents[2]


def test_what_keeps_jobs_from_their_work_is_one_line_until_it_changes(caplog):
    complaints, problems = Complaints(), []

    def failing():
        raise StorageError(problems[-1])

    def failing_too():
        failing()

    problems.append("the database is away")
    for job in (failing, failing_too) * 3:
        complaints.run(job)
    problems.append("the database is starting")
    for job in (failing, failing_too) * 3:
        complaints.run(job)
    assert caplog.messages == problems


def test_what_comes_back_after_work_that_went_well_is_said_again(caplog):
    complaints, well = Complaints(), [False, True, False]

    def job():
        if not well.pop():
            raise StorageError("the database is away")

    for _ in range(3):
        complaints.run(job)
    assert caplog.messages == ["the database is away"] * 2


def test_a_bug_is_no_complaint():
    with pytest.raises(ZeroDivisionError):
        Complaints().run(lambda: 1 / 0)


def until(found, worker):
    for _ in range(600):
        if found():
            return
        assert worker.poll() is None, "the worker has ended"
        time.sleep(0.1)
    pytest.fail("nothing came of it")


def test_a_worker_whose_database_goes_away_says_so_in_few_words_and_goes_on(postgresql_url, database_urls, tmp_path):
    [url] = database_urls(1)
    name = url.rpartition("/")[2]
    open_database(url).dispose()
    create_key(tmp_path / "signing-key.pem")
    said = tmp_path / "said"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHM_")} | {
        "PYTHONPATH": str(ROOT), "CHM_CONFIG": os.devnull, "CHM_DATABASE_URL": url, "CHM_DATA_DIR": str(tmp_path),
        "CHM_TICK_SECONDS": "0.2",
    }  # fmt: skip
    with psycopg.connect(postgresql_url.replace("+psycopg", ""), autocommit=True) as server, said.open("wb") as output:

        def connected():
            found = server.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [name]).fetchone()
            return found[0] > 0

        worker = subprocess.Popen([sys.executable, "-m", "chm_node.cli", "worker"], env=environment, stderr=output)
        try:
            until((tmp_path / "log-reached.json").exists, worker)  # at its first tick
            server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            until(lambda: b"not currently accepting connections" in said.read_bytes(), worker)
            server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            until(connected, worker)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0
        finally:
            worker.kill()
            worker.wait()
    lines = said.read_text().splitlines()
    assert "Traceback" not in said.read_text()
    assert len(lines) == len(set(lines)) < 7
