"""The disposable children that read what peers sent; shared by all harvests of this process."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from chm_node.errors import ReaderDiedError
from chm_node.sandbox import Sandbox

#: Two cores read while the parent stores; see decision record 0030 for the measurement.
READERS = 2
#: Pages that wait for a child or are in one, whatever the number of sources; a source that is ahead waits.
_ROOM = 2 * READERS
#: Pages that the children read while another is being stored; the sources that are read at once share them.
AHEAD = 2


class Readers:
    """Runs functions of ``harvest.page`` and ``harvest.description`` in sandboxed children, each with a thread."""

    def __init__(self, count: int = READERS) -> None:
        self._threads = ThreadPoolExecutor(count, "reader", self._open_sandbox)
        self._idle = count  # children that nobody has needed yet
        self._own = threading.local()
        self._sandboxes: list[Sandbox] = []
        self._room = threading.BoundedSemaphore(_ROOM)
        self._sources = 0
        self._counting = threading.Lock()

    def __enter__(self) -> "Readers":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        for sandbox in self._sandboxes:
            sandbox.close()

    def begin(self) -> None:
        """Have the children begin, which takes them a fifth of a second, before there is anything to read."""
        while self._idle > 0:
            self._idle -= 1
            self._threads.submit(_nothing)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """While one source more is read page by page."""
        with self._counting:
            self._sources += 1
        try:
            yield
        finally:
            with self._counting:
                self._sources -= 1

    @property
    def ahead(self) -> int:
        """How many pages a source may be read ahead of the one being stored, as many as are read at once."""
        return AHEAD // max(1, self._sources)

    def submit(self, function: Callable[..., Any], *args: Any) -> "Future[Any]":  # any picklable values
        """Has a child call the function; the future raises what ``Sandbox.run`` raises."""
        self._room.acquire()
        future = self._threads.submit(self._run, function, args)
        future.add_done_callback(lambda _: self._room.release())
        self.begin()  # where one page is read, there are more
        return future

    def run(self, function: Callable[..., Any], *args: Any) -> Any:  # any picklable values
        """The function's value, computed in a child."""
        return self.submit(function, *args).result()

    def _open_sandbox(self) -> None:
        self._own.sandbox = Sandbox(preload=("harvest.preload",))
        self._sandboxes.append(self._own.sandbox)
        self._own.sandbox.start()

    def _run(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:  # whatever the function gives
        try:
            return self._own.sandbox.run(function, *args)
        except ReaderDiedError as died:
            if not died.killed:
                raise
        # What is blameless must not be refused; and what took all the memory is not tried a third time.
        return self._own.sandbox.run(function, *args)


def _nothing() -> None:
    """Work for a thread that has nothing to do but to begin."""
