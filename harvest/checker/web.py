"""The public page of the checker, its results for programs, and the badge. None of them asks a peer anything itself.

Whoever reads changes nothing; a form asks for a check, which waits for the worker. No one is known here, so a form of
another site can do no more than anybody may: have an address wait that is not checked too often.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import Connection

from chm_node.addresses import common_form
from chm_node.budget import Budget, client_of
from chm_node.database import reading, writing
from chm_node.errors import TooManyRequestsError
from chm_node.http_guard import address_problem
from chm_node.record import timestamp
from chm_node.settings import Settings
from harvest import sources
from harvest.checker import checks, results
from harvest.checker.badge import badge
from harvest.checker.checks import Level, State
from harvest.checker.results import Result, Subject
from harvest.checker.sentences import SENTENCES
from harvest.dispatch import fetch_policy
from harvest.sources import MOVED, REMOVED, Source

blueprint = Blueprint("checker", __name__)

#: Checks that one reader may ask for.
A_MINUTE = 3
MAX_FORM_BYTES = 16 * 1024
MAX_ADDRESS_CHARACTERS = 1000
_BUDGET = "chm_checks"
# What strangers have written, and others have answered, is nothing to be found by searching.
_NO_CACHE = {"Cache-Control": "no-cache", "X-Robots-Tag": "noindex"}
_BADGE = {"Cache-Control": "public, max-age=600"}
_WAIT = {"Retry-After": "60"}


@blueprint.record
def _prepare(state: Any) -> None:  # Any: flask does not export the type of its set-up state
    state.app.extensions[_BUDGET] = Budget(A_MINUTE)


@blueprint.get("/<any(en, fr, ar):language>/check")
def check(language: str) -> Response:
    """The form, and what is known of the address in the query."""
    _check_language(language)
    text = request.args.get("url", "")
    with reading(_site().engine) as connection:
        subject = _subject(connection, text)
        result = results.newest(connection, subject, datetime.now(UTC)) if subject else None
    if not text:
        return _page(language, HTTPStatus.OK)
    if subject is None:
        return _page(language, HTTPStatus.BAD_REQUEST, text, alert=_cannot())
    if result is None:
        return _page(language, HTTPStatus.NOT_FOUND, text, alert=gettext("Nothing is known of this address."))
    return _page(language, HTTPStatus.OK, text, result)


@blueprint.post("/<any(en, fr, ar):language>/check")
def ask(language: str) -> Response:
    """Have an address checked by the worker, and lead to what is known of it."""
    _check_language(language)
    request.max_content_length = MAX_FORM_BYTES
    text = request.form.get("url", "")
    engine, now = _site().engine, datetime.now(UTC)
    with reading(engine) as connection:
        subject = _subject(connection, text)
        due = subject is not None and results.is_due(connection, subject, now)
    if subject is None:
        return _page(language, HTTPStatus.BAD_REQUEST, text, alert=_cannot())
    try:
        if due:
            _charge()
            with writing(engine) as connection:
                results.ask(connection, subject, now)
    except TooManyRequestsError as error:
        answer = _page(language, HTTPStatus.TOO_MANY_REQUESTS, text, alert=_too_many())
        answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    address = url_for("checker.check", language=language, url=subject.address)
    return Response(status=HTTPStatus.SEE_OTHER, headers=_NO_CACHE | {"Location": address})


@blueprint.get("/check.json")
def as_json() -> Response:
    """The result for other programs, with the sentences in every language."""
    result = _known_result(request.args.get("url", ""))
    moment = timestamp(result.checked) if result.checked else None
    found = checks.as_json(result.report) if result.report else {}
    body = json.dumps({**found, "checked": moment, "waiting": result.waiting}, ensure_ascii=False, indent=1) + "\n"
    return _written(result, body, "application/json")


@blueprint.get("/<any(en, fr, ar):language>/check.txt")
def as_text(language: str) -> Response:
    """The result as ``chm check-peer`` writes it."""
    _check_language(language)
    result = _known_result(request.args.get("url", ""))
    body = checks.as_text(result.report, language) if result.report else ""
    return _written(result, body, "text/plain; charset=utf-8")


@blueprint.get("/badge.svg")
def badge_of() -> Response:
    """The level that an address had when it was last checked; unknown for a source that never was."""
    with reading(_site().engine) as connection:
        subject = _subject(connection, request.args.get("node", ""))
        result = results.newest(connection, subject, datetime.now(UTC)) if subject else None
    if subject is None or (subject.host and result is None):
        abort(HTTPStatus.NOT_FOUND, "Nothing is known of this address.")
    level = result.report.level if result and result.report else None
    return Response(badge(level), content_type="image/svg+xml", headers=_BADGE)


def _site() -> Any:  # Any: what it is belongs to chm_node.web, which we do not know
    return current_app.extensions["chm"]


def _check_language(language: str) -> None:
    if language not in _site().settings.languages:
        abort(HTTPStatus.NOT_FOUND)


def _charge() -> None:
    """Raises TooManyRequestsError."""
    budget: Budget = current_app.extensions[_BUDGET]
    client, now = client_of(request.remote_addr or "", request.headers.get("X-Forwarded-For", "")), time.monotonic()
    if wait := budget.wait(client, now):
        raise TooManyRequestsError("you have asked for too many checks in this minute", timedelta(seconds=wait))
    budget.charge(client, 1.0, now)


def _known_result(text: str) -> Result:
    with reading(_site().engine) as connection:
        subject = _subject(connection, text)
        result = results.newest(connection, subject, datetime.now(UTC)) if subject else None
    if result is None:
        abort(HTTPStatus.NOT_FOUND, "Nothing is known of this address; ask for its check at /en/check.")
    return result


def _written(result: Result, body: str, content_type: str) -> Response:
    if result.report is None:
        return Response(body, HTTPStatus.ACCEPTED, content_type=content_type, headers=_NO_CACHE | _WAIT)
    return Response(body, content_type=content_type, headers=_NO_CACHE)


def _page(
    language: str, status: HTTPStatus, text: str = "", result: Result | None = None, *, alert: str = ""
) -> Response:
    with reading(_site().engine) as connection:
        known = _known(connection)
    html = render_template(
        "check.html",
        sources=known,
        address=text,
        alert=alert,
        result=result,
        states=_states(),
        levels=_levels(),
        sentence=lambda finding: SENTENCES[finding.check][language],
    )
    return Response(html, status, content_type="text/html; charset=utf-8", headers=_NO_CACHE)


def _subject(connection: Connection, text: str) -> Subject | None:
    """What a person means: a source by its address or its IRI, or any other address that may be asked."""
    address = _with_scheme(text)
    known = (each for each in _known(connection) if text == each.node or common_form(address) == each.address)
    source = next(known, None)
    return Subject(source.address) if source else foreign_subject(text, _site().settings)


def foreign_subject(text: str, settings: Settings) -> Subject | None:
    """An address that no source has, written in one way alone; None when its letters tell that it is never asked."""
    address = _with_scheme(text)
    if len(address) > MAX_ADDRESS_CHARACTERS or address_problem(address, fetch_policy(settings)):
        return None
    host = urlsplit(address).hostname or ""
    if "." not in host and settings.profile != "demo":
        return None  # a name of somebody's own network
    return Subject(common_form(address), host)


def _with_scheme(text: str) -> str:
    return text.strip() if "://" in text else f"https://{text.strip()}"


def _known(connection: Connection) -> list[Source]:
    return [each for each in sources.listing(connection) if each.state not in (MOVED, REMOVED)]


def _cannot() -> str:
    return str(
        gettext("This address cannot be checked. Write one that begins with http or https and names a public host.")
    )


def _too_many() -> str:
    return str(
        gettext(
            "Too many checks were asked for, by you, of this host or in all. "
            "Try again in an hour, or run “chm check-peer”."
        )
    )


def _states() -> list[tuple[State, str]]:
    """What needs attention first."""
    return [
        (State.FAILED, gettext("To be mended")),
        (State.WARNING, gettext("Could be better")),
        (State.PASSED, gettext("In order")),
        (State.NOT_APPLICABLE, gettext("Not checked, because there is nothing to check")),
    ]


def _levels() -> dict[Level, str]:
    return {
        Level.NONE: gettext("nothing here can be harvested"),
        Level.L0: gettext("a readable feed, without a node"),
        Level.L1: gettext("a node that describes itself and its log"),
        Level.L2: gettext("a node whose records are signed, so that further hubs may pass them on"),
    }
