"""Records over several hubs: whom a hub may speak for, and what it cannot hide."""

import json
import random
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from lxml import etree
from sqlalchemy import update

from chm_node.database import reading, writing
from chm_node.record import Action, activity_iri
from chm_node.signing import create_key, load_signer
from chm_node.tables import source
from harvest import overview, sources, vouching
from harvest.members import Word
from harvest.origins import Sampling

ALL = Sampling(share=1.0, dice=random.Random(1))


@pytest.fixture
def top(make_node, peer, hub):
    """A hub that follows the hub, which has harvested one record of the peer."""
    peer.publish("Workshop on PCB")
    hub.harvest(peer)
    node = make_node("top")
    node.follow(hub)
    return node


@pytest.fixture
def stranger(tmp_path):
    """A key that is not the peer's."""
    create_key(tmp_path / "stranger.pem")
    return load_signer(tmp_path / "stranger.pem", "https://dz.example.org/node#key")


def words(node):
    with reading(node.engine) as connection:
        return {member.node: member.word for each in sources.listing(connection) for member in each.members}


def swapped(old, new):
    """A description with another key in it."""
    return lambda real: replace(real, body=real.body.replace(old.encode(), new.encode()))


def test_a_hub_and_the_node_say_the_same(top, hub, peer, wire):
    wire.asked.clear()

    run = top.harvest(hub)

    assert (run.outcome, run.created, run.message) == ("ok", 1, "")
    assert words(top) == {peer.iri: Word.CONFIRMED}
    assert [url for url, _ in wire.asked].count(peer.iri) == 1
    top.later(days=2)
    wire.asked.clear()
    top.harvest(hub)
    assert peer.iri not in {url for url, _ in wire.asked}


@pytest.mark.parametrize("status", [None, 503, 429])
def test_a_node_that_is_not_reached_is_believed_on_the_hubs_word_and_asked_again(top, hub, peer, wire, status):
    app = wire.apps.pop("dz.example.org")
    if status:
        wire.replies[peer.iri] = lambda real: replace(real, status=status)

    run = top.harvest(hub)

    assert run.created == 1
    assert f"vouches for {peer.iri}: not reached" in run.message
    assert words(top) == {peer.iri: Word.SILENT}

    wire.apps["dz.example.org"] = app
    wire.replies.clear()
    top.later(hours=1)
    assert top.harvest(hub).message == ""
    top.later(days=1)
    assert "now confirmed" in top.harvest(hub).message
    assert words(top) == {peer.iri: Word.CONFIRMED}


