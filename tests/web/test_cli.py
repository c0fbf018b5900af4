"""The command line as a focal point meets it: texts, exit codes, files."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import tomllib
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from click.testing import CliRunner

from chm_node.cli import main
from chm_node.database import open_database, writing
from chm_node.publishing import identifier_of
from chm_node.settings import Settings
from chm_node.tables import membership

ROOT = Path(__file__).parents[2]
TABLE = """type,slug,title_orig,lang,title_en,start
event,ws-1,Atelier,fr,Workshop,2017-04-04
event,ws-2,ورشة,ar,,2017-10-30
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def chm(folder):
    """Runs a command; gives its exit code, stdout and stderr."""

    def run(*arguments, code=0, answers=None):
        done = CliRunner().invoke(main, list(map(str, arguments)), input=answers, prog_name="chm")
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done

    return run


def in_shell(line):
    """Runs a line of sh, in which ``chm`` is the command."""
    command = f'chm() {{ "{sys.executable}" -m chm_node.cli "$@"; }}; {line}'
    return subprocess.run(
        ["sh", "-c", command], env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )


def start(*arguments):
    """Begins a command and does not wait."""
    return subprocess.Popen(
        [sys.executable, "-m", "chm_node.cli", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def node(chm):
    """A node that is set up."""
    chm("init", "--yes", "--country", "DZ", "--title", "fr=Centre d'échange")
    return chm


@pytest.fixture
def filled(node, folder):
    """A node with two records."""
    (folder / "records.csv").write_text(TABLE)
    node("import", "records.csv")
    return node


# init


def test_init_makes_a_node_that_starts(chm, folder):
    done = chm("init", "--yes", "--country", "dz", "--base-url", "https://chm.example.org", "--languages", "fr,ar")
    assert re.search(r"fingerprint  (?:[0-9a-f]{4} ?){8}", done.stdout)
    assert "chm serve" in done.stdout
    settings = Settings.load()
    assert (settings.base_url, settings.country, settings.languages) == ("https://chm.example.org/", "DZ", ("fr", "ar"))
    assert stat.S_IMODE(settings.key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "chm-data/chm.sqlite").stat().st_mode) == 0o600


def test_init_explains_every_setting_in_the_file(chm, folder):
    chm("init", "--yes")
    text = (folder / "chm.toml").read_text()
    for name, field in Settings.model_fields.items():
        assert f"# {field.description}." in text
        assert re.search(rf"^(# )?{name} = ", text, re.MULTILINE)


def test_every_line_of_the_file_may_be_put_in_force(chm, folder):
    chm("init", "--yes")
    before = Settings.load()
    path = folder / "chm.toml"
    path.write_text(re.sub(r"^# (\w+ = )", r"\1", path.read_text(), flags=re.MULTILINE))
    assert Settings.load() == before


def test_init_asks_for_country_address_and_names(chm):
    chm("init", "--languages", "fr,ar", answers="TN\nhttps://chm.example.tn/\nCentre d'échange\nمركز\n")
    settings = Settings.load()
    assert (settings.country, settings.base_url) == ("TN", "https://chm.example.tn/")
    assert settings.titles == {"fr": "Centre d'échange", "ar": "مركز"}


def test_init_writes_the_file_that_is_named(chm, folder, monkeypatch):
    monkeypatch.setenv("CHM_CONFIG", "other.toml")
    assert "other.toml; chm init writes it" in chm("serve", code=1).stderr
    chm("init", "--yes", "--country", "TN")
    assert Settings.load().country == "TN"


def test_init_never_overwrites(node, folder):
    before = (folder / "chm.toml").read_bytes(), (folder / "chm-data/signing-key.pem").read_bytes()
    assert "exists already" in node("init", "--yes", code=1).stderr
    (folder / "chm.toml").unlink()
    assert "exists already" in node("init", "--yes", code=1).stderr
    assert (folder / "chm-data/signing-key.pem").read_bytes() == before[1]


@pytest.mark.parametrize(
    ("option", "answer"),
    [
        ("country", "Algeria"),
        ("country", "XX"),
        ("base-url", "https://exa mple.org/"),
        ("title", "xx yy=Name"),
        ("contact", "notmail"),
    ],
)
def test_init_refuses_a_wrong_answer_before_it_writes_anything(chm, folder, option, answer):
    told = chm("init", "--yes", f"--{option}", answer, code=1).stderr
    assert re.search(rf"^Error: {option.replace('-', '_')}s?: ", told)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (
            {"CHM_CONFIG": "nowhere/chm.toml"},
            "CHM_CONFIG: the settings file nowhere/chm.toml cannot be",
        ),
        ({"CHM_DATA_DIR": "file/data"}, "data_dir: file/data: Not a directory"),
        ({"CHM_DATABASE_URL": "mysql://chm@127.0.0.1/chm"}, "database_url (CHM_DATABASE_URL): only SQLite"),
        ({"CHM_DATABASE_URL": "postgresql://chm@127.0.0.1:1/chm"}, "database_url: the database cannot be opened"),
        ({"CHM_DATABASE_URL": "sqlite:///file"}, "database_url: the database cannot be opened"),
    ],
    ids=["settings file", "data folder", "kind of database", "server that does not answer", "damaged database"],
)
def test_an_init_that_cannot_be_finished_leaves_nothing_and_may_be_repeated(chm, folder, monkeypatch, harm, named):
    (folder / "file").write_text("no database at all " * 500)
    with monkeypatch.context() as harmed:
        for name, value in harm.items():
            harmed.setenv(name, value)
        assert named in chm("init", "--yes", code=1).stderr
        assert [each.name for each in folder.iterdir()] == ["file"]
    chm("init", "--yes")
    assert (folder / "chm-data/signing-key.pem").exists()


def test_a_second_node_is_not_begun_in_the_database_of_another(chm, folder, monkeypatch, database_url):
    (folder / "records.csv").write_text(TABLE, encoding="utf-8")
    monkeypatch.setenv("CHM_DATABASE_URL", database_url)
    monkeypatch.setenv("CHM_DATA_DIR", "first")
    monkeypatch.setenv("CHM_CONFIG", "first.toml")
    chm("init", "--yes")
    chm("import", "records.csv")
    monkeypatch.setenv("CHM_DATA_DIR", "second")
    monkeypatch.setenv("CHM_CONFIG", "second.toml")
    assert "database_url: the database is in use by a node" in chm("init", "--yes", code=1).stderr
    assert not (folder / "second.toml").exists()
    assert not (folder / "second").exists()


