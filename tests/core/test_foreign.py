"""Strangers' RDF: what is read, what is refused, and that nothing but ParseError comes out."""

import json
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chm_node import foreign
from chm_node.errors import ParseError
from chm_node.foreign import FORMATS, media_type_of, read_rdf

BASE = "https://node.example/id/42"
PROOF_CONTEXT = "https://w3id.org/security/data-integrity/v2"
TURTLE, TRIG, NQ, JSON, XML = (
    "text/turtle",
    "application/trig",
    "application/n-quads",
    "application/ld+json",
    "application/rdf+xml",
)
RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:d="http://purl.org/dc/terms/"'
XSD = "http://www.w3.org/2001/XMLSchema#"


def rdf_xml(title: str = "Titre") -> str:
    return f'<rdf:RDF {RDF}><rdf:Description rdf:about=""><d:title>{title}</d:title></rdf:Description></rdf:RDF>'


SAME = {
    TURTLE: "<> <http://purl.org/dc/terms/title> 'Titre' .",
    TRIG: "{ <> <http://purl.org/dc/terms/title> 'Titre' }",
    NQ: f'<{BASE}> <http://purl.org/dc/terms/title> "Titre" .',
    "application/n-triples": f'<{BASE}> <http://purl.org/dc/terms/title> "Titre" .',
    JSON: '{"@id": "", "http://purl.org/dc/terms/title": "Titre"}',
    XML: rdf_xml(),
}


def read(text: str, media_type: str) -> list[ox.Quad]:
    return read_rdf(text.encode(), media_type, BASE)


def json_ld(context: object, **members: object) -> str:
    return json.dumps({"@context": context, "@id": "", **members})


@pytest.mark.parametrize("media_type", FORMATS)
def test_every_format_reads_the_same_statement_against_the_address_it_came_from(media_type):
    title = ox.NamedNode("http://purl.org/dc/terms/title")
    assert read(SAME[media_type], media_type) == [ox.Quad(ox.NamedNode(BASE), title, ox.Literal("Titre"))]


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_byte_order_mark_is_no_reason_to_refuse(media_type):
    assert len(read("\ufeff" + SAME[media_type], media_type)) == 1


@pytest.mark.parametrize(
    "media_type", ["text/html", "application/json", "text/plain", "", "Text/Turtle; charset=utf-8"]
)
def test_only_rdf_media_types_are_read(media_type):
    with pytest.raises(ParseError, match="is not RDF"):
        read(SAME[TURTLE], media_type)


def test_files_are_known_by_their_extension():
    assert [media_type_of(Path(f"records.{end}")) for end in ("ttl", "TRIG", "nq", "jsonld")] == [
        TURTLE,
        TRIG,
        NQ,
        JSON,
    ]
    with pytest.raises(ParseError, match=r"\.csv \(UTF-8\), RDF as \.ttl, \.trig"):
        media_type_of(Path("records.html"))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("<!DOCTYPE x>" + rdf_xml(), "DOCTYPE"),
        ('<?xml version="1.0"?><!-- c --><!DOCTYPE rdf:RDF [<!ENTITY a "b">]>' + rdf_xml("&a;"), "DOCTYPE"),
        ('<!DOCTYPE r SYSTEM "file:///etc/passwd">' + rdf_xml(), "DOCTYPE"),
        ("<!DOCTYPE x>" + rdf_xml()[:40], "DOCTYPE"),
        ('<?xml version="1.0" encoding="UTF-7"?>' + rdf_xml("+ADw-"), "UTF-8"),
        ("<?xml version='1.0' encoding='utf-16'?>" + rdf_xml(), "UTF-8"),
        ("<a>" * 101 + "</a>" * 101, "levels deep"),
        ("<a " + " ".join(f"b{n}='x'" for n in range(200)) + "/>", "attributes"),
        (rdf_xml("&undefined;"), "XML"),
        ("", "XML"),
    ],
)
def test_dangerous_xml_is_refused_before_the_parser(document, reason):
    with pytest.raises(ParseError, match=reason):
        read(document, XML)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-32", "latin-1", "utf-7"])
