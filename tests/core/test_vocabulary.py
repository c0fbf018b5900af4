"""The shipped vocabularies are sound SKOS, and terms are found by everything people and peers call them."""

import os
import re
import subprocess
import sys
from functools import cache
from importlib import resources
from pathlib import Path

import pyoxigraph
import pytest
from rdflib import DCTERMS, OWL, RDF, SKOS, BNode, Graph, URIRef
from rdflib.compare import isomorphic

from chm_node.entry import entry
from chm_node.errors import SettingsError, UnknownTermError
from chm_node.record_types import OTHER
from chm_node.sandbox import Sandbox
from chm_node.search.terms import query, term_token
from chm_node.vocabulary import BASE, DIRECTORY_VARIABLE, Term, Vocabularies, use_directory, vocabularies

LANGUAGES = {"en", "fr", "es", "ar", "ru", "zh"}
KEYS = vocabularies().keys()
ALL_TERMS = {iri: term for key in KEYS for iri, term in vocabularies()[key].terms.items()}
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "vocabularies.md"
EXPECTED_KEYS = """
countries un-regions cbd-regions treaties cbd-subjects gbf-targets gbf-goals
gbf-indicators aichi-targets aichi-goals sdgs stockholm-pops stockholm-annexes stockholm-articles
minamata-articles minamata-annexes minamata-annex-items basel-annexes basel-y basel-h basel-dr
basel-topics rotterdam-categories rotterdam-annex-iii rotterdam-topics focal-point-types document-types
organization-types
jurisdictions record-statuses follow-up-statuses harvest-statuses alert-frequencies decision-statuses
decision-element-types
decision-actors decision-verbs capacity-levels site-statuses record-types scbd-record-types topics
"""

OWN_VOCABULARY = """
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
<https://example.org/wilayas> a skos:ConceptScheme ; dcterms:title "Wilayas"@fr .
<https://example.org/wilayas/16> a skos:Concept ; skos:inScheme <https://example.org/wilayas> ;
    skos:prefLabel "Alger"@fr ; skos:broader <https://w3id.org/chm/vocabulary/countries/DZ> .
"""


def turtle(key: str) -> bytes:
    return resources.files("vocabularies").joinpath(f"{key}.ttl").read_bytes()


def quality(term: Term, language: str) -> str:
    """As the reference says it: official, by a human, by a machine."""
    if language not in term.unofficial:
        return "O"
    return "M" if language in term.machine else "H"


@cache
def graph(key: str) -> Graph:
    return Graph().parse(data=turtle(key), format="turtle")


def found(key: str, text: str) -> Term:
    term = vocabularies()[key].find(text)
    assert term is not None, f"{text} in {key}"
    return term


def test_every_scheme_of_the_project_is_shipped():
    assert sorted(KEYS) == sorted(EXPECTED_KEYS.split())


@pytest.mark.parametrize("key", KEYS)
def test_both_rdf_libraries_read_the_same_from_a_file(key):
    triples = "".join(
        f"{quad.triple} .\n" for quad in pyoxigraph.parse(turtle(key), pyoxigraph.RdfFormat.TURTLE, base_iri=BASE)
    )
    assert isomorphic(Graph().parse(data=triples, format="nt"), graph(key))


@pytest.mark.parametrize("key", KEYS)
def test_a_file_holds_one_described_scheme_and_no_blank_node(key):
    data = graph(key)
    assert list(data.subjects(RDF.type, SKOS.ConceptScheme)) == [URIRef(BASE + key)]
    assert {title.language for title in data.objects(URIRef(BASE + key), DCTERMS.title)} == LANGUAGES
    assert data.value(URIRef(BASE + key), DCTERMS.source)
    assert data.value(URIRef(BASE + key), OWL.versionInfo)
    assert not any(isinstance(node, BNode) for node in data.all_nodes())


@pytest.mark.parametrize("key", KEYS)
def test_every_term_is_in_its_scheme_and_has_a_label_in_six_languages(key):
    data = graph(key)
    for iri, term in vocabularies()[key].terms.items():
        assert iri.startswith(f"{BASE}{key}/")
        assert set(data.objects(URIRef(iri), SKOS.inScheme)) == {URIRef(BASE + key)}
        assert set(term.labels) == LANGUAGES
        assert all(label == label.strip() != "" for label in term.labels.values()), iri


