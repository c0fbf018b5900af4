"""What a hub says of our request, read in a sandboxed child. Decides; touches nothing."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from chm_node.errors import ParseError
from chm_node.foreign import read_json
from chm_node.text import clean_text

_MAX_TEXT = 1000
#: The states of a request that a hub may tell.
STATES = ("queued", "waiting", "approved", "rejected", "refused", "withdrawn")


@dataclass(frozen=True)
class Told:
    """The state of one request."""

    state: str
    summary: str  #: why, in words


def read_state(data: bytes, _media_type: str, address: str) -> Told:
    """The state at a request's own address; raises ParseError."""
    document = read_json(data)
    state = document.get("state") if isinstance(document, dict) else None
    if state not in STATES:
        raise ParseError(f"{address} does not tell the state of a request")
    return Told(state, _text(document.get("summary")))


def problem_of(body: bytes) -> str:
    """What a problem (RFC 9457) says, on one line; empty when it is none. Cheap, for a few KiB of a known hub."""
    try:
        return _text(json.loads(body[: _MAX_TEXT * 16]).get("detail"))
    except (ValueError, AttributeError, RecursionError):
        return ""


def location_of(inbox: str, stated: str) -> str:
    """The address of our request as a Location header states it; empty when there is none."""
    try:
        return urljoin(inbox, _text(stated)) if stated else ""
    except ValueError:
        return ""


def _text(value: Any) -> str:  # any JSON value
    """A stranger's text on one line, without anything that could steer a terminal."""
    return " ".join(clean_text(value).split())[:_MAX_TEXT] if isinstance(value, str) else ""
