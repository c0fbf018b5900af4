"""Backups: one file with everything, restored in one step, and a log that goes on after all it ever gave out."""

import stat
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from chm_node import backup, dumps, keys, watermark
from chm_node.app import create_app
from chm_node.catalogue import Catalogue, ChangeLog, Filter
from chm_node.database import open_database, reading, writing
from chm_node.errors import BackupError, OutdatedLogError, SettingsError
from chm_node.publishing import publish, record_iri, withdraw
from chm_node.record import Tombstone
from chm_node.record_types import RECORD_TYPES
from chm_node.settings import Settings
from chm_node.signing import create_key
from chm_node.tables import dump, log_head, metadata, source

NOW = datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC)
BASE = "https://dz.chm.example/"


class Node:
    def __init__(self, folder, database_url=""):
        folder.mkdir(exist_ok=True)
        self.settings = Settings.load(base_url=BASE, data_dir=folder, database_url=database_url)
        if not self.settings.key_file.exists():
            create_key(self.settings.key_file)
        self.engine = open_database(self.settings.database)

    def publish(self, number, title="A notice", now=NOW):
        iri = record_iri(self.settings, "news", UUID(int=number))
        signer = keys.node_signer(self.settings)
        record = RECORD_TYPES["news"].record(iri, {"title": {"en": title}})
        list(publish(self.engine, self.settings, signer, [record], now))
        return iri

    def head(self):
        with reading(self.engine) as connection:
            return ChangeLog(connection).head()

    def holds(self, iri):
        with reading(self.engine) as connection:
            return Catalogue(connection).find(iri) is not None

    def back_up(self, file, **options):
        return backup.back_up(self.engine, self.settings, file, NOW, **options)

    def restore(self, file, now=NOW):
        return backup.restore(self.settings, file, now)[1]


@pytest.fixture
def node(tmp_path):
    node = Node(tmp_path / "dz")
    yield node
    node.engine.dispose()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "dz.backup"


def members(file):
    with tarfile.open(file) as archive:
        return archive.getnames()


def test_a_backup_made_at_work_is_restored_elsewhere(node, file, tmp_path):
    kept = node.publish(1)
    made = node.back_up(file, with_key=True)
    lost = node.publish(2)
    assert (made.records, made.log_time) == (1, NOW)
    assert backup.examine(file) == made

    other = Node(tmp_path / "new-machine")
    other.restore(file, NOW + timedelta(days=1))

    assert other.holds(kept)
    assert not other.holds(lost)
    assert other.settings.key_file.read_bytes() == node.settings.key_file.read_bytes()
    assert len(list(other.settings.data_dir.glob("signing-key.pem.replaced-*"))) == 1
    assert backup.key_warning(made, other.settings) == ""
    other.engine.dispose()


def test_a_restored_database_can_be_read_by_its_owner_alone(node, file, tmp_path):
    node.publish(1)
    node.back_up(file, with_key=True)
    settings = Settings.load(base_url=BASE, data_dir=tmp_path / "new")
    backup.restore(settings, file, NOW)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "new").glob("chm.sqlite*")}
    assert set(modes.values()) == {0o600}, modes
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_backup_is_read_where_nothing_can_be_written(node, file):
    iri = node.publish(1)
    made = node.back_up(file)
    with file.open("rb") as opened:
        place = Path(f"/proc/self/fd/{opened.fileno()}")  # a folder in which not even root can make anything
        assert backup.examine(place) == made
        node.restore(place)
    assert node.holds(iri)


def test_a_restore_names_the_data_folder_that_cannot_be_written(node, file, tmp_path):
    node.back_up(file)
    settings = Settings.load(base_url=BASE, data_dir=file / "data")
    with pytest.raises(BackupError, match=r"data_dir: .*dz\.backup/data: Not a directory"):
        backup.restore(settings, file, NOW)


def test_a_backup_takes_the_place_of_another_file_only_when_asked_to(node, file):
    file.write_bytes(b"the backup of yesterday")
    with pytest.raises(BackupError, match="exists already"):
        node.back_up(file)
    assert file.read_bytes() == b"the backup of yesterday"
    assert [path.name for path in file.parent.glob(".backup-*")] == []
    node.back_up(file, over=True)
    assert "chm.sqlite" in members(file)


