"""What a node shows: HTML to people, RDF, feeds and JSON to machines. One view serves every format.

``site()`` is all that views share; nothing else of the application is global.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import quote

from flask import current_app
from sqlalchemy import Engine

from chm_node.settings import Settings
from chm_node.vocabulary import vocabularies

#: Settings that show in what is served, so that changing one makes every ETag new.
_SHOWN = (
    "base_url",
    "titles",
    "publisher",
    "contact",
    "country",
    "languages",
    "licence",
    "poll_minutes",
    "profile",
    "sparql",
)


@dataclass(frozen=True)
class Site:
    """What the views need: the settings, the database and the node's public key."""

    settings: Settings
    engine: Engine
    multikey: str  #: the public key as peers pin it
    started: datetime  #: UTC; when this process began to serve

    @cached_property
    def stamp(self) -> str:
        """Changes with the release, the vocabularies and every setting that shows; part of each ETag."""
        shown = self.settings.model_dump_json(include=set(_SHOWN))
        return hashlib.sha256(f"{_release()} {vocabularies().digest} {shown}".encode()).hexdigest()[:12]

    def page_of(self, iri: str, language: str) -> str:
        """The address of the HTML page of a record, in an interface language."""
        base = self.settings.base_url
        if self.is_own(iri):
            return f"{base}{language}/{iri.removeprefix(base)}"
        return f"{base}{language}/record?iri={quote(iri, safe='')}"

    def data_of(self, iri: str, extension: str) -> str:
        """The address of a record in one format: ``.ttl``, ``.jsonld``, ..."""
        if self.is_own(iri):
            return f"{iri}{extension}"
        return f"{self.settings.base_url}record{extension}?iri={quote(iri, safe='')}"

    def is_own(self, iri: str) -> bool:
        """Whether the IRI lies in this node's URI space."""
        return iri.startswith(self.settings.uri_space)


def site() -> Site:
    """The site of the request's application."""
    found: Site = current_app.extensions["chm"]
    return found


def _release() -> str:
    try:
        return version("chm-node")
    except PackageNotFoundError:
        return "from a checkout that is not installed"
