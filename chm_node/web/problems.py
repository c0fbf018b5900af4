"""What goes wrong, as HTTP says it: one table of statuses, problem details for machines, a page for people.

RFC 9457. Browsers get the template ``error.html``. ``detail`` is in English; a page in another language tells the
facts instead.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from uuid import uuid4

from flask import Flask, Response, json, render_template, request
from werkzeug.exceptions import HTTPException

from chm_node.errors import (
    BadQueryError,
    BudgetSpentError,
    ChmError,
    ConflictError,
    InvalidRecordError,
    MalformedQueryError,
    NotAcceptableError,
    QueriesBusyError,
    QueryStoppedError,
    RecordNotFoundError,
    RecordWithdrawnError,
    StorageError,
    TooManyRequestsError,
    UnknownTermError,
)
from chm_node.namespaces import PROBLEMS
from chm_node.web.conditional import redirection

#: Error to status and name of the problem type; the nearest class of an error counts.
STATUSES: dict[type[ChmError], tuple[HTTPStatus, str]] = {
    BadQueryError: (HTTPStatus.BAD_REQUEST, "bad-query"),
    UnknownTermError: (HTTPStatus.BAD_REQUEST, "unknown-term"),
    MalformedQueryError: (HTTPStatus.BAD_REQUEST, "malformed-query"),
    RecordNotFoundError: (HTTPStatus.NOT_FOUND, "record-not-found"),
    NotAcceptableError: (HTTPStatus.NOT_ACCEPTABLE, "not-acceptable"),
    RecordWithdrawnError: (HTTPStatus.GONE, "record-withdrawn"),
    ConflictError: (HTTPStatus.PRECONDITION_FAILED, "changed-meanwhile"),
    InvalidRecordError: (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-record"),
    QueryStoppedError: (HTTPStatus.UNPROCESSABLE_ENTITY, "query-too-heavy"),
    BudgetSpentError: (HTTPStatus.TOO_MANY_REQUESTS, "query-budget-spent"),
    TooManyRequestsError: (HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests"),
    QueriesBusyError: (HTTPStatus.SERVICE_UNAVAILABLE, "queries-busy"),
    StorageError: (HTTPStatus.SERVICE_UNAVAILABLE, "storage"),
    ChmError: (HTTPStatus.INTERNAL_SERVER_ERROR, "failed"),
}
_RETRY_SECONDS = "30"

_log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Have every error of the app answered here, and problems written for views that stand beside this package."""
    app.extensions["chm_problem"] = problem
    app.register_error_handler(ChmError, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def problem(status: int, name: str, detail: str, **more: object) -> Response:
    """Problem details, or the error page for those who prefer HTML; ``more`` are the facts, for both."""
    if _prefers_html():
        response = _page(status, detail, more)
    else:
        title = HTTPStatus(status).phrase
        body = {"type": f"{PROBLEMS}{name}", "title": title, "status": status, "detail": detail, **more}
        response = Response(json.dumps(body, ensure_ascii=False), status, content_type="application/problem+json")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Vary"] = "Accept, Accept-Language"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = _RETRY_SECONDS
    return response


def only_as_wanted(response: Response) -> Response:
    """The answer, or 412 in the place of a representation that ``If-Match`` does not name (RFC 9110 §13.1.1)."""
    represents = request.method in ("GET", "HEAD") and response.status_code in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED)
    if not represents or not request.if_match or request.if_match.contains(response.get_etag()[0] or ""):
        return response
    return _known(ConflictError(f"{request.path} is not what If-Match names any more"))


def details_of(error: ChmError) -> dict[str, object]:
    """The facts an error carries, as extension members of the problem."""
    if isinstance(error, InvalidRecordError):
        return {
            "problems": [
                {"field": each.field, "language": each.language, "message": each.message} for each in error.problems
            ]
        }
    if isinstance(error, RecordWithdrawnError):
        replaced = {"replaced_by": error.replaced_by} if error.replaced_by else {}
        reason = dict(error.reason)
        return {"record": error.iri, "withdrawn": error.withdrawn_at.isoformat(), "reason": reason, **replaced}
    if isinstance(error, RecordNotFoundError):
        return {"record": error.iri}
    if isinstance(error, BadQueryError):
        return {"parameter": error.parameter, "suggestions": list(error.suggestions)}
    return {}


def _known(error: ChmError) -> Response:
    status, name = next(STATUSES[each] for each in type(error).__mro__ if each in STATUSES)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, QueriesBusyError):
        _log.error("%s %s: %s", request.method, request.path, error)
    detail = "The database does not answer; try again soon." if isinstance(error, StorageError) else str(error)
    response = problem(status, name, detail, **details_of(error))
    if isinstance(error, QueriesBusyError | TooManyRequestsError):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _http(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status < HTTPStatus.BAD_REQUEST:  # Flask redirects by raising
        return redirection(dict(error.get_headers())["Location"], status)
    response = problem(status, HTTPStatus(status).phrase.lower().replace(" ", "-"), error.description or "")
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "Location"):
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    # What happened is for the log; the reader gets a reference to it and no trace.
    reference = uuid4().hex[:12]
    _log.error("unexpected error %s at %s %s", reference, request.method, request.path, exc_info=error)
    detail = f"Something went wrong on our side. If you report it, name the reference {reference}."
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "unexpected", detail, reference=reference)


def _prefers_html() -> bool:
    kinds = ["application/problem+json", "application/json", "text/html"]
    return request.accept_mimetypes.best_match(kinds) == "text/html"


def _page(status: int, detail: str, facts: Mapping[str, object]) -> Response:
    page = render_template("error.html", status=status, detail=detail, **facts)
    return Response(page, status, content_type="text/html; charset=utf-8")
