"""Requests to be harvested, on both sides, and how they travel."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from chm_node.tables.metadata import metadata

# Notifications for the inbox that wait for a worker or a person, and what became of each.
notification = Table(
    "notification",
    metadata,
    Column("id", String(36), primary_key=True),  # unguessable: part of the address of its state
    Column("kind", String(16), nullable=False),  # offer, update
    Column("node", Text, nullable=False, index=True),  # IRI of its sender
    Column("activity", Text, nullable=False),  # IRI the sender gave it
    Column("key_id", Text, nullable=False),
    Column("received", BigInteger, nullable=False),  # milliseconds
    Column("begun", BigInteger, nullable=False),  # when a worker last began with it; 0 for none
    Column("state", String(16), nullable=False),  # queued, waiting, approved, rejected, refused
    Column("message", Text, nullable=False),  # JSON: the signed request, until it is verified
    Column("description", Text, nullable=False),  # JSON: the node as it described itself; empty until it was asked
    Column("report", Text, nullable=False),  # JSON: what the checker found; empty until then
    Column("reason", Text, nullable=False),  # what a person wrote, or the code of the refusal
    Column("detail", Text, nullable=False),  # what shows it
    Column("decided", BigInteger, nullable=False),  # 0 for not yet
)

# Nonces of signed requests, each until its signature expires: no request counts twice.
nonce = Table(
    "nonce",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("nonce", Text, primary_key=True),
    Column("expires", BigInteger, nullable=False, index=True),  # seconds
)

# Notifications to be sent, until they are taken or given up.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("node", Text, nullable=False),  # IRI of its receiver
    Column("inbox", Text, nullable=False),  # empty: as the receiver's description says
    Column("key_id", Text, nullable=False),  # of ours, that signs it
    Column("body", Text, nullable=False),  # JSON
    Column("created", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),  # moved forward while a worker sends it
    Column("failures", Integer, nullable=False),
)

# Hubs that this node asked to harvest it.
membership = Table(
    "membership",
    metadata,
    Column("hub", Text, primary_key=True),  # IRI of the hub's node
    Column("address", Text, nullable=False),  # as the operator typed it
    Column("inbox", Text, nullable=False),
    Column("key_id", Text, nullable=False),  # of the hub, with which it answers
    Column("multikey", Text, nullable=False),
    Column("offer", Text, nullable=False),  # IRI of our request
    Column("location", Text, nullable=False),  # where the hub tells its state; empty when it did not say
    Column("state", String(16), nullable=False),  # asked, accepted, rejected, refused, left
    Column("summary", Text, nullable=False),  # the hub's reason
    Column("asked", BigInteger, nullable=False),
    Column("answered", BigInteger, nullable=False),  # 0 for not yet
)
