"""Tables become records: what can be structured is, the rest stays in words, and problems name their line."""

from decimal import Decimal

import pytest

from chm_node.errors import ParseError, Problem
from chm_node.importing.rows import COLUMNS
from chm_node.importing.table import read_table
from chm_node.publishing import identifier_of
from chm_node.record_types import RECORD_TYPES
from chm_node.settings import Settings

VOCABULARY = "https://w3id.org/chm/vocabulary/"


@pytest.fixture(scope="module")
def settings():
    return Settings.load(base_url="https://dz.chm.example/", country="DZ")


@pytest.fixture
def read(settings):
    """The records of rows given as dictionaries."""

    def read(*rows, columns=COLUMNS, assumed=None):
        quote = lambda text: '"' + str(text).replace('"', '""') + '"'  # noqa: E731
        lines = [",".join(columns), *(",".join(quote(row.get(name, "")) for name in columns) for row in rows)]
        return read_table("\r\n".join(lines).encode(), settings, assumed)

    return read


def row(**cells):
    return {"type": "event", "slug": "ws-1", "title_orig": "Atelier", "lang": "fr", "start": "2017-04-04"} | cells


def iri(settings, type_name, slug):
    return f"{settings.uri_space}{type_name}/{identifier_of(settings, slug)}"


def test_a_row_becomes_a_record_under_an_address_made_of_its_slug(read, settings):
    [found] = read(row(title_en="Workshop", end="2017-04-05", place="Hôtel Oasis, Alger", country="DZ"))
    assert found.problems == ()
    assert found.record.iri == iri(settings, "event", "ws-1")
    values = found.record.values
    assert values["title"] == {"fr": "Atelier", "en": "Workshop"}
    assert (values["starts"], values["ends"]) == ("2017-04-04", "2017-04-05")
    assert values["place"] == {"name": {"fr": "Hôtel Oasis, Alger"}, "country": f"{VOCABULARY}countries/DZ"}


def test_a_title_in_english_alone_is_enough(read):
    [found] = read(row(title_orig="", lang="ar", title_en="Workshop"))
    assert found.record.values["title"] == {"en": "Workshop"}


def test_further_languages_have_columns_of_their_own(read):
    [found] = read(row(title_ar="ورشة"), columns=(*COLUMNS, "title_ar"))
    assert found.record.values["title"] == {"fr": "Atelier", "ar": "ورشة"}


def test_terms_are_found_and_unknown_ones_kept_and_listed(read):
    [found] = read(row(treaty="STOCKHOLM|BASEL", topics="ART-07|PCB|Something else", country="TN|DZ"))
    values = found.record.values
    assert [each.rsplit("/", 1)[1] for each in values["treaties"]] == ["TREATY-BASEL", "TREATY-STOCKHOLM"]
    assert [each.rsplit("/", 1)[1] for each in values["coverage"]] == ["DZ", "TN"]
    assert "Something else" in values["subjects"]
    assert found.unknown_terms == (("subjects", "Something else"),)


@pytest.mark.parametrize(
    ("type_name", "quantities", "expected"),
    [
        ("event", "80 participants", {"participants": 80}),
        ("project", "EUR 210 000", {"budget": {"amount": 210000, "currency": "EUR"}}),
        ("kpi", "target 54, actual 54", {"planned": 54, "achieved": 54}),
        ("kpi", "target 380, actual 350 (92 %)", {"planned": 380, "achieved": 350, "percent": 92}),
        ("kpi", "685", {"value": 685}),
        ("event", "6 agency kinds", {"summary": {"en": "Quantities: 6 agency kinds"}}),
        ("event", "80 participants; 4 rooms", {"participants": 80, "summary": {"en": "Quantities: 4 rooms"}}),
    ],
)
def test_plain_figures_go_to_their_fields_and_the_others_stay_words(read, type_name, quantities, expected):
    [found] = read(row(type=type_name, quantities=quantities))
    assert {name: found.record.values[name] for name in expected} == expected


def test_a_stock_has_its_chemical_its_quantity_and_its_holders(read):
    [found] = read(row(type="stockpile", topics="PCB", quantities="300 t PCB; 9 companies", end="2019", start=""))
    values = found.record.values
    assert values["chemical"] == f"{VOCABULARY}stockholm-pops/STOCKHOLM-POP-PCB"
    assert values["quantity"] == {"value": 300, "unit": "http://qudt.org/vocab/unit/TONNE"}
    assert (values["holder_count"], values["holders"], values["due"]) == (9, {"en": ["companies"]}, "2019")


