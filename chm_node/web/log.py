"""The change log for other nodes: ``/feed``, its ranges and pages, and the activities they hold."""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from flask import Blueprint, Response, abort

from chm_node.catalogue import ChangeLog
from chm_node.database import reading
from chm_node.formats import log, quads
from chm_node.formats.quads import Graph
from chm_node.namespaces import PROFILE
from chm_node.web import Site, site
from chm_node.web.conditional import CLOSED, OPEN, answer, catalog_link, link, redirection, strong_etag
from chm_node.web.negotiation import JSON_LD, N_QUADS, TRIG, Syntax, choose, split

blueprint = Blueprint("log", __name__)

FORMATS = (TRIG, N_QUADS, JSON_LD)
_WRITERS = {TRIG: quads.trig, N_QUADS: quads.n_quads, JSON_LD: quads.json_ld}
_STAMP = re.compile(r"(\d{8}T\d{6})(\d{3})Z", re.ASCII)


@blueprint.get("/feed", defaults={"extension": ""})
@blueprint.get("/feed.<extension>")
def root(extension: str) -> Response:
    """What the stream is and where its pages are."""
    here = site()
    syntax = _syntax(f".{extension}" if extension else "")
    with reading(here.engine) as connection:
        change_log = ChangeLog(connection)
        head = change_log.head()
        starts = change_log.page_starts()
    where = log.Log(here.settings.base_url, head.epoch, head.pages)
    polling_seconds = round(here.settings.poll_minutes * 60)
    return answer(
        strong_etag(here.stamp, syntax.extension, "root", head.epoch, len(starts)),
        lambda: _WRITERS[syntax](log.root_graphs(where, starts, polling_seconds)),
        syntax.content_type,
        cache=OPEN,
        vary=() if extension else ("Accept",),
        links=[
            *_links(here, where.root, syntax),
            link(f"{where.root}.{extension}" if extension else where.root, "self"),
            link(here.settings.websub_hub, "hub"),
        ],
    )


@blueprint.get("/feed/<int:epoch>/<key>")
def page(epoch: int, key: str) -> Response:
    """A page of the log, or a range of pages of a long one; an old epoch leads to the root, never to 410."""
    here = site()
    name, extension = split(key, FORMATS)
    syntax = _syntax(extension)
    with reading(here.engine) as connection:
        change_log = ChangeLog(connection)
        head = change_log.head()
        where = log.Log(here.settings.base_url, head.epoch, head.pages)
        if epoch != head.epoch:
            return redirection(where.root, HTTPStatus.MOVED_PERMANENTLY)
        found = _found(where, name, change_log)
    return answer(
        strong_etag(here.stamp, syntax.extension, found.node, found.closed, *found.versions),
        lambda: _WRITERS[syntax](found.graphs()),
        syntax.content_type,
        cache=CLOSED if found.closed else OPEN,
        vary=() if extension else ("Accept",),
        links=_links(here, found.node, syntax),
    )


@blueprint.get("/act/<stamp>")
def activity(stamp: str) -> Response:
    """One change of the log: the page that holds it."""
    here = site()
    if (match := _STAMP.fullmatch(stamp)) is None:
        abort(HTTPStatus.NOT_FOUND, "An activity is named by its log timestamp.")
    try:
        seconds = datetime.strptime(match.group(1), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        abort(HTTPStatus.NOT_FOUND, "An activity is named by its log timestamp.")
    log_time = seconds.replace(microsecond=int(match.group(2)) * 1000)
    with reading(here.engine) as connection:
        change_log = ChangeLog(connection)
        head = change_log.head()
        number = bisect_right(change_log.page_starts(), log_time)
        held = change_log.page(number) if number else []
    if all(change.log_time != log_time for change in held):
        abort(HTTPStatus.NOT_FOUND, "The log holds no such activity; a newer version may have replaced it.")
    where = log.Log(here.settings.base_url, head.epoch, head.pages).page(number)
    return redirection(where, HTTPStatus.SEE_OTHER)


@dataclass(frozen=True)
class _Found:
    """A page or a range of pages."""

    node: str
    closed: bool
    versions: Sequence[int]  #: what decides its bytes, once release and format are given
    graphs: Callable[[], list[Graph]]


def _found(where: log.Log, name: str, change_log: ChangeLog) -> _Found:
    is_range = name.startswith("r")
    digits = name.removeprefix("r")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 12 else 0
    last = where.ranges if is_range else where.pages
    if not 1 <= number <= last or str(number) != digits:
        abort(HTTPStatus.NOT_FOUND, "The log has no such page.")
    if is_range:
        starts = change_log.page_starts()
        held = starts[(number - 1) * log.RANGE_SIZE : number * log.RANGE_SIZE]
        return _Found(where.range(number), number < last, (len(held),), lambda: log.range_graphs(where, number, starts))
    changes = change_log.page(number)
    versions = [change.seq for change in changes]
    return _Found(where.page(number), number < last, versions, lambda: log.page_graphs(where, number, changes))


def _syntax(extension: str) -> Syntax:
    return choose(extension, FORMATS)


def _links(here: Site, node: str, shown: Syntax) -> list[str]:
    others = [link(f"{node}{each.extension}", "alternate", type=each.media_type) for each in FORMATS if each != shown]
    return [*others, link(PROFILE, "profile"), catalog_link(here)]
