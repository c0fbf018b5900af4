"""The clock: has sources harvested and hubs asked when they are due, and dumps written once a day."""

import logging
import random
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
from harvest.inquiry import ask_next
from harvest.sources import RunView

_log = logging.getLogger(__name__)


def run_worker(settings: Settings) -> None:
    """Harvest until SIGTERM or SIGINT; several workers on one database share the sources among them."""
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
            lambda: ask_next(engine, settings, lambda: datetime.now(UTC), stopped, random.random()),  # noqa: S311
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
