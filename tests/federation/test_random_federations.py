"""Random federations with a liar in them: whatever it says, the others come to hold what the owners published.

Four to nine nodes in one process follow each other in cycles. While they harvest, owners edit (between any two
requests, too), nodes are restarted, a hub is put back to an earlier copy of its database, and one node lies. A seed
decides everything, so a federation that fails can be looked at again.
"""

import json
import random
import shutil
from collections import Counter
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field, replace

import pysqlite3
import pytest
from sqlalchemy import select, update

import harvest.page
import harvest.plan
import harvest.withheld
from chm_node.app import create_app
from chm_node.canonical import digest
from chm_node.catalogue import ChangeLog
from chm_node.database import open_database, reading, writing
from chm_node.namespaces import AS, RDF
from chm_node.record import Action, from_milliseconds
from chm_node.tables import change, log_head, receipt, record, source
from harvest import sources
from harvest.description import Description
from harvest.members import Word
from harvest.origins import Sampling
from harvest.readers import Readers
from harvest.trust import Authority, Verdict

#: How many nodes the federation of each seed has.
SIZES = (4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 8, 9)
ROUNDS = 2
TOMBSTONE = f"<{{}}> <{RDF.type}> <{AS.Tombstone}> .\n"
#: What a forgery or a claim may be refused for; what else a receipt says is a fault.
REFUSALS = {"bad-proof", "foreign-iri", "unknown-node", "disputed-node"}


@dataclass(frozen=True)
class Copy:
    """A record at a node that is not its owner."""

    hub: str
    origin: str
    iri: str


