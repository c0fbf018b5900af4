"""What the node says of itself, and where clients of standards look first: ``/node`` and ``/.well-known/``."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from itertools import count
from typing import Any

from flask import Blueprint, Response, abort, request
from flask_babel import force_locale
from sqlalchemy import Connection, Row, select

from chm_node import dumps
from chm_node.catalogue import Catalogue, ChangeLog
from chm_node.database import reading
from chm_node.formats.description import Download, Interface, Peer, interfaces, node_description
from chm_node.formats.rdf import GRAPH_WRITERS
from chm_node.keys import public_keys
from chm_node.namespaces import LDP, PROFILE
from chm_node.proofs import former_keys
from chm_node.record import from_milliseconds
from chm_node.tables import source as source_table
from chm_node.web import Site, site
from chm_node.web.conditional import answer, catalog_link, link, redirection, strong_etag
from chm_node.web.labels import lead
from chm_node.web.languages import preferred
from chm_node.web.negotiation import GRAPHS, HTML, N_QUADS, TRIG, choose

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
        counts = Catalogue(connection).counts_by_origin()
        peers = approved_peers(connection, counts)
    records = sum(counts.values())
    downloads, keys = _downloads(here), public_keys(here.settings, here.multikey)
    links = [
        link(f"{here.settings.node_iri}{each.extension}", "alternate", type=each.media_type)
        for each in GRAPHS
        if each is not syntax
    ]
    links += [
        link(PROFILE, "profile"),
        link(f"{here.settings.base_url}inbox", LDP.inbox),
        catalog_link(here),
    ]
    return answer(
        strong_etag(here.stamp, keys, syntax.extension, records, peers, downloads),
        lambda: GRAPH_WRITERS[syntax.media_type](
            node_description(here.settings, _descriptions(here, is_hub=bool(peers)), keys, peers, records, downloads)
        ),
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
        links=[catalog_link(here)],
    )


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Robots are welcome (RFC 9309), and told of every record (sitemaps.org)."""
    body = f"User-agent: *\nDisallow:\n\nSitemap: {site().settings.base_url}resourcelist.xml\n"
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
        ChangeLog(connection).head()
    return Response("ready\n", content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})


def approved_peers(connection: Connection, counts: Mapping[str, int]) -> list[Peer]:
    """The nodes that are harvested here, or were until they moved, each followed by those it vouches for.

    ``counts`` are the live records of each origin.

    A hub's own members are passed on, or a record would be nobody's after two hops, but only those we believe; and so
    is a node that left, for its records are kept.
    """
    rows = connection.execute(
        select(source_table).where(source_table.c.state.in_(("approved", "left", "moved"))).order_by(source_table.c.id)
    )
    found: dict[str, Peer] = {}
    for row in rows:
        found[row.node] = _peer(row, counts)
        for member in json.loads(row.members):
            if _is_believed(member, json.loads(row.countries)):
                found.setdefault(member["node"], _member(member, row.feed, counts))
    return list(found.values())


def _peer(row: Row[Any], counts: Mapping[str, int]) -> Peer:
    return Peer(
        node=row.node,
        uri_space=row.uri_space,
        key_id=row.key_id,
        multikey=row.multikey,
        feed=row.feed,
        titles=json.loads(row.titles or "{}"),
        country=row.country,
        last_success=from_milliseconds(row.last_success) if row.last_success else None,
        records=counts.get(row.node, 0),
        former=former_keys(json.loads(row.former)),
        withdrawn=row.state == "left",
    )


def _is_believed(member: Mapping[str, Any], countries: Sequence[str]) -> bool:
    """Whether a member is pinned and within what its hub was approved for (``harvest.members``)."""
    return member["word"] in ("confirmed", "silent") and (not countries or member["country"] in countries)


def _member(member: Mapping[str, Any], feed: str, counts: Mapping[str, int]) -> Peer:  # Any: a text, or former keys
    """A node we know through a hub. What the hub alone says of former keys is not passed on."""
    node, former = member["node"], former_keys(member["former"]) if member["word"] == "confirmed" else ()
    named = {each.key_id for each in former}
    return Peer(
        node=node,
        uri_space=member["uri_space"],
        # Not remembered; it only must not be the name of another key.
        key_id=next(name for n in count(1) if (name := f"{node}#key-{n}" if n > 1 else f"{node}#key") not in named),
        multikey=member["multikey"],
        feed=feed,
        titles=member["titles"],
        country=member["country"],
        last_success=None,
        records=counts.get(member["node"], 0),
        former=former,
    )


def _descriptions(here: Site, *, is_hub: bool) -> dict[str, str]:
    found = {}
    for language in here.settings.languages:
        with force_locale(language):
            found[language] = lead(is_hub=is_hub)
    return found


def _downloads(here: Site) -> list[Download]:
    dump = dumps.newest(here.settings)
    if dump is None:
        return []
    return [
        Download(f"dumps/records.{each.extension.removeprefix('.')}.gz", each.media_type, dump.log_time, file.bytes)
        for each in (N_QUADS, TRIG)
        if (file := dump.files.get(each.extension.removeprefix(".")))
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
