"""The query service at ``/sparql`` (SPARQL 1.1 Protocol, query operation), and its page for people."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, Response, abort, current_app, render_template, request, url_for

from chm_node.budget import client_of
from chm_node.errors import MalformedQueryError, NotAcceptableError
from chm_node.formats.rdf import GRAPH_WRITERS
from chm_node.record import timestamp
from chm_node.sparql.child import Question
from chm_node.sparql.description import service_description
from chm_node.sparql.gate import GraphChoice, check
from chm_node.sparql.pool import Pool, Reply
from chm_node.sparql.results import TABLES
from chm_node.web import site
from chm_node.web.conditional import answer, catalog_link, redirection, strong_etag
from chm_node.web.languages import NAMES, preferred
from chm_node.web.negotiation import GRAPHS, HTML, JSON, JSON_LD, N_TRIPLES, RDF_XML, TURTLE, Syntax, choose

blueprint = Blueprint("sparql", __name__)

POOL = "chm_sparql"
_FORM = "application/x-www-form-urlencoded"
_QUERY = "application/sparql-query"
_UPDATE = "application/sparql-update"
_XML = Syntax(".xml", "application/xml")
_TABLE_SYNTAXES = (
    Syntax(".srj", "application/sparql-results+json"),
    Syntax(".srx", "application/sparql-results+xml"),
    Syntax(".csv", "text/csv"),
    Syntax(".tsv", "text/tab-separated-values"),
    JSON,
    _XML,
)
#: The general types are what scripts and browsers ask for.
_WRITTEN_AS = {JSON: _TABLE_SYNTAXES[0], _XML: _TABLE_SYNTAXES[1]}
_GRAPH_SYNTAXES = (TURTLE, N_TRIPLES, RDF_XML, JSON_LD)
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Content-Type",
    "Access-Control-Expose-Headers": "Chm-Log-Time, Chm-Result-Rows, Chm-Result-Cut, Retry-After",
}
#: Shown on the page; each runs as it stands.
EXAMPLES = (
    """PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX foaf: <http://xmlns.com/foaf/0.1/>

SELECT ?type (COUNT(DISTINCT ?record) AS ?records)
WHERE { ?entry foaf:primaryTopic ?record . ?record dcterms:type ?type }
GROUP BY ?type ORDER BY DESC(?records)
""",
    """PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX schema: <https://schema.org/>

SELECT ?event ?title ?starts
WHERE { ?event schema:startDate ?starts ; dcterms:title ?title }
ORDER BY DESC(?starts) LIMIT 50
""",
    """PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX foaf: <http://xmlns.com/foaf/0.1/>

SELECT ?subject (COUNT(DISTINCT ?record) AS ?records)
WHERE { ?entry foaf:primaryTopic ?record . ?record dcterms:subject ?subject }
GROUP BY ?subject ORDER BY DESC(?records) LIMIT 50
""",
)


@blueprint.record
def _prepare(state: Any) -> None:  # Any: flask does not export the type of its set-up state
    here = state.app.extensions["chm"]
    if here.settings.sparql == "on":
        state.app.extensions[POOL] = Pool(here.engine, here.settings.threads)


@blueprint.before_request
def _refuse_when_off() -> None:
    if site().settings.sparql == "off":
        abort(HTTPStatus.NOT_FOUND, "This node answers no queries.")


@blueprint.after_request
def _open_to_all(response: Response) -> Response:
    response.headers.update(_CORS)
    return response


@blueprint.get(f"/<any({', '.join(NAMES)}):language>/sparql")
def page(language: str) -> Response:
    """What can be asked here, with examples that are links."""
    here = site()
    if language not in here.settings.languages:
        abort(HTTPStatus.NOT_FOUND)
    examples = [{"query": query, "href": f"/sparql?{urlencode({'query': query})}"} for query in EXAMPLES]
    return answer(
        strong_etag(here.stamp, "sparql", language),
        lambda: render_template("sparql.html", examples=examples, endpoint=f"{here.settings.base_url}sparql"),
        HTML.content_type,
    )


@blueprint.route("/sparql", methods=["GET", "POST"])
def endpoint() -> Response:
    """A query's results; without a query, what the service is."""
    elsewhere = site().settings.sparql
    if elsewhere != "on":
        query = request.query_string.decode("latin-1")
        return redirection(f"{elsewhere}?{query}" if query else elsewhere, HTTPStatus.TEMPORARY_REDIRECT)
    parameters = _parameters()
    if request.method != "POST" and not parameters:
        return _description()
    return _results(_question(parameters))


