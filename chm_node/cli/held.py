"""Withdrawals that wait for a person, and what the person decides."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from chm_node.cli.opening import load_settings, opened_engine

if TYPE_CHECKING:
    from chm_node.settings import Settings
    from harvest.quarantine import Held


@click.group(invoke_without_command=True)
@click.pass_context
def held(context: click.Context) -> None:
    """Show the withdrawals that were too many at once, and decide about them.

    \b
    chm held
    chm held accept https://chm.example.org/
    chm held drop https://chm.example.org/
    """
    if context.invoked_subcommand:
        return
    from chm_node.database import reading
    from harvest.quarantine import listing

    settings = load_settings()
    with opened_engine(settings) as engine, reading(engine) as connection:
        found = listing(connection)
    if not found:
        click.echo("Nothing is held.")
    for each in found:
        _show(each, settings)


@held.command()
@click.argument("source")
def accept(source: str) -> None:
    """Let the next harvest withdraw what SOURCE withdraws: what is listed, and once.

    \b
    chm held accept https://chm.example.org/
    """
    from chm_node.database import writing
    from harvest.quarantine import accept as run

    with opened_engine(load_settings()) as engine, writing(engine) as connection:
        count = run(connection, source, datetime.now(UTC))
    click.echo(f"The next harvest withdraws {count} records; until then: chm held drop {source}")


@held.command()
@click.argument("source")
def drop(source: str) -> None:
    """Keep the records although SOURCE withdraws them; its receipts say so.

    \b
    chm held drop https://chm.example.org/
    """
    from chm_node.database import writing
    from harvest.quarantine import drop as run

    with opened_engine(load_settings()) as engine, writing(engine) as connection:
        count = run(connection, source, datetime.now(UTC))
    click.echo(f"{count} records stay. If that was wrong: chm held accept {source}")


def _show(each: "Held", settings: "Settings") -> None:
    address = each.source.address
    said = {
        "waiting": f"withdraws {each.count} of {each.records} records; held since {each.since:%Y-%m-%d %H:%M} UTC",
        "accepted": f"{each.count} withdrawals are accepted; the next harvest follows them",
        "dropped": f"{each.count} records are kept although it withdrew them",
    }
    click.echo(f"{address}: {said[each.decision]}")
    for titles in each.examples:
        click.echo(f"    {titles.get(settings.languages[0]) or next(iter(titles.values()), 'without a title')}")
    if each.count > len(each.examples):
        click.echo(f"    and {each.count - len(each.examples)} more")
    if each.decision != "accepted":
        click.echo(f"  follow them:       chm held accept {address}")
    if each.decision != "dropped":
        click.echo(f"  keep the records:  chm held drop {address}")
