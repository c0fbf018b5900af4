"""``python -m chm_node.cli``: the command, for the processes it starts itself."""

from chm_node.cli import main

main(prog_name="chm")
