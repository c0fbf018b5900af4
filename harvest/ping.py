"""Where hubs and peers say that there is news: ``/ping`` for anybody, ``/ping/<token>`` for the hubs we subscribed to.

Neither asks anybody anything; the worker looks for itself. What is sent along is never read but to check its signature.
"""

import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, abort, current_app, request
from sqlalchemy import Connection

from chm_node.database import reading, writing
from chm_node.errors import BadQueryError
from chm_node.websub.wishes import LONGEST_LEASE, MAX_ADDRESS_CHARACTERS, USUAL_LEASE
from harvest import hints, push, sources
from harvest.push import Subscription
from harvest.sources import APPROVED, Source

blueprint = Blueprint("ping", __name__)

MAX_FORM_BYTES = 16 * 1024
MAX_CHALLENGE_CHARACTERS = 1024
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_PLAIN = "text/plain; charset=utf-8"


@blueprint.post("/ping")
def ping() -> Response:
    """Somebody says that a source has news. The answer is the same whether we know it or not."""
    request.max_content_length = MAX_FORM_BYTES
    address = request.form.get("node", "")
    if not address or not address.isprintable() or len(address) > MAX_ADDRESS_CHARACTERS:
        raise BadQueryError("node", "write the address of a node or of its log")
    engine = _engine()
    with reading(engine) as connection:
        named = _named(connection, address)
    if named:
        with writing(engine) as connection:
            hints.give(connection, named, datetime.now(UTC))
    return Response("Thank you.\n", HTTPStatus.ACCEPTED, content_type=_PLAIN)


@blueprint.get("/ping/<token>")
def confirm(token: str) -> Response:
    """A hub asks whether we meant it (WebSub §5.3), or says that it will not tell us (§5.2)."""
    engine, mode = _engine(), request.args.get("hub.mode", "")
    subscription = _found(token)[0]
    if request.args.get("hub.topic", "") != subscription.topic or mode not in ("subscribe", "denied"):
        abort(HTTPStatus.NOT_FOUND, "That is not what we asked for.")
    if mode == "denied":
        with writing(engine) as connection:
            push.deny(connection, subscription, datetime.now(UTC))
        return Response("Noted.\n", content_type=_PLAIN)
    challenge = request.args.get("hub.challenge", "")
    if not subscription.failures or not 0 < len(challenge) <= MAX_CHALLENGE_CHARACTERS:
        abort(HTTPStatus.NOT_FOUND, "That is not what we asked for.")
    with writing(engine) as connection:
        push.confirm(connection, subscription, _lease(), datetime.now(UTC))
    return Response(challenge, content_type=_PLAIN)


@blueprint.post("/ping/<token>")
def notify(token: str) -> Response:
    """A hub says that the log of a source has moved; the answer does not tell whether it was believed."""
    subscription, source = _found(token)
    signature = request.headers.get("X-Hub-Signature", "")
    if push.is_from_hub(subscription, request.get_data(cache=False, parse_form_data=False), signature):
        with writing(_engine()) as connection:
            hints.give(connection, source, datetime.now(UTC))
    return Response("Thank you.\n", HTTPStatus.ACCEPTED, content_type=_PLAIN)


def _engine() -> Any:  # an SQLAlchemy engine
    return current_app.extensions["chm"].engine


def _named(connection: Connection, address: str) -> Source | None:
    """The approved source of this address. One that does not answer is left alone, whatever strangers say."""
    for each in sources.listing(connection):
        if address in (each.node, each.address, each.feed):
            return each if each.state == APPROVED and not each.failures else None
    return None


def _found(token: str) -> tuple[Subscription, Source]:
    with reading(_engine()) as connection:
        subscription = push.find(connection, token) if _TOKEN.fullmatch(token) else None
        source = sources.get(connection, subscription.source_id) if subscription else None
    if subscription is None or source is None:
        abort(HTTPStatus.NOT_FOUND, "There is no such subscription.")
    if source.state != APPROVED:
        abort(HTTPStatus.GONE, "We do not want to hear of this any more.")
    return subscription, source


def _lease() -> timedelta:
    """What the hub says; what we asked for when it says nothing of use."""
    text = request.args.get("hub.lease_seconds", "")
    if not (text.isascii() and text.isdigit()):
        return USUAL_LEASE
    return timedelta(seconds=min(int(text[:15]), int(LONGEST_LEASE.total_seconds())))
