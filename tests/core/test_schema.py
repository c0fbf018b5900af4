"""What is wrong with a record is said all at once; what is unknown is kept; what is read is understood."""

from decimal import Decimal
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chm_node.errors import InvalidRecordError, Problem
from chm_node.namespaces import CHM, DCTERMS, ORG, PREFIXES, SDO, VOCABULARY
from chm_node.record import Record
from chm_node.record_types import RECORD_TYPES
from chm_node.schema import (
    CONTACT_DETAILS,
    Agent,
    Choice,
    Date,
    DateRange,
    Field,
    FileReference,
    Group,
    Language,
    Link,
    LocalisedText,
    MediaType,
    Money,
    Number,
    Place,
    Quantity,
    RecordReference,
    RecordType,
    Term,
    Text,
    YesNo,
)

IRI = "https://node.example/id/r1"
EVENT = RECORD_TYPES["event"]
GOOD = {"title": {"fr": "Atelier"}, "starts": "2017-04-04"}

MEMBER = Agent("who", ORG.member, "Who", required=True)
#: One field of every kind, so that every problem a form can have is reachable.
EVERY_KIND = RecordType(
    "every-kind",
    SDO.Thing,
    "Every kind",
    (
        Text("code", SDO.serialNumber, "Code", required=True),
        LocalisedText("words", SDO.alternateName, "Words", many=True),
        Date("day", SDO.birthDate, "Day"),
        Number("count", SDO.value, "Count"),
        Number("counts", SDO.version, "Counts", many=True),
        YesNo("agreed", SDO.isAccessibleForFree, "Agreed"),
        Choice("size", SDO.size, "Size", choices=("small", "large")),
        Link("page", SDO.url, "Page"),
        Language("speaks", SDO.knowsLanguage, "Speaks"),
        MediaType("media_type", SDO.encodingFormat, "Media type"),
        Term("place_term", SDO.areaServed, "Where", schemes=("countries",)),
        DateRange("during", SDO.temporal, "During"),
        Quantity("amount", SDO.weight, "Amount"),
        Money("price", SDO.price, "Price"),
        Place("place", SDO.location, "Place"),
        FileReference("attachments", SDO.associatedMedia, "Attachments", many=True),
        Agent("author", SDO.author, "Author"),
        Agent("partners", SDO.sponsor, "Partners", many=True),
        Group(
            "members", ORG.hasMembership, "Members", many=True, parts=(Agent("who", ORG.member, "Who", required=True),)
        ),
        *CONTACT_DETAILS,
    ),
)
COMPLETE: dict[str, Any] = {"title": {"en": "A title"}, "code": "x"}

FAULTS: tuple[tuple[str, Any, str, str], ...] = (
    ("title", None, "title", "is needed in at least one language"),
    ("title", {"fr": "  ", "ar": ""}, "title", "is needed in at least one language"),
    ("title", "Atelier", "title", "give the text for each language, such as fr: …"),
    ("title", {"fr": 3}, "title (fr)", "write some text"),
    ("title", {"not a tag!": "x"}, "title (not a tag!)", "'not a tag!' is not a language tag such as fr, ar or zh"),
    ("words", {"ar": [1, "x"]}, "words (ar)", "write some text"),
    ("code", None, "code", "is needed"),
    ("code", "\u0000 ", "code", "is needed"),
    ("code", ["a", "b"], "code", "write some text"),
    ("day", "4 avril 2017", "day", "write the date as year-month-day"),
    ("day", "2017-02-29", "day", "write the date as year-month-day"),
    ("day", "0000", "day", "write the date as year-month-day"),
    ("day", "2017-04-05T10:00:00", "day", "write the date as year-month-day"),
    ("day", "2017-04-05T10:00:00+15:00", "day", "write the date as year-month-day"),
    ("count", "many", "count", "write a number, such as 800 or 2.5"),
    ("count", True, "count", "write a number"),
    ("count", "1e5", "count", "write a number"),
    ("count", float("nan"), "count", "write a number"),
    ("agreed", "perhaps", "agreed", "answer yes or no"),
    ("size", "medium", "size", "choose one of: small, large"),
    ("page", "www.example.org", "page", "write a full address"),
    ("page", "javascript:alert(1)", "page", "write a full address"),
    ("speaks", "French!", "speaks", "write a language code"),
    ("media_type", "pdf", "media_type", "write a media type such as application/pdf"),
    ("place_term", 7, "place_term", "choose a term"),
    ("during", "2017", "during", "give its parts: starts, ends"),
    ("during", {"starts": 2017}, "during starts", "write the date"),
    ("during", {"starts": "2017-05", "ends": "2017-04-30"}, "during ends", "lies before the first day"),
    ("during", {"from": "2017"}, "during from", "is not a part of this field"),
    ("amount", {"value": "300"}, "amount unit", "is needed"),
    ("amount", {"unit": "t"}, "amount value", "is needed"),
    ("price", {"amount": "1", "currency": "€"}, "price currency", "write the three letters of the currency"),
    ("price", 12, "price", "give its parts: amount, currency"),
    ("place", {"latitude": "91", "longitude": "0"}, "place latitude", "lies between -90 and 90"),
    ("place", {"longitude": "3"}, "place latitude", "give latitude and longitude together"),
    ("attachments", [{"title": {"fr": "Guide"}}], "attachments 1 url", "is needed"),
    ("attachments", [{"url": "https://a.example/b"}, {"url": "x"}], "attachments 2 url", "write a full address"),
    ("attachments", [{"url": "https://a.example/b", "title": {"!": "x"}}], "attachments 1 title (!)", "'!' is not"),
    ("author", "Somebody", "author", "write the address of a record, or a name"),
    ("author", {"email": "a@b.example"}, "author name", "is needed in at least one language"),
    ("partners", ["https://a.example/b", {"homepage": "x", "name": {"fr": "X"}}], "partners 2 homepage", "write"),
    ("members", [{}, {"who": "nobody"}], "members 1 who", "write the address of a record, or a name"),
    ("emails", ["nobody"], "emails", "write an e-mail address"),
    ("phones", ["call me"], "phones", "write the number with its country code"),
    ("address", "Alger", "address", "give its parts: street, city, postal_code, country"),
    ("colour", "red", "colour", "is not a field of this record type"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "value", "where", "message"), FAULTS)
