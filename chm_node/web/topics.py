"""The topics that can be subscribed to: the feeds of this node and its change log, each in one spelling."""

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from flask import Flask
from werkzeug.datastructures import Headers, MultiDict
from werkzeug.test import EnvironBuilder, run_wsgi_app

from chm_node.catalogue import ChangeLog
from chm_node.database import reading
from chm_node.errors import BadQueryError, StorageError
from chm_node.record import milliseconds
from chm_node.web import Site, feeds, log
from chm_node.web.negotiation import split
from chm_node.websub.distribution import Renderer, Rendition

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LOG = "feed"
_FEEDS = "feeds/all."
_MAX_PARAMETERS = 100


def topic_of(here: Site, address: str) -> str:
    """The one spelling of a topic; raises BadQueryError when the address is none."""
    path, question, query = address.removeprefix(here.settings.base_url).partition("?")
    if address.startswith(here.settings.base_url):
        name, _ = split(path, log.FORMATS)
        if name == LOG and not question:
            return address
        extension = path.removeprefix(_FEEDS)
        if path.startswith(_FEEDS) and extension in feeds.FORMATS:
            return feeds.topic(here, extension, _arguments(query))
    raise BadQueryError("hub.topic", "is no feed of this node", [f"{here.settings.base_url}{LOG}"])


def renderer(app: Flask) -> Renderer:
    """Renders topics as readers get them, by asking the application without a network."""
    return partial(_render, app)


def _arguments(query: str) -> MultiDict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError as error:  # UnicodeDecodeError is one
        raise BadQueryError("hub.topic", "its query is not UTF-8, or too long") from error
    return MultiDict(pairs)


def _render(app: Flask, topic: str) -> Rendition | None:
    here: Site = app.extensions["chm"]
    with reading(here.engine) as connection:
        head = ChangeLog(connection).head()
    status, headers, body = _asked(app, topic)
    # Under a former address of the node, too: whoever looks there again is led to the topic that follows it.
    if status.startswith(("301", "4")):
        return None
    if not status.startswith("200"):
        raise StorageError(f"{topic} could not be rendered: {status}")
    # The root of the log says where its pages are, and not what is on them: every change is news of it.
    moved = f" {milliseconds(head.log_time)}" if split(urlsplit(topic).path, log.FORMATS)[0] == f"/{LOG}" else ""
    return Rendition(body, headers["Content-Type"], f"{headers['ETag']}{moved}")


def _asked(app: Flask, topic: str) -> tuple[str, Headers, bytes]:
    parts = urlsplit(topic)
    builder = EnvironBuilder(path=parts.path, query_string=parts.query, base_url=f"{parts.scheme}://{parts.netloc}/")
    environ: WSGIEnvironment = builder.get_environ()
    chunks, status, headers = run_wsgi_app(app.wsgi_app, environ)
    return status, headers, b"".join(chunks)
