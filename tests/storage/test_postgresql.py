"""What only a PostgreSQL server can do to a node: other encodings and collations, other programs, poolers,
locks, other owners."""

from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import insert, text

from chm_node import doctor, erasure
from chm_node.catalogue import Catalogue, Filter
from chm_node.database import insert_rows, open_database, reading, writing
from chm_node.errors import SettingsError, StorageError
from chm_node.settings import Settings
from chm_node.tables import facet, nonce, record, unknown_term

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def url(database_urls):
    return database_urls(1)[0]


def on_server(url, statement):
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement)


def make_anew(url, how):
    server, _, name = url.rpartition("/")
    on_server(f"{server}/postgres", f"DROP DATABASE {name}")
    on_server(f"{server}/postgres", f"CREATE DATABASE {name} {how} TEMPLATE template0")


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_script_is_refused_before_anything_is_stored(url, encoding):
    make_anew(url, f"ENCODING '{encoding}' LOCALE 'C'")
    with pytest.raises(SettingsError, match=rf"^database_url: the database is encoded in {encoding}, "):
        open_database(url)


def test_what_the_surroundings_say_of_encodings_does_not_count(url, monkeypatch):
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    engine, written = open_database(url), "نفايات 废物"
    with reading(engine) as connection:
        assert connection.execute(text("SELECT CAST(:text AS TEXT)"), {"text": written}).scalar_one() == written
    engine.dispose()


def test_a_database_of_another_program_is_not_taken_for_one_of_a_newer_release(url):
    on_server(url, "CREATE TABLE alembic_version (version_num varchar(32))")
    on_server(url, "INSERT INTO alembic_version VALUES ('ae1027a6acf')")
    with pytest.raises(SettingsError, match=r"^database_url: the database belongs to another program"):
        open_database(url)


def test_nothing_is_left_on_a_connection_that_a_pooler_hands_to_others(url):
    engine = open_database(url)
    with reading(engine) as connection:
        for _ in range(20):
            connection.execute(text("SELECT epoch FROM log_head")).all()
        assert connection.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one() == 0
    engine.dispose()


def test_what_ends_many_statements_is_told_once(url, caplog):
    engine = open_database(url)
    rows = [("key", "nonce", 1)] * 2000
    with pytest.raises(StorageError, match="duplicate key"), writing(engine) as connection:
        insert_rows(connection, nonce, rows)
    assert not caplog.records
    engine.dispose()


def test_the_collation_of_a_database_orders_nothing(url):
    make_anew(url, "LOCALE_PROVIDER icu ICU_LOCALE 'ar' LOCALE 'C' ENCODING 'UTF8'")
    engine, values = open_database(url), ["Zeta", "abc", "اتفاقية", "Ébène"]
    columns = {each.name: each.type.python_type() for each in record.columns} | {"id": 1}
    with writing(engine) as connection:
        connection.execute(insert(record).values(columns))
        insert_rows(connection, facet, [("treaty", each, 1) for each in values])
        insert_rows(connection, unknown_term, [("treaty", each, 1) for each in values])
        catalogue = Catalogue(connection)
        assert [value for value, _ in catalogue.facet_counts(Filter(), "treaty")] == sorted(values)
        assert [term for _, term, _ in catalogue.unknown_terms([""])] == sorted(values)
    engine.dispose()


@pytest.fixture
def settings(url, tmp_path):
    return Settings.load(base_url="https://dz.example.org/", data_dir=tmp_path, database_url=url)


def test_what_is_erased_does_not_stop_all_readers_for_one_of_them(settings, monkeypatch):
    monkeypatch.setattr(erasure, "_LONGEST_WAIT", erasure.timedelta(milliseconds=100))
    engine = open_database(settings.database)
    with reading(engine) as slow:  # as pg_dump is
        slow.execute(text("SELECT count(*) FROM change")).all()
        with pytest.raises(StorageError, match="do it again: canceling statement due to lock timeout"):
            erasure.finish(engine, settings, NOW)
    erasure.finish(engine, settings, NOW)
    engine.dispose()


def test_what_may_not_be_written_anew_is_not_called_erased(settings, url):
    open_database(url).dispose()
    on_server(url, "CREATE ROLE guest LOGIN")
    try:
        on_server(url, "GRANT ALL ON ALL TABLES IN SCHEMA public TO guest")
        engine = open_database(url.replace("chm@", "guest@"))
        with pytest.raises(StorageError, match=r'do it again: .*"change"'):
            erasure.finish(engine, settings, NOW)
        engine.dispose()
    finally:
        on_server(url, "DROP OWNED BY guest")
        on_server(url, "DROP ROLE guest")


def test_the_doctor_sees_that_nothing_can_be_stored(settings, url, monkeypatch):
    for name in ("base_url", "data_dir", "database_url"):
        monkeypatch.setenv(f"CHM_{name.upper()}", str(getattr(settings, name)))
    open_database(url).dispose()
    [database] = [each for each in doctor.examine(NOW) if each.name == "database"]
    assert database.state is doctor.State.OK
    on_server(url, f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_read_only = on")
    [database] = [each for each in doctor.examine(NOW) if each.name == "database"]
    assert database.state is doctor.State.FAIL
    assert "takes no changes" in database.sentence
