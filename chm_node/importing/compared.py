"""The records of one import beside each other, and beside what is published: the same slug is the same record."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from chm_node.catalogue import Catalogue, ChangeLog
from chm_node.catalogue.erased import is_erasure
from chm_node.errors import Problem
from chm_node.importing.found import Found
from chm_node.settings import Settings


def compared(
    found: Sequence[Found], connection: Connection, settings: Settings, *, republish: bool = False
) -> list[Found]:
    """The same records, with the problems that none of them has alone.

    ``republish`` says that the slug of an erased record may be used under another type.
    """
    taken = dict(_taken_slugs(found, connection, settings, republish))
    first: dict[str, Found] = {}
    problems = (_told_otherwise(each, first) or taken.get(each.place) for each in found)
    return [
        replace(each, record=None, problems=(problem,)) if problem else each
        for each, problem in zip(found, problems, strict=True)
    ]


def _told_otherwise(each: Found, first: dict[str, Found]) -> Problem | None:
    """Whether an earlier place says something else of the record; notes what is said first of each."""
    if each.record is None:
        return None
    names = (each.record.iri, f"slug {each.slug}") if each.slug else (each.record.iri,)
    for other in [first.setdefault(name, each) for name in names]:
        if other.record != each.record:
            return Problem("slug" if each.slug else "iri", f"{other.place} says something else of it; keep one of them")
    return None


def _taken_slugs(
    found: Sequence[Found], connection: Connection, settings: Settings, republish: bool
) -> Iterator[tuple[str, Problem]]:
    """(place, problem) of new records whose slug is published under another type, or was and is erased."""
    if not any(each.slug for each in found):
        return
    withdrawn = Catalogue(connection).withdrawn_by_iri(settings.node_iri)
    iris = _by_identifier(withdrawn)
    for each in found:
        if not each.slug or not each.record or not withdrawn.get(each.record.iri, True):
            continue
        for iri in iris.get(_identifier(each.record.iri), ()):
            type_name = iri.removeprefix(settings.uri_space).split("/")[0]
            if not withdrawn[iri]:
                message = f"the slug is published as {type_name} already; keep that type, or withdraw {iri} first"
                yield each.place, Problem("type", message)
            elif iri != each.record.iri and not republish and (since := _erased_on(connection, iri)):
                message = f"was erased as {type_name} on {since}; take the row out, or import with --republish"
                yield each.place, Problem("slug", message)


def _by_identifier(iris: Mapping[str, bool]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for iri in iris:
        found.setdefault(_identifier(iri), []).append(iri)
    return found


def _identifier(iri: str) -> str:
    return iri.rpartition("/")[2]


def _erased_on(connection: Connection, iri: str) -> str:
    graph = ChangeLog(connection).graph(iri).graph
    return f"{graph.version:%Y-%m-%d}" if is_erasure(graph) else ""
