"""JSON Feed 1.1; what it has no member for stands in ``_chm``."""

import json
from typing import Any

from chm_node.formats.feed import Feed, FeedEntry
from chm_node.record import timestamp


def json_feed(feed: Feed) -> bytes:
    """The feed as JSON Feed 1.1."""
    document: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": feed.address,
        "language": feed.language,
        "authors": [{"name": feed.publisher, "url": feed.node}],
        "items": [_item(entry) for entry in feed.entries],
    }
    if feed.hub:
        document["hubs"] = [{"type": "WebSub", "url": feed.hub}]
    if feed.next:
        document["next_url"] = feed.next
    links = {relation: address for relation, address in feed.paging if relation != "next"}
    document["_chm"] = {"about": feed.node, "updated": timestamp(feed.updated), **links}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _item(entry: FeedEntry) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": entry.iri,
        "url": entry.page,
        "title": entry.title,
        "summary": entry.text,
        "content_html": entry.body,
        "date_published": timestamp(entry.published),
        "date_modified": timestamp(entry.updated),
        "tags": [*(category.label for category in entry.categories), entry.change],
    }
    if entry.language:
        item["language"] = entry.language
    if entry.origin:
        item["authors"] = [{"name": entry.origin.title, "url": entry.origin.iri}]
    item["_chm"] = {
        "change": entry.change,
        "terms": [category.iri for category in entry.categories if category.iri],
        "data": [{"url": address, "mime_type": media_type} for address, media_type in entry.data],
        **{name: value for name, value in _event(entry) if value},
        **({"origin": entry.origin.iri, "path": [node.iri for node in entry.path]} if entry.origin else {}),
    }
    return item


def _event(entry: FeedEntry) -> list[tuple[str, object]]:
    return [
        ("starts", entry.starts),
        ("ends", entry.ends),
        ("event", entry.event),
        ("location", "; ".join(entry.places)),
        ("organizers", list(entry.organisers)),
    ]