@pytest.mark.parametrize("key", KEYS)
def test_a_term_is_a_top_concept_unless_it_has_a_broader_one_in_its_scheme(key):
    for iri, term in vocabularies()[key].terms.items():
        has_parent = any(parent.startswith(f"{BASE}{key}/") for parent in term.broader)
        assert ((URIRef(iri), SKOS.topConceptOf, None) in graph(key)) != has_parent, iri


@pytest.mark.parametrize("key", KEYS)
def test_every_reference_into_our_vocabularies_leads_to_a_term(key):
    for term in vocabularies()[key].terms.values():
        for target in (*term.broader, *term.matches):
            assert not target.startswith(BASE) or target in ALL_TERMS, f"{term.iri} refers to {target}"


def test_no_term_is_broader_than_itself():
    def climb(iri: str, below: tuple[str, ...] = ()) -> None:
        assert iri not in below, f"cycle through {iri}"
        for parent in ALL_TERMS[iri].broader:
            climb(parent, (*below, iri))

    for iri in ALL_TERMS:
        climb(iri)


def test_label_quality_follows_the_source():
    assert found("countries", "DZ").unofficial == frozenset()
    target = found("gbf-targets", "GBF-TARGET-07")
    assert target.unofficial == target.machine == LANGUAGES - {"en"}
    pollutant = found("stockholm-pops", "PCB")
    assert (pollutant.unofficial, pollutant.machine) == (LANGUAGES - {"en"}, frozenset())
    assert "fr" not in found("capacity-levels", "CHM-LEVEL-4").unofficial


def test_a_quality_flag_belongs_to_a_label_that_is_there():
    for term in ALL_TERMS.values():
        assert term.machine <= term.unofficial <= set(term.labels)


@pytest.mark.parametrize("key", KEYS)
def test_a_label_with_a_quality_is_the_label_of_its_term(key):
    data, literal = graph(key), URIRef("http://www.w3.org/2008/05/skos-xl#literalForm")
    for term, label in data.subject_objects(URIRef("http://www.w3.org/2008/05/skos-xl#prefLabel")):
        assert (term, SKOS.prefLabel, data.value(label, literal)) in data, label


@pytest.mark.parametrize("key", KEYS)
def test_no_label_of_a_term_is_an_alternative_to_itself(key):
    """SKOS S13."""
    data = graph(key)
    assert [
        (term, label) for term, label in data.subject_objects(SKOS.prefLabel) if (term, SKOS.altLabel, label) in data
    ] == []


@pytest.mark.parametrize(
    ("language", "letters"), [("ar", r"[\u0600-\u06ff]"), ("ru", r"[\u0400-\u04ff]"), ("zh", r"[\u4e00-\u9fff]")]
)
def test_labels_are_written_in_the_letters_of_their_language(language, letters):
    foreign = [term.iri for term in ALL_TERMS.values() if not re.search(letters, term.labels[language])]
    assert foreign == []


@pytest.mark.parametrize(
    ("iso", "names"),
    [
        ("DZ", ("Algeria", "Algérie", "Argelia", "الجزائر", "Алжир", "阿尔及利亚")),
        ("TN", ("Tunisia", "Tunisie", "Túnez", "تونس", "Тунис", "突尼斯")),
        ("MR", ("Mauritania", "Mauritanie", "Mauritania", "موريتانيا", "Мавритания", "毛里塔尼亚")),
    ],
)
def test_countries_bear_their_official_names(iso, names):
    country = vocabularies()["countries"].terms[f"{BASE}countries/{iso}"]
    assert tuple(country.labels[language] for language in ("en", "fr", "es", "ar", "ru", "zh")) == names


