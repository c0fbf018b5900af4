"""The inbox over HTTP (Linked Data Notifications), the state of each request, and the page on how to join."""

import json
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from chm_node.budget import Budget, client_of
from chm_node.database import reading
from chm_node.errors import RefusedNotificationError
from chm_node.message_signatures import COMPONENTS, TAG, Message
from chm_node.namespaces import ACTIVITY_STREAMS
from chm_node.proofs import fingerprint
from chm_node.record import timestamp
from harvest.checker.checks import State
from harvest.checker.sentences import SENTENCES
from harvest.joining import requests
from harvest.joining.inbox import receive
from harvest.joining.notification import MAX_BYTES, MEDIA_TYPE, MEDIA_TYPES
from harvest.joining.refusals import REFUSALS
from harvest.joining.requests import Request

blueprint = Blueprint("joining", __name__)

#: Notifications that one address may send.
A_MINUTE = 20
_BUDGET = "chm_inbox"
_LANGUAGES = ("en", "fr", "ar")
_NO_CACHE = {"Cache-Control": "no-cache"}
_JSON = ("application/json", MEDIA_TYPE)
_CHALLENGE = "chm=(" + " ".join(f'"{each}"' for each in COMPONENTS) + f');created;expires;nonce;keyid;tag="{TAG}"'


@blueprint.record
def _prepare(state: Any) -> None:  # Any: flask does not export the type of its set-up state
    state.app.extensions[_BUDGET] = Budget(A_MINUTE)


@blueprint.post("/inbox")
def take() -> Response:
    """Take a notification; Location leads to its state where it has one."""
    site = _site()
    _count()
    # The address as the world knows it: behind a proxy, that of the request is another.
    query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
    message = Message(request.method, f"{site.settings.base_url}inbox{query}", dict(request.headers), _body())
    request_id = receive(site.engine, site.settings, message, datetime.now(UTC))
    if not request_id:
        return Response(status=HTTPStatus.ACCEPTED, headers=_NO_CACHE)
    location = {"Location": f"{site.settings.base_url}inbox/{request_id}"}
    return Response(status=HTTPStatus.CREATED, headers=_NO_CACHE | location)


@blueprint.get("/inbox")
def container() -> Response:
    """What the inbox is; whoever sent something has its address, and nobody else needs it (LDN, section 3.3)."""
    if _prefers_html():
        return _see("joining.how")
    listing = {"@context": "http://www.w3.org/ns/ldp", "@id": f"{_site().settings.base_url}inbox", "contains": []}
    return Response(json.dumps(listing), content_type=MEDIA_TYPE, headers=_NO_CACHE | {"Accept-Post": MEDIA_TYPE})


@blueprint.get("/inbox/<uuid:request_id>")
def state(request_id: object) -> Response:
    """How one request stands."""
    found = _found(str(request_id))
    if _prefers_html():
        return _see("joining.request_page", request_id=request_id)
    kind = request.accept_mimetypes.best_match(_JSON, _JSON[0])
    body = json.dumps(_document(found), ensure_ascii=False, indent=1) + "\n"
    return Response(body, content_type=kind, headers=_NO_CACHE | {"Vary": "Accept"})


@blueprint.get("/<any(en, fr, ar):language>/join")
def how(language: str) -> Response:
    """How a node joins, for a focal point."""
    _check_language(language)
    return _page(render_template("join.html", hub=_site().settings.base_url))


@blueprint.get("/<any(en, fr, ar):language>/join/<uuid:request_id>")
def request_page(language: str, request_id: object) -> Response:
    """How one request stands, in words."""
    _check_language(language)
    found = _found(str(request_id))
    refusal = REFUSALS.get(found.reason) if found.state == requests.REFUSED else None
    failed = found.report.having(State.FAILED) if found.report else []
    html = render_template(
        "join_request.html",
        asked=found,
        said=_said(found.state),
        title=found.found.titles if found.found else {},
        fingerprint=_fingerprint(found),
        refusal=refusal.sentences[language] if refusal else "",
        to_mend=[(each, SENTENCES[each.check][language]) for each in failed],
    )
    return _page(html)


