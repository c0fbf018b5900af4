"""The WebSub hub and the callbacks of our own subscriptions, as strangers find them."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from chm_node.budget import Budget
from chm_node.database import reading, writing
from chm_node.tables import hint, intent, subscription
from chm_node.web.hub import BUDGET, MAX_FORM_BYTES, REQUESTS_A_MINUTE
from chm_node.web.topics import renderer, topic_of
from chm_node.websub import intents
from chm_node.websub.wishes import signature
from harvest import push, sources
from harvest.description import Description
from harvest.trust import Authority

BASE = "https://node.example/"
HUB = f"{BASE}hub"
READER = "https://reader.example/callback"
PEER = "https://peer.example/"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def ask(site, **changed):
    form = {"mode": "subscribe", "topic": f"{BASE}feeds/all.atom", "callback": READER, **changed}
    return site.client.post("/hub", data={f"hub.{name}": value for name, value in form.items()})


def waiting(site, table=intent):
    with reading(site.engine) as connection:
        return connection.execute(select(table)).all()


def targets(answer, relation):
    links = answer.headers["Link"].split(", ")
    return [each.split(">")[0].lstrip("<") for each in links if f'rel="{relation}"' in each]


# What announces it.


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("feed", "feed"),
        ("feed.nq", "feed.nq"),
        ("feeds/all.rss", "feeds/all.rss?lang=en"),
        ("feeds/all.rdf?type=event", "feeds/all.rdf?type=event&lang=en"),
        ("feeds/all.atom?lang=fr", "feeds/all.atom?lang=fr"),
        ("feeds/all.json?q=PCB", "feeds/all.json?q=PCB&lang=en"),
    ],
)
def test_every_feed_names_its_hub_and_itself(site, method, path, own):
    answer = site.client.open(f"/{path}", method=method)
    assert answer.status_code == 200
    assert targets(answer, "hub") == [HUB]
    assert targets(answer, "self") == [f"{BASE}{own}"]


def test_a_304_names_the_hub_too(site):
    tag = site.get("feed").headers["ETag"]
    answer = site.get("feed", if_none_match=tag)
    assert (answer.status_code, targets(answer, "hub")) == (304, [HUB])


def test_the_documents_name_it_where_their_format_can(site):
    assert f'<link href="{HUB}" rel="hub"/>' in site.get("feeds/all.atom").text
    assert f'<atom:link href="{HUB}" rel="hub"/>' in site.get("feeds/all.rss").text
    assert site.get("feeds/all.json").json["hubs"] == [{"type": "WebSub", "url": HUB}]


@pytest.mark.parametrize("extension", ["rss", "rdf", "atom", "json"])
def test_an_older_stretch_of_a_feed_is_no_topic(site, extension):
    cursor = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp() * 1000)
    older = f"feeds/all.{extension}?before={cursor}"
    answer = site.get(older)
    assert targets(answer, "hub") == []
    assert HUB not in answer.text
    assert ask(site, topic=f"{BASE}{older}").status_code == 400


def test_pages_of_the_log_are_no_topics(site):
    assert targets(site.get("feed/1/1"), "hub") == []


# What can be subscribed to.


@pytest.mark.parametrize(
    ("asked", "spelling"),
    [
        ("feed", "feed"),
        ("feed.trig", "feed.trig"),
        ("feeds/all.atom", "feeds/all.atom?lang=en"),
        ("feeds/all.rss?country=Alg%C3%A9rie", "feeds/all.rss?country=DZ&lang=en"),
        ("feeds/all.rss?lang=fr&treaty=stockholm&country=DZ", "feeds/all.rss?country=DZ&treaty=stockholm&lang=fr"),
        ("feeds/all.json?q=", "feeds/all.json?lang=en"),
    ],
)
def test_a_topic_has_one_spelling(site, asked, spelling):
    with site.app.app_context():
        found = topic_of(site.app.extensions["chm"], f"{BASE}{asked}")
    assert found == f"{BASE}{spelling}"
    assert targets(site.get(asked), "self") == [found]


@pytest.mark.parametrize(
    "topic",
    [
        "https://elsewhere.example/feed",
        "https://node.example.evil.example/feed",
        "http://node.example/feed",
        f"{BASE}",
        f"{BASE}node",
        f"{BASE}feed?x=1",
        f"{BASE}feed/1/1",
        f"{BASE}feed.xml",
        f"{BASE}feeds/all.exe",
        f"{BASE}feeds/all.rss?country=Atlantis",
        f"{BASE}feeds/all.rss?unknown=1",
        f"{BASE}feeds/all.rss?lang=xx",
        f"{BASE}feeds/all.rss?q=%ff",
        f"{BASE}feeds/all.rss?{'type=event&' * 150}",
        f"{BASE}receipts.atom",
        f"{BASE}../etc/passwd",
        "not-an-address",
    ],
)
def test_what_is_no_feed_of_this_node_is_refused(site, topic):
    answer = ask(site, topic=topic)
    assert (answer.status_code, answer.json["type"].rsplit("/")[-1]) == (400, "bad-query")
    assert waiting(site) == []


def test_a_request_is_taken_and_nobody_is_asked_by_the_page(site):
    answer = ask(site, secret="s3cret", lease_seconds="3600")
    assert answer.status_code == 202
    [row] = waiting(site)
    assert (row.mode, row.topic, row.asked_topic) == (
        "subscribe",
        f"{BASE}feeds/all.atom?lang=en",
        f"{BASE}feeds/all.atom",
    )
    assert (row.callback, row.host, row.secret, row.lease) == (READER, "reader.example", "s3cret", 3600)


def test_a_request_about_the_same_takes_the_place_of_the_earlier_one(site):
    ask(site)
    ask(site, topic=f"{BASE}feeds/all.atom?lang=en", mode="unsubscribe")
    [row] = waiting(site)
    assert row.mode == "unsubscribe"


def test_too_many_requests_for_one_host_are_refused_and_others_are_not(site):
    for number in range(intents.MAX_UNCONFIRMED_OF_A_HOST):
        assert ask(site, callback=f"{READER}/{number}").status_code == 202
    answer = ask(site, callback=f"{READER}/more")
    assert (answer.status_code, answer.json["type"].rsplit("/")[-1]) == (429, "too-many-requests")
    assert int(answer.headers["Retry-After"]) > 0
    assert ask(site, callback="https://other.example/").status_code == 202
    assert ask(site, callback=f"{READER}/1").status_code == 202


def test_one_client_cannot_ask_without_end(site):
    answers = [ask(site, mode="publish").status_code for _ in range(int(REQUESTS_A_MINUTE) + 5)]
    assert answers[0] == 400
    assert answers[-1] == 429


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "application/json"}, b"{}", 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--", 415),
        ({}, b"", 415),
        (FORM, b"", 400),
        (FORM, b"hub.mode=%ff", 400),
        (FORM, b"\xff\xfe", 400),
        (FORM, b"a=1&" * 60, 400),
        (FORM, b"hub.mode=" + b"x" * MAX_FORM_BYTES, 413),
    ],
)
def test_what_is_no_form_is_refused(site, headers, body, status):
    assert site.client.post("/hub", data=body, headers=headers).status_code == status


def test_whoever_looks_at_the_hub_is_led_to_the_page_on_following(site):
    answer = site.get("hub", accept_language="fr")
    assert (answer.status_code, answer.headers["Location"]) == (303, "https://node.example/fr/follow")
    assert site.get(answer.headers["Location"]).status_code == 200


def fuzzed(names):
    return st.lists(st.tuples(st.sampled_from(names), st.text(max_size=80)), max_size=6)


@given(form=fuzzed(["hub.mode", "hub.topic", "hub.callback", "hub.lease_seconds", "hub.secret", "x"]))
def test_no_form_is_a_fault_of_ours(fuzz_site, form):
    answer = fuzz_site.client.post("/hub", data=dict(form))
    assert answer.status_code in (202, 400, 413, 415, 429)


@given(query=st.text(max_size=60))
def test_no_topic_is_a_fault_of_ours(fuzz_site, query):
    answer = ask(fuzz_site, topic=f"{BASE}feeds/all.rss?{query}")
    assert answer.status_code in (202, 400, 429)


@given(form=fuzzed(["node", "hub.topic", "x"]), token=st.text(max_size=50))
def test_no_ping_is_a_fault_of_ours(fuzz_site, form, token):
    assert fuzz_site.client.post("/ping", data=dict(form)).status_code in (202, 400)
    assert fuzz_site.client.post("/ping/" + token, data=dict(form)).status_code in (202, 308, 400, 404, 405)
    answer = fuzz_site.client.get("/ping/" + "x" * 43, query_string=dict(form))
    assert answer.status_code == 404


@pytest.fixture(scope="module")
def fuzz_site(asked):
    asked.app.extensions[BUDGET] = Budget(10**6)  # or the first sixty requests would be all that is tried
    return asked


# What is told.


def test_a_topic_is_rendered_as_readers_get_it(site):
    topic = f"{BASE}feeds/all.atom?type=event&lang=en"
    found, read = renderer(site.app)(topic), site.get("feeds/all.atom?type=event&lang=en")
    assert (found.body, found.content_type) == (read.data, read.headers["Content-Type"])


def test_a_filtered_feed_changes_only_when_what_it_shows_does(site):
    render = renderer(site.app)
    events, root = (render(f"{BASE}{each}").tag for each in ("feeds/all.rss?type=event&lang=en", "feed"))
    site.publish("other", "news", {"title": {"en": "Something else"}})
    assert render(f"{BASE}feeds/all.rss?type=event&lang=en").tag == events
    assert render(f"{BASE}feed").tag != root


def test_a_topic_that_is_gone_is_none(site):
    assert renderer(site.app)(f"{BASE}feeds/all.rss?country=Atlantis") is None


@pytest.mark.parametrize("topic", ["feed", "feeds/all.atom"])
def test_a_topic_under_a_former_address_is_gone(new_site, topic):
    moved = new_site(moved_from="https://former.example/")
    assert renderer(moved.app)(f"https://former.example/{topic}") is None


# Callbacks of our own subscriptions.


@pytest.fixture
def ours(site):
    """Our subscription at the hub of an approved source, asked for and not confirmed."""
    found = Description(Authority(f"{PEER}node", f"{PEER}id/", ""), "", f"{PEER}feed", {}, "TN", ())
    now = datetime.now(UTC) - timedelta(seconds=1)
    links = {"hub": [f"{PEER}hub"], "self": [f"{PEER}feed"]}
    with writing(site.engine) as connection:
        source = sources.propose(connection, PEER, found, now)
        sources.approve(connection, PEER, site.settings, now)
        push.announced(connection, source, links, now)
        push._claim(connection, datetime.now(UTC))
        token = connection.execute(select(subscription.c.token)).scalar_one()
        return push.find(connection, token)


def verify(site, ours, **changed):
    query = {"mode": "subscribe", "topic": ours.topic, "challenge": "<b>abc</b>", "lease_seconds": "3600", **changed}
    asked = {f"hub.{name}": value for name, value in query.items() if value is not None}
    return site.client.get(f"/ping/{ours.token}", query_string=asked)


def test_a_hub_is_told_that_we_meant_it_once(site, ours):
    answer = verify(site, ours)
    assert (answer.status_code, answer.text) == (200, "<b>abc</b>")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert verify(site, ours).status_code == 404


@pytest.mark.parametrize(
    "changed",
    [
        {"mode": "unsubscribe"},
        {"mode": None},
        {"topic": "https://peer.example/other"},
        {"topic": None},
        {"challenge": None},
        {"challenge": ""},
        {"challenge": "x" * 1025},
    ],
)
def test_what_we_did_not_ask_for_is_not_confirmed(site, ours, changed):
    assert verify(site, ours, **changed).status_code == 404
    [row] = waiting(site, subscription)
    assert row.expires == 0


@pytest.mark.parametrize("token", ["x" * 43, "", "short", "a" * 5000, "%00" * 43, "é" * 43])
def test_a_token_that_nobody_was_given_is_unknown(site, ours, token):
    for answer in (site.client.get(f"/ping/{token}"), site.client.post(f"/ping/{token}", data=b"x")):
        assert answer.status_code in (404, 405, 308)


@pytest.mark.parametrize(
    ("lease", "days"), [("86400", 1), ("99999999999999999999", 30), (None, 10), ("never", 10), ("0", 0)]
)
def test_a_lease_is_believed_within_bounds(site, ours, lease, days):
    before = datetime.now(UTC)
    verify(site, ours, lease_seconds=lease)
    [row] = waiting(site, subscription)
    assert abs(row.expires / 1000 - (before + timedelta(days=days)).timestamp()) < 100


def test_a_hub_that_denies_is_left_alone_for_a_day(site, ours):
    assert verify(site, ours, mode="denied", challenge=None).status_code == 200
    [row] = waiting(site, subscription)
    assert row.due / 1000 > (datetime.now(UTC) + timedelta(hours=23)).timestamp()


def notify(site, ours, body, header):
    headers = {"X-Hub-Signature": header} if header else {}
    return site.client.post(f"/ping/{ours.token}", data=body, headers={"Content-Type": "text/plain", **headers})


@pytest.mark.parametrize("method", ["sha256", "sha384", "sha512"])
def test_a_signed_notification_is_a_hint(site, ours, method):
    assert ours.secret
    assert notify(site, ours, b"whatever", signature(ours.secret, b"whatever", method)).status_code == 202
    assert len(waiting(site, hint)) == 1


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256",
        "sha256=",
        "sha256=" + "0" * 64,
        "sha1=" + hashlib.sha1(b"", usedforsecurity=False).hexdigest(),
        "md5=00",
        "new=00",
        "shake_128=00",
        "__class__=00",
        "sha256=é",
        "=",
    ],
)
def test_a_wrong_signature_has_no_effect_and_the_answer_does_not_tell(site, ours, header):
    assert notify(site, ours, b"whatever", header).status_code == 202
    assert waiting(site, hint) == []


def test_a_signature_of_another_body_has_no_effect(site, ours):
    notify(site, ours, b"one", signature(ours.secret, b"other"))
    assert waiting(site, hint) == []


def test_a_notification_without_end_is_not_read(site, ours):
    answer = notify(site, ours, b"x" * (2 * 1024 * 1024 + 1), signature(ours.secret, b"x"))
    assert answer.status_code == 413
    assert waiting(site, hint) == []


@pytest.mark.parametrize("form", [{}, {"node": ""}, {"node": "x" * 2049}, {"node": "a\0b"}, {"node": "a\nb"}])
def test_a_ping_that_names_nothing_is_refused(site, form):
    assert site.client.post("/ping", data=form).status_code == 400


def test_a_ping_is_bounded(site):
    assert site.client.post("/ping", data=b"node=" + b"x" * 20_000, headers=FORM).status_code == 413
