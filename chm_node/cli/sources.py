"""Commands that make a node a hub: the peers it harvests."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from chm_node.cli.opening import load_settings, opened_engine
from chm_node.errors import ChmError

if TYPE_CHECKING:
    from chm_node.settings import Settings
    from harvest.discovery import Proposal
    from harvest.dispatch import Dispatcher
    from harvest.sources import RunView

#: Outcomes that need nobody's attention.
_FINE = ("ok", "not-modified")


@click.group()
def source() -> None:
    """The peers this node harvests.

    A peer is added by its address, looked at, and approved by a person, who compares its key with what the peer's
    operator says on the telephone.
    """


@source.command()
@click.argument("address")
def add(address: str) -> None:
    """Look at the node at ADDRESS and remember it, for you to approve.

    \b
    chm source add https://chm.example.org/
    """
    from chm_node.database import writing
    from chm_node.http_client import HttpClient
    from harvest.discovery import discover, propose
    from harvest.dispatch import fetch_policy
    from harvest.readers import Readers
    from harvest.sources import predecessors

    settings = load_settings()
    now = datetime.now(UTC)
    with HttpClient(fetch_policy(settings)) as client, Readers(1) as readers:
        proposal = discover(address, settings, client, readers, now)
    with opened_engine(settings) as engine, writing(engine) as connection:
        state = propose(connection, proposal, now).state
        earlier = predecessors(connection, proposal.description.authority)
    _show(proposal)
    for each in earlier:
        click.echo(f"It has the key that was approved for {each.node}. If you approve it, that node counts as moved:")
        click.echo("it is not harvested any more, and its records lead to the new ones.")
    if state == "approved":
        click.echo("It is approved already, and still what was approved.")
    else:
        click.echo(f"Compare the fingerprint with the operator of that node, then: chm source approve {address}")


def _show(proposal: "Proposal") -> None:
    found = proposal.description
    click.echo(f"node         {found.authority.node}")
    for language, title in found.titles.items():
        click.echo(f"name ({language})    {title}")
    click.echo(f"addresses    {found.authority.uri_space}")
    click.echo(f"fingerprint  {proposal.fingerprint or 'none: this node signs nothing'}")
    for member in found.members:
        click.echo(f"passes on    {member.node}")
    for sample in proposal.samples:
        title = next(iter(sample.titles.values()), sample.iri)
        refused = "" if sample.verdict.name == "ACCEPTED" else f"  (would be refused: {sample.verdict.value})"
        click.echo(f"  {title}{refused}")


@source.command("list")
def list_sources() -> None:
    """Show every peer: its state, its records, its last harvest.

    \b
    chm source list
    """
    from chm_node.database import reading
    from harvest.sources import overview

    with opened_engine(load_settings()) as engine, reading(engine) as connection:
        sources = overview(connection)
    if not sources:
        click.echo("No source yet; chm source add ADDRESS adds one.")
    for each in sources:
        last = f"last harvested {each.last_success:%Y-%m-%d %H:%M} UTC" if each.last_success else "never harvested"
        failures = f", {each.failures} failures in a row" if each.failures else ""
        click.echo(f"{each.state:9} {each.address}  {each.records} records, {last}{failures}")
        if each.last_run and each.last_run.message:
            click.echo(f"          {each.last_run.message}")


@source.command()
@click.argument("address")
def approve(address: str) -> None:
    """Trust the peer with its addresses and its key as they were shown, and harvest it.

    \b
    chm source approve https://chm.example.org/
    """
    from chm_node.database import writing
    from chm_node.signing import fingerprint
    from harvest.sources import approve as run

    settings = load_settings()
    with opened_engine(settings) as engine, writing(engine) as connection:
        approved = run(connection, address, settings, datetime.now(UTC))
    key = fingerprint(approved.authority.multikey) if approved.authority.multikey else "none"
    click.echo(f"{approved.node} is approved for {approved.authority.uri_space}, key {key}")
    click.echo(f"The worker harvests it at its next tick; chm harvest {address} does it now.")


@source.command()
@click.argument("address")
def remove(address: str) -> None:
    """Stop harvesting a peer; the records it gave stay.

    \b
    chm source remove https://chm.example.org/
    """
    from chm_node.database import writing
    from harvest.sources import remove as run

    with opened_engine(load_settings()) as engine, writing(engine) as connection:
        removed = run(connection, address)
    click.echo(f"{removed.node} is no longer harvested; its records stay.")


@click.command()
@click.argument("address", required=False)
@click.option("--compare", is_flag=True, help="Then compare our copies with the peer's list, and fetch what differs.")
def harvest(address: str | None, compare: bool) -> None:
    """Harvest one peer now, or all that are approved; says what it brought.

    \b
    chm harvest
    chm harvest https://chm.example.org/
    chm harvest --compare https://chm.example.org/
    """
    from chm_node.database import reading
    from harvest.sources import listing

    settings = load_settings()
    with opened_engine(settings) as engine, reading(engine) as connection:
        names = [address] if address else [each.node for each in listing(connection) if each.state == "approved"]
    if not names:
        raise ChmError("no source is approved; chm source add ADDRESS, then chm source approve ADDRESS")
    with _dispatcher(settings) as dispatcher:
        runs = [_harvest(dispatcher, name, compare) for name in names]
    if not all(runs):
        raise click.exceptions.Exit(1)


@contextmanager
def _dispatcher(settings: "Settings") -> Iterator["Dispatcher"]:
    from harvest.dispatch import Dispatcher

    with (
        opened_engine(settings) as engine,
        Dispatcher(engine, settings, lambda: datetime.now(UTC)) as dispatcher,
    ):
        yield dispatcher


def _harvest(dispatcher: "Dispatcher", name: str, compare: bool) -> bool:
    """Harvest one source and say how it went; whether it went well."""
    click.echo(f"{name} …", err=True)
    run = dispatcher.harvest(name, compare=compare)
    if run is None:
        click.echo(f"{name}: is being harvested by a worker just now")
        return True
    click.echo(f"{name}: {describe(run)}")
    return run.outcome in _FINE


def describe(run: "RunView") -> str:
    """A run in one line."""
    counts = (
        f"{run.created} new, {run.updated} changed, {run.withdrawn} withdrawn, "
        f"{run.unchanged} unchanged, {run.rejected} refused"
    )
    return f"{run.outcome}: {counts}" + (f"; {run.message}" if run.message else "")