@blueprint.errorhandler(RefusedNotificationError)
def _refused(error: RefusedNotificationError) -> Response:
    refusal = REFUSALS[error.code]
    details = {"text": dict(refusal.sentences)} | ({"seen": error.seen[:500]} if error.seen else {})
    answer: Response = current_app.extensions["chm_problem"](
        refusal.status, error.code, refusal.sentences[_language()], **details
    )
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = "Signature"
        answer.headers["Accept-Signature"] = _CHALLENGE
    if refusal.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        answer.headers["Accept-Post"] = MEDIA_TYPE
    if refusal.status == HTTPStatus.TOO_MANY_REQUESTS:
        answer.headers["Retry-After"] = "60"
    return answer


def _count() -> None:
    budget: Budget = current_app.extensions[_BUDGET]
    client = client_of(request.remote_addr or "", request.headers.get("X-Forwarded-For", ""))
    if budget.wait(client, time.monotonic()) > 0:
        raise RefusedNotificationError("too-many-notifications")
    budget.charge(client, 1.0, time.monotonic())


def _body() -> bytes:
    if request.mimetype not in MEDIA_TYPES or request.headers.get("Content-Encoding", "identity") != "identity":
        raise RefusedNotificationError("unacceptable-media-type")
    request.max_content_length = MAX_BYTES
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise RefusedNotificationError("notification-too-large") from error
    except ClientDisconnected as error:
        raise RefusedNotificationError("bad-digest", "the body is cut") from error


def _document(found: Request) -> dict[str, object]:
    settings = _site().settings
    return {
        "@context": ACTIVITY_STREAMS,
        "id": f"{settings.base_url}inbox/{found.id}",
        "type": found.kind,
        "actor": found.node,
        "object": found.node,
        "target": settings.node_iri,
        "published": timestamp(found.received),
        "state": found.state,
        "summary": _summary(found),
        "reason": _reason(found),
        "decided": timestamp(found.decided) if found.decided else None,
        "fingerprint": _fingerprint(found),
        "level": found.report.level.value if found.report else None,
        "to_mend": [each.check for each in found.report.having(State.FAILED)] if found.report else [],
    }


def _summary(found: Request) -> str:
    """Why, in one text: what a person wrote, or what the refusal means."""
    if found.state != requests.REFUSED:
        return found.reason
    return " ".join(filter(None, (REFUSALS[found.reason].sentences[_language()], found.detail)))


def _reason(found: Request) -> dict[str, object] | None:
    if found.state != requests.REFUSED:
        return None
    return {"code": found.reason, "text": dict(REFUSALS[found.reason].sentences)}


def _fingerprint(found: Request) -> str:
    return fingerprint(found.found.authority.multikey) if found.found else ""


def _said(state: str) -> str:
    said = {
        requests.QUEUED: gettext("Received; the signature is being proven."),
        requests.WAITING: gettext("Waiting for the decision of a person."),
        requests.APPROVED: gettext("Approved: the node is harvested here."),
        requests.REJECTED: gettext("Rejected."),
        requests.REFUSED: gettext("Refused, before a person saw it."),
        requests.WITHDRAWN: gettext("Withdrawn by the node itself."),
    }
    return str(said[state])


def _found(request_id: str) -> Request:
    with reading(_site().engine) as connection:
        found = requests.find(connection, request_id)
    if found is None:
        abort(HTTPStatus.NOT_FOUND, "There is no such request here, or it was refused long ago.")
    return found


def _site() -> Any:  # Any: what it is belongs to chm_node.web, which we do not know
    return current_app.extensions["chm"]


def _check_language(language: str) -> None:
    if language not in _site().settings.languages:
        abort(HTTPStatus.NOT_FOUND)


def _language() -> str:
    """The reader's, of those that sentences are written in."""
    found: str = request.accept_languages.best_match(_LANGUAGES, _LANGUAGES[0])
    return found


def _prefers_html() -> bool:
    return request.accept_mimetypes.best_match((*_JSON, "text/html"), _JSON[0]) == "text/html"


def _see(endpoint: str, **values: Any) -> Response:  # Any: parts of the address
    spoken = _site().settings.languages
    language = request.accept_languages.best_match(spoken, spoken[0])
    found = redirect(url_for(endpoint, language=language, **values), HTTPStatus.SEE_OTHER)
    return Response(found.response, found.status_code, found.headers)


def _page(html: str) -> Response:
    return Response(html, content_type="text/html; charset=utf-8", headers=_NO_CACHE)
