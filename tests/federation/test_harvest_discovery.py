"""A peer found by its address, and what a person is shown before approving it."""

import json

import pytest

from chm_node.errors import HarvestError
from chm_node.proofs import fingerprint
from harvest.discovery import discover
from harvest.trust import Verdict
from harvest.visit import Visit


@pytest.fixture
def look(hub_to_be):
    def look(address):
        with hub_to_be.client() as client:
            return discover(address, hub_to_be.settings, client, hub_to_be.readers, hub_to_be.now)

    return look


@pytest.fixture
def hub_to_be(make_node):
    return make_node("hub")


@pytest.mark.parametrize("path", ["", "node", "feed", "fr/", "no/such/page"])
def test_any_address_of_a_node_leads_to_it(peer, look, path):
    found = look(peer.settings.base_url + path)

    described = found.description
    assert (described.authority.node, described.authority.uri_space) == (peer.iri, peer.settings.uri_space)
    assert (described.key_id, described.authority.multikey) == (f"{peer.iri}#key", peer.signer.multikey)
    assert (described.feed, described.titles, described.country) == (peer.feed, {"en": "dz"}, "DZ")
    assert found.fingerprint == fingerprint(peer.signer.multikey)


@pytest.mark.parametrize("missing", [".well-known/api-catalog", ".well-known/void"])
def test_one_way_to_the_description_is_enough(peer, look, wire, missing):
    wire.replies[peer.settings.base_url + missing] = lambda real: type(real)(status=404)
    assert look(peer.settings.base_url).description.authority.node == peer.iri


def test_a_description_is_found_where_there_are_no_well_known_addresses(peer, look, wire):
    for path in (".well-known/api-catalog", ".well-known/void"):
        wire.replies[peer.settings.base_url + path] = lambda real: type(real)(status=404)
    assert look(peer.iri).description.authority.node == peer.iri


def test_a_sample_shows_what_would_be_refused(peer, look):
    peer.publish(*(f"Workshop {n}" for n in range(8)))
    wrong = f"{peer.settings.uri_space}event/wrong"
    peer.say(wrong, title="")
    peer.publish(*(f"Meeting {n}" for n in range(8)))

    samples = look(peer.settings.base_url).samples

    assert len(samples) == 10
    assert samples[0].titles == {"en": "Workshop 0"}
    assert [each.iri for each in samples if each.verdict is not Verdict.ACCEPTED] == [wrong]


def test_a_host_without_a_node_is_explained(look, wire, peer):
    for path in (".well-known/api-catalog", ".well-known/void", ""):
        wire.replies[peer.settings.base_url + path] = lambda real: type(real)(b"<html></html>", 200, "text/html")
    with pytest.raises(HarvestError, match="no node was found"):
        look(peer.settings.base_url)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('https://dz.example.org/id/"', 'https://dz.example.org/id"', "slash"),
        ('uriSpace "https://dz.example.org/id/"', 'uriSpace "urn:x:"', "web address"),
        ('uriSpace "https://dz.example.org/id/"', 'uriSpace "https://["', "web address"),
        ("https://w3id.org/ldes/specification", "https://w3id.org/other", "no log on its own host"),
        (
            "endpointURL <https://dz.example.org/feed>",
            "endpointURL <https://evil.example/feed>",
            "no log on its own host",
        ),
        (
            "endpointURL <https://dz.example.org/feed>",
            "endpointURL <https://a℀b.example/feed>",
            "no log on its own host",
        ),
    ],
)
def test_a_description_that_cannot_be_pinned_is_explained(peer, look, wire, old, new, reason):
    def changed(real):
        assert old.encode() in real.body
        real.body = real.body.replace(old.encode(), new.encode())
        return real

    wire.replies[peer.iri] = changed
    with pytest.raises(HarvestError, match=reason):
        look(peer.settings.base_url)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"linkset": 1}', b'{"linkset": [{"item": [{"href": 1}]}]}', b"\xff"])
def test_a_broken_catalogue_of_interfaces_is_no_obstacle(peer, look, wire, body):
    wire.replies[f"{peer.settings.base_url}.well-known/api-catalog"] = lambda real: type(real)(body, 200, "x/y")
    assert look(peer.settings.base_url).description.authority.node == peer.iri


def test_a_catalogue_leads_to_no_other_host(peer, look, wire):
    elsewhere = {"linkset": [{"service-meta": [{"href": "https://evil.example.org/node"}]}]}
    body = json.dumps(elsewhere).encode()
    wire.replies[f"{peer.settings.base_url}.well-known/api-catalog"] = lambda real: type(real)(body, 200, "x/y")

    assert look(peer.settings.base_url).description.authority.node == peer.iri
    assert not any("evil" in url for url, _ in wire.asked)


@pytest.mark.parametrize("address", ["https://[", "https://a℀b.example/node", "relative"])
def test_what_is_no_address_is_on_nobodys_host(peer, hub_to_be, address):
    with hub_to_be.client() as client:
        assert not Visit(client, hub_to_be.readers, {}, peer.iri).is_own(address)
        assert not Visit(client, hub_to_be.readers, {}, address).is_own(address)
