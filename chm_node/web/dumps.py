"""Dumps over HTTP: ``/dumps/records.nq.gz``, ``/dumps/records.trig.gz`` and what they hold."""

import json
from http import HTTPStatus

from flask import Blueprint, Response, abort, send_file

from chm_node import dumps
from chm_node.digests import digest_field
from chm_node.dumps import Dump
from chm_node.record import timestamp
from chm_node.web import site
from chm_node.web.conditional import OPEN, answer, strong_etag

blueprint = Blueprint("dumps", __name__)


@blueprint.get("/dumps/manifest.json")
def manifest() -> Response:
    """What the newest dumps reflect, and how to check them."""
    found = _newest()
    base = f"{site().settings.base_url}dumps/records"
    files = [
        {"href": f"{base}.{name}.gz", "sha256": each.sha256, "bytes": each.bytes} for name, each in found.files.items()
    ]
    stated = {
        "log_time": timestamp(found.log_time),
        "records": found.records,
        "withdrawn": found.withdrawn,
        "files": files,
    }
    body = json.dumps(stated, indent=1) + "\n"
    return answer(strong_etag(body), lambda: body, "application/json", follows_log=False)


@blueprint.get("/dumps/records.<extension>.gz")
def dump(extension: str) -> Response:
    """One file, from the disk; its digest is that of RFC 9530."""
    found = _newest()
    if extension not in found.files:
        abort(HTTPStatus.NOT_FOUND, "Dumps are written as N-Quads (.nq.gz) and TriG (.trig.gz).")
    file = found.files[extension]
    path = dumps.folder(site().settings).resolve() / file.name
    response = send_file(path, "application/gzip", conditional=True, etag=file.sha256, last_modified=found.log_time)
    response.headers["Repr-Digest"] = digest_field(bytes.fromhex(file.sha256))
    response.headers["Cache-Control"] = OPEN
    return response


def _newest() -> Dump:
    found = dumps.newest(site().settings)
    if found is None:
        abort(HTTPStatus.NOT_FOUND, "This node has not written a dump yet; its change log has everything.")
    return found
