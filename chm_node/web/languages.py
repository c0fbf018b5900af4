"""The languages of the interface: which one a page is in, which way it runs, what each is called in itself."""

from collections.abc import Sequence
from pathlib import Path

from babel import Locale, UnknownLocaleError
from flask import Flask, has_request_context, request
from flask_babel import Babel
from werkzeug.datastructures import LanguageAccept

from chm_node.text import is_rtl

#: What each language of the interface calls itself.
NAMES = {"en": "English", "fr": "Français", "ar": "العربية"}
#: "en" alone would put the month before the day.
_LOCALES = {"en": "en_GB"}
_TRANSLATIONS = Path(__file__).parent / "translations"


def install(app: Flask, languages: tuple[str, ...]) -> None:
    """Have every interface text of the app translated into the language of the page."""

    def selected() -> str:
        return page_language(languages) if has_request_context() else languages[0]

    Babel(app, default_translation_directories=str(_TRANSLATIONS), locale_selector=selected)


def page_language(languages: Sequence[str]) -> str:
    """The language of the current page: what its path says, else what the reader likes best."""
    named = request.path.split("/")[1]
    return named if named in languages else preferred(request.accept_languages, languages)


def preferred(accepted: LanguageAccept, languages: Sequence[str]) -> str:
    """The language of ours that the reader likes best; the node's own when there is none.

    A reader who asks for ``fr-DZ`` reads French, whatever comes after it in the list (RFC 4647 §3.4).
    """
    liked = (tag.split("-")[0].lower() for tag, quality in accepted if quality > 0)
    return next((language for language in liked if language in languages), languages[0])


def direction(language: str) -> str:
    """Which way a language runs, as HTML says it."""
    return "rtl" if is_rtl(language) else "ltr"


def locale_of(language: str) -> Locale:
    """How dates, numbers and names of languages are written."""
    return Locale.parse(_LOCALES.get(language, language))


def language_name(code: str, reader: str) -> str:
    """The name of a language in the language of the reader, the code when it has none."""
    names = locale_of(reader).languages
    return str(names.get(code.replace("-", "_")) or names.get(code.split("-")[0]) or code)


def own_name(code: str) -> str:
    """What a language calls itself, the code when nobody knows."""
    if code in NAMES:
        return NAMES[code]
    try:
        return Locale.parse(code, sep="-").get_language_name() or code
    except (ValueError, UnknownLocaleError):
        return code
