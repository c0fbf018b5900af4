"""Setting a node up: settings file, data folder, signing key, database. Never overwrites anything."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine

from chm_node.database import in_use, open_database, reading
from chm_node.errors import SettingsError
from chm_node.keys import node_signer
from chm_node.proofs import fingerprint
from chm_node.settings import CONFIG_NAMES, CONFIG_VARIABLE, Settings
from chm_node.signing import create_key

DEFAULT_LANGUAGES: tuple[str, ...] = Settings.model_fields["languages"].default


def set_up(answers: Mapping[str, Any]) -> str:  # Any: the value of a setting
    """Make the node; what to tell the person who did.

    Raises SettingsError or StorageError, and then nothing of it is left.
    """
    path = Path(os.environ.get(CONFIG_VARIABLE) or CONFIG_NAMES[0])
    if path.exists():
        raise SettingsError(f"{path} exists already; nothing was changed")
    settings = Settings.planned(**answers)
    if settings.key_file.exists():
        raise SettingsError(f"data_dir: {settings.key_file} exists already; nothing was changed")
    with ExitStack() as undo:
        _write_settings(settings, path, undo)  # first: of two that set up one node, the second ends here
        _make_folder_and_key(settings, undo)
        _make_database(settings)
        undo.pop_all()
    return _report(settings, path)


def settings_text(settings: Settings) -> str:
    """The settings file: every setting explained; those that nobody decided are commented out, with their default."""
    lines = [
        "# Settings of this node. A line that begins with # is not in force and shows the default.",
        "# Each setting may also be given as an environment variable, such as CHM_PORT, which then wins.",
    ]
    for name, field in Settings.model_fields.items():
        mark = "" if name in settings.model_fields_set else "# "
        lines += ["", f"# {field.description}.", f"{mark}{name} = {_toml(getattr(settings, name))}"]
    return "\n".join(lines) + "\n"


def _write_settings(settings: Settings, path: Path, undo: ExitStack) -> None:
    text = settings_text(settings)
    try:
        # For its owner alone: what the environment says of database and proxy may hold passwords.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        undo.callback(_try, path.unlink)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SettingsError(
            f"{CONFIG_VARIABLE}: the settings file {path} cannot be written: {error.strerror}; nothing was changed"
        ) from error


def _make_folder_and_key(settings: Settings, undo: ExitStack) -> None:
    folder = settings.data_dir
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        for each in reversed(missing):
            undo.callback(_try, each.rmdir)
        create_key(settings.key_file)
    except OSError as error:
        raise SettingsError(f"data_dir: {error.filename or folder}: {error.strerror}") from error
    undo.callback(_try, settings.key_file.unlink)


def _make_database(settings: Settings) -> None:
    there = set(_database_files(settings))
    try:
        engine = open_database(settings.database)
        try:
            _refuse_one_in_use(engine)
        finally:
            engine.dispose()
    except BaseException:
        for each in set(_database_files(settings)) - there:
            each.unlink(missing_ok=True)
        raise


def _refuse_one_in_use(engine: Engine) -> None:
    with reading(engine) as connection:
        used = in_use(connection)
    if used:
        raise SettingsError(
            "database_url: the database is in use by a node; nothing was changed. For another node make another "
            "database; for this one put back its settings file and the files of its keys"
        )


def _database_files(settings: Settings) -> Iterable[Path]:
    return settings.data_dir.glob("chm.sqlite*")


def _try(remove: Callable[[], None]) -> None:
    """Take away what can be taken away; the person is told what failed before."""
    with suppress(OSError):
        remove()


def _toml(value: Any) -> str:  # Any: the value of a setting
    if value is None:
        return '""'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False)  # a JSON string is a TOML string


def _report(settings: Settings, path: Path) -> str:
    signer = node_signer(settings)
    lines = [
        f"The node {settings.base_url} is set up.",
        f"  settings     {path}",
        f"  data         {settings.data_dir}",
        f"  signing key  {settings.key_file} (keep it secret; without it nobody can speak for this node)",
        f"  fingerprint  {fingerprint(signer.multikey)}",
    ]
    if urlsplit(settings.base_url).hostname in ("127.0.0.1", "localhost", "::1"):
        lines += [
            "",
            "Only this machine can reach that address. Record addresses begin with it and never change:",
            f"before the first record, set base_url in {path} to the public address.",
        ]
    return "\n".join([*lines, "", "Next: chm doctor, then chm import FILE, then chm serve."])
