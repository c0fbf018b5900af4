"""What the hubs say of this node's records."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from chm_node.tables.metadata import metadata

# Hubs that are asked regularly what became of this node's records.
hub = Table(
    "hub",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address", Text, nullable=False, unique=True),  # as the operator typed it
    Column("titles", Text, nullable=False),  # JSON, as the hub calls itself
    Column("added", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),  # in a row
    Column("answered", BigInteger, nullable=False),  # the newest whole answer, milliseconds; 0 for none
    Column("problem", Text, nullable=False),  # of the newest try; empty when it was answered
)

# What each of these hubs says of a record of this node: its newest whole answer.
told = Table(
    "told",
    metadata,
    Column("hub_id", Integer, ForeignKey("hub.id"), primary_key=True),
    Column("iri", Text, primary_key=True),
    Column("digest", String(64), nullable=False),  # of the version it was offered
    Column("refused", Boolean, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("sentences", Text, nullable=False),  # JSON, language to sentence, in the hub's words
    Column("detail", Text, nullable=False),
    Column("held", String(64), nullable=False),  # digest of the version it has; empty for none
    Column("held_version", BigInteger, nullable=False),  # of that; 0 for none
    Column("received", BigInteger, nullable=False),  # when it said so, milliseconds
    Index("told_by_iri", "iri"),
    sqlite_with_rowid=False,
)
