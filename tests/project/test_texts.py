"""No text of the project names a place on somebody's machine or leaves work without an issue."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MACHINE_PATH = re.compile(r"(?<![\w/.:>-])/(?:home|root|Users|work)/\w|\.\./shared\b|\b[A-Z]:\\Users\b")
OPEN_WORK = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b(?!.*#\d)")


@pytest.fixture(scope="module")
def lines() -> list[tuple[str, str]]:
    """Every line of every text file of the project, with the place where it stands."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    paths = [ROOT / name for name in listed if (ROOT / name).is_file()]
    assert paths
    return [
        (f"{path.relative_to(ROOT)}:{number}", line)
        for path in paths
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
    ]


def test_no_file_names_a_place_on_a_machine(lines):
    assert [place for place, line in lines if MACHINE_PATH.search(line)] == []


def test_open_work_has_an_issue_number(lines):
    assert [place for place, line in lines if OPEN_WORK.search(line)] == []


def test_a_record_has_one_name_in_arabic(lines):
    # That of the glossary, and not the word for a card.
    assert [place for place, line in lines if "بطا" + "ق" in line] == []


@pytest.mark.parametrize(
    "text",
    [
        "see /{}/ana/chm".format("home"),
        "'/{}/x'".format("root"),
        "../{}/seeds".format("shared"),
        "C:\\{}\\ana".format("Users"),
    ],
)
def test_a_machine_path_is_recognised(text):
    assert MACHINE_PATH.search(text)


@pytest.mark.parametrize("text", ["https://example.org/work/12", "/etc/chm/chm.toml", "</home/>", "a/home/b"])
def test_an_address_is_no_machine_path(text):
    assert not MACHINE_PATH.search(text)
