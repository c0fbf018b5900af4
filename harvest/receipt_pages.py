"""The receipts of each peer over HTTP: JSON of every record, a page and a feed of what was refused. Public."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, abort, render_template, request
from flask_babel import force_locale, gettext

from chm_node.database import reading
from chm_node.errors import HarvestError
from chm_node.formats.feed import Feed, FeedEntry
from chm_node.formats.feeds import atom
from chm_node.namespaces import PROBLEMS
from chm_node.record import from_milliseconds, timestamp
from chm_node.text import clean_text
from harvest.answers import LAST_PAGE, answer, as_json, feed_language, html, page_number, pick, site
from harvest.receipts import PAGE, Receipt, Summary, every, refused, summaries, summary

blueprint = Blueprint("receipts", __name__)

#: Refused records on one page for people, and entries in the feed.
SHOWN = 50


@blueprint.get("/receipts")
def receipts() -> Response:
    """What became of each record of the peer ``node``; without it, the peers."""
    here = site()
    node, after = (clean_text(request.args.get(name, "")) for name in ("node", "after"))
    with reading(here.engine) as connection:
        if not node:
            peers = summaries(connection)
            document = {"hub": here.settings.node_iri, "peers": [_numbers(here, each) for each in peers]}
            return answer((document,), lambda: as_json(document), "application/json")
        about = _known(lambda: summary(connection, node))
        found = every(connection, node, after)
    more = _address(here, node, after=found[-1].iri) if len(found) == PAGE else ""
    head = {"hub": here.settings.node_iri, **_numbers(here, about), **({"next": more} if more else {})}
    told = (head, [(each.iri, each.digest, each.received, each.reason, each.detail, each.held) for each in found])
    return answer(told, lambda: as_json({**head, "receipts": [_told(each) for each in found]}), "application/json")


@blueprint.get("/receipts.atom")
def problems() -> Response:
    """What was refused of the peer ``node``, newest first, as a feed in the language ``lang``."""
    here = site()
    node = clean_text(request.args.get("node", ""))
    language = feed_language()
    with reading(here.engine) as connection:
        about = _known(lambda: summary(connection, node))
        found = refused(connection, node, SHOWN)
    told = (about, language, [(each.iri, each.digest, each.received, each.reason, each.detail) for each in found])
    return answer(told, lambda: atom(_feed(here, about, found, language)), "application/atom+xml; charset=utf-8")


@blueprint.get("/<any(en, fr, ar):language>/network/receipts")
def page(language: str) -> Response:
    """What was refused of the peer ``node``, and how much was taken over, in plain words."""
    here = site()
    if language not in here.settings.languages:
        abort(HTTPStatus.NOT_FOUND)
    node, number = clean_text(request.args.get("node", "")), page_number()
    with reading(here.engine) as connection:
        about = _known(lambda: summary(connection, node))
        found = refused(connection, node, SHOWN, (number - 1) * SHOWN)
    if number > 1 and not found:
        abort(HTTPStatus.NOT_FOUND)
    shown = render_template(
        "receipts.html",
        about=about,
        receipts=found,
        page=number,
        pages=min(-(-about.refused // SHOWN), LAST_PAGE),
        data=_address(here, node),
        feed=f"{here.settings.base_url}receipts.atom?node={quote(node, safe='')}&lang={language}",
    )
    return html(shown)


def _known(look: Callable[[], Summary]) -> Summary:
    try:
        return look()
    except HarvestError as error:
        abort(HTTPStatus.NOT_FOUND, f"{error}; the parameter node is the IRI of a node that is harvested here.")


def _address(here: Any, node: str, after: str = "") -> str:  # Any: as in site
    more = f"&after={quote(after, safe='')}" if after else ""
    return f"{here.settings.base_url}receipts?node={quote(node, safe='')}{more}"


def _numbers(here: Any, about: Summary) -> dict[str, object]:  # Any: as in site
    return {
        "node": about.node,
        "receipts_of": _address(here, about.node),
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


def _feed(here: Any, about: Summary, found: Sequence[Receipt], language: str) -> Feed:  # Any: as in site
    settings = here.settings
    shown = language if language in settings.languages else settings.languages[0]
    page_address = f"{settings.base_url}{shown}/network/receipts?node={quote(about.node, safe='')}"
    with force_locale(language):
        title = gettext("Refused records of %(node)s", node=pick(about.titles, language) or about.node)
    return Feed(
        address=f"{settings.base_url}receipts.atom?node={quote(about.node, safe='')}&lang={language}",
        page=page_address,
        page_language=shown,
        title=title,
        language=language,
        updated=found[0].received if found else from_milliseconds(0),
        node=settings.node_iri,
        publisher=settings.publisher or pick(settings.titles, language) or settings.node_iri,
        entries=[_entry(here, about, each, page_address, language) for each in found],
    )


def _entry(here: Any, about: Summary, each: Receipt, page_address: str, language: str) -> FeedEntry:  # Any: as in site
    title = pick(each.held.titles, language) if each.held else ""
    return FeedEntry(
        # Not the record's own IRI: in the feeds of records that means the record.
        iri=f"{_address(here, about.node)}#{each.anchor}",
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
