"""Asks hubs for the receipts of our own records."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from urllib.parse import urlencode

from sqlalchemy import Connection, Engine

from chm_node.database import reading, writing
from chm_node.errors import FetchError, HarvestError, ParseError
from chm_node.http_client import HttpClient
from chm_node.settings import Settings
from harvest import hubs
from harvest.discovery import describe
from harvest.dispatch import fetch_policy
from harvest.readers import Readers
from harvest.schedule import next_due
from harvest.standing import Told, ToldPage, read_receipts
from harvest.visit import Visit

#: How often the worker asks a hub, give or take a fifth.
INTERVAL = timedelta(hours=1)
#: Half a million receipts, as our hubs write them; a hub that links on and on is left there.
MAX_PAGES = 1000
_NOT_FOUND = 404


@dataclass(frozen=True)
class HubAnswer:
    """What a hub says of itself, and of each record of ours, by IRI."""

    titles: Mapping[str, str]
    told: Mapping[str, Told]


def receipts_at(hub: str, node: str, client: HttpClient, readers: Readers) -> HubAnswer:
    """What the hub at an address says of the records of our node; raises HarvestError."""
    found = describe(hub, Visit(client, readers, {}, hub))
    if not found.receipts:
        raise HarvestError(f"{hub} does not publish what became of the records it was offered")
    visit = Visit(client, readers, {}, found.receipts)
    try:
        pages = _pages(f"{found.receipts}?{urlencode({'node': node})}", visit)
        return HubAnswer(found.titles, {each.iri: each for page in pages for each in _about(node, page)})
    except FetchError as error:
        if error.status == _NOT_FOUND:
            raise HarvestError(f"{hub} does not harvest this node ({node})") from error
        raise


def ask(
    engine: Engine, settings: Settings, address: str, client: HttpClient, readers: Readers, now: datetime, jitter: float
) -> None:
    """Ask a hub that is remembered, and keep what it says, or why it says nothing."""
    try:
        answer = receipts_at(address, settings.node_iri, client, readers)
    except HarvestError as error:
        waits = error.retry_after if isinstance(error, FetchError) else timedelta(0)
        with writing(engine) as connection:
            failures = hubs.failures(connection, address) + 1
            hubs.failed(connection, address, str(error), next_due(now, INTERVAL, failures, waits, jitter))
        return
    with writing(engine) as connection:
        store(connection, address, answer, now, jitter)


def store(connection: Connection, address: str, answer: HubAnswer, now: datetime, jitter: float) -> None:
    """Keep what a hub said, and have it asked again."""
    due = next_due(now, INTERVAL, 0, timedelta(0), jitter)
    hubs.answered(connection, address, answer.titles, answer.told.values(), now, due)


def ask_next(
    engine: Engine,
    settings: Settings,
    clock: Callable[[], datetime],
    stop: Event,
    jitter: float,
    connect: Callable[[], HttpClient] | None = None,
) -> bool:
    """Ask the hub that has waited longest; False when none is due."""
    with reading(engine) as connection:
        if stop.is_set() or not hubs.is_due(connection, clock()):
            return False  # without taking the log's lock at every tick
    with writing(engine) as connection:
        address = hubs.claim(connection, clock())
    if address is None:
        return False
    with connect() if connect else HttpClient(fetch_policy(settings)) as client, Readers(1) as readers:
        ask(engine, settings, address, client, readers, clock(), jitter)
    return True


def _pages(address: str, visit: Visit) -> Iterator[ToldPage]:
    asked: set[str] = set()
    while address:
        if address in asked or len(asked) == MAX_PAGES or not visit.is_own(address):
            raise ParseError(f"{address} is no further page of receipts: it was read before, or lies elsewhere")
        asked.add(address)
        document = visit.get(address, "application/json")
        assert document  # noqa: S101  only what was seen before can be unchanged
        page: ToldPage = visit.read(read_receipts, document)
        yield page
        address = page.next


def _about(node: str, page: ToldPage) -> tuple[Told, ...]:
    if page.node != node:
        raise ParseError(f"the hub was asked about {node} and answers about {page.node}")
    return page.receipts
