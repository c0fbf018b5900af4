"""The demonstration records shipped with the project are complete, valid and linked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any
from uuid import UUID

import pyoxigraph as ox
import pytest
import rdflib

from chm_node.namespaces import VOCABULARY
from chm_node.record import Record
from chm_node.record_types import OTHER, type_of
from chm_node.vocabulary import vocabularies

DATA = resources.files("chm_node") / "demo" / "data"

#: The languages in which every record of the node can be read.
LANGUAGES = {"dz": {"ar", "en", "fr"}, "tn": {"ar", "en", "fr"}, "secretariat": {"en", "fr"}}

#: The 142 records found in the source documents, by node and type.
FROM_THE_SOURCES: Mapping[str, Mapping[str, int]] = {
    "dz": {
        "committee": 1,
        "commitment": 2,
        "cooperation-agreement": 1,
        "database": 1,
        "document": 3,
        "event": 5,
        "implementation-plan": 1,
        "indicator-value": 1,
        "initiative": 1,
        "laboratory": 1,
        "meeting": 13,
        "national-report": 2,
        "network": 1,
        "newsletter": 1,
        "organization": 3,
        "project": 2,
        "recommendation": 13,
        "stockpile": 2,
        "training": 1,
    },
    "tn": {
        "certificate": 1,
        "cooperation-agreement": 2,
        "database": 1,
        "document": 3,
        "event": 6,
        "kpi": 10,
        "laboratory": 1,
        "learning-resource": 1,
        "measure": 3,
        "network": 2,
        "organization": 1,
        "project": 14,
        "recommendation": 3,
        "service": 1,
        "technology": 2,
        "training": 5,
    },
    "secretariat": {
        "commitment": 1,
        "decision": 15,
        "decision-paragraph": 5,
        "document": 3,
        "event": 2,
        "meeting": 4,
        "network": 1,
    },
}

#: Records that the others point to and that no source document states on its own.
ADDED: Mapping[str, Mapping[str, int]] = {
    "dz": {"focal-point": 1, "organization": 1},
    "tn": {"focal-point": 1, "network": 2, "organization": 1},
    "secretariat": {"contact": 1, "decision-paragraph": 1, "meeting": 1, "organization": 3},
}


def files() -> list[Traversable]:
    return sorted(
        (file for node in LANGUAGES for file in (DATA / node).iterdir() if file.name.endswith(".ttl")), key=str
    )


@cache
def graphs() -> Mapping[str, Sequence[ox.Triple]]:
    """The triples of each record, by its IRI: a node such as ``<record#place>`` belongs to its record."""
    found: dict[str, list[ox.Triple]] = {}
    for file in files():
        for quad in ox.parse(file.read_bytes(), ox.RdfFormat.TURTLE):
            assert isinstance(quad.subject, ox.NamedNode), f"a blank node in {file}"
            found.setdefault(quad.subject.value.split("#")[0], []).append(quad.triple)
    return found


@cache
def records() -> Mapping[str, Record]:
    return {iri: type_of(iri, triples).read(iri, triples)[0] for iri, triples in graphs().items()}


def node_of(iri: str) -> str:
    return iri.removeprefix("https://").split(".chm.example/id/")[0]


def of_type(name: str) -> list[Mapping[str, Any]]:
    return [record.values for record in records().values() if record.type == name]


def numbered(number: str) -> Record:
    return next(record for record in records().values() if number in record.values.get("number", ()))


def test_the_142_records_of_the_source_documents_are_there() -> None:
    counted = Counter((node_of(iri), record.type) for iri, record in records().items())
    declared = Counter[tuple[str, str]]()
    for group in (FROM_THE_SOURCES, ADDED):
        declared.update({(node, name): count for node, types in group.items() for name, count in types.items()})
    assert counted == declared
    assert sum(sum(types.values()) for types in FROM_THE_SOURCES.values()) == 142


@pytest.mark.parametrize("node", LANGUAGES)
def test_every_node_shows_at_least_six_record_types(node: str) -> None:
    assert len({record.type for iri, record in records().items() if node_of(iri) == node}) >= 6


