"""Workers that die, sleep, race or stop: nothing is lost, nothing comes twice, nobody waits for a dead peer."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from threading import Event
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import func, select
from werkzeug.serving import make_server

from chm_node.app import create_app
from chm_node.database import open_database, reading, writing
from chm_node.errors import StorageError
from chm_node.http_client import HttpClient
from chm_node.publishing import publish, record_iri, with_defaults
from chm_node.record_types import RECORD_TYPES
from chm_node.settings import Settings
from chm_node.signing import create_key, load_signer
from chm_node.tables import change, run
from chm_node.worker import tick
from harvest import discovery, leases, sources
from harvest.description import Description
from harvest.dispatch import Dispatcher, fetch_policy
from harvest.run import Harvest
from harvest.trust import Authority

START = datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC)

# What a worker does, as a program of its own that can be killed.
WORKER = """
import sys
from datetime import datetime
from chm_node.database import open_database
from chm_node.settings import Settings
from chm_node.worker import tick
settings = Settings.load(base_url="http://127.0.0.1:1/", profile="demo", database_url=sys.argv[1], data_dir=sys.argv[2])
tick(open_database(settings.database), settings, datetime.fromisoformat(sys.argv[3]))
"""


@pytest.fixture
def served(tmp_path):
    """The address of a node with 700 records, behind a real socket."""
    folder = tmp_path / "peer"
    folder.mkdir()
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
    settings = Settings.load(base_url=f"http://127.0.0.1:{server.server_port}/", profile="demo", data_dir=folder)
    create_key(settings.key_file)
    signer = load_signer(settings.key_file, f"{settings.node_iri}#key")
    event = RECORD_TYPES["event"]
    records = [
        event.record(
            record_iri(settings, "event", uuid4()),
            with_defaults({"title": {"en": f"Workshop {n}"}, "starts": "2026-12-01"}, settings),
        )
        for n in range(700)
    ]
    engine = open_database(settings.database)
    for _ in publish(engine, settings, signer, records, START):
        pass
    engine.dispose()
    server.app = create_app(settings)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield settings.base_url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hub_settings(tmp_path, database_url):
    folder = tmp_path / "hub"
    folder.mkdir()
    return Settings.load(base_url="http://127.0.0.1:1/", profile="demo", data_dir=folder, database_url=database_url)


@pytest.fixture
def hub_engine(hub_settings, served, readers):
    """A hub's database with the served node approved and due."""
    engine = open_database(hub_settings.database)
    with HttpClient(fetch_policy(hub_settings)) as client:
        found = discovery.discover(served, hub_settings, client, readers, START)
    with writing(engine) as connection:
        discovery.propose(connection, found, START)
        sources.approve(connection, served, hub_settings, START)
    yield engine
    engine.dispose()


def count(engine):
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(change)).scalar_one()


def test_a_worker_killed_between_pages_loses_nothing_and_repeats_nothing(hub_settings, hub_engine, served, tmp_path):
    now, kills = START, 0
    while count(hub_engine) < 700 and kills < 10:
        held = count(hub_engine)
        arguments = [hub_settings.database, str(tmp_path / "hub"), now.isoformat()]
        worker = subprocess.Popen([sys.executable, "-c", WORKER, *arguments])
        while count(hub_engine) == held and worker.poll() is None:
            time.sleep(0.005)
        worker.kill()
        worker.wait()
        kills += 1
        now += timedelta(minutes=20)  # the dead worker's lease has ended

    [last] = tick(hub_engine, hub_settings, now)

    assert kills > 1
    assert last.outcome in ("ok", "not-modified")
    with reading(hub_engine) as connection:
        records = connection.execute(select(func.count(change.c.record_id.distinct()))).scalar_one()
        counted = connection.execute(select(func.sum(run.c.created))).scalar_one()
        open_runs = connection.execute(select(func.count()).where(run.c.ended == 0)).scalar_one()
    assert (count(hub_engine), records, counted, open_runs) == (700, 700, 700, 0)


def test_a_second_worker_finds_nothing_to_do_while_the_first_is_at_work(hub_settings, hub_engine, served):
    with writing(hub_engine) as connection:
        [leased] = leases.lease_due(connection, START)

    assert leased.lease
    assert tick(hub_engine, hub_settings, START + timedelta(minutes=1)) == []
    with Dispatcher(hub_engine, hub_settings, lambda: START + timedelta(minutes=1)) as dispatcher:
        assert dispatcher.harvest(served) is None


