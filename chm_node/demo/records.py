"""The records that ship with the demo, under the addresses that the nodes have on this machine."""

from collections.abc import Sequence
from datetime import datetime
from importlib import resources

from sqlalchemy import Engine

from chm_node.demo.nodes import Node
from chm_node.errors import ChmError
from chm_node.foreign import read_rdf
from chm_node.importing.rdf import records_in
from chm_node.publishing import Published, publish
from chm_node.record import Record
from chm_node.sandbox import Sandbox
from chm_node.settings import Settings
from chm_node.signing import Signer


def shipped_records(node: Node, nodes: Sequence[Node], settings: Settings, sandbox: Sandbox) -> list[Record]:
    """The records of one node; raises ChmError that names what is wrong with them."""
    quads = []
    for text in _texts(node.key):
        for other in nodes:
            text = text.replace(f"https://{other.key}.chm.example/", other.address)
        quads += sandbox.run(read_rdf, text.encode(), "text/turtle", settings.base_url)
    found = records_in(quads, settings).found
    for each in found:
        if each.problems:
            raise ChmError(f"{each.place}: {'; '.join(map(str, each.problems))}")
    return [each.record for each in found if each.record]


def publish_all(
    engine: Engine, settings: Settings, signer: Signer, records: Sequence[Record], now: datetime
) -> Published:
    """Publish the records; what changed."""
    return sum(publish(engine, settings, signer, records, now), Published())


def _texts(key: str) -> list[str]:
    folder = resources.files(__package__) / "data" / key
    files = sorted((each for each in folder.iterdir() if each.name.endswith(".ttl")), key=lambda each: each.name)
    return [each.read_text("utf-8") for each in files]
