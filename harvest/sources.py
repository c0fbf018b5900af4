"""Peers to harvest: what was pinned for each, and how each stands.

A source is proposed by its address and approved by a person, who pins node, URI space and key.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from chm_node.addresses import common_form
from chm_node.errors import HarvestError
from chm_node.proofs import fingerprint, former_keys, stored_keys
from chm_node.record import from_milliseconds, milliseconds
from chm_node.settings import Settings
from chm_node.tables import frontier as frontier_table
from chm_node.tables import source as source_table
from harvest.description import Description
from harvest.members import Member, Word, confirmed, doubted, from_json, newest, pinned, to_json
from harvest.trust import CLOCK_TOLERANCE, Authority, Powers, disjoint, succession

PROPOSED, APPROVED, MOVED, LEFT, REMOVED = "proposed", "approved", "moved", "left", "removed"
#: Sources whose pinned facts still hold.
_PINNED = (APPROVED, MOVED)


@dataclass(frozen=True)
class Source:
    """A peer to harvest."""

    id: int
    address: str  #: as the operator typed it, in the common form
    authority: Authority  #: pinned once the source is approved, claimed until then
    key_id: str
    feed: str
    titles: Mapping[str, str]
    country: str
    state: str  #: proposed, approved, moved, left or removed
    due: datetime
    lease: str  #: fencing token of the run that holds it; empty for none
    failures: int  #: in a row
    cursor: datetime  #: log timestamp of the peer that is read up to
    last_success: datetime | None
    compared: datetime  #: when our copies were last compared with its list, or it was approved
    members: tuple[Member, ...]  #: nodes it vouches for
    countries: tuple[str, ...] = ()  #: whose nodes it may vouch for; none are all

    @property
    def node(self) -> str:
        return self.authority.node


def propose(connection: Connection, address: str, found: Description, now: datetime) -> Source:
    """Remember a peer as it describes itself, for a person to approve.

    An approved source stays approved while its description says what was pinned; otherwise it waits
    for approval again, and is not harvested meanwhile.
    """
    address = common_form(address)
    row = connection.execute(
        select(source_table).where((source_table.c.node == found.authority.node) | (source_table.c.address == address))
    ).first()
    values = _described(address, found, now)
    if row is None:
        blank = {"due": 0, "lease": "", "failures": 0, "cursor": 0, "last_success": 0, "compared": 0, "countries": "[]"}
        fresh = {"added": milliseconds(now), "state": PROPOSED}
        connection.execute(insert(source_table).values(values | blank | fresh))
    elif not _is_approved_as(_source(row), found):
        again = values | {"state": PROPOSED, "lease": ""}
        connection.execute(update(source_table).where(source_table.c.id == row.id).values(again))
    return find(connection, found.authority.node)


def approve(
    connection: Connection, name: str, settings: Settings, now: datetime, countries: Sequence[str] | None = None
) -> Source:
    """Pin what is proposed under this address or node IRI, and make it due.

    An approved source with its key counts as moved from then on: the same node, at its old address. ``countries`` are
    those whose nodes it may vouch for, none for all; without, they stay what they are. Raises
    HarvestError when its URI space overlaps with ours or with another approved source's.
    """
    source = find(connection, name)
    _refuse_overlap(source, settings, listing(connection))
    if source.state != APPROVED:
        read_anew(connection, source.id)  # pages that were refused once deserve another look
        # What is read from now on needs no comparison for a while.
        at = milliseconds(now)
        fresh = {"state": APPROVED, "due": at, "compared": at, "failures": 0, "lease": ""}
        connection.execute(update(source_table).where(source_table.c.id == source.id).values(fresh))
        earlier = [each.id for each in predecessors(connection, source.authority)]
        moved = update(source_table).where(source_table.c.id.in_(earlier))
        connection.execute(moved.values(state=MOVED, lease=""))
    if countries is not None and tuple(countries) != source.countries:
        own = update(source_table).where(source_table.c.id == source.id)
        connection.execute(own.values(countries=json.dumps(list(countries))))
        read_anew(connection, source.id)
    return find(connection, name)


def read_anew(connection: Connection, source_id: int) -> None:
    """Have the whole log read again: what was refused may be acceptable now, and the rest is passed over."""
    connection.execute(delete(frontier_table).where(frontier_table.c.source_id == source_id))
    connection.execute(update(source_table).where(source_table.c.id == source_id).values(cursor=0))


def predecessors(connection: Connection, authority: Authority) -> list[Source]:
    """Approved sources with the key of this node and another IRI: what it was before it moved."""
    if not authority.multikey:
        return []
    approved = (each for each in listing(connection) if each.state == APPROVED and each.node != authority.node)
    return [each for each in approved if each.authority.multikey == authority.multikey]


def remove(connection: Connection, name: str, state: str = REMOVED) -> Source:
    """Stop harvesting a source; its records stay, and so does what is known of it. A run under way ends at its page.

    LEFT says that it was the peer's own wish.
    """
    source = find(connection, name)
    connection.execute(update(source_table).where(source_table.c.id == source.id).values(state=state, lease=""))
    return find(connection, name)


def contradiction(source: Source, found: Description) -> str:
    """Why a person has to approve the source again; empty while it is what was pinned."""
    pinned, now = source.authority, found.authority
    if now.multikey != pinned.multikey:
        shown = f"a key with the fingerprint {fingerprint(now.multikey)}" if now.multikey else "no key at all"
        return (
            f"{source.node} shows {shown} instead of the one that was approved; ask its operator, then approve it again"
        )
    if now.uri_space != pinned.uri_space:
        return (
            f"{source.node} claims the addresses under {now.uri_space} instead of {pinned.uri_space}; approve it again"
        )
    return "" if found.feed == source.feed else f"{source.node} has moved its log to {found.feed}; approve it again"


def take_over_key(connection: Connection, source: Source, found: Description, now: datetime) -> None:
    """Pin the key that an approved source describes instead of its former one, and make it due.

    Earlier addresses of its node, which have the former key pinned too, follow. The caller knows that the pinned key
    vouches for the description.
    """
    for each in listing(connection):
        if each.state == MOVED and each.authority.multikey == source.authority.multikey:
            _pin_new_key(connection, each, found, now)
    _pin_new_key(connection, source, found, now)
    fresh = {"due": milliseconds(now), "failures": 0, "lease": ""}
    connection.execute(update(source_table).where(source_table.c.id == source.id).values(fresh))


def _pin_new_key(connection: Connection, source: Source, found: Description, now: datetime) -> None:
    """Pin the keys that a description states, which is that of the source or of the address to which it moved."""
    node, there = source.node, found.authority.node

    def named(key_id: str) -> str:  # the name of a key lies at the address of its node
        return node + key_id.removeprefix(there) if key_id.startswith(there) else key_id

    former = tuple(replace(each, key_id=named(each.key_id)) for each in found.authority.former)
    pinned = succession(source.authority, replace(found.authority, node=node, former=former), now)
    values = {
        "multikey": pinned.multikey,
        "key_id": named(found.key_id),
        "former": json.dumps(stored_keys(pinned.former)),
    }
    connection.execute(update(source_table).where(source_table.c.id == source.id).values(values))


def find(connection: Connection, name: str) -> Source:
    """The source with this address or node IRI; raises HarvestError."""
    statement = select(source_table).where(
        (source_table.c.node == name) | (source_table.c.address == common_form(name))
    )
    row = connection.execute(statement).first()
    if row is None:
        raise HarvestError(f"there is no source {name}")
    return _source(row)


def get(connection: Connection, source_id: int) -> Source:
    """The source with this row id."""
    return _source(connection.execute(select(source_table).where(source_table.c.id == source_id)).one())


def listing(connection: Connection) -> list[Source]:
    """All sources, removed ones included, in the order they were added."""
    return [_source(row) for row in connection.execute(select(source_table).order_by(source_table.c.id))]


def powers(connection: Connection, settings: Settings, source: Source) -> Powers:
    """What this source may say: its own records, and signed ones of nodes approved here or vouched for by it."""
    approved = [each for each in listing(connection) if each.state in _PINNED]
    sure = (known for each in approved for known in confirmed(each.members, each.countries).values())
    vouched = newest(pinned(source.members, source.countries), sure)
    others = vouched | {each.node: each.authority for each in approved if each.authority.multikey}
    return Powers(
        settings.node_iri, settings.uri_space, source.authority, others, doubted(source.members, source.countries)
    )


def taken(connection: Connection, settings: Settings, source: Source) -> list[Member]:
    """Who speaks already, besides this source's own members: ourselves, approved sources, members of other hubs."""
    approved = [each for each in listing(connection) if each.state in _PINNED]
    members = (member for each in approved if each.id != source.id for member in each.members if member.pinned)
    ours = Member(Authority(settings.node_iri, settings.uri_space, ""), settings.country, Word.CONFIRMED)
    certain = (Member(each.authority, each.country, Word.CONFIRMED) for each in approved)
    return [
        *members,
        ours,
        *certain,
    ]  # in this order: of two that say the same of a node, what a person approved counts


