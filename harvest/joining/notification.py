"""Notifications (ActivityStreams 2.0) as this profile writes and reads them. Decides; touches nothing.

They are read as the JSON that the specification defines (its §2), so nothing is expanded and no context is ever needed:
only contexts known by name may stand there, for any other could give the words another meaning.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chm_node.errors import ParseError, RefusedNotificationError
from chm_node.foreign import MAX_IRI_CHARACTERS, read_json
from chm_node.namespaces import ACTIVITY_STREAMS
from chm_node.text import clean_text, host_of, valid_iri

MEDIA_TYPE = "application/ld+json"
MEDIA_TYPES = (MEDIA_TYPE, "application/activity+json")
MAX_BYTES = 16 * 1024
#: Contexts that change nothing of what is read here.
CONTEXTS = frozenset((ACTIVITY_STREAMS, "https://w3id.org/security/data-integrity/v2", "https://coar-notify.net"))
OFFER, UPDATE, UNDO, ACCEPT, REJECT = "Offer", "Update", "Undo", "Accept", "Reject"
KINDS = frozenset((OFFER, UPDATE, UNDO, ACCEPT, REJECT))
_MAX_SUMMARY = 1000


@dataclass(frozen=True)
class Notification:
    """One activity; what it says is proven by the signature of the request alone."""

    kind: str
    id: str
    actor: str  #: node IRI of the sender
    object: str  #: the sender's node, or the offer that is undone, accepted or rejected
    target: str  #: node IRI of the receiver
    summary: str = ""  #: why, for a person

    def body(self) -> bytes:
        """The notification as it is sent."""
        stated = {
            "@context": ACTIVITY_STREAMS,
            "type": self.kind,
            "id": self.id,
            "actor": self.actor,
            "object": self.object,
            "target": self.target,
        }
        if self.summary:
            stated["summary"] = self.summary
        return json.dumps(stated, ensure_ascii=False).encode()


def read_notification(body: bytes) -> Notification:
    """What a body says; raises RefusedNotificationError."""
    try:
        document = read_json(body)
    except ParseError as error:
        raise RefusedNotificationError("malformed-notification", str(error)) from error
    if not isinstance(document, dict):
        raise RefusedNotificationError("malformed-notification", "it is no JSON object")
    _check_contexts(document)
    notification = Notification(
        kind=_kind(document.get("type")),
        id=_iri(document, "id"),
        actor=_iri(document, "actor"),
        object=_iri(document, "object"),
        target=_iri(document, "target"),
        summary=_summary(document.get("summary", "")),
    )
    if not host_of(notification.actor):
        raise RefusedNotificationError("malformed-notification", "actor is no web address")
    return notification


def _check_contexts(document: Mapping[str, Any]) -> None:  # any JSON value
    stated = document.get("@context")
    contexts = stated if isinstance(stated, list) else [stated]
    unknown = [each for each in contexts if not isinstance(each, str) or each not in CONTEXTS]
    if unknown or ACTIVITY_STREAMS not in contexts:
        raise RefusedNotificationError("unknown-context", f"@context {str(unknown or stated)[:200]}")
    if any(map(_has_context, document.values())):
        raise RefusedNotificationError("unknown-context", "a @context within the document")


def _has_context(value: Any) -> bool:  # any JSON value
    if isinstance(value, dict):
        return "@context" in value or any(map(_has_context, value.values()))
    return isinstance(value, list) and any(map(_has_context, value))


def _kind(stated: Any) -> str:  # any JSON value
    types = stated if isinstance(stated, list) else [stated]
    found = [each for each in types if isinstance(each, str) and each in KINDS]
    if len(found) != 1:
        raise RefusedNotificationError("malformed-notification", f"type is not one of {', '.join(sorted(KINDS))}")
    return str(found[0])


def _iri(document: Mapping[str, Any], name: str) -> str:  # any JSON value
    value = document.get(name)
    if isinstance(value, dict):
        value = value.get("id")
    if not isinstance(value, str) or len(value) > MAX_IRI_CHARACTERS or not valid_iri(value):
        raise RefusedNotificationError("malformed-notification", f"{name} is not one address")
    return value


def _summary(value: Any) -> str:  # any JSON value
    if not isinstance(value, str):
        raise RefusedNotificationError("malformed-notification", "summary is no text")
    return " ".join(clean_text(value).split())[:_MAX_SUMMARY]
