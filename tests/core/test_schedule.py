"""When a source is next due."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvest.schedule import next_due

NOW = datetime(2026, 11, 22, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
NOTHING = timedelta(0)


@pytest.mark.parametrize(("jitter", "minutes"), [(0.0, 12), (0.5, 15), (1.0, 18)])
def test_a_source_that_answers_is_due_after_its_interval_give_or_take_a_fifth(jitter, minutes):
    assert next_due(NOW, QUARTER, 0, NOTHING, jitter) == NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("failures", "longest"),
    [(1, timedelta(minutes=2)), (2, timedelta(minutes=4)), (10, timedelta(minutes=1024)), (11, timedelta(hours=24))],
)
def test_the_longest_wait_doubles_with_each_failure_up_to_a_day(failures, longest):
    assert next_due(NOW, QUARTER, failures, NOTHING, 1.0) == NOW + longest
    assert next_due(NOW, QUARTER, failures, NOTHING, 0.0) == NOW + timedelta(minutes=1)


@pytest.mark.parametrize("failures", [0, 1, 5])
def test_a_peer_that_asks_for_time_gets_it_up_to_a_day(failures):
    assert next_due(NOW, QUARTER, failures, timedelta(hours=3), 0.0) == NOW + timedelta(hours=3)
    assert next_due(NOW, QUARTER, failures, timedelta(days=9), 0.0) == NOW + timedelta(hours=24)


@given(st.integers(0, 10_000), st.floats(0, 1), st.timedeltas(NOTHING, timedelta(days=400)))
def test_no_peer_is_asked_twice_a_minute_or_forgotten_for_more_than_a_day(failures, jitter, retry_after):
    wait = next_due(NOW, QUARTER, failures, retry_after, jitter) - NOW
    assert timedelta(minutes=1) <= wait <= timedelta(hours=24)
