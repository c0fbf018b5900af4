"""Root and ranges of a long log."""

from datetime import UTC, datetime, timedelta

import pyoxigraph as ox
import pytest

from chm_node.catalogue import PAGE_BYTES, LoggedChange
from chm_node.catalogue.pages import bytes_on_page
from chm_node.formats import quads
from chm_node.formats.log import RANGE_SIZE, Log, listed_graphs, page_graphs, range_graphs, root_graphs
from chm_node.record import Action, Change, Entry, RecordGraph
from chm_node.setting_rules import MAX_BASE_URL_BYTES
from harvest.page import MAX_PAGE_BYTES

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


def lines_of(iri, kind):
    """The canonical lines of a record of one kind."""
    return {
        "short": [f'<x:{n}> <x:p> "" .' for n in range(2000)],
        "typed": [f'<{iri}> <x:{n:05}> "1"^^<x:t> .' for n in range(1500)],
        "linked": [f"<{iri}#{n:05}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <x:t> ." for n in range(900)],
        "spoken": [f'<{iri}> <x:title> "{n} ورشة عمل \\n\\"{"é" * 50}"@ar-latn-x-{n:04} .' for n in range(900)],
        "text": [f'<{iri}> <x:title> "{"ش" * 32_000}{n}" .' for n in range(3)],
        "empty": [],
    }[kind]


@pytest.mark.parametrize("kind", ["short", "typed", "linked", "spoken", "text", "empty"])
@pytest.mark.parametrize("base", ["http://a/", f"https://{'a' * (MAX_BASE_URL_BYTES - 9)}/"], ids=["short", "longest"])
@pytest.mark.parametrize("hops", [0, 9])
def test_a_change_takes_no_more_on_a_page_than_was_counted(kind, base, hops):
    iri = f"{base}id/news/1"
    nquads = "".join(f"{line}\n" for line in lines_of(iri, kind)).encode()
    proof = {
        "created": "2026-11-22T03:22:08.014Z",
        "verificationMethod": f"{base}node#key",
        "proofValue": "z" * 90,
    }
    graph = RecordGraph(iri, Action.CREATE, f"{base}node", START, nquads, "0" * 64, proof)
    path = tuple(f"{base}{number}/node" for number in range(hops))
    derived = f"{base}act/20261122T052208014Z" if hops else ""
    counted = bytes_on_page(Change(START, graph, Entry("news", {}, {}, ()), path, derived))
    logged = LoggedChange(10**12, START, graph, path, derived)
    written = listed_graphs(Log(base, 10**12, 10**6), logged)
    for write in (quads.n_quads, quads.trig, quads.json_ld):
        assert len(write(written)) <= counted


def test_what_a_page_says_of_itself_leaves_it_below_what_a_hub_reads():
    log = Log(f"https://{'a' * (MAX_BASE_URL_BYTES - 9)}/", 10**12, 10**6)
    for write in (quads.n_quads, quads.trig, quads.json_ld):
        assert PAGE_BYTES + len(write(page_graphs(log, 1, []))) < MAX_PAGE_BYTES
