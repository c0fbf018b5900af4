"""Conditional answers: an unchanged representation is answered 304 before anything is rendered (RFC 9110 §13).

An ETag is made of what decides the bytes (release, settings that show, format, language, versions),
never of the bytes, so it is known before they are.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from http import HTTPStatus

from flask import Response, request
from werkzeug.http import http_date

from chm_node.digests import CONTENT_DIGEST, digest_field
from chm_node.text import uri_of
from chm_node.web import Site

#: What may change at any moment is asked for again after this time.
OPEN = "public, max-age=60"
#: What only ever shrinks; a day, so that an erased record leaves every cache within one (RFC 8246).
CLOSED = "public, max-age=86400, immutable"
#: nginx answers 502 when all headers of an answer take more than 4 KiB.
MAX_LINK_BYTES = 2048
#: Set in the WSGI environment by ``answer``: the bytes follow from the log alone and may be kept while it stands.
FOLLOWS_LOG = "chm.follows_log"


def strong_etag(*parts: object) -> str:
    """A strong ETag, with its quotes, of everything that decides a representation."""
    return '"' + hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:32] + '"'


def answer(
    tag: str,
    render: Callable[[], bytes | str],
    content_type: str,
    *,
    modified: datetime | None = None,
    cache: str = OPEN,
    vary: Sequence[str] = (),
    links: Iterable[str] = (),
    follows_log: bool = True,
    status: int = HTTPStatus.OK,
) -> Response:
    """The representation, or 304 when the reader has it; rendered only when it is sent.

    ``follows_log`` says that nothing but the log, the settings and the address decides the bytes.
    """
    if follows_log:
        request.environ[FOLLOWS_LOG] = True
    if status == HTTPStatus.OK and _reader_has(tag, modified):
        response = Response(status=HTTPStatus.NOT_MODIFIED)
    else:
        response = Response(render(), status=status, content_type=content_type)
        if not follows_log:  # what is kept has a digest for each content coding
            response.headers[CONTENT_DIGEST] = digest_field(hashlib.sha256(response.get_data()).digest())
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = cache
    if modified is not None:
        response.headers["Last-Modified"] = http_date(modified)
    if vary:
        response.headers["Vary"] = ", ".join(vary)
    if joined := ", ".join(_fitting(links)):
        response.headers["Link"] = joined
    return response


def _fitting(links: Iterable[str]) -> Iterator[str]:
    """Those there is room for, the first ones first."""
    room = MAX_LINK_BYTES
    for each in links:
        if len(each) <= room:
            room -= len(each) + len(", ")
            yield each


def _reader_has(tag: str, modified: datetime | None) -> bool:
    if request.if_none_match:
        return request.if_none_match.contains_weak(tag.strip('"'))
    since = request.if_modified_since
    return modified is not None and since is not None and modified.astimezone(UTC).replace(microsecond=0) <= since


def link(target: str, rel: str, **attributes: str) -> str:
    """One value of the Link header (RFC 8288)."""
    return f'<{uri_of(target)}>; rel="{rel}"' + "".join(f'; {name}="{value}"' for name, value in attributes.items())


def catalog_link(here: Site) -> str:
    """The link to the list of all interfaces (RFC 9727 §3)."""
    return link(f"{here.settings.base_url}.well-known/api-catalog", "api-catalog")


def redirection(address: str, status: int, vary: Sequence[str] = ()) -> Response:
    """An answer that only says where to go; without a body, which few show and none needs."""
    response = Response(status=status)
    response.headers["Location"] = address
    if vary:
        response.headers["Vary"] = ", ".join(vary)
    return response
