"""The change log and the catalogue for ResourceSync clients: description, lists, and the parts of a list."""

from http import HTTPStatus

from flask import Blueprint, Response, abort

from chm_node import resource_lists
from chm_node.catalogue import ChangeLog
from chm_node.database import reading
from chm_node.formats import resourcesync
from chm_node.web import Site, site
from chm_node.web.conditional import answer, strong_etag

blueprint = Blueprint("resourcesync", __name__)

_CONTENT_TYPE = f"{resourcesync.MEDIA_TYPE}; charset=utf-8"


@blueprint.get("/.well-known/resourcesync")
def description() -> Response:
    """Where ResourceSync clients begin."""
    here = site()
    base = here.settings.base_url
    return answer(strong_etag(here.stamp), lambda: resourcesync.source_description(base), _CONTENT_TYPE)


@blueprint.get("/capabilitylist.xml")
def capabilities() -> Response:
    """The lists there are."""
    here = site()
    base = here.settings.base_url
    return answer(strong_etag(here.stamp), lambda: resourcesync.capability_list(base), _CONTENT_TYPE)


@blueprint.get("/resourcelist.xml")
def resource_list() -> Response:
    """The parts of the resource list."""
    here = site()
    with reading(here.engine) as connection:
        head = ChangeLog(connection).head()
        parts = resource_lists.parts(connection)
    return answer(
        strong_etag(here.stamp, head.epoch, head.log_time),
        lambda: resourcesync.resource_list_index(here.settings.base_url, parts, head.log_time),
        _CONTENT_TYPE,
        modified=head.log_time,
    )


@blueprint.get("/resourcelist-<number>.xml")
def resource_list_part(number: str) -> Response:
    """Up to 50,000 records, each with the hash of its N-Quads."""
    here = site()
    with reading(here.engine) as connection:
        chosen = int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 0
        if str(chosen) != number or not 1 <= chosen <= resource_lists.parts(connection):
            abort(HTTPStatus.NOT_FOUND, "The resource list has no such part.")
        head = ChangeLog(connection).head()
        at = resource_lists.part_time(connection, chosen)
        return answer(
            strong_etag(here.stamp, head.epoch, chosen, at),
            lambda: resourcesync.resource_list(
                here.settings.base_url, resource_lists.part(connection, chosen), at, _addresses(here)
            ),
            _CONTENT_TYPE,
            modified=at,
        )


@blueprint.get("/changelist.xml")
def change_list() -> Response:
    """The newest changes; ``from`` says how far back they go."""
    here = site()
    with reading(here.engine) as connection:
        head = ChangeLog(connection).head()

        def render() -> bytes:
            changes = resource_lists.newest_changes(connection)
            since = changes[0].log_time if changes else head.log_time
            return resourcesync.change_list(here.settings.base_url, changes, since, head.log_time, _addresses(here))

        return answer(strong_etag(here.stamp, head.epoch, head.log_time), render, _CONTENT_TYPE, modified=head.log_time)


def _addresses(here: Site) -> resourcesync.Addresses:
    return lambda iri: here.data_of(iri, ".nq")
