"""Push as a hint: a peer's own WebSub hub tells a hub that follows it; what is lost on the way costs latency alone."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from chm_node.database import reading, writing
from chm_node.record import from_milliseconds
from chm_node.tables import intent, source, subscriber, subscription
from harvest import leases, sources
from harvest.hints import IN_A_ROW
from harvest.push import RENEWED_AT


@pytest.fixture(autouse=True)
def clocks(peer, hub):
    """Pages that are asked take the time from the clock, so the workers of these nodes come a little later."""
    peer.now = hub.now = datetime.now(UTC) + timedelta(minutes=1)


@pytest.fixture
def subscribed(peer, hub, wire):
    """The peer's hub tells our hub, which has harvested it once and no more."""
    hub.tick()
    hub.ask_hubs()
    peer.distribute()
    wire.asked.clear()
    return hub


def rows(node, table):
    with reading(node.engine) as connection:
        return connection.execute(select(table)).all()


def later(*nodes, **passed):
    for node in nodes:
        node.later(**passed)


def test_a_hub_subscribes_to_what_the_log_of_its_source_announces(peer, subscribed):
    [row], [other] = rows(subscribed, subscription), rows(peer, subscriber)
    assert (row.hub, row.topic) == (f"{peer.settings.base_url}hub", peer.feed)
    assert other.callback == f"{subscribed.settings.base_url}ping/{row.token}"
    assert (other.topic, other.secret) == (peer.feed, row.secret)
    assert row.secret
    assert row.failures == 0
    assert rows(peer, intent) == []


def test_what_is_published_is_at_the_hub_after_one_tick_of_each_worker(peer, subscribed):
    [iri] = peer.publish("News")
    peer.distribute()
    [run] = subscribed.tick()
    assert run.created == 1
    assert subscribed.holds(iri)


def test_without_push_it_is_at_the_hub_after_the_interval(peer, subscribed):
    [iri] = peer.publish("News")
    assert subscribed.tick() == []
    later(peer, subscribed, minutes=19)
    subscribed.tick()
    assert subscribed.holds(iri)


def test_a_lost_ping_costs_latency_alone(peer, subscribed, wire):
    app = wire.apps.pop("hub.example.org")
    [iri] = peer.publish("News")
    peer.distribute()
    assert wire.statuses() == [503]
    wire.apps["hub.example.org"] = app

    later(peer, subscribed, minutes=19)
    subscribed.tick()

    assert subscribed.holds(iri)


def test_a_subscriber_that_was_down_is_told_of_the_feed_as_it_stands_once_it_is_back(peer, subscribed, wire):
    app = wire.apps.pop("hub.example.org")
    for number in range(3):
        peer.publish(f"News {number}")
        peer.distribute()
        later(peer, minutes=10)
    wire.apps["hub.example.org"] = app
    wire.statuses()

    later(peer, hours=1)
    peer.distribute()
    peer.distribute()

    assert wire.statuses() == [202]


def test_a_subscriber_that_stays_away_is_gone_when_its_lease_ends(peer, subscribed, wire):
    wire.apps.pop("hub.example.org")
    peer.publish("News")
    later(peer, days=11)
    peer.distribute()
    assert rows(peer, subscriber) == []
    assert wire.statuses() == []


def test_an_unchanged_log_is_told_to_nobody(peer, subscribed, wire):
    later(peer, minutes=5)
    peer.distribute()
    assert wire.statuses() == []


def test_records_published_one_after_another_are_at_the_hub_each_at_once(peer, subscribed):
    for number in range(5):
        [iri] = peer.publish(f"News {number}")
        peer.distribute()
        subscribed.tick()
        assert subscribed.holds(iri)


def test_hints_beyond_the_bound_are_followed_within_a_minute_and_none_is_forgotten(peer, subscribed):
    for number in range(IN_A_ROW + 3):
        peer.publish(f"News {number}")
        peer.distribute()
        assert len(subscribed.tick()) == (number < IN_A_ROW)
    later(subscribed, seconds=59)
    assert subscribed.tick() == []
    later(subscribed, seconds=2)
    [run] = subscribed.tick()
    assert run.created == 3
    later(subscribed, minutes=2)
    assert subscribed.tick() == []


def test_news_travels_over_two_hops(peer, subscribed, make_node):
    region = make_node("region")
    region.follow(subscribed)
    region.now = subscribed.now
    region.tick()
    region.ask_hubs()
    subscribed.distribute()

    [iri] = peer.publish("News")
    peer.distribute()
    subscribed.tick()
    subscribed.distribute()
    region.tick()

    assert region.holds(iri)