def test_a_doctype_in_another_encoding_does_not_get_through(encoding):
    document = '<!DOCTYPE x [<!ENTITY e "é">]>' + rdf_xml("é")
    with pytest.raises(ParseError):
        read_rdf(document.encode(encoding), XML, BASE)


def test_the_word_doctype_in_a_text_is_harmless():
    assert read(rdf_xml("&lt;!DOCTYPE html>"), XML)[0].object.value == "<!DOCTYPE html>"


@pytest.mark.parametrize(
    "context",
    [
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://schema.org",
        "https://w3id.org/security/data-integrity/v1",
        ["https://evil.example/c"],
        [{"a": "urn:a"}, ["https://evil.example/c"]],
        {"@import": "https://evil.example/c"},
        {"T": {"@id": "urn:t", "@context": "https://evil.example/c"}},
        {"T": {"@id": "urn:t", "@context": [PROOF_CONTEXT]}},
        {"T": {"@id": "urn:t", "@context": [[{}, ["https://evil.example/c"]]]}},
        {"T": {"@id": "urn:t", "@context": {"@import": "https://evil.example/c"}}},
        {"T": {"@id": "urn:t", "@context": {"U": {"@id": "urn:u", "@context": "https://evil.example/c"}}}},
    ],
)
def test_a_remote_context_is_refused_by_name(context):
    for document in (json_ld(context), json_ld({}, **{"urn:x": {"@context": context, "@id": "urn:y"}})):
        with pytest.raises(ParseError, match=r"JSON-LD context '\w+:") as refusal:
            read(document, JSON)
        assert str(refusal.value).split("'")[1] in json.dumps(context)


def test_an_escaped_context_key_is_still_a_context():
    with pytest.raises(ParseError, match=r"evil\.example"):
        read('{"\\u0040context": "https://evil.example/c"}', JSON)


def test_the_proof_context_is_carried():
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "created": "2026-11-22T03:22:08Z",
        "verificationMethod": "https://node.example/node#key-1",
        "proofPurpose": "assertionMethod",
        "proofValue": "z3abc",
    }
    quads = read(json_ld(PROOF_CONTEXT, proof=proof), JSON)
    sec = "https://w3id.org/security#"
    said = {quad.predicate.value: quad.object for quad in quads}
    assert said[sec + "cryptosuite"] == ox.Literal("eddsa-rdfc-2022", datatype=ox.NamedNode(sec + "cryptosuiteString"))
    assert said[sec + "proofPurpose"] == ox.NamedNode(sec + "assertionMethod")
    assert said[sec + "verificationMethod"] == ox.NamedNode("https://node.example/node#key-1")
    assert said[sec + "proofValue"].datatype == ox.NamedNode(sec + "multibase")
    assert said["http://purl.org/dc/terms/created"].datatype == ox.NamedNode(XSD + "dateTime")
    assert said["http://www.w3.org/1999/02/22-rdf-syntax-ns#type"] == ox.NamedNode(sec + "DataIntegrityProof")
    assert len([quad for quad in quads if isinstance(quad.graph_name, ox.BlankNode)]) == 6


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ('{"a": 1, "a": 2}', "'a' twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        ('{"a": 1e999}', "JSON"),
        ('{"a": ' + "9" * 401 + "}", "digits"),
        ('{"a": "\\ud800"}', "surrogate"),
        ('{"\\udc00": "a"}', "surrogate"),
        ("[" * 200 + "]" * 200, "levels deep"),
        ("[" * 1_000_000, "levels deep"),
        ('{"a":' * 100_000, "levels deep"),
        ('{"@context":' * 150 + "{}" + "}" * 150, "levels deep"),
        ('{"@context":{"a":' + "[" * 150 + "]" * 150 + "}}", "levels deep"),
        ("1", "neither"),
        ('"https://x"', "neither"),
        ("{", "JSON"),
        ("", "JSON"),
        ("{'a': 1}", "JSON"),
        ('{"@context": {"a": 1}, "@id": ""}', "JSON-LD"),
    ],
)
def test_json_that_two_readers_could_understand_differently_is_refused(document, reason):
    with pytest.raises(ParseError, match=reason):
        read(document, JSON)


