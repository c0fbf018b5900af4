"""One harvest of one source: its description, its log page by page, and once a week a comparison."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Engine

from chm_node.catalogue import ChangeLog
from chm_node.database import reading, writing
from chm_node.errors import FetchError, HarvestError, LeaseLostError, ParseError, StorageError
from chm_node.http_client import HttpClient
from chm_node.search import index
from chm_node.settings import Settings
from harvest import (
    compare,
    dump,
    equivocation,
    leases,
    members,
    origins,
    push,
    quarantine,
    runs,
    sources,
    store,
    vouching,
    withheld,
)
from harvest.adapters import ADAPTERS
from harvest.ahead import Reading, read_ahead
from harvest.bounds import LONGEST_DUMP, LONGEST_RUN, Bounds
from harvest.description import RDF_SYNTAXES, Description, DumpLink, read_description
from harvest.healing import Healing
from harvest.overview import RunView, run_view
from harvest.page import Page, judged_anew, read_page
from harvest.quarantine import Kind
from harvest.readers import Readers
from harvest.schedule import next_due
from harvest.sources import Source
from harvest.taking import Taking, later
from harvest.transactions import Clock, Transactions
from harvest.trust import CLOCK_TOLERANCE, Powers
from harvest.visit import Document, Visit

#: Newest versions whose proofs are not checked again when an open page is read once more.
_KNOWN_VERSIONS = 1000
#: After so many changes the search index is worth tidying.
_MANY_CHANGES = 1000
_TOO_MANY = (
    "too many withdrawals to be taken over unasked, so {} of them wait; all else was taken over. Ask the peer, then "
    "decide: chm held"
)
_CUT_SHORT = "ended before the last page; the next harvest goes on from here"


class Harvest:
    """One run under a lease."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        source: Source,
        client: HttpClient,
        readers: Readers,
        clock: Clock,
        stop: threading.Event,
        *,
        with_list: bool = False,
        sampling: origins.Sampling | None = None,
    ) -> None:
        if not source.last_success:
            readers.begin()  # there will be pages to read
        self._engine = engine
        self._settings = settings
        self._source = source
        self._readers = readers
        self._clock = clock
        self._comparing = with_list or clock() >= source.compared + compare.INTERVAL
        self._uncompared = False
        self._sampling = sampling or origins.Sampling()
        self._notes: list[str] = []  # what a person should read in the run's message
        self._bounds = Bounds(settings, clock, stop, self._notes.append)
        self._described: Description | None = None  # None when it is what it was
        self._started = clock()
        with writing(engine) as connection:
            self._run_id = runs.begin(connection, source.id, self._started)
            frontier = store.frontier(connection, source.id)
        if self._comparing:
            frontier.pop(source.node, None)  # the description is needed for where the list is
        self._visit = Visit(client, readers, frontier, source.feed)
        self._transactions = Transactions(engine, settings, self._run_id, clock)
        self._taking = Taking(self._transactions, self._notes.append)

    def run(self, jitter: float) -> RunView:
        """Harvest, and say how it went: a fault of the peer is an outcome, not an error.

        ``jitter`` is a random number from 0 up to 1, for the next due time. A fault of ours is raised, after the run
        was ended.
        """
        complete, retry_after = False, timedelta(0)
        try:
            complete = self._walk()
            outcome = self._outcome()
        except LeaseLostError:
            outcome = self._outcome()
        except FetchError as error:
            outcome, retry_after = runs.UNREACHABLE, error.retry_after
            self._notes.insert(0, str(error))
        except ParseError as error:
            outcome = runs.PARSE_ERROR
            self._notes.insert(0, str(error))
        except HarvestError as error:  # what a person has to decide: too much missing from the list, another key
            outcome = runs.QUARANTINED
            self._notes.insert(0, str(error))
        except Exception:
            # Or the source would be tried again and again at once, with a run that never ends.
            self._notes.insert(0, "unexpected fault of ours, see the log")
            self._finish(runs.PARSE_ERROR, complete, retry_after, jitter)
            raise
        return self._finish(outcome, complete, retry_after, jitter)

    def _walk(self) -> bool:
        """Take over every page; False when it ended before: the time, the worker or the room on the disk did."""
        if not self._bounds.has_room():
            return False
        self._read_description()
        self._ask_members()
        powers = self._powers()
        self._take_ripe(powers)
        if not self._begin_with_dump(powers):
            return False
        if not self._take_log(powers):
            return False
        if self._taking.began_anew(self._source, self._visit):
            self._notes.append("the peer's log was begun anew, as after a restore or an erasure")
            self._comparing = True
        self._taking.remember(self._source, self._visit)
        self._settle_second_texts(powers)
        if not self._comparing:
            return True
        self._ask_origins(powers)
        return self._compare(powers)

    def _read_description(self) -> None:
        """Hear what the source says of itself; raises HarvestError when it contradicts what was pinned."""
        document = self._visit.get(self._source.node, RDF_SYNTAXES)
        if document is None:
            return
        found: Description = self._visit.read(read_description, document)
        if contradiction := sources.contradiction(self._source, found):
            raise HarvestError(contradiction)
        with self._transactions.begin(self._source) as ledger:
            self._source, refused = vouching.hear(ledger, found.members)
        if refused:
            contradiction = "with other addresses or another key than are pinned here"
            self._notes.append(f"the peer vouches for {members.named(refused)} {contradiction}")
        self._taking.branches[self._source.node] = document.seen
        self._described = found

    def _ask_members(self) -> None:
        """Ask nodes that the hub vouches for whether it speaks the truth, some in each run."""
        due = members.due(self._source.members, self._clock())
        answers = vouching.ask(self._visit, due, self._bounds.within(origins.LONGEST_ASKING))
        if not answers:
            return
        before = self._source.members
        with self._transactions.begin(self._source) as ledger:
            self._source, anew = vouching.settle(ledger, answers)
        self._notes += vouching.notes(before, self._source.members, answers)
        if anew:
            self._visit.frontier.clear()

    def _powers(self) -> Powers:
        """What the source may say today."""
        with reading(self._engine) as connection:
            return sources.powers(connection, self._settings, sources.get(connection, self._source.id))

    def _take_ripe(self, powers: Powers) -> None:
        """Take over what was dated ahead and whose time has come."""
        with reading(self._engine) as connection:
            offers = quarantine.ripe(connection, self._source.id, self._clock() + CLOCK_TOLERANCE)
        page = Page(tuple(judged_anew(each, powers) for each in offers), None, closed=True)
        if offers:
            with self._transactions.begin(self._source) as ledger:
                ledger.no_longer_held(Kind.FUTURE, [each.iri for each in offers])
                ledger.store("", None, page)

    def _begin_with_dump(self, powers: Powers) -> bool:
        """On the first harvest of a large peer, take over its dump; the log is then read from there.

        Whatever is wrong with the dump, the log has everything. False when the run has to end.
        """
        link = dump.worthwhile(self._source, self._described, self._clock()) if self._described else None
        if not link:
            return True
        try:
            reached = self._take_dump(link, powers)
        except (FetchError, ParseError, StorageError) as error:
            self._notes.append(f"the dump was left aside and the whole log is read: {error}")
            return True
        if reached is None:
            return False
        self._source = replace(self._source, cursor=reached)
        with self._transactions.begin(self._source) as ledger:
            ledger.read_up_to(reached)
        return True

    def _take_dump(self, link: DumpLink, powers: Powers) -> datetime | None:
        """The log timestamp that the dump reaches; None when it was left before its end."""
        newest, go_on = None, self._bounds.within(LONGEST_DUMP)
        with dump.fetched(self._visit, link, self._settings.data_dir, self._bounds.room()) as documents:
            for document, reading_page in self._read(documents, powers):
                page = reading_page.result()
                newest = later(newest, page.newest)
                # The cursor waits for the end: a dump that breaks off is followed by the whole log.
                with self._transactions.begin(self._source) as ledger:
                    ledger.store(document.address, None, replace(page, newest=None))
                if not go_on():
                    self._notes.append(_CUT_SHORT)
                    return None
        return dump.reached(link, newest)

    def _take_log(self, powers: Powers) -> bool:
        """Take over every page that may hold something new; False when it ended before."""
        complete, go_on = True, self._bounds.within(LONGEST_RUN)
        for document, reading_page in self._read(ADAPTERS["ldes"](self._source, self._visit), powers):
            self._taking.take(self._source, document, reading_page)
            if not go_on():
                self._notes.append(_CUT_SHORT)
                complete = False
                break
        return complete

    def _read(self, documents: Iterator[Document], powers: Powers) -> Iterator[Reading]:
        return read_ahead(documents, lambda document: self._submit(document, powers), self._readers)

    def _submit(self, document: Document, powers: Powers) -> "Future[Page]":
        known = frozenset[str]()
        if document.address in self._visit.frontier:  # an open page that grew: most of it was checked before
            with reading(self._engine) as connection:
                known = ChangeLog(connection).newest_digests(_KNOWN_VERSIONS)
        return self._readers.submit(
            read_page, document.data, document.media_type, document.url, powers, self._clock(), known
        )

    def _settle_second_texts(self, powers: Powers) -> None:
        """Ask the origins which of two texts of one version counts."""
        go_on = self._bounds.within(origins.LONGEST_ASKING)
        self._notes += equivocation.settle(self._transactions, self._source, self._visit, powers, go_on)

    def _ask_origins(self, powers: Powers) -> None:
        """See whether this hub passes on the newest (a sample of what is held) and all (the lists of some nodes)."""
        source, longest = self._source, origins.LONGEST_ASKING
        with reading(self._engine) as connection:
            nodes = members.pinned(source.members, source.countries)
            drawn = origins.sample(connection, nodes.keys(), self._sampling)
            lists = withheld.draw(connection, source, self._sampling.dice)
        parts = (self._transactions, source, self._visit, powers)
        self._notes += origins.check(*parts, drawn, self._bounds.within(longest))
        self._notes += withheld.check(*parts, lists, self._bounds.within(longest))

    def _compare(self, powers: Powers) -> bool:
        """Compare our copies of the peer's own records with its list, and heal what differs; False when cut short."""
        go_on = self._bounds.within(LONGEST_RUN)
        healed = Healing(self._transactions, self._source, self._visit, powers, go_on).heal(self._described)
        self._uncompared = healed.failed
        self._notes += filter(None, (healed.note,))
        return not healed.goes_on

    def _outcome(self) -> str:
        with reading(self._engine) as connection:
            counts = runs.counts(connection, self._run_id)
        if self._taking.refused and not counts.changed and not counts.unchanged:
            return runs.PARSE_ERROR
        if counts.rejected or self._uncompared or self._bounds.disk_is_full:
            return runs.PARTIAL
        return runs.OK if self._taking.read or self._taking.branches else runs.NOT_MODIFIED

    def _finish(self, outcome: str, complete: bool, retry_after: timedelta, jitter: float) -> RunView:
        now = self._clock()
        well = outcome in (runs.OK, runs.NOT_MODIFIED, runs.PARTIAL)
        failures = 0 if well else self._source.failures + 1
        interval = timedelta(minutes=self._settings.poll_minutes)
        goes_on = well and not complete and not self._bounds.disk_is_full
        due = now if goes_on else next_due(now, interval, failures, retry_after, jitter)
        with writing(self._engine) as connection:
            if well and (held := quarantine.withdrawals_waiting(connection, self._source.id, self._started)):
                outcome = runs.QUARANTINED
                self._notes.insert(0, _TOO_MANY.format(held))
            message = "; ".join(self._notes)
            ours = leases.release(connection, self._source, due, failures, now if well and complete else None)
            runs.end(connection, self._run_id, now, outcome, message, self._visit.cost.requests, self._visit.cost.bytes)
            if ours and well and complete:
                quarantine.forget_settled(connection, self._source.id)
                push.announced(connection, self._source, self._visit.announced, now)
            view = run_view(connection, self._run_id)
            if view.created + view.updated + view.withdrawn >= _MANY_CHANGES:
                index.merge(connection)
            return view
