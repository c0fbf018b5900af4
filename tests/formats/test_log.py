"""Root and ranges of a long log."""

from datetime import UTC, datetime, timedelta

import pyoxigraph as ox

from chm_node.formats import quads
from chm_node.formats.log import RANGE_SIZE, Log, range_graphs, root_graphs

TREE = "https://w3id.org/tree#"
START = datetime(2026, 1, 1, tzinfo=UTC)


def starts(pages):
    return [START + timedelta(hours=hour) for hour in range(pages)]


def relations(graphs):
    """Target of each relation to the kinds of its bounds."""
    facts = {}
    for quad in ox.parse(quads.n_quads(graphs), ox.RdfFormat.N_QUADS):
        facts.setdefault(quad.subject.value, {})[quad.predicate.value] = quad.object.value
    found = {}
    for stated in facts.values():
        if target := stated.get(f"{TREE}node"):
            kind = stated["http://www.w3.org/1999/02/22-rdf-syntax-ns#type"].removeprefix(TREE)
            found.setdefault(target, {})[kind] = stated[f"{TREE}value"]
    return found


def test_a_short_log_has_no_ranges():
    log = Log("https://n.example/", 1, RANGE_SIZE)
    assert log.ranges == 0
    assert len(relations(root_graphs(log, starts(RANGE_SIZE), 900))) == RANGE_SIZE


def test_a_long_log_has_ranges_that_together_hold_every_page():
    pages = 2 * RANGE_SIZE + 3
    log = Log("https://n.example/", 4, pages)
    root = relations(root_graphs(log, starts(pages), 900))
    assert set(root) == {f"https://n.example/feed/4/r{number}" for number in (1, 2, 3)}
    held = {}
    for number in (1, 2, 3):
        held |= relations(range_graphs(log, number, starts(pages)))
    assert set(held) == {log.page(number) for number in range(1, pages + 1)}
    assert all(len(bounds) == 2 for page, bounds in held.items() if page != log.page(pages))
    assert len(held[log.page(pages)]) == 1


def test_only_the_last_range_may_change():
    log = Log("https://n.example/", 1, RANGE_SIZE + 1)
    assert b"immutable" in quads.n_quads(range_graphs(log, 1, starts(RANGE_SIZE + 1)))
    assert b"immutable" not in quads.n_quads(range_graphs(log, 2, starts(RANGE_SIZE + 1)))
