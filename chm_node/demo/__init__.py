"""The demo: three nodes and a hub on this machine, with real records, started by one command.

nodes      the four nodes and their ports
running    a node, opened
records    the records that ship with the demo
steps      what the demo does, in order
checks     what ``--once`` looks at
"""

from chm_node.demo.steps import run

__all__ = ["run"]
