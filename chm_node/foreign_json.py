"""Reading strangers' JSON: bounded, without anything said twice, and without a reference to another document.

Part of ``chm_node.foreign``, whose gates its bytes passed before.
"""

import json
from functools import cache
from importlib import resources
from typing import Any

from chm_node.errors import ParseError

MAX_DEPTH = 100
_BUNDLED_CONTEXTS = {"https://w3id.org/security/data-integrity/v2": "data-integrity-v2.json"}


def load(data: bytes) -> Any:  # any JSON value
    """The document; raises ParseError."""
    try:
        document = json.loads(data, object_pairs_hook=_object, parse_constant=_no_constant)
        _check_depth(document)
    except RecursionError:
        raise too_deep() from None
    except ValueError as error:
        raise ParseError(f"this is not valid JSON: {error}") from error
    return document


def without_references(data: bytes) -> bytes:
    """A JSON-LD document with its contexts written in; pyoxigraph fetches none and knows none by name."""
    document = load(data)
    if not isinstance(document, dict | list):
        raise ParseError("the JSON-LD document is neither an object nor a list")
    try:
        return json.dumps(_with_contexts(document), ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        raise ParseError("the JSON document contains half a character (a lone surrogate)") from error
    except ValueError as error:  # a number beyond what a float can hold
        raise ParseError(f"this is not valid JSON: {error}") from error


def too_deep() -> ParseError:
    """What a document gets that is nested deeper than any honest one."""
    return ParseError(f"the document is nested more than {MAX_DEPTH} levels deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ParseError(f"the JSON document names {twice[:80]!r} twice in one object")
    return members


def _no_constant(name: str) -> None:
    raise ParseError(f"the JSON document contains {name}, which is not a JSON number")


def _check_depth(value: Any, depth: int = 1) -> None:  # any JSON value
    if depth > MAX_DEPTH:
        raise too_deep()
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return
    for member in value:
        _check_depth(member, depth + 1)


def _with_contexts(value: Any) -> Any:  # any JSON value
    if isinstance(value, list):
        return [_with_contexts(member) for member in value]
    if isinstance(value, dict):
        return {
            name: _context(member) if name == "@context" else _with_contexts(member) for name, member in value.items()
        }
    return value


def _context(context: Any) -> Any:  # any JSON value
    """A context without references: bundled ones written in, every other refused."""
    if isinstance(context, str) and context in _BUNDLED_CONTEXTS:
        return _read_context(_BUNDLED_CONTEXTS[context])
    if isinstance(context, list):
        return [_context(member) for member in context]
    _check_definitions(context)
    return context


def _check_definitions(context: Any) -> None:  # any JSON value
    """Refuses a context that refers to another one, at any level (JSON-LD 1.1 §4.1.8, §4.1.9)."""
    if isinstance(context, str):
        raise _remote_context(context)
    if isinstance(context, list):
        for member in context:
            _check_definitions(member)
    elif isinstance(context, dict):
        if "@import" in context:
            raise _remote_context(context["@import"])
        for definition in context.values():
            if isinstance(definition, dict):
                _check_definitions(definition.get("@context"))


@cache
def _read_context(name: str) -> Any:  # any JSON value
    return json.loads(resources.files("chm_node").joinpath("contexts", name).read_bytes())["@context"]


def _remote_context(name: object) -> ParseError:
    return ParseError(
        f"the JSON-LD context {str(name)[:200]!r} is not one we carry, and we never fetch one; "
        "write its terms into the document"
    )
