"""Every record type, built in or plugged in: RDF both ways in every syntax, JSON Schema, SHACL, form."""

import json
from typing import Any

import pyoxigraph as ox
import pyshacl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rdflib import Graph, URIRef
from rdflib.namespace import SH

from chm_node.canonical import canonical_bytes, canonical_lines
from chm_node.errors import SettingsError
from chm_node.namespaces import DCAT, DCTERMS, PREFIXES, RDF, RDFS, SDO, XSD
from chm_node.record import Record
from chm_node.record_types import OTHER, RECORD_TYPES, register, type_of
from chm_node.schema import LocalisedText, RecordType, Text
from chm_node.schema.derived import all_shapes, form, json_schema, namespace_document, shape, to_json
from chm_node.vocabulary import vocabularies

from .strategies import full_values_of, records_of

IRI = "https://node.example/id/r1"
OXIGRAPH = (
    ox.RdfFormat.N_QUADS,
    ox.RdfFormat.N_TRIPLES,
    ox.RdfFormat.TURTLE,
    ox.RdfFormat.TRIG,
    ox.RdfFormat.RDF_XML,
    ox.RdfFormat.JSON_LD,
)
RDFLIB = ("turtle", "json-ld", "xml", "nt")

each_type = pytest.mark.parametrize("record_type", RECORD_TYPES.values(), ids=RECORD_TYPES)


def canonical(triples: Any) -> bytes:
    return canonical_bytes(canonical_lines(triples))


def as_rdflib(triples: Any) -> Graph:
    return Graph().parse(data=ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES), format="nt")


def from_rdflib(graph: Graph) -> list[ox.Triple]:
    data = graph.serialize(format="nt", encoding="utf-8")
    return [quad.triple for quad in ox.parse(data, format=ox.RdfFormat.N_TRIPLES)]


# RDF, both ways


@each_type
@given(data=st.data())
@settings(max_examples=10)
def test_a_record_read_from_its_triples_is_the_same_record(record_type: RecordType, data: st.DataObject) -> None:
    record = data.draw(records_of(record_type))
    again, problems = record_type.read(IRI, record_type.triples(record))
    assert problems == []
    assert again.extra == ()
    assert again == record
    assert record_type.clean(record.values) == record.values


@each_type
@given(data=st.data())
@settings(max_examples=1)
def test_every_field_survives(record_type: RecordType, data: st.DataObject) -> None:
    record = record_type.record(IRI, data.draw(full_values_of(record_type)))
    again, problems = record_type.read(IRI, record_type.triples(record))
    assert (again, problems) == (record, [])


# rdflib's own JSON-LD reader and writer use what rdflib deprecates.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@each_type
@given(data=st.data())
@settings(max_examples=2)
def test_every_syntax_carries_every_statement_and_language(record_type: RecordType, data: st.DataObject) -> None:
    triples = record_type.triples(data.draw(records_of(record_type)))
    expected = canonical(triples)
    for syntax in OXIGRAPH:
        written = ox.serialize(triples, format=syntax, prefixes=PREFIXES)
        assert canonical(quad.triple for quad in ox.parse(written, format=syntax)) == expected, syntax
    graph = as_rdflib(triples)
    for name in RDFLIB:
        written = graph.serialize(format=name, encoding="utf-8")
        assert canonical(from_rdflib(Graph().parse(data=written, format=name))) == expected, name


@given(data=st.data())
@settings(max_examples=25)
def test_sorted_lines_are_what_rdfc_1_0_gives(data: st.DataObject) -> None:
    record_type = data.draw(st.sampled_from(list(RECORD_TYPES.values())))
    triples = record_type.triples(data.draw(records_of(record_type)))
    dataset = ox.Dataset(ox.Quad(*triple) for triple in triples)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    assert canonical(triples) == b"".join(sorted(f"{quad} .\n".encode() for quad in dataset))


@each_type
def test_no_triple_of_a_record_has_a_blank_node_or_another_subject(record_type: RecordType) -> None:
    @given(records_of(record_type))
    @settings(max_examples=2)
    def check(record: Record) -> None:
        for triple in record_type.triples(record):
            assert isinstance(triple.subject, ox.NamedNode)
            assert triple.subject.value == IRI or triple.subject.value.startswith(f"{IRI}#")
            assert not isinstance(triple.object, ox.BlankNode)

    check()