def test_the_key_is_in_a_backup_only_when_asked_for(node, file):
    node.back_up(file)
    assert members(file) == ["manifest.json", "chm.sqlite"]
    assert node.settings.key_file.read_bytes() not in file.read_bytes()
    node.back_up(file, with_key=True, over=True)
    assert "signing-key.pem" in members(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_backup_without_the_key_warns_on_a_node_with_another(node, file, tmp_path):
    made = node.back_up(file)
    other = Node(tmp_path / "new-machine")
    other.restore(file)
    assert "not the one it had" in backup.key_warning(made, other.settings)
    other.engine.dispose()


def rotate(node, days):
    """Another key, some days later."""
    return keys.rotate(node.settings, NOW + timedelta(days=days)).multikey


def restored_on_an_empty_machine(file, folder):
    settings = Settings.load(base_url=BASE, data_dir=folder)
    made, _ = backup.restore(settings, file, NOW)
    return made, settings


def replaced(settings):
    return sorted(each.name.partition(".replaced-")[0] for each in settings.data_dir.glob("*.replaced-*"))


def test_a_backup_with_the_key_has_every_key_the_node_ever_had(node, file, tmp_path):
    rotate(node, 1)
    in_use = rotate(node, 2)

    node.back_up(file, with_key=True)
    made, settings = restored_on_an_empty_machine(file, tmp_path / "new")

    names = {"signing-key.pem", "signing-key-2.pem", "signing-key-3.pem", "keys.json"}
    assert set(members(file)) == {"manifest.json", "chm.sqlite", *names}
    assert keys.node_signer(settings).multikey == made.multikey == in_use
    assert keys.public_keys(settings, "") == keys.public_keys(node.settings, "")
    for name in names:
        assert (settings.data_dir / name).read_bytes() == (node.settings.data_dir / name).read_bytes()
        assert stat.S_IMODE((settings.data_dir / name).stat().st_mode) == 0o600
    assert (backup.key_warning(made, settings), replaced(settings)) == ("", [])


def test_a_former_key_whose_file_was_put_away_is_no_hindrance(node, file, tmp_path):
    in_use = rotate(node, 1)
    node.settings.key_file.unlink()
    node.back_up(file, with_key=True)
    _, settings = restored_on_an_empty_machine(file, tmp_path / "new")
    assert keys.node_signer(settings).multikey == in_use
    assert not settings.key_file.exists()


def test_a_backup_does_not_bring_back_a_key_that_was_given_up_since(node, file):
    made = node.back_up(file, with_key=True)
    in_use = rotate(node, 1)
    node.restore(file)
    assert keys.node_signer(node.settings).multikey == in_use
    assert (backup.key_warning(made, node.settings), replaced(node.settings)) == ("", [])


def test_the_newer_key_of_a_backup_comes_back(node, file):
    first = node.settings.key_file.read_bytes()
    in_use = rotate(node, 1)
    made = node.back_up(file, with_key=True)
    for name in ("keys.json", "signing-key-2.pem"):
        (node.settings.data_dir / name).unlink()

    node.restore(file)

    assert keys.node_signer(node.settings).multikey == in_use
    assert node.settings.key_file.read_bytes() == first
    assert (backup.key_warning(made, node.settings), replaced(node.settings)) == ("", [])


def test_the_keys_of_another_life_are_kept_beside_those_of_the_backup(node, file, tmp_path):
    node.back_up(file, with_key=True)
    other = Node(tmp_path / "new-machine")
    rotate(other, 1)
    rotate(other, 2)

    other.restore(file)

    assert keys.node_signer(other.settings).multikey == keys.node_signer(node.settings).multikey
    assert replaced(other.settings) == ["keys.json", "signing-key-2.pem", "signing-key-3.pem", "signing-key.pem"]
    rotate(other, 3)  # takes none of their names
    assert replaced(other.settings) == ["keys.json", "signing-key-2.pem", "signing-key-3.pem", "signing-key.pem"]
    other.engine.dispose()


def test_a_damaged_list_of_keys_is_replaced_and_kept(node, file):
    in_use = rotate(node, 1)
    node.back_up(file, with_key=True)
    (node.settings.data_dir / "keys.json").write_text("{")
    node.restore(file)
    assert keys.node_signer(node.settings).multikey == in_use
    assert replaced(node.settings) == ["keys.json"]


def test_a_restore_without_keys_warns_of_a_former_key_and_of_none(node, file, tmp_path):
    rotate(node, 1)
    made = node.back_up(file)
    assert made.multikey == keys.node_signer(node.settings).multikey
    _, settings = restored_on_an_empty_machine(file, tmp_path / "new")
    assert "signing-key.pem cannot be read" in backup.key_warning(made, settings)

    # From the stick in the safe, as it was before the key was changed.
    settings.key_file.touch(0o600)
    settings.key_file.write_bytes(node.settings.key_file.read_bytes())
    assert "not the one it had" in backup.key_warning(made, settings)
    assert "keys.json" in backup.key_warning(made, settings)


def test_a_restore_without_keys_does_not_warn_of_a_key_that_followed(node, file):
    made = node.back_up(file)
    rotate(node, 1)
    node.restore(file)
    assert backup.key_warning(made, node.settings) == ""


def test_a_key_that_is_not_the_listed_one_signs_nothing(node):
    """Somebody has put back some of the files, and not all."""
    rotate(node, 1)
    (node.settings.data_dir / "signing-key-2.pem").write_bytes(node.settings.key_file.read_bytes())
    with pytest.raises(SettingsError, match=r"signing-key-2\.pem is not the key that keys\.json names"):
        keys.node_signer(node.settings)


def test_after_a_restore_the_log_goes_on_after_all_that_was_given_out(node, file):
    node.publish(1)
    before = node.back_up(file)
    late = NOW + timedelta(days=3)
    node.publish(2, now=late)

    # The clock has gone back, and lies even before the backup.
    head = node.restore(file, NOW - timedelta(days=1))

    assert before.log_time == NOW
    assert head.log_time == late
    assert head.seq == 1
    assert node.publish(3, now=NOW)
    assert node.head().log_time > late


def test_an_epoch_is_never_used_twice(node, file):
    node.publish(1)
    node.back_up(file)
    first = node.restore(file, NOW)
    second = node.restore(file, NOW)
    third = node.restore(file, NOW - timedelta(days=400))
    assert 1 < first.epoch < second.epoch < third.epoch


def test_a_second_restore_on_an_empty_machine_finds_another_epoch_by_the_clock(node, file, tmp_path):
    node.publish(1)
    node.back_up(file)
    first = node.restore(file, NOW)
    other = Node(tmp_path / "new-machine")
    assert other.restore(file, NOW + timedelta(minutes=1)).epoch > first.epoch
    other.engine.dispose()


def test_a_node_at_work_sees_the_restored_database(node, file):
    app = create_app(node.settings)
    kept, client = node.publish(1), app.test_client()
    node.back_up(file)
    lost = node.publish(2)
    assert client.get(lost.removeprefix(BASE)).status_code == 200
    assert client.get("/feed/1/1").status_code == 200

    head = node.restore(file, NOW + timedelta(days=1))

    assert client.get(kept.removeprefix(BASE)).status_code == 200
    assert client.get(lost.removeprefix(BASE)).status_code == 404
    old = client.get("/feed/1/1")
    assert (old.status_code, old.headers["Location"]) == (301, f"{BASE}feed")
    assert lost not in client.get(f"/feed/{head.epoch}/1").text
    app.extensions["chm"].engine.dispose()


def test_dumps_of_what_is_lost_are_taken_away_and_made_anew(node, file):
    node.publish(1)
    node.back_up(file)
    node.publish(2)
    dumps.write(node.engine, node.settings, NOW)

    node.restore(file, NOW)

    assert dumps.newest(node.settings) is None
    assert [each.name for each in dumps.folder(node.settings).iterdir()] == [".lock"]
    assert dumps.write_due(node.engine, node.settings, NOW).records == 1


def test_a_damaged_database_is_replaced_and_kept(node, file):
    kept = node.publish(1)
    node.back_up(file)
    node.engine.dispose()
    database = node.settings.data_dir / "chm.sqlite"
    database.write_bytes(b"no database at all " * 500)

    node.restore(file)

    node.engine = open_database(node.settings.database)
    assert node.holds(kept)
    assert len(list(node.settings.data_dir.glob("chm.sqlite.damaged-*"))) == 1


def damage_database(file):
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])


