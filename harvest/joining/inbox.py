"""Taking a notification: the cheapest check first, nothing fetched, nothing remembered before all of them hold.

What a known key signed is proven at once. An offer of a stranger waits for the worker, which asks the stranger's
own node for the key; how many may wait is bounded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from chm_node.database import reading, writing
from chm_node.errors import RefusedNotificationError
from chm_node.message_signatures import Message, Signature, is_signed_by, read_signature
from chm_node.settings import Settings
from chm_node.text import host_of
from harvest import sources
from harvest.joining import deciding, memberships, nonces, requests
from harvest.joining.memberships import Membership
from harvest.joining.notification import ACCEPT, OFFER, REJECT, UNDO, UPDATE, Notification, read_notification
from harvest.joining.requests import Request
from harvest.sources import APPROVED, Source


def receive(engine: Engine, settings: Settings, message: Message, now: datetime) -> str:
    """Take a notification; the id of the request whose state can be asked for, empty when there is none.

    Raises RefusedNotificationError.
    """
    signature = read_signature(message, now)
    said = read_notification(message.body)
    if host_of(signature.key_id) != host_of(said.actor):
        raise RefusedNotificationError("foreign-key", f"{signature.key_id} is not on the host of {said.actor}")
    if said.target != settings.node_iri:
        raise RefusedNotificationError("wrong-target", f"this is {settings.node_iri}")
    with reading(engine) as connection:
        multikey = _known_key(connection, said, signature)
        if not multikey:
            requests.check_room(connection, said.actor)
    if multikey and not is_signed_by(message, multikey):
        raise RefusedNotificationError("bad-signature")
    with writing(engine) as connection:
        if not nonces.use(connection, signature, now):
            raise RefusedNotificationError("replayed")
        taken = _Taken(connection, settings, said, signature, message, now, bool(multikey))
        return _ACTIONS[said.kind](taken)


@dataclass(frozen=True)
class _Taken:
    """A notification that holds, with all that acting on it needs."""

    connection: Connection
    settings: Settings
    said: Notification
    signature: Signature
    message: Message
    now: datetime
    proven: bool

    def remember(self, state: str) -> str:
        return requests.add(self.connection, self.said, self.signature, self.message, state, self.now)


def _known_key(connection: Connection, said: Notification, signature: Signature) -> str:
    """The key that has to have signed it; empty for a stranger's offer. Raises RefusedNotificationError."""
    if said.kind in (ACCEPT, REJECT):
        membership = _asked(connection, said)
        return _same_key(signature, membership.key_id, membership.multikey)
    source, request = _approved(connection, said.actor), requests.waiting_of(connection, said.actor)
    if said.kind == OFFER:
        return _multikey(source, request, signature.key_id)
    if source:
        return _same_key(signature, source.key_id, source.authority.multikey)
    if said.kind == UNDO and request and request.found:
        return _same_key(signature, request.found.key_id, request.found.authority.multikey)
    raise RefusedNotificationError("not-joined", f"{said.actor} is not harvested here")


def _same_key(signature: Signature, key_id: str, multikey: str) -> str:
    if signature.key_id != key_id or not multikey:
        raise RefusedNotificationError("unknown-key", f"{signature.key_id} is not the key known here")
    return multikey


def _multikey(source: Source | None, request: Request | None, key_id: str) -> str:
    """The key of this name that is approved, or that an earlier offer was proven with; empty for none."""
    if source and source.key_id == key_id:
        return source.authority.multikey
    return request.found.authority.multikey if request and request.found and request.key_id == key_id else ""


def _approved(connection: Connection, node: str) -> Source | None:
    found = (each for each in sources.listing(connection) if each.node == node and each.state == APPROVED)
    return next(found, None)


def _asked(connection: Connection, said: Notification) -> Membership:
    """The membership that an answer is about; raises RefusedNotificationError."""
    membership = memberships.find(connection, said.actor)
    if membership is None or membership.offer != said.object or membership.state == memberships.LEFT:
        raise RefusedNotificationError("not-joined", f"this node did not ask {said.actor} by {said.object}")
    return membership


def _offer(taken: _Taken) -> str:
    if taken.said.object != taken.said.actor:
        raise RefusedNotificationError("malformed-notification", "object is not the node that offers itself")
    if not taken.proven:
        requests.purge(taken.connection, taken.now)
        return taken.remember(requests.QUEUED)
    waiting = requests.waiting_of(taken.connection, taken.said.actor)
    if waiting and not _approved(taken.connection, taken.said.actor):
        requests.rename(taken.connection, waiting, taken.said.id)
        return waiting.id
    request_id = taken.remember(requests.APPROVED)
    deciding.answer(taken.connection, taken.settings, _stored(taken.connection, request_id), ACCEPT, "", taken.now)
    return request_id


def _update(taken: _Taken) -> str:
    if taken.said.object != taken.said.actor:
        raise RefusedNotificationError("malformed-notification", "object is not the node that changed its key")
    return taken.remember(requests.QUEUED)


def _undo(taken: _Taken) -> str:
    if source := _approved(taken.connection, taken.said.actor):
        sources.remove(taken.connection, source.node, sources.LEFT)
    requests.withdraw(taken.connection, taken.said.actor, taken.now)
    return ""


def _answer(taken: _Taken) -> str:
    state = memberships.ACCEPTED if taken.said.kind == ACCEPT else memberships.REJECTED
    found = memberships.answered(_asked(taken.connection, taken.said), state, taken.said.summary, taken.now)
    memberships.keep(taken.connection, found)
    return ""


def _stored(connection: Connection, request_id: str) -> Request:
    found = requests.find(connection, request_id)
    assert found  # noqa: S101  written in this transaction
    return found


_ACTIONS: Mapping[str, Callable[[_Taken], str]] = {
    OFFER: _offer,
    UPDATE: _update,
    UNDO: _undo,
    ACCEPT: _answer,
    REJECT: _answer,
}
