"""What people read in French and in Arabic is set by the rules of the language, and has one word for one thing."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from chm_node.vocabulary import vocabularies
from chm_node.web.feed_entry import NEWS
from harvest.checker.sentences import SENTENCES
from harvest.joining.refusals import REFUSALS
from harvest.reasons import REASONS

WEB = Path(__file__).parents[2] / "chm_node" / "web"
UNSET_FRENCH = re.compile(r"(?<!\u00a0)[:;?!»](?=[\s.,)]|$)|«(?!\u00a0)|\d %")
#: What is written as a program reads it.
CODE = re.compile(r"Cache-Control: ")
UNSET_ARABIC = {
    "a Latin comma or mark": r"(?<=[\u0600-\u06ff])[,;?]",
    "a stretched letter": "\u0640",
    "a tanwin after its alif": "\u0627\u064b",
}
#: Words that were once used beside that of the glossary.
SYNONYMS = {
    "feed": r"موجز|تغذي",
    "server": "خادوم",
    "log entry": "قيدة",
}


def interface(language: str) -> Iterator[str]:
    """Every text of the interface in this language, and every sentence that the node says of records and peers."""
    with (WEB / "translations" / language / "LC_MESSAGES" / "messages.po").open("rb") as readable:
        for message in read_po(readable):
            forms = message.string if isinstance(message.string, tuple) else (message.string,)
            yield from (str(form) for form in forms if message.id)
    for told in (
        *REASONS.values(),
        *SENTENCES.values(),
        *NEWS.values(),
        *(each.sentences for each in REFUSALS.values()),
    ):
        yield told[language]


def labels(language: str) -> Iterator[str]:
    """The label of every term."""
    for key in vocabularies():
        yield from (term.labels[language] for term in vocabularies()[key].terms.values())


def test_french_marks_stand_off_by_a_blank_that_does_not_break():
    texts = [*interface("fr"), *labels("fr")]
    assert [text for text in texts if UNSET_FRENCH.search(CODE.sub("", text))] == []


@pytest.mark.parametrize("fault", UNSET_ARABIC)
def test_arabic_of_the_interface_has_no(fault):
    assert [text for text in interface("ar") if re.search(UNSET_ARABIC[fault], text)] == []


@pytest.mark.parametrize("thing", SYNONYMS)
def test_arabic_has_one_word_for_a(thing):
    assert [text for text in interface("ar") if re.search(SYNONYMS[thing], text)] == []


def test_no_template_sets_a_colon_without_asking_the_language():
    templates = (WEB / "templates").glob("*.html")
    assert [
        path.name for path in templates if re.search(r"\)\s*}}(?:</\w+>)*:", path.read_text(encoding="utf-8"))
    ] == []
