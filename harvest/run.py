"""One harvest of one source: walk, read, decide, store, page by page."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Engine, select

from chm_node.database import reading, writing
from chm_node.errors import (
    FetchError,
    HarvestError,
    ImplausibleHarvestError,
    ParseError,
    ReaderDiedError,
    StorageError,
)
from chm_node.http_client import HttpClient
from chm_node.proofs import fingerprint
from chm_node.search import index
from chm_node.settings import Settings
from chm_node.tables import change as change_table
from harvest import compare, dump, leases, members, origins, push, quarantine, receipts, runs, sources, store
from harvest.adapters import ADAPTERS
from harvest.description import RDF_SYNTAXES, Description, read_description
from harvest.page import Page, judged_anew, read_page
from harvest.readers import Readers
from harvest.schedule import next_due
from harvest.sources import RunView, Source
from harvest.trust import CLOCK_TOLERANCE, Powers
from harvest.visit import Document, Seen, Visit

#: A longer run is ended after a page and goes on at the next tick.
LONGEST_RUN = timedelta(minutes=30)
#: A dump is read to its end, or from its beginning the next time.
LONGEST_DUMP = timedelta(hours=6)
#: Newest versions whose proofs are not checked again when an open page is read once more.
_KNOWN_VERSIONS = 1000
#: After so many changes the search index is worth tidying.
_MANY_CHANGES = 1000

#: The time in UTC; only composition roots know a real one.
Clock = Callable[[], datetime]
_Reading = tuple[Document, "Future[Page]"]
_Take = Callable[[Document, "Future[Page]"], bool]


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
        self._engine = engine
        self._settings = settings
        self._source = source
        self._readers = readers
        self._clock = clock
        self._stop = stop
        self._counts = runs.Counts()
        self._pages_read = 0
        self._pages_refused = 0
        self._implausible: ImplausibleHarvestError | None = None
        self._comparing = with_list or clock() >= source.compared + compare.INTERVAL
        self._uncompared = False
        self._sampling = sampling or origins.Sampling()
        self._newest = _Newest()  # of the pages of this run
        self._notes: list[str] = []  # what a person should read in the run's message
        self._described: Description | None = None  # None when it is what it was
        self._read_to_the_end: dict[str, Seen] = {}  # what only counts once everything it leads to is stored
        with writing(engine) as connection:
            self._run_id = runs.begin(connection, source.id, clock())
            frontier = store.frontier(connection, source.id)
        if self._comparing:
            frontier.pop(source.node, None)  # the description is needed for where the list is
        self._visit = Visit(client, readers, frontier, source.feed)

    def run(self, jitter: float) -> RunView:
        """Harvest, and say how it went: a fault of the peer is an outcome, not an error.

        ``jitter`` is a random number from 0 up to 1, for the next due time. A fault of ours is raised, after the run
        was ended.
        """
        complete, retry_after = False, timedelta(0)
        try:
            complete = self._walk()
            outcome = self._outcome()
        except FetchError as error:
            outcome, retry_after = runs.UNREACHABLE, error.retry_after
            self._notes.insert(0, str(error))
        except ParseError as error:
            outcome = runs.PARSE_ERROR
            self._notes.insert(0, str(error))
        except HarvestError as error:  # what a person has to decide: too many withdrawals, another key
            outcome = runs.QUARANTINED
            self._notes.insert(0, str(error))
        except Exception:
            # Or the source would be tried again and again at once, with a run that never ends.
            self._notes.insert(0, "unexpected fault of ours, see the log")
            self._finish(runs.PARSE_ERROR, complete, retry_after, jitter)
            raise
        return self._finish(outcome, complete, retry_after, jitter)

    def _walk(self) -> bool:
        """Take over every page; False when it ended before: the lease, the time or the worker did."""
        powers = self._powers()
        if not self._take_ripe(powers) or not self._begin_with_dump(powers):
            return False
        documents = ADAPTERS["ldes"](self._source, self._visit)
        complete = self._take_all(documents, powers, LONGEST_RUN, self._take)
        if self._implausible:
            raise self._implausible
        if not complete:
            return False
        if self._began_anew():
            self._notes.append("the peer's log was begun anew, as after a restore or an erasure")
            self._comparing = True
        if not self._remember_branches():
            return False
        return not self._comparing or (self._ask_for_sample(powers) and self._compare(powers))

    def _take_ripe(self, powers: Powers) -> bool:
        """Take over what was dated ahead and whose time has come; False when the lease was lost."""
        now = self._clock()
        with reading(self._engine) as connection:
            offers = quarantine.ripe(connection, self._source.id, now + CLOCK_TOLERANCE)
        page = Page(tuple(judged_anew(each, powers) for each in offers), None, closed=True)
        return not offers or self._write(partial(_store_ripe, page))

    def _began_anew(self) -> bool:
        """Whether open pages that we knew are no part of the log any more, or it ends before what was read of it."""
        gone = any(page != self._source.node for page in self._visit.unasked())
        back = not self._pages_refused and self._newest.moment and self._newest.moment < self._source.cursor
        return bool((self._source.feed in self._read_to_the_end and gone) or back)

    def _take_all(self, documents: Iterator[Document], powers: Powers, longest: timedelta, take: _Take) -> bool:
        latest = self._clock() + longest
        for document, reading_page in self._read_ahead(documents, powers):
            if not take(document, reading_page):
                return False
            if self._stop.is_set() or self._clock() > latest:
                self._notes.append("ended before the last page; the next harvest goes on from here")
                return False
        return True

    def _begin_with_dump(self, powers: Powers) -> bool:
        """On the first harvest of a large peer, take over its dump; the log is then read from there.

        Whatever is wrong with the dump, the log has everything. False when the run has to end.
        """
        link = dump.worthwhile(self._source, self._described, self._clock()) if self._described else None
        if not link:
            return True
        try:
            with dump.fetched(self._visit, link, self._settings.data_dir) as documents:
                newest = _Newest()
                if not self._take_all(documents, powers, LONGEST_DUMP, partial(self._take_stretch, newest)):
                    return False
            reached = dump.reached(link, newest.moment)
        except (FetchError, ParseError, ImplausibleHarvestError, StorageError) as error:
            self._notes.append(f"the dump was left aside and the whole log is read: {error}")
            return True
        self._source = replace(self._source, cursor=reached)
        return self._write(partial(_read_up_to, reached))

    def _take_stretch(self, newest: "_Newest", document: Document, reading_page: "Future[Page]") -> bool:
        page = reading_page.result()
        self._pages_read += 1
        newest.see(page)
        # The cursor waits for the end: a dump that breaks off is followed by the whole log.
        return self._write(lambda ledger: ledger.store(document.address, None, replace(page, newest=None)))

    def _powers(self) -> Powers:
        """What the source may say today; raises HarvestError when its description contradicts what was pinned."""
        document = self._visit.get(self._source.node, RDF_SYNTAXES)
        if document:
            found: Description = self._visit.read(read_description, document)
            if contradiction := _contradiction(self._source, found):
                raise HarvestError(contradiction)
            self._hear_claims(found)
            self._read_to_the_end[self._source.node] = document.seen
            self._described = found
        self._ask_members()
        with reading(self._engine) as connection:
            return sources.powers(connection, self._settings, sources.get(connection, self._source.id))

    def _hear_claims(self, found: Description) -> None:
        """Note whom the hub vouches for; nobody is believed before being asked."""
        foreign = [each for each in found.members if each.node not in (self._settings.node_iri, self._source.node)]
        with reading(self._engine) as connection:
            taken = sources.taken(connection, self._settings, self._source)
        claimed, refused = members.claimed(self._source.members, foreign, taken)
        if refused:
            contradiction = "with other addresses or another key than are pinned here"
            self._notes.append(f"the peer vouches for {members.named(refused)} {contradiction}")
        self._write(partial(self._set_members, claimed))

    def _ask_members(self) -> None:
        """Ask nodes that the hub vouches for whether it speaks the truth, some in each run."""
        due, latest = members.due(self._source.members, self._clock()), self._clock() + origins.LONGEST_ASKING
        answers = origins.confirmations(self._visit, due, lambda: not self._stop.is_set() and self._clock() <= latest)
        if answers:
            self._write(partial(self._settle_members, answers))

    def _settle_members(self, answers: Mapping[str, members.Answer], ledger: store.Ledger) -> runs.Counts:
        before = self._source.members
        taken = sources.taken(ledger.connection, self._settings, self._source)
        self._set_members(members.settled(before, answers, taken, ledger.now), ledger)
        self._notes += members.notes(before, self._source.members)
        spaces = [each.authority.uri_space for each in self._source.members if each.node in answers and each.pinned]
        if any(receipts.refuses_under(ledger.connection, self._source.id, space) for space in spaces):
            sources.read_anew(ledger.connection, self._source.id)
            self._source = sources.get(ledger.connection, self._source.id)
            self._visit.frontier.clear()
        return runs.Counts()

    def _set_members(self, found: tuple[members.Member, ...], ledger: store.Ledger) -> runs.Counts:
        sources.set_members(ledger.connection, self._source.id, found)
        self._source = replace(self._source, members=found)
        return runs.Counts()

    def _read_ahead(self, documents: Iterator[Document], powers: Powers) -> Iterator[_Reading]:
        """Pages in order: while one is stored, the children read the next ones and another is fetched.

        What came before a failure is still taken over.
        """
        waiting: deque[_Reading] = deque()
        failure = None
        with ThreadPoolExecutor(1, "fetcher") as fetcher, self._readers.shared():
            while failure is None:
                coming = fetcher.submit(self._fetch, documents, powers)
                while len(waiting) > self._readers.ahead:
                    yield waiting.popleft()
                try:
                    fetched = coming.result()
                except HarvestError as error:
                    failure = error
                    break
                if fetched is None:
                    break
                waiting.append(fetched)
        yield from waiting
        if failure:
            raise failure

    def _fetch(self, documents: Iterator[Document], powers: Powers) -> _Reading | None:
        """The next page, given to a child; None after the last one."""
        document = next(documents, None)
        return (document.without_data(), self._submit(document, powers)) if document else None

    def _submit(self, document: Document, powers: Powers) -> "Future[Page]":
        again = document.address in self._visit.frontier
        known = _newest_digests(self._engine) if again else frozenset[str]()
        return self._readers.submit(
            read_page, document.data, document.media_type, document.url, powers, self._clock(), known
        )

    def _take(self, document: Document, reading_page: "Future[Page]") -> bool:
        """Store one page; False when the lease was lost."""
        try:
            page = reading_page.result()
        except ParseError as error:
            return self._refuse(document, error)
        self._pages_read += 1
        self._newest.see(page)
        if self._implausible:
            return self._write(lambda ledger: ledger.hold(page))
        try:
            return self._store(document, page)
        except ImplausibleHarvestError as error:
            self._implausible = error
        # From here on pages are only searched for further withdrawals, so that a person is asked once about all.
        self._write(self._release)
        return self._write(lambda ledger: ledger.hold(page))

    def _store(self, document: Document, page: Page) -> bool:
        if not document.branch:
            return self._write(lambda ledger: ledger.store(document.address, document.seen, page))
        self._read_to_the_end[document.address] = document.seen
        return not page.judged or self._write(lambda ledger: ledger.store(document.address, None, page))

    def _release(self, ledger: store.Ledger) -> runs.Counts:
        quarantine.release(ledger.connection, self._source.id)
        return runs.Counts()

    def _refuse(self, document: Document, error: ParseError) -> bool:
        if document.address == self._source.feed:
            raise error
        if self._implausible:
            return True
        self._pages_refused += 1
        # The reason may quote a record; it stands where an erasure looks for it.
        self._notes.append(f"{document.address} was refused; its receipt says why")
        seen = document.seen
        if isinstance(error, ReaderDiedError) and error.killed:
            seen = replace(seen, digest="")  # blameless, it may be: it is read again whether it has changed or not
        return self._write(lambda ledger: ledger.refuse(document.address, seen, str(error)))

    def _remember_branches(self) -> bool:
        if not self._read_to_the_end:
            return True
        return self._write(self._remember)

    def _remember(self, ledger: store.Ledger) -> runs.Counts:
        for address, seen in self._read_to_the_end.items():
            ledger.remember(address, seen)
        if self._source.feed in self._read_to_the_end:
            ledger.forget(page for page in self._visit.unasked() if page != self._source.node)
        return runs.Counts()

    def _write(self, act: Callable[[store.Ledger], runs.Counts]) -> bool:
        """One transaction of the run; False, and nothing written, when another run holds the lease by now."""
        now = self._clock()
        with writing(self._engine) as connection:
            if not leases.renew(connection, self._source, now):
                return False
            counts = act(store.Ledger(connection, self._settings, self._source, self._run_id, now))
        self._counts += counts
        return True

    def _ask_for_sample(self, powers: Powers) -> bool:
        """Compare a few records that came through this hub with what their origins say now, and heal them.

        False when the lease was lost. Raises ImplausibleHarvestError.
        """
        with reading(self._engine) as connection:
            nodes = members.pinned(self._source.members, self._source.countries)
            drawn = origins.sample(connection, nodes.keys(), self._sampling)
        check, latest = origins.Check(), self._clock() + origins.LONGEST_ASKING
        for held in drawn:
            if self._stop.is_set() or self._clock() > latest:
                break
            page, before = check.at_origin(self._visit, held, powers, self._clock()), self._counts.changed
            if page and not self._write(partial(_store_from, held.origin, page)):
                return False
            if page and self._counts.changed > before:
                check.found_newer(page)
        self._notes += check.notes()
        return True

    def _compare(self, powers: Powers) -> bool:
        """Compare our copies of the peer's own records with its list, and ask for what differs; False when cut short.

        Raises ImplausibleHarvestError. Whatever else fails is told, and the harvest stays what it was.
        """
        if not self._write(partial(_compared, self._clock())):
            return False
        try:
            with reading(self._engine) as connection:
                held = compare.held_copies(connection, self._source.node)
            difference = compare.difference(self._visit, self._described or self._asked_again(), self._source, held)
            compare.check_plausible(difference, self._settings.max_withdrawal_share)
            return self._settle(difference, held, powers)
        except (FetchError, ParseError) as error:
            self._uncompared = True
            self._notes.append(f"our copies could not be compared with the peer's list: {error}")
            return True

    def _asked_again(self) -> Description | None:
        """The description, which names the list, although it has not changed."""
        self._visit.frontier.pop(self._source.node, None)
        document = self._visit.get(self._source.node, RDF_SYNTAXES)
        found: Description | None = self._visit.read(read_description, document) if document else None
        return found

    def _settle(self, difference: compare.Difference, held: Mapping[str, compare.HeldCopy], powers: Powers) -> bool:
        latest, changed_before = self._clock() + LONGEST_RUN, self._counts.changed
        unexplained: list[str] = []
        for iri in (*difference.differing, *difference.gone):
            if self._stop.is_set() or self._clock() > latest:
                return self._break_off(healed=self._counts.changed > changed_before)
            offered = compare.asked(self._visit, iri, powers, self._clock())
            if offered is None or compare.is_older(offered, held.get(iri)):
                unexplained.append(iri)
            elif not self._write(partial(_store_record, offered)):
                return False
        if difference.differing or difference.gone:
            self._notes.append(compare.report(difference, unexplained, self._settings.base_url))
        return True

    def _break_off(self, *, healed: bool) -> bool:
        """End a comparison before its end; True when it counts as done, or a peer could keep us at it for ever."""
        if not healed:
            self._notes.append("the comparison was ended before the last record, having healed none")
            return True
        self._notes.append("the comparison goes on with the next harvest")
        self._write(partial(_compared, self._source.compared))
        return False

    def _outcome(self) -> str:
        if self._pages_refused and not self._counts.changed and not self._counts.unchanged:
            return runs.PARSE_ERROR
        if self._counts.rejected or self._uncompared:
            return runs.PARTIAL
        return runs.OK if self._pages_read or self._read_to_the_end else runs.NOT_MODIFIED

    def _finish(self, outcome: str, complete: bool, retry_after: timedelta, jitter: float) -> RunView:
        now = self._clock()
        well = outcome in (runs.OK, runs.NOT_MODIFIED, runs.PARTIAL)
        failures = 0 if well else self._source.failures + 1
        interval = timedelta(minutes=self._settings.poll_minutes)
        due = next_due(now, interval, failures, retry_after, jitter) if complete or not well else now
        message = "; ".join(self._notes)
        with writing(self._engine) as connection:
            ours = leases.release(connection, self._source, due, failures, now if well and complete else None)
            runs.end(connection, self._run_id, now, outcome, message, self._visit.cost.requests, self._visit.cost.bytes)
            if ours and well and complete:
                quarantine.release(connection, self._source.id)
                push.announced(connection, self._source, self._visit.announced, now)
            if self._counts.changed >= _MANY_CHANGES:
                index.merge(connection)
            return sources.run_view(connection, self._run_id)


@dataclass
class _Newest:
    """The log timestamp up to which a dump or a log was read."""

    moment: datetime | None = None

    def see(self, page: Page) -> None:
        self.moment = max(filter(None, (self.moment, page.newest)), default=None)


def _read_up_to(moment: datetime, ledger: store.Ledger) -> runs.Counts:
    ledger.read_up_to(moment)
    return runs.Counts()


def _compared(moment: datetime, ledger: store.Ledger) -> runs.Counts:
    ledger.compared(moment)
    return runs.Counts()


def _store_from(origin: str, page: Page, ledger: store.Ledger) -> runs.Counts:
    return replace(ledger, sender=origin).store("", None, page)


def _store_record(page: Page, ledger: store.Ledger) -> runs.Counts:
    return ledger.store("", None, page)


def _store_ripe(page: Page, ledger: store.Ledger) -> runs.Counts:
    quarantine.forget(ledger.connection, ledger.source.id, (each.offer.iri for each in page.judged))
    return ledger.store("", None, page)


def _contradiction(source: Source, found: Description) -> str:
    """Why a person has to approve the source again; empty while it is what was pinned."""
    pinned, now = source.authority, found.authority
    if now.multikey != pinned.multikey:
        shown = f"a key with the fingerprint {fingerprint(now.multikey)}" if now.multikey else "no key at all"
        return (
            f"{source.node} shows {shown} instead of the one that was approved; ask its operator, then approve it again"
        )
    if now.uri_space != pinned.uri_space:
        return (
            f"{source.node} claims the addresses under {now.uri_space} instead of {pinned.uri_space}; approve it again"
        )
    return "" if found.feed == source.feed else f"{source.node} has moved its log to {found.feed}; approve it again"


def _newest_digests(engine: Engine) -> frozenset[str]:
    with reading(engine) as connection:
        current = select(change_table.c.digest).where(~change_table.c.superseded)
        newest = current.order_by(change_table.c.seq.desc()).limit(_KNOWN_VERSIONS)
        return frozenset(connection.execute(newest).scalars())
