"""What commands need of the node they run on, and how they show that they are at work."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from chm_node.errors import StorageError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from chm_node.settings import Settings
    from chm_node.signing import Signer


def load_settings() -> "Settings":
    """The settings in force; raises SettingsError."""
    from chm_node.settings import Settings

    settings = Settings.load()
    if settings.vocabulary_dir:
        from chm_node.vocabulary import use_directory

        use_directory(settings.vocabulary_dir)
    return settings


@contextmanager
def opened_engine(settings: "Settings") -> Iterator["Engine"]:
    """The node's database for as long as a command needs it.

    Raises SettingsError, StorageError, or OutdatedLogError when it was restored and nobody has said so yet.
    """
    from chm_node import watermark

    engine = watermark.opened(settings)
    try:
        yield engine
        _note(engine, settings)
    finally:
        engine.dispose()


def _note(engine: "Engine", settings: "Settings") -> None:
    """Remember how far the log is given out; a command that did its work does not fail for a mark it cannot set."""
    from chm_node import watermark

    try:
        watermark.note(engine, settings)
    except StorageError as error:
        click.echo(f"Warning: {error}. The command has done its work.", err=True)


def open_signer(settings: "Settings") -> "Signer":
    """The node's key; raises SettingsError."""
    from chm_node.keys import node_signer

    return node_signer(settings)


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows on stderr how far long work is: a bar for a person, a line at the end for a log file."""
    if not sys.stderr.isatty():
        yield lambda _: None
        click.echo(f"{label}: {total}", err=True)
        return
    with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
        yield bar.update
