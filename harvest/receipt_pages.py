"""The receipts of each peer over HTTP: JSON of every record, a page and a feed of what was refused. Public."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, abort, current_app, render_template, request
from flask_babel import force_locale, gettext

from chm_node.database import reading
from chm_node.errors import HarvestError
from chm_node.formats.feed import Feed, FeedEntry
from chm_node.formats.feeds import atom
from chm_node.namespaces import PROBLEMS
from chm_node.record import from_milliseconds, timestamp
from chm_node.text import clean_text, counting_number
from harvest.receipts import PAGE, Receipt, Summary, every, refused, summaries, summary

blueprint = Blueprint("receipts", __name__)

#: Refused records on one page for people, and entries in the feed.
SHOWN = 50
_LAST_PAGE = 1000
_LANGUAGES = ("en", "fr", "ar")


@blueprint.get("/receipts")
def receipts() -> Response:
    """What became of each record of the peer ``node``; without it, the peers."""
    site = _site()
    node, after = (clean_text(request.args.get(name, "")) for name in ("node", "after"))
    with reading(site.engine) as connection:
        if not node:
            peers = summaries(connection)
            document = {"hub": site.settings.node_iri, "peers": [_numbers(site, each) for each in peers]}
            return _answer((document,), lambda: _json(document), "application/json")
        about = _known(lambda: summary(connection, node))
        found = every(connection, node, after)
    more = _address(site, node, after=found[-1].iri) if len(found) == PAGE else ""
    head = {"hub": site.settings.node_iri, **_numbers(site, about), **({"next": more} if more else {})}
    told = (head, [(each.iri, each.digest, each.received, each.reason, each.detail, each.held) for each in found])
    return _answer(told, lambda: _json({**head, "receipts": [_told(each) for each in found]}), "application/json")


@blueprint.get("/receipts.atom")
def problems() -> Response:
    """What was refused of the peer ``node``, newest first, as a feed in the language ``lang``."""
    site = _site()
    node = clean_text(request.args.get("node", ""))
    language = request.args.get("lang", "") or site.settings.languages[0]
    if language not in _LANGUAGES:
        abort(HTTPStatus.BAD_REQUEST, f"This feed is written in {', '.join(_LANGUAGES)}.")
    with reading(site.engine) as connection:
        about = _known(lambda: summary(connection, node))
        found = refused(connection, node, SHOWN)
    told = (about, language, [(each.iri, each.digest, each.received, each.reason, each.detail) for each in found])
    return _answer(told, lambda: atom(_feed(site, about, found, language)), "application/atom+xml; charset=utf-8")


@blueprint.get("/<any(en, fr, ar):language>/network/receipts")
def page(language: str) -> Response:
    """What was refused of the peer ``node``, and how much was taken over, in plain words."""
    site = _site()
    if language not in site.settings.languages:
        abort(HTTPStatus.NOT_FOUND)
    node, number = clean_text(request.args.get("node", "")), _page_number()
    with reading(site.engine) as connection:
        about = _known(lambda: summary(connection, node))
        found = refused(connection, node, SHOWN, (number - 1) * SHOWN)
    if number > 1 and not found:
        abort(HTTPStatus.NOT_FOUND)
    html = render_template(
        "receipts.html",
        about=about,
        receipts=found,
        page=number,
        pages=min(-(-about.refused // SHOWN), _LAST_PAGE),
        data=_address(site, node),
        feed=f"{site.settings.base_url}receipts.atom?node={quote(node, safe='')}&lang={language}",
    )
    # Runs are no part of the log: the page is never answered from what is kept.
    return Response(html, content_type="text/html; charset=utf-8", headers={"Cache-Control": "no-cache"})


def _site() -> Any:  # Any: what it is belongs to chm_node.web, which we do not know
    return current_app.extensions["chm"]


def _known(look: Callable[[], Summary]) -> Summary:
    try:
        return look()
    except HarvestError as error:
        abort(HTTPStatus.NOT_FOUND, f"{error}; the parameter node is the IRI of a node that is harvested here.")


def _page_number() -> int:
    number = counting_number(request.args.get("page", "1"), _LAST_PAGE)
    if number is None:
        abort(HTTPStatus.BAD_REQUEST, f"The parameter page is a number from 1 to {_LAST_PAGE}.")
    return number


def _answer(decides: Sequence[object], render: Callable[[], bytes | str], content_type: str) -> Response:
    """The representation, or 304; ``decides`` is all that its bytes follow from beside settings and release."""
    tag = hashlib.sha256(f"{_site().stamp} {request.full_path} {decides!r}".encode()).hexdigest()[:32]
    if request.if_none_match.contains_weak(tag):
        response = Response(status=HTTPStatus.NOT_MODIFIED)
    else:
        response = Response(render(), content_type=content_type)
    response.set_etag(tag)
    response.headers["Cache-Control"] = "public, max-age=60"
    return response


def _address(site: Any, node: str, after: str = "") -> str:  # Any: as in _site
    more = f"&after={quote(after, safe='')}" if after else ""
    return f"{site.settings.base_url}receipts?node={quote(node, safe='')}{more}"


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _numbers(site: Any, about: Summary) -> dict[str, object]:  # Any: as in _site
    return {
        "node": about.node,
        "receipts_of": _address(site, about.node),
        "harvested": timestamp(about.last_success) if about.last_success else None,
        "accepted": about.accepted,
        "refused": about.refused,
        "withdrawals_held": about.waiting,
    }


def _told(each: Receipt) -> dict[str, object]:
    held = each.held
    return {
        "record": each.iri,
        "version": timestamp(each.version) if each.version else None,
        "hash": each.digest,
        "received": timestamp(each.received),
        "verdict": "refused" if each.refused else "accepted",
        "reason": _reason(each) if each.refused else None,
        "detail": each.detail,
        "held": {"version": timestamp(held.version), "hash": held.digest, "withdrawn": held.withdrawn}
        if held
        else None,
    }


def _reason(each: Receipt) -> dict[str, object]:
    return {"type": f"{PROBLEMS}{each.reason}", "code": each.reason, "text": dict(each.sentences)}


def _feed(site: Any, about: Summary, found: Sequence[Receipt], language: str) -> Feed:  # Any: as in _site
    settings = site.settings
    shown = language if language in settings.languages else settings.languages[0]
    page_address = f"{settings.base_url}{shown}/network/receipts?node={quote(about.node, safe='')}"
    with force_locale(language):
        title = gettext("Refused records of %(node)s", node=_pick(about.titles, language) or about.node)
    return Feed(
        address=f"{settings.base_url}receipts.atom?node={quote(about.node, safe='')}&lang={language}",
        page=page_address,
        title=title,
        language=language,
        updated=found[0].received if found else from_milliseconds(0),
        node=settings.node_iri,
        publisher=settings.publisher or _pick(settings.titles, language) or settings.node_iri,
        entries=[_entry(site, about, each, page_address, language) for each in found],
    )


def _entry(site: Any, about: Summary, each: Receipt, page_address: str, language: str) -> FeedEntry:  # Any: as in _site
    title = _pick(each.held.titles, language) if each.held else ""
    return FeedEntry(
        # Not the record's own IRI: in the feeds of records that means the record.
        iri=f"{_address(site, about.node)}#{each.anchor}",
        page=f"{page_address}#{each.anchor}",
        data=(),
        title=title or each.iri,
        summary="\n".join(filter(None, (each.sentences.get(language, each.reason), each.iri, clean_text(each.detail)))),
        language=language,
        published=each.received,
        updated=each.received,
        change="refused",
        categories=(),
    )


def _pick(titles: Mapping[str, str], language: str) -> str:
    return clean_text(titles.get(language) or titles.get("en") or next(iter(titles.values()), ""))
