"""The search analyser: turns text of any of the six UN languages into plain index tokens. Decides; touches nothing.

The rule that holds here: documents and queries go through the same steps, and a token consists of letters and digits
only, lower case, so that FTS5 (`ascii`) and PostgreSQL (`simple`) keep each token as one word.
Which engine is behind the analyser therefore cannot change what is found.

- Latin words: accents folded, then stemmed. A document's language picks the stemmer; a query, or a document in another
  language, gets every stem. Stemming after folding is what lets a query typed without accents find its document.
- Russian and Arabic words: stemmed, then spelling variants folded.
- CJK runs: every character and every pair of neighbours.
- Compounds ("COP.6", "SC-4/23", "clearing-house", "CO2"): every part and every joined pair of neighbouring parts.
"""

import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise

from Stemmer import Stemmer

MAX_QUERY_WORDS = 12
MAX_PART_LETTERS = 64  # PostgreSQL refuses lexemes over 2,046 bytes; nothing longer is a word

_CACHED_WORDS = 50_000
_CACHED_CHUNK_LETTERS = 40  # longer chunks are CJK sentences or addresses: they seldom come twice

_CJK = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff"
# New Tai Lue vowels and two Vedic signs: letters to Python, separators to FTS5.
_NOT_INDEXED = "\u19b0-\u19c9\u1cf2\u1cf3"
_PART = rf"(?:\d+|[^\W\d_{_CJK}{_NOT_INDEXED}]+)"
# A space joins only inside a chunk such as "COP 6", see _CHUNK.
_COMPOUND = re.compile(rf"[{_CJK}]+|{_PART}(?:[-‐‑‒–./:,_+&'·⁄ ]?{_PART})*")
_PARTS = re.compile(_PART)
_CHUNK = re.compile(r"[A-Z]{2,6} \d\S*|\S+")
_SPACED_IDENTIFIER = re.compile(r"[A-Z] \d")

_ELISION = re.compile(r"\b(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu)'(?=\w)")
_POSSESSIVE = re.compile(r"(?<=\w)'s\b")
_APOSTROPHES = str.maketrans("’‘ʼ´`", "'''''")
_LATIN_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_CYRILLIC_LETTERS = str.maketrans("ё", "е")
_ARABIC_LETTERS = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ة": "ه", "ک": "ك"})

_NAMES = {"en": "english", "fr": "french", "es": "spanish", "ru": "russian", "ar": "arabic"}
_STEMMERS = {code: Stemmer(name, 0) for code, name in _NAMES.items()}  # without a cache: words are kept here
_LATIN_LANGUAGES = ("en", "fr", "es")
_STEMMING = threading.Lock()  # a stemmer keeps the word it works on in itself

# The French stemmer relies on accents to see that protégé and protégée are one word; without them an e or er remains.
_FRENCH_REST = re.compile(r"(?<=\w{3}[^e])e$|(?<=\w{3}i)er$")
_PLURAL_ACRONYM = re.compile(r"[b-df-hj-np-tv-xz]{3,}s")  # PCBs: the stemmers want a vowel
_ARABIC_ARTICLE = re.compile(r"^(?:[وف]?[بك]?ال|[وف]?لل)(?=\w{2})")
_ARABIC_PARTICLE = re.compile(r"^[وفبل](?=\w{4})")
_ARABIC_PRONOUN = re.compile(r"(\w{3,}?)(?:هما|ها|هم|هن|نا|كم|ه)$")
_ARABIC_JOINED_TEH = re.compile(r"(?<!ا)ت$")  # بيئة becomes بيئت before a pronoun

# Words that a question contains and a title often does not. They are indexed, but a query does not insist on them.
_STOP_WORD_LISTS = """
    a an and as at by for from in into is of on or the to with
    au aux ce ces dans de des du en est et la le les ou par pour sur un une
    al como con del el las los para por su sus un una y
    в во и из к на о об от по с со для
    في من على إلى الى عن مع أو او
"""
_STOP_WORDS = frozenset(_STOP_WORD_LISTS.split())


@dataclass(frozen=True)
class Query:
    """What has to be found: one of the alternatives of every word."""

    words: tuple[tuple[str, ...], ...]


def tokens(text: str, language: str = "") -> list[str]:
    """The index tokens of a text, repeated words repeated.

    The language (a BCP 47 tag) only chooses the stemmer of Latin words; with any
    other than English, French or Spanish each Latin word gives the stems of all three.
    """
    return _analysed(text, language).split()


def document_text(texts: Iterable[tuple[str, str]]) -> str:
    """The tokens of (text, language) pairs, joined by spaces: the column to index."""
    return " ".join(_analysed(text, language) for text, language in texts)


def query(text: str) -> Query:
    """The words somebody typed, in any language; no character has a special meaning.

    Text without a letter or digit gives a query without words, which nothing matches.
    """
    typed = [clause for chunk in _chunks(text) for clause in _clauses(chunk)]
    wanted = [alternatives for word, alternatives in typed if word not in _STOP_WORDS]
    words = dict.fromkeys(wanted or (alternatives for _, alternatives in typed))
    return Query(tuple(words)[:MAX_QUERY_WORDS])


def fts5_match(query: Query) -> str:
    """The right-hand side of an FTS5 MATCH; without words it matches nothing."""
    if not query.words:
        return '""'  # to FTS5 an empty string is a syntax error
    return " AND ".join("(" + " OR ".join(f'"{token}"' for token in word) + ")" for word in query.words)


def tsquery(query: Query) -> str:
    """The text for PostgreSQL's to_tsquery('simple', ...); without words it matches nothing."""
    return " & ".join("(" + " | ".join(f"'{token}'" for token in word) + ")" for word in query.words)


