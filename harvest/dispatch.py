"""Runs the harvests of sources that are due, each in a thread of its own, so that no peer delays another."""

import logging
import random
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import Engine

from chm_node.database import reading, writing
from chm_node.errors import ChmError
from chm_node.http_client import FetchPolicy, HttpClient
from chm_node.settings import Settings
from harvest import hints, leases
from harvest.overview import RunView
from harvest.readers import Readers
from harvest.run import Harvest
from harvest.schedule import next_due
from harvest.sources import Source
from harvest.transactions import Clock

#: Harvests under way at once; most of each is waiting for the peer.
THREADS = 8

_log = logging.getLogger(__name__)


def fetch_policy(settings: Settings) -> FetchPolicy:
    """How this node asks its peers."""
    return FetchPolicy(
        allow_loopback=settings.profile == "demo",
        user_agent=f"chm-node (+{settings.node_iri})",
        ca_file=settings.ca_file,
        proxy=settings.outbound_proxy or None,
    )


class Dispatcher:
    """The threads, children and connections of harvesting, kept from one tick to the next."""

    def __init__(
        self, engine: Engine, settings: Settings, clock: Clock, connect: Callable[[], HttpClient] | None = None
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._connect = connect or (lambda: HttpClient(fetch_policy(settings)))
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="harvest")
        self._own = threading.local()  # an HttpClient serves one thread
        self._clients: list[HttpClient] = []
        self._under_way: dict[Future[RunView], Source] = {}
        self._readers = Readers()
        self._stop = threading.Event()

    def __enter__(self) -> "Dispatcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_due(self) -> list["Future[RunView]"]:
        """Lease the sources that are due, as many as there are idle threads, and start their harvests."""
        self._give_back()
        idle, now = THREADS - len(self._under_way), self._clock()
        with reading(self._engine) as connection:
            if not idle or not (leases.anything_due(connection, now) or hints.anything_due(connection, now)):
                return []  # without taking the log's lock at every tick
        with writing(self._engine) as connection:
            hints.follow(connection, now)
            due = leases.lease_due(connection, now, idle)
        return [self._start(source) for source in due]

    def harvest(self, name: str, *, compare: bool = False) -> RunView | None:
        """Harvest one source now, due or not; None when it is being harvested. Raises HarvestError.

        ``compare`` has our copies compared with the peer's list, which otherwise happens once a week.
        """
        with writing(self._engine) as connection:
            source = leases.lease_now(connection, name, self._clock())
        return self._start(source, compare).result() if source else None

    def close(self) -> None:
        """End every harvest after the page it is storing; the next worker goes on from there."""
        self._stop.set()
        self._threads.shutdown(cancel_futures=True)
        self._readers.close()
        for client in self._clients:
            client.close()

    def _give_back(self) -> None:
        """Give back what harvests still lease that have failed: the database that ended them was not there for it."""
        ended = {future: source for future, source in self._under_way.items() if future.done()}
        failed = [source for future, source in ended.items() if not future.cancelled() and future.exception()]
        if failed:
            now, interval = self._clock(), timedelta(minutes=self._settings.poll_minutes)
            with writing(self._engine) as connection:
                for each in failed:
                    failures = each.failures + 1
                    due = next_due(now, interval, failures, timedelta(0), random.random())  # noqa: S311  spreads the load
                    leases.release(connection, each, due, failures, None)
        self._under_way = {each: source for each, source in self._under_way.items() if each not in ended}

    def _start(self, source: Source, compare: bool = False) -> "Future[RunView]":
        future = self._threads.submit(self._harvest, source, compare)
        future.add_done_callback(lambda done: _report(source, done))
        self._under_way[future] = source
        return future

    def _harvest(self, source: Source, compare: bool) -> RunView:
        if not hasattr(self._own, "client"):
            self._own.client = self._connect()
            self._clients.append(self._own.client)
        harvest = Harvest(
            self._engine,
            self._settings,
            source,
            self._own.client,
            self._readers,
            self._clock,
            self._stop,
            with_list=compare,
        )
        return harvest.run(random.random())  # noqa: S311  only spreads the load


def _report(source: Source, done: "Future[RunView]") -> None:
    if done.cancelled():
        return
    if error := done.exception():
        # A database that fails is no bug, and its own words say all there is to say.
        bug = None if isinstance(error, ChmError) else error
        _log.error("harvest of %s failed: %s", source.node, error, exc_info=bug)
        return
    run = done.result()
    _log.info(
        "harvest of %s: %s, %d new, %d updated, %d withdrawn, %d refused %s",
        source.node, run.outcome, run.created, run.updated, run.withdrawn, run.rejected, run.message,
    )  # fmt: skip