@pytest.mark.parametrize(
    ("key", "text", "local_id"),
    [
        ("countries", "9BACD7BB-F494-4228-AC78-0BA7EC0C5961", "DZ"),
        ("countries", " algérie ", "DZ"),
        ("countries", "الجزائر", "DZ"),
        ("countries", "EUR", "EU"),
        ("sdgs", "SDG-GOAL-06", "SUSTAINABLE-DEVELOPMENT-GOAL-06"),
        ("sdgs", "SDG-06", "SUSTAINABLE-DEVELOPMENT-GOAL-06"),
        ("sdgs", "sdg 6", "SUSTAINABLE-DEVELOPMENT-GOAL-06"),
        ("treaties", "STOCKHOLM", "TREATY-STOCKHOLM"),
        ("stockholm-pops", "PCB", "STOCKHOLM-POP-PCB"),
        ("stockholm-pops", "1336-36-3", "STOCKHOLM-POP-PCB"),
        ("stockholm-pops", "CAS 3194-55-6", "STOCKHOLM-POP-HBCDD"),
        ("rotterdam-annex-iii", "cas 93-76-5", "ROTTERDAM-2-4-5-T"),
        ("stockholm-articles", "ART-12", "STOCKHOLM-ART-12"),
        ("minamata-articles", "MC-ART-24", "MINAMATA-ART-24"),
        ("basel-topics", "BASEL-TOPIC-CO-INCIN", "BASEL-TOPIC-CO-INCIN"),
        ("record-types", "chm:FocalPoint", "focal-point"),
        ("record-statuses", "RECORD-STATUS-DRAFT", "draft"),
        ("cbd-subjects", "TTC", "CBD-SUBJECT-TTC"),
        ("gbf-targets", "Restore 30% of all Degraded Ecosystems", "GBF-TARGET-02"),
        ("topics", "mercure", "MERCURY"),
    ],
)
def test_a_term_is_found_by_every_name_it_goes_by(key, text, local_id):
    assert found(key, text).iri == f"{BASE}{key}/{local_id}"


def test_every_term_is_found_by_its_iri():
    for iri, term in ALL_TERMS.items():
        assert vocabularies()[term.scheme].find(iri) is term
        assert vocabularies().term(iri) is term


def test_a_pollutant_tells_its_annexes_and_its_listing():
    pollutant = found("stockholm-pops", "Hexachlorobutadiene (HCBD)")
    assert [annex.removeprefix(f"{BASE}stockholm-annexes/STOCKHOLM-ANNEX-") for annex in pollutant.broader] == [
        "A",
        "C",
    ]
    assert pollutant.properties["listingYear"] == "2015, 2017"
    assert pollutant.properties["listingDecision"] == "SC-7/12, SC-8/12"


def test_every_cas_number_has_the_right_check_digit():
    for term in ALL_TERMS.values():
        for number in term.cas_numbers:
            digits = number.replace("-", "")
            weighted = sum(place * int(digit) for place, digit in enumerate(reversed(digits[:-1]), start=1))
            assert weighted % 10 == int(digits[-1]), f"{number} of {term.iri}"


def test_the_crosswalk_leads_both_ways_and_out_to_the_united_nations():
    target, goal = found("gbf-targets", "GBF-TARGET-07"), found("sdgs", "SDG-06")
    assert goal.iri in target.matches
    assert target.iri in goal.matches
    assert "http://metadata.un.org/sdg/6" in goal.matches


def test_a_filter_on_a_term_covers_everything_narrower_across_schemes():
    assert found("countries", "DZ").iri in vocabularies().expand(f"{BASE}un-regions/SCRC-ALGIERS")
    assert found("stockholm-pops", "DDT").iri in vocabularies().expand(f"{BASE}stockholm-annexes/STOCKHOLM-ANNEX-B")
    assert vocabularies().expand(f"{BASE}un-regions/UN-M49-001") > vocabularies().expand(f"{BASE}un-regions/UN-M49-002")
    assert vocabularies().expand("https://example.org/unknown") == {"https://example.org/unknown"}


def test_every_country_lies_in_one_region_of_the_united_nations():
    """M49; the European Union is the one party that is no country."""
    countries = vocabularies()["countries"].terms.values()
    regions = {each.notation: [iri for iri in each.broader if "/UN-M49-" in iri] for each in countries}
    assert {code for code, found in regions.items() if len(found) != 1} == {"EU"}
    inner = {iri for each in vocabularies()["un-regions"].terms.values() for iri in each.broader}
    assert inner.isdisjoint(iri for found in regions.values() for iri in found), "in the smallest region"


