"""Asks a hub for the receipts of our own records."""

import json
from collections.abc import Iterator
from urllib.parse import urlencode

from sqlalchemy import Connection, select

from chm_node.database import record as record_table
from chm_node.errors import FetchError, HarvestError, ParseError
from chm_node.http_client import HttpClient
from chm_node.record import from_milliseconds
from harvest.discovery import describe
from harvest.readers import Readers
from harvest.standing import Own, Told, ToldPage, read_receipts
from harvest.visit import Visit

#: Half a million receipts, as our hubs write them; a hub that links on and on is left there.
MAX_PAGES = 1000
_NOT_FOUND = 404


def receipts_at(hub: str, node: str, client: HttpClient, readers: Readers) -> dict[str, Told]:
    """What the hub at an address says of each record of our node, by IRI; raises HarvestError."""
    found = describe(hub, Visit(client, readers, {}, hub))
    if not found.receipts:
        raise HarvestError(f"{hub} does not publish what became of the records it was offered")
    visit = Visit(client, readers, {}, found.receipts)
    try:
        pages = _pages(f"{found.receipts}?{urlencode({'node': node})}", visit)
        return {each.iri: each for page in pages for each in _about(node, page)}
    except FetchError as error:
        if error.status == _NOT_FOUND:
            raise HarvestError(f"{hub} does not harvest this node ({node})") from error
        raise


def own_records(connection: Connection, node: str) -> Iterator[Own]:
    """Every record of this node, tombstones included."""
    for row in connection.execute(select(record_table).where(record_table.c.origin == node)):
        yield Own(row.iri, json.loads(row.titles), row.digest, row.withdrawn, from_milliseconds(row.version))


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