@pytest.mark.parametrize("written", ["many tons", "-5 t PCB", "300", "300 l PCB", "2 kg 300 g"])
def test_a_quantity_that_cannot_be_read_is_not_called_missing(read, written):
    [found] = read(row(type="stockpile", topics="PCB", quantities=written))
    [problem] = found.problems
    assert problem.field == "quantities"
    assert problem.message == f"{written!r} cannot be read; write a number and t, kg or g, such as 300 t PCB"


@pytest.mark.parametrize(
    ("written", "figure"),
    [
        ("1500", 1500),
        ("1 500", 1500),
        ("1\u202f500\u00a0000", 1500000),
        ("1,500,000", 1500000),
        ("1.500.000", 1500000),
        ("1,500.25", Decimal("1500.25")),
        ("1.500,25", Decimal("1500.25")),
        ("1 500,250", Decimal("1500.25")),
        ("1,500,000.5", Decimal("1500000.5")),
        ("1234.567", Decimal("1234.567")),
        ("1.5", Decimal("1.5")),
        ("1,5", Decimal("1.5")),
        ("1.2340", Decimal("1.234")),
        ("0,125", Decimal("0.125")),
        ("١٥٠٠", 1500),
        ("١٬٥٠٠", 1500),
        ("١٫٥٠٠", Decimal("1.5")),
        ("١٬٥٠٠٫٢٥", Decimal("1500.25")),
    ],
)
def test_a_figure_that_can_be_read_in_one_way_is_read_so(read, written, figure):
    [kpi] = read(row(type="kpi", quantities=written))
    assert kpi.problems == ()
    assert kpi.record.values["value"] == figure
    [stock] = read(row(type="stockpile", topics="PCB", quantities=f"{written} t PCB"))
    assert stock.record.values["quantity"]["value"] == figure


@pytest.mark.parametrize(
    ("type_name", "quantities", "both"),
    [
        ("project", "EUR 1,500", "1,500 may be 1500 or 1.5; write 1500 or 1.5"),
        ("project", "USD 12.500; 4 rooms", "12.500 may be 12500 or 12.5; write 12500 or 12.5"),
        ("stockpile", "1,234 t PCB", "1,234 may be 1234 or 1.234; write 1234 or 1.2340"),
        ("kpi", "target 54, actual 1.000", "1.000 may be 1000 or 1; write 1000 or 1"),
        ("kpi", "١,٥٠٠", "١,٥٠٠ may be 1500 or 1.5; write 1500 or 1.5"),
    ],
)
def test_a_figure_that_can_be_read_in_two_ways_is_a_problem_that_says_how_to_write_it(
    read, type_name, quantities, both
):
    [found] = read(row(type=type_name, topics="PCB", quantities=quantities))
    assert found.record is None
    assert found.problems == (Problem("quantities", both),)


def test_every_figure_that_can_be_read_in_two_ways_is_named(read):
    [found] = read(row(type="kpi", quantities="target 1,200, actual 1.100 (92.500 %)"))
    assert [problem.message.split(" ")[0] for problem in found.problems] == ["1,200", "1.100", "92.500"]


def test_a_figure_in_words_that_no_field_takes_stays_as_it_is_written(read):
    [found] = read(row(quantities="about 1,500 visitors; EUR 1,500"))
    assert found.problems == ()
    assert found.record.values["summary"] == {"en": "Quantities: about 1,500 visitors\nQuantities: EUR 1,500"}


@pytest.mark.parametrize("written", ["1200", "1 200", "1,200", "1.200", "١٬٢٠٠", "١٢٠٠"])
def test_people_and_companies_are_counted_in_whole_numbers(read, written):
    [event] = read(row(quantities=f"{written} participants"))
    assert event.record.values["participants"] == 1200
    [stock] = read(row(type="stockpile", topics="PCB", quantities=f"300 t PCB; {written} companies"))
    assert stock.record.values["holder_count"] == 1200


@pytest.mark.parametrize("written", ["1.5", "1,20", "12 34", "1,2000"])
def test_what_is_no_count_of_people_stays_words(read, written):
    [found] = read(row(quantities=f"{written} participants"))
    assert "participants" not in found.record.values
    assert found.record.values["summary"] == {"en": f"Quantities: {written} participants"}


