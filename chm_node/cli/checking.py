"""The command that tests a peer, for its web master."""

import json
from datetime import UTC, datetime
from threading import Event

import click

from chm_node.cli.opening import load_settings


@click.command()
@click.argument("address", metavar="URL")
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON, with the sentences in all languages.")
@click.option(
    "--language", type=click.Choice(["en", "fr", "ar"]), default="en", show_default=True,
    help="Language of the sentences for the web master.",
)  # fmt: skip
def check_peer(address: str, as_json: bool, language: str) -> None:
    """Test the node or the feed at URL, and say what its web master should mend.

    Stores nothing. Exit code 0: nothing failed; 1: something is to be mended.

    \b
    chm check-peer https://chm.example.org/
    """
    from chm_node.http_client import HttpClient
    from harvest.checker import checks
    from harvest.checker.inspection import inspect
    from harvest.dispatch import fetch_policy
    from harvest.readers import Readers

    settings = load_settings()
    with HttpClient(fetch_policy(settings)) as client, Readers(1) as readers:
        found = inspect(address, client, readers, datetime.now(UTC), Event())
    if as_json:
        click.echo(json.dumps(checks.as_json(found), ensure_ascii=False, indent=1))
    else:
        click.echo(checks.as_text(found, language), nl=False)
    raise click.exceptions.Exit(1 if found.having(checks.State.FAILED) else 0)
