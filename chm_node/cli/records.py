"""Commands that write records out and withdraw them."""

import contextlib
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from chm_node.cli.arguments import sentence
from chm_node.cli.opening import load_settings, open_signer, opened_engine
from chm_node.errors import ChmError

if TYPE_CHECKING:
    from chm_node.settings import Settings

FORMATS = ("nq", "trig", "nt", "ttl", "jsonld", "csv")
_NODES_NAMED = 10  # to somebody who asks for the records of another


@click.command()
@click.option(
    "--format", "name", type=click.Choice(FORMATS), default="nq", show_default=True, help="How to write them."
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; else stdout.")
@click.option("--origin", default="", help="Only the records of the node with this address.")
def export(name: str, output: Path | None, origin: str) -> None:
    """Write out every record this node holds.

    The same catalogue gives the same bytes. N-Quads (nq) is the form to keep: `chm import` brings it back.
    The signing key is never part of it.

    \b
    chm export -o records.nq
    chm export --format csv --origin https://chm.example.org/ -o ours.csv
    """
    from chm_node.addresses import common_form
    from chm_node.catalogue import Catalogue
    from chm_node.database import reading
    from chm_node.exporting import export as write

    settings = load_settings()
    node = origin if not origin or origin.endswith("/node") else f"{common_form(origin).rstrip('/')}/node"
    with opened_engine(settings) as engine, reading(engine) as connection:
        known = {settings.node_iri, *Catalogue(connection).counts_by_origin()}
        if node and node not in known:
            some = ", ".join(sorted(known)[:_NODES_NAMED])
            raise click.BadParameter(f"this node holds no record of {origin}; it knows {some}", param_hint="--origin")
        with _output(output) as file:
            for part in write(connection, name, node):
                file.write(part)


@click.command()
def dump() -> None:
    """Write new dumps of the change log, for hubs that begin and for everybody.

    The worker does it once a day, when something has changed. They lie in the data folder and are served at /dumps/.

    \b
    chm dump
    """
    from chm_node.dumps import folder, write

    settings = load_settings()
    with opened_engine(settings) as engine:
        written = write(engine, settings, datetime.now(UTC))
    click.echo(
        f"{written.records} records, {written.withdrawn} withdrawn, as of {written.log_time:%Y-%m-%d %H:%M:%S} UTC"
    )
    for each in written.files.values():
        click.echo(f"{folder(settings) / each.name}  {each.bytes:,} bytes")


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[BinaryIO]:
    """Where an export goes; raises ChmError when it cannot be written there."""
    try:
        with _stdout() if path is None else path.open("wb") if _is_special(path) else _whole(path) as file:
            yield file
    except BrokenPipeError:
        raise  # whoever reads has enough: click ends the command in silence
    except OSError as error:
        raise ChmError(f"{path or 'stdout'}: {error.strerror}") from error


@contextlib.contextmanager
def _stdout() -> Iterator[BinaryIO]:
    if sys.stdout is None:
        raise ChmError("stdout is closed; name a file with -o")
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except OSError:
        with contextlib.suppress(OSError):
            sys.stdout.close()  # or Python would tell it once more at its end, of what is still in the buffer
        raise


def _is_special(path: Path) -> bool:
    """Whether it is a pipe or a device, in whose place no file may be put."""
    return path.exists() and not path.is_file()


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name only when it is whole; in the place of the one that a link leads to."""
    path = Path(os.path.realpath(path))
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


@click.command()
@click.argument("record")
@click.option("--reason", required=True, callback=sentence, help="One sentence that readers and hubs will see.")
@click.option("--lang", help="Language of the reason; the node's first language if not given.")
@click.option("--replaced-by", help="Address of the record that takes its place.")
def withdraw(record: str, reason: str, lang: str | None, replaced_by: str | None) -> None:
    """Withdraw a record: its address then answers "withdrawn", and hubs follow.

    RECORD is the address of the record, or its end after /id/.

    \b
    chm withdraw event/0b5f3c0e-… --reason "Published by mistake"
    """
    from chm_node.catalogue import Catalogue
    from chm_node.database import reading
    from chm_node.publishing import withdraw as run
    from chm_node.record import Tombstone
    from chm_node.text import valid_iri

    if replaced_by and not valid_iri(replaced_by):
        raise click.BadParameter("write the full address of the record", param_hint="--replaced-by")
    settings = load_settings()
    iri, reasons = record_iri_of(record, settings), stated_reason(reason, lang, settings)
    with opened_engine(settings) as engine:
        with reading(engine) as connection:
            held = Catalogue(connection).get(iri)
        tombstone = Tombstone(iri, held.type, reasons, replaced_by)
        change = run(engine, settings, open_signer(settings), tombstone, datetime.now(UTC))
    click.echo(f"{iri} is withdrawn since {change.log_time:%Y-%m-%d %H:%M:%S} UTC")


def record_iri_of(record: str, settings: "Settings") -> str:
    """The IRI of a record as a person writes it."""
    return record if "://" in record else f"{settings.uri_space}{record}"


def stated_reason(reason: str, lang: str | None, settings: "Settings") -> dict[str, str]:
    """Why a record goes, by language; raises click.BadParameter."""
    from chm_node.text import language_tag, valid_language_tag

    if lang and not valid_language_tag(lang):
        raise click.BadParameter(f"{lang!r} is not a language such as fr", param_hint="--lang")
    return {language_tag(lang or settings.languages[0]): reason}
