"""The filter of a listing, a feed or a search, as it stands in an address. One reading for HTML and machines.

``parse`` is lenient about how a term is written (``country=DZ``, ``country=Algérie``, ``treaty=stockholm``,
``subject=PCB``) and strict about everything else: what it does not know is an error, never ignored. Between quotation
marks a text stands for itself (``treaty="My treaty"``), known or not. ``to_query`` is its inverse, in one spelling.
"""

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from functools import lru_cache
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from chm_node.catalogue import Filter
from chm_node.errors import BadQueryError, UnknownTermError
from chm_node.facets import LETTERS, iri_of, of_iri
from chm_node.namespaces import VOCABULARY
from chm_node.record_types import OTHER
from chm_node.schema import PLACE_SCHEMES, SUBJECT_SCHEMES
from chm_node.text import clean_text, primary_language, valid_iri
from chm_node.vocabulary import vocabularies

#: Parameter, which is also the facet, to the vocabularies its terms come from.
SCHEMES = {
    "type": ("record-types",),
    "country": PLACE_SCHEMES,
    "treaty": ("treaties",),
    "subject": SUBJECT_SCHEMES,
}
#: The parameters that choose records; each may be repeated, which means "or", but ``q`` and ``origin``.
PARAMETERS = (*SCHEMES, "language", "q", "origin")
MAX_VALUES = 20
MAX_WORDS_LENGTH = 300
_LONGEST_SPELLING = 40
_QUOTED = re.compile(r'"(.+)"', re.DOTALL)
_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def parse(args: MultiDict[str, str], also: Collection[str] = ()) -> Filter:
    """The filter of a query; ``also`` are further parameters that the caller reads itself.

    A term stands for its narrower terms too. Blank parameters, as forms send them, count as absent.
    Raises BadQueryError.
    """
    for parameter in args:
        if parameter not in PARAMETERS and parameter not in also:
            close = get_close_matches(parameter, [*PARAMETERS, *also], n=2)
            raise BadQueryError(parameter, "is not a parameter here", close or sorted({*PARAMETERS, *also}))
    facets = {name: _values(args, name) for name in (*SCHEMES, "language")}
    return Filter(
        facets={name: values for name, values in facets.items() if values},
        words=_words(single(args, "q")),
        origin=_origin(clean_text(single(args, "origin"))),
    )


def to_query(chosen: Filter) -> str:
    """The query of this filter without the question mark; empty for a filter that lets everything pass."""
    pairs = [
        (name, spelling(name, value))
        for name in (*SCHEMES, "language")
        for value in broadest(chosen.facets.get(name, ()))
    ]
    if chosen.words:
        pairs.append(("q", chosen.words))
    if chosen.origin:
        pairs.append(("origin", chosen.origin))
    return urlencode(pairs)


@lru_cache(maxsize=4096)
def findable(facet: str, value: str) -> bool:
    """Whether the filter that is written for a value finds it.

    Rows may hold what no address can say: a text that is not clean, a language by another name than its code.
    """
    try:
        read = parse(MultiDict([(facet, spelling(facet, value))]))
    except BadQueryError:
        return False
    return value in read.facets.get(facet, ())


def single(args: MultiDict[str, str], name: str) -> str:
    """A parameter that can be given once, as it came; empty when it is absent. Raises BadQueryError."""
    given = args.getlist(name)
    if len(given) > 1:
        raise BadQueryError(name, "can be given once")
    return given[0] if given else ""


def broadest(values: Iterable[str]) -> list[str]:
    """The values that ``parse`` added all the others for, being narrower."""
    chosen = set(values)
    narrower = {below for value in chosen for below in expanded(value) if below != value}
    return sorted(chosen - narrower)


def _words(text: str) -> str:
    if len(text) > MAX_WORDS_LENGTH:
        raise BadQueryError("q", f"is longer than {MAX_WORDS_LENGTH} characters")
    # What no page can show is a search all the same, and finds nothing.
    return clean_text(text) or "\N{REPLACEMENT CHARACTER}" * bool(text.strip())


def _origin(text: str) -> str:
    if text and not valid_iri(text):
        raise BadQueryError("origin", "write the address of the node, such as https://chm.example.org/node")
    return text


def _values(args: MultiDict[str, str], name: str) -> tuple[str, ...]:
    given = [text for text in map(clean_text, args.getlist(name)) if text]
    if len(given) > MAX_VALUES:
        raise BadQueryError(name, f"more than {MAX_VALUES} values")
    if name == "language":
        return tuple(sorted({_language(text) for text in given}))
    return tuple(sorted({value for text in given for value in expanded(_resolved(name, text))}))


def _language(text: str) -> str:
    if not (language := primary_language(text)):
        raise BadQueryError("language", f"{text!r} is not a language code", ("ar", "en", "es", "fr", "ru", "zh"))
    return language


def _resolved(name: str, text: str) -> str:
    if not (value := _value(name, text)):
        raise BadQueryError(name, f"{text!r} is not known", _suggestions(name, text))
    return value


@lru_cache(maxsize=4096)
def _value(name: str, text: str) -> str:
    """The facet value a text stands for; empty when nobody knows."""
    if quoted := _QUOTED.fullmatch(text):
        return quoted.group(1)
    if name == "type" and text == OTHER.name:
        return text
    known = vocabularies()
    term = known.term(f"{VOCABULARY}{text}")
    try:
        iri = term.iri if term else known.resolve(SCHEMES[name], text).iri
    except UnknownTermError:
        # Harvested records may carry terms of vocabularies that nobody here ships.
        iri = text if valid_iri(text) else ""
    value = of_iri(iri[:LETTERS])
    return value.removeprefix("record-types/") if name == "type" else value


@lru_cache(maxsize=4096)
def expanded(value: str) -> frozenset[str]:
    """The value and those of all narrower terms: what a record may be listed under to pass."""
    if not (iri := iri_of(value)):
        return frozenset((value,))
    return frozenset((value, *(of_iri(each[:LETTERS]) for each in vocabularies().expand(iri))))


@lru_cache(maxsize=4096)
def spelling(name: str, value: str) -> str:
    """The text that is read back as this value and that a person can make most of."""
    if name == "language":
        return value
    iri = iri_of(value)
    term = vocabularies().term(iri) if iri else None
    forms = (term.notation, value.rsplit("/", 1)[-1], term.label(("en",))[0]) if term else ()
    readable = [form for form in forms if len(form) <= _LONGEST_SPELLING and not _GUID.fullmatch(form)]
    return next((form for form in (*readable, value, iri) if _value(name, form) == value), f'"{value}"')


def _suggestions(name: str, text: str) -> list[str]:
    known = vocabularies()
    names: dict[str, str] = {}
    for scheme in SCHEMES[name]:
        for term in known[scheme].terms.values():
            shown = spelling(name, _value(name, term.iri))
            for form in (shown, *term.labels.values(), *term.aliases):
                names.setdefault(form.casefold(), shown)
    close = get_close_matches(text.casefold(), names, n=6, cutoff=0.5)
    return list(dict.fromkeys(names[form] for form in close))[:3]
