"""Reading ahead: while one page is stored, the children read the next ones and another is fetched."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from chm_node.errors import HarvestError
from harvest.page import Page
from harvest.readers import Readers
from harvest.visit import Document

#: A page as it came, without its bytes, and what a child makes of it.
Reading = tuple[Document, "Future[Page]"]
Submit = Callable[[Document], "Future[Page]"]


def read_ahead(documents: Iterator[Document], submit: Submit, readers: Readers) -> Iterator[Reading]:
    """Pages in order, each given to a child by ``submit`` long before it is asked for.

    How many, the sources share that are read at once; one more is on its way meanwhile.
    What came before a failure to fetch is still given out; then the failure is raised.
    """
    waiting: deque[Reading] = deque()
    failure = None
    with ThreadPoolExecutor(1, "fetcher") as fetcher, readers.shared():
        while failure is None:
            coming = fetcher.submit(_fetch, documents, submit)
            while len(waiting) > readers.ahead:
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


def _fetch(documents: Iterator[Document], submit: Submit) -> Reading | None:
    """The next page, given to a child; None after the last one."""
    document = next(documents, None)
    return (document.without_data(), submit(document)) if document else None