def set_members(connection: Connection, source_id: int, members: Iterable[Member]) -> None:
    """Remember whom a hub vouches for."""
    statement = update(source_table).where(source_table.c.id == source_id)
    connection.execute(statement.values(members=json.dumps([to_json(each) for each in members])))


def _refuse_overlap(source: Source, settings: Settings, others: Sequence[Source]) -> None:
    space = source.authority.uri_space
    if source.node == settings.node_iri or not disjoint(space, settings.uri_space):
        raise HarvestError(f"{source.address} claims addresses that belong to this node: {space}")
    for other in others:
        if other.id != source.id and other.state in _PINNED and not disjoint(space, other.authority.uri_space):
            raise HarvestError(f"{source.address} claims addresses that were approved for {other.node}: {space}")


def _is_approved_as(source: Source, found: Description) -> bool:
    same = (source.authority, source.key_id, source.feed) == (found.authority, found.key_id, found.feed)
    return same and source.state == APPROVED


def _described(address: str, found: Description, now: datetime) -> dict[str, Any]:
    # A former key that may sign what is still to come would be a second key that nobody compared.
    latest = now + CLOCK_TOLERANCE
    former = [each for each in found.authority.former if each.expires and each.expires <= latest]
    return {
        "address": address,
        "node": found.authority.node,
        "uri_space": found.authority.uri_space,
        "multikey": found.authority.multikey,
        "key_id": found.key_id,
        "former": json.dumps(stored_keys(former)),
        "feed": found.feed,
        "titles": json.dumps(found.titles, ensure_ascii=False),
        "country": found.country,
        "members": "[]",  # taken over by the first harvest after approval
    }


def _source(row: Row[Any]) -> Source:
    return Source(
        id=row.id,
        address=row.address,
        authority=Authority(row.node, row.uri_space, row.multikey, former_keys(json.loads(row.former))),
        key_id=row.key_id,
        feed=row.feed,
        titles=json.loads(row.titles),
        country=row.country,
        state=row.state,
        due=from_milliseconds(row.due),
        lease=row.lease,
        failures=row.failures,
        cursor=from_milliseconds(row.cursor),
        last_success=from_milliseconds(row.last_success) if row.last_success else None,
        compared=from_milliseconds(row.compared),
        members=tuple(from_json(each) for each in json.loads(row.members)),
        countries=tuple(json.loads(row.countries)),
    )