@pytest.mark.parametrize(
    ("region", "countries", "examples"),
    [
        ("001", 197, "DZ FJ CA"),
        ("002", 54, "DZ ZA SD"),
        ("015", 6, "DZ EG LY MA SD TN"),
        ("202", 48, "MR ML SS"),
        ("011", 16, "MR NE CV"),
        ("014", 18, "MG ZW SS"),
        ("017", 9, "CM ST TD"),
        ("018", 5, "BW LS NA SZ ZA"),
        ("019", 35, "US HT PE"),
        ("419", 33, "MX CU BR"),
        ("029", 13, "HT TT"),
        ("013", 8, "MX PA"),
        ("005", 12, "GY SR"),
        ("021", 2, "CA US"),
        ("142", 48, "CY IR TR"),
        ("143", 5, "KZ TM"),
        ("030", 5, "MN KP"),
        ("035", 11, "TL VN"),
        ("034", 9, "IR AF"),
        ("145", 18, "PS CY GE"),
        ("150", 44, "RU VA GB"),
        ("151", 10, "RU MD CZ"),
        ("154", 10, "GB LT IS"),
        ("039", 15, "ES MK VA"),
        ("155", 9, "FR LI MC"),
        ("009", 16, "AU PG NU"),
        ("053", 2, "AU NZ"),
        ("054", 4, "FJ VU"),
        ("057", 5, "PW NR"),
        ("061", 5, "CK NU WS TO TV"),
    ],
)
def test_a_region_of_the_united_nations_has_its_countries(region, countries, examples):
    narrower = vocabularies().expand(found("un-regions", region).iri)
    inside = {iri.rsplit("/", 1)[1] for iri in narrower if "/countries/" in iri}
    assert len(inside) == countries
    assert inside >= set(examples.split())


def test_search_knows_a_term_by_its_name_in_every_language():
    record, subject = pyoxigraph.NamedNode("https://a.example/id/1"), pyoxigraph.NamedNode(str(DCTERMS.subject))
    terms = [pyoxigraph.NamedNode(found(*each).iri) for each in (("topics", "MERCURY"), ("sdgs", "SDG 6"))]
    unknown = pyoxigraph.NamedNode("https://example.org/unknown")
    graph = [pyoxigraph.Triple(record, subject, each) for each in (*terms, unknown)]
    words = set(entry(record.value, graph, OTHER).search_body.split())
    for name in ("Mercury", "mercure", "الزئبق", "зола ртуть", "SDG-GOAL-06", "sdg 6", "clean water"):
        asked = query(name).words
        hits = [not words.isdisjoint(word) for word in asked]
        assert all(hits) == ("зола" not in name), name
    assert words.isdisjoint(*query("Vanuatu").words)


@pytest.mark.parametrize(
    ("scheme", "term", "asked"),
    [
        ("stockholm-pops", "PCB", "1336-36-3"),
        ("gbf-targets", "GBF-TARGET-07", "GBF-TARGET-07"),
        ("countries", "DZ", "dz"),
    ],
)
def test_search_knows_a_term_by_its_codes(scheme, term, asked):
    assert all(term_token(found(scheme, term).iri) in word for word in query(asked).words)


def test_a_corrected_name_finds_the_records_that_were_indexed_before(tmp_path, monkeypatch):
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    turtle = """
        @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
        <topics> a skos:ConceptScheme .
        <topics/MERCURY> a skos:Concept ; skos:inScheme <topics> ; skos:prefLabel "Quicksilver"@en .
    """
    (tmp_path / "topics.ttl").write_text(turtle)
    vocabularies.cache_clear()
    try:
        assert term_token(f"{BASE}topics/MERCURY") in query("quicksilver").words[0]
        assert term_token(f"{BASE}topics/MERCURY") not in query("mercure").words[0]
    finally:
        monkeypatch.delenv(DIRECTORY_VARIABLE)
        vocabularies.cache_clear()


def test_a_label_comes_in_the_first_language_there_is_then_in_english():
    country = found("countries", "DZ")
    assert country.label(["de", "ar", "fr"]) == ("الجزائر", "ar")
    assert country.label(["fr-DZ"]) == ("Algérie", "fr")
    assert country.label(["de"]) == ("Algeria", "en")