LIES = {
    "another key": lambda peer, stranger: swapped(peer.signer.multikey, stranger.multikey),
    "other addresses": lambda peer, _: swapped(peer.settings.uri_space, "https://dz.example.org/"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_the_node_does_not_confirm_is_refused(top, hub, peer, wire, stranger, lie):
    wire.replies[hub.iri] = LIES[lie](peer, stranger)

    run = top.harvest(hub)

    assert (run.outcome, run.created, run.rejected) == ("partial", 0, 1)
    assert f"vouches for {peer.iri}: not confirmed by the node itself" in run.message
    assert set(top.reasons().values()) == {"disputed-node"}
    assert peer.iri not in top.get(top.iri, "text/turtle").decode()  # and nobody is told that it may be believed


@pytest.mark.parametrize(
    "reply", [{"status": 404}, {"status": 410}, {"body": b"<html>"}, {"body": b"", "media_type": "text/turtle"}]
)
def test_a_host_that_answers_with_no_such_node_confirms_nothing(top, hub, peer, wire, reply):
    wire.replies[peer.iri] = lambda real: replace(real, **reply)

    assert (top.harvest(hub).created, set(top.reasons().values())) == (0, {"disputed-node"})


def test_what_was_refused_is_taken_over_once_the_node_confirms(top, hub, peer, wire, stranger):
    wire.replies[peer.iri] = swapped(peer.signer.multikey, stranger.multikey)
    top.harvest(hub)
    del wire.replies[peer.iri]
    top.later(days=1)

    run = top.harvest(hub)

    assert (run.outcome, run.created, run.rejected) == ("ok", 1, 0)
    assert top.reasons() == {}


def test_a_node_that_was_silent_and_then_contradicts_is_believed_no_longer(top, hub, peer, wire, stranger):
    app = wire.apps.pop("dz.example.org")
    top.harvest(hub)
    wire.apps["dz.example.org"] = app
    wire.replies[peer.iri] = swapped(peer.signer.multikey, stranger.multikey)
    top.later(days=1)
    peer.later(hours=1)
    peer.publish("Another workshop")
    hub.later(hours=1)
    hub.harvest(peer)

    run = top.harvest(hub)

    assert words(top) == {peer.iri: Word.DISPUTED}
    assert (run.created, len(top.log())) == (0, 1)  # what is held stays


def test_a_key_that_the_hub_swaps_later_changes_nothing(top, hub, peer, wire, stranger):
    top.harvest(hub)
    hub.later(hours=1)
    peer.later(hours=1)
    [iri] = peer.publish("Another workshop")
    hub.harvest(peer)
    wire.replies[hub.iri] = wire.replies[peer.iri] = swapped(peer.signer.multikey, stranger.multikey)
    top.later(days=2)

    run = top.harvest(hub)

    assert "another key than are pinned here" in run.message
    assert top.holds(iri)  # signed with the key that was pinned


def test_one_of_several_keys_of_the_node_is_enough(top, hub, peer, wire, stranger):
    first = f"""<{peer.iri}> <https://w3id.org/security#assertionMethod> <{peer.iri}#new> .
        <{peer.iri}#new> <https://w3id.org/security#publicKeyMultibase> "{stranger.multikey}" .
    """
    wire.replies[peer.iri] = lambda real: replace(real, body=first.encode() + real.body)

    top.harvest(hub)

    assert words(top) == {peer.iri: Word.CONFIRMED}


def test_few_nodes_are_asked_in_one_run_and_the_rest_later(top, hub, peer, make_node, monkeypatch):
    other = make_node("tn")
    other.publish("Meeting")
    hub.follow(other)
    hub.harvest(other)
    monkeypatch.setattr(vouching, "MOST_ASKED", 1)

    first, second = top.harvest(hub), top.harvest(hub)

    assert (first.created, first.rejected) == (1, 1)
    assert (second.created, second.rejected) == (1, 0)
    assert top.reasons() == {}


def test_hosts_that_take_their_time_are_left_for_the_next_run(top, hub, peer, make_node, wire):
    other = make_node("tn")
    hub.follow(other)

    def slow(real):
        top.later(minutes=6)
        return replace(real, status=503)

    wire.replies[peer.iri] = wire.replies[other.iri] = slow
    top.harvest(hub)

    assert sorted(each.value for each in words(top).values()) == ["silent", "unasked"]


def test_a_hub_cannot_have_another_host_asked_than_that_of_the_records(top, hub, peer, wire):
    wire.replies[hub.iri] = swapped("https://dz.example.org/node>", "https://elsewhere.example.org/node>")
    wire.asked.clear()

    run = top.harvest(hub)

    assert run.created == 0
    assert not {url for url, _ in wire.asked if "elsewhere" in url}


def test_a_hub_cannot_have_a_private_network_asked(top, hub, peer, wire):
    wire.replies[hub.iri] = swapped("https://dz.example.org/", "http://10.0.0.1/")
    wire.asked.clear()

    top.harvest(hub)

    assert not {url for url, _ in wire.asked if "10.0.0.1" in url}


def test_a_hub_that_was_approved_for_other_countries_brings_nothing_of_this_one(top, hub, peer):
    with writing(top.engine) as connection:
        sources.approve(connection, hub.iri, top.settings, top.now, ["TN"])

    run = top.harvest(hub)

    assert (run.created, set(top.reasons().values())) == (0, {"out-of-scope"})
    with writing(top.engine) as connection:
        sources.approve(connection, hub.iri, top.settings, top.now, ["DZ", "TN"])
    assert top.harvest(hub).created == 1


def test_the_country_is_what_the_node_says(top, hub, peer, wire):
    wire.replies[hub.iri] = swapped("countries/DZ", "countries/TN")
    with writing(top.engine) as connection:
        sources.approve(connection, hub.iri, top.settings, top.now, ["TN"])

    assert top.harvest(hub).created == 0


# What a hub withholds.


@pytest.fixture
def withheld(top, hub, peer):
    """A record that top has over the hub, and that the peer has revised without the hub passing it on."""
    top.harvest(hub)
    [iri] = [each.graph.iri for each in peer.log()]
    peer.later(minutes=1)
    peer.revise({iri: "Corrected"})
    top.later(days=8)
    return iri


def test_a_withheld_revision_is_found_at_its_origin(top, hub, peer, withheld):
    run = top.harvest(hub, sampling=ALL)

    assert (run.outcome, run.updated) == ("ok", 1)
    assert "of 1 records asked for at their origins, 1 were newer there" in run.message
    assert withheld in run.message
    assert top.held(withheld).graph == peer.held(withheld).graph
    assert top.held(withheld).hops == (peer.iri,)
    top.later(days=8)
    assert top.harvest(hub, sampling=ALL).message == ""


def test_a_withheld_withdrawal_is_found_at_its_origin(top, hub, peer, withheld):
    peer.later(minutes=1)
    peer.withdraw(withheld)

    assert top.harvest(hub, sampling=ALL).withdrawn == 1
    assert top.held(withheld).graph.action is Action.DELETE


def test_the_sample_is_drawn_once_a_week(top, hub, peer, withheld, wire):
    def asked():
        wire.asked.clear()
        top.harvest(hub)
        return [url for url, _ in wire.asked if url == withheld]

    assert asked() == [withheld]
    top.later(days=6)
    assert asked() == []
    top.later(days=2)
    assert asked() == [withheld]


def test_what_a_node_gave_itself_is_not_sampled(hub, peer, wire):
    [iri] = peer.publish("Workshop")
    hub.harvest(peer)
    hub.later(days=8)
    wire.asked.clear()
    hub.harvest(peer, sampling=ALL)
    assert iri not in {url for url, _ in wire.asked}


@pytest.mark.parametrize(
    "lie",
    [
        lambda real: replace(real, body=real.body.replace(b"Corrected", b"Forged")),
        lambda real: replace(real, body=real.body.replace(b"assertionMethod", b"x")),
        lambda real: replace(real, status=404),
        lambda real: replace(real, status=503),
        lambda real: replace(real, body=b"<html>"),
    ],
)
def test_what_proves_nothing_heals_nothing(top, hub, peer, withheld, wire, lie):
    wire.replies[withheld] = lie

    run = top.harvest(hub, sampling=ALL)

    assert (run.updated, run.rejected) == (0, 0)
    assert "1 got no usable answer" in run.message
    assert "Workshop on PCB" in top.held(withheld).graph.nquads.decode()


def test_the_whole_story_on_either_database(make_node, peer, hub, stranger, wire, database_url):
    [iri] = peer.publish("Workshop on PCB")
    hub.harvest(peer)
    top = make_node("top", database_url=database_url)
    top.follow(hub)
    wire.replies[peer.iri] = swapped(peer.signer.multikey, stranger.multikey)
    assert top.harvest(hub).rejected == 1
    wire.replies.clear()
    top.later(days=8)
    assert top.harvest(hub).created == 1
    peer.later(minutes=1)
    peer.revise({iri: "Corrected"})
    top.later(days=8)

    assert top.harvest(hub, sampling=ALL).updated == 1
    assert top.held(iri).graph == peer.held(iri).graph
    assert b'rel="via"' in top.get(f"{top.settings.base_url}feeds/all.atom")


@pytest.mark.parametrize(("records", "share", "drawn"), [(0, 0.01, 0), (1, 0.01, 1), (250, 0.01, 3), (500, 1.0, 100)])
def test_how_many_are_drawn(records, share, drawn):
    ids = Sampling(share, random.Random(7)).drawn(range(records))
    assert len(set(ids)) == drawn


def test_the_dice_decide_which():
    first, again, other = (Sampling(0.1, random.Random(seed)).drawn(range(100)) for seed in (1, 1, 2))
    assert first == again != other


# Several paths.


def test_a_newer_version_over_another_path_counts_and_an_older_one_does_not(top, hub, peer, make_node):
    """The hub is late; a second hub has the correction first."""
    [iri] = [each.graph.iri for each in peer.log()]
    second = make_node("second")
    second.follow(peer)
    peer.later(minutes=1)
    peer.revise({iri: "Corrected"})
    second.harvest(peer)
    top.follow(second)
    assert top.harvest(second).created == 1

    run = top.harvest(hub)

    assert (run.created, run.updated, run.rejected) == (0, 0, 0)
    assert top.held(iri).hops == (peer.iri, second.iri)
    peer.later(minutes=1)
    peer.revise({iri: "Corrected again"})
    hub.later(minutes=5)
    hub.harvest(peer)
    assert top.harvest(hub).updated == 1
    assert top.held(iri).hops == (peer.iri, hub.iri)
    assert top.held(iri).graph == peer.held(iri).graph


def test_page_and_feeds_say_by_which_path_a_record_came(top, hub, peer):
    top.harvest(hub)
    [iri] = [each.graph.iri for each in top.log()]
    base, ns = top.settings.base_url, {"a": "http://www.w3.org/2005/Atom"}

    page = top.get(f"{base}en/record?{urlencode({'iri': iri})}").decode()
    via = {
        name: etree.fromstring(top.get(f"{base}feeds/all.{name}")).xpath("//a:link[@rel='via']/@href", namespaces=ns)
        for name in ("atom", "rss")
    }
    [item] = json.loads(top.get(f"{base}feeds/all.json"))["items"]

    path = page.partition('<ol class="path">')[2].partition("</ol>")[0]
    assert [path.index(name) for name in ("dz", "hub", "top")] == sorted(map(path.index, ("dz", "hub", "top")))
    assert via["atom"] == via["rss"] == item["_chm"]["path"] == [peer.iri, hub.iri]


def test_a_change_read_from_its_owner_names_the_owner_s_activity_as_its_source(top, hub, peer):
    top.harvest(hub)
    [own], [first], [second] = peer.log(), hub.log(), top.log()
    source = f"<http://www.w3.org/ns/prov#hadPrimarySource> <{activity_iri(peer.settings.base_url, own.log_time)}> ."
    assert source in hub.get(hub.page()).decode()
    assert second.derived_from == activity_iri(hub.settings.base_url, first.log_time)
    # What the owner's activity was, the hub in between has said; it is not taken over on its word.
    assert "hadPrimarySource" not in top.get(top.page()).decode()
    assert "hadPrimarySource" not in peer.get(peer.page()).decode()


def test_a_node_has_its_name_however_many_hubs_are_between(top, hub, peer, make_node):
    far = make_node("far")
    top.harvest(hub)
    far.follow(top)
    far.harvest(top)
    for node in (top, far):
        feed = etree.fromstring(node.get("/feeds/all.rss?lang=en"))
        assert feed.findtext("channel/item/source") == "dz"
        assert json.loads(node.get("/feeds/all.json"))["items"][0]["authors"][0]["name"] == "dz"
        filtered = "/en/records?" + urlencode({"origin": peer.iri})
        for page in ("/en/records", filtered):
            assert b"dz.example.org</" not in node.get(page)


def test_a_hub_behind_a_hub_counts_what_came_over_it_once(top, hub, peer):
    def counted():
        with reading(top.engine) as connection:
            return {each.node: each.records for each in overview.overview(connection)}

    peer.publish("Workshop", "Meeting")
    hub.harvest(peer)
    top.harvest(hub)
    assert counted() == {hub.iri: 3}

    top.follow(peer)

    assert counted() == {hub.iri: 0, peer.iri: 3}


def test_a_name_that_a_hub_gives_later_takes_the_place_of_the_former(top, hub):
    top.harvest(hub)
    with writing(hub.engine) as connection:
        connection.execute(update(source).values(titles=json.dumps({"en": "Algeria", "fr": "Algérie"})))
    top.later(days=1)
    top.harvest(hub)
    feed = json.loads(top.get("/feeds/all.json?lang=fr"))
    assert feed["items"][0]["authors"][0]["name"] == "Algérie"


def test_what_was_withdrawn_before_a_hub_ever_held_it_is_no_news_to_its_readers(top, hub, peer):
    [gone] = peer.publish("Cancelled workshop")
    hub.harvest(peer)
    peer.withdraw(gone)
    hub.harvest(peer)
    top.harvest(hub)
    assert {change.graph.iri: change.graph.action for change in top.log()}[gone] is Action.DELETE
    assert gone not in {item["id"] for item in json.loads(top.get("/feeds/all.json"))["items"]}
    assert gone.encode() not in top.get("/feeds/all.atom")
    assert gone in {item["id"] for item in json.loads(hub.get("/feeds/all.json"))["items"]}


def test_a_forgery_over_one_path_does_not_stand_in_the_way_of_the_other(top, hub, peer, make_node, stranger):
    second = make_node("second")
    second.follow(peer)
    second.harvest(peer)
    [change] = second.log()
    forged = change.graph.nquads.replace(b"PCB", b"DDT")
    late = change.graph.version + timedelta(minutes=1)
    second.pass_on(replace(change, graph=replace(change.graph, nquads=forged, version=late)))
    top.follow(second)

    assert top.harvest(second).rejected == 1
    assert top.harvest(hub).created == 1
    assert top.held(change.graph.iri).graph == peer.held(change.graph.iri).graph
