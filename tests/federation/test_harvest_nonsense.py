"""Whatever a page says, reading it gives verdicts or a ParseError, and nothing else."""

from datetime import UTC, datetime

import pyoxigraph as ox
from hypothesis import given
from hypothesis import strategies as st

from chm_node.errors import ParseError
from chm_node.namespaces import AS, DCAT, DCTERMS, FOAF, PROV, RDF, SEC, TREE, XSD
from chm_node.record_types import RECORD_TYPES
from harvest.description import read_catalog, read_description
from harvest.page import read_page, read_relations
from harvest.trust import Authority, Powers, Verdict

NOW = datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC)
BASE = "https://dz.example.org/"
# An unsigned peer, so that nonsense gets as far as it can.
POWERS = Powers(
    "https://hub.example.org/node", "https://hub.example.org/id/", Authority(f"{BASE}node", f"{BASE}id/", ""), {}
)
RECORD, META, ACT = ox.NamedNode(f"{BASE}id/x/1"), ox.NamedNode(f"{BASE}id/x/1#meta"), ox.NamedNode(f"{BASE}act/1")

predicates = st.sampled_from(
    sorted({field.predicate for record_type in RECORD_TYPES.values() for field in record_type.fields})
)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
literals = st.one_of(
    st.builds(ox.Literal, texts),
    st.builds(lambda text, language: ox.Literal(text, language=language), texts, st.sampled_from(["en", "ar", "x-y"])),
    st.builds(
        lambda text, kind: ox.Literal(text, datatype=ox.NamedNode(XSD[kind])),
        st.one_of(texts, st.sampled_from(["1e9999", "-0", "2026-13-45", "0001-01-01T00:00:00+14:00", "NaN", "true"])),
        st.sampled_from(["date", "dateTime", "decimal", "integer", "boolean", "gYear", "anyURI"]),
    ),
)
nodes = st.one_of(
    literals,
    st.sampled_from([RECORD, META, ox.NamedNode(f"{RECORD.value}#part"), ox.NamedNode("urn:x:y"), ox.BlankNode("b")]),
    st.sampled_from([ox.NamedNode(each.term) for each in RECORD_TYPES.values()]),
)
subjects = st.sampled_from([RECORD, RECORD, META, ox.NamedNode(f"{RECORD.value}#part")])
statements = st.lists(
    st.builds(lambda s, p, o: ox.Triple(s, ox.NamedNode(p), o), subjects, predicates, nodes), max_size=12
)


def iri(term):
    return ox.NamedNode(str(term))


def page(statements, action="Create"):
    """A page with one member that would be right without these statements."""
    moment = ox.Literal("2026-11-22T03:00:00.000Z", datatype=iri(XSD.dateTime))
    good = [
        ox.Triple(RECORD, iri(DCTERMS.title), ox.Literal("Title", language="en")),
        ox.Triple(META, iri(RDF.type), iri(DCAT.CatalogRecord)),
        ox.Triple(META, iri(FOAF.primaryTopic), RECORD),
        ox.Triple(META, iri(DCTERMS.modified), moment),
        ox.Triple(META, iri(PROV.wasAttributedTo), ox.NamedNode(f"{BASE}node")),
        ox.Triple(META, iri(DCTERMS.license), ox.NamedNode("https://example.org/licence")),
    ]
    envelope = [
        ox.Quad(ox.NamedNode(f"{BASE}feed#stream"), iri(TREE.member), ACT),
        ox.Quad(ACT, iri(RDF.type), iri(AS[action])),
        ox.Quad(ACT, iri(AS.object), RECORD),
        ox.Quad(ACT, iri(AS.published), moment),
    ]
    quads = envelope + [ox.Quad(each.subject, each.predicate, each.object, ACT) for each in [*good, *statements]]
    return ox.serialize(quads, format=ox.RdfFormat.N_QUADS)


def read(data, media_type="application/n-quads"):
    return read_page(data, media_type, f"{BASE}feed/1/1", POWERS, NOW, frozenset())


def test_the_page_is_right_without_nonsense():
    [judged] = read(page([])).judged
    assert judged.verdict is Verdict.ACCEPTED


@given(statements, st.sampled_from(["Create", "Update", "Delete"]))
def test_a_record_of_nonsense_gets_a_verdict(statements, action):
    try:
        [judged] = read(page(statements, action)).judged
    except ParseError:
        return
    assert (judged.entry is not None) == (judged.verdict is Verdict.ACCEPTED)


@given(st.data())
def test_a_damaged_page_gets_verdicts_or_a_reason(data):
    lines = page([]).splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        cut = data.draw(st.integers(0, len(lines[at])))
        lines[at] = data.draw(
            st.sampled_from([b"", lines[at] * 2, lines[at][:cut], lines[at][:cut] + b"\xff" + lines[at][cut:]])
        )
    try:
        read(b"".join(lines))
    except ParseError as error:
        assert str(error)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode(errors="replace"))))
def test_bytes_of_any_kind_are_refused_with_a_reason(data):
    for media_type in (
        "application/n-quads",
        "application/trig",
        "application/ld+json",
        "application/rdf+xml",
        "text/html",
    ):
        for reader in (read_relations, read_description, read_catalog):
            try:
                reader(data, media_type, f"{BASE}feed")
            except ParseError as error:
                assert str(error)


proof_facts = st.dictionaries(
    st.sampled_from([SEC.cryptosuite, SEC.proofPurpose, SEC.proofValue, SEC.verificationMethod, DCTERMS.created]), nodes
)


@given(proof_facts)
def test_a_proof_of_nonsense_proves_nothing(facts):
    graph, node = ox.BlankNode("g"), ox.BlankNode("p")
    quads = [ox.Quad(ACT, iri(SEC.proof), graph)]
    quads += [ox.Quad(node, iri(predicate), value, graph) for predicate, value in facts.items()]
    data = page([]) + ox.serialize(quads, format=ox.RdfFormat.N_QUADS)
    signed = Powers(POWERS.own_node, POWERS.own_space, Authority(f"{BASE}node", f"{BASE}id/", "z6Mk"), {})
    try:
        found = read_page(data, "application/n-quads", f"{BASE}feed/1/1", signed, NOW, frozenset())
    except ParseError:
        return
    assert [each.verdict for each in found.judged] in ([Verdict.UNSIGNED], [Verdict.BAD_PROOF])
