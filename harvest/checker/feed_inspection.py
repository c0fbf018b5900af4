"""Looks for feeds by catalogue, by link and at the usual addresses, and fetches each twice."""

from collections.abc import Iterator
from urllib.parse import urljoin

from chm_node.errors import ParseError
from chm_node.http_client import Answer
from harvest.checker.asking import Asker, Reply
from harvest.checker.feeds import FEED_TYPES, Feed, looks_like_feed, read_feed
from harvest.checker.reading import catalogued_feeds, linked_feeds
from harvest.checker.seen import Cached, FeedSeen

#: One for each format.
MAX_FEEDS = 4
_ACCEPT = ", ".join((*FEED_TYPES, "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.1"))
_USUAL = ("/feed", "/rss", "/feed.xml", "/rss.xml", "/atom.xml", "/index.xml", "/feeds/all.rss")

Seen = tuple[FeedSeen, Cached | None]


def look(asker: Asker, start: Reply, catalog: Reply, *, plain: bool) -> list[Seen]:
    """The feeds of a site; ``plain`` says that the address is a feed itself, which is then the only one looked at."""
    if plain and start.answer:
        return [_seen(asker, start.address, start.answer)]
    announced = list(dict.fromkeys((*_catalogued(asker, catalog), *_linked(asker, start))))
    own = [each for each in announced if asker.is_own(each)]
    found = [_fetched(asker, each) for each in own[:MAX_FEEDS]]
    return found or list(_guessed(asker, start))


def ask_again(asker: Asker, first: Answer, accept: str, *, is_feed: bool) -> tuple[Cached, Answer | None]:
    """How a document answers those who have it; with the second answer when it was sent again."""
    headers = first.headers
    again = None
    if first.etag or first.last_modified:
        again = asker.get(first.url, accept, etag=first.etag, last_modified=first.last_modified).answer
    unchanged = again is not None and again.not_modified
    compressed = "gzip" in headers.get("content-encoding", "").lower()
    cached = Cached(
        first.url, is_feed, bool(first.etag), bool(first.last_modified), unchanged, compressed, len(first.body)
    )
    return cached, None if unchanged else again


def _catalogued(asker: Asker, catalog: Reply) -> list[str]:
    if catalog.answer is None:
        return []
    try:
        found: list[str] = asker.read(catalogued_feeds, catalog.answer)
    except ParseError:
        return []  # told of as a finding of the description
    return found


def _linked(asker: Asker, start: Reply) -> list[str]:
    if start.answer is None or start.answer.media_type not in ("text/html", "application/xhtml+xml"):
        return []
    try:
        found: list[str] = asker.read(linked_feeds, start.answer)
    except ParseError:
        return []  # a page that cannot be read links to nothing
    return found


def _fetched(asker: Asker, address: str) -> Seen:
    reply = asker.get(address, _ACCEPT)
    if reply.answer is None:
        return FeedSeen(address, None, reply.trouble), None
    return _seen(asker, address, reply.answer)


def _guessed(asker: Asker, start: Reply) -> Iterator[Seen]:
    base = start.answer.url if start.answer else start.address
    for path in _USUAL:
        reply = asker.get(urljoin(base, path), _ACCEPT)
        if reply.answer and looks_like_feed(reply.answer.body, reply.answer.media_type):
            yield _seen(asker, reply.address, reply.answer, announced=False)
            return


def _seen(asker: Asker, address: str, first: Answer, *, announced: bool = True) -> Seen:
    cached, second = ask_again(asker, first, _ACCEPT, is_feed=True)
    try:
        feed: Feed = asker.read(read_feed, first)
    except ParseError as error:
        return FeedSeen(address, None, f"{address}: {error}", announced=announced), cached
    if second is None and not cached.not_modified:
        second = asker.get(first.url, _ACCEPT).answer
    return FeedSeen(address, feed, "", _has_other_ids(asker, feed, second), announced), cached


def _has_other_ids(asker: Asker, feed: Feed, second: Answer | None) -> bool:
    """Whether entries that both answers hold, by title and date, have different ids."""
    if second is None:
        return False
    try:
        again: Feed = asker.read(read_feed, second)
    except ParseError:
        return False
    ids = {(each.title, each.date): each.id for each in again.entries}
    return any(ids.get((each.title, each.date), each.id) != each.id for each in feed.entries)
