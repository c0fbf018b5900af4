"""Setting a node up: settings file, data folder, signing key, database. Never overwrites anything."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic.fields import FieldInfo

from chm_node.database import open_database
from chm_node.errors import SettingsError
from chm_node.keys import node_signer
from chm_node.proofs import fingerprint
from chm_node.settings import CONFIG_NAMES, CONFIG_VARIABLE, Settings
from chm_node.signing import create_key

DEFAULT_LANGUAGES: tuple[str, ...] = Settings.model_fields["languages"].default


def set_up(answers: Mapping[str, Any]) -> str:  # Any: the value of a setting
    """Make the node; what to tell the person who did. Raises SettingsError before anything is written."""
    path = Path(os.environ.get(CONFIG_VARIABLE) or CONFIG_NAMES[0])
    if path.exists():
        raise SettingsError(f"{path} exists already; nothing was changed")
    settings = Settings.planned(**answers)
    if settings.key_file.exists():
        raise SettingsError(f"data_dir: {settings.key_file} exists already; nothing was changed")
    try:
        settings.data_dir.mkdir(0o700, parents=True, exist_ok=True)
        create_key(settings.key_file)
        with path.open("x", encoding="utf-8") as file:
            file.write(settings_text(settings, set(answers)))
    except OSError as error:
        raise SettingsError(f"data_dir: {error.filename or settings.data_dir}: {error.strerror}") from error
    open_database(settings.database).dispose()
    return _report(settings, path)


def settings_text(settings: Settings, decided: set[str]) -> str:
    """The settings file: every setting explained; those not decided are commented out, with their default."""
    lines = [
        "# Settings of this node. A line that begins with # is not in force and shows the default.",
        "# Each setting may also be given as an environment variable, such as CHM_PORT, which then wins.",
    ]
    for name, field in Settings.model_fields.items():
        mark = "" if name in decided else "# "
        lines += ["", f"# {field.description}.", f"{mark}{name} = {_toml(_value(settings, name, field))}"]
    return "\n".join(lines) + "\n"


def _value(settings: Settings, name: str, field: FieldInfo) -> Any:  # Any: the value of a setting
    value = getattr(settings, name)
    return "" if value is None else field.default if value == field.default else value


def _toml(value: Any) -> str:  # Any: the value of a setting
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
