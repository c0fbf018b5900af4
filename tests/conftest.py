"""What all layers of tests share: the two databases, the golden-file switch, the Hypothesis profiles."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import rdflib
from hypothesis import HealthCheck, settings

import chm_node.settings

# Whoever runs the tests may run a node on this machine, too; its settings are none of theirs.
chm_node.settings.CONFIG_NAMES = chm_node.settings.CONFIG_NAMES[:1]
for _variable in [name for name in os.environ if name.startswith("CHM_")]:
    del os.environ[_variable]
# And whatever proxy leads to the network, it does not lead to the nodes of the tests.
os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost,::1"

# A slow machine must never make a property fail, so nothing here measures time.
settings.register_profile(
    "here", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files anew instead of comparing with them"
    )


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written anew; read the difference afterwards."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The address of a PostgreSQL server that lives as long as the test run, with Debian's default durability."""
    programs = postgresql_programs()
    # Not pytest's own folder: that is private to root, and a socket's path must be shorter than 108 characters.
    home = Path(tempfile.mkdtemp(prefix="chm-postgresql-"))
    if os.geteuid() == 0:
        shutil.chown(home, "postgres", "postgres")
    port = free_port()
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={home}"
    try:
        run_as_server(
            home, programs / "initdb", "-D", "data", "-U", "chm", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"
        )
        run_as_server(home, programs / "pg_ctl", "-D", "data", "-l", "log", "-o", options, "-w", "start")
        yield f"postgresql+psycopg://chm@127.0.0.1:{port}/postgres"
        run_as_server(home, programs / "pg_ctl", "-D", "data", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of its own for the test; every test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'node.sqlite'}"
        return
    server = request.getfixturevalue("postgresql_url")
    name = f"test_{uuid4().hex}"
    run_on_server(server, f"CREATE DATABASE {name}")
    yield server.removesuffix("postgres") + name
    run_on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_urls(postgresql_url: str) -> Iterator[Callable[[int], list[str]]]:
    """Makes several empty PostgreSQL databases, one a node."""
    made: list[str] = []

    def make(count: int) -> list[str]:
        names = [f"test_{uuid4().hex}" for _ in range(count)]
        for name in names:
            run_on_server(postgresql_url, f"CREATE DATABASE {name}")
        made.extend(names)
        return [postgresql_url.removesuffix("postgres") + name for name in names]

    yield make
    for name in made:
        run_on_server(postgresql_url, f"DROP DATABASE {name} WITH (FORCE)")


def postgresql_programs() -> Path:
    """The folder of the newest PostgreSQL server programs that Debian installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        pytest.fail("PostgreSQL is missing; these tests never skip it: apt install postgresql")
    return found[-1].parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_as_server(home: Path, *command: str | Path) -> None:
    """Run a PostgreSQL program; it refuses to work for root, so root becomes ``postgres`` first."""
    account = "postgres" if os.geteuid() == 0 else None
    # To a file, not a pipe: the server inherits it and would keep a pipe open.
    with (home / "start.log").open("ab") as output:
        done = subprocess.run(
            command, cwd=home, user=account, group=account, extra_groups=[] if account else None,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False,
        )  # fmt: skip
    if done.returncode:
        pytest.fail("\n".join(log.read_text() for log in sorted(home.glob("*log"))))


def run_on_server(url: str, statement: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture(autouse=True)
def literals_stay_as_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyshacl, a tool of the tests alone, turns this switch of rdflib's back for the whole process."""
    monkeypatch.setattr(rdflib, "NORMALIZE_LITERALS", False)
