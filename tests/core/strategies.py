"""Hypothesis strategies: cleaned values for every kind of field, and records of every type."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from chm_node.record import Record
from chm_node.schema.contacts import Email, Telephone
from chm_node.schema.dates_and_numbers import Date, Number
from chm_node.schema.field import Field
from chm_node.schema.groups import Agent, DateRange, Group, Money, Place, order_problems
from chm_node.schema.kinds import Choice, LocalisedText, MediaType, YesNo
from chm_node.schema.record_type import RecordType
from chm_node.schema.references import Language, Link, Term
from chm_node.text import clean_text
from chm_node.vocabulary import vocabularies

LANGUAGES = (
    "ar", "de-1996", "en", "en-u-ca-gregory", "es-419", "fr", "mn-mong-cn", "ru", "sgn-ase", "sr-latn", "tzm-tfng",
    "und", "x-node", "zh", "zh-hant",
)  # fmt: skip
SPECIMENS = (
    "حقن ثنائي الفينيل",
    "多氯联苯",
    "Actualisation des PNM : « étape 1 »",
    'a "quoted" \\backslash\\ <b>&amp;</b>',
    "two\nlines\tand a tab",
    "e\u0301 is composed",
    "👩🏽‍🔬 \U00010400 \u200f\u200d\u00a0x",
    "]]> --> {{ }} ${x} '''",
    "trailing backslash \\",
    "1996-03-25",
)
IRIS = (
    "https://example.org/a",
    "https://example.org/données/تونس?q=1&r=%20#frag",
    "https://example.org/x'(1);a=b,c!$*+~",
    "http://node.example/id/0b5f",
    "mailto:someone@example.org",
    "urn:isbn:9780140449136",
    "tel:+216-71-123-456",
)
DATES = ("1990", "2011-04", "2016-02-29", "2017-04-05", "2019-12-31T23:59:59Z", "2025-11-03T09:00:00.5+01:00")


def texts() -> st.SearchStrategy[str]:
    free = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
    return (st.sampled_from(SPECIMENS) | free).map(clean_text).filter(bool)


def iris() -> st.SearchStrategy[str]:
    local = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._~éصж", min_size=1, max_size=8)
    return st.sampled_from(IRIS) | local.map(lambda name: f"https://example.org/{name}")


def numbers() -> st.SearchStrategy[Any]:
    # rdflib's Turtle reader turns a decimal nearer to nought than a millionth into "9.1E-7", which is none.
    exact = st.decimals(-(10**30), 10**30, allow_nan=False, allow_infinity=False, places=5)
    return st.integers() | exact


def terms(field: Field) -> st.SearchStrategy[str]:
    schemes = field.schemes if isinstance(field, Term) else ()
    known = [iri for scheme in schemes for iri in vocabularies()[scheme].terms]
    unknown = st.sampled_from(("a term nobody knows", "https://example.org/vocabulary/unknown", "شيء جديد"))
    return st.sampled_from(known) | unknown if known else texts() | unknown


def localised(field: Field) -> st.SearchStrategy[Any]:
    one = st.lists(texts(), min_size=1, max_size=3) if field.many else texts()
    return st.dictionaries(st.sampled_from(LANGUAGES), one, min_size=1, max_size=3)


def emails() -> st.SearchStrategy[str]:
    return st.sampled_from(("a@b.example", "first.last+chm@environnement.gov.dz", "قنصل@مثال.تونس"))


def phones() -> st.SearchStrategy[str]:
    return st.sampled_from(("+216 71 123 456", "+213 (21) 43-29-76", "021432976"))


#: A strategy for one value of a kind; the order matters, the most special kind first.
KINDS: tuple[tuple[type[Field], Callable[[Any], st.SearchStrategy[Any]]], ...] = (
    (Telephone, lambda field: phones()),
    (Email, lambda field: emails()),
    (Choice, lambda field: st.sampled_from(field.choices)),
    (MediaType, lambda field: st.sampled_from(("application/pdf", "image/svg+xml", "text/csv"))),
    (Date, lambda field: st.sampled_from(DATES) | st.dates().map(lambda day: day.isoformat())),
    (Number, lambda field: numbers()),
    (YesNo, lambda field: st.booleans()),
    (Language, lambda field: st.sampled_from(LANGUAGES)),
    (Link, lambda field: iris()),
    (Term, terms),
    (Group, lambda field: groups(field)),
    (Field, lambda field: texts()),
)


def field_values(field: Field) -> st.SearchStrategy[Any]:
    """Values a field accepts, not yet cleaned."""
    if isinstance(field, LocalisedText):
        return localised(field)
    one = next(strategy(field) for kind, strategy in KINDS if isinstance(field, kind))
    if not field.many:
        return one
    return st.lists(one, min_size=1, max_size=11 if isinstance(field, Agent) else 3)


def groups(field: Group) -> st.SearchStrategy[Any]:
    if isinstance(field, DateRange):
        return st.lists(st.dates().map(lambda day: day.isoformat()), min_size=1, max_size=2).map(period)
    if isinstance(field, Money):
        return st.fixed_dictionaries({"amount": numbers(), "currency": st.sampled_from(("TND", "eur", "USD"))})
    if isinstance(field, Place):
        return parts(field).map(within_the_world)
    return iris() | parts(field) if isinstance(field, Agent) else parts(field)


def period(days: list[str]) -> dict[str, str]:
    return dict(zip(("starts", "ends"), sorted(days), strict=False))


def within_the_world(place: dict[str, Any]) -> dict[str, Any]:
    place = {**place, "country": place.get("country", "DZ")}
    if {"latitude", "longitude"} <= place.keys():
        return {**place, "latitude": "36.7538", "longitude": -3}
    return {name: value for name, value in place.items() if name not in ("latitude", "longitude")}


def parts(field: Group) -> st.SearchStrategy[Any]:
    needed = {part.name: field_values(part) for part in field.parts if part.required}
    optional = {part.name: field_values(part) for part in field.parts if not part.required}
    return st.fixed_dictionaries(needed, optional=optional).filter(bool)


@st.composite
def values_of(draw: Any, record_type: RecordType, most: int = 8) -> dict[str, Any]:
    """Values of a record: the compulsory fields and up to ``most`` of the others, not yet cleaned."""
    optional = [field for field in record_type.fields if not field.required]
    chosen = draw(st.lists(st.sampled_from(optional), max_size=most, unique_by=lambda field: field.name))
    fields = [field for field in record_type.fields if field.required] + chosen
    return in_order({field.name: draw(field_values(field)) for field in fields})


@st.composite
def full_values_of(draw: Any, record_type: RecordType) -> dict[str, Any]:
    """Values for every field there is."""
    return in_order({field.name: draw(field_values(field)) for field in record_type.fields})


def in_order(values: dict[str, Any]) -> dict[str, Any]:
    """With the first day before the last one."""
    if order_problems(values):
        return {**values, "starts": values["ends"], "ends": values["starts"]}
    return values


def records_of(record_type: RecordType, iri: str = "https://node.example/id/r1") -> st.SearchStrategy[Record]:
    """Valid records of one type."""
    return values_of(record_type).map(lambda values: record_type.record(iri, values))
