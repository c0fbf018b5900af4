"""The import contracts of pyproject.toml hold, and cover every module."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LAYERS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]


def test_the_import_contracts_hold():
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_of_the_node_has_a_layer():
    present = {
        f"chm_node.{path.stem}"
        for path in (ROOT / "chm_node").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    } - {"chm_node.__init__"}
    assert sorted(present - set(re.findall(r"[\w.]+", " ".join(LAYERS)))) == []


def test_every_layer_exists():
    assert [layer for layer in LAYERS if "(" in layer] == []


@pytest.mark.parametrize("library", ["apscheduler", "feedgen", "flask", "rdflib", "requests", "sqlalchemy"])
def test_help_answers_without_loading(library):
    script = f"""
import sys
from chm_node.cli import main
main(["--help"], standalone_mode=False)
sys.exit({library!r} in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"chm --help loads {library}, or fails: {done.stderr}"
