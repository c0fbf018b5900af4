"""Benchmarks that anyone can run: ``./chm bench [NAME...] [--json]``.

Each measures the node beside a naive way of doing the same work, in the same run on the same machine,
and reports the ratio; a ratio holds on a slower or busier machine where a single figure would not.
"""

import json
from collections.abc import Sequence
from importlib import import_module

from bench.result import Result, table

NAMES = ("publish", "harvest", "feeds", "export", "push")


def run(names: Sequence[str] = (), as_json: bool = False) -> int:
    """Run these benchmarks (all when none is named), print what they measured; 0 when all ran.

    Raises ValueError for a name nobody knows.
    """
    if unknown := sorted(set(names) - set(NAMES)):
        raise ValueError(f"there is no benchmark {', '.join(unknown)}; choose from {', '.join(NAMES)}")
    results: list[Result] = []
    for name in names or NAMES:
        measured = import_module(f"bench.{name}").measure()
        results += measured
        if as_json:
            for result in measured:
                print(json.dumps(result.as_dict()), flush=True)
    if not as_json:
        print(table(results))
    return 0
