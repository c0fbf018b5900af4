"""Made-up records for measuring: three languages, about 23 triples each, the same at every run."""

import random
from collections.abc import Iterator

from chm_node.publishing import identifier_of, record_iri, with_defaults
from chm_node.record import Record
from chm_node.record_types import RECORD_TYPES
from chm_node.settings import Settings

_ENGLISH = """
pollutant inventory workshop region mercury waste coast wetland species target report laboratory analysis training plan
indicator stock disposal water soil forest trade permit network review capacity project
"""
_FRENCH = """
polluants inventaire atelier région mercure déchets littoral zone humide espèces objectif rapport analyse laboratoire
formation plan indicateur stock élimination eau sol forêt commerce permis réseau examen
"""
_ARABIC = """
ملوثات جرد ورشة إقليم زئبق نفايات ساحل أراض رطبة أنواع هدف تقرير مختبر تحليل تدريب خطة مؤشر مخزون مياه تربة غابة
"""
_WORDS = {"en": _ENGLISH.split(), "fr": _FRENCH.split(), "ar": _ARABIC.split()}
_TYPES = ("document", "news", "toolkit", "dataset")
_TREATIES = ("stockholm", "basel", "rotterdam", "minamata", "cbd")
_SUBJECTS = ("SDG-06", "SDG-12", "SDG-14", "SDG-15", "PCB")
_COUNTRIES = ("DZ", "TN", "MA", "EG", "LY", "MR")


def synthetic(settings: Settings, count: int) -> Iterator[Record]:
    """``count`` valid records under the node's URI space."""
    dice = random.Random(20261125)
    for number in range(count):
        name = _TYPES[number % len(_TYPES)]
        record_type = RECORD_TYPES[name]
        iri = record_iri(settings, name, identifier_of(settings, f"bench-{number}"))
        yield record_type.record(iri, with_defaults(_values(dice, number), settings))


def _values(dice: random.Random, number: int) -> dict[str, object]:
    return {
        "title": {language: _sentence(dice, language, 7, number) for language in _WORDS},
        "summary": {language: _sentence(dice, language, 25, number) for language in _WORDS},
        "languages": list(_WORDS),
        "number": [f"BENCH/{number}"],
        "government": dice.choice(_COUNTRIES),
        "coverage": dice.sample(_COUNTRIES, 2),
        "treaties": dice.sample(_TREATIES, 2),
        "subjects": dice.sample(_SUBJECTS, 2),
        "created": f"20{10 + number % 16}-0{1 + number % 9}-1{number % 10}",
        "links": [f"https://chm.example.org/page/{number}"],
    }


def _sentence(dice: random.Random, language: str, length: int, number: int) -> str:
    return " ".join([*dice.choices(_WORDS[language], k=length), str(number)])
