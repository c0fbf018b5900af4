"""The reference names every command and every setting, and the change log has an entry."""

import json
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


CLIENTS = (ROOT / "docs/reference/clients.md").read_text()


@pytest.mark.parametrize("test", sorted(set(re.findall(r"`((?:tests/\w+/)?test_\w+\.py)`", CLIENTS))))
def test_a_client_is_proven_by_the_test_that_is_named(test):
    assert (ROOT / (test if "/" in test else f"tests/clients/{test}")).is_file()


def test_the_versions_of_the_clients_are_those_that_are_tested():
    pinned = json.loads((ROOT / "tests/clients/package.json").read_text())["dependencies"]
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE))
    known = {name.rpartition("/")[2]: version for name, version in {**locked, **pinned}.items()}
    named = [row.split(" | ")[:2] for row in CLIENTS.splitlines() if re.match(r"\| [^|]*\((npm|PyPI)", row)]
    assert len(named) > 5
    for names, versions in named:
        programs = [each for each in re.findall(r"[\w-]+", names.lower()) if each in known]
        assert [known[each] for each in programs] == versions.split(", "), names
