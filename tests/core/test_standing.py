"""How our records stand at a hub: the lights, and what a hub may answer."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chm_node.errors import ParseError
from harvest.standing import Light, Own, Told, compare, read_receipts

SPACE = "https://dz.example.org/id/"
VERSION = datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC)
IRI = "https://dz.example.org/id/event/1"
RECEIVED = datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC)
NOW, BEFORE, OTHER = "a" * 64, "b" * 64, "c" * 64


def own(withdrawn=False):
    return Own(IRI, {"en": "Workshop"}, NOW, withdrawn, VERSION)


def told(digest=NOW, held="", refused=False, iri=IRI, later=0):
    version = VERSION + timedelta(seconds=later)
    return Told(
        iri, digest, refused, "no-title" if refused else "", {}, "", held, held_version=version if held else None
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "light", "older"),
    [
        (own(), told(held=NOW), Light.GREEN, False),
        (own(), told(refused=True, held=NOW), Light.GREEN, False),  # refused here, and come by another way
        (own(), None, Light.AMBER, False),
        (own(), told(BEFORE, held=BEFORE), Light.AMBER, True),
        (own(), told(BEFORE, refused=True), Light.AMBER, False),  # refused an older version; ours it has not seen
        (own(), told(BEFORE, refused=True, held=OTHER), Light.AMBER, True),
        (own(), told(refused=True), Light.RED, False),
        (own(), told(refused=True, held=BEFORE), Light.RED, True),
        (own(), told("", refused=True), Light.RED, False),  # there was nothing to hash
        (own(withdrawn=True), told(held=NOW), Light.GREEN, False),
        (own(withdrawn=True), told(BEFORE, held=BEFORE), Light.AMBER, True),
        (own(withdrawn=True), told(refused=True, held=BEFORE), Light.RED, True),
    ],
)
def test_the_light_of_a_record(ours, theirs, light, older):
    [standing] = compare([ours], {IRI: theirs} if theirs else {}, SPACE)

    assert (standing.light, standing.older) == (light, older)


def test_a_record_withdrawn_before_the_hub_ever_saw_it_is_no_matter():
    assert compare([own(withdrawn=True)], {}, SPACE) == []


def test_what_the_hub_refused_beside_our_records_is_red_and_the_worst_comes_first():
    page = "https://dz.example.org/feed/1/2"
    found = compare([own()], {IRI: told(held=NOW), page: told(refused=True, iri=page), "x": told(iri="x")}, SPACE)

    assert [(each.iri, each.light) for each in found] == [(page, Light.RED), (IRI, Light.GREEN)]


def test_a_version_that_the_hub_has_and_we_have_not_is_red():
    lost, foreign = f"{SPACE}event/2", "https://tn.example.org/id/event/3"
    theirs = {
        IRI: told(BEFORE, held=BEFORE, later=1),
        lost: told(held=NOW, iri=lost),
        foreign: told(held=NOW, iri=foreign),  # which we passed on
    }
    found = compare([own()], theirs, SPACE)

    assert [(each.iri, each.light, each.ahead) for each in found] == [(IRI, Light.RED, True), (lost, Light.RED, True)]
    [withdrawn] = compare([own(withdrawn=True)], {IRI: told(BEFORE, held=BEFORE, later=-1)}, SPACE)
    assert not withdrawn.ahead


@pytest.mark.parametrize(
    ("code", "language", "words"),
    [
        ("no-title", "fr", "La notice n’a de titre"),
        ("no-title", "es", "The record has no title"),
        ("from-a-later-release", "fr", "Dans leurs mots"),
        ("from-a-later-release", "ar", "In their words"),
        ("nothing-said", "en", "nothing-said"),
    ],
)
def test_the_reason_reads_in_the_operators_language(code, language, words):
    sentences = {} if code == "nothing-said" else {"fr": "Dans leurs mots", "en": "In their words"}
    [standing] = compare([own()], {IRI: Told(IRI, NOW, True, code, sentences, "", "")}, SPACE)

    assert standing.reason(language).startswith(words)


def entry(**changed):
    whole = {
        "record": IRI,
        "version": None,
        "hash": NOW,
        "received": "2026-11-22T03:22:08.000Z",
        "verdict": "refused",
        "reason": {"code": "no-title", "text": {"en": "It has no title."}},
        "detail": "",
        "held": {"version": "2026-11-22T03:22:08.000Z", "hash": BEFORE, "withdrawn": False},
    }
    return {"node": "https://dz.example.org/node", "receipts": [whole | changed]}


def read(document):
    return read_receipts(json.dumps(document).encode(), "application/json", "https://hub.example.org/receipts?node=x")


def test_a_page_of_receipts_is_read():
    page = read({**entry(), "next": "/receipts?node=x&after=y"})

    assert page.next == "https://hub.example.org/receipts?node=x&after=y"
    assert page.receipts == (
        Told(IRI, NOW, True, "no-title", {"en": "It has no title."}, "", BEFORE, RECEIVED, VERSION),
    )


def test_what_a_hub_says_cannot_steer_a_terminal_or_forge_a_line():
    [receipt] = read(entry(detail="\x1b[2Jgone\ngreen  all is well\u202e")).receipts

    assert receipt.detail == "[2Jgone green all is well"


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        None,
        "text",
        {"node": "x"},
        {"node": 1, "receipts": []},
        {"node": "x", "receipts": {}},
        {"node": "x", "receipts": [1]},
        {"node": "x", "receipts": [], "next": 7},
        {"node": "x", "receipts": [None] * 5001},
        entry(record=None),
        entry(hash="short"),
        entry(held="all of it"),
        entry(reason="because"),
        entry(reason={"code": "x", "text": ["a"]}),
        entry(detail={"a": 1}),
        entry(received="yesterday"),
        entry(received=7),
    ],
)
def test_what_is_no_list_of_receipts_is_refused_with_a_reason(document):
    with pytest.raises(ParseError, match="no list of receipts"):
        read(document)


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 100_000, b'{"receipts":', b" " * (5 * 1024 * 1024 + 1)])
def test_bytes_that_are_no_json_are_refused_with_a_reason(data):
    with pytest.raises(ParseError):
        read_receipts(data, "", "https://hub.example.org/receipts")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["code", "text", "hash", "en"]) | st.text(), inner, max_size=3), max_leaves=5,
)  # fmt: skip


@given(st.sampled_from(["record", "hash", "verdict", "reason", "detail", "held", "received"]), json_values)
def test_any_value_in_any_member_is_read_or_refused(member, value):
    try:
        read(entry(**{member: value}))
    except ParseError as error:
        assert str(error)