def test_a_fault_is_named_by_field_and_language(name: str, value: Any, where: str, message: str) -> None:
    problems = EVERY_KIND.problems(EVERY_KIND.clean({**COMPLETE, name: value}))
    assert [str(problem) for problem in problems if str(problem).startswith(f"{where}: {message}")], problems
    assert len(problems) == 1


def test_all_faults_of_a_form_are_reported_at_once() -> None:
    faults = {name: value for name, value, _, _ in FAULTS}
    with pytest.raises(InvalidRecordError) as caught:
        EVERY_KIND.record(IRI, faults)
    assert {problem.field.split()[0] for problem in caught.value.problems} == set(faults)


def test_a_record_with_nothing_wrong_has_no_problems() -> None:
    assert EVERY_KIND.problems(EVERY_KIND.clean(COMPLETE)) == []


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        ("code", "  e\u0301tude\u0007 ", "étude"),
        ("count", "٣", 3),
        ("count", "800.50", Decimal("800.5")),
        ("count", 2.5, Decimal("2.5")),
        ("count", Decimal("1E+5"), 100000),
        ("count", "0." + "1" * 60, Decimal("0." + "1" * 60)),
        ("counts", ["2", 1, "2"], [1, 2]),
        ("agreed", "yes", True),
        ("speaks", "zh_Hant", "zh-hant"),
        ("place_term", "DZ", f"{VOCABULARY}countries/DZ"),
        ("place_term", "Algérie", f"{VOCABULARY}countries/DZ"),
        ("place_term", "Atlantis", "Atlantis"),
        ("price", {"amount": "210000", "currency": "eur"}, {"amount": 210000, "currency": "EUR"}),
        ("words", {"FR": "a", "ar": ["ب", "ا", "ب"]}, {"ar": ["ا", "ب"], "fr": ["a"]}),
        ("phones", "+216 71 - 123 456", ["+216-71-123-456"]),
        ("partners", [{"name": {"fr": "Z"}}, "https://b.example/", "https://a.example/"],
         ["https://a.example/", "https://b.example/", {"name": {"fr": "Z"}}]),
    ],
)  # fmt: skip
def test_a_value_has_one_stored_form(name: str, given: Any, stored: Any) -> None:
    record = EVERY_KIND.record(IRI, {**COMPLETE, name: given})
    assert record.values[name] == stored
    assert EVERY_KIND.read(IRI, EVERY_KIND.triples(record)) == (record, [])


# Reading what others wrote


def read(turtle: str, record_type: RecordType = EVENT) -> tuple[Record, list[Problem], list[ox.Triple]]:
    prefixes = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())
    triples = [quad.triple for quad in ox.parse(prefixes + turtle, format=ox.RdfFormat.TURTLE, base_iri=IRI)]
    return *record_type.read(IRI, triples), triples


def test_two_values_where_one_is_allowed_are_a_problem_and_neither_is_taken() -> None:
    turtle = '<> dcterms:title "A"@fr, "B"@fr, "C"@ar ; schema:startDate "2017"^^xsd:gYear, "2018"^^xsd:gYear .'
    record, problems, _ = read(turtle)
    assert record.values == {"title": {"ar": "C"}}
    assert set(problems) == {
        Problem("title", "two texts where one is allowed", "fr"),
        Problem("starts", "2 values where one is allowed"),
    }


