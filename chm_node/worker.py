"""The clock: has sources harvested when they are due, and dumps written once a day."""

import contextlib
import ctypes
import logging
import signal
import threading
from datetime import UTC, datetime
from types import FrameType

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine

from chm_node import dumps
from chm_node.database import open_database
from chm_node.settings import Settings
from harvest.checker.results import check_next
from harvest.dispatch import Dispatcher
from harvest.sources import RunView

_M_ARENA_MAX = -8  # of glibc's malloc.h

_log = logging.getLogger(__name__)


def run_worker(settings: Settings) -> None:
    """Harvest until SIGTERM or SIGINT; several workers on one database share the sources among them."""
    share_one_heap()
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
    engine = open_database(settings.database)
    with Dispatcher(engine, settings, lambda: datetime.now(UTC)) as dispatcher:
        scheduler = _scheduler(dispatcher, settings)
        scheduler.add_job(
            lambda: check_next(engine, settings, lambda: datetime.now(UTC), stopped),
            "interval",
            seconds=settings.tick_seconds,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
        scheduler.add_job(
            _dump, "interval", [engine, settings], hours=1, next_run_time=datetime.now(UTC), max_instances=1,
            coalesce=True, misfire_grace_time=None,
        )  # fmt: skip
        scheduler.start()
        stopped.wait()
        scheduler.shutdown()
    engine.dispose()


def share_one_heap() -> None:
    """Have all threads of this process take their memory from one place, which must be said before they start.

    With a place for each, as glibc has it, every thread keeps the room of the largest page that passed through it.
    """
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def tick(engine: Engine, settings: Settings, now: datetime) -> list[RunView]:
    """Harvest everything that is due at that moment, and wait for it."""
    with Dispatcher(engine, settings, lambda: now) as dispatcher:
        return [each.result() for each in dispatcher.start_due()]


def _dump(engine: Engine, settings: Settings) -> None:
    if dump := dumps.write_due(engine, settings, datetime.now(UTC)):
        _log.info("dump of %d records, %d withdrawn", dump.records, dump.withdrawn)


def _scheduler(dispatcher: Dispatcher, settings: Settings) -> BackgroundScheduler:
    # UTC: a local zone would skip or repeat an hour twice a year.
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(
        dispatcher.start_due,
        "interval",
        seconds=settings.tick_seconds,
        next_run_time=datetime.now(UTC),
        max_instances=1,
        coalesce=True,
        misfire_grace_time=None,  # a late tick is as good as any
    )
    return scheduler
