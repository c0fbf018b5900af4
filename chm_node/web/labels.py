"""How values read in the reader's language: texts, terms, dates, numbers, sizes. Decides; touches nothing.

Interface texts and field labels come from gettext (``translations/``), names of record types, treaties,
countries and subjects from the vocabularies.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from babel.dates import format_date, format_interval, format_skeleton
from babel.numbers import format_decimal
from flask_babel import gettext
from markupsafe import Markup, escape

from chm_node.namespaces import LANGUAGE, UNIT, VOCABULARY
from chm_node.record_types import RECORD_TYPES
from chm_node.text import clean_html
from chm_node.vocabulary import vocabularies
from chm_node.web.languages import direction, language_name, locale_of

Day = date  # inside ``Reader``, whose method has its name, the type would be hidden

_TAG = re.compile(r"</?[a-z][a-z0-9]*[\s/>]", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")

#: Signs of the QUDT units that stocks, areas and indicators are counted in.
_UNIT_SIGNS = {
    "TONNE": "t",
    "KiloTONNE": "kt",
    "KiloGM": "kg",
    "GM": "g",
    "LITRE": "L",
    "L": "L",
    "M3": "m³",
    "HA": "ha",
    "KiloM2": "km²",
    "M2": "m²",
    "PERCENT": "%",
}


@dataclass(frozen=True)
class Words:
    """A text with the language it is in; ``fallback`` when that is not the reader's."""

    text: str
    language: str
    fallback: bool = False

    @property
    def direction(self) -> str:
        """For ``dir``: certain when the language is known."""
        return direction(self.language) if self.language else "auto"

    @property
    def html(self) -> Markup:
        """The text with its paragraphs."""
        return paragraphs(self.text)


@dataclass(frozen=True)
class Label:
    """A term's name; ``machine`` when a machine translated it, ``unknown`` when it is an IRI no vocabulary has."""

    words: Words
    machine: bool = False
    unknown: bool = False


