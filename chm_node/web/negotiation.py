"""Which format a reader gets: by extension first, then by ``Accept`` (RFC 9110 §12)."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Request as FlaskRequest
from flask import request
from werkzeug.datastructures import MIMEAccept
from werkzeug.utils import cached_property

from chm_node.errors import NotAcceptableError


class Request(FlaskRequest):
    """A request of which nobody has to think of the parameters of a media type: none of ours has a second form."""

    @cached_property
    def accept_mimetypes(self) -> MIMEAccept:
        """The media types that the reader accepts, without parameters, with their weights."""
        accepted = super().accept_mimetypes
        return MIMEAccept([(media_type.partition(";")[0].strip(), weight) for media_type, weight in accepted])


@dataclass(frozen=True)
class Syntax:
    """A way to write something; the extension names it in addresses."""

    extension: str
    media_type: str

    @property
    def content_type(self) -> str:
        """As sent: RDF syntaxes and JSON are UTF-8 by definition, the text types have to say it."""
        return f"{self.media_type}; charset=utf-8" if self.media_type.startswith("text/") else self.media_type


TURTLE = Syntax(".ttl", "text/turtle")
JSON_LD = Syntax(".jsonld", "application/ld+json")
RDF_XML = Syntax(".rdf", "application/rdf+xml")
N_TRIPLES = Syntax(".nt", "application/n-triples")
N_QUADS = Syntax(".nq", "application/n-quads")
TRIG = Syntax(".trig", "application/trig")
JSON = Syntax(".json", "application/json")
HTML = Syntax(".html", "text/html")

#: Of a description in RDF; also what a record's page and the catalogue offer.
GRAPHS = (TURTLE, JSON_LD, RDF_XML, N_TRIPLES, N_QUADS)


def split(path: str, offered: Sequence[Syntax]) -> tuple[str, str]:
    """The path without its extension, and the extension when it is one of those offered."""
    for syntax in offered:
        if path.endswith(syntax.extension):
            return path.removesuffix(syntax.extension), syntax.extension
    return path, ""


def choose(extension: str, offered: Sequence[Syntax]) -> Syntax:
    """The syntax asked for; the first one offered when the reader has no preference.

    Raises NotAcceptableError.
    """
    for syntax in offered:
        if syntax.extension == extension:
            return syntax
    best = "" if extension else _best(offered)
    for syntax in offered:
        if syntax.media_type == best:
            return syntax
    listed = ", ".join(f"{syntax.media_type} ({syntax.extension})" for syntax in offered)
    raise NotAcceptableError(f"{request.path} is available as {listed}")


def _best(offered: Sequence[Syntax]) -> str | None:
    accepted = request.accept_mimetypes
    return accepted.best_match([syntax.media_type for syntax in offered]) if accepted else offered[0].media_type
