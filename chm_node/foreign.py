"""Reading strangers' RDF: gates first, then pyoxigraph. Runs in the sandbox's child; touches nothing.

Every gate is linear in the size of the document. Reading raises ``ParseError`` and nothing else; what no gate can
foresee (a parser that aborts, memory, time) is the business of ``chm_node.sandbox``.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from xml.parsers import expat

import pyoxigraph as ox

from chm_node.errors import ParseError, TooLargeError
from chm_node.foreign_json import MAX_DEPTH, load, too_deep, without_references

MAX_BYTES = 50 * 1024 * 1024
MAX_QUADS = 200_000
MAX_LINE_BYTES = 256 * 1024
MAX_LITERAL_BYTES = 64 * 1024
MAX_IRI_CHARACTERS = 2048
MAX_DIGITS = 400
MAX_EXPONENT_DIGITS = 4
MAX_XML_ATTRIBUTES = 128

FORMATS = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/trig": ox.RdfFormat.TRIG,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/n-quads": ox.RdfFormat.N_QUADS,
    "application/ld+json": ox.RdfFormat.JSON_LD,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
}
_SUFFIXES = {
    ".ttl": "text/turtle",
    ".trig": "application/trig",
    ".nt": "application/n-triples",
    ".nq": "application/n-quads",
    ".jsonld": "application/ld+json",
    ".rdf": "application/rdf+xml",
}
_XSD = "http://www.w3.org/2001/XMLSchema#"
_NUMERIC = {_XSD + name for name in ("decimal", "double", "float", "integer")}
_NUMERIC_LITERAL_END = re.compile(rb'"\^\^<http://www\.w3\.org/2001/XMLSchema#(?:decimal|double|float|integer)>')
_EXPONENT = re.compile(rf"[eE][+-]?[0-9]{{{MAX_EXPONENT_DIGITS + 1}}}")
_XML_ENCODING = re.compile(rb"""\A\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)["']""")
_SAMPLE = 50
_SAMPLED_DIGITS = re.compile(rb"[0-9]{%d}" % (MAX_DIGITS // _SAMPLE))
_DIGITS_TO_ZERO = bytes(ord("0") if chr(byte) in "0123456789" else ord(" ") for byte in range(256))

# Tokens of Turtle and TriG that can hide or hold brackets. Every alternative matches to its end or to the end of
# the document and never gives back a character, so an unfinished string cannot make the scan quadratic.
# Python before 3.11.5 goes on behind where the last alternative of a possessive group failed (gh-106052), so the last
# one is "(?!)", which fails where it begins.
_TURTLE_TOKEN = re.compile(
    rb'"""(?:[^"\\]|\\.|"(?!"")|(?!))*+(?:"""|\Z)'
    rb"|'''(?:[^'\\]|\\.|'(?!'')|(?!))*+(?:'''|\Z)"
    rb'|"(?:[^"\\\n]|\\.|(?!))*+"?'
    rb"|'(?:[^'\\\n]|\\.|(?!))*+'?"
    rb"|<(?!<)[^<>\s]*+>|#[^\n]*+|\\."
    rb"|(?P<open>\[|\(|\{|<<)|(?P<close>\]|\)|\}|>>)",
    re.DOTALL,
)


def media_type_of(path: Path) -> str:
    """The RDF media type of a file, by its extension."""
    try:
        return _SUFFIXES[path.suffix.lower()]
    except KeyError:
        *others, last = _SUFFIXES
        known = f"{', '.join(others)} or {last}"
        message = f"its ending names no format that can be imported; save a table as .csv (UTF-8), RDF as {known}"
        raise ParseError(message) from None


def read_rdf(data: bytes, media_type: str, base_iri: str) -> list[ox.Quad]:
    """The statements of a document; ``base_iri`` is where it was fetched, against which relative IRIs resolve."""
    rdf_format = FORMATS.get(media_type)
    if rdf_format is None:
        raise ParseError(f"{media_type or 'no media type'} is not RDF; we read {', '.join(FORMATS)}")
    data = _checked_bytes(data)
    if rdf_format == ox.RdfFormat.JSON_LD:
        _check_encoding(data)
        data = without_references(data)
    elif rdf_format == ox.RdfFormat.RDF_XML:
        _check_encoding(data)
        _check_xml(data)
    elif rdf_format in (ox.RdfFormat.TURTLE, ox.RdfFormat.TRIG):
        _check_lines(data)
        _check_brackets(data)
    elif _checked_statements(data):
        return _parse(data, rdf_format, base_iri)
    quads = _parse(data, rdf_format, base_iri)
    _check_terms(quads)
    return quads


def read_json(data: bytes) -> Any:  # any JSON value
    """A JSON document, bounded like one in JSON-LD; raises ParseError."""
    return load(_checked_bytes(data))


def _parse(data: bytes, rdf_format: ox.RdfFormat, base_iri: str) -> list[ox.Quad]:
    try:
        quads = list(islice(ox.parse(data, rdf_format, base_iri=base_iri), MAX_QUADS + 1))
    except (SyntaxError, ValueError, OSError) as error:
        _check_encoding(data)
        raise ParseError(f"this is not valid {rdf_format.name}: {error}") from error
    if len(quads) > MAX_QUADS:
        raise TooLargeError(f"the document has more than {MAX_QUADS:,} statements; split it into pages")
    return quads


def _checked_bytes(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise TooLargeError(f"the document is larger than {MAX_BYTES // 1024 // 1024} MiB; split it into pages")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in data:
        raise ParseError("the document contains zero bytes; save it as UTF-8 text")
    if _has_long_number(data):
        raise ParseError(f"the document contains a number of more than {MAX_DIGITS} digits")
    return data


def _has_long_number(data: bytes) -> bool:
    # A number that is too long has a digit in so many places of every sample that few documents have to be read whole.
    if not _SAMPLED_DIGITS.search(data[::_SAMPLE]):
        return False
    return b"0" * (MAX_DIGITS + 1) in data.translate(_DIGITS_TO_ZERO)


def _check_encoding(data: bytes) -> None:
    """Says so when other bytes than UTF-8 are why a document could not be read; every parser refuses them."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParseError(f"the document is not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def _check_lines(data: bytes) -> None:
    if _has_longer_line(data, MAX_LINE_BYTES):
        raise ParseError(f"a line is longer than {MAX_LINE_BYTES // 1024} KiB")


def _has_longer_line(data: bytes, limit: int) -> bool:
    # From each line to the last one that ends within the limit: a few steps, however many lines there are.
    start = 0
    while len(data) - start > limit:
        end = data.rfind(b"\n", start, start + limit + 1)
        if end < 0:
            return True
        start = end + 1
    return False


def _checked_statements(data: bytes) -> bool:
    """Whether the bytes of N-Quads already show that ``_check_terms`` would find nothing.

    A line holds one statement, so the length of the lines bounds all terms, as long as no escape hides anything.
    Looking at every term of an ordinary page would cost as much as the parse.
    """
    _check_lines(data)
    if b"(" in data and b"<<(" in data:
        raise _nested_statement()
    if _has_longer_line(data, MAX_IRI_CHARACTERS) or (b"\\" in data and (b"\\u" in data or b"\\U" in data)):
        return False
    for datatype in _NUMERIC_LITERAL_END.finditer(data):
        end = datatype.start()
        _check_number(data[data.rfind(b'"', 0, end) + 1 : end].decode())
    return True


def _check_brackets(data: bytes) -> None:
    if sum(map(data.count, (b"[", b"(", b"{", b"<<"))) <= MAX_DEPTH:
        return
    depth = 0
    for token in _TURTLE_TOKEN.finditer(data):
        if token["open"]:
            depth += 1
        elif token["close"]:
            depth -= 1
        if depth > MAX_DEPTH:
            raise too_deep()


def _check_terms(quads: Iterable[ox.Quad]) -> None:
    for subject, predicate, value, graph in quads:
        if isinstance(value, ox.Literal):
            _check_literal(value)
        elif isinstance(value, ox.NamedNode):
            _check_iri(value)
        elif not isinstance(value, ox.BlankNode):
            raise _nested_statement()
        _check_iri(predicate)
        if isinstance(subject, ox.NamedNode):
            _check_iri(subject)
        if isinstance(graph, ox.NamedNode):
            _check_iri(graph)


def _check_iri(iri: ox.NamedNode) -> None:
    if len(iri.value) > MAX_IRI_CHARACTERS:
        raise ParseError(f"an address is longer than {MAX_IRI_CHARACTERS:,} characters: {iri.value[:80]}...")


def _check_literal(literal: ox.Literal) -> None:
    text = literal.value
    # Four bytes are the most a character takes in UTF-8.
    if len(text) * 4 > MAX_LITERAL_BYTES and len(text.encode()) > MAX_LITERAL_BYTES:
        raise ParseError(f"a text is longer than {MAX_LITERAL_BYTES // 1024} KiB: {text[:80]}...")
    if literal.datatype.value in _NUMERIC:
        _check_number(text)


def _check_number(text: str) -> None:
    if _EXPONENT.search(text):
        raise ParseError(f"the exponent of a number has more than {MAX_EXPONENT_DIGITS} digits: {text[:80]}")


def _check_xml(data: bytes) -> None:
    """Refuses what RDF/XML never needs: other encodings than UTF-8, a DOCTYPE, endless nesting."""
    encoding = _XML_ENCODING.match(data)
    if encoding and encoding[1].lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        raise ParseError('the XML document does not say encoding="UTF-8"; save it as UTF-8')
    gate = _XmlGate()
    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = gate.doctype
    parser.StartElementHandler = gate.start
    parser.EndElementHandler = gate.end
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ParseError(f"this is not well-formed XML: {error}") from error


class _XmlGate:
    """Counts the depth while expat reads."""

    def __init__(self) -> None:
        self._depth = 0

    def doctype(self, *_: object) -> None:
        raise ParseError("the XML document has a DOCTYPE, which we never accept; remove it")

    def start(self, name: str, attributes: Sequence[str] | dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise too_deep()
        if len(attributes) > MAX_XML_ATTRIBUTES:
            raise ParseError(f"an XML element has more than {MAX_XML_ATTRIBUTES} attributes")

    def end(self, name: str) -> None:
        self._depth -= 1


def _nested_statement() -> ParseError:
    return ParseError("the document has statements about statements (RDF 1.2), which records do not use")
