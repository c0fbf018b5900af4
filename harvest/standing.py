"""How our records stand at a hub: its receipts beside our own catalogue. Decides; touches nothing.

What a hub says is a stranger's text until it was read here, which happens in a sandboxed child.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from urllib.parse import urljoin

from chm_node.errors import ParseError
from chm_node.record import parse_timestamp
from chm_node.text import clean_text
from harvest.reasons import REASONS

MAX_PAGE_BYTES = 5 * 1024 * 1024
_MAX_RECEIPTS, _MAX_TEXT = 5000, 1000
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_OURS = {verdict.value: sentences for verdict, sentences in REASONS.items()}


class Light(Enum):
    """How a record stands, best first."""

    GREEN = "green"  #: the hub has our version
    AMBER = "amber"  #: it has an older one, or has not seen the record yet
    RED = "red"  #: it refused our version, or has one that we do not have


@dataclass(frozen=True)
class Told:
    """What a hub says of one record."""

    iri: str
    digest: str  #: of the version it was offered; empty when it had nothing to hash
    refused: bool
    reason: str  #: reason code
    sentences: Mapping[str, str]  #: language to sentence, in the hub's words
    detail: str
    held: str  #: digest of the version it has; empty for none
    received: datetime | None = None  #: when it said so; None when it does not tell
    held_version: datetime | None = None  #: UTC; None when it does not say


@dataclass(frozen=True)
class ToldPage:
    """One page of a hub's receipts."""

    node: str  #: whose records they are about
    receipts: tuple[Told, ...]
    next: str  #: address of the next page; empty on the last


@dataclass(frozen=True)
class Own:
    """One of our records as we publish it."""

    iri: str
    titles: Mapping[str, str]
    digest: str
    withdrawn: bool
    version: datetime


@dataclass(frozen=True)
class Standing:
    """How one record stands at a hub."""

    iri: str
    light: Light
    titles: Mapping[str, str] = field(default_factory=dict)
    older: bool = False  #: the hub has a version, but not our newest
    told: Told | None = None
    ahead: bool = False  #: the hub has a version of ours that we do not have: our database was restored

    def reason(self, language: str) -> str:
        """Why it was refused, in our words where we have some: the hub may say what it likes."""
        if not self.told:
            return ""
        sentences = _OURS.get(self.told.reason, self.told.sentences)
        return sentences.get(language) or sentences.get("en") or self.told.reason


def compare(own: Iterable[Own], told: Mapping[str, Told], uri_space: str) -> list[Standing]:
    """Every record of ours with its light, and whatever else the hub refused of us or has of us; worst first."""
    ours = {each.iri: each for each in own}
    found = [_standing(each, told.get(iri)) for iri, each in ours.items() if iri in told or not each.withdrawn]
    # A page of our log that could not be read, or a record that we only passed on.
    found += [
        Standing(each.iri, Light.RED, told=each) for each in told.values() if each.refused and each.iri not in ours
    ]
    lost = (each for each in told.values() if each.held and not each.refused and each.iri not in ours)
    found += [Standing(each.iri, Light.RED, ahead=True) for each in lost if each.iri.startswith(uri_space)]
    lights = list(Light)
    return sorted(found, key=lambda each: (-lights.index(each.light), each.iri))


def read_receipts(data: bytes, _media_type: str, address: str) -> ToldPage:
    """One page of a hub's receipts; raises ParseError."""
    if len(data) > MAX_PAGE_BYTES:
        raise ParseError(f"{address} is larger than {MAX_PAGE_BYTES // 1024 // 1024} MiB")
    try:
        document = json.loads(data)
        listed = document["receipts"]
        if not isinstance(listed, list) or len(listed) > _MAX_RECEIPTS:
            raise ValueError(f"it is no list of at most {_MAX_RECEIPTS} receipts")
        following = document.get("next") or ""
        return ToldPage(
            node=_text(document["node"]),
            receipts=tuple(map(_told, listed)),
            next=urljoin(address, _text(following)) if following else "",
        )
    except (ValueError, OverflowError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ParseError(f"{address} is no list of receipts: {error}") from error


def _standing(own: Own, told: Told | None) -> Standing:
    if told and told.held == own.digest:
        return Standing(own.iri, Light.GREEN, own.titles)
    if told and told.held and told.held_version and told.held_version > own.version:
        return Standing(own.iri, Light.RED, own.titles, ahead=True)
    if told and told.refused and told.digest in (own.digest, ""):
        return Standing(own.iri, Light.RED, own.titles, bool(told.held), told)
    return Standing(own.iri, Light.AMBER, own.titles, bool(told and told.held))


def _told(entry: Any) -> Told:  # Any: whatever JSON can say
    refused = entry["verdict"] != "accepted"
    reason = (entry.get("reason") or {}) if refused else {}
    held = entry.get("held") or {}
    return Told(
        iri=_text(entry["record"]),
        digest=_digest(entry["hash"]),
        refused=refused,
        reason=_text(reason.get("code", ""))[:64],
        sentences={_text(language)[:35]: _text(text) for language, text in (reason.get("text") or {}).items()},
        detail=_text(entry.get("detail", "")),
        held=_digest(held.get("hash", "")),
        held_version=parse_timestamp(_text(held["version"])) if held.get("version") else None,
        received=parse_timestamp(_text(entry["received"])) if entry.get("received") else None,
    )


def _text(value: Any) -> str:  # Any: as in _told
    """A stranger's text on one line, without anything that could steer a terminal."""
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:50]!r} is no text")
    return " ".join(clean_text(value).split())[:_MAX_TEXT]


def _digest(value: Any) -> str:  # Any: as in _told
    text = _text(value)
    if text and not _HASH.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is no SHA-256 hash")
    return text
