"""The children that answer queries: fed from the change log before each one, ended when a query goes too far."""

import logging
import math
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from chm_node.budget import Budget
from chm_node.catalogue import ChangeLog
from chm_node.database import reading
from chm_node.errors import BudgetSpentError, QueriesBusyError, QueryStoppedError, ReaderDiedError
from chm_node.record import Action, from_milliseconds, milliseconds
from chm_node.sandbox import Limits, Sandbox
from chm_node.sparql import child
from chm_node.sparql.child import Fact, Found, Question, Standing

#: A child lives on: its store would go with it. What a query may use is limited, and the store with it.
LIMITS = Limits(memory_mib=1536, seconds=10.0, calls=sys.maxsize)
MOST_CHILDREN = 2
#: Seconds of computing that a client may use in a minute.
SECONDS_A_MINUTE = 60.0
#: Changes read and handed over at a time.
BATCH = 500
#: For so long a query waits while its child catches up with the log; what it has read by then stays read.
FEED_SECONDS = 5.0
#: For so long nothing is tried after a child broke down over the records alone.
REST_SECONDS = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reply:
    """What a query found, and how new it is."""

    found: Found
    log_time: datetime | None  #: UTC; of the newest change that was searched; None when the log is empty


class Pool:
    """Children with a store each. They start with the first query, and each has a thread of its own."""

    def __init__(self, engine: Engine, threads: int, limits: Limits = LIMITS, budget: Budget | None = None) -> None:
        self._engine = engine
        self._limits = limits
        self._budget = budget or Budget(SECONDS_A_MINUTE)
        children = max(1, min(MOST_CHILDREN, threads // 2))
        # Each query holds one of the threads that answer requests; two are left for the pages, one of two or three.
        self._room = threading.BoundedSemaphore(max(1, threads - 2))
        self._threads = ThreadPoolExecutor(children, thread_name_prefix="sparql")
        self._own = threading.local()
        self._sandboxes: list[Sandbox] = []
        self._resting_until = 0.0

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        for sandbox in self._sandboxes:
            sandbox.close()

    def ask(self, question: Question, client: str, clock: Callable[[], float] = time.monotonic) -> Reply:
        """What the query finds in the records as they are now.

        Raises ``MalformedQueryError``, ``QueryStoppedError``, ``BudgetSpentError`` and ``QueriesBusyError``.
        """
        if wait := self._budget.wait(client, clock()):
            raise BudgetSpentError(math.ceil(wait))
        if not self._room.acquire(blocking=False):
            raise QueriesBusyError("all that may be answered at once is being answered", 2)
        try:
            return self._threads.submit(self._answer, question, client, clock).result()
        finally:
            self._room.release()

    def _answer(self, question: Question, client: str, clock: Callable[[], float]) -> Reply:
        sandbox = self._sandbox()
        standing = self._feed(sandbox, clock)
        started = clock()
        try:
            found = self._run(sandbox, child.answer, question)
        finally:
            self._budget.charge(client, clock() - started, clock())
        return Reply(found, from_milliseconds(standing.log_time) if standing.log_time else None)

    def _sandbox(self) -> Sandbox:
        # In the pool's own thread: a child ends with the thread that made its first call.
        if not hasattr(self._own, "sandbox"):
            self._own.sandbox = Sandbox(self._limits, preload=(child.__name__,))
            self._sandboxes.append(self._own.sandbox)
        return self._own.sandbox  # type: ignore[no-any-return]  # threading.local is untyped

    def _feed(self, sandbox: Sandbox, clock: Callable[[], float]) -> Standing:
        """Brings the child's store up to the log, which a fresh child reads from its beginning."""
        started = clock()
        if started < self._resting_until:
            raise QueriesBusyError("the records do not fit into the memory of queries", int(REST_SECONDS))
        try:
            standing = self._standing(sandbox)
            news = self._news(standing)
            while news:
                standing = self._run(sandbox, child.feed, *news)
                news = self._news(standing)
                if news and clock() - started > FEED_SECONDS:
                    raise QueriesBusyError("the records are being made ready for queries", int(FEED_SECONDS))
        except QueryStoppedError as error:
            self._resting_until = clock() + REST_SECONDS
            _log.error("the records do not fit into a child (%s); the setting sparql can name another server", error)
            raise QueriesBusyError("the records do not fit into the memory of queries", int(REST_SECONDS)) from error
        return standing

    def _news(self, standing: Standing) -> tuple[int, list[Fact]] | None:
        """The log's epoch and the next changes that the child does not hold; None when it holds all."""
        with reading(self._engine) as connection:
            log = ChangeLog(connection)
            head = log.head()
            after = standing.log_time if head.epoch == standing.epoch else 0
            changes = log.after(from_milliseconds(after), BATCH)
        if not changes and head.epoch == standing.epoch:
            return None
        facts = [
            Fact(
                change.graph.iri,
                None if change.graph.action is Action.DELETE else change.graph.nquads,
                milliseconds(change.log_time),
            )
            for change in changes
        ]
        return head.epoch, facts

    def _standing(self, sandbox: Sandbox) -> Standing:
        try:
            found: Standing = self._run(sandbox, child.standing)
        except QueryStoppedError:  # it had died before we asked; the next one is fresh
            found = self._run(sandbox, child.standing)
        return found

    def _run(self, sandbox: Sandbox, function: Callable[..., Any], *args: Any) -> Any:  # any picklable values
        try:
            return sandbox.run(function, *args)
        except ReaderDiedError as error:
            if not error.broke_down:
                raise QueryStoppedError(f"the query {error.reason}; ask for less, or in parts") from error
            # Rust gives up by itself when it gets no more memory, or no more stack.
            raise QueryStoppedError(
                f"the query needs more than the {self._limits.memory_mib} MiB of memory it may use, or is nested too "
                "deeply; join fewer patterns, ask for one record type or graph, or sort and group less"
            ) from error