def _parameters() -> list[tuple[str, str]]:
    """What the request asks, from where its method and media type put it (SPARQL 1.1 Protocol §2.1)."""
    if request.method != "POST":
        return _decoded(request.query_string)
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8"):
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Queries are sent as UTF-8.")
    if request.mimetype == _UPDATE:
        raise MalformedQueryError("this service answers queries; it takes no updates")
    if request.mimetype == _QUERY:
        query = _utf8(request.get_data())
        return [("query", query), *(each for each in _decoded(request.query_string) if each[0] != "query")]
    if request.mimetype != _FORM:
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"A query is sent as {_QUERY} or {_FORM}.")
    # Before anything reads request.form, or the body would be gone.
    return _decoded(request.get_data(cache=False, parse_form_data=False))


def _decoded(form: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(_utf8(form), keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as error:  # UnicodeDecodeError is one
        raise MalformedQueryError("the parameters are not UTF-8, or too many") from error


def _utf8(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedQueryError(f"the query is not UTF-8 (byte {error.start})") from error


def _question(parameters: Iterable[tuple[str, str]]) -> Question:
    found: dict[str, list[str]] = {}
    for name, value in parameters:
        found.setdefault(name, []).append(value)
    if "update" in found:
        raise MalformedQueryError("this service answers queries; it takes no updates")
    if len(found.get("query", ())) != 1:
        raise MalformedQueryError('a request has one parameter "query"')
    [query], base = found["query"], f"{site().settings.base_url}sparql"
    table, graph = _accepted(_TABLE_SYNTAXES), _accepted(_GRAPH_SYNTAXES)
    if not table and not graph:
        known = ", ".join(each.media_type for each in (*_TABLE_SYNTAXES, *_GRAPH_SYNTAXES))
        raise NotAcceptableError(f"results are available as {known}")
    return Question(
        query,
        base,
        own=check(query, base),
        asked=GraphChoice(tuple(found.get("default-graph-uri", ())), tuple(found.get("named-graph-uri", ()))),
        table_type=_WRITTEN_AS.get(table, table).media_type if table else "",
        graph_type=graph.media_type if graph else "",
    )


def _accepted(offered: Sequence[Syntax]) -> Syntax | None:
    """The format for one of the two kinds of results; None when the reader takes only the other kind."""
    try:
        return choose("", offered)
    except NotAcceptableError:
        return None


def _results(question: Question) -> Response:
    pool: Pool = current_app.extensions[POOL]
    client = client_of(request.remote_addr or "", request.headers.get("X-Forwarded-For", ""))
    return _response(pool.ask(question, client))


def _response(reply: Reply) -> Response:
    written = reply.found.written
    if written is None:
        raise NotAcceptableError("no format that this request accepts fits the kind of the query")
    is_table = reply.found.media_type in TABLES
    syntax = choose("", _TABLE_SYNTAXES if is_table else _GRAPH_SYNTAXES)
    response = Response(written.body, content_type=syntax.content_type)
    response.headers["Vary"] = "Accept"
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Chm-Result-Rows"] = str(written.rows)
    response.headers["Chm-Result-Cut"] = "yes" if written.cut else "no"
    if reply.log_time:
        response.headers["Chm-Log-Time"] = timestamp(reply.log_time)
    return response


def _description() -> Response:
    here = site()
    syntax = choose("", (*GRAPHS, HTML))
    vary = ("Accept", "Accept-Language")
    if syntax is HTML:
        language = preferred(request.accept_languages, here.settings.languages)
        return redirection(url_for("sparql.page", language=language), HTTPStatus.SEE_OTHER, vary)
    return answer(
        strong_etag(here.stamp, "sparql", syntax.extension),
        lambda: GRAPH_WRITERS[syntax.media_type](service_description(here.settings)),
        syntax.content_type,
        vary=vary,
        links=[catalog_link(here)],
    )
