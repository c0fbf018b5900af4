"""What is checked, by which section of which standard, and the level that follows. Decides; touches nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from harvest.checker.sentences import SENTENCES

_PROFILE = "CHM Federation Profile 1.0"
_DESCRIPTION, _TRUST, _RECORD, _LOG = (f"{_PROFILE}, section {number}" for number in ("4.1", "4.2", "4.3", "4.4"))
_FEEDS = "RFC 4287, RSS 2.0, RSS 1.0, JSON Feed 1.1"


class State(Enum):
    """How a check went."""

    PASSED = "passed"
    WARNING = "warning"  #: works, and could be better
    FAILED = "failed"
    NOT_APPLICABLE = "not-applicable"  #: nothing there to be checked, or no time left for it


class Level(Enum):
    """What a peer can be taken for (CHM Federation Profile 1.0, section 4.2)."""

    NONE = "none"
    L0 = "L0"  #: a readable feed or event stream, without a node
    L1 = "L1"  #: a node that describes itself and its log
    L2 = "L2"  #: a node whose records carry its proofs; only these travel more than one hop


#: Section of the standard by check, in the order of a report.
SECTIONS: Mapping[str, str] = {
    "address.answers": "RFC 9110, section 15.3.1",
    "address.https": _PROFILE,
    "description.found": _DESCRIPTION,
    "description.api-catalog": "RFC 9727, section 2",
    "description.void": f"{_DESCRIPTION}; VoID, section 7.2",
    "description.rdf": _DESCRIPTION,
    "description.node-iri": _DESCRIPTION,
    "description.uri-space": _DESCRIPTION,
    "description.key": f"{_DESCRIPTION}; Controlled Identifiers 1.0, section 2.2.2",
    "description.titles": _DESCRIPTION,
    "description.licence": _DESCRIPTION,
    "description.interfaces": _DESCRIPTION,
    "log.found": _LOG,
    "log.stream": f"{_LOG}; LDES 1.0",
    "log.paths": f"{_LOG}; LDES 1.0",
    "log.pages": f"{_LOG}; TREE, section 4",
    "log.order": _LOG,
    "log.bounds": f"{_LOG}; TREE, section 4",
    "log.immutable": f"{_LOG}; RFC 8246",
    "log.tombstones": f"{_PROFILE}, section 4.8; RFC 9110, section 15.5.11",
    "log.ends": f"{_LOG}; TREE, section 4",
    "records.authority": _TRUST,
    "records.proof": f"{_RECORD}; Data Integrity EdDSA Cryptosuites 1.0",
    "records.version": _RECORD,
    "records.licence": f"{_PROFILE}, section 4.9",
    "records.title": _RECORD,
    "records.content": _RECORD,
    "records.rules": _RECORD,
    "records.negotiation": f"{_PROFILE}, section 4.7; RFC 9110, section 12",
    "records.hash": f"{_RECORD}; RDFC-1.0",
    "caching.etag": "RFC 9110, section 8.8.3",
    "caching.not-modified": "RFC 9110, section 13.1.2",
    "caching.last-modified": "RFC 9110, section 8.8.2",
    "caching.gzip": "RFC 9110, section 8.4",
    "feeds.found": "HTML, section 4.6.7.1; RFC 9727",
    "feeds.well-formed": _FEEDS,
    "feeds.dates": "RFC 3339, RFC 5322",
    "feeds.ids": "RFC 4287, section 4.2.6",
    "feeds.language": "RFC 4287, section 2; BCP 47",
    "feeds.self": "RFC 4287, section 4.2.7",
    "feeds.direction": "BCP 47; HTML, section 3.2.6.4",
    "complete": _PROFILE,
}

_STREAM = ("log.found", "log.stream")
_NODE = ("description.found", "description.rdf", "description.node-iri", "description.uri-space", *_STREAM)
#: What must not be wrong with the log of a node; a new node's log may be empty.
_SOUND = ("log.paths", "log.pages", "log.order", "log.bounds", "log.ends", "records.authority")
_SIGNED = ("description.key", "records.proof")


@dataclass(frozen=True)
class Finding:
    """How one check went; ``seen`` are addresses and facts that show it, the first few."""

    check: str
    state: State
    seen: tuple[str, ...] = ()

    @property
    def section(self) -> str:
        return SECTIONS[self.check]

    def sentence(self, language: str) -> str:
        """What to do, for the web master."""
        return SENTENCES[self.check][language]


@dataclass(frozen=True)
class Report:
    """The result of checking one address: every check, in order."""

    address: str
    level: Level
    findings: tuple[Finding, ...]

    def having(self, state: State) -> list[Finding]:
        return [each for each in self.findings if each.state is state]


def report(address: str, found: Iterable[Finding]) -> Report:
    """The report; a check that nothing was found about is not applicable."""
    by_check = {each.check: each for each in found}
    findings = tuple(by_check.get(check) or Finding(check, State.NOT_APPLICABLE) for check in SECTIONS)
    return Report(address, level_of(findings), findings)


def level_of(findings: Sequence[Finding]) -> Level:
    """The highest level whose conditions are met."""
    passed = {each.check for each in findings if each.state is State.PASSED}
    failed = {each.check for each in findings if each.state is State.FAILED}
    if passed.issuperset(_NODE) and failed.isdisjoint(_SOUND):
        return Level.L2 if passed.issuperset(_SIGNED) else Level.L1
    readable = "feeds.well-formed" in passed or (passed.issuperset(_STREAM) and "log.pages" not in failed)
    return Level.L0 if readable else Level.NONE


def as_json(found: Report) -> dict[str, Any]:  # any JSON value
    """The report for other programs, with the sentences in every language."""
    return {
        "address": found.address,
        "level": found.level.value,
        "findings": [
            {
                "check": each.check,
                "state": each.state.value,
                "section": each.section,
                "sentence": dict(SENTENCES[each.check]),
                "seen": list(each.seen),
            }
            for each in found.findings
        ],
    }


def as_text(found: Report, language: str) -> str:
    """The report for a terminal or an e-mail: what was looked at, and what to do where something is wrong."""
    lines = []
    for each in found.findings:
        if each.state is State.NOT_APPLICABLE:
            continue
        lines.append(f"{each.state.value:8} {each.check}")
        if each.state is not State.PASSED:
            lines.append(f"         {each.sentence(language)} ({each.section})")
            lines += [f"         - {seen}" for seen in each.seen]
    return "\n".join([*lines, f"level    {found.level.value}"]) + "\n"


def from_json(document: Mapping[str, Any]) -> Report:  # any JSON value
    """A report that ``as_json`` wrote; checks that an earlier release knew are left out."""
    findings = [
        Finding(each["check"], State(each["state"]), tuple(each["seen"]))
        for each in document["findings"]
        if each["check"] in SECTIONS
    ]
    return Report(document["address"], Level(document["level"]), tuple(findings))
