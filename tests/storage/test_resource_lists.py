"""The lists of ResourceSync, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from chm_node import resource_lists
from chm_node.catalogue import ChangeLog
from chm_node.database import open_database, reading, writing
from chm_node.record import Action, Change, Entry, RecordGraph

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def engine(database_url):
    opened = open_database(database_url)
    yield opened
    opened.dispose()


def change(number, minute, action=Action.CREATE):
    iri, at = f"https://a.example/id/news/{number}", NOW + timedelta(minutes=minute)
    graph = RecordGraph(iri, action, "https://a.example/node", at, "é".encode() * number, "0" * 64)
    return Change(at, graph, Entry("news", {}, {}, ()))


def test_a_part_holds_live_records_with_their_length_in_bytes(engine):
    with writing(engine) as connection:
        ChangeLog(connection).append([change(1, 0), change(2, 1), change(3, 2)])
        ChangeLog(connection).append([change(2, 3, Action.DELETE)])
    with reading(engine) as connection:
        assert [(each.iri[-1], each.length) for each in resource_lists.part(connection, 1)] == [("1", 2), ("3", 6)]
        assert resource_lists.part_time(connection, 1) == NOW + timedelta(minutes=3)
        assert resource_lists.parts(connection) == 1


def test_the_newest_changes_hold_replaced_ones_too(engine):
    with writing(engine) as connection:
        ChangeLog(connection).append([change(1, 0)])
        ChangeLog(connection).append([change(1, 1, Action.UPDATE)])
    with reading(engine) as connection:
        found = [each.action for each in resource_lists.newest_changes(connection)]
    assert found == [Action.CREATE, Action.UPDATE]


def test_an_empty_catalogue_has_one_empty_part(engine):
    with reading(engine) as connection:
        assert (resource_lists.parts(connection), resource_lists.part(connection, 1)) == (1, [])
