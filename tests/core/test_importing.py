"""RDF files become records: whole, named as the declaration names their parts, or with every problem said."""

from pathlib import Path

import pyoxigraph as ox
import pytest

from chm_node import foreign
from chm_node.canonical import canonical_bytes, canonical_lines
from chm_node.errors import ParseError
from chm_node.formats.quads import Graph, json_ld_objects, n_quads
from chm_node.importing.files import read_file
from chm_node.importing.rdf import read_statements, records_in
from chm_node.record_types import RECORD_TYPES
from chm_node.sandbox import Sandbox
from chm_node.settings import Settings

EVENT = "https://dz.chm.example/id/event/1"
PREFIXES = """
@prefix dcterms: <http://purl.org/dc/terms/> . @prefix schema: <https://schema.org/> .
@prefix t: <https://w3id.org/chm/vocabulary/record-types/> . @prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""


@pytest.fixture(scope="module")
def settings():
    return Settings.load(base_url="https://dz.chm.example/", country="DZ")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def read(settings):
    """The records of a Turtle text; the prefixes are given."""

    def read(turtle, assumed=None):
        quads = ox.parse(PREFIXES + turtle, ox.RdfFormat.TURTLE, base_iri=settings.base_url)
        return records_in(quads, settings, assumed).found

    return read


def graph_of(record):
    return {f"{triple} ." for triple in RECORD_TYPES[record.type].triples(record)}


def test_a_relative_address_lies_under_the_node(read):
    [found] = read('<id/event/1> dcterms:type t:event ; dcterms:title "Un"@fr ; schema:startDate "2017"^^xsd:gYear .')
    assert (found.record.iri, found.record.type) == (EVENT, "event")
    assert found.record.values["title"] == {"fr": "Un"}


def test_the_defaults_of_the_node_fill_what_a_record_does_not_state(read):
    [found] = read('<id/measure/1> dcterms:type t:measure ; dcterms:title "Loi"@fr .')
    assert found.problems == ()
    assert found.record.values["government"].endswith("/countries/DZ")
    assert found.record.values["licence"].startswith("https://creativecommons.org/")


def test_every_problem_of_a_record_is_named_and_its_neighbour_lives(read):
    bad, good = read("""
        <id/event/1> dcterms:type t:event ; schema:startDate "yesterday" ; schema:endDate "2017-01-01"^^xsd:date .
        <id/event/2> dcterms:type t:event ; dcterms:title "Deux"@fr ; schema:startDate "2017-01-01"^^xsd:date .
    """)
    assert bad.record is None
    assert {"title", "starts"} <= {problem.field for problem in bad.problems}
    assert good.record.values["starts"] == "2017-01-01"


@pytest.mark.parametrize(
    "place",
    [
        '[ a schema:Place ; schema:addressLocality "Alger" ]',
        '<id/event/1#venue> . <id/event/1#venue> a schema:Place ; schema:addressLocality "Alger"',
        '<id/event/1#place> . <id/event/1#place> a schema:Place ; schema:addressLocality "Alger"',
    ],
    ids=["blank node", "another fragment", "the declared fragment"],
)
def test_a_part_gets_the_name_that_the_declaration_gives_it(read, place):
    [found] = read(f"""
        <id/event/1> dcterms:type t:event ; dcterms:title "Un"@fr ; schema:startDate "2017-01-01"^^xsd:date ;
            schema:location {place} .
    """)
    assert found.record.values["place"] == {"locality": "Alger"}
    assert found.record.extra == ()
    assert f'<{EVENT}#place> <https://schema.org/addressLocality> "Alger" .' in graph_of(found.record)


def test_several_parts_keep_their_order_and_references_come_first(read):
    [found] = read("""
        <id/event/1> dcterms:type t:event ; dcterms:title "Un"@fr ; schema:startDate "2017-01-01"^^xsd:date ;
            schema:organizer [ foaf:name "CITET"@fr ], <https://tn.chm.example/id/organization/1>,
                [ foaf:name "B"@fr ] .
    """)
    organisers = found.record.values["organisers"]
    assert organisers == ["https://tn.chm.example/id/organization/1", {"name": {"fr": "CITET"}}, {"name": {"fr": "B"}}]
    again = records_in(ox.parse("\n".join(graph_of(found.record)), ox.RdfFormat.N_TRIPLES), settings_of(found))
    assert graph_of(again.found[0].record) == graph_of(found.record)


def settings_of(found):
    return Settings.load(base_url=found.record.iri.split("id/")[0], country="DZ")


def test_what_the_declaration_does_not_know_is_kept_without_blank_nodes(read):
    [found] = read("""
        <id/event/1> dcterms:type t:event ; dcterms:title "Un"@fr ; schema:startDate "2017-01-01"^^xsd:date ;
            schema:offers [ schema:price 5 ; schema:seller [ schema:name "X" ] ] .
    """)
    assert found.problems == ()
    assert len(found.record.extra) == 4
    assert not any(
        isinstance(node, ox.BlankNode) for each in found.record.extra for node in (each.subject, each.object)
    )


def test_a_value_in_another_form_is_not_stated_twice(read):
    [found] = read("""
        <id/event/1> dcterms:type t:event ; dcterms:title "  Un "@FR ; schema:startDate "2017-01-01" ;
            <https://w3id.org/chm/ns#participantCount> "080"^^xsd:integer ;
            <https://w3id.org/chm/ns#treaty> "STOCKHOLM" .
    """)
    assert found.record.extra == ()
    assert found.record.values["title"] == {"fr": "Un"}
    assert found.record.values["participants"] == 80
    assert found.record.values["treaties"] == ["https://w3id.org/chm/vocabulary/treaties/TREATY-STOCKHOLM"]


def test_a_term_that_no_vocabulary_has_is_kept_and_listed(read):
    [found] = read("""
        <id/event/1> dcterms:type t:event ; dcterms:title "Un"@fr ; schema:startDate "2017-01-01"^^xsd:date ;
            <https://w3id.org/chm/ns#treaty> "Treaty of nowhere" .
    """)
    assert found.unknown_terms == (("treaties", "Treaty of nowhere"),)
    assert found.record.values["treaties"] == ["Treaty of nowhere"]


def test_what_is_said_about_others_and_about_versions_is_left_out(read):
    [found] = read("""
        <id/event/1> dcterms:type t:event ; dcterms:title "Un"@fr ; schema:startDate "2017-01-01"^^xsd:date .
        <id/event/1#meta> dcterms:modified "2026-01-01T00:00:00Z"^^xsd:dateTime .
        <https://tn.chm.example/id/event/1> dcterms:title "Autre"@fr .
        <node> dcterms:title "Le nœud"@fr .
    """)
    assert not any("meta" in line or "tn.chm" in line for line in graph_of(found.record))


def test_what_is_left_out_is_named_once_and_what_the_node_writes_itself_is_not(settings):
    turtle = """
        <id/event/1> dcterms:type t:event ; dcterms:title "Un"@fr ; schema:location [ schema:name "Alger"@fr ] .
        <id/event/1#meta> dcterms:modified "2026-01-01T00:00:00Z"^^xsd:dateTime .
        <https://tn.chm.example/id/event/1> dcterms:title "Autre"@fr .
        <https://tn.chm.example/id/event/1#p> schema:name "Tunis"@fr .
        <node> dcterms:title "Le nœud"@fr . <id/> dcterms:title "Tout"@fr .
        _:lost dcterms:title "Perdu"@fr .
    """
    contents = records_in(ox.parse(PREFIXES + turtle, ox.RdfFormat.TURTLE, base_iri=settings.base_url), settings)
    assert len(contents.found) == 1
    *others, lost = contents.left_out
    assert others == ["https://tn.chm.example/id/event/1", "https://dz.chm.example/node", "https://dz.chm.example/id/"]
    assert lost.startswith("_:")


def test_a_text_without_a_language_is_kept_and_named_where_one_is_expected(read):
    [found] = read("""
        <id/event/1> dcterms:type t:event ; dcterms:title "Un", "One"@en ; schema:startDate "2017-01-01"^^xsd:date ;
            dcterms:description "Trois"@und ; schema:location [ schema:name "Alger" ; schema:addressLocality "Alger" ] .
    """)
    assert found.problems == ()
    assert found.record.values["title"] == {"en": "One", "und": "Un"}
    assert found.untagged == ("title", "place name")


def test_a_type_is_assumed_only_where_none_is_named(read):
    named, unnamed = read(
        """<id/news/1> dcterms:type t:news ; dcterms:title "Un"@fr .
           <id/x/2> dcterms:title "Deux"@fr .""",
        assumed=RECORD_TYPES["page"],
    )
    assert (named.record.type, unnamed.record.type) == ("news", "page")


@pytest.mark.parametrize(
    ("turtle", "message"),
    [
        ('<id/x/1> a schema:Event', "say which of event, meeting, consultation, such as dcterms:type <https://w3id"),
        ('<id/news/1> a schema:Event', "say which of event, meeting, consultation"),
        ('<id/event/1> a schema:Recipe', "is needed, such as"),
        ('<id/event/1> schema:startDate "2026"^^xsd:gYear', "is needed, such as"),
        ('<id/stockpile/1> dcterms:type t:stockpiles', "'stockpiles' is not a record type; perhaps stockpile"),
        ('<id/event/1> dcterms:type t:event, t:meeting', "two types are named, event and meeting"),
        ('<id/event/1> dcterms:type t:event, t:evnt', "two types are named"),
        ('<id/node/1> dcterms:type t:node', "'node' is written by the software"),
        ('<id/run/1> dcterms:type t:harvest-run', "'harvest-run' is written by the software"),
        ('<id/event/1> dcterms:type "workshop"', "'workshop' is not a record type"),
    ],
)  # fmt: skip
def test_a_record_whose_type_nobody_can_tell_is_not_imported(read, turtle, message):
    [found] = read(f'{turtle} ; dcterms:title "Un"@fr .')
    assert found.record is None
    assert [problem.field for problem in found.problems] == ["type"]
    assert message in found.problems[0].message


def test_the_address_tells_which_of_the_types_of_a_class_is_meant(read):
    bad, good, stock = read("""
        <id/event/1> a schema:Event ; dcterms:title "Un"@fr ; schema:startDate "2026-13-45"^^xsd:date .
        <id/meeting/2> a schema:Event ; dcterms:title "Deux"@fr ; schema:startDate "2026-12-01"^^xsd:date .
        <id/stockpile/3> a <http://purl.org/linked-data/cube#Observation> ; dcterms:title "Trois"@fr .
    """)
    assert [problem.field for problem in bad.problems] == ["starts"]
    assert good.record.type == "meeting"
    assert [problem.field for problem in stock.problems] == ["chemical", "quantity"]


def test_a_type_can_be_given_where_the_class_leaves_several(read):
    [found] = read(
        '<id/x/1> a schema:Event ; dcterms:title "Un"@fr ; schema:startDate "2026"^^xsd:gYear .',
        assumed=RECORD_TYPES["meeting"],
    )
    assert found.record.type == "meeting"


@pytest.mark.parametrize("key", ["u%20x", "%D9%85", "a/b/c?x=1", "u1.ttl"])
def test_an_address_that_the_node_cannot_answer_is_a_problem(read, key):
    [found] = read(f'<id/news/{key}> dcterms:type t:news ; dcterms:title "Un"@fr .')
    assert (found.record, [problem.field for problem in found.problems]) == (None, ["iri"])
    [worse] = read(f"<id/news/{key}> dcterms:type t:news .")
    assert {problem.field for problem in worse.problems} == {"iri", "title"}


def test_a_type_of_another_kind_is_kept(read):
    [found] = read('<id/news/1> dcterms:type t:news, <http://purl.org/dc/dcmitype/Text> ; dcterms:title "Un"@fr .')
    assert found.record.type == "news"
    assert [triple.object.value for triple in found.record.extra] == ["http://purl.org/dc/dcmitype/Text"]


def test_a_tombstone_is_not_imported(read):
    [found] = read("<id/event/1> a <https://www.w3.org/ns/activitystreams#Tombstone> .")
    assert "withdraw" in found.problems[0].message


def written(record, extension):
    """The record in one syntax, as another program might write it."""
    triples = RECORD_TYPES[record.type].triples(record)
    lines = canonical_bytes(canonical_lines(triples))
    if extension == ".jsonld":
        return f"[{','.join(json_ld_objects(lines))}]".encode()
    if extension == ".nq":
        return n_quads([Graph(f"<{record.iri}>", lines)])
    formats = {".ttl": ox.RdfFormat.TURTLE, ".nt": ox.RdfFormat.N_TRIPLES, ".rdf": ox.RdfFormat.RDF_XML}
    return ox.serialize(triples, format=formats.get(extension, ox.RdfFormat.TRIG))


@pytest.mark.parametrize("extension", [".ttl", ".trig", ".nt", ".nq", ".rdf", ".jsonld"])
def test_every_syntax_gives_the_same_record(read, settings, sandbox, tmp_path, extension):
    [found] = read("""
        <id/event/1> dcterms:type t:event ; dcterms:title "Un"@fr, "واحد"@ar ; schema:startDate "2017"^^xsd:gYear ;
            schema:location [ a schema:Place ; schema:addressLocality "Alger" ] .
    """)
    path = tmp_path / f"records{extension}"
    path.write_bytes(written(found.record, extension))
    [again] = read_file(path, settings, sandbox).found
    assert again.record == found.record


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.ttl", "this is not Turtle"),
        ("a.rdf", "<!DOCTYPE x><x/>"),
        ("a.doc", ""),
        ("a.jsonld", '{"@context":"https://x.example/"}'),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused_by_its_name(settings, sandbox, tmp_path, name, text):
    path = Path(tmp_path / name)
    path.write_text(text)
    with pytest.raises(ParseError, match=name):
        read_file(path, settings, sandbox)


def statements(path, count, last=b""):
    """A file with so many statements of one record, and more bytes at its end."""
    line = '<https://dz.chm.example/id/news/1> <https://schema.org/about> "{}" .\n'
    path.write_bytes("".join(map(line.format, range(count))).encode() + last)
    return path


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (b"foo bar\n", "at line 110001 "),
        (b'<https://dz.chm.example/id/news/1> <https://schema.org/name> "x', "at line 110001 "),
        (b'<https://dz.chm.example/id/news/1> <https://schema.org/name> "\xff" .\n', "line 110001 is not UTF-8 text"),
    ],
    ids=["no statement", "no end", "no text"],
)
def test_a_line_that_cannot_be_read_has_its_number_in_the_whole_file(settings, sandbox, tmp_path, last, message):
    with pytest.raises(ParseError, match=message):
        read_file(statements(tmp_path / "a.nq", 110_000, last), settings, sandbox)


@pytest.mark.parametrize("extension", ["nt", "nq"])
def test_a_file_with_one_statement_a_line_may_have_any_number_of_them(settings, sandbox, tmp_path, extension):
    path = statements(tmp_path / f"a.{extension}", foreign.MAX_QUADS + 1)
    assert len(read_statements(path, settings, sandbox)) == foreign.MAX_QUADS + 1


@pytest.mark.parametrize("extension", ["ttl", "trig"])
def test_a_file_that_is_too_long_for_its_format_is_told_which_one_is_not(settings, sandbox, tmp_path, extension):
    with pytest.raises(ParseError, match=rf"a.{extension}: .* more than 200,000 statements.* N-Quads"):
        read_file(statements(tmp_path / f"a.{extension}", foreign.MAX_QUADS + 1), settings, sandbox)