def test_an_init_on_a_full_disk_leaves_nothing(folder):
    done = in_shell("export CHM_CONFIG=chm.toml; ulimit -f 0; chm init --yes")
    assert done.returncode == 1
    assert re.fullmatch("Error: CHM_CONFIG: the settings file chm.toml cannot be written: .+\n", done.stderr)
    assert list(folder.iterdir()) == []


def test_a_failed_init_takes_away_nothing_that_was_there(chm, folder, monkeypatch):
    (folder / "chm-data").mkdir()
    (folder / "chm-data/notes.txt").write_text("kept")
    monkeypatch.setenv("CHM_DATABASE_URL", "mysql://chm@127.0.0.1/chm")
    chm("init", "--yes", code=1)
    assert [each.name for each in (folder / "chm-data").iterdir()] == ["notes.txt"]


def test_what_the_environment_says_at_init_is_in_force_without_it(chm, folder, monkeypatch):
    with monkeypatch.context() as variables:
        variables.setenv("CHM_DATA_DIR", "my data")
        variables.setenv("CHM_PORT", "8123")
        variables.setenv("CHM_OUTBOUND_PROXY", "http://chm:secret@proxy.example.org:3128")
        chm("init", "--yes", "--country", "DZ")
        during = Settings.load()
    assert Settings.load() == during
    assert (folder / "my data/signing-key.pem").exists()
    assert stat.S_IMODE((folder / "chm.toml").stat().st_mode) == 0o600  # it may hold passwords now


def test_what_nobody_decided_shows_its_default(chm, folder, monkeypatch):
    monkeypatch.setenv("CHM_PORT", "8123")
    chm("init", "--yes", "--country", "DZ")
    shown = tomllib.loads(re.sub(r"^# (\w+ = )", r"\1", (folder / "chm.toml").read_text(), flags=re.MULTILINE))
    in_force = tomllib.loads((folder / "chm.toml").read_text())
    assert in_force == {"port": 8123, "country": "DZ"}
    assert shown["threads"] == Settings.model_fields["threads"].default


def test_init_without_anybody_to_ask_says_so(folder):
    done = in_shell("chm init <&-")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "--yes" in done.stderr
    assert list(folder.iterdir()) == []


# import and export


def test_an_import_says_what_it_did(node, folder):
    (folder / "records.csv").write_text(TABLE)
    assert "2 would be created" in node("import", "records.csv", "--dry-run").stdout
    assert "2 created, 0 updated, 0 unchanged" in node("import", "records.csv").stdout
    assert "0 created, 0 updated, 2 unchanged" in node("import", "records.csv").stdout
    (folder / "records.csv").write_text(TABLE.replace("Atelier", "Autre"))
    assert "0 would be created, 1 would be updated, 1 unchanged" in node("import", "records.csv", "--dry-run").stdout
    assert "0 created, 1 updated, 1 unchanged" in node("import", "records.csv").stdout


def test_one_bad_row_keeps_all_of_them_out(node, folder):
    (folder / "records.csv").write_text(TABLE + "event,ws-3,Trois,fr,,4 April\n")
    done = node("import", "records.csv", code=1)
    assert re.search(r"^line 4 \(ws-3\): start: write the date", done.stderr, re.MULTILINE)
    assert "nothing was stored" in done.stderr
    assert node("export").stdout_bytes == b""


@pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=["import", "dry run"])
def test_an_import_says_what_it_left_out_and_which_texts_have_no_language(node, folder, more):
    (folder / "a.ttl").write_text("""
        @prefix dcterms: <http://purl.org/dc/terms/> .
        <id/news/1> dcterms:type <https://w3id.org/chm/vocabulary/record-types/news> ; dcterms:title "Un" .
        <https://tn.example/id/news/1> dcterms:title "Autre"@fr . <https://tn.example/id/news/2> dcterms:title "X"@fr .
    """)
    done = node("import", "a.ttl", *more)
    assert "1 would be created" in done.stdout if more else "1 created" in done.stdout
    assert (
        "left out: 2 subjects are not under http://127.0.0.1:8100/id/, such as https://tn.example/id/news/1"
        in done.stderr
    )
    assert "no language is given, kept as it is: title of http://127.0.0.1:8100/id/news/1" in done.stderr


def test_the_good_rows_are_imported_when_asked(node, folder):
    (folder / "records.csv").write_text(TABLE + "event,ws-3,Trois,fr,,4 April\n")
    assert "2 created, 0 updated, 0 unchanged, 1 left out" in node("import", "records.csv", "--skip-bad", code=1).stdout


def test_a_file_without_records_of_this_node_is_a_problem(node, folder):
    (folder / "a.ttl").write_text('<https://tn.chm.example/id/event/1> <http://purl.org/dc/terms/title> "x" .')
    assert "no record found" in node("import", "a.ttl", code=1).stderr


@pytest.mark.parametrize("name", ["records.xlsx", "records.txt", "records"])
def test_a_file_of_another_kind_says_which_can_be_imported(node, folder, name):
    (folder / name).write_text(TABLE)
    assert node("import", name, code=1).stderr.splitlines()[-1] == (
        f"Error: {name}: its ending names no format that can be imported; save a table as .csv (UTF-8), "
        "RDF as .ttl, .trig, .nt, .nq, .jsonld or .rdf"
    )


@pytest.mark.parametrize("name", ["nq", "trig", "nt", "ttl", "jsonld"])
def test_an_export_comes_back_unchanged(filled, folder, name):
    filled("export", "--format", name, "-o", f"all.{name}")
    assert "2 unchanged" in filled("import", f"all.{name}").stdout
    assert not list(folder.glob("*.part"))


def test_an_export_restores_a_lost_database(filled, folder):
    before = filled("export", "--format", "csv").stdout
    filled("export", "-o", "all.nq")
    for file in (folder / "chm-data").glob("chm.sqlite*"):
        file.unlink()
    assert "begun anew: chm new-epoch" in filled("import", "all.nq", code=1).stderr
    filled("new-epoch")
    assert "2 created" in filled("import", "all.nq").stdout
    iris = [line.split(",")[0] for line in before.splitlines()]
    assert [line.split(",")[0] for line in filled("export", "--format", "csv").stdout.splitlines()] == iris


def test_a_slug_that_is_published_under_another_type_is_a_problem(filled, folder):
    first, _ = listed_iris(filled)
    (folder / "records.csv").write_text(TABLE.replace("event,ws-1", "news,ws-1") + "event,ws-3,Trois,fr,,2017\n")
    done = filled("import", "records.csv", code=1)
    assert (
        f"line 2 (ws-1): type: the slug is published as event already; keep that type, or withdraw {first}"
        in done.stderr
    )
    assert "1 of 3 records have problems, so nothing was stored" in done.stderr
    filled("withdraw", first, "--reason", "It is news")
    assert "2 created, 0 updated, 1 unchanged" in filled("import", "records.csv").stdout
    assert "0 created, 0 updated, 3 unchanged" in filled("import", "records.csv").stdout