def test_two_nodes_where_one_place_is_allowed_are_a_problem() -> None:
    turtle = """<> dcterms:title "A"@fr ; schema:startDate "2017"^^xsd:gYear ; schema:location <#a>, <#b> .
        <#a> schema:name "Alger"@fr . <#b> schema:name "Oran"@fr ."""
    assert read(turtle)[1] == [Problem("place", "2 values where one is allowed")]


def test_a_statement_nobody_declared_is_kept_as_it_came() -> None:
    turtle = """<> dcterms:title "A"@fr ; schema:startDate "2017"^^xsd:gYear ;
        <https://elsewhere.example/ns#colour> "bleu"@fr, 7 ; rdfs:seeAlso <#more> . <#more> rdfs:label "plus"@fr ."""
    record, problems, triples = read(turtle)
    assert problems == []
    assert len(record.extra) == 4
    assert set(triples) <= set(EVENT.triples(record))


def test_a_value_in_an_unusual_form_is_understood_and_stated_once() -> None:
    turtle = """<> dcterms:title "A" ; schema:startDate "2017-04-04" ; chm:participantCount "080.0"^^xsd:decimal ;
        dcterms:language "fr" ; dcterms:subject "pcb" ; dcat:distribution <#guide> .
        <#guide> dcat:downloadURL <https://a.example/guide.pdf> ; dcat:mediaType "application/pdf" ."""
    record, problems, _ = read(turtle)
    assert problems == []
    assert record.extra == ()
    assert record.values["title"] == {"und": "A"}
    assert record.values["participants"] == 80
    assert record.values["languages"] == ["fr"]
    assert record.values["files"] == [{"url": "https://a.example/guide.pdf", "media_type": "application/pdf"}]
    assert EVENT.read(IRI, EVENT.triples(record)) == (record, [])


def test_a_node_described_elsewhere_is_kept_as_a_reference() -> None:
    turtle = """<> dcterms:title "A"@fr ; schema:startDate "2017"^^xsd:gYear ;
        dcat:distribution <https://elsewhere.example/file> ; dcterms:creator <https://elsewhere.example/person> ."""
    record, problems, triples = read(turtle)
    assert problems == []
    assert record.values["creators"] == ["https://elsewhere.example/person"]
    assert set(triples) <= set(EVENT.triples(record))


@pytest.mark.parametrize(
    ("statement", "field"),
    [
        ('schema:startDate "demain"', "starts"),
        ("schema:startDate <https://a.example/>", "starts"),
        ('chm:participantCount "beaucoup"', "participants"),
        ('schema:url "www.example.org"', "online"),
        ("dcterms:description <https://a.example/>", "summary"),
        ('schema:location "Alger"', "place"),
        ("schema:location [ schema:name 'Alger' ]", "place"),
        ('chm:timeZone "Africa/Algiers"@en', "time_zone"),
        ("schema:eventStatus 'adjourned'", "event_status"),
        ("dcterms:language 'not a language'", "languages"),
    ],
)
def test_a_statement_of_the_wrong_kind_is_a_problem_of_its_field(statement: str, field: str) -> None:
    _, problems, _ = read(f'<> dcterms:title "A"@fr ; schema:startDate "2017"^^xsd:gYear ; {statement} .')
    assert [problem.field for problem in problems] == [field]


def test_an_organisation_may_be_the_publisher_of_its_own_record() -> None:
    organization = RECORD_TYPES["organization"]
    record = organization.record(IRI, {"title": {"fr": "CNTPP"}, "publishers": [IRI]})
    assert organization.read(IRI, organization.triples(record)) == (record, [])


def test_the_tenth_part_follows_the_ninth() -> None:
    files = [{"url": f"https://a.example/{number}"} for number in range(12)]
    record = EVENT.record(IRI, {**GOOD, "files": files})
    again, _ = EVENT.read(IRI, reversed(EVENT.triples(record)))
    assert again.values["files"] == files


def test_a_number_of_any_size_keeps_every_digit() -> None:
    for text in ("0.00000091", "123456789012345678901234567890.123456789", "9" * 300):
        record = EVENT.record(IRI, {**GOOD, "participants": text})
        literals = [triple.object.value for triple in EVENT.triples(record) if isinstance(triple.object, ox.Literal)]
        assert text in literals
        assert EVENT.read(IRI, EVENT.triples(record)) == (record, [])


# Terms


