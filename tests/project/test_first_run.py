"""The ``chm`` file of the checkout, up to the point where it would start to install."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ("cat", "chmod", "cksum", "dirname", "mkdir", "rm", "sh", "sleep")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without .venv, and a folder of programs without any Python."""
    (tmp_path / "programs").mkdir()
    for name in PROGRAMS:
        program = shutil.which(name)
        assert program
        (tmp_path / "programs" / name).symlink_to(program)
    checkout = tmp_path / "check out"
    checkout.mkdir()
    for name in ("chm", "pyproject.toml", "hatch_build.py", "requirements-build.lock", "requirements.lock"):
        shutil.copy(ROOT / name, checkout)
    return checkout


def write_program(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("#!/bin/sh", *lines)) + "\n")
    path.chmod(0o755)


def call(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "chm", *arguments],
        env={"PATH": str(checkout.parent / "programs")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_python_it_says_what_is_needed(checkout):
    done = call(checkout, "--help")
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr


def test_without_the_venv_module_it_prints_the_apt_line(checkout):
    write_program(checkout.parent / "programs" / "python3", 'case "$2" in *ensurepip*) exit 1 ;; esac')
    done = call(checkout, "--help")
    assert done.returncode == 1
    assert "sudo apt install python3-venv" in done.stderr


def test_a_refused_start_leaves_nothing_behind(checkout):
    before = sorted(checkout.iterdir())
    call(checkout, "--help")
    assert sorted(checkout.iterdir()) == before


def test_an_environment_that_nobody_finished_is_not_used(checkout):
    write_program(checkout / ".venv" / "bin" / "python")
    write_program(checkout / ".venv" / "bin" / "chm", "echo half")
    done = call(checkout, "--help")
    assert done.returncode == 1
    assert "half" not in done.stdout


def test_an_interrupted_installation_is_made_afresh(checkout):
    install_fake_python(checkout, pip="exit 1")
    assert call(checkout, "--help").returncode != 0
    install_fake_python(checkout, pip="exit 0")
    done = call(checkout, "--help")
    assert "making .venv" in done.stderr
    assert done.stdout == "the command: --help\n"


def test_later_calls_start_at_once_until_the_lock_changes(checkout):
    install_fake_python(checkout, pip="exit 0")
    call(checkout, "--help")
    assert call(checkout, "a", "b c").stderr == ""
    with (checkout / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    done = call(checkout, "--help")
    assert "installing the packages of requirements.lock" in done.stderr
    assert "making .venv" not in done.stderr


def test_the_exit_code_is_that_of_the_command(checkout):
    install_fake_python(checkout, pip="exit 0")
    assert call(checkout, "fail").returncode == 3


def install_fake_python(checkout: Path, pip: str) -> None:
    """A stand-in for the system's Python that makes a small environment without asking the network."""
    write_program(
        checkout.parent / "programs" / "python3",
        'case "$1 $2" in "--version "*) echo Python 3.11; exit ;; "-m pip") ' + pip + " ;; -c*) exit ;; esac",
        'mkdir "$3" "$3/bin"; cat "$0" >"$3/bin/python"',
        'echo "#!/bin/sh\necho the command: \\$*\n[ \\$1 != fail ] || exit 3" >"$3/bin/chm"',
        'chmod +x "$3/bin/python" "$3/bin/chm"',
    )