def test_an_erased_record_does_not_come_back_under_another_type(filled, folder):
    first, second = listed_iris(filled)
    filled("erase", first, "--reason", "At the request of the person")
    (folder / "records.csv").write_text(TABLE.replace("event,", "meeting,"))
    filled("withdraw", second, "--reason", "It is a meeting")
    done = filled("import", "records.csv", "--skip-bad", code=1)
    assert re.search(
        r"^line 2 \(ws-1\): slug: was erased as event on [\d-]+; take the row out", done.stderr, re.MULTILINE
    )
    assert "1 created, 0 updated, 0 unchanged, 1 left out" in done.stdout
    assert "1 created, 0 updated, 1 unchanged" in filled("import", "records.csv", "--republish").stdout


@pytest.mark.parametrize(
    ("name", "more", "named"),
    [
        ("b.csv", TABLE.replace("Atelier", "Autre"), "b.csv: line 2 (ws-1): slug: a.csv: line 2 (ws-1) says"),
        ("b.csv", TABLE.replace("event,ws-2", "news,ws-2"), "b.csv: line 3 (ws-2): slug: a.csv: line 3 (ws-2) says"),
        ("b.ttl", "", "iri: a.csv: line 2 (ws-1) says something else of it; keep one of them"),
    ],
    ids=["another content", "another type", "RDF"],
)
def test_what_two_files_say_differently_of_a_record_is_a_problem(node, folder, name, more, named):
    (folder / "a.csv").write_text(TABLE)
    (folder / "c.csv").write_text(TABLE)
    assert "2 would be created" in node("import", "a.csv", "c.csv", "--dry-run").stdout
    if not more:
        iri = f"http://127.0.0.1:8100/id/event/{identifier_of(Settings.load(), 'ws-1')}"
        more = f'<{iri}> <http://purl.org/dc/terms/title> "Autre"@fr ; <https://schema.org/startDate> "2017" .'
    (folder / name).write_text(more)
    done = node("import", "a.csv", name, "--type", "event", code=1)
    assert named in done.stderr
    assert "so nothing was stored" in done.stderr


def test_a_table_without_a_row_says_so(node, folder):
    (folder / "records.csv").write_text(TABLE.splitlines()[0])
    assert "a table has a row for each record" in node("import", "records.csv", code=1).stderr


def test_an_import_leaves_withdrawn_and_erased_records_as_they_are(filled, folder):
    first, second = listed_iris(filled)
    filled("withdraw", first, "--reason", "By mistake")
    filled("erase", second, "--reason", "At the request of the person")
    (folder / "records.csv").write_text(TABLE + "event,ws-3,Trois,fr,,2017\n")
    for arguments, count in ((("--dry-run",), "1 would be created"), ((), "1 created"), ((), "0 created")):
        done = filled("import", "records.csv", *arguments)
        assert count in done.stdout
        assert "2 stay withdrawn" in done.stdout
        assert re.search(r"^line 2 \(ws-1\): was withdrawn on [\d-]+ and stays so$", done.stderr, re.MULTILINE)
        assert re.search(r"^line 3 \(ws-2\): was erased on [\d-]+ and stays so$", done.stderr, re.MULTILINE)
        assert "chm import --republish" in done.stderr
    assert len(listed_iris(filled)) == 1
    assert "ورشة".encode() not in filled("export").stdout_bytes


def test_an_older_export_brings_nothing_back_either(filled):
    filled("export", "-o", "all.nq")
    first, second = listed_iris(filled)
    filled("erase", first, "--reason", "At the request of the person")
    done = filled("import", "all.nq")
    assert "0 created, 0 updated, 1 unchanged, 1 stays withdrawn" in done.stdout
    assert f"{first}: was erased on 20" in done.stderr
    assert listed_iris(filled) == [second]


def test_withdrawn_and_erased_records_are_published_again_only_when_that_is_asked(filled):
    first, second = listed_iris(filled)
    filled("withdraw", first, "--reason", "By mistake")
    filled("erase", second, "--reason", "At the request of the person")
    dry = filled("import", "records.csv", "--republish", "--dry-run")
    assert "0 would be created, 2 would be updated, 0 unchanged\n" in dry.stdout
    assert re.search(r"^line 2 \(ws-1\): was withdrawn on [\d-]+, would be published again$", dry.stderr, re.MULTILINE)
    assert listed_iris(filled) == []
    done = filled("import", "records.csv", "--republish")
    assert "0 created, 2 updated, 0 unchanged\n" in done.stdout
    assert re.search(r"^line 3 \(ws-2\): was erased on [\d-]+, is published again$", done.stderr, re.MULTILINE)
    assert listed_iris(filled) == [first, second]


def test_a_record_that_was_erased_before_the_node_moved_stays_so(filled, monkeypatch):
    first, second = listed_iris(filled)
    filled("erase", first, "--reason", "At the request of the person")
    monkeypatch.setenv("CHM_BASE_URL", "https://chm.example.dz/")
    monkeypatch.setenv("CHM_MOVED_FROM", "http://127.0.0.1:8100/")
    filled("move")
    done = filled("import", "records.csv")
    assert "0 created, 0 updated, 1 unchanged, 1 stays withdrawn" in done.stdout
    assert "line 2 (ws-1): was erased on 20" in done.stderr
    moved = second.replace("http://127.0.0.1:8100/", "https://chm.example.dz/")
    assert listed_iris(filled) == [moved]
    filled("withdraw", moved, "--reason", "By mistake")
    assert "0 created, 0 updated, 0 unchanged, 2 stay withdrawn" in filled("import", "records.csv").stdout


def test_an_export_may_be_of_one_node_alone(filled):
    assert filled("export", "--origin", "http://127.0.0.1:8100/").stdout_bytes == filled("export").stdout_bytes


def test_an_export_of_a_node_that_is_not_known_is_refused_and_writes_no_file(filled, folder):
    done = filled("export", "--origin", "https://tn.chm.example/", "-o", "theirs.nq", code=2)
    assert "https://tn.chm.example/" in done.stderr
    assert "http://127.0.0.1:8100/node" in done.stderr
    assert not (folder / "theirs.nq").exists()


def test_an_export_is_written_into_what_is_no_regular_file(filled, folder):
    os.mkfifo(folder / "pipe")
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    filled("export", "-o", "pipe")
    assert os.read(reader, 1_000_000) == filled("export").stdout_bytes
    os.close(reader)
    assert (folder / "pipe").is_fifo()


