"""The inbox: what is refused and why, for every field that can be tampered with; no request is a fault of ours."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from chm_node.budget import Budget
from chm_node.database import open_database, reading, writing
from chm_node.errors import RefusedNotificationError
from chm_node.message_signatures import CLOCK_TOLERANCE, LONGEST_LIFE, Message, is_signed_by, read_signature, sign
from chm_node.settings import Settings
from chm_node.signing import Signer
from chm_node.tables import nonce as nonce_table
from harvest import sources
from harvest.description import Description
from harvest.joining import requests
from harvest.joining.inbox import receive
from harvest.joining.notification import KINDS, MAX_BYTES, MEDIA_TYPE, OFFER, UNDO, UPDATE, Notification
from harvest.joining.refusals import REFUSALS
from harvest.trust import Authority

from .conftest import BASE

PEER = "https://peer.example/"
INBOX = f"{BASE}inbox"
SIGNER = Signer(f"{PEER}node#key", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = Signer(f"{PEER}node#key", Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HUB = Settings(base_url=BASE)


def offer(**changed: str) -> Notification:
    said = Notification(OFFER, f"urn:uuid:{uuid4()}", f"{PEER}node", f"{PEER}node", f"{BASE}node")
    return replace(said, **changed)


def signed(
    said: Notification | bytes,
    *,
    signer: Signer = SIGNER,
    now: datetime | None = None,
    url: str = INBOX,
    **headers: str,
) -> Message:
    body = said if isinstance(said, bytes) else said.body()
    message = Message("POST", url, {"Content-Type": MEDIA_TYPE, **headers}, body)
    return sign(message, signer, now or datetime.now(UTC), uuid4().hex)


def approve(engine, multikey: str = SIGNER.multikey) -> None:
    found = Description(
        Authority(f"{PEER}node", f"{PEER}id/", multikey), SIGNER.verification_method, f"{PEER}feed", {}, "TN", ()
    )
    with writing(engine) as connection:
        sources.propose(connection, PEER, found, NOW)
        sources.approve(connection, PEER, HUB, NOW)


@pytest.fixture
def hub(empty_site):
    """A node where the peer is approved with its key, so that a signature is proven at once."""
    approve(empty_site.engine)
    return empty_site


def send(site, message: Message, path: str = "/inbox", method: str = "POST"):
    return site.client.open(path, method=method, headers=dict(message.headers), data=message.body)


def problem(answer) -> str:
    assert answer.content_type == "application/problem+json"
    assert answer.json["type"].startswith("https://w3id.org/chm/problems/")
    return answer.json["type"].rpartition("/")[2]


# Every field that can be tampered with.


def header(name: str, change: Callable[[str], str | None]) -> Callable[[Message], Message]:
    """A message with one header changed, or left out."""

    def tamper(message: Message) -> Message:
        headers = {each: value for each, value in message.headers.items() if each.lower() != name.lower()}
        old = next((value for each, value in message.headers.items() if each.lower() == name.lower()), "")
        value = change(old)
        return replace(message, headers=headers | ({name: value} if value is not None else {}))

    return tamper


def parameter(pattern: str, to: str) -> Callable[[Message], Message]:
    """A message with a part of its Signature-Input changed."""

    def change(old: str) -> str:
        assert re.search(pattern, old), old
        return re.sub(pattern, to, old, count=1)

    return header("Signature-Input", change)


def shifted(name: str, seconds: int) -> Callable[[Message], Message]:
    return header(
        "Signature-Input", lambda old: re.sub(rf"{name}=(\d+)", lambda m: f"{name}={int(m[1]) + seconds}", old)
    )


def other_body(message: Message) -> Message:
    return replace(message, body=message.body.replace(b'"type"', b' "type"'))


def body_with_its_digest(message: Message) -> Message:
    changed = other_body(message)
    digest = base64.b64encode(hashlib.sha256(changed.body).digest()).decode()
    return header("Content-Digest", lambda _: f"sha-256=:{digest}:")(changed)


def digest_of(algorithm: str) -> Callable[[Message], Message]:
    def tamper(message: Message) -> Message:
        value = base64.b64encode(hashlib.new(algorithm.replace("-", ""), message.body).digest()).decode()
        return header("Content-Digest", lambda _: f"{algorithm}=:{value}:")(message)

    return tamper


def drop(_old: str) -> None:
    return None


TAMPERED = {
    "body": (other_body, 400, "bad-digest"),
    "body and digest": (body_with_its_digest, 401, "bad-signature"),
    "empty body": (lambda message: replace(message, body=b""), 400, "bad-digest"),
    "digest": (header("Content-Digest", lambda old: old.replace("=:", "=:A", 1)), 400, "bad-digest"),
    "digest left out": (header("Content-Digest", drop), 400, "malformed-signature"),
    "digest of another kind": (digest_of("sha-512"), 400, "bad-digest"),
    "digest of a broken kind": (digest_of("md5"), 400, "bad-digest"),
    "a second digest, wrong": (header("Content-Digest", lambda old: f"{old}, sha-512=:AAAA:"), 400, "bad-digest"),
    "content type, another": (header("Content-Type", lambda _: "application/activity+json"), 401, "bad-signature"),
    "content type, with a parameter": (header("Content-Type", lambda old: f"{old}; profile=x"), 401, "bad-signature"),
    "content type, not taken": (header("Content-Type", lambda _: "text/turtle"), 415, "unacceptable-media-type"),
    "content type left out": (header("Content-Type", drop), 415, "unacceptable-media-type"),
    "content encoding": (header("Content-Encoding", lambda _: "gzip"), 415, "unacceptable-media-type"),
    "created, earlier": (shifted("created", -10), 401, "signature-expired"),
    "created, later": (shifted("created", 10), 401, "bad-signature"),
    "created, in the future": (shifted("created", 3600), 401, "signature-expired"),
    "created left out": (parameter(r";created=\d+", ""), 400, "incomplete-signature"),
    "created, a text": (parameter(r"created=(\d+)", r'created="\1"'), 400, "malformed-signature"),
    "created, absurd": (parameter(r"created=\d+", "created=999999999999999"), 401, "signature-expired"),
    "expires, earlier": (shifted("expires", -10), 401, "bad-signature"),
    "expires, later": (shifted("expires", 10), 401, "signature-expired"),
    "expires, passed": (shifted("expires", -3600), 401, "signature-expired"),
    "expires left out": (parameter(r";expires=\d+", ""), 400, "incomplete-signature"),
    "nonce": (parameter(r'nonce="', 'nonce="x'), 401, "bad-signature"),
    "nonce left out": (parameter(r';nonce="[^"]*"', ""), 400, "incomplete-signature"),
    "nonce, empty": (parameter(r'nonce="[^"]*"', 'nonce=""'), 400, "incomplete-signature"),
    "nonce, endless": (parameter(r'nonce="', f'nonce="{"x" * 200}'), 400, "malformed-signature"),
    "tag": (parameter('tag="chm-federation"', 'tag="web-bot-auth"'), 401, "unsigned"),
    "tag left out": (parameter(';tag="chm-federation"', ""), 401, "unsigned"),
    "keyid, on another host": (parameter("peer.example", "evil.example"), 403, "foreign-key"),
    "keyid, unknown": (parameter("#key", "#key-2"), 401, "queued"),
    "keyid left out": (parameter(r';keyid="[^"]*"', ""), 400, "malformed-signature"),
    "alg": (parameter('alg="ed25519"', 'alg="hmac-sha256"'), 400, "malformed-signature"),
    "alg left out": (parameter(';alg="ed25519"', ""), 401, "bad-signature"),
    "a parameter that nobody knows": (parameter(";created", ";better;created"), 400, "malformed-signature"),
    "method not covered": (parameter('"@method" ', ""), 400, "incomplete-signature"),
    "target not covered": (parameter('"@target-uri" ', ""), 400, "incomplete-signature"),
    "content type not covered": (parameter('"content-type" ', ""), 400, "incomplete-signature"),
    "digest not covered": (parameter(' "content-digest"', ""), 400, "incomplete-signature"),
    "digest covered in part": (
        parameter('"content-digest"', '"content-digest";key="sha-256"'), 400, "incomplete-signature",
    ),
    "order of what is covered": (parameter('"@method" "@target-uri"', '"@target-uri" "@method"'), 401, "bad-signature"),
    "covered twice": (parameter('"@method"', '"@method" "@method"'), 400, "malformed-signature"),
    "something covered that is not there": (parameter('"@method"', '"@method" "x-none"'), 400, "malformed-signature"),
    "signature": (header("Signature", lambda old: old.replace("=:", "=:AAAA", 1)), 401, "bad-signature"),
    "signature left out": (header("Signature", drop), 401, "unsigned"),
    "signature, no bytes": (header("Signature", lambda _: "chm=1"), 400, "malformed-signature"),
    "signature under another label": (
        header("Signature", lambda old: old.replace("chm=", "x=")), 400, "malformed-signature",
    ),
    "signature input left out": (header("Signature-Input", drop), 401, "unsigned"),
    "signature input, nonsense": (header("Signature-Input", lambda _: "chm=(("), 400, "malformed-signature"),
    "signature input, empty": (header("Signature-Input", lambda _: ""), 400, "malformed-signature"),
}  # fmt: skip


@pytest.mark.parametrize("case", TAMPERED)
def test_what_was_tampered_with_is_refused_with_its_problem_type(hub, case):
    tamper, status, name = TAMPERED[case]
    message = tamper(signed(offer()))
    answer = send(hub, message)
    if name == "queued":  # another key is a stranger's until its node was asked
        assert (answer.status_code, state_of(hub, answer)) == (201, "queued")
        return
    assert (answer.status_code, problem(answer)) == (status, name)
    assert answer.json["text"].keys() == {"en", "fr", "ar"}
    with reading(hub.engine) as connection:
        assert connection.execute(nonce_table.select()).first() is None


def state_of(site, answer) -> str:
    return site.client.get(answer.headers["Location"].removeprefix(BASE)).json["state"]


def test_what_was_not_tampered_with_is_taken(hub):
    answer = send(hub, signed(offer()))
    assert answer.status_code == 201
    assert answer.headers["Location"].startswith(f"{INBOX}/")
    assert state_of(hub, answer) == "approved"


def test_another_key_of_the_same_name_is_refused(hub):
    answer = send(hub, signed(offer(), signer=OTHER))
    assert (answer.status_code, problem(answer)) == (401, "bad-signature")


@pytest.mark.parametrize(
    "url", ["https://other.example/inbox", f"{BASE}inbox?x=1", f"{BASE}en/inbox", "http://node.example/inbox"]
)
def test_what_was_signed_for_another_address_is_refused(hub, url):
    answer = send(hub, signed(offer(), url=url))
    assert (answer.status_code, problem(answer)) == (401, "bad-signature")


def test_a_query_that_was_not_signed_is_refused(hub):
    answer = send(hub, signed(offer()), "/inbox?x=1")
    assert (answer.status_code, problem(answer)) == (401, "bad-signature")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_another_method_is_refused(hub, method):
    assert send(hub, signed(offer()), method=method).status_code == 405


def test_a_signature_for_another_method_is_refused():
    message = signed(offer())
    assert is_signed_by(message, SIGNER.multikey)
    assert not is_signed_by(replace(message, method="PUT"), SIGNER.multikey)


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}, {"X-HTTP-Method-Override": "DELETE"},
     {"Date": "Thu, 01 Jan 1970 00:00:00 GMT"}, {"Authorization": "Bearer x"}],
)  # fmt: skip
def test_headers_that_nobody_signed_change_nothing(hub, headers):
    message = signed(offer())
    answer = send(hub, replace(message, headers={**message.headers, **headers}))
    assert answer.status_code == 201
    assert answer.headers["Location"].startswith(BASE)


def test_a_further_header_may_be_signed_too_and_then_counts(hub):
    from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

    def message(signed_date: str, sent_date: str) -> Message:
        found = Message("POST", INBOX, {"Content-Type": MEDIA_TYPE, "Date": signed_date}, offer().body())
        keys = MappingKeyResolver(public_keys={}, private_keys={SIGNER.verification_method: SIGNER.key})
        HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=keys).sign(
            found, key_id=SIGNER.verification_method, created=datetime.now(UTC), nonce=uuid4().hex,
            expires=datetime.now(UTC) + timedelta(minutes=1), tag="chm-federation", body=found.body,
            covered_component_ids=("@method", "@target-uri", "content-type", "date"),
        )  # fmt: skip
        return replace(found, headers={**found.headers, "Date": sent_date})

    assert send(hub, message("today", "today")).status_code == 201
    assert problem(send(hub, message("today", "tomorrow"))) == "bad-signature"


def test_a_signature_beside_one_for_another_purpose_is_taken_and_two_for_ours_are_not(hub):
    message = signed(offer())
    inputs, signatures = message.headers["Signature-Input"], message.headers["Signature"]
    other = inputs.replace("chm=", "x=").replace('tag="chm-federation"', 'tag="x"')
    both = {"Signature-Input": f"{inputs}, {other}", "Signature": f"{signatures}, {signatures.replace('chm=', 'x=')}"}
    assert send(hub, replace(message, headers={**message.headers, **both})).status_code == 201

    message = signed(offer())
    inputs, signatures = message.headers["Signature-Input"], message.headers["Signature"]
    twice = {
        "Signature-Input": f"{inputs}, {inputs.replace('chm=', 'x=')}",
        "Signature": f"{signatures}, {signatures.replace('chm=', 'x=')}",
    }
    assert problem(send(hub, replace(message, headers={**message.headers, **twice}))) == "malformed-signature"


# Replays.


def test_a_request_counts_once(hub):
    message = signed(offer())
    assert send(hub, message).status_code == 201
    answer = send(hub, message)
    assert (answer.status_code, problem(answer)) == (401, "replayed")


def test_a_strangers_request_counts_once(empty_site):
    message = signed(offer())
    assert send(empty_site, message).status_code == 201
    assert problem(send(empty_site, message)) == "replayed"


def test_a_request_to_one_hub_is_refused_by_another(hub, new_site):
    other = new_site(base_url="https://other.example/")
    message = signed(offer())
    assert send(hub, message).status_code == 201
    assert problem(send(other, message)) == "wrong-target"  # before anybody is asked for a key
    approve(other.engine)
    elsewhere = signed(offer(target="https://other.example/node"))  # signed for the address of the first
    assert problem(send(other, elsewhere)) == "bad-signature"


def test_nonces_are_remembered_until_their_signature_expires_and_no_longer(database_url):
    engine = open_database(database_url)
    approve(engine)
    first = signed(offer(), now=NOW)
    receive(engine, HUB, first, NOW)
    last_moment = NOW + LONGEST_LIFE + CLOCK_TOLERANCE - timedelta(seconds=1)
    with pytest.raises(RefusedNotificationError, match="replayed"):
        receive(engine, HUB, first, last_moment)
    later = NOW + LONGEST_LIFE + 2 * CLOCK_TOLERANCE
    with pytest.raises(RefusedNotificationError, match="signature-expired"):
        receive(engine, HUB, first, later)
    receive(engine, HUB, signed(offer(), now=later), later)
    with reading(engine) as connection:
        assert len(connection.execute(nonce_table.select()).all()) == 1
    engine.dispose()


@pytest.mark.parametrize(
    ("moment", "taken"),
    [
        (timedelta(0), True),
        (-CLOCK_TOLERANCE, True),
        (-CLOCK_TOLERANCE - timedelta(seconds=1), False),
        (LONGEST_LIFE, True),
        (LONGEST_LIFE + CLOCK_TOLERANCE, False),
    ],
)
def test_clocks_may_differ_by_a_minute(moment, taken):
    message = signed(offer(), now=NOW)
    if taken:
        assert read_signature(message, NOW + moment).key_id == SIGNER.verification_method
    else:
        with pytest.raises(RefusedNotificationError, match="signature-expired"):
            read_signature(message, NOW + moment)


# What it says.

JSON_LD = "https://www.w3.org/ns/activitystreams"


def said(**changed: object) -> bytes:
    document = json.loads(offer().body()) | changed
    return json.dumps({name: value for name, value in document.items() if value is not ...}).encode()


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"", "malformed-notification"),
        (b"nonsense", "malformed-notification"),
        (b"[]", "malformed-notification"),
        (b'{"a": 1, "a": 2}', "malformed-notification"),
        (b"[" * 5000, "malformed-notification"),
        (b'"\xff"', "malformed-notification"),
        (said(type="Create"), "malformed-notification"),
        (said(type=["Offer", "Undo"]), "malformed-notification"),
        (said(type=...), "malformed-notification"),
        (said(id=...), "malformed-notification"),
        (said(id=7), "malformed-notification"),
        (said(id="javascript:alert(1)"), "malformed-notification"),
        (said(actor="urn:uuid:1"), "malformed-notification"),
        (said(actor=["https://peer.example/node"]), "malformed-notification"),
        (said(object="https://other.example/node"), "malformed-notification"),
        (said(summary={"en": "x"}), "malformed-notification"),
        (said(target="https://other.example/node"), "wrong-target"),
        (said(target="https://node.example/node/"), "wrong-target"),
        (said(actor="https://other.example/node", object="https://other.example/node"), "foreign-key"),
        (said(**{"@context": ...}), "unknown-context"),
        (said(**{"@context": "https://evil.example/context"}), "unknown-context"),
        (said(**{"@context": [JSON_LD, "https://evil.example/context"]}), "unknown-context"),
        (said(**{"@context": [JSON_LD, {"actor": "https://evil.example/actor"}]}), "unknown-context"),
        (said(**{"@context": {"@import": JSON_LD}}), "unknown-context"),
        (said(**{"@context": []}), "unknown-context"),
        (said(object={"id": f"{PEER}node", "@context": "https://evil.example/context"}), "unknown-context"),
    ],
)  # fmt: skip
def test_what_it_says_is_refused_with_its_problem_type(hub, body, name):
    answer = send(hub, signed(body))
    assert problem(answer) == name
    assert answer.status_code == REFUSALS[name].status


@pytest.mark.parametrize(
    "body",
    [
        said(type=["Offer", "https://example.org/Request"]),
        said(actor={"id": f"{PEER}node", "type": "Service", "name": "A node"}),
        said(**{"@context": [JSON_LD, "https://coar-notify.net"]}),
        said(somebody="adds words that nobody knows"),
    ],
)
def test_other_ways_of_saying_the_same_are_taken(hub, body):
    assert send(hub, signed(body)).status_code == 201


@pytest.mark.parametrize("kind", [UPDATE, UNDO])
def test_a_stranger_has_nothing_to_change_or_to_undo(empty_site, kind):
    answer = send(empty_site, signed(offer(kind=kind)))
    assert (answer.status_code, problem(answer)) == (403, "not-joined")


@pytest.mark.parametrize("kind", ["Accept", "Reject"])
def test_an_answer_that_nobody_waits_for_is_not_taken(hub, kind):
    answer = send(hub, signed(offer(kind=kind, object="urn:uuid:1")))
    assert (answer.status_code, problem(answer)) == (403, "not-joined")


def test_an_undo_by_another_key_is_not_taken(hub):
    assert problem(send(hub, signed(offer(kind=UNDO), signer=OTHER))) == "bad-signature"
    named = Signer(f"{PEER}node#key-2", OTHER.key)
    assert problem(send(hub, signed(offer(kind=UNDO), signer=named))) == "unknown-key"
    with reading(hub.engine) as connection:
        assert sources.find(connection, PEER).state == "approved"


# Bounds.


def test_a_notification_has_a_largest_size_however_it_comes(hub):
    fits = said(summary="x" * (MAX_BYTES - len(said(summary=""))))
    assert send(hub, signed(fits)).status_code == 201
    answer = send(hub, signed(fits + b" "))
    assert (answer.status_code, problem(answer)) == (413, "notification-too-large")


def test_one_address_may_send_so_many_a_minute_and_is_told_when_to_come_again(hub):
    answers = [send(hub, Message("POST", INBOX, {}, b"")) for _ in range(21)]
    assert {each.status_code for each in answers[:20]} == {415}
    assert (answers[20].status_code, problem(answers[20])) == (429, "too-many-notifications")
    assert answers[20].headers["Retry-After"] == "60"


def test_strangers_wait_in_a_queue_that_has_an_end(empty_site):
    empty_site.app.extensions["chm_inbox"] = Budget(1e9)
    for number in range(requests.MAX_QUEUED):
        assert send(empty_site, stranger(f"https://n{number}.example/")).status_code == 201
    answer = send(empty_site, stranger("https://late.example/"))
    assert (answer.status_code, problem(answer)) == (503, "inbox-full")
    assert "Retry-After" in answer.headers


def test_one_host_has_few_places_in_the_queue(empty_site):
    answers = [send(empty_site, stranger("https://n.example/")) for _ in range(requests.MAX_QUEUED_HOST + 1)]
    assert [each.status_code for each in answers] == [201] * requests.MAX_QUEUED_HOST + [503]
    assert send(empty_site, stranger("https://m.example/")).status_code == 201


def stranger(base: str) -> Message:
    node = f"{base}node"
    return signed(offer(actor=node, object=node), signer=Signer(f"{node}#key", OTHER.key))


# As Linked Data Notifications want it.


def test_the_inbox_is_found_by_its_relation_and_says_what_it_takes(hub):
    link = hub.get("/node", accept="text/turtle").headers["Link"]
    assert f'<{INBOX}>; rel="http://www.w3.org/ns/ldp#inbox"' in link
    assert f"<http://www.w3.org/ns/ldp#inbox> <{INBOX}>" in hub.get("/node.nt").text
    answer = hub.get("/inbox", accept=MEDIA_TYPE)
    assert answer.content_type == MEDIA_TYPE
    assert json.loads(answer.data) == {"@context": "http://www.w3.org/ns/ldp", "@id": INBOX, "contains": []}
    assert answer.headers["Accept-Post"] == MEDIA_TYPE


def test_an_unsigned_notification_is_told_what_is_missing(hub):
    answer = hub.client.post("/inbox", data=said(), content_type=MEDIA_TYPE, headers={"Accept-Language": "fr-DZ"})
    assert (answer.status_code, problem(answer)) == (401, "unsigned")
    assert answer.json["detail"] == REFUSALS["unsigned"].sentences["fr"]
    assert 'tag="chm-federation"' in answer.headers["Accept-Signature"]
    assert "WWW-Authenticate" in answer.headers


def test_a_person_at_the_inbox_is_led_to_the_page_on_joining(hub):
    answer = hub.get("/inbox", accept="text/html", accept_language="ar")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/ar/join")


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_the_page_on_joining_names_the_command_and_the_telephone(hub, language):
    page = hub.get(f"/{language}/join").text
    assert f"chm join {BASE}" in page
    assert f"chm leave {BASE}" in page
    assert "mailto:focal.point@node.example" in page


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
@pytest.mark.parametrize("state", ["queued", "waiting", "approved", "rejected", "refused", "withdrawn"])
def test_each_state_of_a_request_has_its_page(empty_site, language, state):
    location = send(empty_site, signed(offer())).headers["Location"].removeprefix(BASE)
    with writing(empty_site.engine) as connection:
        request = requests.find(connection, location.rpartition("/")[2])
        reason = {"refused": "bad-signature", "rejected": "<b>Who are you?"}.get(state, "")
        requests.decide(connection, request, state, NOW, reason, "<script>")
    answer = empty_site.get(f"/{location}", accept="text/html", accept_language=language)
    page = empty_site.get(answer.headers["Location"])
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "<b>" not in page.text
    assert ("Who are you?" in page.text) == (state == "rejected")
    assert (REFUSALS["bad-signature"].sentences[language] in page.text) == (state == "refused")
    told = empty_site.get(f"/{location}").json
    assert (told["state"], told["actor"]) == (state, f"{PEER}node")


def test_there_is_no_state_of_what_was_never_asked(hub):
    assert hub.get(f"/inbox/{uuid4()}").status_code == 404
    assert hub.get(f"/en/join/{uuid4()}").status_code == 404
    assert hub.get("/inbox/nonsense").status_code == 404


def test_every_refusal_has_a_sentence_in_each_language():
    assert all(set(each.sentences) == {"en", "fr", "ar"} for each in REFUSALS.values())
    sentences = [each.sentences[language] for each in REFUSALS.values() for language in each.sentences]
    assert len(set(sentences)) == len(sentences)


# Whatever a stranger sends.

HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
STRUCTURED = st.lists(
    st.sampled_from(
        ['chm=', '("@method"', ' "@target-uri"', ' "content-type"', ' "content-digest"', ")", ";created=1", "1e9",
         f";created={int(datetime.now(UTC).timestamp())}", f";expires={int(datetime.now(UTC).timestamp()) + 60}",
         ';nonce="n"', ';tag="chm-federation"', ';keyid="https://peer.example/node#key"', ';alg="ed25519"', ";x", ",",
         "=:AAAA:", ":", '"', "?1", "@1", "%", "sha-256", "sha-256=:AAAA:", "é"]),
    max_size=14,
).map("".join)  # fmt: skip
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([f"{PEER}node", f"{BASE}node"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.dictionaries(
    st.sampled_from(["@context", "type", "id", "actor", "object", "target", "summary", "inReplyTo"]), JSON_VALUES
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    from .conftest import make_site

    site = make_site(tmp_path_factory.mktemp("fuzzed"))
    approve(site.engine)
    site.app.testing = False  # so that a fault would be answered, as it would be in earnest
    site.app.extensions["chm_inbox"] = Budget(1e9)
    yield site
    site.engine.dispose()
    site.app.extensions["chm"].engine.dispose()


@given(
    headers=st.dictionaries(
        st.sampled_from(["Content-Type", "Content-Digest", "Signature", "Signature-Input", "Content-Encoding", "Accept",
                         "Accept-Language", "X-Forwarded-For"]),
        HEADER_TEXT | STRUCTURED | st.just(MEDIA_TYPE),
    ),
    body=st.binary(max_size=300) | MEMBERS.map(lambda each: json.dumps(each).encode()),
)  # fmt: skip
def test_no_request_of_a_stranger_is_a_fault_of_ours(fuzzed, headers, body):
    headers = {name: value.encode("latin-1", "ignore").decode("latin-1") for name, value in headers.items()}
    answer = fuzzed.client.post("/inbox", headers=headers, data=body)
    assert 400 <= answer.status_code < 500


@given(members=MEMBERS, kind=st.sampled_from(sorted(KINDS)), whole=st.booleans())
def test_nothing_that_is_properly_signed_is_a_fault_of_ours(fuzzed, members, kind, whole):
    document = (json.loads(offer(kind=kind).body()) if whole else {}) | members
    answer = send(fuzzed, signed(json.dumps(document).encode()))
    assert answer.status_code in (201, 202) or 400 <= answer.status_code < 500 or problem(answer) == "inbox-full"


@given(inputs=STRUCTURED, signatures=STRUCTURED, digest=STRUCTURED)
def test_a_signature_is_read_or_refused(inputs, signatures, digest):
    headers = {"Content-Type": MEDIA_TYPE, "Signature-Input": inputs, "Signature": signatures, "Content-Digest": digest}
    try:
        read_signature(Message("POST", INBOX, headers, b"{}"), datetime.now(UTC))
    except RefusedNotificationError as error:
        assert error.code in REFUSALS
