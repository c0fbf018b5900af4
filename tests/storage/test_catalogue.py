"""Listings, filters, facets and search: SQLite and PostgreSQL must answer exactly what is written here."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chm_node.catalogue import PAGE_BYTES, Catalogue, ChangeLog, Filter
from chm_node.catalogue.pages import bytes_on_page
from chm_node.database import open_database, reading, writing
from chm_node.errors import RecordNotFoundError
from chm_node.record import Action, Change, Entry, RecordGraph
from chm_node.search import index
from chm_node.search.analyser import document_text

NOW = datetime(2026, 11, 22, tzinfo=UTC)
HUB_LOG = "https://dz.chm.example/act/"

#: number, type, title by language, country, subject, origin
RECORDS = (
    (1, "event", {"fr": "Atelier sur l'élimination des PCB"}, "DZ", "stockholm-pops/STOCKHOLM-POP-PCB", "dz"),
    (2, "event", {"ar": "ورشة عمل حول النفايات"}, "TN", "sdgs/12", "tn"),
    (3, "news", {"en": "Workshop on mercury"}, "TN", "topics/MERCURY", "tn"),
    (4, "decision", {"fr": "Décision MC-6/20", "en": "Decision MC-6/20"}, "CH", "topics/MERCURY", "secretariat"),
    (5, "news", {"zh": "生物多样性公约"}, "DZ", "sdgs/12", "dz"),
)


def change(number, type_name, titles, country, subject, origin, log_time, action=Action.CREATE):
    iri = f"https://{origin}.chm.example/id/{type_name}/{number}"
    graph = RecordGraph(
        iri, action, f"https://{origin}.chm.example/node", NOW, f"<{iri}> <{iri}> <{iri}> .\n".encode(), f"{number:064}"
    )
    facets = [("type", type_name), ("country", f"countries/{country}"), ("subject", subject)]
    facets += [("language", language) for language in titles]
    words = document_text([(title, language) for language, title in titles.items()])
    return Change(log_time, graph, Entry(type_name, titles, {}, facets, search_title=words))


@pytest.fixture
def engine(database_url):
    engine = open_database(database_url)
    with writing(engine) as connection:
        log = ChangeLog(connection)
        times = log.next_log_times(len(RECORDS), NOW)
        log.append([change(*each, time) for each, time in zip(RECORDS, times, strict=True)])
    yield engine
    engine.dispose()


@pytest.fixture
def catalogue(engine):
    with reading(engine) as connection:
        yield Catalogue(connection)


@pytest.fixture
def log(engine):
    with reading(engine) as connection:
        yield ChangeLog(connection)


def numbers(listing):
    return [int(held.iri.rsplit("/", 1)[1]) for held in listing.records]


def test_a_listing_is_newest_first_and_counts_all(catalogue):
    listing = catalogue.listing(Filter(), limit=2)
    assert (numbers(listing), listing.total) == ([5, 4], 5)
    assert numbers(catalogue.listing(Filter(), limit=2, offset=4)) == [1]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Filter({"type": ("event",)}), [2, 1]),
        (Filter({"type": ("event", "news")}), [5, 3, 2, 1]),
        (Filter({"type": ("event",), "country": ("countries/TN",)}), [2]),
        (Filter({"language": ("en",)}), [4, 3]),
        (Filter({"type": ("nothing",)}), []),
        (Filter(origin="https://tn.chm.example/node"), [3, 2]),
        (Filter(words="mercury"), [3]),
        (Filter(words="eliminations"), [1]),
        (Filter(words="PCB atelier"), [1]),
        (Filter(words="النفايات"), [2]),
        (Filter(words="生物"), [5]),
        (Filter(words="MC-6/20"), [4]),
        (Filter({"type": ("news",)}, words="mercury"), [3]),
        (Filter(words="absent"), []),
        (Filter(words="'; DROP TABLE record; --"), []),
        (Filter(words='"'), []),
        (Filter({"type": ("news",)}, words="😀 *"), []),
    ],
)
def test_a_filter_lists_what_passes_all_its_conditions(catalogue, chosen, expected):
    listing = catalogue.listing(chosen, limit=10)
    assert (numbers(listing), listing.total) == (expected, len(expected))


def test_facets_count_the_whole_catalogue(catalogue):
    assert catalogue.facet_counts(Filter(), "type") == [("event", 2), ("news", 2), ("decision", 1)]
    assert catalogue.facet_counts(Filter(), "country") == [
        ("countries/DZ", 2),
        ("countries/TN", 2),
        ("countries/CH", 1),
    ]


def test_facets_follow_filter_and_words(catalogue):
    assert catalogue.facet_counts(Filter({"country": ("countries/TN",)}), "type") == [("event", 1), ("news", 1)]
    assert catalogue.facet_counts(Filter(words="mercury"), "country") == [("countries/TN", 1)]


def test_records_with_any_of_several_values_are_counted_once(catalogue):
    places = {"countries/DZ", "countries/TN", "countries/XX"}
    assert catalogue.facet_count(Filter(), "country", places) == 4
    assert catalogue.facet_count(Filter({"type": ("event",)}), "country", places) == 2
    assert catalogue.facet_count(Filter(), "country", ["countries/XX"]) == 0


def test_records_are_counted_by_origin(catalogue):
    expected = {"dz": 2, "tn": 2, "secretariat": 1}
    assert catalogue.counts_by_origin() == {f"https://{name}.chm.example/node": n for name, n in expected.items()}


def test_facets_are_those_of_the_records_asked_for(catalogue):
    held = catalogue.get("https://tn.chm.example/id/news/3")
    expected = {("type", "news"), ("country", "countries/TN"), ("subject", "topics/MERCURY"), ("language", "en")}
    found = catalogue.facets([held.id])
    assert (list(found), set(found[held.id])) == ([held.id], expected)


def test_held_records_and_digests_name_only_what_is_held(catalogue):
    iri = "https://dz.chm.example/id/event/1"
    assert set(catalogue.held([iri, "https://dz.chm.example/id/event/99"])) == {iri}
    assert catalogue.digests([iri, "https://x.example/"]) == {iri: (NOW, f"{1:064}", False)}


def test_an_unknown_record_is_not_found(catalogue):
    with pytest.raises(RecordNotFoundError):
        catalogue.get("https://dz.chm.example/id/event/99")
    assert catalogue.find("https://dz.chm.example/id/event/99") is None


def test_as_many_records_are_indexed_as_are_live(engine):
    with writing(engine) as connection:
        log = ChangeLog(connection)
        [time] = log.next_log_times(1, NOW)
        log.append([change(*RECORDS[0], time, Action.DELETE)])
        assert index.size(connection) == 4
        assert Catalogue(connection).listing(Filter(), 10).total == 4


def test_the_log_is_in_pages_and_superseded_changes_leave_them(engine):
    with writing(engine) as connection:
        log = ChangeLog(connection)
        times = log.next_log_times(200, NOW)
        more = [change(n, "news", {"en": "x"}, "DZ", "sdgs/12", "dz", times[n - 10]) for n in range(10, 210)]
        log.append(more)
        [time] = log.next_log_times(1, NOW)
        log.append([change(*RECORDS[0], time, Action.UPDATE)])
        assert log.head().pages == 2
        assert [len(log.page(number)) for number in (1, 2)] == [199, 6]
        first, second = log.page_starts()
        assert first < second
        assert log.page(2)[0].log_time == second


def large(number, log_time, size=180_000):
    one = change(number, "news", {"en": "x"}, "DZ", "sdgs/12", "dz", log_time)
    iri = one.graph.iri
    lines = [f'<{iri}> <{iri}> "{n} {"x" * 1000}" .\n' for n in range(size // 1200)]
    return replace(one, graph=replace(one.graph, nquads="".join(lines).encode()))


def append(engine, *changes):
    with writing(engine) as connection:
        log = ChangeLog(connection)
        times = log.next_log_times(len(changes), NOW)
        log.append([replace(each, log_time=time) for each, time in zip(changes, times, strict=True)])


@pytest.mark.parametrize("batch", [100, 7, 1])
def test_a_page_is_closed_by_its_bytes_too_however_the_changes_came(engine, batch):
    changes = [large(number, NOW) for number in range(10, 110)]
    for start in range(0, 100, batch):
        append(engine, *changes[start : start + batch])
    with reading(engine) as connection:
        log = ChangeLog(connection)
        pages = [log.page(number) for number in range(1, log.head().pages + 1)]
        starts = log.page_starts()
    assert [len(page) for page in pages] == [27, 22, 22, 22, 12]
    assert [each.seq for page in pages for each in page] == list(range(1, 106))
    assert starts == [page[0].log_time for page in pages]
    assert all(sum(bytes_on_page(as_change(each)) for each in page) <= PAGE_BYTES for page in pages)


def as_change(logged):
    return Change(logged.log_time, logged.graph, Entry("news", {}, {}, ()), logged.hops, logged.derived_from)


def test_nothing_enters_a_closed_page_when_versions_have_left_it(engine):
    append(engine, *(large(number, NOW) for number in range(10, 60)))
    with reading(engine) as connection:
        before = [each.seq for each in ChangeLog(connection).page(1)]
    append(engine, *(large(number, NOW, 2400) for number in range(10, 20)))
    with reading(engine) as connection:
        log = ChangeLog(connection)
        after = [each.seq for each in log.page(1)]
        newest = [each.seq for each in log.page(log.head().pages)]
    assert set(after) < set(before)
    assert newest[-10:] == list(range(56, 66))


def test_a_page_that_is_not_there_has_no_changes(engine, log):
    assert log.page(2) == []
    assert log.page(0) == []


def test_an_empty_log_has_one_empty_page(database_url):
    engine = open_database(database_url)
    with reading(engine) as connection:
        log = ChangeLog(connection)
        assert (log.head().pages, log.page(1), log.page_starts()) == (1, [], [])
    engine.dispose()


def test_a_new_epoch_keeps_the_pages_as_they_are(engine):
    append(engine, *(large(number, NOW) for number in range(10, 60)))
    with writing(engine) as connection:
        log = ChangeLog(connection)
        before = log.page_starts()
        head = log.begin_epoch(NOW + timedelta(days=1))
        assert (log.page_starts(), head.pages) == (before, len(before))
    append(engine, large(60, NOW))
    with reading(engine) as connection:
        assert ChangeLog(connection).page_starts() == before


def test_a_cursor_reads_on_from_where_it_stood(log):
    first = log.after(NOW - timedelta(days=1), 3)
    rest = log.after(first[-1].log_time, 10)
    assert [each.seq for each in (*first, *rest)] == [1, 2, 3, 4, 5]
    assert log.after(rest[-1].log_time, 10) == []