def test_links_between_rows_are_links_between_records(read, settings):
    workshop, later, first, second = read(
        row(slug="ws-1", relations="→ 2 recommendations"),
        row(slug="ws-2", relations="result of ws-1; took place in a school"),
        row(slug="rec-1", type="recommendation", relations="from ws-1"),
        row(slug="rec-2", type="recommendation", relations="from ws-1"),
    )
    both = sorted([first.record.iri, second.record.iri])
    assert workshop.record.values["related"] == both
    assert first.record.values["derived_from"] == [workshop.record.iri]
    assert later.record.values["derived_from"] == [workshop.record.iri]
    assert later.record.values["summary"] == {"en": "Relations: took place in a school"}


def test_decisions_are_recalled_by_their_number_and_paragraphs_belong_to_them(read):
    decision = {"type": "decision", "treaty": "MINAMATA"}
    old, new, paragraph = read(
        row(**decision, slug="mc-3-11", title_orig="MC-3/11"),
        row(**decision, slug="mc-6-20", title_orig="Décision MC-6/20", relations="recalls MC-3/11"),
        row(type="decision-paragraph", slug="mc-6-20-4a", title_en="4(a) Requests", relations="verb requests"),
    )
    assert new.record.values["number"] == ["MC-6/20"]
    assert new.record.values["recalls"] == [old.record.iri]
    assert paragraph.record.values["decision"] == new.record.iri
    assert paragraph.record.values["number"] == ["4(a)"]
    assert paragraph.record.values["verbs"] == [f"{VOCABULARY}decision-verbs/requests"]


def test_a_deadline_may_be_a_meeting_without_a_date(read):
    [found] = read(row(type="commitment", start="", end="COP-7"))
    assert found.record.values["deadline"] == {"event_name": {"en": "COP-7"}}


def test_a_contradiction_is_kept_as_a_statement_with_its_source(read):
    [found] = read(row(caveat="the text says 2019, the photo 2018", seed="000"))
    [statement] = found.record.values["statements"]
    assert statement["source"] == {"en": "Source document 000"}


def test_the_three_bad_rows_of_five_hundred_are_named_and_no_other(read):
    rows = [row(slug=f"ws-{number}") for number in range(500)]
    rows[10] |= {"start": "4 April 2017"}
    rows[200] |= {"title_orig": "", "title_en": ""}
    rows[499] |= {"lang": "français"}
    found = read(*rows)
    bad = [(each.place, *((p.field, p.language) for p in each.problems)) for each in found if each.problems]
    assert bad == [
        ("line 12 (ws-10)", ("start", "")),
        ("line 202 (ws-200)", ("title_orig", "")),
        ("line 501 (ws-499)", ("title_orig", "français"), ("lang", "")),
    ]
    assert sum(each.record is not None for each in found) == 497


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"type": "evnt"}, "type"),
        ({"type": ""}, "type"),
        ({"slug": ""}, "slug"),
        ({"lang": ""}, "lang"),
        ({"end": "2017-13-01"}, "end"),
        ({"end": "2016"}, "end"),
        ({"type": "decision", "treaty": ""}, "treaty"),
        ({"type": "stockpile", "topics": "PCB"}, "quantities"),
    ],
)
def test_a_problem_is_named_by_its_column(read, cells, column):
    [found] = read(row(**cells))
    assert found.record is None
    assert column in [problem.field for problem in found.problems]


def test_a_row_that_every_hub_would_refuse_has_a_problem(read):
    [found] = read(row(title_orig="x" * 65_537))
    assert found.record is None
    assert ("title_orig", "fr") in [(problem.field, problem.language) for problem in found.problems]


def test_a_slug_is_used_once(read):
    first, second = read(row(), row(start="soon"))
    assert first.problems == ()
    assert fields(second) == ["slug", "start"]
    assert "line 2" in second.problems[0].message


def fields(found):
    return [problem.field for problem in found.problems]


def test_a_problem_of_the_row_hides_none_of_a_field(read):
    [found] = read(row(lang="", start="2 Jan 2026", quantities="1,500 t"))
    assert sorted(fields(found)) == ["lang", "start"]
    [found] = read(row(type="project", lang="", start="2 Jan 2026", quantities="EUR 1,500"))
    assert sorted(fields(found)) == ["lang", "quantities", "start"]


def test_every_problem_of_a_row_that_no_type_is_known_of_is_named(read):
    [found] = read(row(type="", slug="", lang=""))
    assert fields(found) == ["slug", "type", "lang"]


@pytest.mark.parametrize("type_name", ["event", "stockpile", "document", "news"])
@pytest.mark.parametrize(
    ("start", "end", "named"),
    [
        ("2026-13-01", "2026-12-04", ["start"]),
        ("2026-12-04", "2026-02-30", ["end"]),
        ("2026-12-04", "2026-12-03", ["end"]),
        ("2026-12-04", "2026", []),
    ],
)
def test_only_two_dates_are_compared_and_every_impossible_one_is_named(read, type_name, start, end, named):
    [found] = read(row(type=type_name, start=start, end=end, topics="PCB", quantities="5 t PCB", country="DZ"))
    assert fields(found) == named


