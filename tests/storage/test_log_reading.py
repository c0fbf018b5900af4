"""Reading the log in stretches costs what the stretch costs, wherever in the log it lies."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from chm_node.catalogue import ChangeLog
from chm_node.database import open_database, reading
from chm_node.publishing import publish, record_iri, with_defaults
from chm_node.record_types import RECORD_TYPES
from chm_node.settings import Settings
from chm_node.signing import create_key, load_signer

START = datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC)
CHANGES = 1500


@pytest.fixture
def engine(tmp_path):
    """A log of so many changes, a millisecond apart; on SQLite, which counts its steps."""
    settings = Settings.load(data_dir=tmp_path)
    create_key(settings.key_file)
    signer = load_signer(settings.key_file, f"{settings.node_iri}#key")
    event = RECORD_TYPES["event"]
    values = with_defaults({"title": {"en": "Workshop"}, "starts": "2026-12-01"}, settings)
    records = (event.record(record_iri(settings, "event", uuid4()), values) for _ in range(CHANGES))
    engine = open_database(settings.database)
    for _ in publish(engine, settings, signer, records, START):
        pass
    yield engine
    engine.dispose()


def steps(connection, log_time):
    """How much SQLite does to read ten changes after that moment, in hundreds of its instructions."""
    counted = []
    driver = connection.connection.driver_connection
    driver.set_progress_handler(lambda: counted.append(1), 100)
    found = ChangeLog(connection).after(log_time, 10)
    driver.set_progress_handler(None, 0)
    assert [each.log_time for each in found] == [log_time + timedelta(milliseconds=n) for n in range(1, 11)]
    return len(counted)


def test_the_end_of_a_long_log_is_read_as_fast_as_its_beginning(engine):
    with reading(engine) as connection:
        first = steps(connection, START)
        last = steps(connection, START + timedelta(milliseconds=CHANGES - 20))

    assert last <= first + 2
