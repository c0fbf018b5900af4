"""Records, their change log and what is looked up of them."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from chm_node.tables.metadata import metadata

# One row: where the log stands. Its lock makes one writer at a time.
log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),  # of the newest change; dense, so that pages are ranges of it
    Column("log_time", BigInteger, nullable=False),  # of the newest change, or of the epoch; milliseconds, UTC
    Column("epoch", BigInteger, nullable=False),  # part of the page addresses; raised by a restore and by an erasure
    Column(
        "erased", BigInteger, nullable=False
    ),  # newest erasure whose bytes may still lie in a file; log timestamp or 0
)

record = Table(
    "record",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("iri", Text, nullable=False, unique=True),
    Column("type", String(64), nullable=False),
    Column("origin", Text, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),  # the origin's commit time, milliseconds
    Column("digest", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),  # of the change that holds the current graph
    Column("log_time", BigInteger, nullable=False),
    Column("issued", BigInteger, nullable=False),  # first published, milliseconds
    Column("titles", Text, nullable=False),  # JSON, language to text
    Column("summaries", Text, nullable=False),
    Column("starts", String(40), nullable=False),
    Column("ends", String(40), nullable=False),
    Index("record_by_log_time", "withdrawn", "log_time"),
    Index("record_by_origin", "origin"),
)

change = Table(
    "change",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("log_time", BigInteger, nullable=False, unique=True),
    Column("record_id", BigInteger, ForeignKey("record.id"), nullable=False, index=True),
    Column("action", String(8), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("nquads", LargeBinary, nullable=False),
    Column("proof", Text, nullable=False),  # JSON; empty for none
    Column("hops", Text, nullable=False),  # JSON list of node IRIs
    Column("derived_from", Text, nullable=False),  # the peer's activity; empty on the origin
    Column("superseded", Boolean, nullable=False),
)

# Where each page of the log begins; the newest has no end yet.
log_page = Table(
    "log_page",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("log_time", BigInteger, nullable=False),  # of the first change ever written to it
    Column("bytes", BigInteger, nullable=False),  # the most that all ever written to it takes
)

# One row: the dumps, which one worker writes once a day.
dump = Table(
    "dump",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("due", BigInteger, nullable=False),  # not to be written before; moved forward while one is written
    Column("failures", Integer, nullable=False),  # begun and not finished, in a row
    Column("log_time", BigInteger, nullable=False),  # that the newest one reflects
)

facet = Table(
    "facet",
    metadata,
    Column("facet", String(32), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("record_id", BigInteger, ForeignKey("record.id"), primary_key=True),
    Index("facet_by_record", "record_id"),
    sqlite_with_rowid=False,
)

# Terms that arrived and are in no vocabulary of ours.
unknown_term = Table(
    "unknown_term",
    metadata,
    Column("field", String(64), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("record_id", BigInteger, ForeignKey("record.id"), primary_key=True),
    Index("unknown_term_by_record", "record_id"),
)
