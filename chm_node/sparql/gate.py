"""What may not be asked, found before a query reaches the parser. Decides; touches nothing.

The parser behind it reads an IRI where the specification would (``?a<b>``), but falls back to "less than" when that
makes a sentence, and it asks for no space after a keyword. So the gate does not guess: what could be read in two ways
and would hide something in one of them is refused. Whatever passes is still answered in a child without sockets.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

from chm_node.errors import MalformedQueryError

MAX_QUERY_BYTES = 20_000

_ESCAPED = r"%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?#@%]"
# Tokens of SPARQL 1.1 §19.8, each matched in one go and never given back, so that no query is slow to read. A text
# that does not end runs to the end of its line or of the query.
# "(?!)" ends each possessive group, as in ``foreign``: Python before 3.11.5 needs it.
_TOKEN = re.compile(
    rf"""
    (?P<space>\s++|\#[^\n\r]*+)
    |(?P<text>\"\"\"(?:[^"\\]|\\.|"(?!"")|(?!))*+\"\"\"|'''(?:[^'\\]|\\.|'(?!'')|(?!))*+''')
    |(?P<open>\"\"\"[\s\S]*+|'''[\s\S]*+)
    |(?P<short>"(?:[^"\\\n\r]|\\.|(?!))*+"|'(?:[^'\\\n\r]|\\.|(?!))*+')
    |(?P<torn>["'][^\n\r]*+)
    |(?P<iri><[^<>"{{}}|^`\\\x00-\x20]*+>)
    |(?P<variable>[?$]\w++)
    |(?P<language>@[A-Za-z]++(?:-[A-Za-z0-9]++|(?!))*+)
    |(?P<name>(?:_|[^\W\d_][\w.-]*+)?:(?:(?:[\w:]|{_ESCAPED})(?:[\w:-]|{_ESCAPED}|\.++(?=[\w:%\\-])|(?!))*+)?)
    |(?P<number>(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?)
    |(?P<word>[^\W\d_][\w.-]*+)
    |(?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# "<" followed by this can be no comparison: "//" is not an expression.
_WITH_AUTHORITY = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*://")
_AMBIGUOUS = re.compile(r"['#()]|service", re.IGNORECASE)


@dataclass(frozen=True)
class GraphChoice:
    """The graphs a query is asked of (SPARQL 1.1 §13.2); neither means all of them, merged."""

    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.default or self.named)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def check(query: str, base_iri: str) -> GraphChoice:
    """The graphs that the query itself names with FROM; raises ``MalformedQueryError`` for what is refused."""
    if len(query.encode("utf-8", "surrogatepass")) > MAX_QUERY_BYTES:
        raise MalformedQueryError(f"the query is longer than {MAX_QUERY_BYTES:,} bytes")
    tokens = list(_tokens(query))
    for token in tokens:
        _check_token(token)
    return _graph_choice(tokens, base_iri)


def _tokens(query: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(query):
        if match.lastgroup != "space":
            yield _Token(match.lastgroup or "", match[0])


def _check_token(token: _Token) -> None:
    if token.kind in ("open", "torn"):
        raise MalformedQueryError(f"a text does not end: {token.text[:50]}")
    if token.kind == "other" and token.text == "\\":
        raise MalformedQueryError("a backslash stands outside of texts; write keywords and addresses without escapes")
    if token.kind == "word" and "service" in token.text.lower():
        raise MalformedQueryError("SERVICE is refused: this node asks no other one; ask each for itself")
    # A keyword needs no space after it: "SERVICEex:a" may be the keyword and ex:a.
    if token.kind == "name" and "service" in token.text.split(":")[0].lower():
        raise MalformedQueryError(f"the prefix of {token.text} could be taken for the keyword SERVICE; choose another")
    if token.kind == "iri" and not _WITH_AUTHORITY.match(token.text) and _AMBIGUOUS.search(token.text):
        raise MalformedQueryError(
            f"{token.text[:100]} could be an address or a comparison; "
            'write addresses in full, and a space after the sign "<"'
        )


def _graph_choice(tokens: Sequence[_Token], base_iri: str) -> GraphChoice:
    base, prefixes = base_iri, dict[str, str]()
    default, named = list[str](), list[str]()
    words = [token.text.lower() if token.kind == "word" else "" for token in tokens]
    for place, word in enumerate(words):
        following = [*tokens[place + 1 : place + 3], _Token("", ""), _Token("", "")]
        if word == "base" and following[0].kind == "iri":
            base = urljoin(base, following[0].text[1:-1])
        elif word == "prefix" and following[1].kind == "iri":
            prefixes[following[0].text] = urljoin(base, following[1].text[1:-1])
        elif word == "from":
            is_named = following[0].text.lower() == "named"
            found = _resolved(following[1 if is_named else 0], base, prefixes)
            (named if is_named else default).extend(found)
    return GraphChoice(tuple(default), tuple(named))


def _resolved(token: _Token, base: str, prefixes: dict[str, str]) -> list[str]:
    """The IRI that a token stands for; none when it is not one, of which the parser says more."""
    if token.kind == "iri":
        return [urljoin(base, token.text[1:-1])]
    prefix, colon, local = token.text.partition(":")
    if token.kind != "name" or f"{prefix}:" not in prefixes:
        return []
    return [prefixes[prefix + colon] + re.sub(r"\\(.)", r"\1", local)]
