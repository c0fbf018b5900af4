"""The web application, put together: database, key, views, error pages, and the kept answers in front of them."""

from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from flask import Flask, Response, request

from chm_node import watermark
from chm_node.keys import node_signer
from chm_node.settings import Settings
from chm_node.vocabulary import use_directory
from chm_node.web import (
    Site,
    catalogue,
    dumps,
    feeds,
    hub,
    languages,
    log,
    node,
    pages,
    problems,
    records,
    reference,
    resourcesync,
    sparql,
)
from chm_node.web.conditional import redirection
from chm_node.web.kept import Kept, log_head_reader
from chm_node.web.negotiation import Request
from harvest import ping, receipt_pages, standing_pages
from harvest import web as network
from harvest.checker import web as checker
from harvest.joining import web as joining

#: Larger than any form or notification; files do not come in over HTTP.
MAX_REQUEST_BYTES = 2 * 1024 * 1024

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


def create_app(settings: Settings) -> Flask:
    """The node's WSGI application; raises SettingsError, StorageError or OutdatedLogError when it cannot start."""
    if settings.vocabulary_dir:
        use_directory(settings.vocabulary_dir)
    engine = watermark.opened(settings)
    # Serving needs the public half alone, so the private key is not kept in this process.
    multikey = node_signer(settings).multikey
    app = Flask("chm_node.web")
    app.request_class = Request
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    app.extensions["chm"] = Site(settings, engine, multikey, datetime.now(UTC))
    languages.install(app, settings.languages)
    own = (records, log, feeds, node, catalogue, reference, sparql, pages, resourcesync, dumps, hub)
    for module in (*own, network, ping, receipt_pages, standing_pages, checker, joining):
        app.register_blueprint(module.blueprint)
    problems.register(app)
    _lead_from_former_hosts(app, settings)
    app.after_request(_secure)
    app.after_request(problems.only_as_wanted)  # which comes before the one above
    _redirect_within_public_address(app, settings)
    app.wsgi_app = Kept(app.wsgi_app, log_head_reader(engine))  # type: ignore[method-assign]  # as Flask documents it
    return app


def _lead_from_former_hosts(app: Flask, settings: Settings) -> None:
    hosts = {urlsplit(each).netloc for each in settings.moved_from}

    def lead() -> Response | None:
        if request.host not in hosts:
            return None
        query = f"?{request.query_string.decode()}" if request.query_string else ""
        return redirection(settings.base_url + quote(request.path.lstrip("/")) + query, HTTPStatus.MOVED_PERMANENTLY)

    if hosts:
        app.before_request(lead)


def _redirect_within_public_address(app: Flask, settings: Settings) -> None:
    """Of the router's own redirects: it knows the node as the web server in front calls it, without encryption."""

    def lead(response: Response) -> Response:
        location, asked = response.location or "", request.host_url
        if not location.startswith(asked):
            return response
        return redirection(settings.base_url + location.removeprefix(asked), response.status_code)

    app.after_request(lead)


def _secure(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
