"""Which records were withdrawn, and which of these erased: what an import does not bring back unasked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from chm_node.catalogue.erased import is_erasure
from chm_node.catalogue.log import ChangeLog
from chm_node.catalogue.records import Catalogue


@dataclass(frozen=True)
class Withdrawn:
    """A record of which a tombstone is all that is left."""

    iri: str
    since: datetime  #: UTC
    erased: bool


def withdrawn_among(connection: Connection, names: Mapping[str, Sequence[str]]) -> list[Withdrawn]:
    """The withdrawn ones among these records.

    ``names`` are the IRIs each had before the node moved, the newest first: a record that was withdrawn before a move
    has its tombstone there alone.
    """
    every = {iri: (iri, *former) for iri, former in names.items()}
    held = Catalogue(connection).held(name for each in every.values() for name in each)
    newest = {iri: held[name] for iri, each in every.items() if (name := next(filter(held.__contains__, each), ""))}
    stones = {iri: each for iri, each in newest.items() if each.withdrawn}
    graphs = ChangeLog(connection).graphs(each.id for each in stones.values())
    return [Withdrawn(iri, each.version, is_erasure(graphs[each.id].graph)) for iri, each in stones.items()]