# JSON


@each_type
@given(data=st.data())
@settings(max_examples=4)
def test_the_json_of_a_record_fits_its_schema(record_type: RecordType, data: st.DataObject) -> None:
    schema = json_schema(record_type)
    Draft202012Validator.check_schema(schema)
    record = data.draw(records_of(record_type))
    rendered = json.loads(json.dumps(to_json(record_type, record)))
    assert list(Draft202012Validator(schema).iter_errors(rendered)) == []
    assert record_type.record(IRI, rendered["values"]) == record


@each_type
def test_a_missing_compulsory_field_breaks_the_json_schema(record_type: RecordType) -> None:
    errors = Draft202012Validator(json_schema(record_type)).iter_errors(
        {"id": IRI, "type": record_type.name, "values": {}}
    )
    missing = {field.name for field in record_type.fields if field.required}
    assert {error.message.split("'")[1] for error in errors} == missing


# SHACL


def violations(data: Graph, shapes: Graph) -> set[tuple[str, str]]:
    """(record or node, predicate) of everything pyshacl finds."""
    _, report, _ = pyshacl.validate(data, shacl_graph=shapes)
    return {
        (str(report.value(result, SH.focusNode)), str(report.value(result, SH.resultPath)))
        for result in report.subjects(URIRef(RDF.type), SH.ValidationResult)
    }


def test_types_that_share_a_class_do_not_answer_for_each_other() -> None:
    types = [RECORD_TYPES[name] for name in ("event", "meeting", "consultation")]
    graph = Graph()
    for record_type in types:
        # No first day: an event and a meeting need one, a consultation does not.
        iri = f"https://node.example/id/{record_type.name}"
        graph += as_rdflib(record_type.triples(Record(iri, record_type.name, {"title": {"fr": "Atelier"}})))
    assert violations(graph, all_shapes(types)) == {
        ("https://node.example/id/event", SDO.startDate),
        ("https://node.example/id/meeting", SDO.startDate),
    }


@each_type
@given(data=st.data())
@settings(max_examples=1, phases=[Phase.generate])  # shrinking a failure would take minutes
def test_shapes_and_check_find_the_same_faults(record_type: RecordType, data: st.DataObject) -> None:
    record = data.draw(records_of(record_type))
    full = record_type.record("https://node.example/id/full", data.draw(full_values_of(record_type)))
    missing, doubled, wrong = (f"https://node.example/id/{name}" for name in ("missing", "doubled", "wrong"))
    whole = {**record.values, "created": "2017"}
    another_year = ox.Literal("2018", datatype=ox.NamedNode(XSD.gYear))
    broken = {
        missing: record_type.triples(Record(missing, record_type.name, {})),
        doubled: [
            *record_type.triples(Record(doubled, record_type.name, whole)),
            ox.Triple(ox.NamedNode(doubled), ox.NamedNode(DCTERMS.created), another_year),
        ],
        wrong: [
            *record_type.triples(Record(wrong, record_type.name, whole)),
            ox.Triple(ox.NamedNode(wrong), ox.NamedNode(DCAT.distribution), ox.Literal("not a node")),
        ],
    }
    graph = Graph()
    for triples in [record_type.triples(record), record_type.triples(full), *broken.values()]:
        graph += as_rdflib(triples)
    found = violations(graph, shape(record_type))
    # A literal where a part belongs has none of the part's own fields either; its record is what matters.
    assert {node.split("#")[0] for node, _ in found} - {"not a node"} == set(broken)
    for iri, triples in broken.items():
        assert record_type.read(iri, triples)[1], iri
    assert {predicate for node, predicate in found if node == missing} == {
        field.predicate for field in record_type.fields if field.required
    }


# The form, the registry, the namespace document


@each_type
def test_the_form_shows_compulsory_fields_first_and_every_field_once(record_type: RecordType) -> None:
    controls = form(record_type)
    required = [control.required for control in controls]
    assert required == sorted(required, reverse=True)
    assert sorted(control.name for control in controls) == sorted(field.name for field in record_type.fields)
    assert all(control.label for control in controls)
    assert not any(control.more for control in controls if control.required)


