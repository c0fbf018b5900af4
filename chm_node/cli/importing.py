"""The command that brings records in."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chm_node.cli.opening import load_settings, open_signer, opened_engine, progress
from chm_node.errors import ChmError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from chm_node.catalogue import Withdrawn
    from chm_node.importing.found import Contents, Found
    from chm_node.publishing import Published
    from chm_node.record import Record
    from chm_node.settings import Settings


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Store nothing; say what would happen.")
@click.option("--skip-bad", is_flag=True, help="Import the good records although others have problems.")
@click.option("--type", "type_name", default="", help="Record type of the records that name none, such as event.")
@click.option("--republish", is_flag=True, help="Publish again what was withdrawn, and what was erased.")
def import_files(files: tuple[Path, ...], dry_run: bool, skip_bad: bool, type_name: str, republish: bool) -> None:
    """Publish the records of files: Turtle, JSON-LD, TriG, N-Quads, N-Triples, RDF/XML or CSV.

    Every record is checked first, and every problem is named with its line. When one record is bad, nothing is
    stored, unless you say --skip-bad. A record that is published already, unchanged, stays as it is; so does one
    that was withdrawn or erased, unless you say --republish.

    \b
    chm import workshops.csv --dry-run
    chm import workshops.csv
    """
    settings = load_settings()
    contents = list(_read(files, settings, type_name))
    found = [each for one in contents for each in one.found]
    _report_left_out([each for one in contents for each in one.left_out], settings)
    if not found:
        raise ChmError(_nothing_found(files, settings))
    with opened_engine(settings) as engine:
        found = _compared(engine, settings, found, republish)
        bad = _report(found)
        if bad and not skip_bad:
            raise ChmError(
                f"{bad} of {len(found)} records have problems, so nothing was stored; "
                "repair them, or import the others with --skip-bad"
            )
        run = _foresee if dry_run else _publish
        published = run(engine, settings, [each.record for each in found if each.record], republish)
    _report_withdrawn(published, {each.record.iri: each.place for each in found if each.record}, dry_run)
    click.echo(_counts(published, bad, "would be " if dry_run else ""))
    if bad:
        raise click.exceptions.Exit(1)


def _read(files: Sequence[Path], settings: "Settings", type_name: str) -> Iterator["Contents"]:
    from chm_node.importing.files import read_file, type_named
    from chm_node.sandbox import Sandbox

    assumed = type_named(type_name) if type_name else None
    with Sandbox() as sandbox, progress("files read", len(files)) as step:
        for path in files:
            contents = read_file(path, settings, sandbox, assumed)
            file = f"{path}: " if len(files) > 1 else ""
            yield replace(contents, found=[replace(each, place=f"{file}{each.place}") for each in contents.found])
            step(1)


def _nothing_found(files: Sequence[Path], settings: "Settings") -> str:
    if all(path.suffix.lower() == ".csv" for path in files):
        return "no record found; a table has a row for each record below the one with the names of its columns"
    return f"no record found; the addresses of this node's records begin with {settings.uri_space}"


def _compared(engine: "Engine", settings: "Settings", found: Sequence["Found"], republish: bool) -> list["Found"]:
    from chm_node.database import reading
    from chm_node.importing.compared import compared

    with reading(engine) as connection:
        return compared(found, connection, settings, republish=republish)


def _report(found: Iterable["Found"]) -> int:
    """Name every problem, list unknown terms and texts without a language; how many records are bad."""
    bad = 0
    unknown: Counter[tuple[str, str]] = Counter()
    untagged: dict[str, list[str]] = {}
    for each in found:
        for problem in each.problems:
            click.echo(f"{each.place}: {problem}", err=True)
        bad += bool(each.problems)
        unknown.update(each.unknown_terms)
        for field in each.untagged:
            untagged.setdefault(field, []).append(each.place)
    for field, places in sorted(untagged.items()):
        where = places[0] + (f" and {len(places) - 1} more" if places[1:] else "")
        click.echo(f'no language is given, kept as it is: {field} of {where}; write it as in "Atelier"@fr', err=True)
    for (field, text), count in sorted(unknown.items()):
        click.echo(f"not in our vocabularies, kept as it is: {field}: {text} ({count} times)", err=True)
    return bad


def _report_left_out(subjects: Sequence[str], settings: "Settings") -> None:
    """Name what files speak of besides this node's records."""
    if subjects:
        are = f"{len(subjects)} subjects are" if len(subjects) > 1 else "1 subject is"
        example = "a blank node that no record leads to" if subjects[0].startswith("_:") else subjects[0]
        click.echo(f"left out: {are} not under {settings.uri_space}, such as {example}", err=True)


def _foresee(engine: "Engine", settings: "Settings", records: Sequence["Record"], republish: bool) -> "Published":
    from chm_node.publishing import foreseen

    return foreseen(engine, settings, records, republish=republish)


def _publish(engine: "Engine", settings: "Settings", records: Sequence["Record"], republish: bool) -> "Published":
    from chm_node.publishing import Published, publish

    total = Published()
    signer = open_signer(settings)
    with progress("records published", len(records)) as step:
        for batch in publish(engine, settings, signer, records, datetime.now(UTC), republish=republish):
            total += batch
            step(batch.created + batch.updated + batch.unchanged + len(batch.left))
    return total


def _report_withdrawn(published: "Published", places: Mapping[str, str], dry_run: bool) -> None:
    """Name the withdrawn and erased records that files hold, and what becomes of each."""
    again = "would be published again" if dry_run else "is published again"
    for each in published.left:
        click.echo(f"{places[each.iri]}: {_fate(each)} and stays so", err=True)
    for each in published.again:
        click.echo(f"{places[each.iri]}: {_fate(each)}, {again}", err=True)
    if published.left:
        click.echo("to publish what was withdrawn or erased again: chm import --republish", err=True)


def _fate(record: "Withdrawn") -> str:
    return f"was {'erased' if record.erased else 'withdrawn'} on {record.since:%Y-%m-%d}"


def _counts(published: "Published", bad: int, would: str) -> str:
    text = f"{published.created} {would}created, {published.updated} {would}updated, {published.unchanged} unchanged"
    if left := len(published.left):
        text += f", {left} {'stay' if left > 1 else 'stays'} withdrawn"
    return text + (f", {bad} left out" if bad else "")
