"""From what was seen of feeds to findings. Decides; touches nothing."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from chm_node.text import is_rtl, valid_language_tag
from harvest.checker.checks import Finding
from harvest.checker.feeds import RSS, RSS_1, Entry, Feed
from harvest.checker.judging import finding
from harvest.checker.seen import FeedSeen


def judge_feeds(seen: Sequence[FeedSeen], *, has_node: bool) -> Iterator[Finding]:
    """``has_node``: a node without feeds can be harvested all the same."""
    if not seen:
        nothing = ["no link, no catalogue and none of the usual addresses leads to a feed"]
        yield finding("feeds.found", *(((), nothing) if has_node else (nothing, ())))
        return
    yield finding("feeds.found", (), [f"{each.address} is linked from nowhere" for each in seen if not each.announced])
    untitled = [f"{each.address} has no title" for each in seen if each.feed and not each.feed.title]
    yield finding("feeds.well-formed", [*(each.trouble for each in seen if each.trouble), *untitled])
    feeds = [each.feed for each in seen if each.feed]
    if not feeds:
        return
    yield finding("feeds.language", *_language_problems(feeds))
    yield finding("feeds.self", (), [f"{each.address}: {each.self_link or 'missing'}" for each in feeds
                                     if _place(each.self_link) != _place(each.address)])  # fmt: skip
    if any(feed.entries for feed in feeds):
        yield from _judge_entries(seen, feeds)


def _judge_entries(seen: Sequence[FeedSeen], feeds: Sequence[Feed]) -> Iterator[Finding]:
    undated = [f"{feed.address}: {entry.id or entry.title}: {entry.date or 'no date'}"
               for feed in feeds for entry in feed.entries if not is_dated(feed.kind, entry.date)]  # fmt: skip
    yield finding("feeds.dates", undated)
    unstable = [f"{each.address} gives entries other ids each time" for each in seen if each.changed_ids]
    yield finding("feeds.ids", [*unstable, *(problem for feed in feeds for problem in _id_problems(feed))])
    written = [(feed, entry) for feed in feeds for entry in feed.entries if _runs_right_to_left(entry.title)]
    if written:
        wrong = [f"{feed.address}: {entry.title}" for feed, entry in written
                 if not is_rtl(entry.language or feed.language)]  # fmt: skip
        unmarked = [f"{feed.address}: {entry.title}" for feed, entry in written if _is_unmarked(entry)]
        yield finding("feeds.direction", wrong, unmarked)


def is_dated(kind: str, date: str) -> bool:
    """Whether the date is what the format prescribes, with a zone unless it is a day alone in RSS 1.0."""
    try:
        if kind == RSS:
            return parsedate_to_datetime(date).tzinfo is not None
        moment = datetime.fromisoformat(date)
    except ValueError:
        return False
    return moment.tzinfo is not None or (kind == RSS_1 and "T" not in date)


def _id_problems(feed: Feed) -> Iterator[str]:
    counts = Counter(each.id for each in feed.entries)
    yield from (f"{feed.address}: no id: {each.title}" for each in feed.entries if not each.id)
    yield from (f"{feed.address}: {each} stands {count} times" for each, count in counts.items() if each and count > 1)


def _language_problems(feeds: Sequence[Feed]) -> tuple[list[str], list[str]]:
    wrong = [f"{each.address}: {each.language}" for each in feeds
             if each.language and not valid_language_tag(each.language)]  # fmt: skip
    return wrong, [each.address for each in feeds if not each.language]


def _place(address: str) -> tuple[str, str]:
    """Host and path: a feed's query may be left out where it says the default."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "", ""
    return parts.netloc, parts.path


def _runs_right_to_left(text: str) -> bool:
    letters = [unicodedata.bidirectional(each) for each in text if each.isalpha()]
    return sum(each in ("R", "AL") for each in letters) * 2 > len(letters)


def _is_unmarked(entry: Entry) -> bool:
    """Whether the HTML of an entry that runs right to left does not say so."""
    return "<" in entry.body and not any(f"dir={quote}" in entry.body for quote in ('"rtl', "'rtl", '"auto', "'auto"))