@each_type
def test_few_fields_are_compulsory(record_type: RecordType) -> None:
    assert sum(field.required for field in record_type.fields) <= 6
    assert next(field for field in record_type.fields if field.name == "title").predicate == DCTERMS.title


def test_every_published_type_of_the_vocabulary_is_declared_and_labelled_alike() -> None:
    terms = {term.notation: term for term in vocabularies()["record-types"].terms.values()}
    kept_by_the_software = {"node", "harvest-run", "tombstone"}
    assert set(RECORD_TYPES) == set(terms) - kept_by_the_software
    assert {name: each.label for name, each in RECORD_TYPES.items()} == {
        name: terms[name].labels["en"] for name in RECORD_TYPES
    }
    assert {name: each.term for name, each in RECORD_TYPES.items()} == {name: terms[name].iri for name in RECORD_TYPES}


@each_type
def test_every_vocabulary_a_field_offers_exists(record_type: RecordType) -> None:
    def schemes(controls: Any) -> set[str]:
        return {scheme for control in controls for scheme in (*control.schemes, *schemes(control.parts))}

    def types(controls: Any) -> set[str]:
        return {name for control in controls for name in (*control.types, *types(control.parts))}

    assert schemes(form(record_type)) <= set(vocabularies().keys())
    assert types(form(record_type)) <= set(RECORD_TYPES)


def test_two_types_of_one_name_stop_the_start() -> None:
    news = RECORD_TYPES["news"]
    with pytest.raises(SettingsError, match="'news' is declared twice"):
        register([news, RecordType("news", SDO.Article, "Another")])


def test_two_fields_of_one_predicate_stop_the_start() -> None:
    fields = (Text("name", SDO.name, "A"), LocalisedText("other", SDO.name, "B"))
    clash = RecordType("clash", SDO.Thing, "Clash", fields)
    with pytest.raises(SettingsError, match="clash: the fields 'name' and 'other' share"):
        register([clash])


def test_the_type_of_a_record_is_what_it_says_else_what_its_class_tells_alone() -> None:
    node, is_a = ox.NamedNode(IRI), ox.NamedNode(RDF.type)
    meeting = RECORD_TYPES["meeting"]
    of_meeting = meeting.triples(Record(IRI, "meeting", {}))
    assert type_of(IRI, of_meeting) is meeting
    assert type_of(IRI, [ox.Triple(node, is_a, ox.NamedNode(SDO.NewsArticle))]) is RECORD_TYPES["news"]
    assert type_of(IRI, [ox.Triple(node, is_a, ox.NamedNode(SDO.Event))]) is OTHER  # event, meeting or consultation
    assert type_of(IRI, [ox.Triple(node, is_a, ox.NamedNode(SDO.Recipe))]) is OTHER
    assert type_of("https://node.example/id/absent", of_meeting) is OTHER


def test_a_record_of_an_unknown_type_keeps_every_statement_and_gains_none() -> None:
    turtle = f"""
        <{IRI}> a <https://schema.org/Recipe>, <{RDFS.Resource}> ; <{DCTERMS.title}> "Couscous"@fr ;
            <https://schema.org/cookTime> "PT1H" ."""
    triples = [quad.triple for quad in ox.parse(turtle, format=ox.RdfFormat.TURTLE)]
    record, problems = OTHER.read(IRI, triples)
    assert problems == []
    assert canonical(OTHER.triples(record)) == canonical(triples)


def test_the_namespace_document_describes_every_term_of_ours_once() -> None:
    graph = namespace_document(RECORD_TYPES.values())
    own = str(PREFIXES["chm"])
    used = {term for term in all_shapes(RECORD_TYPES.values()).objects() if str(term).startswith(own)}
    described = {term for term in graph.subjects() if str(term).startswith(own)}
    assert used <= described
    for term in described:
        assert len(list(graph.objects(term, URIRef(RDF.type)))) == 1
        assert len(list(graph.objects(term, URIRef(RDFS.label)))) == 1
        assert len(list(graph.objects(term, URIRef(RDFS.comment)))) == 1
