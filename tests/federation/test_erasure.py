"""Erasure: after its owner erased a record, nothing of it is left in any file of its node and of the hubs."""

import gzip
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import column, insert, select, table, text

from chm_node import dumps, erasure
from chm_node.catalogue.erased import erased_until
from chm_node.database import reading, writing
from chm_node.errors import InvalidRecordError
from chm_node.namespaces import DCTERMS, NON_PUBLIC
from chm_node.publishing import withdraw
from chm_node.record import Action, Tombstone
from chm_node.tables import metadata, notification, receipt
from harvest import decisions, hubs, quarantine, sources
from harvest.checker import checks, results
from harvest.quarantine import Kind
from harvest.standing import Told

WORD = "Zaynabqortuba"  # a word of its own, in no other record
PLACE = "Xanthippeville"


def erase(node, iri):
    erasure.erase(node.engine, node.settings, node.signer, iri, {"en": "At the request of the person."}, node.now)


def everything(node):
    """Every byte of the node's files, and what PostgreSQL shows of its tables."""
    files = [path for path in node.settings.data_dir.rglob("*") if path.is_file()]
    found = b"".join(
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in files
    )
    if node.engine.dialect.name == "sqlite":
        return found
    with reading(node.engine) as connection:
        for each in (*metadata.tables.values(), table("search", column("words"))):
            found += "\n".join(repr(tuple(row)) for row in connection.execute(select(each))).encode()
    return found


def traces(node):
    found = everything(node).lower()
    return {word for word in (WORD, PLACE, "Workshop") if word.lower().encode() in found}


@pytest.fixture(params=["sqlite", "postgresql"])
def chain(request, make_node):
    """A peer, a hub, and the hub's hub, each with the record, others and dumps."""
    urls = request.getfixturevalue("database_urls")(3) if request.param == "postgresql" else ["", "", ""]
    names = zip(("dz", "hub", "region"), urls, strict=True)
    peer, hub, further = (make_node(name, database_url=url) for name, url in names)
    [iri] = peer.publish(f"Talk by {WORD}", summary={"en": f"In {PLACE}"})
    peer.publish(*(f"Workshop {n}" for n in range(30)))
    peer.later(minutes=1)
    peer.revise({iri: f"Lecture by {WORD}"}, summary={"en": f"In {PLACE}"})
    hub.later(minutes=2)
    further.later(minutes=3)
    hub.follow(peer)
    further.follow(hub)
    harvest(peer, hub, further)
    for node in (peer, hub, further):
        dumps.write(node.engine, node.settings, node.now)
        for address in ("feed/1/1", "feeds/all.atom", f"en/record?iri={iri}"):
            node.get(node.settings.base_url + address)
    return peer, hub, further, iri


def harvest(peer, hub, further):
    assert hub.harvest(peer).outcome == "ok"
    assert further.harvest(hub).outcome == "ok"


def test_an_erased_record_is_in_no_file_of_its_node_and_of_two_hubs(chain):
    peer, hub, further, iri = chain
    for node in (peer, hub, further):
        assert traces(node) == {WORD, PLACE, "Workshop"}
        assert node.holds(iri)
        node.later(minutes=20)

    erase(peer, iri)
    harvest(peer, hub, further)
    assert traces(hub) == traces(further) == {WORD, PLACE, "Workshop"}  # in the dumps, and between the pages of SQLite
    assert erasure.finish_due(hub.engine, hub.settings, hub.now)
    assert erasure.finish_due(further.engine, further.settings, further.now)

    for node in (peer, hub, further):
        assert traces(node) == {"Workshop"}
        assert node.held(iri).graph.action is Action.DELETE
        assert b"At the request of the person." in everything(node)
        assert len(node.log()) == 31


def quote_everywhere(hub, peer, iri):
    """Have the hub hold another text of the record, and quote it wherever it keeps what it says to people."""
    held = decisions.offer_of(hub.held(iri))
    ahead = replace(held, version=hub.now + timedelta(days=1), digest="0" * 64)
    report = checks.report(peer.settings.base_url, [checks.Finding("feeds.well-formed", checks.State.FAILED, (WORD,))])
    with writing(hub.engine) as connection:
        source = sources.find(connection, peer.iri)
        quarantine.hold(connection, source.id, Kind.FUTURE, [ahead], hub.now)
        results.ask(connection, results.Subject(source.address), hub.now)
        results.store(connection, report, hub.now)
        page = {"iri": peer.page(9), "version": 0, "digest": "", "run_id": 0, "received": 0}
        why = {"verdict": "rejected", "reason": "unreadable-page", "detail": f"{PLACE} is not a valid RDF object"}
        connection.execute(insert(receipt).values(page | why | {"source_id": source.id}))
        texts = {column.name: "" for column in notification.columns} | {"received": 0, "begun": 0, "decided": 0}
        connection.execute(insert(notification).values(texts | {"id": "1", "report": json.dumps([PLACE])}))


def test_what_is_held_of_an_erased_record_or_quotes_it_is_gone_too(chain):
    peer, hub, _, iri = chain
    quote_everywhere(hub, peer, iri)
    with writing(peer.engine) as connection:
        hubs.remember(connection, hub.iri, peer.now)
        said = Told(iri, digest="", refused=False, reason="", sentences={}, detail=WORD, held="", held_version=None)
        hubs.answered(connection, hub.iri, {"en": "hub"}, [said], peer.now, peer.now)
    dumps.discard(hub.engine, hub.settings)
    for node in (peer, hub):
        node.later(minutes=20)

    erase(peer, iri)
    hub.harvest(peer)
    erasure.finish(hub.engine, hub.settings, hub.now)

    assert traces(peer) == traces(hub) == {"Workshop"}
    with reading(hub.engine) as connection:
        assert results.newest(connection, results.Subject(peer.settings.base_url), hub.now) is None


