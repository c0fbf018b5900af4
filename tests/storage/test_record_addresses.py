"""Whose records a node publishes: those under an address that its settings do not know stop it."""

from datetime import UTC, datetime

import pytest

from chm_node import watermark
from chm_node.catalogue import ChangeLog
from chm_node.database import open_database, writing
from chm_node.errors import SettingsError
from chm_node.record import Action, Change, Entry, RecordGraph
from chm_node.settings import Settings

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OLD, NEW = "https://old.example.org/", "https://new.example.org/"


@pytest.fixture
def engine(database_url):
    engine = open_database(database_url)
    yield engine
    engine.dispose()


def add(engine, base, *numbers, action=Action.CREATE, hops=()):
    with writing(engine) as connection:
        log = ChangeLog(connection)
        for number, at in zip(numbers, log.next_log_times(len(numbers), NOW), strict=True):
            iri = f"{base}id/news/{number}"
            graph = RecordGraph(iri, action, f"{base}node", at, f"<{iri}> <{iri}> <{iri}> .\n".encode(), f"{at}"[:64])
            log.append([Change(at, graph, Entry("news", {}, {}, ()), hops)])


def settings(database_url, tmp_path, **values):
    return Settings.load(database_url=database_url, data_dir=tmp_path, **{"base_url": NEW, **values})


def test_records_of_an_unknown_address_are_counted_and_their_address_is_named(engine, database_url, tmp_path):
    add(engine, OLD, 1, 2, 3)
    add(engine, OLD, 1, action=Action.DELETE)
    add(engine, NEW, 1)
    with pytest.raises(SettingsError, match=f"^base_url: 2 records of this node are published under {OLD}, and not"):
        watermark.opened(settings(database_url, tmp_path))


@pytest.mark.parametrize("values", [{"base_url": OLD}, {"moved_from": OLD}])
def test_records_of_the_present_and_of_earlier_addresses_are_as_they_should_be(engine, database_url, tmp_path, values):
    add(engine, OLD, 1, 2)
    watermark.opened(settings(database_url, tmp_path, **values)).dispose()


def test_what_was_harvested_and_what_is_withdrawn_is_nobodys_earlier_address(engine, database_url, tmp_path):
    add(engine, "https://peer.example.org/", 1, 2, hops=("https://peer.example.org/node",))
    add(engine, OLD, 1)
    add(engine, OLD, 1, action=Action.DELETE)
    watermark.opened(settings(database_url, tmp_path)).dispose()
