"""What hubs did with the records of this node."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from chm_node.cli.opening import load_settings, opened_engine

if TYPE_CHECKING:
    from chm_node.settings import Settings
    from harvest.standing import Standing


@click.command()
@click.argument("hub")
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON, for other programs.")
def receipts(hub: str, as_json: bool) -> None:
    """Ask HUB what became of this node's records.

    Green: it has our version. Amber: it has an older one, or has not seen the record yet. Red: it refused the record,
    for the reason that is printed, or it has a version that is not here. Exit code 1 when anything is red.

    \b
    chm receipts https://hub.example.org/
    """
    from harvest.standing import Light, overall

    settings = load_settings()
    standings = _ask(hub, settings)
    if as_json:
        click.echo(json.dumps(_document(hub, settings, standings), ensure_ascii=False, indent=1))
    else:
        for each in standings:
            click.echo(f"{each.light.value:6} {_title(each, settings)}: {_words(each, settings)}")
        counts = ", ".join(f"{count} {light}" for light, count in _counts(standings).items())
        click.echo(f"{overall(standings).value:6} in all: {counts}")
    if overall(standings) is Light.RED:
        raise click.exceptions.Exit(1)


def _ask(hub: str, settings: "Settings") -> "list[Standing]":
    from chm_node.database import reading
    from chm_node.http_client import HttpClient
    from harvest.dispatch import fetch_policy
    from harvest.inquiry import own_records, receipts_at
    from harvest.readers import Readers
    from harvest.standing import compare

    with HttpClient(fetch_policy(settings)) as client, Readers(1) as readers:
        told = receipts_at(hub, settings.node_iri, client, readers)
    with opened_engine(settings) as engine, reading(engine) as connection:
        return compare(own_records(connection, settings.node_iri), told, settings.uri_space)


def _title(each: "Standing", settings: "Settings") -> str:
    titles = each.titles
    return titles.get(settings.languages[0]) or next(iter(titles.values()), "") or each.iri


def _words(each: "Standing", settings: "Settings") -> str:
    if each.ahead:
        return f"the hub has a version that is not here; chm recover brings it back: {each.iri}"
    if each.told:
        shown = f"{each.reason(settings.languages[0])} ({each.told.reason})"
        return f"{shown} {each.told.detail}".rstrip() + (f" {each.iri}" if each.titles else "")
    if each.light.value == "green":
        return "the hub has this version"
    return "the hub has an older version" if each.older else "the hub has not seen it yet"


def _counts(standings: "Sequence[Standing]") -> dict[str, int]:
    from harvest.standing import Light

    return {light.value: sum(1 for each in standings if each.light is light) for light in Light}


def _document(hub: str, settings: "Settings", standings: "Sequence[Standing]") -> dict[str, object]:
    from harvest.standing import overall

    return {
        "hub": hub,
        "node": settings.node_iri,
        "light": overall(standings).value,
        "counts": _counts(standings),
        "records": [
            {
                "record": each.iri,
                "title": _title(each, settings),
                "light": each.light.value,
                "says": _words(each, settings),
                "reason": each.told.reason if each.told else "",
            }
            for each in standings
        ],
    }