class Reader:
    """Someone who reads the site in one language, and falls back to the node's others."""

    def __init__(self, language: str, languages: Iterable[str]) -> None:
        self.language = language
        self._chain = tuple(dict.fromkeys((language, *languages)))
        self._locale = locale_of(language)

    def pick(self, texts: Mapping[str, str], original: str = "") -> Words:
        """The text to show: the reader's language, the node's default, the original's, English, or any."""
        wanted = (self.language, *self._chain[1:2], original, *self._chain[2:], "en")
        # A regional variety (fr-ca) is still the reader's language.
        chosen = next((tag for each in wanted if each for tag in texts if each in (tag, tag.split("-")[0])), "")
        chosen = chosen or next(iter(texts), "")
        if chosen in ("", "und"):
            return Words(texts.get(chosen, ""), "")
        return Words(texts[chosen], chosen, chosen.split("-")[0] != self.language)

    def pick_any(self, texts: Mapping[str, str | Sequence[str]], original: str = "") -> Words:
        """As ``pick``, also for several texts a language."""
        joint = gettext(", ")
        single = {language: text if isinstance(text, str) else joint.join(text) for language, text in texts.items()}
        return self.pick(single, original)

    def term(self, value: str) -> Label:
        """The name of a term by IRI or facet value; a term nobody knows reads as it came."""
        term = vocabularies().term(value if ":" in value else f"{VOCABULARY}{value}")
        if term is None:
            sign = _unit_sign(value)
            return Label(Words(sign, ""), unknown=sign.startswith(("http:", "https:", "urn:")))
        text, language = term.label(self._chain)
        return Label(Words(text, language, language != self.language), machine=language in term.machine)

    def type_name(self, name: str) -> str:
        """The name of a record type."""
        term = vocabularies().term(f"{VOCABULARY}record-types/{name}")
        if term is not None:
            return term.label(self._chain)[0]
        return str(gettext(RECORD_TYPES[name].label if name in RECORD_TYPES else "Record"))

    def facet_value(self, facet: str, value: str) -> Label:
        """The name of one value of a filter."""
        if facet == "type":
            return Label(Words(self.type_name(value), self.language))
        if facet == "language":
            return Label(Words(self.language_name(value), self.language))
        return self.term(value)

    def language_name(self, code: str) -> str:
        """The name of a language."""
        return language_name(code.removeprefix(str(LANGUAGE)), self.language)

    def date(self, text: str) -> str:
        """An ISO 8601 day, month, year or moment as people write it; anything else as it came."""
        try:
            if _DAY.match(text):
                return format_date(date.fromisoformat(text), "long", locale=self._locale)
            if re.fullmatch(r"\d{4}-\d{2}", text):
                return format_skeleton("yMMMM", date.fromisoformat(f"{text}-01"), locale=self._locale)
            return self.moment(datetime.fromisoformat(text)) if "T" in text else text
        except ValueError:
            return text

    def period(self, starts: str, ends: str) -> str:
        """From the first to the last day, short, without saying month or year twice."""
        if not ends or starts == ends:
            return self.day(date.fromisoformat(starts)) if _is_day(starts) else self.date(starts)
        if _is_day(starts) and _is_day(ends):
            days = date.fromisoformat(starts), date.fromisoformat(ends)
            return str(format_interval(*days, "yMMMd", locale=self._locale))
        # Isolated from each other: in Arabic, "UTC" would else draw the day of the second end to itself.
        return " – ".join(f"\u2068{self.date(each)}\u2069" for each in (starts, ends))

    def day(self, moment: Day) -> str:
        """The day of a moment, short."""
        return str(format_skeleton("yMMMd", moment, locale=self._locale))

    def moment(self, moment: datetime) -> str:
        """A moment to the minute, with the zone spelled out where it has one."""
        zone = f" {moment:%Z}" if moment.tzinfo else ""
        day = format_date(moment, "d MMMM y", locale=self._locale)
        return f"{day}{gettext(', ')}{moment:%H:%M}{zone}"

    def number(self, value: int | Decimal) -> str:
        """A number with the separators of the language, never rounded."""
        return format_decimal(value, locale=self._locale, decimal_quantization=False)

    def size(self, count: int | Decimal) -> str:
        """A file size to two figures, in decimal units as a reader's device counts them."""
        for unit, factor in ((gettext("GB"), 10**9), (gettext("MB"), 10**6), (gettext("KB"), 10**3)):
            if count >= factor:
                value = Decimal(count) / factor
                return f"{self.number(round(value, 1) if value < 10 else round(value))} {unit}"
        return self.number(count) + " " + str(gettext("bytes"))


def lead(*, is_hub: bool) -> str:
    """What this node is for, in the language of the page."""
    if is_hub:
        return str(
            gettext(
                "One place to find what national clearing-houses publish on biodiversity, chemicals and waste: "
                "harvested from every node, shown as its owner signed it."
            )
        )
    return str(
        gettext(
            "News, events, decisions, reports and data on biodiversity, chemicals and waste, published by the national "
            "focal point and open to all."
        )
    )


def paragraphs(text: str) -> Markup:
    """A text as HTML: cleaned where it is HTML already, else one paragraph for each block of lines."""
    if _TAG.search(text):
        return Markup(clean_html(text))  # noqa: S704  cleaned against a short list of tags
    blocks = (block.strip() for block in re.split(r"\n\s*\n", text))
    return Markup("").join(
        Markup("<p>{}</p>").format(Markup("<br>").join(escape(line) for line in block.split("\n")))
        for block in blocks
        if block
    )


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.match(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _unit_sign(value: str) -> str:
    if value == UNIT.NUM:
        return str(gettext("number"))
    return _UNIT_SIGNS.get(value.removeprefix(str(UNIT)), value) if value.startswith(str(UNIT)) else value
