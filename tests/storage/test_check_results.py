"""What is kept of checks: a source every ten minutes, a stranger's address once an hour, few of a host, few in all."""

from datetime import UTC, datetime, timedelta

import pytest

from chm_node.database import open_database, reading, writing
from chm_node.errors import TooManyRequestsError
from harvest.checker import results
from harvest.checker.checks import report
from harvest.checker.results import KEPT, MOST_IN_ALL, MOST_KEPT, MOST_OF_A_HOST, Subject

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOURCE = Subject("https://peer.example/")
STRANGER = Subject("https://other.example/", "other.example")
HOUR = timedelta(hours=1)


@pytest.fixture
def engine(database_url):
    found = open_database(database_url)
    yield found
    found.dispose()


def ask(engine, subject, now=NOW):
    with writing(engine) as connection:
        results.ask(connection, subject, now)


def newest(engine, subject, now=NOW):
    with reading(engine) as connection:
        return results.newest(connection, subject, now)


def others(count, host="{}.example"):
    for number in range(count):
        name = host.format(number)
        yield Subject(f"https://{name}/{number}", name)


@pytest.mark.parametrize(("subject", "interval"), [(SOURCE, timedelta(minutes=10)), (STRANGER, HOUR)])
def test_a_result_is_made_again_after_a_while_only(engine, subject, interval):
    ask(engine, subject)
    with writing(engine) as connection:
        results.store(connection, report(subject.address, ()), NOW)
    ask(engine, subject, NOW + interval - timedelta(minutes=1))
    assert not newest(engine, subject, NOW + interval).waiting
    ask(engine, subject, NOW + interval)
    found = newest(engine, subject, NOW + interval)
    assert (found.waiting, found.checked) == (True, NOW)


def test_few_of_one_host_are_checked_in_an_hour(engine):
    for each in others(MOST_OF_A_HOST, "other.example"):
        ask(engine, each)
    with pytest.raises(TooManyRequestsError, match="of this host"):
        ask(engine, STRANGER)
    assert newest(engine, STRANGER) is None
    ask(engine, STRANGER, NOW + HOUR)


def test_few_in_all_are_checked_in_an_hour_and_sources_all_the_same(engine):
    for each in others(MOST_IN_ALL):
        ask(engine, each)
    with pytest.raises(TooManyRequestsError, match="in all"):
        ask(engine, STRANGER)
    ask(engine, SOURCE)
    assert newest(engine, SOURCE).waiting
    ask(engine, STRANGER, NOW + HOUR)


def test_results_for_strangers_are_forgotten(engine):
    for subject in (STRANGER, SOURCE):
        ask(engine, subject)
        with writing(engine) as connection:
            results.store(connection, report(subject.address, ()), NOW)
    assert newest(engine, STRANGER, NOW + KEPT - HOUR).report
    assert newest(engine, STRANGER, NOW + KEPT) is None
    assert newest(engine, SOURCE, NOW + KEPT).report
    [later] = others(1)
    ask(engine, later, NOW + KEPT)
    with reading(engine) as connection:
        kept = connection.execute(results.table.select()).all()
    assert sorted(each.address for each in kept) == sorted([SOURCE.address, later.address])


def test_a_result_that_was_taken_away_is_not_waited_for(engine):
    ask(engine, SOURCE)
    with writing(engine) as connection:
        results.store(connection, report(SOURCE.address, ()), NOW)
        connection.execute(results.table.update().values(result=""))  # as an erasure does
    assert newest(engine, SOURCE) is None


def test_no_more_than_so_many_are_kept_and_the_oldest_go_first(engine):
    ask(engine, SOURCE)
    strangers = list(others(MOST_KEPT + 5))
    for number, each in enumerate(strangers):
        ask(engine, each, NOW + number * timedelta(minutes=3))
    with reading(engine) as connection:
        kept = {each.address for each in connection.execute(results.table.select())}
    assert kept == {SOURCE.address, *(each.address for each in strangers[5:])}


def test_sources_come_first(engine):
    claimed = []
    for minute, subject in enumerate((STRANGER, SOURCE)):
        ask(engine, subject, NOW + minute * timedelta(minutes=1))
    for _ in range(3):
        with writing(engine) as connection:
            claimed.append(results._claim(connection, NOW + HOUR))
    assert claimed == [SOURCE.address, STRANGER.address, None]
