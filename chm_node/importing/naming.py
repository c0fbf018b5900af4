"""Names for the parts of a record: each gets the fragment IRI that the declaration gives it. Decides; touches nothing.

An author writes a place or a file as a blank node or under a fragment of their own; the record graph that is
signed has no blank nodes, and its parts are called ``<record#place>``, ``<record#files-1>``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyoxigraph as ox

from chm_node.schema import Field, LocalisedText, RecordType
from chm_node.schema.groups import Group
from chm_node.text import clean_text

_Subject = ox.NamedNode | ox.BlankNode
_Index = Mapping[object, Mapping[str, Sequence[object]]]


def named(iri: str, triples: Iterable[ox.Triple], record_type: RecordType) -> list[ox.Triple]:
    """The triples of one record, its parts renamed, its texts cleaned, its last blank nodes numbered."""
    triples = list(triples)
    names = _declared(iri, ox.NamedNode(iri), iri, record_type.fields, _index(triples))
    for triple in triples:
        for node in (triple.subject, triple.object):
            if isinstance(node, ox.BlankNode) and node not in names:
                names[node] = f"{iri}#part-{len(names) + 1}"
    return [_renamed(triple, names) for triple in triples]


def undeclared(
    iri: str, extra: Iterable[ox.Triple], triples: Iterable[ox.Triple], record_type: RecordType
) -> tuple[ox.Triple, ...]:
    """Those of ``extra`` that no field has read from ``triples``.

    What a field has read, it writes in its own form: a number without leading zeros, a term by its IRI.
    """
    read = _read_by(ox.NamedNode(iri), record_type.fields, _index(triples))
    known = {(node.value, field.predicate) for node, _, field in read}
    return tuple(
        triple
        for triple in extra
        if not (isinstance(triple.subject, ox.NamedNode) and (triple.subject.value, triple.predicate.value) in known)
    )


def untagged(iri: str, triples: Iterable[ox.Triple], record_type: RecordType) -> tuple[str, ...]:
    """The fields that expect a language and have a text without one, such as ``place name``."""
    index = _index(triples)
    found = [
        name
        for node, name, field in _read_by(ox.NamedNode(iri), record_type.fields, index)
        if isinstance(field, LocalisedText) and any(map(_has_no_language, index.get(node, {}).get(field.predicate, ())))
    ]
    return tuple(dict.fromkeys(found))


def _declared(iri: str, node: _Subject, name: str, fields: Iterable[Field], index: _Index) -> dict[object, str]:
    """New names of the parts below ``node``, which itself gets ``name``."""
    names: dict[object, str] = {}
    for field in fields:
        if not isinstance(field, Group):
            continue
        objects = list(dict.fromkeys(index.get(node, {}).get(field.predicate, ())))
        parts = [each for each in objects if _is_part(each, iri)]
        # References to other records come first, as an Agent field counts them.
        for number, part in enumerate(sorted(parts, key=_order), start=1 + len(objects) - len(parts)):
            names[part] = field.node_iri(name, number)
            names |= _declared(iri, part, names[part], field.parts, index)  # type: ignore[arg-type]  # _is_part says so
    return names


def _read_by(
    node: ox.NamedNode, fields: Iterable[Field], index: _Index, where: str = ""
) -> Iterator[tuple[ox.NamedNode, str, Field]]:
    """(subject, name, field) of everything the fields read."""
    for field in fields:
        yield node, where + field.name, field
        if isinstance(field, Group):
            for part in index.get(node, {}).get(field.predicate, ()):
                if isinstance(part, ox.NamedNode):
                    yield from _read_by(part, field.parts, index, f"{where}{field.name} ")


def _index(triples: Iterable[ox.Triple]) -> _Index:
    index: dict[object, dict[str, list[object]]] = {}
    for triple in triples:
        index.setdefault(triple.subject, {}).setdefault(triple.predicate.value, []).append(triple.object)
    return index


def _has_no_language(node: object) -> bool:
    return isinstance(node, ox.Literal) and not node.language


def _is_part(node: object, iri: str) -> bool:
    return isinstance(node, ox.BlankNode) or (isinstance(node, ox.NamedNode) and node.value.startswith(f"{iri}#"))


def _order(node: object) -> tuple[str, int]:
    """Fragments by their number; blank nodes in the order of the document, which sorting keeps."""
    if not isinstance(node, ox.NamedNode):
        return "", 0
    match = re.fullmatch(r"(.*?)(\d{1,9})", node.value)
    return (match[1], int(match[2])) if match else (node.value, 0)


def _renamed(triple: ox.Triple, names: Mapping[object, str]) -> ox.Triple:
    subject, value = triple.subject, triple.object
    if subject in names:
        subject = ox.NamedNode(names[subject])
    if value in names:
        value = ox.NamedNode(names[value])
    return ox.Triple(subject, triple.predicate, _cleaned(value) if isinstance(value, ox.Literal) else value)


def _cleaned(literal: ox.Literal) -> ox.Literal:
    text = clean_text(literal.value)
    if text == literal.value:
        return literal
    if literal.language:
        return ox.Literal(text, language=literal.language)
    return ox.Literal(text, datatype=literal.datatype)
