"""Checks one address: looks for a node, its log, its records and its feeds, and reports. Stores nothing."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from threading import Event
from urllib.parse import urljoin, urlsplit

from chm_node.errors import ParseError
from chm_node.foreign import FORMATS
from chm_node.http_client import Answer, HttpClient
from chm_node.record import Action
from harvest.checker import feed_inspection, log_inspection
from harvest.checker.asking import Asker, Reply
from harvest.checker.checks import Finding, Report, State, report
from harvest.checker.feeds import FEED_TYPES, looks_like_feed
from harvest.checker.judging import (
    finding,
    judge_absence,
    judge_caching,
    judge_description,
    judge_log,
    judge_records,
)
from harvest.checker.judging_feeds import judge_feeds
from harvest.checker.log_inspection import spread
from harvest.checker.reading import Described, describe, record_digest
from harvest.checker.seen import Cached, DescriptionSeen, FeedSeen, LogSeen, RecordSeen, RecordsSeen
from harvest.description import LINKSET, RDF_SYNTAXES, Description, read_catalog, read_description
from harvest.members import Member
from harvest.page import Page, read_page
from harvest.plan import Judged
from harvest.readers import Readers
from harvest.trust import Authority, Powers

SAMPLE_SIZE = 10
_MAX_CANDIDATES, _MAX_INTERFACES, _MAX_WITHDRAWN = 5, 10, 5
_ANYTHING = ", ".join(
    (
        RDF_SYNTAXES,
        "application/trig;q=0.7, application/n-quads;q=0.7",
        *(f"{each};q=0.6" for each in FEED_TYPES),
        "text/html;q=0.5, */*;q=0.1",
    )
)
#: We are no node here, so nothing that is offered can be our own.
_NOBODY = "urn:chm:checker"


def inspect(address: str, client: HttpClient, readers: Readers, now: datetime, stop: Event) -> Report:
    """What can be said of the address, within a minute; ``stop`` ends it early."""
    asker = Asker(client, readers, stop)
    start = asker.get(address, _ANYTHING)
    if asker.cut:
        return report(address, [_completeness(asker)])
    if start.answer is None and start.status is None:
        return report(address, [finding("address.answers", [start.trouble])])
    reached = start.answer.url if start.answer else address
    asker.host = urlsplit(reached).netloc
    findings = [
        finding("address.answers", [] if start.answer else [start.trouble]),
        finding("address.https", (), [] if urlsplit(reached).scheme == "https" else [reached]),
    ]
    inspection = _Inspection(asker, start, reached, now)
    for part in (inspection.description, inspection.log, inspection.records, inspection.feeds, inspection.caching):
        cut_before = asker.cut
        found = list(part())
        findings += found if not asker.cut else [each for each in found if not cut_before and _is_sure(each)]
    return report(address, [*findings, _completeness(asker)])


def _completeness(asker: Asker) -> Finding:
    return finding("complete", (), ["not everything was looked at"] if asker.cut else [])


def _is_sure(found: Finding) -> bool:
    """Whether a finding stands although some requests were not made."""
    return found.state is State.PASSED


class _Inspection:
    """One address under inspection; each part goes on from what the parts before have seen."""

    def __init__(self, asker: Asker, start: Reply, reached: str, now: datetime) -> None:
        self._asker = asker
        self._start = start
        self._reached = reached
        self._now = now
        self._pages = _WellKnown(asker, reached, start)
        self._log = LogSeen("", None)
        self._description = DescriptionSeen("", start, None)
        self._feeds: list[tuple[FeedSeen, Cached | None]] = []
        self._plain_feed = start.answer is not None and looks_like_feed(start.answer.body, start.answer.media_type)

    def description(self) -> Iterator[Finding]:
        seen = self._pages.look()
        self._description = seen
        self._log = log_inspection.look(self._asker, self._start, seen.described)
        if seen.described:
            addresses = [each for each in seen.described.interfaces if self._asker.is_own(each)]
            replies = [self._asker.get(each, "*/*") for each in addresses[:_MAX_INTERFACES]]
            seen = replace(seen, interfaces=tuple(replies))
        yield from judge_description(seen)

    def log(self) -> Iterator[Finding]:
        if self._description.described or self._log.stream:
            yield from judge_log(self._log)

    def records(self) -> Iterator[Finding]:
        yield from judge_records(self._sample())

    def feeds(self) -> Iterator[Finding]:
        self._feeds = feed_inspection.look(self._asker, self._start, self._pages.catalog, plain=self._plain_feed)
        feeds = [each for each, _ in self._feeds]
        has_log = self._log.stream is not None
        yield from judge_feeds(feeds, has_node=has_log or self._description.described is not None)
        yield from judge_absence(self._description, has_other=has_log or bool(feeds))

    def caching(self) -> Iterator[Finding]:
        cached = [each for _, each in self._feeds if each]
        if self._log.stream:
            root = self._log.pages[0].answer
            if root:
                own, _ = feed_inspection.ask_again(self._asker, root, log_inspection.SYNTAXES, is_feed=False)
                cached = [own, *cached]
        yield from judge_caching(cached)

    def _sample(self) -> RecordsSeen:
        """Some records of the log, judged as a harvest would, and asked for at their own addresses."""
        asker = self._asker
        pages = [each for each in self._log.pages if each.page and each.page.members]
        gone = [member.record for each in pages if each.page for member in each.page.members if member.withdraws]
        asked = spread([each for each in gone if asker.is_own(each)], _MAX_WITHDRAWN)
        withdrawn = [asker.get(each, "text/turtle") for each in asked]
        described = self._description.described
        if described is None or len(described.spaces) != 1:
            return RecordsSeen(signed=False, withdrawn=withdrawn)
        powers = self._powers(described)
        judged = [found for each in pages if each.answer for found in self._judged(each.answer, powers)]
        sample = spread(judged, SAMPLE_SIZE)
        own = [each for each in sample if each.offer.action is not Action.DELETE and asker.is_own(each.offer.iri)]
        signed = bool(described.multikeys)
        return RecordsSeen(signed, sample, [_at_its_address(asker, each) for each in own], withdrawn)

    def _powers(self, described: Described) -> Powers:
        node = Authority(described.node, described.spaces[0], next(iter(described.multikeys), ""))
        members: Sequence[Member] = ()
        if self._description.answer:
            with suppress(ParseError):  # what is wrong with the description is a finding of its own
                found: Description = self._asker.read(read_description, self._description.answer)
                members, node = found.members, replace(node, former=found.authority.former)
        return Powers(_NOBODY, f"{_NOBODY}:", node, {each.node: each.authority for each in members})

    def _judged(self, answer: Answer, powers: Powers) -> Sequence[Judged]:
        try:
            page: Page = self._asker.read(read_page, answer, powers, self._now, frozenset())
        except ParseError:
            return ()  # a page that cannot be read is a finding of the log
        return page.judged


class _WellKnown:
    """Looks for a description where one may be: api-catalog, void, the address itself."""

    def __init__(self, asker: Asker, reached: str, start: Reply) -> None:
        self._asker = asker
        self._start = start
        self.catalog = asker.get(urljoin(reached, "/.well-known/api-catalog"), LINKSET)
        self._void = asker.get(urljoin(reached, "/.well-known/void"), RDF_SYNTAXES)

    def look(self) -> DescriptionSeen:
        listed, problem = self._listed()
        tried = [each for each in (problem, "" if self._void.answer else self._void.trouble) if each]
        unreadable: list[str] = []
        for reply in self._candidates(listed):
            if reply.answer is None:
                tried.append(reply.trouble)
            elif reply.answer.media_type in FORMATS:
                try:
                    described = self._asker.read(describe, reply.answer)
                except ParseError as error:
                    unreadable.append(f"{reply.answer.url}: {error}")
                    continue
                # Another interface may be a catalogue too; it does not stand for a description that is broken.
                if described and (described.spaces or not unreadable):
                    return DescriptionSeen(problem, self._void, described, tuple(tried), answer=reply.answer)
                tried.append(f"{reply.answer.url} describes no node")
        return DescriptionSeen(problem, self._void, None, tuple(tried), tuple(unreadable))

    def _listed(self) -> tuple[list[str], str]:
        """The candidates of the api-catalog, and what is wrong with it."""
        if self.catalog.answer is None:
            return [], self.catalog.trouble
        try:
            found: list[str] = self._asker.read(read_catalog, self.catalog.answer)
        except ParseError as error:
            return [], str(error)
        return [each for each in found if self._asker.is_own(each)][:_MAX_CANDIDATES], ""

    def _candidates(self, listed: Iterable[str]) -> Iterator[Reply]:
        for address in listed:
            yield self._asker.get(address, RDF_SYNTAXES)
        if self._void.answer:
            yield self._void
        yield self._start


def _at_its_address(asker: Asker, judged: Judged) -> RecordSeen:
    refused, different = [], []
    for media_type in ("text/turtle", "application/ld+json"):
        reply = asker.get(judged.offer.iri, media_type)
        if reply.answer is None:
            refused.append(f"{media_type}: {reply.reason}")
        elif reply.answer.media_type != media_type:
            refused.append(f"{media_type}: came as {reply.answer.media_type or 'nothing stated'}")
        else:
            try:
                found = asker.read(record_digest, reply.answer, judged.offer.iri)
            except ParseError as error:
                refused.append(f"{media_type}: {error}")
                continue
            if found != judged.offer.digest:
                different.append(media_type)
    return RecordSeen(judged.offer.iri, tuple(refused), tuple(different))
