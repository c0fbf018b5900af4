"""Benchmarks that anyone can run: ``./chm bench [NAME...] [--json]``.

Most measure the node beside a naive way of doing the same work, in the same run on the same machine,
and report the ratio; a ratio holds on a slower or busier machine where a single figure would not.
The others take minutes and run when they are named.
"""

import json
from collections.abc import Sequence
from importlib import import_module

from bench.result import Row, table

QUICK = ("publish", "harvest", "feeds", "export")
NAMES = (*QUICK, "push", "first-sync", "faults")


def run(names: Sequence[str] = (), as_json: bool = False) -> int:
    """Run these benchmarks (the quick ones when none is named), print what they found; 0 when all is well.

    Raises ValueError for a name nobody knows.
    """
    if unknown := sorted(set(names) - set(NAMES)):
        raise ValueError(f"there is no benchmark {', '.join(unknown)}; choose from {', '.join(NAMES)}")
    rows: list[Row] = []
    for name in names or QUICK:
        found: Sequence[Row] = import_module(f"bench.{name.replace('-', '_')}").measure()
        rows += found
        if as_json:
            for row in found:
                print(json.dumps(row.as_dict()), flush=True)
    if not as_json:
        print(table(rows))
    return 0 if all(row.well for row in rows) else 1
