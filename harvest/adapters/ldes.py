"""Walks a Linked Data Event Stream (LDES 1.0, TREE): root, ranges and pages, oldest page first.

The stream has to be ordered by ``as:published``, as the CHM Federation Profile asks; where a peer
states no bounds, its pages are read in the order in which they are linked.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from chm_node.errors import FetchError, ParseError, ReaderDiedError
from chm_node.namespaces import RDF, TREE
from harvest.page import Relation, has_relations, read_relations
from harvest.sources import Source
from harvest.visit import Document, Visit

#: Twenty times what a log of 200,000 changes has; a peer that links on and on is left there.
MAX_PAGES = 20_000
GONE = 410
_IS_NODE = f"<{RDF.type}> <{TREE.Node}> .".encode()
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def walk(source: Source, visit: Visit) -> Iterator[Document]:
    """The pages that may hold something new, and those that could not be read last time.

    Raises FetchError when a page cannot be had, ParseError when the root cannot be read.
    """
    queue = _Queue()
    queue.add([Relation(source.feed)])
    while address := queue.next_page():
        try:
            document = visit.get(address)
        except FetchError as error:
            if error.status == GONE and address != source.feed:
                continue  # LDES 1.0: a page that is gone counts as an empty one
            raise
        if document is None:
            queue.add(_open_pages(source, visit))
        elif _is_another(document):
            # Its changes would move the cursor past pages that were not read.
            raise FetchError(address, "answered with another page of the log; a cache or proxy mixes up its answers")
        elif document.url == address or not queue.knows(document.url):
            relations = _relations(document, source, visit)
            queue.add(each for each in relations if _may_be_new(each, source, visit))
            yield replace(document, branch=bool(relations) or address == source.feed)


def _is_another(document: Document) -> bool:
    """Whether what came describes another page; cheap, and only told of the syntax we ask for first."""
    return (
        document.media_type == "application/n-quads"
        and _IS_NODE in document.data
        and b"<%b> %b" % (document.url.encode(), _IS_NODE) not in document.data
    )


class _Queue:
    """Pages to read, oldest first, each once."""

    def __init__(self) -> None:
        self._waiting: list[tuple[datetime, int, str]] = []
        self._known: set[str] = set()

    def add(self, relations: Iterable[Relation]) -> None:
        for each in relations:
            if each.page not in self._known and len(self._known) < MAX_PAGES:
                self._known.add(each.page)
                heapq.heappush(self._waiting, (each.since or _LONG_AGO, len(self._known), each.page))

    def next_page(self) -> str:
        return heapq.heappop(self._waiting)[2] if self._waiting else ""

    def knows(self, address: str) -> bool:
        return address in self._known


def _relations(document: Document, source: Source, visit: Visit) -> list[Relation]:
    if not has_relations(document.data, document.media_type):
        return []
    try:
        found: list[Relation] = visit.read(read_relations, document)
    except ParseError as error:
        if document.address == source.feed or (isinstance(error, ReaderDiedError) and error.killed):
            raise
        return []  # whoever reads its members will say what is wrong with this page
    return found


def _may_be_new(relation: Relation, source: Source, visit: Visit) -> bool:
    """Whether a page has to be read: not when we read it to its end, or when all of it lies behind the cursor."""
    if not visit.is_own(relation.page):
        return False
    if seen := visit.frontier.get(relation.page):
        return not seen.closed
    return relation.before is None or relation.before > source.cursor


def _open_pages(source: Source, visit: Visit) -> list[Relation]:
    """What an unchanged page still leads to: those of its pages that were open when last seen."""
    apart = (source.feed, source.node)
    return [Relation(page) for page, seen in visit.frontier.items() if not seen.closed and page not in apart]
