"""The reference LDES client replicates a node, in order, and resumes where it stopped."""

import re

LAUNCHER = ("node", "node_modules/ldes-client/dist/bin/cli.js")


def _members(said: str) -> list[str]:
    """The activity of each member, in the order the client printed them."""
    return list(dict.fromkeys(re.findall(r"<([^>\s]*/act/\d{8}T\d{9}Z)>", said)))


def _replicate(run_client, node, folder) -> tuple[list[str], str]:
    said = run_client(*LAUNCHER, f"{node.url}feed", "-o", "ascending", "-s", str(folder))
    return _members(said), said


def test_it_receives_every_record_once_and_in_order(live_node, tmp_path, run_client):
    members, said = _replicate(run_client, live_node, tmp_path / "state")
    assert len(members) == 25
    assert members == sorted(members)
    assert "Atelier n° 7 sur les polluants" in said
    assert "ورشة عمل 7 حول الملوثات" in said


def test_it_resumes_with_exactly_what_changed(live_node, tmp_path, run_client):
    first, _ = _replicate(run_client, live_node, tmp_path / "state")
    again, _ = _replicate(run_client, live_node, tmp_path / "state")
    assert len(first) == 25
    assert again == []
    live_node.publish(
        live_node.record("document", "guide-9", title={"en": "A tenth guide"}),
        live_node.record("event", "workshop-0", title={"fr": "Atelier reporté"}, starts="2026-06-01"),
    )
    later, said = _replicate(run_client, live_node, tmp_path / "state")
    assert len(later) == 2
    assert "A tenth guide" in said
    assert "Atelier reporté" in said
