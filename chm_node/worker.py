"""The clock: harvests, proves requests to join, tells subscribers, asks hubs, writes dumps, finishes erasures."""

import contextlib
import ctypes
import gc
import logging
import random
import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from types import FrameType
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine

from chm_node import dumps, erasure, watermark
from chm_node.errors import ChmError, OutdatedLogError
from chm_node.http_client import HttpClient
from chm_node.settings import Settings
from chm_node.websub.distribution import DEADLINE, Distributor, Renderer, Rendition
from harvest import push
from harvest.checker.results import check_next
from harvest.dispatch import Dispatcher, fetch_policy
from harvest.inquiry import ask_next
from harvest.joining.work import work
from harvest.overview import RunView

#: What the clock has done again and again.
Job = Callable[[], object]

_HOUR_SECONDS = 3600.0
_M_ARENA_MAX = -8  # of glibc's malloc.h

_log = logging.getLogger(__name__)


def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; several workers on one database share the work among them."""
    settle_memory()
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
    engine = watermark.opened(settings)
    with ExitStack() as stack:
        scheduler, complaints = _scheduler(), Complaints()
        for job in _jobs(stack, engine, settings, stopped):
            _add(scheduler, partial(complaints.run, job), settings.tick_seconds)
        _add(scheduler, partial(complaints.run, partial(_tidy_up, engine, settings)), _HOUR_SECONDS)
        scheduler.start()
        stopped.wait()
        scheduler.shutdown()
    engine.dispose()


class Complaints:
    """What keeps jobs from their work: one line in the log for all of them, and another when it changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._present: dict[Job, str] = {}

    def run(self, job: Job) -> None:
        """Do the job; what is no ChmError is a bug, and raised."""
        problem = ""
        try:
            job()
        except ChmError as error:
            problem = str(error)
        with self._lock:
            if problem and problem not in self._present.values():
                _log.error("%s", problem)
            self._present[job] = problem


def settle_memory() -> None:
    """Have all threads of this process take their memory from one place, which must be said before they start.

    With a place for each, as glibc has it, every thread keeps the room of the largest page that passed through it. And
    look for cyclic garbage seldom: reading what a child answered makes thousands of objects, none of them in a cycle.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def tick(engine: Engine, settings: Settings, now: datetime) -> list[RunView]:
    """Harvest everything that is due at that moment, and wait for it."""
    with Dispatcher(engine, settings, lambda: now) as dispatcher:
        return [each.result() for each in dispatcher.start_due()]


def _jobs(stack: ExitStack, engine: Engine, settings: Settings, stopped: threading.Event) -> Iterable[Job]:
    """What every tick looks for; each looks by one small query before it does anything."""
    policy = replace(fetch_policy(settings), deadline=DEADLINE)
    dispatcher = stack.enter_context(Dispatcher(engine, settings, _now))
    distributor = stack.enter_context(
        Distributor(engine, settings.websub_hub, _topics(settings), partial(HttpClient, policy), _now, stopped)
    )
    asking = stack.enter_context(HttpClient(policy))
    return (
        partial(_start_due, engine, settings, dispatcher, stopped),
        distributor.run,
        partial(push.ask_due, engine, settings, asking, _now, stopped),
        partial(check_next, engine, settings, _now, stopped),
        partial(work, engine, settings, _now, stopped),
        lambda: ask_next(engine, settings, _now, stopped, random.random()),  # noqa: S311  only spreads the load
    )


def _tidy_up(engine: Engine, settings: Settings) -> None:
    erasure.let_go_due(engine, settings, _now())
    if erasure.finish_due(engine, settings, _now()):
        _log.info("what was erased has left the files")
    if dump := dumps.write_due(engine, settings, _now()):
        _log.info("dump of %d records, %d withdrawn", dump.records, dump.withdrawn)


def _start_due(engine: Engine, settings: Settings, dispatcher: Dispatcher, stopped: threading.Event) -> None:
    try:
        watermark.note(engine, settings)
    except OutdatedLogError as error:
        # Somebody restored the database under our feet; whoever starts us again is told the same.
        _log.error("%s", error)
        stopped.set()
        return
    dispatcher.start_due()


def _scheduler() -> BackgroundScheduler:
    # That a job is still at work at the next tick is as it should be, and no news.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # Nor is it that a transaction cannot be undone when the database is gone: what ended it is raised as well.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    # UTC: a local zone would skip or repeat an hour twice a year.
    return BackgroundScheduler(timezone=UTC)


def _add(scheduler: Any, job: Job, seconds: float) -> None:  # APScheduler has no types
    scheduler.add_job(
        job,
        "interval",
        seconds=seconds,
        next_run_time=_now(),
        max_instances=1,
        coalesce=True,
        misfire_grace_time=None,  # a late tick is as good as any
    )


def _topics(settings: Settings) -> Renderer:
    """Renders what readers would get. The web application is loaded when somebody is to be told something."""
    lock = threading.Lock()

    @cache
    def loaded() -> Renderer:
        from chm_node.app import create_app
        from chm_node.web.topics import renderer

        return renderer(create_app(settings))

    def render(topic: str) -> Rendition | None:
        with lock:
            found = loaded()
        return found(topic)

    return render


def _now() -> datetime:
    return datetime.now(UTC)
