"""How the records of this node stand at the hubs that harvest it: a page, JSON, and a feed of what was refused.

Made from what the hubs said when they were last asked; nobody is asked for a page.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, abort, render_template, request
from flask_babel import force_locale, format_timedelta, gettext
from sqlalchemy import Connection

from chm_node.catalogue import Catalogue
from chm_node.database import reading
from chm_node.formats.feed import Feed, FeedEntry
from chm_node.formats.feeds import atom
from chm_node.namespaces import PROBLEMS
from chm_node.record import from_milliseconds, timestamp
from chm_node.text import clean_text
from harvest import hubs
from harvest.answers import LAST_PAGE, answer, as_json, feed_language, html, page_number, pick, site
from harvest.hubs import HubView
from harvest.reasons import REASONS
from harvest.standing import Light, Standing

blueprint = Blueprint("standing", __name__)

#: Records on one page for people, and entries in the feed.
SHOWN = 50
#: Records of each hub in JSON, worst first.
LISTED = 500
_SENTENCES = {verdict.value: sentences for verdict, sentences in REASONS.items()}


@blueprint.get("/<any(en, fr, ar):language>/receipts")
def page(language: str) -> Response:
    """Each hub with its light, and what is not green; of one ``record`` how each hub holds it."""
    here = site()
    if language not in here.settings.languages:
        abort(HTTPStatus.NOT_FOUND)
    if iri := request.args.get("record", ""):
        return _of_record(here, clean_text(iri))
    number = page_number()
    with reading(here.engine) as connection:
        views = _views(connection, here)
    others = _worst_first(views)
    shown = others[(number - 1) * SHOWN : number * SHOWN]
    if number > 1 and not shown:
        abort(HTTPStatus.NOT_FOUND)
    return html(
        render_template(
            "standing.html",
            views=views,
            others=shown,
            page=number,
            pages=min(-(-len(others) // SHOWN), LAST_PAGE),
            age=_age,
            feed=f"{here.settings.base_url}standing.atom?lang={language}",
        )
    )


def _of_record(here: Any, iri: str) -> Response:  # Any: as in site
    with reading(here.engine) as connection:
        held = Catalogue(connection).find(iri)
        if held is None or held.origin != here.settings.node_iri:
            abort(HTTPStatus.NOT_FOUND, "The parameter record is the address of a record of this node.")
        found = hubs.at_each(connection, iri, here.settings.node_iri)
    return html(render_template("standing_record.html", held=held, standings=found, age=_age))


@blueprint.get("/standing")
def standing() -> Response:
    """Each hub with its counts, and its records that are not green, worst first, at most 500."""
    here = site()
    with reading(here.engine) as connection:
        views = _views(connection, here)
    document = {"node": here.settings.node_iri, "hubs": [_told(each) for each in views]}
    return answer((document,), lambda: as_json(document), "application/json")


@blueprint.get("/standing.atom")
def problems() -> Response:
    """What hubs refused of this node, newest first, as a feed in the language ``lang``."""
    here, language = site(), feed_language()
    with reading(here.engine) as connection:
        views = _views(connection, here)
    refused = [(view, each) for view, each in _worst_first(views) if each.light is Light.RED]
    newest = sorted(refused, key=lambda found: _said_at(*found), reverse=True)[:SHOWN]
    feed = _feed(here, newest, language)
    return answer((feed,), lambda: atom(feed), "application/atom+xml; charset=utf-8")


def _views(connection: Connection, here: Any) -> list[HubView]:  # Any: as in site
    return [
        hubs.view(connection, each, here.settings.node_iri, here.settings.uri_space)
        for each in hubs.listing(connection)
    ]


def _worst_first(views: Sequence[HubView]) -> list[tuple[HubView, Standing]]:
    every = [(view, each) for view in views for each in view.others]
    lights = list(Light)
    return sorted(every, key=lambda found: (-lights.index(found[1].light), found[1].iri, found[0].hub.id))


def _age(moment: datetime) -> str:
    """How long ago that was, in the reader's language."""
    return str(format_timedelta(moment - datetime.now(UTC), granularity="minute", add_direction=True))


def _said_at(view: HubView, each: Standing) -> datetime:
    return (each.told and each.told.received) or view.hub.answered or from_milliseconds(0)


def _told(view: HubView) -> dict[str, object]:
    hub = view.hub
    return {
        "hub": hub.address,
        "titles": dict(hub.titles),
        "answered": timestamp(hub.answered) if hub.answered else None,
        "problem": hub.problem or None,
        "light": view.light.value if hub.answered else None,
        "counts": {light.value: count for light, count in view.counts.items()} if hub.answered else None,
        "records": [_record(view, each) for each in view.others[:LISTED]] if hub.answered else [],
    }


def _record(view: HubView, each: Standing) -> dict[str, object]:
    refused = each.told if each.light is Light.RED else None
    texts = _SENTENCES.get(refused.reason, refused.sentences) if refused else {}
    return {
        "record": each.iri,
        "light": each.light.value,
        "older": each.older,
        "reason": {"type": f"{PROBLEMS}{refused.reason}", "code": refused.reason, "text": dict(texts)}
        if refused
        else None,
        "detail": refused.detail if refused else "",
        "received": timestamp(_said_at(view, each)) if refused else None,
    }


def _feed(here: Any, found: Sequence[tuple[HubView, Standing]], language: str) -> Feed:  # Any: as in site
    settings = here.settings
    shown = language if language in settings.languages else settings.languages[0]
    page_address = f"{settings.base_url}{shown}/receipts"
    with force_locale(language):
        title = gettext("Records that hubs refused")
        entries = [_entry(settings.base_url, page_address, view, each, language) for view, each in found]
    return Feed(
        address=f"{settings.base_url}standing.atom?lang={language}",
        page=page_address,
        page_language=shown,
        title=title,
        language=language,
        updated=_said_at(*found[0]) if found else from_milliseconds(0),
        node=settings.node_iri,
        publisher=settings.publisher or pick(settings.titles, language) or settings.node_iri,
        entries=entries,
    )


def _entry(base_url: str, page_address: str, view: HubView, each: Standing, language: str) -> FeedEntry:
    said_at = _said_at(view, each)
    name = hashlib.sha256(f"{view.hub.address} {each.iri}".encode()).hexdigest()[:16]
    detail = clean_text(each.told.detail) if each.told else ""
    hub = gettext("%(label)s:", label=pick(view.hub.titles, language) or view.hub.address)
    return FeedEntry(
        # Not the record's own IRI: in the feeds of records that means the record.
        iri=f"{base_url}standing#r-{name}",
        page=f"{page_address}?record={quote(each.iri, safe='')}" if each.titles else page_address,
        data=(),
        title=pick(each.titles, language) or each.iri,
        summary="\n".join(filter(None, (f"{hub} {each.reason(language)}", each.iri, detail))),
        language=language,
        published=said_at,
        updated=said_at,
        change="refused",
        categories=(),
    )
