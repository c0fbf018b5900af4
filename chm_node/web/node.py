"""What the node says of itself, and where clients of standards look first: ``/node`` and ``/.well-known/``."""

import json
from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, Response, abort, request
from sqlalchemy import Connection, select

from chm_node.catalogue import Catalogue
from chm_node.database import reading
from chm_node.database import source as source_table
from chm_node.formats.description import Interface, Peer, interfaces, node_description
from chm_node.formats.rdf import GRAPH_WRITERS
from chm_node.namespaces import PROFILE
from chm_node.record import from_milliseconds
from chm_node.web import Site, site
from chm_node.web.conditional import answer, link, redirection, strong_etag
from chm_node.web.languages import preferred
from chm_node.web.negotiation import GRAPHS, HTML, choose

blueprint = Blueprint("node", __name__)

_API_CATALOG = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
#: RFC 9116 §2.5.5 advises less than a year.
_SECURITY_TXT_LIFE = timedelta(days=364)


@blueprint.get("/node", defaults={"extension": ""})
@blueprint.get("/node.<extension>")
def description(extension: str) -> Response:
    """The node's own IRI: its claim to a URI space, its key, its interfaces, its peers."""
    here = site()
    syntax = choose(f".{extension}" if extension else "", GRAPHS if extension else (*GRAPHS, HTML))
    if syntax is HTML:
        language = preferred(request.accept_languages, here.settings.languages)
        home = f"{here.settings.base_url}{language}/"
        return redirection(home, HTTPStatus.SEE_OTHER, ("Accept", "Accept-Language"))
    with reading(here.engine) as connection:
        peers = approved_peers(connection)
        records = sum(Catalogue(connection).counts_by_origin().values())
    links = [
        link(f"{here.settings.node_iri}{each.extension}", "alternate", type=each.media_type)
        for each in GRAPHS
        if each is not syntax
    ]
    links += [link(PROFILE, "profile"), link(f"{here.settings.base_url}.well-known/api-catalog", "api-catalog")]
    return answer(
        strong_etag(here.stamp, here.multikey, syntax.extension, records, peers),
        lambda: GRAPH_WRITERS[syntax.media_type](node_description(here.settings, here.multikey, peers, records)),
        syntax.content_type,
        vary=() if extension else ("Accept", "Accept-Language"),
        links=links,
        follows_log=False,  # a harvest that brings nothing new is told of too
    )


@blueprint.get("/.well-known/void")
def void() -> Response:
    """Where VoID clients begin."""
    return redirection(site().settings.node_iri, HTTPStatus.SEE_OTHER)


@blueprint.get("/.well-known/api-catalog")
def api_catalog() -> Response:
    """Every interface in one link set (RFC 9727, RFC 9264)."""
    here = site()
    return answer(
        strong_etag(here.stamp, "api-catalog"),
        lambda: json.dumps(_linkset(here), ensure_ascii=False, indent=1) + "\n",
        _API_CATALOG,
        links=[link(f"{here.settings.base_url}.well-known/api-catalog", "api-catalog")],
    )


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Robots are welcome (RFC 9309)."""
    body = "User-agent: *\nDisallow:\n"
    return answer(strong_etag(body), lambda: body, "text/plain; charset=utf-8")


@blueprint.get("/.well-known/security.txt")
def security() -> Response:
    """Whom to tell about a weakness (RFC 9116); only when the settings name a contact."""
    here = site()
    if not here.settings.contact:
        abort(HTTPStatus.NOT_FOUND, "This node names no contact.")
    expires = (here.started + _SECURITY_TXT_LIFE).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = (
        f"Contact: mailto:{here.settings.contact}",
        f"Expires: {expires}",
        f"Preferred-Languages: {', '.join(here.settings.languages)}",
        f"Canonical: {here.settings.base_url}.well-known/security.txt",
    )
    body = "\n".join(lines) + "\n"
    return answer(strong_etag(body), lambda: body, "text/plain; charset=utf-8")


@blueprint.get("/livez")
def alive() -> Response:
    """The process answers."""
    return Response("alive\n", content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})


@blueprint.get("/readyz")
def ready() -> Response:
    """The database answers too; 503 otherwise."""
    with reading(site().engine) as connection:
        Catalogue(connection).head()
    return Response("ready\n", content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})


def approved_peers(connection: Connection) -> list[Peer]:
    """The nodes that are harvested here, in the order they were added."""
    rows = connection.execute(
        select(source_table).where(source_table.c.state == "approved").order_by(source_table.c.id)
    )
    return [
        Peer(
            node=row.node,
            uri_space=row.uri_space,
            key_id=row.key_id,
            multikey=row.multikey,
            feed=row.feed,
            titles=json.loads(row.titles or "{}"),
            last_success=from_milliseconds(row.last_success) if row.last_success else None,
        )
        for row in rows
    ]


def _linkset(here: Site) -> dict[str, object]:
    base, offered = here.settings.base_url, interfaces(here.settings)
    own = {
        "anchor": f"{base}.well-known/api-catalog",
        "item": [{"href": base + each.path, "type": each.media_type, "title": each.title} for each in offered],
        "service-meta": [{"href": here.settings.node_iri, "type": "text/turtle"}],
        "profile": [{"href": str(PROFILE)}],
    }
    return {"linkset": [own, *(_interface_links(here, each) for each in offered)]}


def _interface_links(here: Site, interface: Interface) -> dict[str, object]:
    return {
        "anchor": here.settings.base_url + interface.path,
        "service-desc": [{"href": f"{here.settings.node_iri}#{interface.name}", "type": "text/turtle"}],
        "service-doc": [{"href": interface.conforms_to[0]}],
        "profile": [{"href": specification} for specification in interface.conforms_to],
    }
