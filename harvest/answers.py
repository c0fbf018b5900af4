"""What the pages about receipts share: conditional answers, JSON, words in the reader's language."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from flask import Response, abort, current_app, request

from chm_node.text import clean_text, counting_number

LAST_PAGE = 1000
LANGUAGES = ("en", "fr", "ar")


def site() -> Any:  # Any: what it is belongs to chm_node.web, which we do not know
    """The site of the request's application."""
    return current_app.extensions["chm"]


def page_number() -> int:
    """The parameter ``page``."""
    number = counting_number(request.args.get("page", "1"), LAST_PAGE)
    if number is None:
        abort(HTTPStatus.BAD_REQUEST, f"The parameter page is a number from 1 to {LAST_PAGE}.")
    return number


def feed_language() -> str:
    """The parameter ``lang`` of a feed."""
    given = request.args.getlist("lang")
    if len(given) > 1:
        abort(HTTPStatus.BAD_REQUEST, "The parameter lang can be given once.")
    language = "".join(given) or site().settings.languages[0]
    if language not in LANGUAGES:
        abort(HTTPStatus.BAD_REQUEST, f"This feed is written in {', '.join(LANGUAGES)}.")
    return str(language)


def answer(decides: Sequence[object], render: Callable[[], bytes | str], content_type: str) -> Response:
    """The representation, or 304; ``decides`` is all that its bytes follow from beside settings and release."""
    tag = hashlib.sha256(f"{site().stamp} {request.full_path} {decides!r}".encode()).hexdigest()[:32]
    if request.if_none_match.contains_weak(tag):
        response = Response(status=HTTPStatus.NOT_MODIFIED)
    else:
        response = Response(render(), content_type=content_type)
    response.set_etag(tag)
    response.headers["Cache-Control"] = "public, max-age=60"
    return response


def html(text: str) -> Response:
    """A page that follows from more than the log, so that it is never answered from what is kept."""
    return Response(text, content_type="text/html; charset=utf-8", headers={"Cache-Control": "no-cache"})


def as_json(document: object) -> str:
    """JSON for people too."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def pick(titles: Mapping[str, str], language: str) -> str:
    """The title in this language, or in another."""
    return clean_text(titles.get(language) or titles.get("en") or next(iter(titles.values()), ""))