def _analysed(text: str, language: str) -> str:
    primary = language[:2].lower() if language[2:3] in ("", "-") else ""
    known = primary if primary in _LATIN_LANGUAGES else ""
    cached = _CACHED_CHUNK_TOKENS[known]
    found = [
        cached(chunk) if len(chunk) <= _CACHED_CHUNK_LETTERS else _chunk_tokens(known, chunk) for chunk in _chunks(text)
    ]
    return " ".join(found)


def _chunks(text: str) -> list[str]:
    # Few texts have an identifier such as "COP 6"; where none does, splitting says the same three times as fast.
    return _CHUNK.findall(text) if _SPACED_IDENTIFIER.search(text) else text.split()


def _chunk_tokens(language: str, chunk: str) -> str:
    found: list[str] = []
    for parts, _ in _compounds(chunk):
        for word in (*parts, *_joined(parts)):
            found += _forms(word, language)
    return " ".join(found)


# One cache a language: a cache with a single string for a key answers in half the time.
_CACHED_CHUNK_TOKENS = {
    language: lru_cache(_CACHED_WORDS // 4)(partial(_chunk_tokens, language)) for language in ("", *_LATIN_LANGUAGES)
}


def _clauses(chunk: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each word of a query with its alternatives.

    An identifier or a CJK run has to stand in the document as typed, so its pairs
    are wanted; "clearing-house" may also be written apart or as one word.
    """
    for parts, exact in _compounds(chunk):
        pairs = _joined(parts)
        if exact and pairs:
            yield from ((pair, _forms(pair, "")) for pair in pairs)
            continue
        for place, part in enumerate(parts):
            neighbours = pairs[max(place - 1, 0) : place + 1]
            yield part, tuple(dict.fromkeys(form for word in (part, *neighbours) for form in _forms(word, "")))


def _compounds(chunk: str) -> Iterator[tuple[list[str], bool]]:
    """The compounds of a chunk: their folded parts, and whether the neighbourhood of the parts carries the meaning."""
    for match in _COMPOUND.finditer(_clean(chunk)):
        compound = match.group()
        if re.match(f"[{_CJK}]", compound):
            yield list(compound), True
            continue
        parts = [_folded(part[:MAX_PART_LETTERS]) for part in _PARTS.findall(compound)]
        yield parts, " " not in compound and any(part.isdecimal() for part in parts)


def _clean(chunk: str) -> str:
    """A chunk in lower case and compatibility form, without vowel marks, tatweel, elided and possessive letters."""
    if not chunk.isascii():
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", chunk).casefold())
        chunk = "".join(c for c in folded if c != "\u0640" and unicodedata.category(c) not in ("Mn", "Mc", "Me", "Cf"))
        chunk = chunk.translate(_APOSTROPHES)
    chunk = chunk.lower()
    if "'" in chunk:
        chunk = _POSSESSIVE.sub("", _ELISION.sub("", chunk))
    return chunk


def _folded(part: str) -> str:
    if part.isascii():
        return part
    if part.isdecimal():
        return "".join(str(unicodedata.decimal(digit)) for digit in part)
    if _is_latin(part):
        decomposed = unicodedata.normalize("NFKD", part.translate(_LATIN_LETTERS))
        return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return part


def _is_latin(word: str) -> bool:
    return word[0] < "\u0250" or "\u1e00" <= word[0] < "\u1f00"


def _joined(parts: list[str]) -> list[str]:
    """Each part with its right neighbour, as one word.

    Two numbers keep a mark between them ("4/23" is not "423") that is a letter, as no engine splits there.
    """
    return [
        f"n{left}n{right}" if left.isdecimal() and right.isdecimal() else left + right
        for left, right in pairwise(parts)
    ]


@lru_cache(_CACHED_WORDS)
def _forms(word: str, language: str) -> tuple[str, ...]:
    """The index forms of a folded word; more than one where its grammar is in doubt."""
    if not word.isalpha():
        return (word,)
    with _STEMMING:
        if _is_latin(word):
            return tuple(
                dict.fromkeys(_latin_stem(word, code) for code in ([language] if language else _LATIN_LANGUAGES))
            )
        if "\u0400" <= word[0] < "\u0530":
            return (_stem(word, "ru").translate(_CYRILLIC_LETTERS),)
        if "\u0600" <= word[0] < "\u0700":
            return tuple(dict.fromkeys(_arabic_stems(word)))
    return (word,)


def _stem(word: str, code: str) -> str:
    # A word that is nothing but endings keeps its letters.
    return str(_STEMMERS[code].stemWord(word)) or word


def _latin_stem(word: str, code: str) -> str:
    if _PLURAL_ACRONYM.fullmatch(word):
        return word[:-1]
    stem = _stem(word, code)
    return _FRENCH_REST.sub("", stem) if code == "fr" else stem


def _arabic_stems(word: str) -> Iterator[str]:
    """The stem of the word as a noun, and the readings with a joined particle or pronoun.

    The stemmer removes noun endings reliably only from a word with the article
    (ملوثات and الملوثات differ otherwise), so each noun is given one.
    """
    bare = _ARABIC_ARTICLE.sub("", word)
    readings = [bare]
    if bare == word and _ARABIC_PARTICLE.match(word):
        readings.append(word[1:])
    owned = filter(None, map(_ARABIC_PRONOUN.match, readings))
    readings += [_ARABIC_JOINED_TEH.sub("ة", match.group(1)) for match in owned]
    for reading in readings:
        stem = _stem("ال" + reading, "ar").translate(_ARABIC_LETTERS)
        yield stem.removeprefix("ال") or stem
