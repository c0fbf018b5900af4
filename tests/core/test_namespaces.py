"""The names we write are names of the vocabularies they are of."""

import ast
from pathlib import Path

import pytest
import rdflib.namespace

from chm_node import namespaces

ROOT = Path(__file__).parents[2]
LISTED = ("DCAT", "DCTERMS", "FOAF", "ORG", "OWL", "PROV", "QB", "RDF", "RDFS", "SDO", "SKOS", "VOID", "XSD")
#: Younger than the lists of rdflib.
YOUNGER = {("SDO", "funding")}


def names_used():
    for package in ("chm_node", "harvest"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in LISTED:
                    yield node.value.id, node.attr


def listed(prefix):
    return set(map(str, dir(getattr(rdflib.namespace, prefix))))


USED = sorted(set(names_used()))


@pytest.mark.parametrize("prefix", LISTED)
def test_a_namespace_begins_as_it_does_elsewhere(prefix):
    assert str(getattr(namespaces, prefix)) == str(getattr(rdflib.namespace, prefix))


def test_every_name_we_use_is_on_the_list_of_its_vocabulary():
    assert len(USED) > 100
    unknown = {(prefix, name) for prefix, name in USED if getattr(namespaces, prefix)[name] not in listed(prefix)}
    assert unknown == YOUNGER


def test_a_name_equals_its_text_and_is_no_attribute_of_a_string():
    assert namespaces.DCTERMS.title == "http://purl.org/dc/terms/title"
    assert namespaces.SDO["funding"] == "https://schema.org/funding"
    assert {namespaces.RDF.type: 1}["http://www.w3.org/1999/02/22-rdf-syntax-ns#type"] == 1
    with pytest.raises(AttributeError):
        _ = namespaces.DCTERMS.__wrapped__