@pytest.mark.parametrize("file", files(), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_file_is_read_alike_by_both_parsers(file: Traversable) -> None:
    text = file.read_bytes()
    ours = {quad.triple for quad in ox.parse(text, ox.RdfFormat.TURTLE)}
    theirs = rdflib.Graph().parse(data=text, format="turtle", publicID="https://example.org/")
    assert len(theirs) == len(ours) > 0
    assert not any(isinstance(term, rdflib.BNode) for triple in theirs for term in triple)


def test_a_record_lies_in_the_directory_of_its_node() -> None:
    for file in files():
        found = ox.parse(file.read_bytes(), ox.RdfFormat.TURTLE)
        nodes = {node_of(quad.subject.value) for quad in found if isinstance(quad.subject, ox.NamedNode)}
        assert nodes == {str(file).rsplit("/", 2)[-2]}


def test_every_record_reads_without_problems_and_says_nothing_undeclared() -> None:
    for iri, triples in graphs().items():
        record_type = type_of(iri, triples)
        record, problems = record_type.read(iri, triples)
        assert record_type is not OTHER, iri
        assert not problems, (iri, problems)
        assert not record.extra, (iri, record.extra)
        assert not record_type.unknown_terms(record.values), iri


def test_every_record_is_written_back_as_it_was_read() -> None:
    for iri, triples in graphs().items():
        record = records()[iri]
        assert set(type_of(iri, triples).triples(record)) == set(triples)


def test_an_address_is_made_of_the_type_and_a_name_based_identifier() -> None:
    for iri, record in records().items():
        name, identifier = iri.split(".chm.example/id/")[1].split("/")
        assert name == record.type
        assert UUID(identifier).version == 5


def test_every_term_is_one_of_ours() -> None:
    used = {
        triple.object.value
        for triples in graphs().values()
        for triple in triples
        if isinstance(triple.object, ox.NamedNode) and triple.object.value.startswith(VOCABULARY)
    }
    assert not {iri for iri in used if vocabularies().term(iri) is None}


def test_every_reference_between_records_resolves() -> None:
    subjects = {getattr(triple.subject, "value", "") for triples in graphs().values() for triple in triples}
    pointed_at = {
        triple.object.value
        for triples in graphs().values()
        for triple in triples
        if isinstance(triple.object, ox.NamedNode) and ".chm.example/" in triple.object.value
    }
    assert not pointed_at - subjects


def test_every_record_is_linked_to_a_record_or_comes_from_one() -> None:
    ours, linked = set(records()), set()
    for iri, triples in graphs().items():
        targets = {getattr(triple.object, "value", "").split("#")[0] for triple in triples} & ours - {iri}
        linked |= targets | ({iri} if targets else set())
    alone = [record for iri, record in records().items() if iri not in linked]
    assert not [record.values["title"] for record in alone]


def test_nodes_point_to_records_of_one_another() -> None:
    ours = set(records())
    crossings = {
        (node_of(iri), node_of(target))
        for iri, triples in graphs().items()
        for triple in triples
        if (target := getattr(triple.object, "value", "")) in ours and node_of(target) != node_of(iri)
    }
    assert {("dz", "secretariat"), ("secretariat", "dz"), ("dz", "tn"), ("tn", "dz")} <= crossings


def test_every_record_can_be_read_in_the_languages_of_its_node() -> None:
    for iri, record in records().items():
        for field in ("title", "summary"):
            missing = LANGUAGES[node_of(iri)] - set(record.values[field])
            assert not missing, (iri, field, missing)


def test_summaries_have_one_to_three_sentences() -> None:
    for iri, record in records().items():
        for language, text in record.values["summary"].items():
            assert text.endswith("."), (iri, language)
            assert 20 <= len(text) <= 400, (iri, language)


def test_every_workshop_recommendation_names_where_it_comes_from_and_the_workshop_names_it() -> None:
    recommendations = {iri: record for iri, record in records().items() if record.type == "recommendation"}
    per_origin = Counter(record.values["derived_from"][0] for record in recommendations.values())
    assert sorted(per_origin.values()) == [2, 3, 3, 4, 4]
    for iri, record in recommendations.items():
        assert iri in records()[record.values["derived_from"][0]].values["related"]


def test_the_pcb_stocks_add_up_beside_the_programme() -> None:
    stocks = [values["quantity"] for values in of_type("stockpile")]
    assert sum(stock["value"] for stock in stocks) == 800
    assert {stock["unit"] for stock in stocks} == {"http://qudt.org/vocab/unit/TONNE"}
    [programme] = of_type("indicator-value")
    assert [figure["quantity"]["value"] for figure in programme["figures"]] == [2000, 30]


def test_performance_indicators_compare_what_was_planned_and_achieved() -> None:
    compared = [values for values in of_type("kpi") if "planned" in values and "achieved" in values]
    assert len(compared) == 6
    for values in compared:
        share = 100 * Decimal(values["achieved"]) / values["planned"]
        assert abs(share - values.get("percent", share)) < 1, values["title"]


def test_contradictions_are_kept_as_two_statements_each_with_its_source() -> None:
    contradicted = [record for record in records().values() if "statements" in record.values]
    assert {record.type for record in contradicted} == {"event", "cooperation-agreement", "indicator-value"}
    for record in contradicted:
        first, second = record.values["statements"]
        assert first["statement"] != second["statement"]
        assert first["source"] != second["source"]


def test_the_minamata_decision_is_split_into_its_paragraphs() -> None:
    decision = numbered("MC-6/20")
    assert {numbered(number).iri for number in ("MC-3/11", "MC-4/9", "MC-5/19")} == set(decision.values["recalls"])
    assert decision.values["cites"] == [numbered("UNEP/MC/COP.6/INF/29").iri]
    parts = [records()[iri].values for iri in decision.values["has_parts"]]
    assert sorted(part["number"][0] for part in parts) == ["1", "2", "3", "4(a)", "4(b)", "4(c)"]
    assert all(part["verbs"] and part["decision"] == decision.iri for part in parts)
    [report] = [values for values in of_type("commitment") if decision.iri in values.get("part_of", ())]
    assert records()[report["derived_from"][0]].values["number"] == ["4(c)"]
    assert "next meeting" in report["deadline"]["event_name"]["en"].lower()


def test_projects_state_budget_and_donor() -> None:
    budgets = {values["budget"]["amount"] for values in of_type("project") if "budget" in values}
    assert budgets == {210000, 240000, 386000}
    assert all(values["funding"][0]["donor"] for values in of_type("project") if "budget" in values)


def test_nobody_can_be_reached_in_person() -> None:
    emails = [email for record in records().values() for email in record.values.get("emails", ())]
    assert emails
    assert all(email.endswith(".example") for email in emails)
    assert not [record for record in records().values() if {"first_name", "last_name", "phones"} & set(record.values)]
