"""Commands of a node that wants to be harvested: asking a hub, leaving it, changing the key."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from chm_node.cli.opening import load_settings, open_signer, opened_engine

if TYPE_CHECKING:
    from chm_node.settings import Settings
    from harvest.joining.asking import Asking
    from harvest.joining.memberships import Membership
    from harvest.joining.outbox import NotTaken

_WORDS = {
    "asked": "the request waits for the decision of the hub's operator",
    "accepted": "this node is harvested there",
    "rejected": "the request was rejected",
    "refused": "the request was refused before a person saw it",
    "left": "this node left",
}


@click.command()
@click.argument("hub")
@click.option("--status", is_flag=True, help="Ask how the request stands, and send none.")
def join(hub: str, status: bool) -> None:
    """Ask HUB to harvest this node, or how that stands.

    The hub's operator compares the fingerprint that is printed: call them and read it out. Exit code 1 when the
    request was rejected or refused.

    \b
    chm join https://hub.example.org/
    chm join https://hub.example.org/ --status
    """
    from chm_node.proofs import fingerprint

    settings = load_settings()
    with _asking(settings) as asking:
        now = datetime.now(UTC)
        found = asking.status(hub, now) if status else asking.join(hub, now)
    _show(found)
    if found.state == "asked":
        click.echo(f"fingerprint  {fingerprint(open_signer(settings).multikey)}")
    if found.state in ("rejected", "refused"):
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("hub")
def leave(hub: str) -> None:
    """Have HUB harvest this node no more; it keeps the records it has, marked as withdrawn.

    Exit code 1 when the hub refused that for good.

    \b
    chm leave https://hub.example.org/
    """
    settings = load_settings()
    with _asking(settings) as asking:
        problem = asking.leave(hub, datetime.now(UTC))
    if problem is None:
        click.echo(f"{hub} was told.")
    else:
        _show_untold([problem], "It may go on harvesting: ask its operator to remove this node.")


@click.group()
def key() -> None:
    """The key that this node signs with."""


@key.command("rotate")
def rotate_key() -> None:
    """Make a new key, and have the hubs that this node joined take it over.

    What was signed until now stands. The announcement is signed with the former key, so keep its file until every hub
    was told. A hub that this node did not join by command has to approve it anew. Exit code 1 when a hub refused the
    announcement for good.

    \b
    chm key rotate
    """
    from chm_node.proofs import fingerprint

    settings = load_settings()
    with _asking(settings) as asking:
        new, untold = asking.rotate_key(datetime.now(UTC))
    click.echo(f"key          {new.verification_method}")
    click.echo(f"fingerprint  {fingerprint(new.multikey)}")
    _show_untold(untold, "It harvests no more until its operator has approved this node anew: call them.")


@contextmanager
def _asking(settings: "Settings") -> "Iterator[Asking]":
    from chm_node.http_client import HttpClient
    from harvest.dispatch import fetch_policy
    from harvest.joining.asking import Asking
    from harvest.readers import Readers

    with (
        opened_engine(settings) as engine,
        HttpClient(fetch_policy(settings)) as client,
        Readers(1) as readers,
    ):
        yield Asking(engine, settings, client, readers)


def _show_untold(problems: "Sequence[NotTaken]", when_refused: str) -> None:
    for each in problems:
        if each.final:
            click.echo(f"{each.node} refused ({each.said}). {when_refused}", err=True)
        else:
            click.echo(f"{each.node} could not be told yet ({each.said}); the worker goes on trying for a week.")
    if any(each.final for each in problems):
        raise click.exceptions.Exit(1)


def _show(found: "Membership") -> None:
    click.echo(f"{found.hub}: {_WORDS[found.state]}")
    if found.summary:
        click.echo(f"reason       {found.summary}")
    if found.location:
        click.echo(f"see          {found.location}")