def no_archive(file):
    file.write_bytes(b"something else")


@pytest.mark.parametrize("harm", [damage_database, no_archive])
def test_what_is_no_whole_backup_changes_nothing(node, file, harm):
    iri = node.publish(1)
    node.back_up(file)
    harm(file)
    before = node.head()
    for look in (node.restore, backup.examine):
        with pytest.raises(BackupError, match=r"no backup of chm|damaged"):
            look(file)
    assert node.head() == before
    assert node.holds(iri)
    assert [each for folder in (file.parent, node.settings.data_dir) for each in folder.glob(".*")] == []


def test_a_backup_with_any_changed_byte_is_refused_or_is_still_the_same(node, file):
    made = node.back_up(file)
    whole = file.read_bytes()
    refused = 0
    for place in range(0, len(whole), len(whole) // 400):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            assert backup.examine(file) == made
        except BackupError:
            refused += 1
    assert refused > 380


def test_a_backup_of_another_node_is_refused(node, file, tmp_path):
    node.back_up(file)
    other = Settings.load(base_url="https://tn.chm.example/", data_dir=tmp_path / "tn")
    with pytest.raises(BackupError, match=r"is a backup of https://dz\.chm\.example/node"):
        backup.restore(other, file, NOW)


def test_postgresql_is_backed_up_by_its_own_program(node, postgresql_url, tmp_path, file):
    settings = Settings.load(base_url=BASE, data_dir=tmp_path, database_url=postgresql_url)
    with pytest.raises(BackupError, match="pg_dump"):
        backup.back_up(node.engine, settings, file, NOW)


def rows(engine):
    """All that a database holds, by table, but for where the log stands."""
    with reading(engine) as connection:
        return {
            each.name: set(map(tuple, connection.execute(select(each)))) for each in metadata.sorted_tables
            if each not in (log_head, dump)
        }  # fmt: skip


def found(engine, words):
    with reading(engine) as connection:
        return [each.iri for each in Catalogue(connection).listing(Filter(words=words), 10).records]


def test_a_backup_of_sqlite_brings_a_node_to_postgresql_with_all_it_holds(node, file, database_urls):
    [url] = database_urls(1)
    first, second = node.publish(1, "An atelier"), node.publish(2, "ورشة عمل")
    node.publish(1, "A workshop", NOW + timedelta(minutes=1))
    gone = node.publish(3)
    signer = keys.node_signer(node.settings)
    withdraw(node.engine, node.settings, signer, Tombstone(gone, "news"), NOW + timedelta(minutes=2))
    with writing(node.engine) as connection:
        values = {each.name: each.type.python_type() for each in source.columns}  # empty texts, and zeros
        connection.execute(insert(source).values(values | {"id": 7}))
    made = node.back_up(file)

    moved = Node(node.settings.data_dir, url)
    head = moved.restore(file)

    assert rows(moved.engine) == rows(node.engine)
    assert (head.seq, made.records) == (node.head().seq, 2)
    assert head.epoch > node.head().epoch
    assert found(moved.engine, "workshop") == [first]
    assert found(moved.engine, "ورشة") == [second]
    assert found(moved.engine, "atelier") == []
    with writing(moved.engine) as connection:  # numbers go on after those that were brought along
        values |= {"address": "another", "node": "another"}
        del values["id"]
        assert connection.execute(insert(source).values(values)).inserted_primary_key == (8,)
    with pytest.raises(BackupError, match=r"in use by a node, .* chm new-epoch"):
        moved.restore(file)
    moved.engine.dispose()


def test_a_node_that_was_restored_unknowingly_publishes_nothing_until_it_is_told(database_url, tmp_path):
    node = Node(tmp_path / "dz", database_url)
    node.publish(1)
    watermark.note(node.engine, node.settings)
    mark = watermark.file(node.settings)
    # As if the database had been put back: the file knows of more than it has.
    mark.write_text(mark.read_text().replace("2026-11-22", "2026-11-23"))

    with pytest.raises(OutdatedLogError, match="chm new-epoch"):
        create_app(node.settings)
    with pytest.raises(OutdatedLogError):
        watermark.note(node.engine, node.settings)

    head = backup.new_epoch(node.engine, node.settings, NOW)
    assert head.log_time == NOW + timedelta(days=1)
    assert watermark.check(node.engine, node.settings) == head
    create_app(node.settings).extensions["chm"].engine.dispose()
    node.engine.dispose()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"epoch": 1}', '{"epoch": 1, "log_time": "yesterday"}'])
def test_a_damaged_mark_says_nothing(node, text):
    node.publish(1)
    watermark.file(node.settings).write_text(text)
    assert watermark.read(node.settings) is None
    assert watermark.check(node.engine, node.settings) == node.head()
