"""What is installed is locked: exact versions, hashes, no address of a place to fetch from."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements-build.lock", "requirements.lock", "requirements-dev.lock")
CLIENTS = ROOT / "tests" / "clients"


def pins(lock: str) -> dict[str, str]:
    """Name and version of every package in a lock."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_a_hash(lock):
    blocks = re.split(r"\n(?=\w)", (ROOT / lock).read_text().strip())
    assert len(blocks) == len(pins(lock))
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock):
    assert "://" not in (ROOT / lock).read_text()


def test_the_locks_agree():
    developers = pins("requirements-dev.lock")
    for lock in ("requirements-build.lock", "requirements.lock"):
        assert pins(lock).items() <= developers.items()


def test_the_npm_tools_are_pinned_and_name_no_address():
    wanted = json.loads((CLIENTS / "package.json").read_text())["dependencies"]
    locked = json.loads((CLIENTS / "package-lock.json").read_text())["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert [name for name, package in locked.items() if "resolved" in package] == []
    assert [name for name, package in locked.items() if name and "integrity" not in package] == []
