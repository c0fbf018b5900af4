"""Requests to the WebSub hub: what is refused before anybody is asked, and what is bounded."""

import hashlib
import hmac
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chm_node.errors import BadQueryError
from chm_node.http_guard import FetchPolicy
from chm_node.websub.wishes import LONGEST_LEASE, SHORTEST_LEASE, USUAL_LEASE, extended, read_wish, signature

PUBLIC, DEMO = FetchPolicy(), FetchPolicy(allow_loopback=True)
GOOD = {
    "hub.mode": "subscribe",
    "hub.topic": "https://node.example/feed",
    "hub.callback": "https://reader.example/callback?id=7",
}


def wish(policy=PUBLIC, **changed):
    form = {**GOOD, **{f"hub.{name}": value for name, value in changed.items()}}
    return read_wish([each for each in form.items() if each[1] is not None], "node.example", policy)


BAD = [
    ("mode", None),
    ("mode", ""),
    ("mode", "publish"),
    ("mode", "Subscribe"),
    ("mode", "denied"),
    ("topic", None),
    ("topic", ""),
    ("topic", "https://node.example/feed#stream"),
    ("topic", "https://node.example/feeds/all.rss?q=\0"),
    ("topic", "https://node.example/feed\r\nX-Injected: yes"),
    ("topic", "https://node.example/fe ed"),
    ("topic", "https://node.example/" + "x" * 2048),
    ("callback", None),
    ("callback", ""),
    ("callback", "reader.example/callback"),
    ("callback", "//reader.example/callback"),
    ("callback", "ftp://reader.example/callback"),
    ("callback", "file:///etc/passwd"),
    ("callback", "javascript:alert(1)"),
    ("callback", "gopher://reader.example/_x"),
    ("callback", "https://user:password@reader.example/"),
    ("callback", "https://user@reader.example/"),
    ("callback", "https://reader.example/callback#part"),
    ("callback", "https://reader.example/" + "x" * 2048),
    ("callback", "https://reader.example/\r\nHost: other"),
    ("callback", "https://reader.example/é"),
    ("callback", "https://réader.example/"),
    ("callback", "https://reader.example:22/"),
    ("callback", "https://reader.example:0/"),
    ("callback", "https://reader.example:99999/"),
    ("callback", "https://127.0.0.1/"),
    ("callback", "https://127.1/"),
    ("callback", "https://0x7f000001/"),
    ("callback", "https://2130706433/"),
    ("callback", "https://10.0.0.1/"),
    ("callback", "https://192.168.1.1/"),
    ("callback", "http://169.254.169.254/latest/meta-data/"),
    ("callback", "https://[::1]/"),
    ("callback", "https://[::ffff:127.0.0.1]/"),
    ("callback", "https://["),
    ("callback", "https://node.example/ping/x"),
    ("callback", "https://NODE.example/ping/x"),
    ("lease_seconds", "0"),
    ("lease_seconds", "-1"),
    ("lease_seconds", "1.5"),
    ("lease_seconds", "1e9"),
    ("lease_seconds", "ten"),
    ("lease_seconds", "٣٦٠٠"),
    ("lease_seconds", " 3600"),
    ("lease_seconds", "9" * 5000),
    ("secret", "x" * 200),
    ("secret", "é" * 100),
    ("secret", "a\0b"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_parameter_is_refused_by_its_name(name, value):
    with pytest.raises(BadQueryError) as refused:
        wish(**{name: value})
    assert refused.value.parameter == f"hub.{name}"


@pytest.mark.parametrize("callback", ["http://10.0.0.1/", "http://192.168.1.1:8080/", "http://169.254.169.254/"])
def test_the_demo_lets_only_this_machine_in(callback):
    assert wish(DEMO, callback="http://127.0.0.1:9000/x").host == "127.0.0.1:9000"
    with pytest.raises(BadQueryError):
        wish(DEMO, callback=callback)


def test_a_parameter_given_twice_is_refused():
    with pytest.raises(BadQueryError, match="once"):
        read_wish([*GOOD.items(), ("hub.callback", "https://victim.example/")], "node.example", PUBLIC)


def test_what_websub_does_not_know_is_passed_over():
    assert read_wish([*GOOD.items(), ("foo", "1"), ("foo", "2")], "node.example", PUBLIC) == wish()


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (None, USUAL_LEASE),
        ("", USUAL_LEASE),
        ("1", SHORTEST_LEASE),
        ("86400", timedelta(days=1)),
        ("999999999999999", LONGEST_LEASE),
    ],
)
def test_a_lease_is_bounded(asked, given):
    assert wish(lease_seconds=asked).lease == given


@pytest.mark.parametrize("secret", ["x" * 199, "é" * 99, "a&b=c"])
def test_a_secret_may_be_anything_shorter_than_200_bytes(secret):
    assert wish(secret=secret).secret == secret


@given(st.dictionaries(st.sampled_from([*GOOD, "hub.lease_seconds", "hub.secret", "x"]), st.text(max_size=60)))
def test_no_form_does_more_than_be_refused(form):
    try:
        found = read_wish(form.items(), "node.example", PUBLIC)
    except BadQueryError:
        return
    assert SHORTEST_LEASE <= found.lease <= LONGEST_LEASE


@pytest.mark.parametrize(
    "callback", ["https://reader.example/c", "https://reader.example/c?", "https://r.example/?a=%20"]
)
def test_the_callback_keeps_its_own_query(callback):
    address = extended(callback, {"hub.topic": "https://node.example/feeds/all.rss?q=a&lang=fr"})
    assert address.startswith(callback)
    assert dict(parse_qsl(urlsplit(address).query))["hub.topic"] == "https://node.example/feeds/all.rss?q=a&lang=fr"


def test_a_body_is_signed_with_the_secret():
    expected = hmac.new("sécret".encode(), b"body", hashlib.sha256).hexdigest()
    assert signature("sécret", b"body") == f"sha256={expected}"