def test_an_export_through_a_link_leaves_the_link(filled, folder):
    (folder / "kept.nq").write_text("yesterday's")
    (folder / "link.nq").symlink_to("kept.nq")
    filled("export", "-o", "link.nq")
    assert (folder / "link.nq").is_symlink()
    assert (folder / "kept.nq").read_bytes() == filled("export").stdout_bytes


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("chm export -o chm.toml/all.nq", "chm.toml/all.nq: Not a directory"),
        ("chm export >/dev/full", "stdout: No space left on device"),
        ("chm export >&-", "stdout is closed; name a file with -o"),
    ],
)
def test_an_export_that_cannot_be_written_says_so(filled, folder, line, told):
    before = sorted(folder.iterdir())
    done = in_shell(line)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"Error: {told}\n")
    assert sorted(folder.iterdir()) == before


def test_an_export_whose_reader_has_enough_ends_in_silence(filled):
    done = in_shell("(chm export; echo $? >&2) | :")
    assert done.stderr == "1\n"


# backup and restore


def test_a_backup_is_looked_at_and_restored(filled, folder):
    assert "2 records" in filled("backup", "node.backup").stdout
    filled("withdraw", listed_iri(filled), "--reason", "By mistake")
    assert "is whole: 2 records" in filled("restore", "--check", "node.backup").stdout
    assert len(filled("export").stdout_bytes.split(b"#meta> <http://purl.org/dc/terms/modified>")) == 2

    done = filled("restore", "node.backup")

    assert "Restored: 2 records" in done.stdout
    assert "chm recover" in done.stdout
    assert len(filled("export").stdout_bytes.split(b"#meta> <http://purl.org/dc/terms/modified>")) == 3
    checks = json.loads(filled("doctor", "--json", code=1).stdout)
    assert [each["state"] for each in checks if each["name"] in ("change log", "given out")] == ["OK", "OK"]


def fingerprint_of(chm):
    return re.search(r"Fingerprint ([0-9a-f ]+)\.", chm("doctor", code=1).stdout)[1]


def test_a_node_that_changed_its_key_is_restored_with_the_new_one_into_an_empty_folder(filled, folder):
    before = fingerprint_of(filled)
    filled("key", "rotate")
    in_use = fingerprint_of(filled)
    assert "with the keys" in filled("backup", "--with-key", "node.backup").stdout
    (folder / "chm-data").rename(folder / "lost")

    done = filled("restore", "node.backup")

    assert (fingerprint_of(filled), done.stderr) == (in_use, "")
    assert before != in_use


def test_the_doctor_names_the_file_of_a_key_that_others_can_read(filled, folder):
    filled("key", "rotate")
    (folder / "chm-data/signing-key-2.pem").chmod(0o644)
    assert "chmod 600 chm-data/signing-key-2.pem" in filled("doctor", code=2).stdout


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_command_that_is_told_to_end_takes_away_what_it_had_begun(node, folder, end):
    os.mkfifo(folder / "slow.backup")  # nobody ever writes into it
    with start("restore", "slow.backup") as process:
        for _ in range(300):
            if list((folder / "chm-data").glob(".restore-*")):
                break
            time.sleep(0.1)
        process.send_signal(end)
        told = process.communicate()[1]
    assert process.returncode == (1 if end is signal.SIGINT else 128 + end)
    assert told in ("", "Aborted!\n", "\nAborted!\n")
    assert not list((folder / "chm-data").glob(".restore-*"))


def test_an_erased_record_is_gone_from_the_file(filled, folder):
    iri = listed_iri(filled)
    filled("erase", iri, "--reason", "At the request of the person")
    filled("erase", iri, "--reason", "Said again, it only finishes what was left")
    data = b"".join(path.read_bytes() for path in (folder / "chm-data").iterdir() if path.is_file())
    titles = [title for title in ("Atelier", "ورشة") if title.encode() in data]
    assert len(titles) == 1
    assert b"At the request" in data
    assert b"Said again" not in data


def test_a_node_moves_with_two_settings_and_a_command(filled, monkeypatch):
    assert "moved_from: write the old address there" in filled("move", code=1).stderr
    monkeypatch.setenv("CHM_BASE_URL", "https://chm.example.dz/")
    monkeypatch.setenv("CHM_MOVED_FROM", "http://127.0.0.1:8100/")
    assert "2 records have moved to https://chm.example.dz/" in filled("move").stdout
    assert "0 records have moved" in filled("move").stdout
    assert listed_iri(filled).startswith("https://chm.example.dz/id/event/")
    assert "0 created, 0 updated, 2 unchanged" in filled("import", "records.csv").stdout


def test_records_of_an_address_that_the_settings_do_not_know_stop_every_command(filled, monkeypatch):
    old, new = Settings.load().base_url, "https://chm.example.dz/"
    monkeypatch.setenv("CHM_BASE_URL", new)
    for command in (["import", "records.csv"], ["export"], ["serve"], ["worker"]):
        told = filled(*command, code=1).stderr
        assert f"Error: base_url: 2 records of this node are published under {old}, and not under {new}" in told
        assert "moved_from" in told
    checks = json.loads(filled("doctor", "--json", code=2).stdout)
    assert [each["state"] for each in checks if each["name"] == "record addresses"] == ["FAIL"]

    monkeypatch.setenv("CHM_MOVED_FROM", old)
    filled("move")
    assert "2 unchanged" in filled("import", "records.csv").stdout
    monkeypatch.delenv("CHM_MOVED_FROM")  # what is left under the old address are tombstones
    filled("export")


def test_before_the_first_record_the_address_may_change(node, folder, monkeypatch):
    monkeypatch.setenv("CHM_BASE_URL", "https://chm.example.dz/")
    (folder / "records.csv").write_text(TABLE)
    assert "2 created" in node("import", "records.csv").stdout


def listed_iris(chm):
    return [line.split(",")[0] for line in chm("export", "--format", "csv").stdout.splitlines()[1:]]


def listed_iri(chm):
    return listed_iris(chm)[0]


# dump


def test_a_dump_lies_in_the_data_folder(filled):
    said = filled("dump").stdout
    assert re.search(r"\d+ records, 0 withdrawn, as of 20", said)
    assert re.search(r"dumps/records-\d+\.nq\.gz", said)


# withdraw


def key_of(chm):
    return re.search(r"/id/(event/[\w-]+)", chm("export").stdout)[1]


def test_a_record_is_withdrawn_by_its_key_with_a_reason(filled):
    key = key_of(filled)
    assert "is withdrawn" in filled("withdraw", key, "--reason", "Par erreur", "--lang", "fr").stdout
    assert "was withdrawn" in filled("withdraw", key, "--reason", "Par erreur", code=1).stderr
    assert key not in filled("export").stdout


