"""After a restore: our own records come back from a hub, as we signed them.

A hub can give back only what our keys signed, and what it gives is written into the log as it is, with its version of
then. So a hub that withholds a later version does no lasting harm: that one is newer wherever it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from sqlalchemy import Connection, Engine

from chm_node.catalogue import Catalogue, ChangeLog
from chm_node.database import reading, writing
from chm_node.http_client import HttpClient
from chm_node.keys import node_signer, public_keys
from chm_node.record import Action, Change, Entry, RecordGraph
from chm_node.settings import Settings
from harvest.compare import asked
from harvest.description import Description
from harvest.discovery import describe
from harvest.hubs import own_records
from harvest.inquiry import receipts_at
from harvest.plan import Judged, Planned, plan
from harvest.readers import Readers
from harvest.standing import compare
from harvest.trust import Authority, HeldVersion, Powers
from harvest.visit import Visit

#: Records written in one transaction.
BATCH = 100


@dataclass(frozen=True)
class Recovered:
    """What came back from a hub."""

    created: int = 0
    updated: int = 0
    withdrawn: int = 0
    #: IRI and reason code of what could not be taken over; no code when the hub said nothing usable.
    refused: tuple[tuple[str, str], ...] = ()

    def __add__(self, other: "Recovered") -> "Recovered":
        return Recovered(
            self.created + other.created,
            self.updated + other.updated,
            self.withdrawn + other.withdrawn,
            self.refused + other.refused,
        )


class Recovery:
    """Our records as one hub has them, beside ours."""

    def __init__(self, engine: Engine, settings: Settings, hub: str, client: HttpClient, readers: Readers) -> None:
        self._engine = engine
        self._settings = settings
        self._hub: Description = describe(hub, Visit(client, readers, {}, hub))
        self._visit = Visit(client, readers, {}, self._hub.authority.node)
        self._told = receipts_at(hub, settings.node_iri, client, readers).told
        # The hub's rules, as if it offered our records to a stranger: our own would be an echo to us.
        in_use, *former = public_keys(settings, node_signer(settings).multikey)
        ours = Authority(settings.node_iri, settings.uri_space, in_use.multikey, tuple(former))
        self._powers = Powers(self._hub.authority.node, self._hub.authority.uri_space, ours, {})

    def missing(self) -> list[str]:
        """Records of which the hub has a version that we do not have."""
        with reading(self._engine) as connection:
            own = list(own_records(connection, self._settings.node_iri))
        return [each.iri for each in compare(own, self._told, self._settings.uri_space) if each.ahead]

    def take(self, iris: Sequence[str], now: datetime, step: Callable[[int], None]) -> Recovered:
        """Fetch these records and take over what our keys signed; ``step`` hears how many are done.

        Raises FetchError when the hub does not answer; what came before stays.
        """
        total = Recovered()
        for start in range(0, len(iris), BATCH):
            batch = iris[start : start + BATCH]
            offered = {iri: self._asked(iri, now) for iri in batch}
            judged = [each for found in offered.values() for each in found]
            with writing(self._engine) as connection:
                total += _written(connection, judged, now)
            silent = tuple((iri, "") for iri, found in offered.items() if not found)
            total += Recovered(refused=silent)
            step(len(batch))
        return total

    def _asked(self, iri: str, now: datetime) -> Sequence[Judged]:
        address = f"{self._hub.authority.node.removesuffix('node')}record?iri={quote(iri, safe='')}"
        page = asked(self._visit, iri, self._powers, now, address)
        return page.judged if page else ()


def _written(connection: Connection, judged: Sequence[Judged], now: datetime) -> Recovered:
    catalogue, log = Catalogue(connection), ChangeLog(connection)
    iris = [each.offer.iri for each in judged]
    held = {iri: HeldVersion(*version) for iri, version in catalogue.digests(iris).items()}
    planned = plan(held, judged, now)
    known = catalogue.held(iris)
    titles = {iri: each.titles for iri, each in known.items()}
    times = log.next_log_times(len(planned.changes), now)
    log.append([_change(each, at, titles) for each, at in zip(planned.changes, times, strict=True)])
    actions = [each.action for each in planned.changes]
    refused = tuple((each.offer.iri, each.verdict.value) for each in planned.judged if each.verdict.refused)
    created, updated, withdrawn = (actions.count(each) for each in (Action.CREATE, Action.UPDATE, Action.DELETE))
    return Recovered(created, updated, withdrawn, refused)


def _change(planned: Planned, log_time: datetime, titles: Mapping[str, Mapping[str, str]]) -> Change:
    offer, entry = planned.judged.offer, planned.judged.entry
    assert entry and offer.version  # noqa: S101  both belong to every accepted offer
    if planned.action is Action.DELETE:  # a tombstone states no title
        entry = Entry(entry.type, titles.get(offer.iri, {}), {}, ())
    graph = RecordGraph(offer.iri, planned.action, offer.origin, offer.version, offer.nquads, offer.digest, offer.proof)
    return Change(log_time, graph, entry, issued=offer.issued, unknown_terms=planned.judged.unknown_terms)
