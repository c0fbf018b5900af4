"""What this node asks of hubs: to be harvested, how that stands, to follow a new key, to let it go."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Engine

from chm_node.addresses import common_form
from chm_node.catalogue import ChangeLog
from chm_node.database import reading, writing
from chm_node.errors import FetchError, HarvestError
from chm_node.http_client import HttpClient
from chm_node.keys import current_name, node_signer, rotate
from chm_node.settings import Settings
from chm_node.signing import Signer
from chm_node.text import host_of
from harvest.discovery import describe
from harvest.joining import memberships, outbox
from harvest.joining.memberships import ACCEPTED, ASKED, LEFT, REFUSED, REJECTED, Membership
from harvest.joining.notification import OFFER, UNDO, UPDATE, Notification
from harvest.joining.outbox import NotTaken
from harvest.joining.told import Told, location_of, read_state
from harvest.readers import Readers
from harvest.visit import Visit

_STATES = {
    "queued": ASKED,
    "waiting": ASKED,
    "approved": ACCEPTED,
    "rejected": REJECTED,
    "refused": REFUSED,
    "withdrawn": LEFT,
}
_NOT_FOUND = 404


class Asking:
    """One node's way to its hubs."""

    def __init__(self, engine: Engine, settings: Settings, client: HttpClient, readers: Readers) -> None:
        self._engine = engine
        self._settings = settings
        self._client = client
        self._readers = readers

    def join(self, hub: str, now: datetime) -> Membership:
        """Ask the hub to harvest this node, unless that is asked or granted already; raises HarvestError."""
        known = self._known(hub)
        if known and known.state in (ASKED, ACCEPTED):
            known = self.status(hub, now)
            if known.state in (ASKED, ACCEPTED):
                return known
        asked = self._describe(hub, now)
        with writing(self._engine) as connection:
            memberships.keep(connection, asked)  # before the hub can answer
        try:
            asked = replace(asked, location=self._offer(asked, now))
        except HarvestError:
            with writing(self._engine) as connection:
                memberships.forget(connection, asked)
            raise
        with writing(self._engine) as connection:
            newest = memberships.find(connection, asked.hub) or asked
            asked = replace(newest, location=asked.location)
            memberships.keep(connection, asked)
        return asked

    def status(self, hub: str, now: datetime) -> Membership:
        """How the request stands, as the hub tells when it is asked; raises HarvestError."""
        known = self._known(hub)
        if known is None:
            raise HarvestError(f"{hub} was never asked; chm join {hub} does it")
        if not known.location or known.state == LEFT:
            return known
        told = self._told(known)
        found = memberships.answered(known, _STATES[told.state], told.summary, now)
        with writing(self._engine) as connection:
            memberships.keep(connection, found)
        return found

    def leave(self, hub: str, now: datetime) -> NotTaken | None:
        """End it; None when the hub has taken that, else what it said. Raises HarvestError.

        The worker goes on telling it, unless it refused for good; then what it said is kept.
        """
        joined = self._known(hub)
        known = joined or self._describe(hub, now)
        undone = self._said(UNDO, known.hub, joined.offer if joined else self._settings.node_iri)
        with writing(self._engine) as connection:
            left = replace(known, state=LEFT, summary="", answered=now)
            memberships.keep(connection, left)
            sent = outbox.put(connection, undone, known.inbox, current_name(self._settings), now, taken=True)
        problem = next(iter(self._send([sent], now)), None)
        if problem and problem.final:
            with writing(self._engine) as connection:
                memberships.keep(connection, replace(left, summary=problem.said))
        return problem

    def rotate_key(self, now: datetime) -> tuple[Signer, list[NotTaken]]:
        """Make a new key, and have every hub told under the old one; the key, and what hubs did not take.

        The worker goes on telling those that did not refuse for good.
        """
        former, sent = node_signer(self._settings), []
        with writing(self._engine) as connection:
            # The log may run ahead of the clock, and what it holds was signed with the former key.
            [end] = ChangeLog(connection).next_log_times(1, now)
            new = rotate(self._settings, end)
            for each in memberships.listing(connection):
                if each.state in (ASKED, ACCEPTED):
                    said = self._said(UPDATE, each.hub, self._settings.node_iri)
                    sent.append(outbox.put(connection, said, each.inbox, former.verification_method, now, taken=True))
        return new, self._send(sent, now)

    def _known(self, hub: str) -> Membership | None:
        with reading(self._engine) as connection:
            return memberships.find(connection, hub)

    def _describe(self, hub: str, now: datetime) -> Membership:
        found = describe(hub, Visit(self._client, self._readers, {}, hub))
        if found.authority.node == self._settings.node_iri:
            raise HarvestError(f"{hub} is this node itself")
        if not found.inbox:
            raise HarvestError(f"{hub} states no inbox; ask its operator to add this node")
        offer = f"urn:uuid:{uuid4()}"
        multikey = found.authority.multikey if found.key_id in found.authentication else ""
        return Membership(found.authority.node, common_form(hub), found.inbox, found.key_id, multikey, offer, now)

    def _offer(self, asked: Membership, now: datetime) -> str:
        """Send the request; where its state is told."""
        offer = Notification(OFFER, asked.offer, self._settings.node_iri, self._settings.node_iri, asked.hub)
        key = current_name(self._settings)
        answer = outbox.post(self._client, self._settings, asked.inbox, offer.body(), key, now)
        if answer.status not in (200, 201, 202):
            raise HarvestError(f"{asked.address} did not take the request: {outbox.reason_of(answer)}")
        location = location_of(asked.inbox, answer.headers.get("location", ""))
        return location if host_of(location) == host_of(asked.inbox) else ""

    def _told(self, known: Membership) -> Told:
        visit = Visit(self._client, self._readers, {}, known.location)
        try:
            document = visit.get(known.location, "application/json")
        except FetchError as error:
            if error.status == _NOT_FOUND:
                return Told("withdrawn", "")
            raise
        assert document  # noqa: S101  only what was seen before can be unchanged
        told: Told = visit.read(read_state, document)
        return told

    def _said(self, kind: str, hub: str, about: str) -> Notification:
        return Notification(kind, f"urn:uuid:{uuid4()}", self._settings.node_iri, about, hub)

    def _send(self, sent: Iterable[int], now: datetime) -> list[NotTaken]:
        return outbox.send(self._engine, self._settings, self._client, self._readers, sent, now)
