"""Commands to look after a node, to try one out and to measure one."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from chm_node.errors import ChmError


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Write the checks as JSON, for other programs.")
def doctor(as_json: bool) -> None:
    """Check the node and say what to do: settings, key, database, log, address, sources.

    Exit code 0: all is well; 1: something needs attention; 2: something is broken.

    \b
    chm doctor
    """
    from chm_node.doctor import examine, exit_code

    checks = examine(datetime.now(UTC))
    if as_json:
        shown = [{"name": c.name, "state": c.state.name, "sentence": c.sentence, "fix": c.fix} for c in checks]
        click.echo(json.dumps(shown, ensure_ascii=False, indent=1))
    else:
        for number, check in enumerate(checks, start=1):
            click.echo(f"{number:2}. {check.state.name:4} {check.name}: {check.sentence}")
            if check.fix:
                click.echo(f"         {check.fix}")
    raise click.exceptions.Exit(exit_code(checks))


@click.command()
@click.option("--once", is_flag=True, help="Do all steps, check them, stop; the exit code says whether all went well.")
@click.option("--reset", is_flag=True, help="Begin with empty nodes: delete the demo's data first.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-data"),
    show_default=True,
    help="Folder for the data of the demo's nodes.",
)
def demo(once: bool, reset: bool, data: Path) -> None:
    """See it work: three nodes and a hub that harvests them, on this machine.

    An Algerian node, a Tunisian node and a secretariat publish real records; a North African hub collects them.
    Needs no network. Ctrl-C stops all four.

    \b
    chm demo
    """
    from chm_node.demo import run

    if not run(data, once=once, reset=reset, say=click.echo):
        raise ChmError("the demo found a problem; it is named above")


@click.command()
@click.argument(
    "names", nargs=-1, type=click.Choice(["publish", "harvest", "feeds", "export", "push", "first-sync", "faults"])
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for other programs.")
def bench(names: tuple[str, ...], as_json: bool) -> None:
    """Measure this machine, and try how a hub bears faults.

    NAMES: publish, harvest, feeds, export, each beside a naive way of doing it; these if none is given. first-sync:
    100,000 records by dump and log. faults: workers killed and answers spoilt, and the hub compared with its peers;
    exit code 1 if it differs.

    \b
    chm bench publish feeds
    chm bench faults
    """
    import bench as measurements

    raise click.exceptions.Exit(measurements.run(names, as_json))
