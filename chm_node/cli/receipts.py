"""What hubs did with the records of this node."""

import json
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from chm_node.cli.opening import load_settings, opened_engine

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from chm_node.settings import Settings
    from harvest.hubs import HubView
    from harvest.standing import Standing


@click.command()
@click.argument("hub", required=False)
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON, for other programs.")
@click.option("--forget", is_flag=True, help="Ask HUB no more, and drop what it said.")
def receipts(hub: str | None, as_json: bool, forget: bool) -> None:
    """Ask HUB what became of this node's records, or every hub that was asked before.

    Green: it has our version. Amber: it has an older one, or has not seen the record yet. Red: it refused the record,
    for the reason that is printed, or it has a version that is not here. Exit code 1 when anything is red. The worker
    asks the hub again every hour.

    \b
    chm receipts https://hub.example.org/
    chm receipts
    chm receipts https://hub.example.org/ --forget
    """
    from chm_node.addresses import common_form

    settings = load_settings()
    hub = hub and (common_form(hub) or hub)
    with opened_engine(settings) as engine:
        if forget:
            _forget(engine, hub)
            return
        views = _ask(engine, settings, hub)
    if as_json:
        documents = [_document(each, settings) for each in views]
        click.echo(json.dumps(documents[0] if hub else documents, ensure_ascii=False, indent=1))
    else:
        for each in views:
            _show(each, settings)
    if any(each.light.value == "red" for each in views):
        raise click.exceptions.Exit(1)


def _forget(engine: "Engine", hub: str | None) -> None:
    from chm_node.database import writing
    from harvest.hubs import forget

    if not hub:
        raise click.UsageError("name the hub to forget")
    with writing(engine) as connection:
        forget(connection, hub)
    click.echo(f"{hub} is asked no more.")


def _ask(engine: "Engine", settings: "Settings", hub: str | None) -> "list[HubView]":
    from chm_node.database import reading, writing
    from chm_node.errors import ChmError
    from chm_node.http_client import HttpClient
    from harvest import hubs
    from harvest.dispatch import fetch_policy
    from harvest.inquiry import ask, receipts_at, store
    from harvest.readers import Readers

    now, jitter = datetime.now(UTC), random.random()  # noqa: S311  only spreads the load
    with reading(engine) as connection:
        remembered = [each.address for each in hubs.listing(connection)]
    if not hub and not remembered:
        raise ChmError("no hub was asked yet; name one: chm receipts https://hub.example.org/")
    with HttpClient(fetch_policy(settings)) as client, Readers(1) as readers:
        if hub:
            answer = receipts_at(hub, settings.node_iri, client, readers)
            with writing(engine) as connection:
                hubs.remember(connection, hub, now)
                store(connection, hub, answer, now, jitter)
        else:
            for address in remembered:
                ask(engine, settings, address, client, readers, now, jitter)
    with reading(engine) as connection:
        asked = [each for each in hubs.listing(connection) if hub in (None, each.address)]
        return [hubs.view(connection, each, settings.node_iri, settings.uri_space) for each in asked]


def _show(view: "HubView", settings: "Settings") -> None:
    click.echo(f"{view.hub.address}:")
    if view.hub.problem:
        said = f"{view.hub.answered:%Y-%m-%d %H:%M} UTC" if view.hub.answered else "never"
        click.echo(f"       no answer now ({view.hub.problem}); the last one: {said}")
    for each in view.others:
        click.echo(f"{each.light.value:6} {_title(each, settings)}: {_words(each, settings)}")
    counts = ", ".join(f"{count} {light.value}" for light, count in view.counts.items())
    click.echo(f"{view.light.value:6} in all: {counts}")


def _title(each: "Standing", settings: "Settings") -> str:
    titles = each.titles
    return titles.get(settings.languages[0]) or next(iter(titles.values()), "") or each.iri


def _words(each: "Standing", settings: "Settings") -> str:
    if each.ahead:
        return f"the hub has a version that is not here; chm recover brings it back: {each.iri}"
    if each.light.value == "red" and each.told:
        shown = f"{each.reason(settings.languages[0])} ({each.told.reason})"
        return f"{shown} {each.told.detail}".rstrip() + (f" {each.iri}" if each.titles else "")
    return "the hub has an older version" if each.older else "the hub has not seen it yet"


def _document(view: "HubView", settings: "Settings") -> dict[str, object]:
    from chm_node.record import timestamp

    return {
        "hub": view.hub.address,
        "node": settings.node_iri,
        "answered": timestamp(view.hub.answered) if view.hub.answered else None,
        "problem": view.hub.problem,
        "light": view.light.value,
        "counts": {light.value: count for light, count in view.counts.items()},
        "records": [
            {
                "record": each.iri,
                "title": _title(each, settings),
                "light": each.light.value,
                "says": _words(each, settings),
                "reason": each.told.reason if each.told else "",
            }
            for each in view.others
        ],
    }
