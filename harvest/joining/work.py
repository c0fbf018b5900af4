"""What the worker does for joining: proves offers, has them checked, takes over keys, sends what is due.

Only here, and only once for each offer, is a stranger's host asked: for the description at the IRI that the stranger
gave as its own. The checker asks more only after the key in that description was found to have signed the offer.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event

from sqlalchemy import Engine

from chm_node.database import reading, writing
from chm_node.errors import FetchError, ParseError
from chm_node.http_client import HttpClient
from chm_node.message_signatures import Message, is_signed_by
from chm_node.settings import Settings
from chm_node.text import host_of
from harvest import sources
from harvest.checker.inspection import inspect
from harvest.description import RDF_SYNTAXES, Description, read_description
from harvest.dispatch import fetch_policy
from harvest.joining import outbox, requests
from harvest.joining.notification import UPDATE
from harvest.joining.requests import Request
from harvest.readers import Readers
from harvest.sources import APPROVED, Source
from harvest.visit import Visit

MAX_DESCRIPTION_BYTES = 2 * 1024 * 1024
#: A node that announced a new key may be away for so long.
_KEEP_ASKING = timedelta(days=7)


def work(
    engine: Engine,
    settings: Settings,
    clock: Callable[[], datetime],
    stop: Event,
    connect: Callable[[], HttpClient] | None = None,
) -> None:
    """Do all that waits for a worker; returns early when told to stop."""
    with reading(engine) as connection:
        idle = not requests.is_open(connection, clock()) and not outbox.is_due(connection, clock())
    if idle:
        return  # without taking the log's lock, or starting a child, at every tick
    with connect() if connect else HttpClient(fetch_policy(settings)) as client, Readers(1) as readers:
        worker = _Worker(engine, client, readers, clock, stop)
        while not stop.is_set() and worker.settle_next():
            pass
        outbox.send_due(engine, settings, client, readers, clock())


class _Worker:
    def __init__(
        self, engine: Engine, client: HttpClient, readers: Readers, clock: Callable[[], datetime], stop: Event
    ) -> None:
        self._engine = engine
        self._client = client
        self._readers = readers
        self._clock = clock
        self._stop = stop

    def settle_next(self) -> bool:
        """Go on with the request that has waited longest; False when none waits."""
        with writing(self._engine) as connection:
            claimed = requests.claim(connection, self._clock())
        if claimed is None:
            return False
        request, message = claimed
        if request.found:
            self._check(request)
        elif request.kind == UPDATE:
            self._take_over_key(request)
        elif message and self._prove(request, message):
            self._check(request)
        return True

    def _prove(self, request: Request, message: Message) -> bool:
        try:
            found = self._described(request.node)
        except (FetchError, ParseError) as error:
            return self._refuse(request, "no-description", str(error))
        if host_of(found.authority.uri_space) != host_of(request.node):
            return self._refuse(request, "no-description", f"it claims {found.authority.uri_space}")
        if request.key_id != found.key_id or request.key_id not in found.authentication:
            return self._refuse(request, "unknown-key", f"{request.node} does not state {request.key_id}")
        if not is_signed_by(message, found.authority.multikey):
            return self._refuse(request, "bad-signature")
        with writing(self._engine) as connection:
            requests.prove(connection, request, found, self._clock())
        return True

    def _check(self, request: Request) -> None:
        report = inspect(request.node, self._client, self._readers, self._clock(), self._stop)
        if not self._stop.is_set():
            with writing(self._engine) as connection:
                requests.keep_report(connection, request, report)

    def _take_over_key(self, request: Request) -> None:
        try:
            found = self._described(request.node)
        except (FetchError, ParseError) as error:
            if self._clock() > request.received + _KEEP_ASKING:
                self._refuse(request, "no-description", str(error))
            return
        with writing(self._engine) as connection:
            source = next((each for each in sources.listing(connection) if each.node == request.node), None)
            if source and follows(source, request.key_id, found):
                sources.take_over_key(connection, source, found, self._clock())
                requests.decide(connection, request, requests.APPROVED, self._clock())
            else:
                seen = f"{request.node} does not state a new key and {request.key_id} as a former one"
                requests.decide(connection, request, requests.REFUSED, self._clock(), "unlisted-key", seen)

    def _described(self, node: str) -> Description:
        """The description at the node's own IRI; raises FetchError or ParseError."""
        visit = Visit(self._client, self._readers, {}, node)
        document = visit.get(node, RDF_SYNTAXES, MAX_DESCRIPTION_BYTES)
        assert document  # noqa: S101  only what was seen before can be unchanged
        found: Description = visit.read(read_description, document)
        if found.authority.node != node:
            raise ParseError(f"{node} leads to the description of {found.authority.node}")
        return found

    def _refuse(self, request: Request, code: str, detail: str = "") -> bool:
        with writing(self._engine) as connection:
            requests.decide(connection, request, requests.REFUSED, self._clock(), code, detail)
        return False


def follows(source: Source, announced_by: str, found: Description) -> bool:
    """Whether a description only replaces the pinned key, which announced it, by a new one."""
    pinned, stated = source.authority, found.authority
    return (
        source.state == APPROVED
        and source.key_id == announced_by
        and bool(stated.multikey)
        and stated.multikey != pinned.multikey
        and found.key_id != source.key_id
        and found.key_id in found.authentication
        and pinned.multikey in {each.multikey for each in stated.former}
        and (stated.uri_space, found.feed) == (pinned.uri_space, source.feed)
    )
