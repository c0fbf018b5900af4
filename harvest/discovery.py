"""A peer found by its address: through api-catalog, void, or the address itself; and what a harvest would bring.

Nothing is stored here, and nothing that is read here is trusted: a person sees it and decides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

from sqlalchemy import Connection

from chm_node.addresses import common_form
from chm_node.errors import FetchError, HarvestError, ParseError
from chm_node.http_client import HttpClient
from chm_node.proofs import fingerprint
from chm_node.record import from_milliseconds
from chm_node.settings import Settings
from harvest import sources
from harvest.adapters import ADAPTERS
from harvest.description import LINKSET, RDF_SYNTAXES, Description, read_catalog, read_description
from harvest.page import Page, read_page
from harvest.plan import Judged
from harvest.readers import Readers
from harvest.sources import PROPOSED, Source
from harvest.trust import Powers, Verdict
from harvest.visit import Document, Visit

SAMPLE_SIZE = 10
#: An api-catalog may list much; a node description is among its first entries.
_MAX_CANDIDATES = 10


@dataclass(frozen=True)
class Sample:
    """One record a harvest would offer."""

    iri: str
    titles: dict[str, str]
    verdict: Verdict  #: ACCEPTED, or why it would be refused


@dataclass(frozen=True)
class Proposal:
    """A peer as it describes itself, for a person to compare with what its operator says by another way."""

    address: str
    description: Description
    fingerprint: str  #: of its key; empty when it signs nothing
    samples: tuple[Sample, ...]


def discover(address: str, settings: Settings, client: HttpClient, readers: Readers, now: datetime) -> Proposal:
    """The node behind an address, with a sample of its records.

    Raises HarvestError that says what was tried, FetchError when the host does not answer.
    """
    visit = Visit(client, readers, {}, address)
    found = describe(address, visit)
    multikey = found.authority.multikey
    samples = tuple(_samples(found, settings, Visit(client, readers, {}, found.feed), now))
    return Proposal(address, found, fingerprint(multikey) if multikey else "", samples)


def describe(address: str, visit: Visit) -> Description:
    """What the node behind an address says of itself: the first description among the places where one may be.

    Raises HarvestError that says what was tried, or that it is no address.
    """
    if not common_form(address):
        raise HarvestError(f"{address} is not a plain http or https address, such as https://chm.example.org/")
    reasons: list[str] = []
    for candidate in _candidates(address, visit, reasons):
        try:
            document = visit.get(candidate, RDF_SYNTAXES)
            if document:
                found: Description = visit.read(read_description, document)
                return found
        except (FetchError, ParseError) as error:
            reasons.append(str(error))
    raise HarvestError(f"no node was found at {address}: " + "; ".join(dict.fromkeys(reasons)))


def propose(connection: Connection, proposal: Proposal, now: datetime) -> Source:
    """Remember what was found, for a person to approve."""
    return sources.propose(connection, proposal.address, proposal.description, now)


def _candidates(address: str, visit: Visit, reasons: list[str]) -> Iterator[str]:
    try:
        document = visit.get(urljoin(address, "/.well-known/api-catalog"), LINKSET)
        if document:
            listed: Sequence[str] = visit.read(read_catalog, document)
            yield from (each for each in listed[:_MAX_CANDIDATES] if visit.is_own(each))
    except (FetchError, ParseError) as error:
        reasons.append(str(error))
    yield urljoin(address, "/.well-known/void")
    yield address


def _samples(found: Description, settings: Settings, visit: Visit, now: datetime) -> Iterator[Sample]:
    """The first records of the log, judged as a harvest would."""
    source = _as_source(found)
    powers = Powers(
        settings.node_iri, settings.uri_space, found.authority, {each.node: each.authority for each in found.members}
    )
    count = 0
    for document in ADAPTERS["ldes"](source, visit):
        for judged in _judged(document, visit, powers, now):
            yield Sample(judged.offer.iri, dict(judged.entry.titles) if judged.entry else {}, judged.verdict)
            count += 1
            if count == SAMPLE_SIZE:
                return


def _judged(document: Document, visit: Visit, powers: Powers, now: datetime) -> Sequence[Judged]:
    page: Page = visit.read(read_page, document, powers, now, frozenset())
    return page.judged


def _as_source(found: Description) -> Source:
    """The peer as an adapter wants to see it, before anything is stored."""
    long_ago = from_milliseconds(0)
    return Source(
        id=0,
        address=found.authority.node,
        authority=found.authority,
        key_id=found.key_id,
        feed=found.feed,
        titles=found.titles,
        country=found.country,
        state=PROPOSED,
        due=long_ago,
        lease="",
        failures=0,
        cursor=long_ago,
        last_success=None,
        compared=long_ago,
        members=(),
    )
