"""The four ways to write what SELECT and ASK find, row by row, so that a row too many is never written.

SPARQL 1.1 Query Results JSON Format; SPARQL Query Results XML Format; SPARQL 1.1 Query Results CSV and TSV Formats.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

import pyoxigraph as ox

from chm_node.errors import MalformedQueryError

Term = ox.NamedNode | ox.BlankNode | ox.Literal
Row = Sequence[Term | None]

#: The link in the head of a result that is cut; CSV and TSV have no place for one.
CUT = "https://w3id.org/chm/problems/result-cut"

_XSD_STRING = "http://www.w3.org/2001/XMLSchema#string"
_XML_RESULTS = "http://www.w3.org/2005/sparql-results#"
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_QUOTED_IN_CSV = re.compile('[",\r\n]')
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Table:
    """How rows are written in one media type."""

    head: Callable[[Sequence[str], bool], str]  #: of these variables; whether the result is cut
    row: Callable[[Sequence[str], Row], str]
    joint: str  #: between two rows
    end: str
    ask: Callable[[bool], str]


@dataclass(frozen=True)
class Written:
    """A result as it is sent."""

    body: bytes
    rows: int
    cut: bool  #: whether there was more than may be sent


def write_rows(solutions: ox.QuerySolutions, media_type: str, max_rows: int, max_bytes: int) -> Written:
    """The rows in this media type, as many as the limits let through."""
    table = TABLES[media_type]
    names = [variable.value for variable in solutions.variables]
    parts, size = list[str](), 0
    for solution in solutions:
        row = table.row(names, [_known(value) for value in solution])
        size += len(row.encode()) + len(table.joint)
        if len(parts) == max_rows or size > max_bytes:
            return _written(table, names, parts, cut=True)
        parts.append(row)
    return _written(table, names, parts, cut=False)


def _written(table: Table, names: Sequence[str], rows: Sequence[str], *, cut: bool) -> Written:
    return Written((table.head(names, cut) + table.joint.join(rows) + table.end).encode(), len(rows), cut)


def _known(value: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple | None) -> Term | None:
    if isinstance(value, ox.Triple):
        raise MalformedQueryError("statements about statements (RDF 1.2) have no place in SPARQL 1.1 results")
    return value


def _json_head(names: Sequence[str], cut: bool) -> str:
    head = {"vars": list(names)} | ({"link": [CUT]} if cut else {})
    return f'{{"head":{_json(head)},"results":{{"bindings":[\n'


def _json_row(names: Sequence[str], row: Row) -> str:
    return _json({name: _json_term(term) for name, term in zip(names, row, strict=True) if term is not None})


def _json_term(term: Term) -> dict[str, str]:
    if isinstance(term, ox.NamedNode):
        return {"type": "uri", "value": term.value}
    if isinstance(term, ox.BlankNode):
        return {"type": "bnode", "value": term.value}
    literal = {"type": "literal", "value": term.value}
    if term.language:
        return literal | {"xml:lang": term.language}
    return literal if term.datatype.value == _XSD_STRING else literal | {"datatype": term.datatype.value}


def _xml_head(names: Sequence[str], cut: bool) -> str:
    variables = "".join(f"<variable name={quoteattr(name)}/>" for name in names)
    variables += f"<link href={quoteattr(CUT)}/>" if cut else ""
    return f'<?xml version="1.0"?>\n<sparql xmlns="{_XML_RESULTS}"><head>{variables}</head><results>\n'


def _xml_row(names: Sequence[str], row: Row) -> str:
    bindings = (
        f"<binding name={quoteattr(name)}>{_xml_term(term)}</binding>"
        for name, term in zip(names, row, strict=True)
        if term is not None
    )
    return f"<result>{''.join(bindings)}</result>"


def _xml_term(term: Term) -> str:
    text = _xml_text(term.value)
    if isinstance(term, ox.NamedNode):
        return f"<uri>{text}</uri>"
    if isinstance(term, ox.BlankNode):
        return f"<bnode>{text}</bnode>"
    if term.language:
        return f"<literal xml:lang={quoteattr(term.language)}>{text}</literal>"
    if term.datatype.value == _XSD_STRING:
        return f"<literal>{text}</literal>"
    return f"<literal datatype={quoteattr(term.datatype.value)}>{text}</literal>"


def _xml_text(text: str) -> str:
    # A bare carriage return would come out of every XML parser as a line feed (XML 1.0 §2.11).
    return escape(_NOT_IN_XML.sub("", text), {"\r": "&#13;"})


def _xml_ask(found: bool) -> str:
    answer = "true" if found else "false"
    return f'<?xml version="1.0"?>\n<sparql xmlns="{_XML_RESULTS}"><head/><boolean>{answer}</boolean></sparql>\n'


def _csv_row(_: Sequence[str], row: Row) -> str:
    return ",".join("" if term is None else _csv_cell(term) for term in row) + "\r\n"


def _csv_cell(term: Term) -> str:
    text = f"_:{term.value}" if isinstance(term, ox.BlankNode) else term.value
    return '"' + text.replace('"', '""') + '"' if _QUOTED_IN_CSV.search(text) else text


def _tsv_row(_: Sequence[str], row: Row) -> str:
    return "\t".join("" if term is None else str(term) for term in row) + "\n"


def _plain_ask(found: bool) -> str:
    return "true\n" if found else "false\n"


#: Media type to the way of writing; CSV and TSV have no form for ASK, so they give one word.
TABLES: Mapping[str, Table] = {
    "application/sparql-results+json": Table(
        _json_head, _json_row, ",\n", "\n]}}\n", lambda found: f'{{"head":{{}},"boolean":{_json(found)}}}\n'
    ),
    "application/sparql-results+xml": Table(_xml_head, _xml_row, "\n", "\n</results></sparql>\n", _xml_ask),
    "text/csv": Table(lambda names, _: ",".join(names) + "\r\n", _csv_row, "", "", _plain_ask),
    "text/tab-separated-values": Table(
        lambda names, _: "\t".join(f"?{name}" for name in names) + "\n", _tsv_row, "", "", _plain_ask
    ),
}


def take(triples: Iterable[ox.Triple], max_rows: int, max_bytes: int) -> tuple[list[ox.Triple], bool]:
    """The distinct triples, as many as the limits let through, and whether there were more."""
    found, size = dict[ox.Triple, None](), 0
    for triple in triples:
        if triple in found:
            continue
        size += len(str(triple).encode())
        if len(found) == max_rows or size > max_bytes:
            return list(found), True
        found[triple] = None
    return list(found), False
