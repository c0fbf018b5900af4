"""Sources, what was read of them and what was made of it."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from chm_node.tables.metadata import metadata

source = Table(
    "source",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address", Text, nullable=False, unique=True),  # as the operator typed it
    Column("node", Text, nullable=False, unique=True),  # IRI of the peer node
    Column("uri_space", Text, nullable=False),
    Column("multikey", Text, nullable=False),  # pinned public key; empty for an unsigned peer
    Column("key_id", Text, nullable=False),
    Column("former", Text, nullable=False),  # JSON: keys it signed with before
    Column("feed", Text, nullable=False),  # address of the log
    Column("titles", Text, nullable=False),
    Column("country", String(64), nullable=False),
    Column("state", String(16), nullable=False),  # proposed, approved, moved, left (by its own wish), removed
    Column("added", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),  # a lease is a due time moved forward
    Column("lease", String(36), nullable=False),  # fencing token of the run that holds the lease; empty for none
    Column("failures", Integer, nullable=False),  # in a row
    Column("cursor", BigInteger, nullable=False),  # log timestamp read up to, milliseconds
    Column("last_success", BigInteger, nullable=False),
    Column("compared", BigInteger, nullable=False),  # when our copies were last compared with the peer's, or approved
    Column("members", Text, nullable=False),  # JSON: nodes the peer vouches for (indirect origins)
    Column("countries", Text, nullable=False),  # JSON: whose nodes it may vouch for; none are all
)

# Pages of a peer's log that may still change, and what we last saw of each.
frontier = Table(
    "frontier",
    metadata,
    Column("source_id", Integer, ForeignKey("source.id"), primary_key=True),
    Column("page", Text, primary_key=True),
    Column("etag", Text, nullable=False),
    Column("digest", String(64), nullable=False),  # of the bytes, for peers without conditional requests
    Column("closed", Boolean, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", Integer, ForeignKey("source.id"), nullable=False, index=True),
    Column("started", BigInteger, nullable=False),
    Column("ended", BigInteger, nullable=False),  # 0 while it runs
    Column("outcome", String(32), nullable=False),  # a notation of the vocabulary, "running" or "decided"
    Column("requests", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created", Integer, nullable=False),
    Column("updated", Integer, nullable=False),
    Column("withdrawn", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),  # of our log's newest change when it ended; 0 while it runs
)

# What we did with each record a peer offered: the newest verdict.
receipt = Table(
    "receipt",
    metadata,
    Column("source_id", Integer, ForeignKey("source.id"), primary_key=True),
    Column("iri", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("run_id", Integer, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("verdict", String(16), nullable=False),  # accepted, rejected
    Column("reason", Text, nullable=False),  # a reason code of harvest.trust; empty when accepted
    Column("detail", Text, nullable=False),
    sqlite_with_rowid=False,
)

# The newest result of the checker for an address, asked for by a page and made by a worker.
check_result = Table(
    "check_result",
    metadata,
    Column("address", Text, primary_key=True),
    Column("host", Text, nullable=False),  # of an address that no source has; empty for that of a source
    Column("asked", BigInteger, nullable=False),  # milliseconds
    Column("started", BigInteger, nullable=False),  # the newest check; 0 for none yet
    Column("checked", BigInteger, nullable=False),  # when the result was made; 0 for none yet
    Column("result", Text, nullable=False),  # JSON; empty for none yet
)

# Changes that a person is asked about, as they were offered; never served or passed on.
quarantine = Table(
    "quarantine",
    metadata,
    Column("source_id", Integer, ForeignKey("source.id"), primary_key=True),
    Column("iri", Text, primary_key=True),
    Column("kind", String(16), primary_key=True),  # withdrawal, equivocation, future-version, rolled-back
    Column("decision", String(8), nullable=False),  # waiting, dropped
    Column("held", BigInteger, nullable=False),  # since when, milliseconds
    Column("asked", BigInteger, nullable=False),  # when its node was last asked about a second text; 0 for never
    Column("action", String(8), nullable=False),
    Column("origin", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("issued", BigInteger, nullable=False),  # 0 when it does not say
    Column("digest", String(64), nullable=False),
    Column("nquads", LargeBinary, nullable=False),
    Column("proof", Text, nullable=False),  # JSON; empty for none
    Column("hops", Text, nullable=False),  # JSON: nodes it passed before the source
    Column("activity", Text, nullable=False),  # the peer's log entry
    Index("quarantine_by_iri", "iri"),
)
