"""The network page: which nodes are harvested here, when last, and what that brought. Public."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, abort, current_app, render_template
from flask_babel import gettext
from sqlalchemy import Connection

from chm_node.database import reading
from chm_node.namespaces import VOCABULARY
from chm_node.vocabulary import vocabularies
from harvest import quarantine, runs
from harvest.overview import overview
from harvest.quarantine import Kind
from harvest.sources import listing

blueprint = Blueprint("network", __name__)


@blueprint.record
def _name_peers(state: Any) -> None:  # Any: flask does not export the type of its set-up state
    """Have every page call peers by their titles."""
    state.app.extensions["chm_peers"] = peer_titles


def peer_titles(connection: Connection) -> Mapping[str, Mapping[str, str]]:
    """What each harvested node is called, by its IRI."""
    return {source.node: source.titles for source in listing(connection) if source.titles}


@blueprint.get("/<any(en, fr, ar):language>/network")
def network(language: str) -> Response:
    """Every source with its state, worst first."""
    site: Any = current_app.extensions["chm"]  # Any: what it is belongs to chm_node.web, which we do not know
    if language not in site.settings.languages:
        abort(HTTPStatus.NOT_FOUND)
    with reading(site.engine) as connection:
        held = quarantine.groups(connection)
        sources = sorted(overview(connection), key=lambda each: (-each.failures, each.state, each.node))
    page = render_template(
        "network.html", sources=sources, held=held, outcome=lambda name: _outcome(name, language), kinds=_kinds()
    )
    # Runs are no part of the log: the page is never answered from what is kept.
    return Response(page, content_type="text/html; charset=utf-8", headers={"Cache-Control": "no-cache"})


def _kinds() -> Mapping[Kind, str]:
    """Why changes are held, in the reader's language."""
    return {
        Kind.EQUIVOCATION: gettext("another text as the version that is held"),
        Kind.FUTURE: gettext("dated ahead of the clock"),
        Kind.ROLLED_BACK: gettext("undone by going back to an earlier run"),
    }


def _outcome(name: str, language: str) -> str:
    """How a run ended, in the reader's language."""
    if name == runs.RUNNING:
        return str(gettext("running"))
    if name == runs.DECIDED:
        return str(gettext("decided by a person"))
    term = vocabularies().term(f"{VOCABULARY}harvest-statuses/{name}")
    return term.label((language,))[0] if term else name