def test_an_unknown_term_is_refused_by_the_name_of_the_scheme():
    with pytest.raises(UnknownTermError, match="'Atlantis' is not a term of countries") as refused:
        vocabularies().resolve(["countries"], "Atlantis")
    assert refused.value.scheme == "countries"
    assert vocabularies().term(f"{BASE}countries/Atlantis") is None


def test_the_first_scheme_that_knows_the_text_wins():
    assert vocabularies().resolve(["sdgs", "topics"], "SDG").scheme == "topics"
    assert vocabularies().resolve(["topics", "cbd-subjects"], "CC").scheme == "topics"
    assert vocabularies().resolve(["cbd-subjects", "topics"], "CC").scheme == "cbd-subjects"


def test_a_node_adds_vocabularies_of_its_own(tmp_path):
    (tmp_path / "wilayas.ttl").write_text(OWN_VOCABULARY, encoding="utf-8")
    own = Vocabularies.shipped(tmp_path)
    algiers = own.term("https://example.org/wilayas/16")
    assert algiers is not None
    assert (algiers.scheme, algiers.notation, algiers.label(["en"])) == ("wilayas", "16", ("Alger", "fr"))
    assert algiers.iri in own.expand(f"{BASE}countries/DZ")
    assert own["countries"].find("DZ") is not None


def test_a_file_of_the_node_replaces_the_shipped_one_of_its_name(tmp_path):
    (tmp_path / "topics.ttl").write_text(OWN_VOCABULARY, encoding="utf-8")
    assert [term.notation for term in Vocabularies.shipped(tmp_path)["topics"].terms.values()] == ["16"]


@pytest.mark.parametrize(
    "content", [b"this is no Turtle", b"\xff\xfe", b"", (OWN_VOCABULARY * 2).replace("wilayas>", "w>", 1).encode()]
)
def test_a_file_that_is_no_vocabulary_is_named(tmp_path, content):
    (tmp_path / "broken.ttl").write_bytes(content)
    with pytest.raises(SettingsError, match=r"broken\.ttl"):
        Vocabularies.shipped(tmp_path)["broken"]


def test_a_directory_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(SettingsError, match="nowhere"):
        Vocabularies.shipped(tmp_path / "nowhere")


def test_importing_the_module_reads_no_file_and_loads_no_large_library():
    program = (
        "import sys, chm_node.vocabulary; print({'rdflib', 'flask', 'sqlalchemy', 'vocabularies'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"


@pytest.mark.parametrize("key", KEYS)
def test_the_reference_lists_each_scheme_with_its_number_of_terms(key):
    assert f"| `{key}` | {len(vocabularies()[key].terms)} |" in REFERENCE.read_text(encoding="utf-8")


@pytest.mark.parametrize("key", KEYS)
def test_the_reference_says_of_what_quality_the_labels_of_a_scheme_are(key):
    [row] = [line for line in REFERENCE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{key}` |")]
    said = [set(column.strip()) for column in row.split("|")[3:9]]
    terms = vocabularies()[key].terms.values()

    assert said == [{quality(term, language) for term in terms} for language in ("en", "fr", "es", "ar", "ru", "zh")]


def test_a_nodes_own_directory_is_known_here_and_in_the_children(tmp_path, monkeypatch):
    own = (
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        "@base <https://w3id.org/chm/vocabulary/> .\n"
        '<oases> a skos:ConceptScheme ; <http://purl.org/dc/terms/title> "Oases"@en .\n'
        '<oases/tozeur> a skos:Concept ; skos:inScheme <oases> ; skos:prefLabel "Tozeur"@en , "توزر"@ar .\n'
    )
    (tmp_path / "oases.ttl").write_text(own, encoding="utf-8")
    monkeypatch.setenv("CHM_VOCABULARY_DIR", "")
    use_directory(tmp_path)
    try:
        assert vocabularies()["oases"].find("توزر").label(["en"]) == ("Tozeur", "en")
        with Sandbox(preload=["chm_node.vocabulary"]) as sandbox:
            assert sandbox.run(os.getenv, "CHM_VOCABULARY_DIR") == str(tmp_path)
    finally:
        vocabularies.cache_clear()