def test_an_unknown_term_is_kept_and_listed() -> None:
    values = {
        **GOOD,
        "subjects": ["SDG-12", "something new", "https://elsewhere.example/term"],
        "coverage": ["DZ"],
        "place": {"country": "Atlantis"},
    }
    record = EVENT.record(IRI, values)
    assert EVENT.unknown_terms(record.values) == [
        ("subjects", "https://elsewhere.example/term"),
        ("subjects", "something new"),
        ("place country", "Atlantis"),
    ]
    assert EVENT.read(IRI, EVENT.triples(record)) == (record, [])


def test_a_known_term_is_stated_by_its_iri() -> None:
    record = EVENT.record(IRI, {**GOOD, "treaties": ["STOCKHOLM"], "coverage": ["الجزائر"]})
    objects = {(str(triple.predicate.value), str(triple.object)) for triple in EVENT.triples(record)}
    assert (DCTERMS.spatial, f"<{VOCABULARY}countries/DZ>") in objects
    assert (CHM.treaty, f"<{VOCABULARY}treaties/TREATY-STOCKHOLM>") in objects


def test_an_own_field_stands_where_the_header_has_its_name() -> None:
    decision = RECORD_TYPES["decision"]
    numbers: list[Field] = [field for field in decision.fields if field.name == "number"]
    assert [field.required for field in numbers] == [True]
    assert decision.fields[0].name == "title"


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ("2026-01-05T10:00:00+01:00", "2026-01-05T09:30:00Z"),
        ("2026-01-05T10:00:00Z", "2026-01-05T10:00:00+00:00"),
        ("2026-01-06T00:30:00+03:00", "2026-01-05T22:30:00Z"),
        ("2026-01-06T23:30:00+03:00", "2026-01-06"),
        ("2017", "2017-04"),
    ],
)
def test_an_event_ends_when_it_starts_or_later_in_whatever_zone(starts, ends):
    RECORD_TYPES["event"].record(IRI, {"title": {"fr": "Atelier"}, "starts": starts, "ends": ends})


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ("2026-05-02", "2026-05-01"),
        ("2026-01-05T09:30:00Z", "2026-01-05T10:00:00+01:00"),
        ("2026-01-05T22:30:00Z", "2026-01-06T00:30:00+03:00"),
        ("2026-01-06T00:30:00+03:00", "2026-01-05"),
    ],
)
def test_an_event_that_ends_before_it_starts_is_refused(starts, ends):
    values = {"title": {"fr": "Atelier"}, "starts": starts, "ends": ends}
    with pytest.raises(InvalidRecordError) as refused:
        RECORD_TYPES["event"].record("https://node.example/id/event/1", values)
    assert refused.value.problems == (Problem("ends", "lies before the first day"),)


@given(
    st.lists(
        st.builds(
            lambda text, language: ox.Literal(text, language=language) if language else ox.Literal(text),
            st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("a \u202e\x00"), max_size=4),
            st.sampled_from(["", "fr", "ar", "zh-hant", "i-klingon"]),
        )
        | st.just(ox.NamedNode("https://a.example/1")),
        max_size=3,
    )
)
def test_texts_that_look_flawless_are(nodes):
    field = LocalisedText("words", SDO.alternateName, "Words")
    if field.flawless(nodes):
        value, wrong = field.read("s", {"s": {field.predicate: nodes}})
        assert not wrong and not field.problems(value)
        assert nodes


def nodes_of_any_kind():
    texts = ["2017", "2017-04-05", "2017-13-05", "0000", "Atelier", " ", "", "\u202e", "٢٠١٧", "image/png"]
    iris = ["https://a.example/1", "urn:isbn:1", "javascript:alert(1)", "urn:a\u202eb"]
    literals = st.builds(
        lambda text, language: ox.Literal(text, language=language) if language else ox.Literal(text),
        st.sampled_from([*texts, *iris]),
        st.sampled_from(["", "fr"]),
    )
    return literals | st.builds(ox.NamedNode, st.sampled_from(iris))


@pytest.mark.parametrize("kind", [Text, MediaType, Date, Link, RecordReference], ids=lambda kind: kind.__name__)
@given(nodes=st.lists(nodes_of_any_kind(), max_size=2))
def test_values_that_look_flawless_are(kind, nodes):
    field = kind("one", SDO.identifier, "One")
    value, wrong = field.read("s", {"s": {field.predicate: nodes}})
    if field.flawless(nodes):
        assert value
        assert not wrong and not field.problems(value)


def test_what_most_records_say_looks_flawless():
    assert Date("one", SDO.identifier, "One").flawless([ox.Literal("2017-04-05")])
    assert Text("one", SDO.identifier, "One").flawless([ox.Literal("DZ-17/4")])
    assert Link("one", SDO.identifier, "One").flawless([ox.NamedNode("https://a.example/1")])
