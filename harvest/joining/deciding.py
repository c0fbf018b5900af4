"""What a person decides about the request of a node; each answer is sent by the worker."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection

from chm_node.errors import HarvestError
from chm_node.keys import current_name
from chm_node.settings import Settings
from harvest import sources
from harvest.joining import outbox, requests
from harvest.joining.notification import ACCEPT, REJECT, Notification
from harvest.joining.requests import Request
from harvest.sources import PROPOSED, Source


def approve(
    connection: Connection, name: str, settings: Settings, now: datetime, countries: Sequence[str] | None = None
) -> Source:
    """Pin the node with this address or IRI, as it asked or as it was proposed; one that asked is told.

    ``countries`` as in ``sources.approve``. Raises HarvestError, as that does, and when two different keys were shown
    for one node.
    """
    request = requests.waiting_of(connection, name)
    if request is None or request.found is None:
        return sources.approve(connection, name, settings, now, countries)
    for other in sources.listing(connection):
        if other.node == request.node and other.state == PROPOSED and other.authority != request.found.authority:
            raise HarvestError(
                f"{request.node} asked with another key or other addresses than were shown when it was added; "
                f"look again with chm source add {request.address}, or chm source reject it"
            )
    sources.propose(connection, request.address, request.found, now)
    source = sources.approve(connection, request.node, settings, now, countries)
    requests.decide(connection, request, requests.APPROVED, now)
    answer(connection, settings, request, ACCEPT, "", now)
    return source


def reject(connection: Connection, name: str, reason: str, settings: Settings, now: datetime) -> Request:
    """Do not harvest the node that asked; it is told why. Raises HarvestError."""
    request = requests.request_named(connection, name)
    requests.decide(connection, request, requests.REJECTED, now, reason)
    answer(connection, settings, request, REJECT, reason, now)
    return request


def answer(
    connection: Connection, settings: Settings, request: Request, kind: str, summary: str, now: datetime
) -> None:
    """Have the node told."""
    said = Notification(kind, f"urn:uuid:{uuid4()}", settings.node_iri, request.activity, request.node, summary)
    inbox = request.found.inbox if request.found else ""
    outbox.put(connection, said, inbox, current_name(settings), now)