def test_the_run_tells_of_a_page_that_could_not_be_read_without_quoting_it(chain, wire):
    peer, hub, *_ = chain
    for node in (peer, hub):
        node.later(minutes=20)
    peer.publish("Something new")
    broken = f"<a:b> <a:c> {PLACE}2 ."
    wire.replies[peer.page()] = lambda real: replace(real, body=broken.encode(), media_type="text/turtle")

    run = hub.harvest(peer)

    assert f"{peer.page()} was refused" in run.message
    assert PLACE not in run.message
    with reading(hub.engine) as connection:
        why = connection.execute(select(receipt.c.detail).where(receipt.c.iri == peer.page())).scalar_one()
    assert f"{PLACE}2" in why


def test_old_addresses_of_pages_lead_to_the_root_and_dumps_are_gone(chain):
    peer, *_, iri = chain
    peer.later(minutes=20)
    erase(peer, iri)

    with peer.client() as client:
        answer = client.get(peer.page(), accept="application/n-quads")
    assert answer.url == peer.feed
    assert WORD.encode() not in peer.get(peer.feed)
    assert dumps.newest(peer.settings) is None
    again = dumps.write_due(peer.engine, peer.settings, peer.now)
    assert (again.records, again.withdrawn) == (30, 1)


def test_what_lists_show_of_an_erased_record_is_that_it_was(chain):
    peer, hub, _, iri = chain
    peer.later(minutes=20)
    hub.later(minutes=20)
    erase(peer, iri)
    hub.harvest(peer)
    for node in (peer, hub):
        for address in ("feeds/all.atom", "changelist.xml", "resourcelist-1.xml", "en/records", f"en/record?iri={iri}"):
            assert WORD.encode() not in node.get(node.settings.base_url + address)
        changes = node.get(f"{node.settings.base_url}changelist.xml").decode()
        assert 'hash="sha-256:"' not in changes
        assert iri in changes


def test_a_hub_that_withholds_the_erasure_gives_nothing_back(chain):
    """The tombstone is the newest version everywhere it has arrived; the old one is stale there."""
    peer, hub, further, iri = chain
    old = further.held(iri)
    peer.later(minutes=20)
    hub.later(minutes=20)
    erase(peer, iri)
    hub.harvest(peer)
    further.pass_on(old, peer.iri)
    hub.follow(further)

    hub.harvest(further)

    assert not hub.holds(iri)
    assert erasure.finish_due(hub.engine, hub.settings, hub.now)
    assert traces(hub) == {"Workshop"}


def test_a_withdrawn_record_can_still_be_erased_and_nobody_elses(chain):
    peer, hub, _, iri = chain
    peer.later(minutes=20)
    peer.withdraw(iri)
    peer.later(minutes=1)
    erase(peer, iri)
    assert traces(peer) == {"Workshop"}
    with pytest.raises(InvalidRecordError):
        erase(hub, iri)


def test_files_are_written_anew_for_peers_once_a_day(chain):
    peer, hub, _, iri = chain
    other = next(each.graph.iri for each in peer.log() if each.graph.iri != iri)
    assert not erasure.finish_due(hub.engine, hub.settings, hub.now)  # nothing was erased
    for node in (peer, hub):
        node.later(minutes=20)
    erase(peer, iri)
    hub.harvest(peer)
    assert erasure.finish_due(hub.engine, hub.settings, hub.now)
    for node in (peer, hub):
        node.later(minutes=20)
    erase(peer, other)
    hub.harvest(peer)
    assert not erasure.finish_due(hub.engine, hub.settings, hub.now)
    with reading(hub.engine) as connection:
        assert erased_until(connection)
    assert erasure.finish_due(hub.engine, hub.settings, hub.now + timedelta(days=1))
    with reading(hub.engine) as connection:
        assert erased_until(connection) is None


def test_hubs_let_go_of_what_was_withdrawn_a_month_ago(chain):
    peer, hub, _, iri = chain
    for node in (peer, hub):
        node.later(minutes=20)
    peer.withdraw(iri)
    hub.harvest(peer)
    assert erasure.let_go_due(hub.engine, hub.settings, hub.now + timedelta(days=29)) == 0
    assert erasure.let_go_due(hub.engine, hub.settings, hub.now + timedelta(days=31)) == 1
    assert erasure.let_go_due(hub.engine, hub.settings, hub.now + timedelta(days=31)) == 0
    assert (
        erasure.let_go_due(peer.engine, peer.settings, peer.now + timedelta(days=31)) == 0
    )  # the owner keeps its history
    with reading(hub.engine) as connection:
        held = [bytes(each) for each in connection.execute(text("SELECT nquads FROM change")).scalars()]
    assert WORD.encode() not in b"".join(held)


def test_words_in_a_text_are_no_erasure(peer, hub):
    """Only a statement of the tombstone counts."""
    [iri] = peer.publish(WORD)
    hub.harvest(peer)
    peer.later(minutes=1)
    lie = f"<{iri}> <{DCTERMS.accessRights}> <{NON_PUBLIC}> .\n"
    withdraw(peer.engine, peer.settings, peer.signer, Tombstone(iri, "event", {"en": lie + lie}), peer.now)
    with reading(peer.engine) as connection:
        assert erased_until(connection) is None
