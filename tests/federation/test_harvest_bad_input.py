"""What a peer may send and what becomes of it: refused with a reason, neighbours live, nothing is withdrawn."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from chm_node.database import reading
from chm_node.namespaces import CHM, DCTERMS, VOCABULARY
from chm_node.record import Action, milliseconds
from chm_node.record_types import RECORD_TYPES
from chm_node.tables import receipt
from chm_node.tables import run as run_table
from harvest import receipts, sources
from harvest.page import Relation, read_relations
from harvest.reasons import REASONS
from harvest.trust import Verdict


def statement(subject, predicate, value):
    """One canonical N-Quads line."""
    return f"{subject} <{predicate}> {value} .\n"


TITLE = DCTERMS.title


def neighbours_live(peer, hub, run, refused, reason):
    """The one record was refused for that reason, and the others arrived."""
    return (run.outcome, run.created, run.rejected, hub.reasons()) == ("partial", 2, 1, {refused: reason})


@pytest.fixture
def offered(peer):
    """The IRI of a record that is not right, between two that are."""
    iri = f"{peer.settings.uri_space}event/wrong"

    def offer(**how):
        peer.publish("Before")
        how.setdefault("iri", iri)
        chosen, more = how.pop("iri"), how.pop("more", ())
        peer.say(chosen, *more, **how)
        peer.publish("After")
        return chosen

    return offer


def test_a_record_with_somebody_elses_iri(peer, hub, offered):
    iri = offered(iri="https://tn.example.org/id/event/1")
    assert neighbours_live(peer, hub, hub.harvest(peer), iri, "foreign-iri")


@pytest.mark.parametrize("trick", ["../node", "event/../../node", ""])
def test_a_record_iri_that_leads_out_of_its_uri_space(peer, hub, offered, trick):
    iri = offered(iri=peer.settings.uri_space + trick)
    assert neighbours_live(peer, hub, hub.harvest(peer), iri, "foreign-iri")


def test_a_record_that_speaks_about_another(peer, hub, offered):
    victim = "<https://tn.example.org/id/event/1>"
    iri = offered(more=(statement(victim, TITLE, '"Cancelled"'),))
    assert neighbours_live(peer, hub, hub.harvest(peer), iri, "foreign-subject")


def test_a_record_with_blank_nodes(peer, hub, offered):
    iri = f"{peer.settings.uri_space}event/wrong"
    offered(more=(statement(f"<{iri}>", "https://schema.org/location", "_:b0"),))
    assert neighbours_live(peer, hub, hub.harvest(peer), iri, "blank-node")


def test_blank_nodes_that_would_take_for_ever_to_put_in_order(peer, hub, offered):
    clique = [statement(f"_:b{a}", TITLE, f"_:b{b}") for a in range(12) for b in range(12) if a != b]
    iri = offered(more=clique)
    assert neighbours_live(peer, hub, hub.harvest(peer), iri, "blank-node")


def test_a_record_that_is_too_large(peer, hub, offered):
    iri = f"{peer.settings.uri_space}event/wrong"
    offered(more=[statement(f"<{iri}>", TITLE, f'"{n} {"x" * 50_000}"') for n in range(6)])
    assert neighbours_live(peer, hub, hub.harvest(peer), iri, "too-large")


def test_a_record_of_too_many_statements(peer, hub, offered):
    iri = f"{peer.settings.uri_space}event/wrong"
    offered(more=[statement(f"<{iri}>", TITLE, f'"{n}"') for n in range(2001)])
    assert neighbours_live(peer, hub, hub.harvest(peer), iri, "too-large")


@pytest.mark.parametrize("escape", [r"\u0007", r"\b", r"\f", r"\\\b"])
def test_a_record_with_characters_that_break_outputs(peer, hub, offered, escape):
    iri = f"{peer.settings.uri_space}event/wrong"
    offered(more=(statement(f"<{iri}>", TITLE, f'"bell {escape}"'),))
    assert neighbours_live(peer, hub, hub.harvest(peer), iri, "bad-characters")


def test_a_backslash_before_a_letter_is_no_bad_character(peer, hub):
    iri = f"{peer.settings.uri_space}event/path"
    peer.say(iri, statement(f"<{iri}>", TITLE, r'"C:\\users\\u0007\\bin\\fonts"'))
    assert hub.harvest(peer).created == 1


def test_a_record_with_two_terms_where_one_is_allowed_is_taken_over_and_its_owner_told(peer, hub):
    iri = f"{peer.settings.uri_space}event/two"
    is_event = statement(f"<{iri}>", DCTERMS.type, f"<{RECORD_TYPES['event'].term}>")
    countries = [f"<{VOCABULARY}countries/{code}>" for code in ("DZ", "TN")]
    peer.say(iri, is_event, *(statement(f"<{iri}>", CHM.government, each) for each in countries))
    assert hub.harvest(peer).outcome == "ok"
    with reading(hub.engine) as connection:
        [told] = receipts.every(connection, peer.iri)
    assert "government: 2 values where one is allowed" in told.detail


def test_a_record_without_identity(peer, hub, offered):
    iri = offered(meta=False)
    assert neighbours_live(peer, hub, hub.harvest(peer), iri, "no-identity")


def test_a_record_without_a_title(peer, hub, offered):
    iri = offered(title="")
    assert neighbours_live(peer, hub, hub.harvest(peer), iri, "no-title")


def test_a_record_without_a_licence_for_its_description(peer, hub, wire, offered):
    iri = offered()
    licence = DCTERMS.license.encode()
    meta = f"<{iri}#meta> ".encode()

    def without_licence(real):
        kept = [each for each in real.body.splitlines(True) if not (each.startswith(meta) and licence in each)]
        real.body = b"".join(kept)
        return real

    wire.replies[peer.page()] = without_licence
    assert neighbours_live(peer, hub, hub.harvest(peer), iri, "no-licence")


def test_a_record_whose_text_was_changed_on_the_way(peer, hub, wire):
    before, iri, after = peer.publish("Before", "Workshop", "After")

    def forged(real):
        real.body = real.body.replace(b'"Workshop"', b'"Cancelled"')
        return real

    wire.replies[peer.page()] = forged
    run = hub.harvest(peer)

    assert neighbours_live(peer, hub, run, iri, "bad-proof")
    assert hub.holds(before)
    assert hub.holds(after)
    assert not hub.holds(iri)


def test_a_record_whose_proof_was_taken_off(peer, hub, offered):
    iri = offered(signed=False)
    assert neighbours_live(peer, hub, hub.harvest(peer), iri, "unsigned")


def test_a_record_from_the_future_waits_until_its_owner_corrects_the_clock(peer, hub, offered):
    iri = offered(version=peer.now + timedelta(hours=1))
    assert neighbours_live(peer, hub, hub.harvest(peer), iri, "future-version")
    peer.later(minutes=5)
    peer.revise({iri: "With the right clock"})
    assert hub.harvest(peer).created == 1
    assert hub.reasons() == {}


def test_a_replayed_old_version_changes_nothing(peer, hub):
    iri = f"{peer.settings.uri_space}event/1"
    old = peer.say(iri, title="Old", version=peer.now)
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.say(iri, title="New")
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.say(iri, title="Old", version=old.version)

    run = hub.harvest(peer)

    assert (run.updated, run.rejected) == (0, 0)
    assert '"New"@en' in hub.held(iri).graph.nquads.decode()


def test_of_two_texts_with_one_version_the_first_stays(peer, hub):
    iri = f"{peer.settings.uri_space}event/1"
    first = peer.say(iri, title="One thing")
    hub.harvest(peer)
    peer.say(iri, title="Another thing", version=first.version)

    run = hub.harvest(peer)

    assert (run.updated, run.rejected, hub.reasons()) == (0, 1, {iri: "equivocation"})
    assert hub.held(iri).graph == first


def test_a_withdrawal_that_carries_no_tombstone(peer, hub):
    [iri] = peer.publish("Workshop")
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.say(iri, action=Action.DELETE)

    run = hub.harvest(peer)

    assert (run.withdrawn, hub.reasons()) == (0, {iri: "no-payload"})
    assert hub.holds(iri)


def test_a_withdrawal_signed_by_nobody(peer, hub, wire):
    [iri] = peer.publish("Workshop")
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.withdraw(iri)

    def stripped(real):
        real.body = b"".join(each for each in real.body.splitlines(True) if b"security#proof>" not in each)
        return real

    wire.replies[peer.page()] = stripped
    run = hub.harvest(peer)

    assert (run.withdrawn, run.rejected) == (0, 1)
    assert hub.holds(iri)


def test_a_peer_cannot_pass_on_records_of_a_node_it_does_not_vouch_for(peer, hub, make_node):
    stranger = make_node("tn")
    [iri] = stranger.publish("Workshop in Tunis")
    peer.pass_on(stranger.held(iri), stranger.iri)

    hub.harvest(peer)

    assert hub.reasons() == {iri: "unknown-node"}


def test_a_peer_cannot_take_over_a_node_that_is_approved_already(peer, hub, make_node, wire):
    victim = make_node("tn")
    [iri] = victim.publish("Workshop in Tunis")
    hub.follow(victim)
    hub.harvest(victim)
    claim = f"""
        <{peer.iri}> <http://www.w3.org/ns/dcat#catalog> <{victim.iri}> .
        <{victim.iri}> <http://rdfs.org/ns/void#uriSpace> "{victim.settings.uri_space}" ;
            <https://w3id.org/security#assertionMethod> <{victim.iri}#key> .
        <{victim.iri}#key> <https://w3id.org/security#publicKeyMultibase> "{peer.signer.multikey}" .
    """.encode()
    wire.replies[peer.iri] = lambda real: type(real)(real.body + claim, 200, real.media_type)
    peer.later(minutes=1)
    forged = peer.say(iri, title="Cancelled", origin=victim.iri)

    run = hub.harvest(peer)

    assert hub.reasons() == {iri: "bad-proof"}
    assert victim.iri in run.message
    assert hub.held(iri).graph != forged


def test_a_hub_may_not_widen_what_a_node_it_vouches_for_may_say(peer, hub, make_node, wire):
    greedy = make_node("tn")
    claim = f"""
        <{peer.iri}> <http://www.w3.org/ns/dcat#catalog> <{greedy.iri}> .
        <{greedy.iri}> <http://rdfs.org/ns/void#uriSpace> "https://" ;
            <https://w3id.org/security#assertionMethod> <{greedy.iri}#key> .
        <{greedy.iri}#key> <https://w3id.org/security#publicKeyMultibase> "{greedy.signer.multikey}" .
    """.encode()
    wire.replies[peer.iri] = lambda real: type(real)(real.body + claim, 200, real.media_type)
    graph = greedy.say("https://somebody.example.org/id/1")
    peer.pass_on(greedy.held(graph.iri), greedy.iri)

    hub.harvest(peer)

    assert hub.reasons() == {graph.iri: "disputed-node"}


def test_a_record_that_passed_too_many_hubs_is_passed_over(peer, hub):
    iri = f"{peer.settings.uri_space}event/1"
    peer.say(iri, hops=tuple(f"https://h{n}.example.org/node" for n in range(9)))

    run = hub.harvest(peer)

    assert (run.outcome, run.created, run.rejected) == ("ok", 0, 0)


def test_a_record_that_has_been_here_is_passed_over(peer, hub):
    iri = f"{peer.settings.uri_space}event/1"
    peer.say(iri, hops=(hub.iri,))

    assert hub.harvest(peer).created == 0


PAGES = {
    "DOCTYPE": (b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>', "application/rdf+xml"),
    "remote context": (b'{"@context": "https://evil.example.org/c.jsonld", "@id": "x"}', "application/ld+json"),
    "HTML": (b"<!doctype html><title>Please log in</title>", "text/html"),
    "wrong media type": (b"a,b,c\n1,2,3\n", "text/csv"),
    "no RDF at all": (b"\x00\x01\x02", "application/n-quads"),
    "empty media type": (b"", ""),
    "nothing": (b"", "application/n-quads"),
    "a line end": (b"\n", "application/trig"),
    "a comment": (b"# gone\n", "text/turtle"),
    "too deep": (b"[" * 5000 + b"]" * 5000, "application/ld+json"),
    "too large": (b"# comment\n" * 600_000, "application/n-quads"),
}


@pytest.mark.parametrize("case", PAGES)
def test_a_page_that_is_not_what_it_says_is_refused_and_its_neighbours_live(peer, hub, wire, case):
    body, media_type = PAGES[case]
    peer.publish(*(f"Workshop {n}" for n in range(450)))
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.publish(*(f"Meeting {n}" for n in range(250)))  # pages 3 and 4
    held = len(hub.log())
    wire.replies[peer.page(3)] = lambda real: type(real)(body, 200, media_type)

    run = hub.harvest(peer)

    assert (run.outcome, run.created, run.withdrawn, run.rejected) == ("partial", 100, 0, 1)
    assert len(hub.log()) == held + 100
    assert hub.reasons() == {peer.page(3): "unreadable-page"}
    assert peer.page(3) in run.message

    del wire.replies[peer.page(3)]
    assert hub.harvest(peer).created == 150
    assert hub.reasons() == {}


def test_a_truncated_page_is_refused_whole(peer, hub, wire):
    peer.publish(*(f"Workshop {n}" for n in range(50)))

    def cut(real):
        real.body = real.body[: len(real.body) // 2]
        return real

    wire.replies[peer.page()] = cut
    run = hub.harvest(peer)

    assert (run.outcome, run.created) == ("parse-error", 0)
    assert hub.log() == []
    del wire.replies[peer.page()]
    assert hub.harvest(peer).created == 50


@pytest.mark.parametrize("case", PAGES)
def test_a_root_that_is_not_what_it_says_ends_the_harvest_and_nothing_vanishes(peer, hub, wire, case):
    body, media_type = PAGES[case]
    [iri] = peer.publish("Workshop")
    hub.harvest(peer)
    wire.replies[peer.feed] = lambda real: type(real)(body, 200, media_type)

    run = hub.harvest(peer)

    assert run.outcome == "parse-error"
    assert run.message
    assert hub.holds(iri)


def test_pages_that_lead_to_each_other_for_ever_are_read_once(peer, hub, wire):
    peer.publish("Workshop")
    tree = "https://w3id.org/tree#"
    loop = "".join(
        f"<{peer.page()}> <{tree}relation> <{peer.page()}#r{n}> .\n<{peer.page()}#r{n}> <{tree}node> <{target}> .\n"
        for n, target in enumerate((peer.page(), peer.feed, f"{peer.feed}/1/1"))
    ).encode()

    def looping(real):
        real.body += loop
        return real

    wire.replies[peer.page()] = looping
    run = hub.harvest(peer)

    assert (run.outcome, run.created, run.requests) == ("ok", 1, 3)


@pytest.mark.parametrize("target", ["https://evil.example.org/1", "https://a℀b.example/x"])
def test_a_link_to_another_host_is_not_followed(peer, hub, wire, target):
    peer.publish("Workshop")

    def elsewhere(real):
        real.body = real.body.replace(peer.page().encode() + b"> .", f"{target}> .".encode())
        return real

    wire.replies[peer.feed] = elsewhere
    wire.asked.clear()
    hub.harvest(peer)

    assert all(url.startswith(peer.settings.base_url) for url, _ in wire.asked)


def test_a_text_is_no_link_to_a_page():
    page, tree = "https://dz.example.org/feed", "https://w3id.org/tree#"
    data = "".join(f"<{page}#r{n}> <{tree}node> {each} .\n" for n, each in enumerate(('"https://["', f"<{page}/1>")))
    assert read_relations(data.encode(), "application/n-quads", page) == [Relation(f"{page}/1")]


def test_a_fault_of_ours_ends_the_run_and_is_reported(peer, hub, wire):
    peer.publish("Workshop")

    def broken(real):
        raise LookupError("a fault")

    wire.replies[peer.page()] = broken
    with pytest.raises(LookupError, match="a fault"):
        hub.harvest(peer)

    with reading(hub.engine) as connection:
        source = sources.find(connection, peer.iri)
        [ended] = connection.execute(select(run_table))
    assert (source.lease, source.failures, source.due > hub.now) == ("", 1, True)
    assert (ended.outcome, ended.message) == ("parse-error", "unexpected fault of ours, see the log")
    assert ended.ended == milliseconds(hub.now)


def test_a_page_that_is_gone_counts_as_empty(peer, hub, wire):
    peer.publish(*(f"Workshop {n}" for n in range(250)))
    wire.replies[peer.page(1)] = lambda real: type(real)(status=410)

    assert hub.harvest(peer).created == 50


def test_every_refusal_can_be_explained_in_every_language():
    assert REASONS.keys() == {verdict for verdict in Verdict if verdict.refused}
    assert all(texts.keys() == {"en", "fr", "ar"} and all(texts.values()) for texts in REASONS.values())


def test_a_receipt_says_what_was_offered_and_when(peer, hub):
    [iri] = peer.publish("Workshop")
    hub.harvest(peer)

    with reading(hub.engine) as connection:
        [row] = connection.execute(select(receipt)).all()

    graph = peer.held(iri).graph
    assert (row.iri, row.verdict, row.digest) == (iri, "accepted", graph.digest)
    assert (row.version, row.received) == (milliseconds(graph.version), milliseconds(hub.now))


def test_more_withdrawals_than_plausible_wait_for_a_person(peer, hub):
    iris = peer.publish(*(f"Workshop {n}" for n in range(100)))
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.withdraw(*iris[:11])
    peer.revise({iris[11]: "Corrected"})
    [new] = peer.publish("Published after that")

    run = hub.harvest(peer)

    assert (run.outcome, run.created, run.updated, run.withdrawn) == ("quarantined", 1, 1, 0)
    assert "11 of them wait" in run.message
    assert all(hub.holds(iri) for iri in (*iris, new))
    assert set(hub.reasons()) == set(iris[:11])
    assert set(hub.reasons().values()) == {"withdrawal-held"}

    hub.later(minutes=20)
    [newer] = peer.publish("Published while they wait")
    assert hub.harvest(peer).created == 1
    assert hub.holds(newer)


def test_a_few_withdrawals_are_plausible_however_small_the_source(peer, hub):
    iris = peer.publish(*(f"Workshop {n}" for n in range(6)))
    hub.harvest(peer)
    peer.later(minutes=1)
    peer.withdraw(*iris[:5])

    assert hub.harvest(peer).withdrawn == 5


def test_withdrawals_add_up_over_pages_and_over_runs_that_were_stopped(peer, hub):
    iris = peer.publish(*(f"Workshop {n}" for n in range(1000)))
    hub.harvest(peer)
    peer.later(minutes=1)
    for start in range(0, 160, 80):  # two pages of the log, with 80 withdrawals each
        peer.withdraw(*iris[start : start + 80])
        peer.publish(*(f"Meeting {start} {n}" for n in range(120)))

    hub.later(minutes=20)
    first = hub.harvest(peer)
    hub.later(minutes=20)
    second = hub.harvest(peer)

    assert (first.outcome, first.withdrawn, first.created) == ("quarantined", 80, 240)
    assert (second.outcome, second.withdrawn) == ("not-modified", 0)
    assert "80 of them wait" in first.message


def test_withdrawals_that_wait_count_for_those_of_later_runs(peer, hub):
    iris = peer.publish(*(f"Workshop {n}" for n in range(100)))
    hub.harvest(peer)
    for gone, outcome, withdrawn in ((iris[:11], "quarantined", 0), (iris[11:13], "quarantined", 0)):
        peer.later(minutes=1)
        peer.withdraw(*gone)
        hub.later(minutes=20)
        run = hub.harvest(peer)
        assert (run.outcome, run.withdrawn) == (outcome, withdrawn)
    assert all(hub.holds(iri) for iri in iris)


def test_a_tombstone_of_what_was_never_here_is_kept_and_counts_as_nothing(peer, hub):
    iris = peer.publish(*(f"Workshop {n}" for n in range(20)))
    peer.later(minutes=1)
    peer.withdraw(*iris)

    run = hub.harvest(peer)

    assert (run.outcome, run.withdrawn, run.created) == ("ok", 0, 0)
    assert len(hub.log()) == 20
