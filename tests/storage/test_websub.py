"""Subscribers, requests that wait, and hints, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from chm_node.database import open_database, reading, writing
from chm_node.errors import TooManyRequestsError
from chm_node.record import from_milliseconds, milliseconds
from chm_node.settings import Settings
from chm_node.tables import hint, intent, log_head, source, subscriber
from chm_node.websub import intents, subscribers
from chm_node.websub.wishes import Wish
from harvest import hints, leases, sources
from harvest.description import Description
from harvest.trust import Authority

NOW = datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC)
TOPIC = "https://node.example/feed"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def engine(database_url):
    found = open_database(database_url)
    yield found
    found.dispose()


def wish(host="reader.example", path="a", **changed):
    return replace(Wish("subscribe", TOPIC, f"https://{host}/{path}", timedelta(days=1), ""), **changed)


def rows(connection, table):
    return connection.execute(select(table).order_by(table.c.id)).all()


def subscribe(connection, now=NOW, **changed):
    intents.receive(connection, wish(**changed), TOPIC, now)
    [claimed] = intents.claim(connection, now, 10, ())
    assert intents.confirm(connection, claimed, now)


def move_log(connection, now):
    connection.execute(update(log_head).values(log_time=milliseconds(now)))


def test_the_longest_address_and_secret_are_kept(engine):
    long = wish(path="x" * 2020, secret="é" * 99)
    with writing(engine) as connection:
        intents.receive(connection, long, "https://node.example/" + "y" * 2000, NOW)
        [claimed] = intents.claim(connection, NOW, 10, ())
        assert intents.confirm(connection, claimed, NOW)
        [row] = rows(connection, subscriber)
    assert (row.callback, row.secret) == (long.callback, long.secret)


def test_a_callback_is_asked_once_a_minute_however_often_it_is_named(engine):
    with writing(engine) as connection:
        intents.receive(connection, wish(), TOPIC, NOW)
        assert len(intents.claim(connection, NOW, 10, ())) == 1
        intents.receive(connection, wish(), TOPIC, NOW)
        assert intents.claim(connection, NOW + MINUTE / 2, 10, ()) == []
        assert len(intents.claim(connection, NOW + MINUTE, 10, ())) == 1


def test_what_was_refused_is_not_asked_again(engine):
    with writing(engine) as connection:
        intents.receive(connection, wish(), TOPIC, NOW)
        [claimed] = intents.claim(connection, NOW, 10, ())
        intents.settle(connection, claimed)
        assert intents.claim(connection, NOW + 5 * MINUTE, 10, ()) == []
        assert not subscribers.anything_due(connection, NOW + 5 * MINUTE)


def test_a_confirmation_of_a_request_that_was_replaced_has_no_effect(engine):
    with writing(engine) as connection:
        intents.receive(connection, wish(secret="old"), TOPIC, NOW)
        [old] = intents.claim(connection, NOW, 10, ())
        intents.receive(connection, wish(secret="new"), TOPIC, NOW)
        assert not intents.confirm(connection, old, NOW)
        assert rows(connection, subscriber) == []


def test_unconfirmed_requests_are_forgotten(engine):
    with writing(engine) as connection:
        intents.receive(connection, wish(), TOPIC, NOW)
        intents.forget(connection, NOW + intents.LASTS - MINUTE)
        assert len(rows(connection, intent)) == 1
        intents.forget(connection, NOW + intents.LASTS)
        assert rows(connection, intent) == []


def test_there_is_room_for_so_many_of_a_host_and_a_renewal_always_finds_it(engine):
    with writing(engine) as connection:
        for number in range(intents.MAX_OF_A_HOST):
            subscribe(connection, path=str(number))
        with pytest.raises(TooManyRequestsError):
            intents.receive(connection, wish(path="more"), TOPIC, NOW)
        intents.receive(connection, wish(path="1"), TOPIC, NOW)


def test_there_is_room_for_so_many_in_all(engine, monkeypatch):
    monkeypatch.setattr(intents, "MAX_IN_ALL", 5)
    with writing(engine) as connection:
        for number in range(5):
            subscribe(connection, host=f"reader-{number}.example")
        with pytest.raises(TooManyRequestsError):
            intents.receive(connection, wish(host="reader-5.example"), TOPIC, NOW)


def test_an_unsubscription_that_is_confirmed_ends_it(engine):
    with writing(engine) as connection:
        subscribe(connection)
        subscribe(connection, NOW + MINUTE, mode="unsubscribe")
        assert rows(connection, subscriber) == []


def test_a_renewal_keeps_the_cursor_and_takes_the_new_lease_and_secret(engine):
    with writing(engine) as connection:
        subscribe(connection)
        move_log(connection, NOW)
        [one] = subscribers.claim(connection, NOW, 10, ())
        subscribers.told(connection, one, "tag")
        subscribe(connection, NOW + timedelta(hours=20), secret="new", lease=timedelta(days=2))
        [row] = rows(connection, subscriber)
    assert (row.seen, row.tag, row.secret) == (milliseconds(NOW), "tag", "new")
    assert from_milliseconds(row.expires) == NOW + timedelta(hours=68)


def test_only_who_is_behind_is_told_and_once(engine):
    with writing(engine) as connection:
        subscribe(connection)
        assert not subscribers.anything_due(connection, NOW)
        assert subscribers.claim(connection, NOW, 10, ()) == []
        move_log(connection, NOW)
        assert subscribers.anything_due(connection, NOW)
        [one] = subscribers.claim(connection, NOW, 10, ())
        assert not subscribers.anything_due(connection, NOW)
        assert subscribers.claim(connection, NOW, 10, ()) == []
        subscribers.told(connection, one, "tag")
        assert not subscribers.anything_due(connection, NOW + MINUTE)


def test_what_comes_between_a_request_and_its_confirmation_is_told(engine):
    with writing(engine) as connection:
        intents.receive(connection, wish(), TOPIC, NOW)
        [claimed] = intents.claim(connection, NOW, 10, ())
        move_log(connection, NOW)
        intents.confirm(connection, claimed, NOW)
        assert len(subscribers.claim(connection, NOW, 10, ())) == 1


def test_a_change_while_somebody_is_told_is_told_next(engine):
    with writing(engine) as connection:
        subscribe(connection)
        move_log(connection, NOW)
        [one] = subscribers.claim(connection, NOW, 10, ())
        move_log(connection, NOW + MINUTE)
        subscribers.told(connection, one, "tag")
        assert len(subscribers.claim(connection, NOW + MINUTE, 10, ())) == 1


def test_a_failure_leaves_the_cursor_and_waits_ever_longer_up_to_an_hour(engine):
    with writing(engine) as connection:
        subscribe(connection, lease=timedelta(days=30))
        move_log(connection, NOW)
        now, waits = NOW, []
        for _ in range(10):
            [one] = subscribers.claim(connection, now, 10, ())
            subscribers.failed(connection, one, now, timedelta(0), jitter=1.0)
            [row] = rows(connection, subscriber)
            waits.append(from_milliseconds(row.due) - now)
            now = from_milliseconds(row.due)
        assert row.seen == 0
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (2 * MINUTE, timedelta(hours=1))


def test_a_retry_after_is_obeyed(engine):
    with writing(engine) as connection:
        subscribe(connection)
        move_log(connection, NOW)
        [one] = subscribers.claim(connection, NOW, 10, ())
        subscribers.failed(connection, one, NOW, timedelta(hours=5), jitter=0.0)
        [row] = rows(connection, subscriber)
    assert from_milliseconds(row.due) == NOW + timedelta(hours=5)


def test_a_worker_that_died_over_a_subscriber_leaves_it_to_the_next_and_cannot_write_any_more(engine):
    with writing(engine) as connection:
        subscribe(connection)
        move_log(connection, NOW)
        [dead] = subscribers.claim(connection, NOW, 10, ())
        later = NOW + subscribers.CLAIM
        [alive] = subscribers.claim(connection, later, 10, ())
        subscribers.told(connection, dead, "dead")
        assert rows(connection, subscriber)[0].seen == 0
        subscribers.told(connection, alive, "alive")
        assert rows(connection, subscriber)[0].tag == "alive"


def test_one_host_has_one_request_at_a_time_and_a_failing_one_comes_last(engine):
    with writing(engine) as connection:
        for host, path in (("a.example", "1"), ("a.example", "2"), ("b.example", "1"), ("c.example", "1")):
            subscribe(connection, host=host, path=path)
        move_log(connection, NOW)
        [first] = subscribers.claim(connection, NOW, 1, ())
        subscribers.failed(connection, first, NOW, timedelta(0), jitter=0.0)
        hosts = [each.host for each in subscribers.claim(connection, NOW + 2 * MINUTE, 10, {"b.example"})]
    assert first.host == "a.example"
    assert sorted(hosts) == ["a.example", "c.example"]


def test_who_says_gone_too_late_ends_nobody_else(engine):
    with writing(engine) as connection:
        subscribe(connection)
        move_log(connection, NOW)
        [gone] = subscribers.claim(connection, NOW, 10, ())
        subscribers.end(connection, gone)
        subscribe(connection, path="b")
        subscribers.end(connection, gone)
        assert [row.callback for row in rows(connection, subscriber)] == [wish(path="b").callback]


def test_an_ended_lease_is_ended(engine):
    with writing(engine) as connection:
        subscribe(connection)
        ends = NOW + timedelta(days=1)
        assert not subscribers.anything_due(connection, ends - MINUTE)
        assert subscribers.anything_due(connection, ends)
        move_log(connection, NOW)
        assert subscribers.claim(connection, ends, 10, ()) == []
        subscribers.end_expired(connection, ends)
        assert rows(connection, subscriber) == []


# Hints.


@pytest.fixture
def approved(engine):
    """An approved source that was harvested a moment ago."""
    base = "https://dz.example.org/"
    found = Description(Authority(f"{base}node", f"{base}id/", "zKey"), f"{base}node#key", f"{base}feed", {}, "DZ", ())
    with writing(engine) as connection:
        sources.propose(connection, base, found, NOW)
        sources.approve(connection, base, Settings(base_url="https://hub.example.org/"), NOW)
        [claimed] = leases.lease_due(connection, NOW)
        leases.release(connection, claimed, NOW + 15 * MINUTE, 0, NOW)
        return sources.find(connection, base)


def harvested(connection, now):
    hints.follow(connection, now)
    found = leases.lease_due(connection, now)
    for each in found:
        leases.release(connection, each, now + 15 * MINUTE, 0, now)
    return len(found)


def test_a_hint_is_followed_at_once_and_only_once(engine, approved):
    with writing(engine) as connection:
        assert harvested(connection, NOW + MINUTE) == 0
        hints.give(connection, approved, NOW + MINUTE)
        hints.give(connection, approved, NOW + MINUTE)
        assert harvested(connection, NOW + MINUTE) == 1
        assert harvested(connection, NOW + 4 * MINUTE) == 0


def test_a_flood_of_hints_is_followed_some_times_at_once_and_then_once_a_minute(engine, approved):
    followed = []
    with writing(engine) as connection:
        for second in range(3600):
            hints.give(connection, approved, NOW + timedelta(seconds=second))
            if harvested(connection, NOW + timedelta(seconds=second)):
                followed.append(second)
    assert followed == [*range(hints.IN_A_ROW), *range(60, 3600, 60)]


def test_what_was_spent_ahead_comes_back_with_time(engine, approved):
    with writing(engine) as connection:
        for start in (NOW, NOW + hints.IN_A_ROW * MINUTE):
            for second in range(hints.IN_A_ROW):
                hints.give(connection, approved, start + timedelta(seconds=second))
                assert harvested(connection, start + timedelta(seconds=second)) == 1
        hints.give(connection, approved, start + MINUTE / 2)
        assert harvested(connection, start + MINUTE / 2) == 0
        assert hints.anything_due(connection, start + MINUTE)


def test_a_hint_does_not_take_the_lease_of_a_run(engine, approved):
    with writing(engine) as connection:
        held = leases.lease_now(connection, approved.node, NOW)
        hints.give(connection, approved, NOW)
        assert harvested(connection, NOW + MINUTE) == 0
        assert leases.renew(connection, held, NOW + MINUTE)
        leases.release(connection, held, NOW + 30 * MINUTE, 0, NOW)
        assert harvested(connection, NOW + 2 * MINUTE) == 1


def test_a_hint_about_a_source_that_was_removed_waits_for_nobody(engine, approved):
    with writing(engine) as connection:
        hints.give(connection, approved, NOW)
        sources.remove(connection, approved.node)
        assert not hints.anything_due(connection, NOW + MINUTE)
        assert harvested(connection, NOW + MINUTE) == 0
        assert connection.execute(select(source.c.state)).scalar_one() == "removed"
    with reading(engine) as connection:
        assert len(connection.execute(select(hint)).all()) == 1
