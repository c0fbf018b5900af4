"""A node of the demo, opened; and one harvest of it."""

from dataclasses import dataclass

from sqlalchemy import Engine

from chm_node.demo.nodes import Node
from chm_node.errors import ChmError
from chm_node.settings import Settings
from chm_node.signing import Signer
from harvest.dispatch import Dispatcher
from harvest.overview import RunView


@dataclass(frozen=True)
class Running:
    """A node of the demo, opened."""

    node: Node
    settings: Settings
    engine: Engine
    signer: Signer


def harvest(dispatcher: Dispatcher, peer: Running) -> RunView:
    """One harvest of a peer; raises ChmError when it did not go well."""
    run = dispatcher.harvest(peer.settings.node_iri)
    if run is None or run.outcome not in ("ok", "not-modified"):
        reason = f"{run.outcome}: {run.message} ({run.rejected} refused)" if run else "somebody else harvests it"
        raise ChmError(f"the harvest of {peer.node.address} failed: {reason}")
    return run
