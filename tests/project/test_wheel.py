"""The wheel is complete: what a person installs without a checkout works."""

import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("bench", "chm_node", "harvest", "vocabularies")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def names(wheel: Path) -> list[str]:
    return zipfile.ZipFile(wheel).namelist()


@pytest.fixture(scope="session")
def clean_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel, and borrows only the libraries of this one."""
    environment = tmp_path_factory.mktemp("clean")
    venv.create(environment, symlinks=True, with_pip=False)
    python = environment / "bin" / "python"
    pip("--python", python, "install", "--no-deps", "--no-index", wheel)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.mark.parametrize(
    "pattern",
    [
        r"chm_node/web/templates/.+\.html",
        r"chm_node/web/static/.+\.css",
        r"chm_node/web/translations/fr/LC_MESSAGES/messages\.mo",
        r"chm_node/web/translations/ar/LC_MESSAGES/messages\.mo",
        r"chm_node/.*context.*\.json(ld)?",
        r"chm_node/demo/.+\.(csv|ttl)",
        r"vocabularies/.+\.ttl",
    ],
)
def test_the_wheel_contains(names, pattern):
    assert [name for name in names if re.fullmatch(pattern, name)]


def test_the_wheel_contains_every_file_of_the_packages(names):
    assert sorted(set(files_of_the_packages()) - set(names)) == []


def test_every_translation_is_compiled(names):
    sources = [name for name in names if name.endswith(".po")]
    assert [name for name in sources if name.removesuffix("po") + "mo" not in names] == []


def test_the_wheel_contains_nothing_else(names):
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} <= set(PACKAGES)


def test_the_installed_package_is_the_wheel_not_the_checkout(clean_python, tmp_path):
    place = run(clean_python, "-c", "import chm_node; print(chm_node.__file__)", cwd=tmp_path)
    assert place.startswith(str(clean_python.parents[1]))


def test_the_installed_command_explains_itself(clean_python, tmp_path):
    assert "Usage: chm" in run(clean_python.with_name("chm"), "--help", cwd=tmp_path)


def files_of_the_packages() -> list[str]:
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES, cwd=ROOT)
    return [name for name in listed.splitlines() if (ROOT / name).is_file()]


def pip(*arguments: str | Path) -> None:
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments, cwd=ROOT)


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
