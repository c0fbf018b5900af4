"""What a run takes over of the pages of a log, one transaction a page, and what it remembers of them."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime

from chm_node.errors import ParseError, ReaderDiedError
from harvest.page import Page
from harvest.sources import Source
from harvest.transactions import Transactions
from harvest.visit import Document, Seen, Visit


class Taking:
    """The pages of one log as they are taken over; ``note`` hears what a person should read."""

    def __init__(self, transactions: Transactions, note: Callable[[str], None]) -> None:
        self.read = 0  #: pages
        self.refused = 0  #: pages that could not be read
        self.newest: datetime | None = None  #: log timestamp up to which open pages were read
        #: What only counts once everything it leads to is stored.
        self.branches: dict[str, Seen] = {}
        self._transactions = transactions
        self._note = note

    def take(self, source: Source, document: Document, reading_page: "Future[Page]") -> None:
        """Store one page. Raises ParseError for a root that cannot be read, LeaseLostError."""
        try:
            page = reading_page.result()
        except ParseError as error:
            self._refuse(source, document, error)
            return
        self.read += 1
        if not page.closed:  # an older page that was read once more says nothing of where the log ends
            self.newest = later(self.newest, page.newest)
        if document.branch:
            self.branches[document.address] = document.seen
        if page.judged or not document.branch:
            with self._transactions.begin(source) as ledger:
                ledger.store(document.address, None if document.branch else document.seen, page)

    def began_anew(self, source: Source, visit: Visit) -> bool:
        """Whether open pages that we knew are no part of the log any more, or it ends before what was read of it."""
        gone = any(page != source.node for page in visit.unasked())
        back = not self.refused and self.newest and self.newest < source.cursor
        return bool((source.feed in self.branches and gone) or back)

    def remember(self, source: Source, visit: Visit) -> None:
        """Note, once all was read, the pages that lead to others, and forget those that the log no longer has."""
        if not self.branches:
            return
        with self._transactions.begin(source) as ledger:
            for address, seen in self.branches.items():
                ledger.remember(address, seen)
            if source.feed in self.branches:
                ledger.forget(page for page in visit.unasked() if page != source.node)

    def _refuse(self, source: Source, document: Document, error: ParseError) -> None:
        if document.address == source.feed:
            raise error
        self.refused += 1
        # The reason may quote a record; it stands where an erasure looks for it.
        self._note(f"{document.address} was refused; its receipt says why")
        seen = document.seen
        if isinstance(error, ReaderDiedError) and error.killed:
            seen = replace(seen, digest="")  # blameless, it may be: it is read again whether it has changed or not
        with self._transactions.begin(source) as ledger:
            ledger.refuse(document.address, seen, str(error))


def later(moment: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two moments, as far as they are known."""
    return max(filter(None, (moment, other)), default=None)