def test_a_withdrawal_needs_a_record_a_reason_and_a_language(filled):
    assert "there is no record" in filled("withdraw", "event/nothing", "--reason", "x", code=1).stderr
    filled("withdraw", key_of(filled), code=2)
    filled("withdraw", key_of(filled), "--reason", "x", "--lang", "not a language", code=2)


@pytest.mark.parametrize("reason", ["", " \t", "\u202e"])
def test_a_reason_says_something(filled, reason):
    record = key_of(filled)
    for command in (["withdraw", record], ["erase", record], ["source", "reject", "https://tn.chm.example/"]):
        assert "'--reason': write one sentence" in filled(*command, "--reason", reason, code=2).stderr
    assert record in filled("export").stdout


# doctor


def test_the_doctor_numbers_its_checks_and_says_what_to_do(filled):
    done = filled("doctor", code=1)
    assert re.search(r"^ 4\. OK   signing key: Fingerprint", done.stdout, re.MULTILINE)
    assert "All 2 records are indexed" in done.stdout
    assert "Start chm serve" in done.stdout


def test_the_doctor_answers_other_programs(filled):
    checks = json.loads(filled("doctor", "--json", code=1).stdout)
    assert {"settings", "signing key", "database", "search index", "change log"} <= {each["name"] for each in checks}
    assert all(each["fix"] for each in checks if each["state"] != "OK")


def test_the_doctor_lists_the_terms_of_own_records_that_no_vocabulary_has(node, folder):
    (folder / "records.csv").write_text("type,slug,title_fr,topics\nnews,n-1,Mercure,Wetlands of nowhere\n")
    node("import", "records.csv")
    [check] = [each for each in json.loads(node("doctor", "--json", code=1).stdout) if each["name"] == "unknown terms"]
    assert (check["state"], "subjects: Wetlands of nowhere" in check["sentence"]) == ("WARN", True)


@pytest.mark.parametrize(
    ("folder_mode", "file_mode", "state"),
    [(0o755, 0o644, "WARN"), (0o750, 0o640, "WARN"), (0o700, 0o644, "OK"), (0o755, 0o600, "OK")],
)
def test_the_doctor_says_whether_other_accounts_can_read_the_database(node, folder, folder_mode, file_mode, state):
    (folder / "chm-data").chmod(folder_mode)
    (folder / "chm-data/chm.sqlite").chmod(file_mode)
    [check] = [each for each in json.loads(node("doctor", "--json", code=1).stdout) if each["name"] == "secrecy"]
    assert check["state"] == state
    assert ("chmod 700 chm-data" in check["fix"]) == (state == "WARN")


@pytest.mark.parametrize(
    ("harm", "name"),
    [
        (lambda folder: (folder / "chm-data/signing-key.pem").chmod(0o644), "signing key"),
        (lambda folder: (folder / "chm-data/signing-key.pem").unlink(), "signing key"),
        (lambda folder: (folder / "chm-data/chm.sqlite").unlink(), "database"),
        (lambda folder: (folder / "chm-data/chm.sqlite").write_text("x" * 5000), "database"),
        (lambda folder: (folder / "chm.toml").write_text("port = 99999"), "settings"),
    ],
    ids=["key open to others", "key lost", "database lost", "database damaged", "wrong setting"],
)
def test_the_doctor_finds_what_is_broken(node, folder, harm, name):
    harm(folder)
    checks = json.loads(node("doctor", "--json", code=2).stdout)
    assert name in [each["name"] for each in checks if each["state"] == "FAIL"]


def test_a_database_that_may_not_be_used_is_told_in_one_sentence(node, database_urls, monkeypatch):
    [url] = database_urls(1)
    role = f"reader_{url.rpartition('_')[2]}"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as server:
        server.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        server.execute(f"CREATE ROLE {role} LOGIN")
    monkeypatch.setenv("CHM_DATABASE_URL", url.replace("chm@", f"{role}@"))

    told = node("source", "list", code=1).stderr
    checks = json.loads(node("doctor", "--json", code=2).stdout)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as server:
        server.execute(f"DROP ROLE {role}")

    assert told == "Error: database_url: the tables cannot be made: permission denied for schema public\n"
    [check] = [each for each in checks if each["name"] == "database"]
    assert (check["state"], check["sentence"]) == ("FAIL", f"{told.removeprefix('Error: ').strip()}.")


