"""The guide for integrators says what works: its examples are run, one after the other, against a node."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs/how-to/read.md"
ANY_NODE = "https://chm.example.org/"


def blocks(language: str, node: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [block.replace(ANY_NODE, node) for block in found]


@pytest.mark.filterwarnings("ignore:Dataset.default_context is deprecated")  # rdflib of itself
def test_its_python_prints_what_it_promises(live_node):
    names, said = {}, []
    for block in blocks("python", live_node.url):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(block, names)  # noqa: S102  the guide is ours
        said.append(printed.getvalue())
    node, events, news, record, kept, log, counted = said
    assert node == ""
    assert len(events.splitlines()) == 20
    assert re.search(r"/id/event/\S+ Atelier n° 7 sur les polluants 2026-05-08\n", events)
    assert news == "20 304\n"
    assert "ar ورشة عمل" in record
    assert re.search(r"^2026-05-\d\d$", record, re.MULTILINE)
    assert kept == "eddsa-rdfc-2022\n"
    assert re.fullmatch(r'25 "\S+"\n', log)
    assert counted.split() == ["events", "20"]


def test_its_client_replicates_the_log(live_node, run_client, tmp_path):
    [block] = blocks("sh", live_node.url)
    _, _, *arguments = shlex.split(block.replace("./state", str(tmp_path / "state")))
    said = run_client("node", "node_modules/ldes-client/dist/bin/cli.js", *arguments)
    assert "Atelier n° 7 sur les polluants" in said
