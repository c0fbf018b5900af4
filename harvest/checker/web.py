"""The public page of the checker, and the badge with a node's level. Neither asks a peer anything itself."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, abort, current_app, render_template, request
from flask_babel import gettext
from sqlalchemy import Connection

from chm_node.database import reading, writing
from harvest import sources
from harvest.checker.badge import badge
from harvest.checker.checks import Level, State
from harvest.checker.results import Result, ask, is_due, newest
from harvest.checker.sentences import SENTENCES
from harvest.sources import MOVED, REMOVED, Source

blueprint = Blueprint("checker", __name__)

_NO_CACHE = {"Cache-Control": "no-cache"}
_BADGE = {"Cache-Control": "public, max-age=600"}


@blueprint.get("/<any(en, fr, ar):language>/check")
def check(language: str) -> Response:
    """The result for one of the sources of this hub; choosing one whose result is old has it checked anew."""
    site: Any = current_app.extensions["chm"]  # Any: what it is belongs to chm_node.web, which we do not know
    if language not in site.settings.languages:
        abort(HTTPStatus.NOT_FOUND)
    address = request.args.get("url", "")
    with reading(site.engine) as connection:
        known = _known(connection)
        chosen = _chosen(known, address)
        due = chosen is not None and is_due(connection, chosen.id, datetime.now(UTC))
    if chosen and due:
        with writing(site.engine) as connection:
            ask(connection, chosen.id, datetime.now(UTC))
    with reading(site.engine) as connection:
        result = newest(connection, chosen.id) if chosen else Result(None, None, waiting=False)
    page = render_template(
        "check.html",
        sources=known,
        chosen=chosen,
        unknown=bool(address) and chosen is None,
        result=result,
        states=_states(),
        levels=_levels(),
        sentence=lambda finding: SENTENCES[finding.check][language],
    )
    status = HTTPStatus.NOT_FOUND if address and chosen is None else HTTPStatus.OK
    return Response(page, status, content_type="text/html; charset=utf-8", headers=_NO_CACHE)


@blueprint.get("/badge.svg")
def badge_of() -> Response:
    """The level that a source of this hub had when it was last checked."""
    site: Any = current_app.extensions["chm"]  # Any: as above
    with reading(site.engine) as connection:
        chosen = _chosen(_known(connection), request.args.get("node", ""))
        if chosen is None:
            abort(HTTPStatus.NOT_FOUND, "This hub knows no such node.")
        report = newest(connection, chosen.id).report
    return Response(badge(report.level if report else None), content_type="image/svg+xml", headers=_BADGE)


def _known(connection: Connection) -> list[Source]:
    return [each for each in sources.listing(connection) if each.state not in (MOVED, REMOVED)]


def _chosen(known: list[Source], address: str) -> Source | None:
    return next((each for each in known if address in (each.address, each.node)), None)


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
