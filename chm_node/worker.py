"""The clock: has sources harvested when they are due, and dumps written and erasures finished once a day."""

import logging
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine

from chm_node import dumps, erasure, watermark
from chm_node.errors import OutdatedLogError
from chm_node.settings import Settings
from harvest.checker.results import check_next
from harvest.dispatch import Dispatcher
from harvest.sources import RunView

_log = logging.getLogger(__name__)


def run_worker(settings: Settings) -> None:
    """Harvest until SIGTERM or SIGINT; several workers on one database share the sources among them."""
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
    engine = watermark.opened(settings)
    with Dispatcher(engine, settings, lambda: datetime.now(UTC)) as dispatcher:
        scheduler = _scheduler(lambda: _start_due(engine, settings, dispatcher, stopped), settings)
        scheduler.add_job(
            lambda: check_next(engine, settings, lambda: datetime.now(UTC), stopped),
            "interval",
            seconds=settings.tick_seconds,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
        scheduler.add_job(
            _tidy_up, "interval", [engine, settings], hours=1, next_run_time=datetime.now(UTC), max_instances=1,
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


def _tidy_up(engine: Engine, settings: Settings) -> None:
    erasure.let_go_due(engine, settings, datetime.now(UTC))
    if erasure.finish_due(engine, settings, datetime.now(UTC)):
        _log.info("what was erased has left the files")
    if dump := dumps.write_due(engine, settings, datetime.now(UTC)):
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


def _scheduler(start_due: Callable[[], None], settings: Settings) -> BackgroundScheduler:
    # UTC: a local zone would skip or repeat an hour twice a year.
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(
        start_due,
        "interval",
        seconds=settings.tick_seconds,
        next_run_time=datetime.now(UTC),
        max_instances=1,
        coalesce=True,
        misfire_grace_time=None,  # a late tick is as good as any
    )
    return scheduler
