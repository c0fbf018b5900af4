"""A request to the WebSub hub, read and bounded; and how what it sends is signed. Decides; touches nothing."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from chm_node.errors import BadQueryError
from chm_node.http_guard import FetchPolicy, address_problem
from chm_node.text import host_of

SUBSCRIBE, UNSUBSCRIBE = "subscribe", "unsubscribe"
MODES = (SUBSCRIBE, UNSUBSCRIBE)
#: Of a topic or a callback.
MAX_ADDRESS_CHARACTERS = 2048
#: Of a secret (WebSub §5.1: less than 200 bytes).
MAX_SECRET_BYTES = 199
SHORTEST_LEASE = timedelta(minutes=5)
USUAL_LEASE = timedelta(days=10)
LONGEST_LEASE = timedelta(days=30)
_DIGITS = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True)
class Wish:
    """What a request asks of the hub."""

    mode: str  #: subscribe or unsubscribe
    topic: str  #: as the request wrote it
    callback: str
    lease: timedelta  #: within bounds, whatever was asked for
    secret: str  #: empty for none

    @property
    def host(self) -> str:
        return host_of(self.callback).lower()


def read_wish(form: Iterable[tuple[str, str]], own_host: str, policy: FetchPolicy) -> Wish:
    """The wish of a form; parameters that WebSub does not know are passed over. Raises BadQueryError."""
    found: dict[str, str] = {}
    for name, value in form:
        if name.startswith("hub.") and name in found:
            raise BadQueryError(name, "can be given once")
        found[name] = value
    mode = found.get("hub.mode", "")
    if mode not in MODES:
        raise BadQueryError("hub.mode", "this hub tells of its own feeds by itself; it can", MODES)
    return Wish(
        mode,
        _topic(found.get("hub.topic", "")),
        _callback(found.get("hub.callback", ""), own_host, policy),
        _lease(found.get("hub.lease_seconds", "")),
        _secret(found.get("hub.secret", "")),
    )


def extended(callback: str, parameters: dict[str, str]) -> str:
    """The callback with further parameters in its query, its own kept as they are (WebSub §5.3)."""
    return f"{callback}{'&' if '?' in callback else '?'}{urlencode(parameters)}"


def signature(secret: str, body: bytes, method: str = "sha256") -> str:
    """The value of ``X-Hub-Signature`` (WebSub §7.1)."""
    return f"{method}={hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()}"


def _topic(text: str) -> str:
    if not _is_address(text):
        raise BadQueryError("hub.topic", "write the address of a feed of this node, as its link rel=self has it")
    return text


def _callback(text: str, own_host: str, policy: FetchPolicy) -> str:
    if not _is_address(text):
        raise BadQueryError(
            "hub.callback", f"write a full address, at most {MAX_ADDRESS_CHARACTERS} ASCII characters, without fragment"
        )
    if problem := address_problem(text, policy):
        raise BadQueryError("hub.callback", problem)
    if host_of(text).lower() == own_host:
        raise BadQueryError("hub.callback", "lies on this node itself")
    return text


def _is_address(text: str) -> bool:
    plain = text.isascii() and text.isprintable() and not {" ", "#"}.intersection(text)
    return bool(text) and plain and len(text) <= MAX_ADDRESS_CHARACTERS


def _lease(text: str) -> timedelta:
    if not text:
        return USUAL_LEASE
    if not _DIGITS.fullmatch(text) or not int(text):
        raise BadQueryError("hub.lease_seconds", "write a whole number of seconds, more than none")
    longest = int(LONGEST_LEASE.total_seconds())
    return max(SHORTEST_LEASE, timedelta(seconds=min(int(text), longest)))


def _secret(text: str) -> str:
    # PostgreSQL stores no NUL.
    if len(text.encode()) > MAX_SECRET_BYTES or "\0" in text:
        raise BadQueryError("hub.secret", f"at most {MAX_SECRET_BYTES} bytes, none of them NUL")
    return text