def test_a_person_may_have_a_source_harvested_before_it_is_due(hub_settings, hub_engine, served):
    tick(hub_engine, hub_settings, START)
    assert tick(hub_engine, hub_settings, START) == []

    with Dispatcher(hub_engine, hub_settings, lambda: START) as dispatcher:
        run = dispatcher.harvest(served)
    assert run
    assert run.outcome == "not-modified"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_harvest_whose_database_went_away_goes_on_soon_after_it_came_back(hub_settings, hub_engine):
    server, _, name = hub_settings.database.replace("+psycopg", "").rpartition("/")
    now = [START]
    with (
        psycopg.connect(f"{server}/postgres", autocommit=True) as outside,
        closing(psycopg.connect(f"{server}/{name}")) as other,
        Dispatcher(hub_engine, hub_settings, lambda: now[0]) as dispatcher,
    ):
        [under_way] = dispatcher.start_due()
        other.execute("SELECT id FROM log_head FOR UPDATE")  # so that it waits somewhere in the middle
        outside.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        outside.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        assert isinstance(under_way.exception(), StorageError)
        with pytest.raises(StorageError):
            dispatcher.start_due()
        outside.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert dispatcher.start_due() == []
        now[0] += timedelta(minutes=3)  # a lease is longer
        [again] = dispatcher.start_due()
        assert again.result().outcome == "ok"
    assert count(hub_engine) == 700


def test_a_dead_peer_does_not_delay_the_others(hub_settings, hub_engine, served):
    with writing(hub_engine) as connection:
        for port in (2, 3):
            base = f"http://127.0.0.1:{port}/"
            authority = Authority(f"{base}node", f"{base}id/", f"zKeyOf{port}")
            dead = Description(authority, f"{base}node#key", f"{base}feed", {}, "", ())
            sources.propose(connection, base, dead, START)
            sources.approve(connection, base, hub_settings, START)

    outcomes = sorted(each.outcome for each in tick(hub_engine, hub_settings, START))

    assert outcomes == ["ok", "unreachable", "unreachable"]
    assert count(hub_engine) == 700


def test_a_worker_stops_when_told_to(hub_settings, tmp_path):
    script = "import sys\nfrom chm_node.worker import run_worker\nfrom chm_node.settings import Settings\n"
    script += "print('ready', flush=True)\nrun_worker(Settings.load())"
    environment = os.environ | {"CHM_DATABASE_URL": hub_settings.database, "CHM_TICK_SECONDS": "0.2"}
    worker = subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, cwd=tmp_path)
    assert worker.stdout
    worker.stdout.readline()
    time.sleep(1)
    worker.send_signal(signal.SIGTERM)
    worker.stdout.close()
    assert worker.wait(timeout=30) == 0


def test_a_worker_that_was_asleep_writes_nothing_over_its_successors_work(peer, hub):
    peer.publish("Workshop")
    with writing(hub.engine) as connection:
        [slept] = leases.lease_due(connection, hub.now)
    hub.later(minutes=20)
    assert hub.harvest(peer).created == 1
    peer.later(minutes=1)
    peer.publish("Meeting")

    with hub.client() as client:
        Harvest(hub.engine, hub.settings, slept, client, hub.readers, lambda: hub.now, Event()).run(jitter=0.5)

    assert len(hub.log()) == 1
    assert hub.harvest(peer).created == 1


def test_a_worker_told_to_stop_ends_after_its_page_and_the_next_goes_on(peer, hub):
    peer.publish(*(f"Workshop {n}" for n in range(450)))
    stop = Event()
    stop.set()
    with writing(hub.engine) as connection:
        [leased] = leases.lease_due(connection, hub.now)
    with hub.client() as client:
        Harvest(hub.engine, hub.settings, leased, client, hub.readers, lambda: hub.now, stop).run(jitter=0.5)

    run = hub.harvest(peer)

    assert run.outcome == "ok"
    assert len(hub.log()) == 450


def test_a_connection_that_breaks_between_pages_keeps_what_came_before(peer, hub, wire):
    peer.publish(*(f"Workshop {n}" for n in range(450)))
    wire.replies[peer.page(2)] = lambda real: type(real)(status=500)

    broken = hub.harvest(peer)
    assert (broken.outcome, broken.created) == ("unreachable", 200)

    del wire.replies[peer.page(2)]
    assert hub.harvest(peer).created == 250
    assert len(hub.log()) == 450


def test_the_whole_story_on_either_database(make_node, peer, database_url):
    hub = make_node("hub", database_url=database_url)
    hub.follow(peer)
    kept, gone = peer.publish("First title", "To be withdrawn", subjects=["https://vocabulary.example.org/x"])
    peer.say(f"{peer.settings.uri_space}event/wrong", title="")
    first = hub.harvest(peer)
    peer.later(minutes=1)
    peer.revise({kept: "Corrected title"}, subjects=["https://vocabulary.example.org/y"])
    peer.withdraw(gone)
    hub.later(minutes=20)

    second, third = hub.harvest(peer), hub.harvest(peer)

    assert (first.outcome, first.created, first.rejected) == ("partial", 2, 1)
    assert (second.updated, second.withdrawn) == (1, 1)
    assert third.outcome == "not-modified"
    assert hub.held(kept).graph == peer.held(kept).graph
