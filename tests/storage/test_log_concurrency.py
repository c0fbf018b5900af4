"""No change is lost or out of order for a reader of the log, whoever writes at the time and whatever the clock says.

Writers are processes of their own, as a web server, a worker and a command line are. The negative control
does it wrong in a table of its own, and shows that the test would notice.
"""

import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, func, insert, select

from chm_node.catalogue import ChangeLog
from chm_node.database import open_database, reading, writing
from chm_node.record import Action, Change, Entry, RecordGraph, from_milliseconds

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 22, tzinfo=UTC)
WRITERS = 8
CHANGES = 1000

scratch = Table("scratch", MetaData(), Column("id", Integer, primary_key=True), Column("stamp", BigInteger))


def write_changes(url, writer):
    """One writer's share, in batches of one to three, by a clock that jumps back and forth."""
    engine = open_database(url)
    dice = random.Random(writer)
    left = list(range(CHANGES // WRITERS))
    while left:
        batch = [left.pop() for _ in range(min(len(left), dice.randint(1, 3)))]
        now = NOW + timedelta(milliseconds=dice.randint(-3_600_000, 1000))
        with writing(engine) as connection:
            log = ChangeLog(connection)
            times = log.next_log_times(len(batch), now)
            log.append([change(writer, number, log_time) for number, log_time in zip(batch, times, strict=True)])


def change(writer, number, log_time):
    iri = f"https://dz.chm.example/id/news/{writer}-{number}"
    graph = RecordGraph(iri, Action.CREATE, "https://dz.chm.example/node", log_time, b"", "0" * 64)
    return Change(log_time, graph, Entry("news", {}, {}, ()))


def write_wrongly(url, writer):
    """A timestamp taken before the transaction, as ``now()`` and sequences give it, and a slow commit."""
    engine = open_database(url)
    dice = random.Random(writer)
    for _ in range(10):
        stamp = time.time_ns()
        time.sleep(dice.random() / 20)
        with engine.connect() as connection, connection.begin():
            connection.execute(insert(scratch), {"stamp": stamp})
            if engine.dialect.name != "sqlite":
                time.sleep(dice.random() / 20)


def start_writers(function, url):
    boot = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); sys.path.insert(0, {str(ROOT)!r}); "
    work = f"from {Path(__file__).stem} import {function}; {function}(sys.argv[1], int(sys.argv[2]))"
    return [subprocess.Popen([sys.executable, "-c", boot + work, url, str(writer)]) for writer in range(WRITERS)]


def follow(read, writers):
    """What a reader sees who always asks for what is later than the newest it knows."""
    seen = []
    while True:
        over = all(writer.poll() is not None for writer in writers)
        fresh = read(seen[-1] if seen else None)
        seen += fresh
        if over and not fresh:
            assert [writer.returncode for writer in writers] == [0] * WRITERS
            return seen
        time.sleep(0.002)


def test_a_follower_sees_every_change_once_and_in_order(database_url):
    engine = open_database(database_url)

    def read(newest):
        cursor = newest[0] if newest else NOW - timedelta(days=1)
        with reading(engine) as connection:
            return [(each.log_time, each.graph.iri) for each in ChangeLog(connection).after(cursor, 100)]

    seen = follow(read, start_writers("write_changes", database_url))
    times = [log_time for log_time, _ in seen]
    assert len({iri for _, iri in seen}) == len(seen) == CHANGES
    assert times == sorted(set(times))
    with reading(engine) as connection:
        assert ChangeLog(connection).head().seq == CHANGES
    engine.dispose()


def test_the_test_notices_timestamps_that_are_taken_before_the_lock(database_url):
    engine = open_database(database_url)
    with engine.begin() as connection:
        scratch.create(connection)

    def read(newest):
        with reading(engine) as connection:
            later = select(scratch.c.stamp).where(scratch.c.stamp > (newest or 0)).order_by(scratch.c.stamp)
            return list(connection.execute(later).scalars())

    seen = follow(read, start_writers("write_wrongly", database_url))
    with reading(engine) as connection:
        written = connection.execute(select(func.count()).select_from(scratch)).scalar_one()
    assert written == WRITERS * 10
    assert len(seen) < written
    engine.dispose()


@pytest.mark.parametrize("jump", [timedelta(0), timedelta(days=-1), timedelta(days=1)], ids=["still", "back", "ahead"])
def test_timestamps_are_whole_milliseconds_and_strictly_later(database_url, jump):
    engine = open_database(database_url)
    given = []
    for step in range(3):
        with writing(engine) as connection:
            log = ChangeLog(connection)
            times = log.next_log_times(2, NOW + step * jump)
            log.append([change(step, number, each) for number, each in enumerate(times)])
        given += times
    assert given == sorted(set(given))
    assert all(each == from_milliseconds(round(each.timestamp() * 1000)) for each in given)
    engine.dispose()
