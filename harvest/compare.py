"""Comparing our copies of a peer's own records with its resource list: what differs, and what may be gone.

A list that cannot be read to its end says nothing: only a whole one is compared. That a record is not in it is
a question to the peer and no withdrawal.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from chm_node.errors import FetchError, ImplausibleHarvestError, ParseError
from chm_node.foreign import MAX_IRI_CHARACTERS
from chm_node.record import Action, from_milliseconds
from chm_node.tables import record as record_table
from chm_node.text import uri_of
from harvest.description import Description
from harvest.page import Page, read_record
from harvest.plan import ALWAYS_PLAUSIBLE
from harvest.resource_list import Entry, Sitemap, read_sitemap
from harvest.trust import Authority, Powers
from harvest.visit import Document, Visit

INTERVAL = timedelta(days=7)
#: Five million records; a list that leads on and on is left there.
MAX_DOCUMENTS = 100
#: A list that differs more is no list of what we harvested, and is not kept in memory.
MAX_DIFFERING = 10_000
_MAX_LIST_BYTES = 50 * 1024 * 1024
#: With activity and proof; other forms of a record have none that could be checked.
_RECORD = "application/trig"
_TOO_MANY, _FAULT = 429, 500  # statuses that are about the peer, and not about the record
_LEADING = ("capabilitylist", "resourcelist")


@dataclass(frozen=True)
class HeldCopy:
    """What we hold of a record of the peer's."""

    digest: str
    withdrawn: bool
    version: datetime


@dataclass(frozen=True)
class Difference:
    """What the peer has to be asked about."""

    differing: tuple[str, ...]  #: listed with another hash than ours, or not held
    gone: tuple[str, ...]  #: live here and not listed
    same: frozenset[str]  #: live here and listed as they are
    held: int  #: live here


class Comparison:
    """Our copies against a list that comes in parts; grows with what we hold, and not with what is listed."""

    def __init__(self, held: Mapping[str, HeldCopy]) -> None:
        self._live = {iri: copy.digest for iri, copy in held.items() if not copy.withdrawn}
        self._differing: dict[str, None] = {}  # in the order of the list
        self._seen: set[str] = set()  # of those that are live here

    def add(self, iri: str, sha256: str) -> None:
        """A record as it is listed; without a hash it counts as equal. Raises ParseError when too many differ."""
        digest = self._live.get(iri)
        if digest is not None:
            self._seen.add(iri)
        if digest is None or (sha256 and sha256 != digest):
            self._differing[iri] = None
        if len(self._differing) > MAX_DIFFERING:
            raise ParseError(f"more than {MAX_DIFFERING:,} records of the list differ from what is held here")

    def difference(self) -> Difference:
        """What differs, once the whole list was added."""
        gone = tuple(sorted(self._live.keys() - self._seen))
        same = frozenset(self._seen - self._differing.keys())
        return Difference(tuple(self._differing), gone, same, len(self._live))


def check_plausible(found: Difference, max_share: float) -> None:
    """Raises ImplausibleHarvestError when more is gone from the list than one would lose without being asked."""
    allowed = max(ALWAYS_PLAUSIBLE, int(found.held * max_share))
    if len(found.gone) > allowed:
        raise ImplausibleHarvestError(
            f"the peer's resource list lacks {len(found.gone)} of the {found.held} records held from it, such as "
            f"{found.gone[0]}; {allowed} are looked into unasked, and nothing was changed. Ask the peer: "
            "after a restore, chm recover brings them back; if it is meant so, compare once with a higher "
            "max_withdrawal_share"
        )


def held_copies(connection: Connection, node: str) -> dict[str, HeldCopy]:
    """What we hold of a node's own records."""
    columns = (record_table.c.iri, record_table.c.digest, record_table.c.withdrawn, record_table.c.version)
    rows = connection.execute(select(*columns).where(record_table.c.origin == node))
    return {row.iri: HeldCopy(row.digest, row.withdrawn, from_milliseconds(row.version)) for row in rows}


