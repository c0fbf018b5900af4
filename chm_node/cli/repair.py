"""Commands for bad days: backups, what follows a restored one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chm_node.cli.arguments import sentence
from chm_node.cli.opening import load_settings, open_signer, opened_engine, progress
from chm_node.errors import ChmError

if TYPE_CHECKING:
    from chm_node.backup import Backup

_RECOVER = "Changes made after the backup may be at your hubs. For each hub: chm recover https://hub.example.org/"


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--with-key", is_flag=True, help="Put the keys in too; then keep the file as secret as them.")
@click.option("--force", is_flag=True, help="Write over FILE if it is there already.")
def backup(file: Path, with_key: bool, force: bool) -> None:
    """Write everything this node holds into FILE, while it is at work.

    Without --with-key the keys are not in it: keep their files apart, in a safe place, anew after each rotation. For
    PostgreSQL the command says which program to use instead.

    \b
    chm backup /media/usb/chm-2026-11-22.backup
    """
    from chm_node.backup import back_up

    settings = load_settings()
    with opened_engine(settings) as engine:
        written = back_up(engine, settings, file, datetime.now(UTC), with_key=with_key, over=force)
    click.echo(f"{file}: {_words(written)}")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Change nothing; read the whole file and say what it holds.")
def restore(file: Path, check: bool) -> None:
    """Put the backup FILE in the place of this node's database, and begin a new epoch of the log.

    Whatever was published after the backup is not in it; `chm recover HUB` brings it back from a hub. A database of
    PostgreSQL has to be empty: so a node comes there from SQLite.

    \b
    chm restore --check /media/usb/chm-2026-11-22.backup
    chm restore /media/usb/chm-2026-11-22.backup
    """
    from chm_node.backup import examine, key_warning
    from chm_node.backup import restore as run

    if check:
        click.echo(f"{file} is whole: {_words(examine(file))}")
        return
    settings = load_settings()
    found, head = run(settings, file, datetime.now(UTC))
    click.echo(f"Restored: {_words(found)}. The log goes on in epoch {head.epoch}.")
    if warning := key_warning(found, settings):
        click.echo(warning, err=True)
    click.echo(_RECOVER)


@click.command("new-epoch")
def new_epoch() -> None:
    """Say that the database was restored by other means, such as pg_restore: hubs then read the log anew.

    `chm restore` does it by itself.

    \b
    chm new-epoch
    """
    from chm_node.backup import new_epoch as run
    from chm_node.database import open_database

    settings = load_settings()
    engine = open_database(settings.database)
    try:
        head = run(engine, settings, datetime.now(UTC))
    finally:
        engine.dispose()
    click.echo(f"The log goes on in epoch {head.epoch}, with changes later than {head.log_time:%Y-%m-%d %H:%M:%S} UTC.")
    click.echo(_RECOVER)


@click.command()
@click.argument("hub")
def recover(hub: str) -> None:
    """Bring back from HUB the versions of this node's records that were lost by a restore.

    Only what this node's keys signed is taken over, as it was. May be repeated, and asked of several hubs. Exit code 1
    when something could not be taken over.

    \b
    chm recover https://hub.example.org/
    """
    from chm_node.http_client import HttpClient
    from harvest.dispatch import fetch_policy
    from harvest.readers import Readers
    from harvest.recovery import Recovery

    settings, now = load_settings(), datetime.now(UTC)
    with opened_engine(settings) as engine, HttpClient(fetch_policy(settings)) as client, Readers(1) as readers:
        recovery = Recovery(engine, settings, hub, client, readers)
        missing = recovery.missing()
        with progress("records asked for", len(missing)) as step:
            found = recovery.take(missing, now, step)
    click.echo(f"{found.created} created, {found.updated} updated, {found.withdrawn} withdrawn as they were")
    for iri, reason in found.refused:
        click.echo(f"not taken over: {iri}: {reason or 'the hub said nothing usable'}", err=True)
    if found.refused:
        raise click.exceptions.Exit(1)


@click.command()
def move() -> None:
    """After the public address was changed: publish every record under the new one, and lead the old ones to it.

    First set base_url to the new address and moved_from to the old one. May be cut and repeated.

    \b
    chm move
    """
    from chm_node.moving import move as run
    from chm_node.moving import waiting

    settings = load_settings()
    if not settings.moved_from:
        raise ChmError("moved_from: write the old address there, and the new one into base_url; then chm move")
    total = 0
    with opened_engine(settings) as engine, progress("records moved", waiting(engine, settings)) as step:
        for count in run(engine, settings, open_signer(settings), datetime.now(UTC)):
            total += count
            step(count)
    click.echo(f"{total} records have moved to {settings.base_url}")
    click.echo(f"Tell your hubs: chm source add {settings.base_url}, then chm source approve {settings.base_url}")


@click.command()
@click.argument("record")
@click.option(
    "--reason",
    required=True,
    callback=sentence,
    help="One sentence that readers and hubs will see; nothing of what is erased.",
)
@click.option("--lang", help="Language of the reason; the node's first language if not given.")
def erase(record: str, reason: str, lang: str | None) -> None:
    """Withdraw a record and erase every version of it: here at once, at hubs with their next harvest.

    RECORD is the address of the record, or its end after /id/. For a court's order or a person's right; what was
    published by mistake is withdrawn. Copies in caches end within a day. Backups are yours to replace.

    \b
    chm erase person/0b5f3c0e-… --reason "At the request of the person"
    """
    from chm_node.cli.records import record_iri_of, stated_reason
    from chm_node.erasure import erase as run

    settings = load_settings()
    iri, reasons = record_iri_of(record, settings), stated_reason(reason, lang, settings)
    with opened_engine(settings) as engine:
        run(engine, settings, open_signer(settings), iri, reasons, datetime.now(UTC))
    click.echo(f"{iri} is erased here. Hubs follow with their next harvest, caches within a day.")
    click.echo("Older backups still hold it: make a new one, and destroy those.")


def _words(found: "Backup") -> str:
    key = "with the keys" if found.with_key else "without the keys"
    return (
        f"{found.records} records of {found.node}, as of {found.log_time:%Y-%m-%d %H:%M:%S} UTC, "
        f"made {found.made:%Y-%m-%d %H:%M:%S} UTC, {key}"
    )