def test_a_lease_is_renewed_before_it_ends(peer, subscribed):
    [before] = rows(subscribed, subscription)
    asked, ends = from_milliseconds(before.due), from_milliseconds(before.expires)
    lease = timedelta(days=10)
    assert abs(asked + lease * (1 - RENEWED_AT) - ends) < timedelta(seconds=1)

    subscribed.now = asked - timedelta(minutes=1)
    subscribed.ask_hubs()
    assert rows(peer, intent) == []
    subscribed.now = asked + timedelta(minutes=1)
    subscribed.ask_hubs()
    assert len(rows(peer, intent)) == 1
    peer.distribute()
    [after] = rows(subscribed, subscription)
    assert (after.failures, after.token, after.secret) == (0, before.token, before.secret)
    assert len(rows(peer, subscriber)) == 1


def test_a_hub_that_does_not_confirm_is_asked_ever_less_often(peer, hub, wire):
    hub.tick()
    wire.asked.clear()
    wire.apps.pop("dz.example.org")
    for _ in range(200):
        hub.ask_hubs()
        hub.later(minutes=30)
    [row] = rows(hub, subscription)
    assert row.failures == len(wire.asked)
    assert 5 < row.failures < 40
    assert row.expires == 0


def test_a_source_whose_hub_changes_is_subscribed_to_there(peer, subscribed, wire):
    [before] = rows(subscribed, subscription)
    other = "https://push.example.org/"
    wire.replies[peer.feed] = lambda real: type(real)(
        real.body, real.status, real.media_type, {**real.headers, "Link": f'<{other}>; rel="hub"'}
    )
    peer.publish("News")
    later(peer, subscribed, minutes=30)
    subscribed.tick()
    [row] = rows(subscribed, subscription)
    assert (row.hub, row.topic) == (other, peer.feed)
    assert row.token != before.token
    assert row.secret != before.secret


@pytest.mark.parametrize(
    "links",
    [
        "",
        '<https://push.example.org/>; rel="alternate"',
        '<https://push.example.org/>; rel="hub", <https://elsewhere.example/feed>; rel="self"',
        f'<https://push.example.org/{"x" * 3000}>; rel="hub"',
        '<https://[>; rel="hub"',
        "<",
    ],
)
def test_a_source_without_a_usable_hub_is_polled_and_no_more(peer, hub, wire, links):
    wire.replies[peer.feed] = lambda real: type(real)(
        real.body, real.status, real.media_type, {**real.headers, "Link": links}
    )
    [run] = hub.tick()
    assert run.outcome == "ok"
    assert rows(hub, subscription) == []


def test_a_removed_source_ends_the_subscription_at_its_hub(peer, subscribed, wire):
    with writing(subscribed.engine) as connection:
        sources.remove(connection, peer.iri)
    peer.publish("News")
    peer.distribute()
    assert wire.statuses() == [410]
    assert rows(peer, subscriber) == []
    subscribed.later(days=9)
    subscribed.ask_hubs()
    assert wire.statuses() == []


def test_a_hint_during_a_harvest_is_followed_after_it(peer, subscribed):
    with writing(subscribed.engine) as connection:
        held = leases.lease_now(connection, peer.iri, subscribed.now)
    [iri] = peer.publish("News")
    peer.distribute()
    assert subscribed.tick() == []
    with writing(subscribed.engine) as connection:
        assert sources.find(connection, peer.iri).lease == held.lease
        leases.release(connection, held, subscribed.now + timedelta(minutes=15), 0, None)
    subscribed.tick()
    assert subscribed.holds(iri)


# What anybody can say.


def ping(hub, named):
    app = hub.wire.apps["hub.example.org"]
    with app.test_client() as client, client.post("/ping", data={"node": named}) as answer:
        return answer.status_code, answer.get_data(), dict(answer.headers)


@pytest.mark.parametrize("name", ["iri", "feed", "address"])
def test_anybody_may_say_that_a_source_has_news(peer, hub, name):
    hub.tick()
    [iri] = peer.publish("News")
    known = {"iri": peer.iri, "feed": peer.feed, "address": peer.settings.base_url}
    assert ping(hub, known[name])[0] == 202
    hub.tick()
    assert hub.holds(iri)


def test_the_answer_does_not_tell_whether_the_node_is_known(peer, hub):
    assert ping(hub, peer.iri) == ping(hub, "https://elsewhere.example/node")
    assert ping(hub, "http://127.0.0.1/") == ping(hub, "file:///etc/passwd")


def test_a_source_that_does_not_answer_is_left_alone_whatever_strangers_say(peer, hub, wire):
    app = wire.apps.pop("dz.example.org")
    hub.tick()
    wire.apps["dz.example.org"] = app
    [row] = rows(hub, source)
    ping(hub, peer.iri)
    assert hub.tick() == []
    assert rows(hub, source)[0].due == row.due
