"""The naive way to serve a feed: feedgen on every request."""

from collections.abc import Callable, Iterable
from pathlib import Path

from feedgen.feed import FeedGenerator

from chm_node.catalogue import Catalogue, Filter, Listing
from chm_node.database import open_database, reading


def feedgen_app(folder: Path) -> Callable[..., Iterable[bytes]]:
    """A WSGI application that queries the newest fifty records and has feedgen write them, each time."""
    engine = open_database(f"sqlite:///{folder / 'chm.sqlite'}")

    def application(_environ: object, start_response: Callable[..., object]) -> Iterable[bytes]:
        with reading(engine) as connection:
            listing = Catalogue(connection).listing(Filter(), 50)
        body = _feed(listing).atom_str()
        start_response("200 OK", [("Content-Type", "application/atom+xml"), ("Content-Length", str(len(body)))])
        return [body]

    return application


def _feed(listing: Listing) -> FeedGenerator:
    feed = FeedGenerator()
    feed.id("http://127.0.0.1/feed")
    feed.title("Records")
    for held in listing.records:
        entry = feed.add_entry(order="append")
        entry.id(held.iri)
        entry.title(held.titles.get("fr", held.iri))
        entry.link(href=held.iri)
        entry.summary(held.summaries.get("fr", ""))
        entry.updated(held.version)
    return feed
