"""Commands that make a node a hub: the peers it harvests."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from chm_node.cli.arguments import sentence
from chm_node.cli.opening import load_settings, opened_engine
from chm_node.errors import ChmError

if TYPE_CHECKING:
    from chm_node.settings import Settings
    from harvest.discovery import Proposal
    from harvest.dispatch import Dispatcher
    from harvest.joining.requests import Request
    from harvest.overview import RunView, SourceView

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


def _show_request(request: "Request") -> None:
    from chm_node.proofs import fingerprint

    authority = request.found.authority if request.found else None
    level = f"level {request.report.level.value}" if request.report else "is being checked"
    click.echo(f"asks      {request.address}  since {request.received:%Y-%m-%d %H:%M} UTC, {level}")
    if authority:
        click.echo(f"          addresses {authority.uri_space}  fingerprint {fingerprint(authority.multikey)}")
    for each in authority.former if authority else ():
        click.echo(f"          until {each.expires:%Y-%m-%d %H:%M} UTC it signed with {fingerprint(each.multikey)}")
    for finding in request.report.findings if request.report else ():
        if finding.state.value == "failed":
            click.echo(f"          {finding.check}: {finding.sentence('en')}")
    click.echo(f"          chm source approve {request.address}, or chm source reject {request.address} --reason …")


def _show(proposal: "Proposal") -> None:
    from chm_node.proofs import fingerprint

    found = proposal.description
    click.echo(f"node         {found.authority.node}")
    for language, title in found.titles.items():
        click.echo(f"name ({language})    {title}")
    click.echo(f"addresses    {found.authority.uri_space}")
    click.echo(f"fingerprint  {proposal.fingerprint or 'none: this node signs nothing'}")
    for former in found.authority.former:
        click.echo(f"formerly     {fingerprint(former.multikey)} until {former.expires:%Y-%m-%d %H:%M} UTC")
    for member in found.members:
        click.echo(f"passes on    {member.node}")
    for sample in proposal.samples:
        title = next(iter(sample.titles.values()), sample.iri)
        refused = "" if sample.verdict.name == "ACCEPTED" else f"  (would be refused: {sample.verdict.value})"
        click.echo(f"  {title}{refused}")


@source.command("list")
def list_sources() -> None:
    """Show who asks to be harvested, and every peer: its state, its records, its last harvest.

    \b
    chm source list
    """
    from chm_node.database import reading
    from harvest.joining.requests import waiting
    from harvest.overview import overview

    with opened_engine(load_settings()) as engine, reading(engine) as connection:
        sources, asking = overview(connection), waiting(connection)
    for request in asking:
        _show_request(request)
    if not sources and not asking:
        click.echo("No source yet; chm source add ADDRESS adds one.")
    for each in sources:
        last = f"last harvested {each.last_success:%Y-%m-%d %H:%M} UTC" if each.last_success else "never harvested"
        failures = f", {each.failures} failures in a row" if each.failures else ""
        click.echo(f"{each.state:9} {each.address}  {each.records} records, {last}{failures}")
        if each.last_run and each.last_run.message:
            click.echo(f"          {each.last_run.message}")
        for line in _members(each):
            click.echo(f"          {line}")


def _members(source: "SourceView") -> Iterator[str]:
    """Whom the source vouches for, as far as that is not settled."""
    from harvest.members import Word, named

    sentences = {
        Word.SILENT: "believed on its word alone, for they were not reached",
        Word.DISPUTED: "refused, for they do not confirm what it says",
        Word.UNASKED: "not asked yet",
    }
    if source.countries:
        yield f"may vouch for nodes of {', '.join(source.countries)} only"
    for word, said in sentences.items():
        nodes = [each.node for each in source.members if each.word is word]
        if nodes:
            yield f"vouches for {named(nodes)}: {said}"
    if renewed := [each.node for each in source.members if each.successor]:
        yield f"states a new key of {named(renewed)}: the former one counts, for they do not confirm it yet"


def _countries(_context: click.Context, _option: click.Parameter, text: str | None) -> list[str] | None:
    """The codes of a list such as DZ,TN; none for all countries, None when the option was not given."""
    if text is None:
        return None
    codes = [code.strip().upper() for code in text.split(",") if code.strip()]
    if wrong := [code for code in codes if not (len(code) == 2 and code.isascii() and code.isalpha())]:
        raise click.BadParameter(f"{wrong[0]!r}: write the two letters of each country, such as DZ,TN")
    return codes


@source.command()
@click.argument("address")
@click.option(
    "--countries", callback=_countries, help="Of a hub: whose nodes it may vouch for, such as DZ,TN; empty for all."
)
def approve(address: str, countries: list[str] | None) -> None:
    """Trust the peer with its addresses and its key as they were shown, and harvest it.

    A peer that asked for it (chm join) is told.

    \b
    chm source approve https://chm.example.org/
    chm source approve https://hub.example.org/ --countries DZ,TN
    """
    from chm_node.database import writing
    from chm_node.proofs import fingerprint
    from harvest.joining.deciding import approve as run

    settings = load_settings()
    with opened_engine(settings) as engine, writing(engine) as connection:
        approved = run(connection, address, settings, datetime.now(UTC), countries)
    key = fingerprint(approved.authority.multikey) if approved.authority.multikey else "none"
    click.echo(f"{approved.node} is approved for {approved.authority.uri_space}, key {key}")
    click.echo(f"The worker harvests it at its next tick; chm harvest {address} does it now.")


@source.command()
@click.argument("address")
@click.option("--reason", required=True, callback=sentence, help="Why, for the people who run that node.")
def reject(address: str, reason: str) -> None:
    """Do not harvest the peer that asked for it; it is told why.

    \b
    chm source reject https://chm.example.org/ --reason "The focal point does not know this node."
    """
    from chm_node.database import writing
    from harvest.joining.deciding import reject as run

    settings = load_settings()
    with opened_engine(settings) as engine, writing(engine) as connection:
        rejected = run(connection, address, reason, settings, datetime.now(UTC))
    click.echo(f"The request of {rejected.node} is rejected; the worker tells it.")


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


@source.command()
@click.argument("address")
def history(address: str) -> None:
    """Show the harvests of a peer and what was decided about it, each with its number, newest first.

    \b
    chm source history https://chm.example.org/
    """
    from chm_node.database import reading
    from harvest.overview import history as runs
    from harvest.sources import find

    with opened_engine(load_settings()) as engine, reading(engine) as connection:
        found = runs(connection, find(connection, address).id)
    if not found:
        click.echo(f"{address} was not harvested yet.")
    for each in found:
        click.echo(f"{each.id:6}  {each.started:%Y-%m-%d %H:%M} UTC  {describe(each)}")


@source.command()
@click.argument("address")
@click.option("--run", "run_id", type=int, required=True, help="The run to go back to; chm source history lists them.")
def rollback(address: str, run_id: int) -> None:
    """Undo here what a peer brought after one of its runs.

    Its records get back the version they had then, and those that came later are taken back. Only this node goes back:
    nobody is told that anything was withdrawn. What was undone is held, so the next harvest does not bring it again;
    chm held accept does. To stop harvesting the peer as well: chm source remove.

    \b
    chm source rollback https://chm.example.org/ --run 12
    """
    from harvest.rollback import roll_back

    settings = load_settings()
    with opened_engine(settings) as engine:
        done = roll_back(engine, settings, address, run_id, datetime.now(UTC))
    click.echo(f"{done}.")
    click.echo(f"To take it over again: chm held accept {address} --kind rolled-back")


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
