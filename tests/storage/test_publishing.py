"""Publish, revise, withdraw on both databases: what is stored, what is signed, what stays."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pyoxigraph as ox
import pytest
from sqlalchemy import select, text

from chm_node import limits
from chm_node.canonical import digest
from chm_node.catalogue import Catalogue, ChangeLog, Filter
from chm_node.database import SCHEMA_REVISION, open_database, reading
from chm_node.errors import InvalidRecordError, RecordNotFoundError, RecordWithdrawnError, SettingsError
from chm_node.exporting import EXPORT_FORMATS, export
from chm_node.proofs import verify
from chm_node.publishing import Published, foreseen, publish, record_iri, withdraw
from chm_node.record import Action, Record, Tombstone
from chm_node.record_types import RECORD_TYPES
from chm_node.settings import Settings
from chm_node.signing import create_key, load_signer
from chm_node.tables import change, metadata, unknown_term
from chm_node.tables import record as record_table

NOW = datetime(2026, 11, 22, 3, 22, 8, 14_000, tzinfo=UTC)


class Node:
    """One node on the database under test."""

    def __init__(self, database_url, folder):
        self.settings = Settings.load(
            base_url="https://dz.chm.example/", country="DZ", data_dir=folder, database_url=database_url
        )
        create_key(self.settings.key_file)
        self.signer = load_signer(self.settings.key_file, f"{self.settings.node_iri}#key")
        self.engine = open_database(self.settings.database)

    def record(self, number, title, **values):
        iri = record_iri(self.settings, "news", UUID(int=number))
        return RECORD_TYPES["news"].record(iri, {"title": {"fr": title}, **values})

    def publish(self, *records, now=NOW, **more):
        return sum(publish(self.engine, self.settings, self.signer, records, now, **more), Published())

    def withdraw(self, iri, now=NOW, **more):
        return withdraw(self.engine, self.settings, self.signer, Tombstone(iri, "news", **more), now)

    def ask(self, question):
        with reading(self.engine) as connection:
            return question(Catalogue(connection))

    def ask_log(self, question):
        with reading(self.engine) as connection:
            return question(ChangeLog(connection))

    def versions(self, iri):
        """(action, bytes) of every version of a record, superseded ones too, oldest first."""
        of_record = change.join(record_table, record_table.c.id == change.c.record_id)
        statement = select(change.c.action, change.c.nquads).select_from(of_record).where(record_table.c.iri == iri)
        with reading(self.engine) as connection:
            return [(Action(row.action), row.nquads) for row in connection.execute(statement.order_by(change.c.seq))]

    def published_lines(self, record):
        self.publish(record)
        return self.versions(record.iri)[-1][1].splitlines()

    def export(self, name):
        with reading(self.engine) as connection:
            return b"".join(export(connection, name))

    def unknown_terms(self):
        columns = (unknown_term.c.field, unknown_term.c.value)
        with reading(self.engine) as connection:
            return [tuple(row) for row in connection.execute(select(*columns).order_by(*columns))]


@pytest.fixture
def node(database_url, tmp_path):
    node = Node(database_url, tmp_path)
    yield node
    node.engine.dispose()


def test_a_published_record_is_held_signed_and_found(node):
    record = node.record(1, "Atelier sur les PCB")
    assert node.publish(record) == Published(created=1)
    held = node.ask(lambda catalogue: catalogue.get(record.iri))
    version = node.ask_log(lambda log: log.graph(record.iri))
    assert (held.type, held.titles, held.version, held.origin) == (
        "news", {"fr": "Atelier sur les PCB"}, NOW, node.settings.node_iri,
    )  # fmt: skip
    assert version.graph.digest == held.digest == digest(version.graph.nquads)
    assert verify(version.graph.nquads, version.graph.proof, node.signer.multikey)
    assert node.ask(lambda catalogue: catalogue.listing(Filter(words="atelier"), 10).total) == 1


def test_the_log_timestamp_is_the_version_that_is_signed(node):
    record = node.record(1, "Un")
    node.publish(record)
    version = node.ask_log(lambda log: log.graph(record.iri))
    assert version.log_time == version.graph.version == NOW
    assert b'#meta> <http://purl.org/dc/terms/modified> "2026-11-22T03:22:08.014Z"' in version.graph.nquads


def test_publishing_the_same_again_changes_nothing(node):
    record = node.record(1, "Un")
    node.publish(record)
    head = node.ask_log(ChangeLog.head)
    assert node.publish(record, now=NOW + timedelta(days=1)) == Published(unchanged=1)
    assert node.ask_log(ChangeLog.head) == head


def test_a_revision_is_a_new_version_and_keeps_the_day_of_issue(node):
    record = node.record(1, "Un")
    node.publish(record)
    later = NOW + timedelta(days=1)
    assert node.publish(node.record(1, "Deux"), now=later) == Published(updated=1)
    held = node.ask(lambda catalogue: catalogue.get(record.iri))
    first, second = node.versions(record.iri)
    assert (held.titles, held.version, held.issued) == ({"fr": "Deux"}, later, NOW)
    assert (first[0], second[0]) == (Action.CREATE, Action.UPDATE)
    assert b'"Un"@fr' in first[1]


def test_a_superseded_version_leaves_the_log_but_not_the_history(node):
    node.publish(node.record(1, "Un"), node.record(2, "Autre"))
    node.publish(node.record(1, "Deux"))
    seen = node.ask_log(lambda log: [each.seq for each in log.after(NOW - timedelta(days=1), 10)])
    assert seen == [2, 3]
    assert len(node.versions(node.record(1, "Un").iri)) == 2


def many(count, **values):
    return values | {"keywords": {"fr": [f"mot {number}" for number in range(count)]}}


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (many(2000), ["record: has 2,0"]),
        ({"keywords": {"fr": [f"{number} {'x' * 60_000}" for number in range(5)]}}, ["record: takes 29"]),
        ({"summary": {"fr": "x" * 65_537, "ar": "é" * 32_769}}, ["summary (ar): takes 65 KiB", "summary (fr): takes"]),
        ({"licence": f"https://x.example/{'y' * 2048}"}, ["licence: is an address of more than 2,048"]),
        (many(2500, summary={"fr": "x" * 65_537}), ["record: has 2,5", "record: takes 3", "summary (fr): takes"]),
    ],
    ids=["statements", "bytes", "texts", "an address", "several"],
)
def test_what_every_hub_would_refuse_is_not_published(node, values, named):
    with pytest.raises(InvalidRecordError) as refused:
        node.publish(node.record(1, "Un"), node.record(2, "Deux", **values))
    problems = sorted(map(str, refused.value.problems))
    assert len(problems) == len(named)
    assert all(problem.startswith(start) for problem, start in zip(problems, named, strict=True))
    assert node.ask_log(ChangeLog.head).seq == 0


def test_the_largest_record_that_is_published_is_one_that_hubs_take(node):
    own = len(node.published_lines(node.record(1, "Un")))
    node.publish(node.record(1, "Un", **many(limits.MAX_RECORD_STATEMENTS - own)))
    [*_, (_, nquads)] = node.versions(node.record(1, "Un").iri)
    assert nquads.count(b"\n") == limits.MAX_RECORD_STATEMENTS
    with pytest.raises(InvalidRecordError, match="2,001 statements"):
        node.publish(node.record(1, "Un", **many(limits.MAX_RECORD_STATEMENTS - own + 1)))


def test_a_reason_that_no_hub_would_read_is_refused(node):
    record = node.record(1, "Un")
    node.publish(record)
    with pytest.raises(InvalidRecordError, match="put the text into a file"):
        node.withdraw(record.iri, reason={"fr": "x" * 65_537})
    assert not node.ask(lambda catalogue: catalogue.get(record.iri)).withdrawn


def test_a_withdrawn_record_leaves_a_signed_tombstone(node):
    record = node.record(1, "Un")
    node.publish(record)
    node.withdraw(record.iri, reason={"fr": "Publié par erreur"}, replaced_by="https://dz.chm.example/id/news/2")
    with pytest.raises(RecordWithdrawnError):
        node.ask(lambda catalogue: catalogue.get(record.iri))
    version = node.ask_log(lambda log: log.graph(record.iri))
    assert version.graph.action is Action.DELETE
    assert verify(version.graph.nquads, version.graph.proof, node.signer.multikey)
    assert "Publié par erreur" in version.graph.nquads.decode()
    assert b'"Un"@fr' not in version.graph.nquads


def test_a_withdrawn_record_is_in_no_listing_facet_or_search(node):
    record = node.record(1, "Atelier", government="DZ")
    node.publish(record)
    node.withdraw(record.iri)
    assert node.ask(lambda catalogue: catalogue.listing(Filter(), 10).records) == ()
    assert node.ask(lambda catalogue: catalogue.listing(Filter(words="atelier"), 10).total) == 0
    assert node.ask(lambda catalogue: catalogue.facet_counts(Filter(), "country")) == []


def test_a_record_can_be_published_again_after_its_withdrawal(node):
    record = node.record(1, "Un")
    node.publish(record)
    node.withdraw(record.iri)
    [withdrawn] = (published := node.publish(record)).again
    assert published == Published(updated=1, again=(withdrawn,))
    assert (withdrawn.iri, withdrawn.since.date(), withdrawn.erased) == (record.iri, NOW.date(), False)
    assert node.ask(lambda catalogue: catalogue.get(record.iri).titles) == {"fr": "Un"}
    assert [action for action, _ in node.versions(record.iri)] == [Action.CREATE, Action.DELETE, Action.UPDATE]


def test_withdrawn_and_erased_records_are_left_as_they_are_when_that_is_asked(node):
    records = [node.record(number, "Un") for number in range(1, 5)]
    node.publish(*records[:3])
    node.withdraw(records[0].iri)
    node.withdraw(records[1].iri, erased=True)
    foreseen_ = foreseen(node.engine, node.settings, records, republish=False)
    published = node.publish(*records, republish=False)
    assert published == foreseen_
    assert (published.created, published.updated, published.unchanged, published.again) == (1, 0, 1, ())
    assert [(each.iri, each.erased) for each in published.left] == [(records[0].iri, False), (records[1].iri, True)]
    assert [len(node.versions(each.iri)) for each in records] == [2, 2, 1, 1]


def test_the_records_of_one_node_are_told_apart_from_its_withdrawn_ones(node):
    records = [node.record(number, "Un") for number in (1, 2)]
    node.publish(*records)
    node.withdraw(records[1].iri)
    assert node.ask(lambda catalogue: catalogue.withdrawn_by_iri(node.settings.node_iri)) == {
        records[0].iri: False,
        records[1].iri: True,
    }
    assert node.ask(lambda catalogue: catalogue.withdrawn_by_iri("https://tn.chm.example/node")) == {}


def test_what_is_not_there_cannot_be_withdrawn(node):
    with pytest.raises(RecordNotFoundError):
        node.withdraw(node.record(1, "Un").iri)


def test_a_record_under_the_address_of_another_node_is_refused(node):
    foreign = Record("https://tn.chm.example/id/news/1", "news", {"title": {"fr": "Un"}})
    with pytest.raises(InvalidRecordError):
        node.publish(node.record(1, "Un"), foreign)
    assert node.ask_log(ChangeLog.head).seq == 0


def test_unknown_terms_are_listed_as_long_as_a_record_has_them(node):
    node.publish(node.record(1, "Un", subjects=["Wetlands of nowhere", "Mercury of nowhere"]))
    assert node.unknown_terms() == [("subjects", "Mercury of nowhere"), ("subjects", "Wetlands of nowhere")]
    node.publish(node.record(1, "Un", subjects=["Mercury of nowhere"]), now=NOW + timedelta(days=1))
    assert node.unknown_terms() == [("subjects", "Mercury of nowhere")]
    node.withdraw(node.record(1, "Un").iri, now=NOW + timedelta(days=2))
    assert node.unknown_terms() == []


def test_an_unknown_term_may_be_as_long_as_a_text(node):
    words = "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))
    node.publish(node.record(1, "Un", status=words))
    assert node.unknown_terms() == [("status", words[:500])]


def test_a_subject_may_be_as_long_as_a_text(node):
    words = "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))
    assert node.publish(node.record(1, "Un", subjects=[words])) == Published(created=1)


def test_a_record_twice_in_one_batch_is_published_once_as_it_came_last(node):
    assert node.publish(node.record(1, "Un"), node.record(1, "Deux")) == Published(created=1)
    assert node.ask(lambda catalogue: catalogue.get(node.record(1, "Un").iri).titles) == {"fr": "Deux"}


def test_a_clock_that_goes_back_never_gives_an_earlier_timestamp(node):
    for number, hours in enumerate((0, -24, 1, -1), start=1):
        node.publish(node.record(number, str(number)), now=NOW + timedelta(hours=hours))
    times = node.ask_log(lambda log: [each.log_time for each in log.after(NOW - timedelta(days=9), 9)])
    assert len(set(times)) == 4
    assert times == sorted(times)


def test_the_private_key_is_in_no_export(node):
    node.publish(node.record(1, "Un"))
    secret = node.settings.key_file.read_bytes().split(b"\n")[1]
    for name in EXPORT_FORMATS:
        written = node.export(name)
        assert b"Un" in written
        assert secret not in written
        assert b"PRIVATE KEY" not in written


def test_an_export_is_the_same_twice_and_holds_the_stored_bytes(node):
    node.publish(*(node.record(number, f"Titre {number}") for number in range(1, 20)))
    node.withdraw(record_iri(node.settings, "news", UUID(int=7)))
    first, second = (node.export("nq") for _ in range(2))
    assert first == second
    stored = node.ask_log(lambda log: log.graph(record_iri(node.settings, "news", UUID(int=3))).graph.nquads)
    graph = ox.NamedNode(record_iri(node.settings, "news", UUID(int=3)))
    written = {str(quad.triple) for quad in ox.parse(first, ox.RdfFormat.N_QUADS) if quad.graph_name == graph}
    assert written == {str(quad.triple) for quad in ox.parse(stored, ox.RdfFormat.N_QUADS)}
    assert str(UUID(int=7)).encode() not in first


def test_a_new_database_has_the_schema_of_this_release(node):
    with reading(node.engine) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == SCHEMA_REVISION
    names = set(metadata.tables)
    with reading(node.engine) as connection:
        assert names <= set(connection.dialect.get_table_names(connection))


def test_the_migrations_go_down_and_up_again(node):
    from alembic import command
    from alembic.config import Config

    from chm_node.migrations import migrate

    config = Config()
    config.set_main_option("script_location", "chm_node:migrations")
    with node.engine.connect().execution_options(chm_writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    with reading(node.engine) as connection:
        left = set(connection.dialect.get_table_names(connection)) - {"alembic_version"}
    assert left == set()
    migrate(node.engine, "")
    node.publish(node.record(1, "Un"))
    assert node.ask(lambda catalogue: catalogue.listing(Filter(words="un"), 1).total) == 1


def test_a_database_of_a_newer_release_stops_the_start(node):
    with node.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError, match=r"database_url: .*newer release"):
        open_database(node.settings.database)
