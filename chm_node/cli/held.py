"""What is held, flagged or refused of each source, and what a person decides about what is held."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from chm_node.cli.opening import load_settings, opened_engine

if TYPE_CHECKING:
    from chm_node.settings import Settings
    from harvest.attention import Attention, Example, Matter
    from harvest.quarantine import Choice

#: As in ``harvest.quarantine.Kind``, which is not loaded before a command runs.
KINDS = ("withdrawal", "equivocation", "future-version", "rolled-back")
#: What a matter is about, and what becomes of it as long as nobody decides.
_WAITING = {
    "withdrawal": "withdrawals, too many at once; the records stay until you decide",
    "equivocation": "second texts of a version; the first stays until you decide, or its node shows which counts",
    "future-version": "changes dated ahead; taken over by themselves once their time has come",
    "rolled-back": "changes undone by going back; they stay out until you decide",
}
_DROPPED = {
    "withdrawal": "records are kept although their node withdrew them",
    "equivocation": "second texts of a version were dropped",
    "future-version": "changes dated ahead were dropped",
    "rolled-back": "changes that were undone were dropped",
}
_FLAGGED = {
    "unknown-term": "terms of no vocabulary here; their records were taken over, and there is nothing to decide",
    "broken-rule": "records break the rules of their type; they were taken over, and there is nothing to decide",
}

_kind = click.option("--kind", type=click.Choice(KINDS), help="Only what is held for this reason.")
_record = click.option("--record", "iri", default="", help="Only the record with this address.")


@click.group(invoke_without_command=True)
@click.pass_context
def held(context: click.Context) -> None:
    """Show what is held, flagged or refused of each source, and decide about what is held.

    \b
    chm held
    chm held accept https://chm.example.org/ --kind withdrawal
    chm held drop https://chm.example.org/ --record https://chm.example.org/id/event/1
    chm held reopen https://chm.example.org/
    """
    if context.invoked_subcommand:
        return
    from chm_node.database import reading
    from harvest.attention import attention

    settings = load_settings()
    with opened_engine(settings) as engine, reading(engine) as connection:
        found = attention(connection)
    if not found:
        click.echo("Nothing is held, flagged or refused.")
    for each in found:
        _show(each, settings)


@held.command()
@click.argument("source")
@_kind
@_record
def accept(source: str, kind: str | None, iri: str) -> None:
    """Take over what waits of SOURCE, exactly as it is listed.

    \b
    chm held accept https://chm.example.org/
    """
    from harvest.decisions import accept as run

    settings = load_settings()
    with opened_engine(settings) as engine:
        count = run(engine, settings, source, _choice(kind, iri), datetime.now(UTC))
    click.echo(f"{count} changes are taken over. If that was wrong: chm source history {source}")


@held.command()
@click.argument("source")
@_kind
@_record
def drop(source: str, kind: str | None, iri: str) -> None:
    """Never take over what waits of SOURCE; its receipts say so.

    \b
    chm held drop https://chm.example.org/
    """
    from harvest.decisions import drop as run

    count = _decide(run, source, kind, iri)
    click.echo(f"{count} changes are dropped. If that was wrong: chm held reopen {source}")


@held.command()
@click.argument("source")
@_kind
@_record
def reopen(source: str, kind: str | None, iri: str) -> None:
    """Have what was dropped of SOURCE wait again.

    \b
    chm held reopen https://chm.example.org/
    """
    from harvest.decisions import reopen as run

    count = _decide(run, source, kind, iri)
    click.echo(f"{count} changes wait again: chm held")


def _decide(run: Callable[..., int], source: str, kind: str | None, iri: str) -> int:
    from chm_node.database import writing

    with opened_engine(load_settings()) as engine, writing(engine) as connection:
        return run(connection, source, _choice(kind, iri), datetime.now(UTC))


def _choice(kind: str | None, iri: str) -> "Choice":
    from harvest.quarantine import Choice, Kind

    return Choice(Kind(kind) if kind else None, iri)


def _show(found: "Attention", settings: "Settings") -> None:
    address = found.source.address
    click.echo(f"{address}: {found.records} records")
    for matter in found.matters:
        click.echo(f"  {matter.state.value:8} {matter.count} {_about(matter)}")
        for each in matter.examples:
            click.echo(f"      {_named(each, settings)}")
        if matter.count > len(matter.examples):
            click.echo(f"      and {matter.count - len(matter.examples)} more")
        if matter.state.value == "waiting":
            click.echo(f"    take over:  chm held accept {address} --kind {matter.code}")
            click.echo(f"    never:      chm held drop {address} --kind {matter.code}")
        if matter.state.value == "dropped":
            click.echo(f"    ask again:  chm held reopen {address} --kind {matter.code}")


def _about(matter: "Matter") -> str:
    from harvest.reasons import REASONS
    from harvest.trust import Verdict

    said: dict[str, dict[str, str]] = {"waiting": _WAITING, "dropped": _DROPPED, "flagged": _FLAGGED}
    if matter.state.value in said:
        return said[matter.state.value][matter.code]
    return f"{matter.code}: {REASONS[Verdict(matter.code)]['en']}"


def _named(example: "Example", settings: "Settings") -> str:
    titles = example.titles
    title = titles.get(settings.languages[0]) or next(iter(titles.values()), "")
    return "  ".join(filter(None, (title, example.name, example.detail)))