def difference(
    visit: Visit,
    described: Description | None,
    peer: Authority,
    held: Mapping[str, HeldCopy],
    go_on: Callable[[], bool],
) -> Difference:
    """Our copies against the whole of the peer's resource list.

    Raises FetchError, also when it takes too long, or ParseError for anything but a whole list.
    """
    start = described.resource_sync if described else ""
    if not start:
        raise ParseError(f"{peer.node} names no ResourceSync interface")
    waiting, known, whole = [start], {start}, False
    comparison = Comparison(held)
    while waiting:
        if not go_on():
            raise FetchError(start, "takes too long to be read to its end")
        document = _fetched(visit, waiting.pop(0))
        sitemap: Sitemap = visit.read(read_sitemap, document)
        if sitemap.capability == "resourcelist" and not sitemap.index:
            whole = True
            for each in _own(sitemap.entries, peer.uri_space):
                comparison.add(each.iri, each.sha256)
            continue
        further = [address for address in _further(sitemap) if address not in known]
        waiting += further
        known.update(further)
        if len(known) > MAX_DOCUMENTS:
            raise ParseError(f"{start} leads to more than {MAX_DOCUMENTS} documents")
    if not whole:
        raise ParseError(f"{start} leads to no resource list")
    return comparison.difference()


def asked(visit: Visit, iri: str, powers: Powers, now: datetime, address: str = "") -> Page | None:
    """What the peer says of one record, at its own address or at another; None when it says nothing that can be used.

    Raises FetchError.
    """
    address = address or uri_of(iri)
    if not visit.is_own(address):
        return None
    try:
        document = visit.get(address, _RECORD, gone=True)
        page: Page | None = visit.read(read_record, document, iri, powers, now) if document else None
    except ParseError:
        return None
    except FetchError as error:
        if is_about_the_peer(error):
            raise
        return None
    return page if page and document and _answers(document, page) else None


def is_about_the_peer(error: FetchError) -> bool:
    """Whether nothing was learnt about the address itself: its host is silent, busy or broken."""
    return error.status is None or error.status == _TOO_MANY or error.status >= _FAULT


def _answers(document: Document, page: Page) -> bool:
    """Whether a record's address says of it what its status says: a tombstone with 410, a version with 200."""
    tombstones = [each.offer.action is Action.DELETE for each in page.judged]
    return len(tombstones) == 1 and tombstones[0] == document.gone


def is_older(page: Page, held: HeldCopy | None) -> bool:
    """Whether the peer itself has an older version of the record than we have of it."""
    versions = [each.offer.version for each in page.judged if each.offer.version]
    return bool(held and versions and max(versions) < held.version)


def report(found: Difference, unexplained: Sequence[str], own_address: str) -> str:
    """What came of a comparison, for a person."""
    text = f"compared with the peer's list: {len(found.differing)} differed, {len(found.gone)} were not listed"
    if not unexplained:
        return f"{text}; the peer explained them all"
    return (
        f"{text}; {len(unexplained)} stay as they are, such as {unexplained[0]}, for the peer has nothing usable or an "
        f"older version. If it was restored from a backup, it gets them back with: chm recover {own_address}"
    )


def _own(entries: Iterable[Entry], space: str) -> Iterable[Entry]:
    """The peer's own records; an address that is longer than any we read can be none."""
    return (each for each in entries if each.iri.startswith(space) and len(each.iri) <= MAX_IRI_CHARACTERS)


def _further(sitemap: Sitemap) -> Sequence[str]:
    if sitemap.index:
        return [each.address for each in sitemap.entries] if sitemap.capability == "resourcelist" else []
    return [each.address for each in sitemap.entries if each.capability in _LEADING]


def _fetched(visit: Visit, address: str) -> Document:
    if not visit.is_own(address):
        raise ParseError(f"the peer's resource list leads to another host: {address}")
    document = visit.get(address, "application/xml", _MAX_LIST_BYTES)
    if document is None:
        raise ParseError(f"{address} was not sent, although we had not seen it before")
    return document
