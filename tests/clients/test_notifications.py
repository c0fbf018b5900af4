"""Others' software and our inbox: npm's http-message-signatures, and the client of COAR Notify."""

import base64
import hashlib
import json
import re
import urllib.error
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from coarnotify.client import COARNotifyClient, NotifyResponse
from coarnotify.core.activitystreams2 import ActivityStreamsTypes
from coarnotify.core.notify import NotifyActor, NotifyObject, NotifyPattern, NotifyService
from coarnotify.exceptions import NotifyException
from coarnotify.http_lib import HttpLayer, HttpResponse, RequestsHttpLayer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chm_node.database import open_database, writing
from chm_node.message_signatures import Message, is_signed_by, read_signature, sign
from chm_node.signing import Signer
from harvest import sources
from harvest.description import Description
from harvest.joining.notification import MEDIA_TYPE, Notification
from harvest.trust import Authority

NODE = "https://peer.example/node"
SIGNER = Signer(f"{NODE}#key", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


@pytest.fixture
def hub(live_node):
    """A running node where the peer is approved already, so that its signature is proven at once."""
    found = Description(
        Authority(NODE, "https://peer.example/id/", SIGNER.multikey),
        f"{NODE}#key",
        "https://peer.example/feed",
        {},
        "",
        (),
    )
    engine = open_database(live_node.settings.database)
    with writing(engine) as connection:
        sources.propose(connection, "https://peer.example/", found, datetime.now(UTC))
        sources.approve(connection, NODE, live_node.settings, datetime.now(UTC))
    engine.dispose()
    return live_node


def jwk(*, private: bool) -> str:
    """The key as JavaScript's cryptography takes it."""
    public = SIGNER.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    found = {"kty": "OKP", "crv": "Ed25519", "x": _base64url(public)}
    return json.dumps(found | ({"d": _base64url(SIGNER.key.private_bytes_raw())} if private else {}))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def offer(target: str) -> bytes:
    return Notification("Offer", f"urn:uuid:{uuid4()}", NODE, NODE, target).body()


def written(folder, message: Message) -> str:
    headers = {name.lower(): value for name, value in message.headers.items()}
    file = folder / "request.json"
    file.write_text(json.dumps({"method": message.method, "url": message.url, "headers": headers}))
    return str(file)


def ours(body: bytes) -> Message:
    message = Message("POST", "https://hub.example/inbox", {"Content-Type": MEDIA_TYPE}, body)
    return sign(message, SIGNER, datetime.now(UTC), uuid4().hex)


def test_another_implementation_verifies_what_we_sign(run_client, tmp_path):
    file = written(tmp_path, ours(offer("https://hub.example/node")))
    assert run_client("node", "message_signature.mjs", "verify", file, jwk(private=False)).strip() == "verified"


@pytest.mark.parametrize("field", ["url", "method", "content-type", "content-digest"])
def test_another_implementation_refuses_what_was_changed(run_client, tmp_path, field):
    message = ours(offer("https://hub.example/node"))
    if field in ("url", "method"):
        message = replace(message, **{field: {"url": "https://other.example/inbox", "method": "PUT"}[field]})
    else:
        headers = {name: value for name, value in message.headers.items() if name.lower() != field}
        message = replace(message, headers=headers | {field: "text/plain"})
    with pytest.raises(AssertionError, match="not verified"):
        run_client("node", "message_signature.mjs", "verify", written(tmp_path, message), jwk(private=False))


def test_we_verify_what_another_implementation_signs_and_the_hub_takes_it(run_client, tmp_path, hub):
    body = offer(hub.settings.node_iri)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    headers = {"Content-Type": MEDIA_TYPE, "Content-Digest": f"sha-256=:{digest}:"}
    file = written(tmp_path, Message("POST", f"{hub.url}inbox", headers, body))

    signed = json.loads(
        run_client("node", "message_signature.mjs", "sign", file, jwk(private=True), SIGNER.verification_method)
    )
    message = Message("POST", f"{hub.url}inbox", signed["headers"], body)
    assert read_signature(message, datetime.now(UTC)).key_id == SIGNER.verification_method
    assert is_signed_by(message, SIGNER.multikey)
    assert not is_signed_by(replace(message, url=f"{hub.url}other"), SIGNER.multikey)

    request = urllib.request.Request(message.url, body, signed["headers"], method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 201
        location = answer.headers["Location"]
    with urllib.request.urlopen(location, timeout=10) as answer:
        assert json.load(answer)["state"] == "approved"
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        urllib.request.urlopen(request, timeout=10)
    refused.value.close()


class SigningLayer(HttpLayer):
    """The client's own HTTP layer, which signs what it posts."""

    def post(self, url: str, data: str, headers: dict | None = None, *_args, **_kwargs) -> HttpResponse:
        message = sign(Message("POST", url, headers or {}, data.encode()), SIGNER, datetime.now(UTC), uuid4().hex)
        return RequestsHttpLayer().post(url, data=data.encode(), headers=dict(message.headers))


class Offer(NotifyPattern):
    TYPE = ActivityStreamsTypes.OFFER


def coar_offer(hub, inbox: str) -> NotifyPattern:
    """An offer, built with the client's classes."""
    found, origin, target, actor, offered = Offer(), NotifyService(), NotifyService(), NotifyActor(), NotifyObject()
    origin.id, origin.inbox = NODE, "https://peer.example/inbox"
    target.id, target.inbox = hub.settings.node_iri, inbox
    actor.id = offered.id = NODE
    actor.name, actor.type, offered.type = "The node of a country", *[ActivityStreamsTypes.SERVICE] * 2
    found.origin, found.target, found.actor, found.object = origin, target, actor, offered
    return found


def discovered_inbox(hub) -> str:
    """As a sender of Linked Data Notifications finds it (section 3.1): by the Link header of the target."""
    request = urllib.request.Request(hub.settings.node_iri, headers={"Accept": "text/turtle"}, method="HEAD")
    with urllib.request.urlopen(request, timeout=10) as answer:
        link = answer.headers["Link"]
    return re.search(r'<([^>]+)>; rel="http://www\.w3\.org/ns/ldp#inbox"', link)[1]


def test_coar_notify_finds_the_inbox_and_is_told_that_its_request_is_not_signed(hub):
    inbox = discovered_inbox(hub)
    assert inbox == f"{hub.url}inbox"
    with pytest.raises(NotifyException, match="401"):
        COARNotifyClient(inbox).send(coar_offer(hub, inbox))


def test_coar_notify_with_a_layer_that_signs_is_taken_and_finds_the_state(hub):
    inbox = discovered_inbox(hub)
    answer = COARNotifyClient(http_layer=SigningLayer()).send(coar_offer(hub, inbox))
    assert answer.action == NotifyResponse.CREATED
    with urllib.request.urlopen(answer.location, timeout=10) as told:
        assert json.load(told)["state"] == "approved"