@pytest.mark.parametrize(
    "document",
    [
        "<a:a> <a:b> " + "[ <a:b> " * 101 + "]" * 101 + " .",
        "<a:a> <a:b> " + "( " * 101 + ")" * 101 + " .",
        "<a:a> <a:b> " + "[ <a:b> ( " * 60 + ") ]" * 60 + " .",
        "'''" + "]" * 200 + "''' " + "( " * 101,
    ],
)
@pytest.mark.parametrize("media_type", [TURTLE, TRIG])
def test_deep_turtle_is_refused(document, media_type):
    with pytest.raises(ParseError, match="levels deep"):
        read(document, media_type)


def test_brackets_in_texts_comments_and_iris_are_not_depth():
    text = '"[[[((({{{" , "\\"[[[" , """a " [[[ \\""" """ , \'[[\' , \'\'\'[ \' [\'\'\''
    lines = [f"<a:a> <a:b{n}> {text} . # [[[ ((( {{" for n in range(40)]
    assert len(read("\n".join(lines), TURTLE)) == 200


@pytest.mark.parametrize("piece", ['"""', "'''", '"', "<", "[", "\\", '"""\\"', "'\"", '"\n', "<<", "\"\"\" ''' ", "#"])
def test_the_depth_scan_does_not_slow_down_on_unfinished_tokens(piece):
    with pytest.raises(ParseError):  # a quadratic scan of half a megabyte would not end
        read("<a:a> <a:b> " + "[]" * 60 + piece * (500_000 // len(piece)), TURTLE)


@pytest.mark.parametrize(
    ("document", "media_type", "reason"),
    [
        (f'<a:a> <a:b> "{"x" * 70_000}" .', NQ, "text is longer"),
        (f'<a:a> <a:b> "{"é" * 40_000}" .', NQ, "text is longer"),
        (f"<a:a> <a:b> '''{'x' * 70_000}''' .", TURTLE, "text is longer"),
        (f"<a:a> <a:b> <a:{'x' * 2050}> .", NQ, "address is longer"),
        (f"<a:a> <a:{'x' * 2050}> <a:b> .", NQ, "address is longer"),
        (f"<a:{'x' * 2050}> <a:b> <a:b> .", TURTLE, "address is longer"),
        (f"<a:a> <a:b> <a:b> <a:{'x' * 2050}> .", NQ, "address is longer"),
        (f"@prefix p: <a:{'x' * 1500}> . <a:a> <a:b> p:{'y' * 1500} .", TURTLE, "address is longer"),
        ("<a:a> <a:b> <a:b> ." + " " * 300_000, NQ, "line is longer"),
        ("<a:a> <a:b> <a:b> ." + " " * 300_000, TURTLE, "line is longer"),
        (f"<a:a> <a:b> {'1' * 401} .", TURTLE, "digits"),
        (f'<a:a> <a:b> "1e99999"^^<{XSD}double> .', NQ, "exponent"),
        (f'<a:a> <a:b> "1e99999"^^<{XSD}decimal> .', NQ, "exponent"),
        (f'<a:a> <a:b> "1e99999"^^<{XSD}d\\u006Fuble> .', NQ, "exponent"),
        ("<a:a> <a:b> 1E-10000 .", TURTLE, "exponent"),
        ("<a:a> <a:b> <<( <a:a> <a:b> <a:c> )>> .", NQ, "RDF 1.2"),
        ("<a:a> <a:b> <<( <a:a> <a:b> <a:c> )>> .", TURTLE, "RDF 1.2"),
        ("<a:a> <a:b> <<( " * 5000, NQ, "RDF 1.2"),
        ("<a:a> <a:b> <a b> .", NQ, "not valid N-Quads"),
        ("<html><body>502 Bad Gateway</body></html>", TURTLE, "not valid Turtle"),
        ("<a:a> <a:b> '\0' .", TURTLE, "zero bytes"),
    ],
)
def test_terms_no_record_needs_are_refused(document, media_type, reason):
    with pytest.raises(ParseError, match=reason):
        read(document, media_type)


def test_ordinary_numbers_pass():
    numbers = f'<a:a> <a:b> "1.5E3"^^<{XSD}double> .\n<a:a> <a:b> "-12345.678901"^^<{XSD}decimal> .\n'
    assert len(read(numbers + '<a:a> <a:b> "value12345" .\n', NQ)) == 3


@pytest.mark.parametrize("before", range(0, 60, 7))
def test_a_number_that_is_too_long_is_seen_wherever_it_stands(before):
    def document(digits):
        return f'{" " * before}<a:a> <a:b> "{"7" * digits}x" .'

    assert len(read(document(foreign.MAX_DIGITS), NQ)) == 1
    with pytest.raises(ParseError, match="digits"):
        read(document(foreign.MAX_DIGITS + 1), NQ)


@pytest.mark.parametrize("after", ["", "\n", "\n<a:a> <a:b> <a:c> .\n"])
@pytest.mark.parametrize("before", ["", "\n" * 50_000, "<a:a> <a:b> <a:d> .\n" * 3])
def test_a_line_may_be_as_long_as_the_limit(before, after):
    longest = "<a:a> <a:b> <a:b> ." + " " * (foreign.MAX_LINE_BYTES - 19)
    assert read(before + longest + after, NQ)
    with pytest.raises(ParseError, match="line is longer"):
        read(f"{before}{longest} {after}", NQ)


def test_too_many_statements_and_bytes_are_refused():
    page = b"<a:a> <a:b> <a:c> .\n" * (foreign.MAX_QUADS + 1)
    with pytest.raises(ParseError, match="200,000 statements"):
        read_rdf(page, NQ, BASE)
    with pytest.raises(ParseError, match="50 MiB"):
        read_rdf(b" " * (foreign.MAX_BYTES + 1), NQ, BASE)


def test_bytes_that_are_not_utf8_are_refused():
    with pytest.raises(ParseError, match="UTF-8"):
        read_rdf('<a:a> <a:b> "é" .'.encode("latin-1"), NQ, BASE)


def test_a_base_that_is_no_address_is_refused():
    with pytest.raises(ParseError):
        read_rdf(b"<> <a:b> <a:c> .", TURTLE, "not an address")


PIECES = [
    *SAME.values(), '{"@context":', '"@id":', '"@graph":[', "{", "}", "[", "]", ",", ":", '"a:b"', '"@type":"@json"',
    "null", "<a:a>", "<a:b>", "'x'", '"""', "@fr", "^^", " .", ";", "(", ")", "@prefix p: <> .", "<!DOCTYPE", "\\u",
    "<![CDATA[", "<a:c", "<?xml version='1.0'?>", "\0", "\ufeff", "\ud800", "<<(", ")>>", "1e5", "_:b", "@base",
    "GRAPH", "rdf:", "\n", "é", '"@reverse":',
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30), st.sampled_from(list(FORMATS)))
def test_reading_raises_parse_errors_and_nothing_else(pieces, media_type):
    try:
        quads = read_rdf("".join(pieces).encode("utf-8", "surrogatepass"), media_type, BASE)
    except ParseError as error:
        assert str(error)
    else:
        assert all(isinstance(quad, ox.Quad) for quad in quads)


@given(st.binary(max_size=200), st.sampled_from(list(FORMATS)), st.data())
def test_damaged_documents_raise_parse_errors_and_nothing_else(noise, media_type, data):
    good = SAME[media_type].encode()
    cut = data.draw(st.integers(0, len(good)))
    try:
        read_rdf(good[:cut] + noise + good[cut:], media_type, BASE)
    except ParseError as error:
        assert str(error)