def test_a_disk_that_is_full_while_the_tables_are_made_is_told_in_one_sentence(folder):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))"
    done = subprocess.run(
        [sys.executable, "-c", f"{limit}; import chm_node.cli.__main__", "init", "--yes"],
        env=os.environ | {"PYTHONPATH": str(ROOT), "CHM_CONFIG": "chm.toml"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("Error: database_url: ")


def test_the_doctor_finds_a_full_disk_of_the_database_too(node, monkeypatch):
    monkeypatch.setenv("CHM_DATABASE_URL", "sqlite:////proc/chm.sqlite")  # of that file system nothing is ever free
    [check] = [each for each in json.loads(node("doctor", "--json", code=2).stdout) if each["name"] == "disk space"]
    assert (check["state"], check["sentence"]) == ("FAIL", "0 MB free, so nothing is harvested.")


def test_a_mark_that_cannot_be_set_is_told_and_fails_no_command(filled, folder):
    mark = folder / "chm-data/log-reached.json"
    mark.unlink()
    mark.mkdir()
    told = "Warning: chm-data/log-reached.json cannot be written: Is a directory. The command has done its work.\n"
    assert filled("source", "list").stderr == told
    assert not list(folder.glob("chm-data/*.part"))


# all commands


def test_a_wrong_setting_is_named_by_every_command(node, monkeypatch):
    monkeypatch.setenv("CHM_PORT", "99999")
    for command in (["serve"], ["worker"], ["export"], ["harvest"], ["source", "list"]):
        assert re.search(r"^Error: .*port", node(*command, code=1).stderr)


def test_a_misspelt_variable_stops_every_command(node, monkeypatch):
    monkeypatch.setenv("CHM_DATABSE_URL", "postgresql://chm@localhost/chm")
    for command in (["serve"], ["export"], ["source", "list"]):
        assert "perhaps CHM_DATABASE_URL?" in node(*command, code=1).stderr


def test_a_command_that_is_not_written_right_is_a_usage_error(node):
    for command in (["nothing"], ["import"], ["export", "--format", "doc"], ["bench", "nothing"], ["withdraw"]):
        node(*command, code=2)


def test_without_init_a_command_says_what_to_do_first(chm, folder):
    (folder / "records.csv").write_text(TABLE)
    assert "chm init" in chm("serve", code=1).stderr
    for command in (["worker"], ["export"], ["backup", "x"], ["source", "list"]):
        told = chm(*command, code=1).stderr
        assert told.endswith(
            "Error: data_dir, database_url: there is no folder chm-data; run chm init, or correct the setting\n"
        )
    assert [each.name for each in folder.iterdir()] == ["records.csv"]


def test_no_command_shows_the_private_key(filled, folder):
    secret = (folder / "chm-data/signing-key.pem").read_text().split("\n")[1]
    for command, code in ((["doctor"], 1), (["export"], 0), (["source", "list"], 0), (["harvest"], 1)):
        done = filled(*command, code=code)
        assert secret not in done.stdout + done.stderr


def test_a_hub_without_sources_says_how_to_get_one(node):
    assert "chm source add" in node("source", "list").stdout
    assert "no source is approved" in node("harvest", code=1).stderr
    assert "there is no source" in node("source", "approve", "https://tn.chm.example/", code=1).stderr


@pytest.mark.parametrize("command", ["source add", "join", "leave", "receipts", "recover", "check-peer"])
@pytest.mark.parametrize("address", ["http://[::1", "http://[x]/", "http://tn.example:port/", "tn.example"])
def test_what_is_no_address_is_told_so(node, command, address):
    done = node(*command.split(), address, code=1)
    assert "is not a plain http or https address" in done.stdout + done.stderr


# serve


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_serving(*options):
    return start("serve", *options)


def wait_until_served(address):
    for _ in range(300):
        try:
            return httpx.get(address)
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"{address} was not served")


def children(process):
    return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_with_one_worker_beside_it_and_stops_cleanly(filled, monkeypatch, stop):
    port = free_port()
    monkeypatch.setenv("CHM_PORT", str(port))
    with start_serving() as process:
        answer = wait_until_served(f"http://127.0.0.1:{port}/node")
        started = children(process)
        process.send_signal(stop)
        told = process.communicate()[1]
    assert answer.status_code == 200
    assert len(started) == 2
    assert process.returncode == 0
    assert told.splitlines()[-1] == "stopped"
    assert "Traceback" not in told
    assert not [pid for pid in started if Path(f"/proc/{pid}/cmdline").exists()]


@pytest.mark.parametrize("kept", [False, True], ids=["", "nohup"])
def test_serve_ends_with_its_terminal_unless_it_is_to_stay(filled, monkeypatch, kept):
    port = free_port()
    monkeypatch.setenv("CHM_PORT", str(port))
    command = [*(["nohup"] if kept else []), sys.executable, "-m", "chm_node.cli", "serve"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, process_group=0, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until_served(f"http://127.0.0.1:{port}/livez")
            before = children(process)
            os.killpg(process.pid, signal.SIGHUP)
            if kept:
                time.sleep(1)
                assert children(process) == before
                process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_of_two_that_start_on_one_port_in_the_same_moment_one_serves(filled, monkeypatch):
    port = free_port()
    monkeypatch.setenv("CHM_PORT", str(port))
    with start_serving("--no-worker") as first, start_serving("--no-worker") as second:
        try:
            wait_until_served(f"http://127.0.0.1:{port}/livez")
            while first.poll() is second.poll() is None:
                time.sleep(0.1)
            loser = second if first.poll() is None else first
            assert loser.returncode == 1
            assert httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200
            assert loser.stderr.read() == f"Error: host, port: 127.0.0.1:{port}: Address already in use\n"
        finally:
            first.terminate()
            second.terminate()


@pytest.mark.parametrize(("host", "address"), [("::1", "[::1]"), ("localhost", "127.0.0.1")])
def test_a_node_can_listen_on_an_ipv6_address_and_on_a_name(filled, monkeypatch, host, address):
    port = free_port()
    monkeypatch.setenv("CHM_HOST", host)
    monkeypatch.setenv("CHM_PORT", str(port))
    with start_serving("--no-worker") as process:
        try:
            assert wait_until_served(f"http://{address}:{port}/livez").status_code == 200
        finally:
            process.terminate()


def test_serve_refuses_a_name_that_leads_nowhere(filled, monkeypatch):
    monkeypatch.setenv("CHM_HOST", "nobody.invalid")
    assert filled("serve", code=1).stderr.startswith("Error: host: nobody.invalid: ")


def is_at_work(pid):
    """Whether there is such a process, and not only what nobody has picked up of it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_nothing_of_a_node_that_was_killed_stays_at_work(filled, monkeypatch):
    port = free_port()
    monkeypatch.setenv("CHM_PORT", str(port))
    with start_serving() as process:
        wait_until_served(f"http://127.0.0.1:{port}/livez")
        started = children(process)
        process.kill()
    assert len(started) == 2
    for _ in range(300):
        if not any(map(is_at_work, started)):
            break
        time.sleep(0.1)
    assert not list(filter(is_at_work, started))


def test_a_process_whose_starter_has_ended_already_does_not_begin(node):
    late = [sys.executable, "-m", "chm_node.cli", "--end-with", "1", "worker"]
    done = subprocess.run(late, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "Error: the process that started this one has ended\n")


def test_a_hub_adds_approves_harvests_and_removes_a_node(chm, folder, monkeypatch):
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    monkeypatch.setenv("CHM_PROFILE", "demo")
    (folder / "records.csv").write_text(TABLE)
    with monkeypatch.context() as peer:
        peer.setenv("CHM_CONFIG", str(folder / "peer.toml"))
        peer.setenv("CHM_DATA_DIR", str(folder / "peer"))
        peer.setenv("CHM_PORT", str(port))
        told = chm("init", "--yes", "--base-url", address, "--title", "fr=Nœud").stdout
        chm("import", "records.csv")
        process = start_serving("--no-worker")
    shown = re.search("fingerprint  (.+)", told)[1]
    chm("init", "--yes")
    with process:
        wait_until_served(f"{address}node")
        found = chm("source", "add", address).stdout
        assert shown in found
        assert "Atelier" in found
        assert "proposed" in chm("source", "list").stdout
        assert "approved already" not in chm("source", "add", f"HTTP://127.0.0.1:{port}#top").stdout
        assert chm("source", "list").stdout.count(address) == 1
        assert "only an approved source" in chm("harvest", address, code=1).stderr
        assert shown in chm("source", "approve", address, "--countries", "dz, tn").stdout
        assert "may vouch for nodes of DZ, TN only" in chm("source", "list").stdout
        assert "two letters of each country" in chm("source", "approve", address, "--countries", "DZA", code=2).stderr
        assert "ok: 2 new" in chm("harvest").stdout
        assert "not-modified" in chm("harvest", address).stdout
        assert "2 records, last harvested" in chm("source", "list").stdout
        assert "approved already" in chm("source", "add", address).stdout
        assert "Last harvested" in chm("doctor", code=1).stdout
        chm("source", "remove", f"http://127.0.0.1:{port}")
        assert "Atelier" in chm("export", "--origin", address).stdout
        assert "removed" in chm("source", "list").stdout
        process.terminate()
        process.communicate()


def test_a_node_asks_its_hub_what_became_of_its_records(chm, folder, monkeypatch):
    ports = {"peer": free_port(), "hub": free_port()}
    (folder / "records.csv").write_text(TABLE)
    monkeypatch.setenv("CHM_PROFILE", "demo")

    def become(name):
        monkeypatch.setenv("CHM_CONFIG", str(folder / f"{name}.toml"))
        monkeypatch.setenv("CHM_DATA_DIR", str(folder / name))
        monkeypatch.setenv("CHM_PORT", str(ports[name]))
        return f"http://127.0.0.1:{ports[name]}/"

    for name in ports:
        chm("init", "--yes", "--base-url", become(name), "--languages", "fr", "--title", f"fr={name}")
    peer = become("peer")
    chm("import", "records.csv")
    with start_serving("--no-worker") as serving:
        wait_until_served(f"{peer}node")
        hub = become("hub")
        chm("source", "add", peer)
        chm("source", "approve", peer)
        chm("harvest")
        serving.terminate()
        serving.communicate()
    with start_serving("--no-worker") as serving:
        wait_until_served(f"{hub}node")
        become("peer")
        told = chm("receipts", hub).stdout
        found = json.loads(chm("receipts", hub.rstrip("/"), "--json").stdout)
        serving.terminate()
        serving.communicate()
    assert told.splitlines()[-1] == "green  in all: 2 green, 0 amber, 0 red"
    assert (found["light"], found["counts"]["green"]) == ("green", 2)
    assert "no node was found" in chm("receipts", hub, code=1).stderr
    silent = chm("receipts").stdout
    assert "no answer now" in silent
    assert "2 green, 0 amber, 0 red" in silent
    assert "asked no more" in chm("receipts", hub.rstrip("/"), "--forget").stdout
    assert "no hub was asked yet" in chm("receipts", code=1).stderr


@pytest.fixture
def federation(chm, folder, monkeypatch):
    """A node with two records and a hub that has approved it; ``become`` chooses whose commands follow."""
    ports = {"peer": free_port(), "hub": free_port()}
    (folder / "records.csv").write_text(TABLE)
    monkeypatch.setenv("CHM_PROFILE", "demo")

    def become(name, **more):
        port = more.get("port", ports[name])
        address = f"http://127.0.0.1:{port}/"
        for setting in ("CHM_BASE_URL", "CHM_MOVED_FROM"):
            monkeypatch.delenv(setting, raising=False)
        chosen = {"config": folder / f"{name}.toml", "data_dir": folder / name, "port": port, **more}
        for setting, value in chosen.items():
            monkeypatch.setenv(f"CHM_{setting.upper()}", str(value))
        return address

    for name in ports:
        chm("init", "--yes", "--base-url", become(name), "--languages", "fr", "--title", f"fr={name}")
    peer, hub = become("peer"), become("hub")
    with served(become, "peer"):
        become("hub")
        chm("source", "add", peer)
        chm("source", "approve", peer)
    become("peer")
    chm("import", "records.csv")
    return become, peer, hub


@contextmanager
def served(become, name, **more):
    """The node answers meanwhile, without a worker."""
    address = become(name, **more)
    with start_serving("--no-worker") as process:
        try:
            wait_until_served(f"{address}node")
            yield address
        finally:
            process.terminate()
            process.communicate()


def test_a_node_moves_and_its_hub_recognises_it_by_its_key(chm, federation):
    become, peer, _ = federation
    with served(become, "peer"):
        become("hub")
        assert "ok: 2 new" in chm("harvest").stdout

    port = free_port()
    moved = {"port": port, "base_url": f"http://127.0.0.1:{port}/", "moved_from": peer}
    new = become("peer", **moved)
    told = chm("move").stdout
    assert f"2 records have moved to {new}" in told
    assert f"chm source add {new}" in told

    with served(become, "peer", **moved):
        become("hub")
        found = chm("source", "add", new).stdout
        assert f"It has the key that was approved for {peer}node." in found
        assert "counts as moved" in found
        assert f"{new}node is approved" in chm("source", "approve", new).stdout
        assert "ok: 2 new, 2 changed, 0 withdrawn" in chm("harvest", new).stdout
        assert "only an approved source" in chm("harvest", peer, code=1).stderr
    assert f"moved     {peer}  0 records" in chm("source", "list").stdout
    assert f"approved  {new}  2 records" in chm("source", "list").stdout


def test_a_restored_node_gets_back_from_its_hub_what_came_after_the_backup(chm, federation, folder):
    become, _, hub = federation
    become("peer")
    chm("backup", "node.backup")
    (folder / "later.csv").write_text(TABLE.splitlines(keepends=True)[0] + "event,ws-3,Colloque,fr,,2018-01-01\n")
    chm("import", "later.csv")
    with served(become, "peer"):
        become("hub")
        assert "ok: 3 new" in chm("harvest").stdout
    become("peer")
    assert "chm recover https://hub.example.org/" in chm("restore", "node.backup").stdout
    assert "Colloque" not in chm("export").stdout
    with served(become, "hub"):
        become("peer")
        assert "1 created, 0 updated, 0 withdrawn as they were" in chm("recover", hub).stdout
        assert "0 created" in chm("recover", hub).stdout
    assert "Colloque" in chm("export").stdout
    assert "no node was found" in chm("recover", hub, code=1).stderr


def test_a_person_decides_about_withdrawals_that_are_held(chm, folder, monkeypatch):
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    monkeypatch.setenv("CHM_PROFILE", "demo")
    rows = "".join(f"event,ws-{n},Atelier {n},fr,,2017-04-04\n" for n in range(7))
    (folder / "records.csv").write_text(TABLE.splitlines(keepends=True)[0] + rows)
    with monkeypatch.context() as peer:
        peer.setenv("CHM_CONFIG", str(folder / "peer.toml"))
        peer.setenv("CHM_DATA_DIR", str(folder / "peer"))
        peer.setenv("CHM_PORT", str(port))
        chm("init", "--yes", "--base-url", address, "--title", "fr=Nœud")
        chm("import", "records.csv")
        process = start_serving("--no-worker")
    chm("init", "--yes")
    with process, ExitStack() as stack:
        stack.callback(process.terminate)
        wait_until_served(f"{address}node")
        assert chm("held").stdout == "Nothing is held, flagged or refused.\n"
        chm("source", "add", address)
        assert "nothing of" in chm("held", "accept", address, code=1).stderr
        chm("source", "approve", address)
        chm("harvest")
        with monkeypatch.context() as peer:
            peer.setenv("CHM_CONFIG", str(folder / "peer.toml"))
            peer.setenv("CHM_DATA_DIR", str(folder / "peer"))
            for iri in set(re.findall(rf"{address}id/event/[0-9a-f-]+(?=>)", chm("export").stdout)):
                chm("withdraw", iri, "--reason", "Erreur", "--lang", "fr")
        assert "chm held" in chm("harvest", code=1).stdout
        shown = chm("held").stdout
        assert f"{address}: 7 records\n  waiting  7 withdrawals, too many at once" in shown
        assert shown.count("Atelier") == 5
        assert "and 2 more" in shown
        assert "7 changes are dropped" in chm("held", "drop", address, "--kind", "withdrawal").stdout
        assert "dropped  7 records are kept" in chm("held").stdout
        assert "not-modified" in chm("harvest").stdout
        assert "7 changes wait again" in chm("held", "reopen", address).stdout
        assert "7 changes are taken over" in chm("held", "accept", address).stdout
        assert chm("held").stdout == "Nothing is held, flagged or refused.\n"
        runs = re.findall(r"^ +(\d+) .* UTC  (\S+):", chm("source", "history", address).stdout, re.M)
        assert [outcome for _, outcome in runs] == [
            "decided",
            "decided",
            "not-modified",
            "decided",
            "quarantined",
            "ok",
        ]
        back = chm("source", "rollback", address, "--run", runs[4][0]).stdout
        assert "7 records got their earlier version back" in back
        assert "waiting  7 changes undone by going back" in chm("held").stdout


def test_serve_refuses_a_port_that_is_taken(filled, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("CHM_PORT", str(taken.getsockname()[1]))
        assert re.search(r"host, port: .*in use", filled("serve", code=1).stderr)


def test_check_peer_says_what_is_wrong_in_the_language_asked_for(node):
    done = node("check-peer", "http://127.0.0.1/", "--language", "fr", code=1)
    assert "failed   address.answers" in done.stdout
    assert "Faites répondre l’adresse" in done.stdout
    assert done.stdout.rstrip().endswith("none")


def test_check_peer_writes_json(node):
    found = json.loads(node("check-peer", "http://127.0.0.1/", "--json", code=1).stdout)
    assert found["level"] == "none"
    assert {"check", "state", "section", "sentence", "seen"} == set(found["findings"][0])


# joining


def until(chm, words, *arguments, code=0):
    """Runs a command until it says these words; what it said."""
    for _ in range(150):
        done = CliRunner().invoke(main, list(map(str, arguments)), prog_name="chm")
        if words in done.stdout:
            assert done.exit_code == code, done.output
            return done.stdout
        time.sleep(0.2)
    pytest.fail(f"chm {' '.join(arguments)} never said {words!r}, but: {done.output}")


def send_to(data, inbox):
    """As if the hub had stated this inbox."""
    engine = open_database(f"sqlite:///{data}/chm.sqlite")
    with writing(engine) as connection:
        connection.execute(membership.update().values(inbox=inbox))
    engine.dispose()


def test_a_node_joins_a_hub_changes_its_key_and_leaves_by_command(chm, folder, monkeypatch):
    """Two real nodes with their workers; every step is one that a person makes."""
    ports = {"peer": free_port(), "hub": free_port()}
    (folder / "records.csv").write_text(TABLE)
    monkeypatch.setenv("CHM_PROFILE", "demo")
    monkeypatch.setenv("CHM_TICK_SECONDS", "0.2")

    def become(name):
        monkeypatch.setenv("CHM_CONFIG", str(folder / f"{name}.toml"))
        monkeypatch.setenv("CHM_DATA_DIR", str(folder / name))
        monkeypatch.setenv("CHM_PORT", str(ports[name]))
        return f"http://127.0.0.1:{ports[name]}/"

    hub, peer = become("hub"), ""
    chm("init", "--yes", "--base-url", hub)
    serving = [start_serving()]
    peer = become("peer")
    told = chm("init", "--yes", "--base-url", peer).stdout
    shown = re.search("fingerprint  (.+)", told)[1]
    chm("import", "records.csv")
    serving.append(start_serving())
    try:
        wait_until_served(f"{hub}node")
        wait_until_served(f"{peer}node")
        assert "was never asked" in chm("join", hub, "--status", code=1).stderr
        said = chm("join", hub).stdout
        assert "waits for the decision" in said
        assert shown in said
        page = httpx.get(re.search(r"see +(\S+)", said)[1], headers={"Accept": "text/html"}, follow_redirects=True)
        assert peer in page.text

        become("hub")
        listed = until(chm, "level L", "source", "list")
        assert f"asks      {peer}" in listed
        assert shown in listed
        assert "Asks to be harvested here" in chm("doctor", code=1).stdout
        chm("source", "reject", peer, "--reason", "Who are you?")
        become("peer")
        assert "Who are you?" in until(chm, "was rejected", "join", hub, "--status", code=1)
        assert "Does not harvest this node: Who are you?" in chm("doctor", code=1).stdout

        chm("join", hub)
        become("hub")
        until(chm, "level L", "source", "list")
        assert shown in chm("source", "approve", peer).stdout
        become("peer")
        until(chm, "is harvested there", "join", hub, "--status")
        assert "Harvests this node." in chm("doctor", code=1).stdout
        become("hub")
        until(chm, "2 records, last harvested", "source", "list")

        become("peer")
        rotated = chm("key", "rotate").stdout
        assert f"{peer}node#key-2" in rotated
        assert shown not in rotated
        (folder / "more.csv").write_text(TABLE.replace("Workshop", "Moved workshop"))
        chm("import", "more.csv")
        become("hub")
        until(chm, "Moved workshop", "export", "--origin", f"{peer}node")

        become("peer")
        send_to(folder / "peer", f"{hub}feed")
        refused = chm("leave", hub, code=1)
        assert f"{hub}node refused ({hub}feed answered 405" in refused.stderr
        assert "was told" not in refused.stdout
        assert f"reason       {hub}feed answered 405" in chm("join", hub, "--status").stdout
        send_to(folder / "peer", f"http://127.0.0.1:{free_port()}/inbox")
        assert "could not be told yet" in chm("leave", hub).stdout
        send_to(folder / "peer", f"{hub}inbox")
        assert "was told" in chm("leave", hub).stdout
        become("hub")
        assert "left" in chm("source", "list").stdout
        assert "Moved workshop" in chm("export", "--origin", f"{peer}node").stdout
    finally:
        for each in serving:
            each.terminate()
            each.communicate()
