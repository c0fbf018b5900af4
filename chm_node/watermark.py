"""How far the log was given out, in a file beside the database: a database that was restored does not know.

Whoever publishes opens the database here, so that a node never goes on from a wrong place or under a wrong address.

The worker writes it at every tick and each command at its end, without waiting for the disk. What a database that
went back by less than that has forgotten is found by its hubs.
"""

import json
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from chm_node.catalogue import ChangeLog, LogHead, moves
from chm_node.database import open_database, reading
from chm_node.errors import ChmError, OutdatedLogError, SettingsError, StorageError
from chm_node.record import parse_timestamp, timestamp
from chm_node.settings import Settings

#: Epoch and log timestamp.
Mark = tuple[int, datetime]


def file(settings: Settings) -> Path:
    """Where the mark is kept."""
    return settings.data_dir / "log-reached.json"


def read(settings: Settings) -> Mark | None:
    """How far the log is known to have been given out; None when no file says so."""
    try:
        stated = json.loads(file(settings).read_bytes())
        return int(stated["epoch"]), parse_timestamp(stated["log_time"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # half a file after a power cut says as little as none


def opened(settings: Settings) -> Engine:
    """The node's database, to publish from; raises SettingsError, StorageError or OutdatedLogError."""
    engine = open_database(settings.database)
    try:
        check(engine, settings)
        check_address(engine, settings)
    except ChmError:
        engine.dispose()
        raise
    return engine


def check(engine: Engine, settings: Settings) -> LogHead:
    """Where the log stands; raises OutdatedLogError when it was further once."""
    with reading(engine) as connection:
        head = ChangeLog(connection).head()
    reached = read(settings)
    if reached and (head.epoch, head.log_time) < reached:
        raise OutdatedLogError(head.log_time, reached[1])
    return head


def check_address(engine: Engine, settings: Settings) -> None:
    """Raises SettingsError when records of ours have an address that the settings do not know."""
    with reading(engine) as connection:
        left = moves.left_behind(connection, [each.node_iri for each in (settings, *settings.former)])
    if left:
        node, count = max(left.items(), key=lambda each: each[1])
        raise SettingsError(
            f"base_url: {count} records of this node are published under {node.removesuffix('node')}, and not under "
            f"{settings.base_url}. If the node has moved, name that address in moved_from and run chm move; "
            "if not, set base_url back"
        )


def note(engine: Engine, settings: Settings) -> None:
    """Remember how far the log is given out; raises OutdatedLogError when it was further once, or StorageError."""
    head = check(engine, settings)
    if read(settings) == (head.epoch, head.log_time) or not settings.data_dir.is_dir():
        return
    part = file(settings).with_suffix(f".{os.getpid()}.part")
    try:
        part.write_text(json.dumps({"epoch": head.epoch, "log_time": timestamp(head.log_time)}) + "\n")
        part.replace(file(settings))
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise StorageError(f"{file(settings)} cannot be written: {error.strerror}") from error
