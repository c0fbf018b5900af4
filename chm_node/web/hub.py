"""The WebSub hub at ``/hub``: takes requests to be told of changes of this node's feeds, and asks nobody itself."""

import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Response, abort, current_app, request

from chm_node.budget import Budget, client_of
from chm_node.database import writing
from chm_node.errors import BadQueryError, TooManyRequestsError
from chm_node.http_guard import FetchPolicy
from chm_node.text import host_of
from chm_node.web import site
from chm_node.web.conditional import redirection
from chm_node.web.languages import preferred
from chm_node.web.topics import topic_of
from chm_node.websub import intents
from chm_node.websub.wishes import read_wish

blueprint = Blueprint("hub", __name__)

#: Of one client.
REQUESTS_A_MINUTE = 60.0
#: Twice what the longest topic, callback and secret take.
MAX_FORM_BYTES = 16 * 1024
_MAX_PARAMETERS = 50
_FORM = "application/x-www-form-urlencoded"
BUDGET = "chm_hub_budget"


@blueprint.record
def _prepare(state: Any) -> None:  # Any: flask does not export the type of its set-up state
    state.app.extensions[BUDGET] = Budget(REQUESTS_A_MINUTE)


@blueprint.get("/hub")
def what() -> Response:
    """To the page about following, for whoever looks at the address instead of subscribing."""
    language = preferred(request.accept_languages, site().settings.languages)
    address = f"{site().settings.base_url}{language}/follow"
    return redirection(address, HTTPStatus.SEE_OTHER, ("Accept-Language",))


@blueprint.post("/hub")
def hub() -> Response:
    """Note a request; the worker asks its callback (W3C WebSub §5)."""
    here, now = site(), datetime.now(UTC)
    _charge()
    policy = FetchPolicy(allow_loopback=here.settings.profile == "demo")
    wish = read_wish(_form(), host_of(here.settings.base_url).lower(), policy)
    topic = topic_of(here, wish.topic)
    with writing(here.engine) as connection:
        intents.receive(connection, wish, topic, now)
    return Response(
        "The callback will be asked whether it wants this.\n", HTTPStatus.ACCEPTED, content_type="text/plain"
    )


def _charge() -> None:
    """Raises TooManyRequestsError."""
    budget: Budget = current_app.extensions[BUDGET]
    client, now = client_of(request.remote_addr or "", request.headers.get("X-Forwarded-For", "")), time.monotonic()
    if wait := budget.wait(client, now):
        raise TooManyRequestsError("you have sent too many requests in this minute", timedelta(seconds=wait))
    budget.charge(client, 1.0, now)


def _form() -> list[tuple[str, str]]:
    if request.mimetype != _FORM:
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"A request is sent as {_FORM}.")
    request.max_content_length = MAX_FORM_BYTES
    body = request.get_data(cache=False, parse_form_data=False)
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError as error:  # UnicodeDecodeError is one
        raise BadQueryError("hub.mode", "the form is not UTF-8, or has too many parameters") from error
