"""Links between rows written in words: ``from ws-x``, ``recalls MC-3/11``, ``→ 3 recommendations``."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chm_node.importing.draft import Draft

_COLUMN = "relations"

#: What stands before the name of another row, and the fields that say so; ``related`` takes the rest.
_LINKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("from ", ("derived_from",)),
    ("result of ", ("derived_from",)),
    ("recalls ", ("recalls",)),
    ("cites ", ("cites",)),
    ("validated at ", ("validated_at",)),
    ("established by ", ("legal_basis",)),
    ("creates ", ("creates",)),
    ("parent: ", ("parent",)),
    ("hosted by ", ("linked",)),
)
#: What stands before a text that a field takes as it is.
_TEXTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("verb ", ("verbs",)),
    ("condition: ", ("condition",)),
    ("deadline ", ("deadline",)),
    ("due ", ("deadline",)),
)


@dataclass(frozen=True)
class Names:
    """What other rows of the file are called."""

    iris: Mapping[str, str]  #: slug, number or symbol to IRI
    results: Mapping[str, Sequence[str]] = field(
        default_factory=dict
    )  #: slug to IRIs of the rows that come ``from`` it

    def iris_in(self, text: str) -> list[str]:
        """The rows a text names, in its order."""
        words = re.findall(r"[^\s,;:()]+", text)
        return list(dict.fromkeys(self.iris[word] for word in words if word in self.iris))


def read_relations(draft: Draft, slug: str, text: str, names: Names) -> None:
    """Read the parts between semicolons; what says more than a link also stays a note."""
    for part in filter(None, (each.strip() for each in text.split(";"))):
        if _read_text(draft, part) or _read_results(draft, slug, part, names):
            continue
        link = next((each for each in _LINKS if part.startswith(each[0])), ("", ()))
        iris = names.iris_in(part)
        for iri in iris:
            draft.put((*link[1], "related"), iri, _COLUMN)
        if not iris or not _is_plain(part.removeprefix(link[0]), names):
            draft.note("Relations", part)


def sources_in(text: str) -> Iterator[str]:
    """The slugs a row comes ``from``."""
    for part in text.split(";"):
        if match := re.fullmatch(r"\s*from ([\w-]+)\s*", part):
            yield match[1]


def _read_text(draft: Draft, part: str) -> bool:
    for start, fields in _TEXTS:
        if part.startswith(start):
            text = part.removeprefix(start)
            if fields == ("verbs",):
                return draft.put(fields, text, _COLUMN)
            value = {"event_name": {"en": text}} if fields == ("deadline",) else {"en": text}
            return draft.put(fields, value, _COLUMN)
    if part.startswith("serves ") and draft.has("serves"):
        for country in part.split()[1:]:
            draft.put(("serves",), country, _COLUMN)
        return True
    return False


def _read_results(draft: Draft, slug: str, part: str, names: Names) -> bool:
    """``→ 3 recommendations``: the rows that say they come from this one."""
    results = names.results.get(slug, ())
    counted = re.fullmatch(r"→ (\d+) recommendations?", part)
    if not counted or int(counted[1]) != len(results):
        return False
    for iri in results:
        draft.put(("related",), iri, _COLUMN)
    return True


def _is_plain(text: str, names: Names) -> bool:
    """Whether the text holds nothing but names of other rows."""
    words: Iterable[str] = re.findall(r"[^\s,→]+", text)
    return all(word in names.iris for word in words)