@dataclass
class World:
    """A federation, and what its seed makes of it."""

    dice: random.Random
    nodes: list
    wire: object
    follows: list = field(default_factory=list)  #: (hub, peer)
    done: Counter = field(default_factory=Counter)
    restless: bool = False

    def __post_init__(self):
        count = len(self.nodes)
        #: The first own nothing, so that their databases can be put back without an owner losing its word.
        self.hubs, self.owners = self.nodes[: count // 4], self.nodes[count // 4 :]
        self.liar = self.nodes[-1]
        self.honest = self.nodes[:-1]
        for node in self.nodes:
            node.later(seconds=self.dice.randrange(-120, 120))
        circle = self.dice.sample(range(count), count)
        ring = [(circle[number - 1], circle[number]) for number in range(count)]
        more = [tuple(self.dice.sample(range(count), 2)) for _ in range(count)]
        self.follows = [(self.nodes[hub], self.nodes[peer]) for hub, peer in dict.fromkeys([*ring, *more])]
        for hub, peer in self.follows:
            follow(hub, peer)

    # What happens.

    def run(self):
        for owner in self.owners:
            owner.publish(f"{owner.iri} 1", f"{owner.iri} 2")
        self.harvest()
        lies = [self.forge, self.forge_a_tombstone, self.change_bytes, self.claim, self.claim_in_a_name, self.replay]
        faults = [self.swap_keys, self.restart, self.put_back]
        for hub in self.hubs:
            self.keep(hub)
        for _ in range(ROUNDS):
            acts = [*lies, *faults, *[self.edit] * 8]
            for act in self.dice.sample(acts, 12):
                act()
            self.harvest(share=0.7, edits=0.05)
        self.wire.replies.clear()
        self.come_to_rest()

    def come_to_rest(self):
        """Harvests without edits until nothing changes; the liar passes on no more, and says what it said."""
        self.restless = True
        for _ in range(len(self.nodes) + 2):
            before = self.sizes()
            self.harvest(hubs=self.honest)
            if self.sizes() == before:
                self.restless = False
                return

    def sample(self):
        """A week later: every record that came through a hub is asked for at its origin."""
        self.later(days=8)
        self.harvest(hubs=self.honest, sampling=Sampling(1.0, self.dice))
        self.come_to_rest()

    def harvest(self, *, share=1.0, edits=0.0, hubs=(), sampling=None):
        hubs = hubs or self.nodes
        chosen = [pair for pair in self.follows if pair[0] in hubs and self.dice.random() < share]
        self.dice.shuffle(chosen)
        for hub, peer in chosen:
            self.wire.before = lambda _url: self.edit() if self.dice.random() < edits else None
            hub.harvest(peer, sampling=sampling)
        self.wire.before = lambda _url: None
        self.later(minutes=self.dice.randrange(5, 40))

    def later(self, **passed):
        for node in self.nodes:
            node.later(**passed)

    def edit(self):
        owner = self.dice.choice(self.owners)
        owner.later(milliseconds=self.dice.randrange(1, 2000))
        own = self.own(owner)
        kind = self.dice.choice(["publish", "revise", "revise", "withdraw"])
        self.done[kind] += 1
        if kind == "publish":
            owner.publish(f"{owner.iri} {self.done.total()}")
        elif kind == "revise":  # a withdrawn one is published again
            owner.revise({self.dice.choice(own): f"Revision {self.done.total()}"})
        elif live := [iri for iri in own if owner.holds(iri)]:
            owner.withdraw(self.dice.choice(live))

    def own(self, owner):
        with reading(owner.engine) as connection:
            own = select(record.c.iri).where(record.c.origin == owner.iri).order_by(record.c.id)
            space = owner.settings.uri_space
            return [iri for iri in connection.execute(own).scalars() if iri.startswith(space)]

    def restart(self):
        # Not the liar: a node does not start with records in its log that claim another one as theirs.
        node = self.dice.choice(self.honest)
        close(node)
        reopen(node)
        self.done["restart"] += 1

    def keep(self, hub):
        """A copy of a hub's database, to be put back later."""
        copy = hub.settings.data_dir / "copy.sqlite"
        with closing(pysqlite3.connect(hub.settings.data_dir / "chm.sqlite")) as whole:
            whole.execute("VACUUM INTO ?", (str(copy),))

    def put_back(self):
        """As after a restore from a backup: the log goes on in a new epoch (profile, section 4.4)."""
        hub = self.dice.choice(self.hubs)
        close(hub)
        for each in hub.settings.data_dir.glob("chm.sqlite*"):
            each.unlink()
        shutil.copy(hub.settings.data_dir / "copy.sqlite", hub.settings.data_dir / "chm.sqlite")
        reopen(hub)
        self.done["put back"] += 1
        with writing(hub.engine) as connection:
            connection.execute(update(log_head).values(epoch=log_head.c.epoch + self.done["put back"]))

    # What the liar says.

    def forge(self):
        if held := self.held_by_the_liar():
            self.done["forge"] += 1
            self.liar.say(held.graph.iri, origin=held.graph.origin, title="Forged", action=Action.UPDATE)

    def forge_a_tombstone(self):
        if held := self.held_by_the_liar():
            self.done["forge a tombstone"] += 1
            more = TOMBSTONE.format(held.graph.iri)
            self.liar.say(held.graph.iri, more, origin=held.graph.origin, title="", action=Action.DELETE)

    def change_bytes(self):
        """The owner's proof, over other bytes."""
        held = self.held_by_the_liar()
        if held and b'"@en' in held.graph.nquads:
            self.done["change bytes"] += 1
            nquads = held.graph.nquads.replace(b'"@en', b'!"@en', 1)
            self.liar.pass_on(
                replace(held, graph=replace(held.graph, nquads=nquads, digest=digest(nquads))), *held.hops
            )

    def replay(self):
        """An earlier version, which its owner did sign."""
        with reading(self.liar.engine) as connection:
            joined = change.join(record, record.c.id == change.c.record_id)
            true = change.c.hops != "[]"
            earlier = (
                select(change, record.c.iri).select_from(joined).where(true & (change.c.version < record.c.version))
            )
            rows = connection.execute(earlier.order_by(change.c.seq)).all()
        if rows:
            self.done["replay"] += 1
            row = self.dice.choice(rows)
            held = self.liar.held(row.iri)
            old = replace(
                held.graph, action=Action(row.action), version=from_milliseconds(row.version), nquads=row.nquads,
                digest=row.digest, proof=json.loads(row.proof),
            )  # fmt: skip
            self.liar.pass_on(replace(held, graph=old), *json.loads(row.hops))

    def held_by_the_liar(self):
        held = [each for each in self.liar.log() if each.graph.origin != self.liar.iri]
        return self.dice.choice(held) if held else None

    def claim(self):
        """A record under another node's addresses, said to be the liar's."""
        owner = self.dice.choice(self.owners[:-1])
        self.done["claim"] += 1
        self.liar.say(f"{owner.settings.uri_space}event/claim-{self.done['claim']}")

    def claim_in_a_name(self):
        """A record that its owner never published."""
        owner = self.dice.choice(self.owners[:-1])
        self.done["claim"] += 1
        self.liar.say(f"{owner.settings.uri_space}event/claim-{self.done['claim']}", origin=owner.iri)

    def swap_keys(self):
        """The liar's description names its own key for everybody, for a while."""
        keys = [each.signer.multikey.encode() for each in self.honest]

        def lie(real):
            body = self.liar.get(self.liar.iri, "text/turtle")
            for key in keys:
                body = body.replace(key, self.liar.signer.multikey.encode())
            return replace(real, body=body, status=200, media_type="text/turtle", headers={})

        if self.wire.replies.pop(self.liar.iri, None) is None:
            self.done["swap keys"] += 1
            self.wire.replies[self.liar.iri] = lie

    # What is true at the end.

    def faults(self):
        """What must not be, by name; with a sample or without."""
        reached = {hub.iri: {peer.iri for peer in self.reached(hub)} for hub in self.honest}
        found = {
            "wrong copies": [each for each in self.stale_copies() if each.origin in reached[each.hub]],
            "missing copies": self.missing_copies(),
            "untold lies": self.untold_lies(),
            "oversized logs": self.oversized_logs(),
            "restless": self.restless,
        }
        return {name: fault for name, fault in found.items() if fault}

    def withheld(self):
        """Old copies of records that only the liar could have passed on."""
        return [] if self.faults() else self.stale_copies()

    def never_passed_on(self):
        """Records that an honest hub knows of through the liar alone, and lacks."""
        return [
            (hub.iri, iri)
            for hub in self.honest
            for owner in self.owners[:-1]
            if owner not in self.reached(hub) and owner.iri in confirmed(hub)
            for iri, (_, _, withdrawn) in self.copies(owner, owner).items()
            if not withdrawn and iri not in self.copies(hub)
        ]

    def sizes(self):
        return [size(node) for node in self.nodes]

    def true_versions(self):
        """(record, digest) of everything that owners ever committed."""
        found = set()
        for owner in self.owners:
            with reading(owner.engine) as connection:
                joined = change.join(record, record.c.id == change.c.record_id)
                rows = connection.execute(select(record.c.iri, change.c.digest, change.c.hops).select_from(joined))
                space = owner.settings.uri_space
                found |= {(row.iri, row.digest) for row in rows if row.iri.startswith(space) and row.hops == "[]"}
        return found

    def stale_copies(self):
        """Copies at honest nodes that are not what an honest owner has now, or that it never had."""
        current = {iri: copy for owner in self.owners[:-1] for iri, copy in self.copies(owner, owner).items()}
        return [
            Copy(hub.iri, self.owner_of(iri).iri, iri)
            for hub in self.honest
            for iri, copy in self.copies(hub).items()
            if self.owner_of(iri) is not self.liar and current.get(iri) != copy
        ]

    def owner_of(self, iri):
        return next(each for each in self.owners if iri.startswith(each.settings.uri_space))

    def missing_copies(self):
        """What should have come to an honest node over honest nodes alone."""
        return [
            (hub.iri, iri)
            for hub in self.honest
            for owner in self.owners[:-1]
            if owner in self.reached(hub)
            for iri in self.copies(owner, owner).keys() - self.copies(hub).keys()
        ]

    def copies(self, node, owner=None):
        with reading(node.engine) as connection:
            rows = connection.execute(select(record.c.iri, record.c.version, record.c.digest, record.c.withdrawn))
            space = owner.settings.uri_space if owner else ""
            return {row.iri: tuple(row)[1:] for row in rows if row.iri.startswith(space)}

    def reached(self, hub):
        found = [hub]
        for each in found:
            found += [peer for one, peer in self.follows if one is each and peer in self.honest and peer not in found]
        return found

    def untold_lies(self):
        """Lies that an honest node was offered by the liar and has no receipt for."""
        true = self.true_versions()
        lies = [each for each in self.liar.log() if (each.graph.iri, each.graph.digest) not in true]
        offered = [(hub, lie) for hub, peer in self.follows if peer is self.liar for lie in lies]
        return [
            (hub.iri, lie.graph.iri)
            for hub, lie in offered
            if not passed_over(hub, lie) and told(hub, self.liar, lie.graph.iri) not in REFUSALS
        ]

    def oversized_logs(self):
        """Logs with more entries than there were changes in all."""
        changes = len(self.true_versions())
        return [node.iri for node in self.honest if size(node) > changes]


def follow(hub, peer):
    """Approve a peer as it is, without looking at it first."""
    authority = Authority(peer.iri, peer.settings.uri_space, peer.signer.multikey)
    found = Description(authority, f"{peer.iri}#key", peer.feed, {"en": peer.iri}, "", ())
    with writing(hub.engine) as connection:
        sources.propose(connection, peer.settings.base_url, found, hub.now)
        sources.approve(connection, peer.iri, hub.settings, hub.now)


def close(node):
    node.engine.dispose()
    node.wire.apps[host(node)].extensions["chm"].engine.dispose()


def reopen(node):
    node.engine = open_database(node.settings.database)
    node.wire.apps[host(node)] = create_app(node.settings)


def host(node):
    return node.settings.base_url.removeprefix("https://").rstrip("/")


def confirmed(hub):
    """The nodes that are known through another one and said so themselves."""
    with reading(hub.engine) as connection:
        members = [member for each in sources.listing(connection) for member in each.members]
    return {each.node for each in members if each.word is Word.CONFIRMED}


def size(node):
    with reading(node.engine) as connection:
        return ChangeLog(connection).head().seq


def passed_over(hub, change):
    """Whether a change is dropped without a word: it claims to be the hub's own, or to have been there."""
    graph = change.graph
    return graph.origin == hub.iri or graph.iri.startswith(hub.settings.uri_space) or hub.iri in change.hops


def told(hub, peer, iri):
    with reading(hub.engine) as connection:
        own = (source.c.node == peer.iri) & (receipt.c.iri == iri)
        joined = receipt.join(source, source.c.id == receipt.c.source_id)
        return connection.execute(select(receipt.c.reason).select_from(joined).where(own)).scalar()


@pytest.fixture
def federation(make_node, wire):
    """Makes the federation of a seed."""

    def make(seed):
        for app in wire.apps.values():  # of the federation before
            app.extensions["chm"].engine.dispose()
        wire.apps.clear()
        wire.replies.clear()
        return World(random.Random(seed), [make_node(f"n{number}") for number in range(SIZES[seed])], wire)

    return make


class Here(Readers):
    """Reads in this process, so that a test can take a rule away; for honest peers and negative controls alone."""

    def run(self, function, *args):
        return function(*args)

    def submit(self, function, *args):
        future = Future()
        future.set_result(function(*args))
        return future


@pytest.mark.parametrize("seed", range(len(SIZES)))
def test_a_federation_with_a_liar_comes_to_the_truth(federation, seed):
    world = federation(seed)
    world.run()
    assert world.faults() == {}
    world.sample()
    assert (world.faults(), world.withheld(), world.never_passed_on()) == ({}, [], [])


# The same with a rule taken away: the checks do find what they are there for, with some seed at the latest.


def ever(federation, found, **changes):
    """What was found in the first federation where something is."""
    for seed in range(len(SIZES)):
        world = federation(seed)
        for node in world.nodes:
            vars(node).update(changes)
        world.run()
        if fault := found(world):
            return fault
    return None


def test_without_the_sample_what_was_withheld_stays_old(federation):
    assert ever(federation, World.withheld)


def test_without_the_lists_of_origins_what_was_never_passed_on_is_missing(federation, monkeypatch):
    monkeypatch.setattr(harvest.withheld, "MOST_COMPARED", 0)

    def missing(world):
        world.sample()
        return world.never_passed_on()

    assert ever(federation, missing)


def test_without_the_version_rule_it_goes_wrong(federation, monkeypatch):
    def any_version(offer, held, now):
        return Verdict.UNCHANGED if held and offer.digest == held.digest else Verdict.ACCEPTED

    monkeypatch.setattr(harvest.plan, "compare", any_version)
    assert {"wrong copies", "oversized logs"} & ever(federation, World.faults).keys()


def test_without_proofs_it_goes_wrong(federation, monkeypatch):
    monkeypatch.setattr(harvest.page, "check_proof", lambda _offer, _powers: Verdict.ACCEPTED)
    assert ever(federation, lambda world: world.faults().get("wrong copies"), readers=Here())
