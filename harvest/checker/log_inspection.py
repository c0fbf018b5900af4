"""Looks at a log: its root, and a sample of its pages from the oldest to the newest."""

from collections import deque
from collections.abc import Sequence
from typing import TypeVar

from chm_node.errors import ParseError
from chm_node.foreign import FORMATS
from chm_node.http_client import Answer
from chm_node.namespaces import AS
from harvest.checker.asking import Asker, Reply
from harvest.checker.reading import Described, LogPage, Stream, read_log_page, read_stream
from harvest.checker.seen import LogSeen, PageSeen
from harvest.page import Relation
from harvest.visit import RDF as SYNTAXES

__all__ = ["MAX_PAGES", "SYNTAXES", "look", "spread"]

#: Besides the root.
MAX_PAGES = 5

_Each = TypeVar("_Each")


def look(asker: Asker, start: Reply, described: Described | None) -> LogSeen:
    """The log that the description names; without a description, the address itself if it is one."""
    if described is None:
        if start.answer is None or start.answer.media_type not in FORMATS:
            return LogSeen("", None)
        seen = _root(asker, Reply(start.answer.url, start.answer))
        return seen if seen.stream and seen.stream.streams else LogSeen("", None)
    if not described.logs:
        return LogSeen("", None, f"{described.node} names no interface that conforms to LDES")
    return _root(asker, asker.get(described.logs[0], SYNTAXES))


def spread(items: Sequence[_Each], most: int) -> list[_Each]:
    """At most so many of the items, from the first to the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(number * (len(items) - 1) / (most - 1))] for number in range(most)]


def _root(asker: Asker, reply: Reply) -> LogSeen:
    if reply.answer is None:
        return LogSeen(reply.address, None, reply.trouble)
    try:
        stream: Stream = asker.read(read_stream, reply.answer)
    except ParseError as error:
        return LogSeen(reply.address, None, f"{reply.address}: {error}")
    timed_by = stream.paths["timestampPath"] or AS.published
    root = _page(asker, Relation(reply.address), reply, (), timed_by)
    return LogSeen(reply.address, stream, pages=(root, *_pages(asker, root, timed_by)))


def _pages(asker: Asker, root: PageSeen, timed_by: str) -> list[PageSeen]:
    """A sample of what the root leads to: of ranges the pages in them, of a chain its beginning."""
    found: list[PageSeen] = []
    known = {root.relation.page}
    waiting = deque([root])
    while waiting and len(found) < MAX_PAGES:
        above = waiting.popleft()
        relations = [each for each in above.page.relations if each.page not in known] if above.page else []
        for relation in spread(relations, MAX_PAGES - len(found)) if len(found) < MAX_PAGES - 1 else relations[:1]:
            known.add(relation.page)
            reply = asker.get(relation.page, SYNTAXES)
            found.append(_page(asker, relation, reply, (*above.led_from, above.relation.page), timed_by))
            waiting.append(found[-1])
    return found


def _page(asker: Asker, relation: Relation, reply: Reply, led_from: tuple[str, ...], timed_by: str) -> PageSeen:
    if reply.answer is None:
        return PageSeen(relation, None, reply.trouble, led_from=led_from)
    try:
        page: LogPage = asker.read(read_log_page, reply.answer, timed_by)
    except ParseError as error:
        return PageSeen(relation, None, f"{relation.page}: {error}", led_from=led_from)
    return PageSeen(relation, page, "", _is_immutable(reply.answer), led_from, reply.answer)


def _is_immutable(answer: Answer) -> bool:
    directives = answer.headers.get("cache-control", "").lower().split(",")
    return "immutable" in [each.strip() for each in directives]
