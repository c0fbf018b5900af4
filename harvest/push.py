"""Subscriptions at the WebSub hubs of our sources: asked for, confirmed, renewed, and what comes in checked.

What a hub sends is a hint and nothing more. Whatever goes wrong here costs latency: the source is polled all the same.
"""

import hmac
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from threading import Event
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Connection, Engine, Row, insert, select, update

from chm_node import backoff
from chm_node.database import reading, writing
from chm_node.errors import FetchError
from chm_node.http_client import HttpClient
from chm_node.record import milliseconds
from chm_node.settings import Settings
from chm_node.tables import source as source_table
from chm_node.tables import subscription as table
from chm_node.text import host_of
from chm_node.websub.wishes import LONGEST_LEASE, MAX_ADDRESS_CHARACTERS, SUBSCRIBE, USUAL_LEASE, signature
from harvest.sources import APPROVED, Source

#: A lease is renewed when this share of it has passed.
RENEWED_AT = 0.8
SHORTEST_LEASE = timedelta(minutes=1)
_METHODS = ("sha256", "sha384", "sha512")
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Subscription:
    """What we asked of the hub of one source."""

    source_id: int
    hub: str
    topic: str
    token: str  #: end of the callback's address, which nobody can guess
    secret: str  #: empty for none
    failures: int  #: requests that the hub has not confirmed yet, in a row


def announced(connection: Connection, source: Source, links: Mapping[str, Sequence[str]], now: datetime) -> None:
    """Note which hub the root of a source's log names, if it names one; another hub is asked anew.

    A hub may lie on any host; a topic only on that of the log.
    """
    hub, topic = _first(links, "hub"), _first(links, "self") or source.feed
    if not hub or host_of(topic) != host_of(source.feed):
        return
    row = connection.execute(select(table).where(table.c.source_id == source.id)).first()
    if row and (row.hub, row.topic) == (hub, topic):
        return
    # WebSub §5.1: a secret only over HTTPS, for whoever can read it could sign.
    secret = token_urlsafe(32) if hub.lower().startswith("https://") else ""
    fresh = {"hub": hub, "topic": topic, "token": token_urlsafe(32), "secret": secret}
    values = fresh | {"due": milliseconds(now), "expires": 0, "failures": 0}
    if row:
        connection.execute(update(table).where(table.c.source_id == source.id).values(values))
    else:
        connection.execute(insert(table).values(values | {"source_id": source.id}))


def ask_due(engine: Engine, settings: Settings, client: HttpClient, clock: Callable[[], datetime], stop: Event) -> None:
    """Ask the hubs for what is not confirmed, or runs out soon."""
    with reading(engine) as connection:
        if connection.execute(select(table.c.source_id).where(_is_due(clock())).limit(1)).first() is None:
            return  # without taking the log's lock at every tick
    with writing(engine) as connection:
        due = _claim(connection, clock())
    for each in due:
        if stop.is_set():
            return
        try:
            client.deliver(each.hub, urlencode(_request(each, settings)).encode(), _FORM)
        except FetchError as error:
            _log.info("the hub of %s was not told that we want to hear of it: %s", each.topic, error)


def find(connection: Connection, token: str) -> Subscription | None:
    """The subscription with this callback."""
    row = connection.execute(select(table).where(table.c.token == token)).first()
    return _subscription(row) if row else None


def confirm(connection: Connection, subscription: Subscription, lease: timedelta, now: datetime) -> None:
    """Note that the hub will tell us, for how long, and when to ask again."""
    lasts = min(max(lease, SHORTEST_LEASE), LONGEST_LEASE)
    values = {"failures": 0, "expires": milliseconds(now + lasts), "due": milliseconds(now + lasts * RENEWED_AT)}
    connection.execute(update(table).where(table.c.token == subscription.token).values(values))


def deny(connection: Connection, subscription: Subscription, now: datetime) -> None:
    """Note that the hub will not tell us; it is asked again after the longest wait."""
    values = {"expires": 0, "due": milliseconds(now + backoff.LONGEST_WAIT)}
    connection.execute(update(table).where(table.c.token == subscription.token).values(values))


def is_from_hub(subscription: Subscription, body: bytes, header: str) -> bool:
    """Whether a notification is signed with our secret, if the hub was given one (WebSub §7.1)."""
    if not subscription.secret:
        return True
    method = header.partition("=")[0].strip().lower()
    if method not in _METHODS or not header.isascii():
        return False
    return hmac.compare_digest(header.strip().lower(), signature(subscription.secret, body, method))


def _first(links: Mapping[str, Sequence[str]], relation: str) -> str:
    return next((each for each in links.get(relation, ()) if len(each) <= MAX_ADDRESS_CHARACTERS), "")


def _is_due(now: datetime) -> ColumnElement[bool]:
    approved = select(source_table.c.id).where(source_table.c.state == APPROVED)
    return (table.c.due <= milliseconds(now)) & table.c.source_id.in_(approved)


def _claim(connection: Connection, now: datetime) -> list[Subscription]:
    """Those to ask now. A request counts as failed until the hub confirms it, which it may do before it answers."""
    due = [_subscription(row) for row in connection.execute(select(table).where(_is_due(now)))]
    for each in due:
        wait = backoff.wait(each.failures + 1, random.random())  # noqa: S311  only spreads the load
        values = {"failures": each.failures + 1, "due": milliseconds(now + wait)}
        connection.execute(update(table).where(table.c.source_id == each.source_id).values(values))
    return due


def _request(subscription: Subscription, settings: Settings) -> dict[str, str]:
    asked = {
        "hub.mode": SUBSCRIBE,
        "hub.topic": subscription.topic,
        "hub.callback": f"{settings.base_url}ping/{subscription.token}",
        "hub.lease_seconds": str(int(USUAL_LEASE.total_seconds())),
    }
    return asked | ({"hub.secret": subscription.secret} if subscription.secret else {})


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        source_id=row.source_id,
        hub=row.hub,
        topic=row.topic,
        token=row.token,
        secret=row.secret,
        failures=row.failures,
    )