def test_two_titles_of_one_language_are_a_problem_and_the_same_one_twice_is_none(read):
    columns = (*COLUMNS, "title_fr")
    [found] = read(row(title_fr="Atelier bis", lang="FR"), columns=columns)
    assert found.problems == (Problem("title_fr", "title_orig is another title in fr; keep one of them"),)
    [found] = read(row(title_fr=" Atelier ", title_en="Workshop"), columns=columns)
    assert found.record.values["title"] == {"fr": "Atelier", "en": "Workshop"}


def test_no_cell_of_any_type_is_dropped(read):
    texts = {"title_en": "Named", "start": "2011-01-02", "end": "2012-03-04", "place": "Somewhere", "org": "Somebody"}
    texts |= {"treaty": "Somehow", "topics": "Something", "country": "Nowhere", "quantities": "some 4"}
    texts |= {"relations": "took place", "caveat": "doubted", "seed": "777"}
    quantities = f"{texts['quantities']}; 300 t PCB"
    rows = [row(type=name, slug=name, **texts | {"quantities": quantities}) for name in RECORD_TYPES]
    records = [found.record for found in read(*rows) if found.record]  # some types need what no column has
    dropped = {each.type: [text for text in texts.values() if text not in repr(each.values)] for each in records}
    assert {name: each for name, each in dropped.items() if each} == {}
    assert len(records) > 50


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("type,slug,start,start", "'start' stands twice"),
        ("type,slug,title_fr,Title_FR", "'title_fr' stands twice"),
        ("type,slug,,start", "column 3 has no name"),
        ("type,slug,titel", "'titel' is not known"),
    ],
)
def test_a_column_that_cannot_be_told_is_refused(settings, header, message):
    with pytest.raises(ParseError, match=message):
        read_table(f"{header}\nevent,ws-1,2017,2018\n".encode(), settings)


def test_empty_cells_at_the_end_of_lines_are_what_spreadsheets_write(settings):
    data = b"type,slug,title_en,start,,,\nevent,ws-1,Workshop,2017,,,\nevent,ws-2,Workshop,2017, ,,,,,\n,,,,,,\n"
    found = read_table(data, settings)
    assert [(each.place, each.problems) for each in found] == [("line 2 (ws-1)", ()), ("line 3 (ws-2)", ())]


def test_more_cells_than_columns_are_a_problem_of_the_row(settings):
    [found] = read_table(b"type,slug,title_en,start\nevent,ws-1,Workshop, and more,2017\n", settings)
    assert [str(each) for each in found.problems] == [
        "row: has more cells than the table has columns; is a text with a comma not quoted?"
    ]


@pytest.mark.parametrize("rows_after", [1, 10_000], ids=["small", "large"])
def test_a_quote_that_is_never_closed_is_named_where_its_row_begins(settings, rows_after):
    good = "event,ws-{},Workshop,2017\n"
    rows = [good.format(1), good.format(2), 'event,ws-3,"Work\n', *(good.format(9 + n) for n in range(rows_after))]
    with pytest.raises(ParseError, match=r"^line 4: .*quotation mark"):
        read_table(("type,slug,title_en,start\n" + "".join(rows)).encode(), settings)


def test_a_line_is_counted_where_its_row_begins(read):
    _, second = read(row(place="one\ntwo\nthree"), row(slug="ws-2", type="nothing"))
    assert second.place == "line 5 (ws-2)"


def test_a_type_can_be_given_for_all(read):
    [found] = read(row(type=""), assumed=RECORD_TYPES["meeting"])
    assert found.record.type == "meeting"


def test_semicolons_and_a_byte_order_mark_are_what_spreadsheets_write(settings):
    data = "\ufefftype;slug;title_en;start\r\nevent;ws-1;Workshop;2017\r\n"
    [found] = read_table(data.encode(), settings)
    assert found.record.values["starts"] == "2017"


@pytest.mark.parametrize(
    "data", [b"type,slug,titel\nevent,a,b", b"type,title_en\nevent,a", b"type,slug\n\xff,\xfe", b'type,slug\nevent,"a']
)
def test_what_is_no_such_table_is_refused_as_a_whole(settings, data):
    with pytest.raises(ParseError):
        read_table(data, settings)
