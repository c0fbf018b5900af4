"""How much room is left where the node writes. Harvests stop first, so that serving and editing go on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import make_url

from chm_node.settings import Settings

#: With less, nothing is harvested.
LEAST_BYTES = 200 * 1024**2


def free_bytes(settings: Settings) -> int:
    """What is free on the disk of the data folder or of the SQLite database, whichever has less."""
    return min(shutil.disk_usage(each).free for each in _folders(settings))


def database_file(settings: Settings) -> Path | None:
    """None for a database that is no file."""
    url = make_url(settings.database)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def _folders(settings: Settings) -> Iterator[Path]:
    file = database_file(settings)
    for folder in (settings.data_dir, *([file.parent] if file else [])):
        yield folder if folder.exists() else Path()
