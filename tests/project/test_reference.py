"""The reference names every command and every setting, and the change log has an entry."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from chm_node.cli import main
from chm_node.settings import Settings

ROOT = Path(__file__).parents[2]


def commands(group: click.Group, prefix: str = "chm") -> Iterator[str]:
    """Every command below a group, written as a person types it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"


@pytest.mark.parametrize("command", sorted(commands(main)))
def test_the_command_is_in_the_reference(command):
    text = (ROOT / "docs/reference/commands.md").read_text()
    assert re.search(rf"(?<![\w/]){re.escape(command)}\b", text)


@pytest.mark.parametrize("setting", sorted(f"CHM_{field.upper()}" for field in Settings.model_fields))
def test_the_setting_is_in_the_reference(setting):
    text = (ROOT / "docs/reference/settings.md").read_text()
    assert re.search(rf"\b{setting}\b", text)


def test_the_reference_names_no_setting_that_is_gone():
    text = (ROOT / "docs/reference/settings.md").read_text()
    known = {"CHM_CONFIG", *(f"CHM_{field.upper()}" for field in Settings.model_fields)}
    assert sorted(set(re.findall(r"\bCHM_[A-Z_]+\b", text)) - known) == []


def test_the_change_log_has_an_entry():
    text = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(r"^## \[?(Unreleased|\d+\.\d+\.\d+)\b.*\n+(?!## )\S", text, re.MULTILINE)
