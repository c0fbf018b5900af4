"""The first schema: records, change log, facets, search, sources, runs, receipts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_log_and_records()
    _create_facets_and_terms()
    _create_sources()
    _create_verdicts()
    _create_push()
    _create_joining()
    _create_hubs()
    _create_search()
    op.execute("INSERT INTO log_head (id, seq, log_time, epoch, erased) VALUES (1, 0, 0, 1, 0)")
    op.execute("INSERT INTO dump (id, due, failures, log_time) VALUES (1, 0, 0, 0)")


def downgrade() -> None:
    op.drop_table("search")
    op.drop_table("unknown_term")
    op.drop_table("membership")
    op.drop_table("outbox")
    op.drop_table("nonce")
    op.drop_table("notification")
    op.drop_table("intent")
    op.drop_table("subscriber")
    op.drop_table("subscription")
    op.drop_table("hint")
    op.drop_table("told")
    op.drop_table("hub")
    op.drop_table("check_result")
    op.drop_table("run")
    op.drop_table("receipt")
    op.drop_table("quarantine")
    op.drop_table("frontier")
    op.drop_table("facet")
    op.drop_table("dump")
    op.drop_table("log_page")
    op.drop_table("change")
    op.drop_table("source")
    op.drop_table("record")
    op.drop_table("log_head")


def _create_log_and_records() -> None:
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("log_time", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("erased", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "record",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("iri", sa.Text(), nullable=False, unique=True),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("log_time", sa.BigInteger(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("titles", sa.Text(), nullable=False),
        sa.Column("summaries", sa.Text(), nullable=False),
        sa.Column("starts", sa.String(40), nullable=False),
        sa.Column("ends", sa.String(40), nullable=False),
    )
    op.create_index("record_by_log_time", "record", ["withdrawn", "log_time"])
    op.create_index("record_by_origin", "record", ["origin"])
    op.create_table(
        "change",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("log_time", sa.BigInteger(), nullable=False, unique=True),
        sa.Column("record_id", sa.BigInteger(), sa.ForeignKey("record.id"), nullable=False),
        sa.Column("action", sa.String(8), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("nquads", sa.LargeBinary(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("hops", sa.Text(), nullable=False),
        sa.Column("derived_from", sa.Text(), nullable=False),
        sa.Column("superseded", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_change_record_id", "change", ["record_id"])
    op.create_table(
        "log_page",
        sa.Column(
            "number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False
        ),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("log_time", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "dump",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("log_time", sa.BigInteger(), nullable=False),
    )


def _create_facets_and_terms() -> None:
    op.create_table(
        "facet",
        sa.Column("facet", sa.String(32), primary_key=True),
        sa.Column("value", sa.Text(), primary_key=True),
        sa.Column("record_id", sa.BigInteger(), sa.ForeignKey("record.id"), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("facet_by_record", "facet", ["record_id"])
    op.create_table(
        "unknown_term",
        sa.Column("field", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text(), primary_key=True),
        sa.Column("record_id", sa.BigInteger(), sa.ForeignKey("record.id"), primary_key=True),
    )
    op.create_index("unknown_term_by_record", "unknown_term", ["record_id"])


def _create_sources() -> None:
    op.create_table(
        "source",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("address", sa.Text(), nullable=False, unique=True),
        sa.Column("node", sa.Text(), nullable=False, unique=True),
        sa.Column("uri_space", sa.Text(), nullable=False),
        sa.Column("multikey", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("former", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("titles", sa.Text(), nullable=False),
        sa.Column("country", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.String(36), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("last_success", sa.BigInteger(), nullable=False),
        sa.Column("compared", sa.BigInteger(), nullable=False),
        sa.Column("members", sa.Text(), nullable=False),
        sa.Column("countries", sa.Text(), nullable=False),
    )
    op.create_table(
        "frontier",
        sa.Column("source_id", sa.Integer(), sa.ForeignKey("source.id"), primary_key=True),
        sa.Column("page", sa.Text(), primary_key=True),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("source_id", sa.Integer(), sa.ForeignKey("source.id"), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_run_source_id", "run", ["source_id"])


def _create_verdicts() -> None:
    op.create_table(
        "receipt",
        sa.Column("source_id", sa.Integer(), sa.ForeignKey("source.id"), primary_key=True),
        sa.Column("iri", sa.Text(), primary_key=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "quarantine",
        sa.Column("source_id", sa.Integer(), sa.ForeignKey("source.id"), primary_key=True),
        sa.Column("iri", sa.Text(), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("decision", sa.String(8), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(8), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("nquads", sa.LargeBinary(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("hops", sa.Text(), nullable=False),
        sa.Column("activity", sa.Text(), nullable=False),
    )
    op.create_index("quarantine_by_iri", "quarantine", ["iri"])
    op.create_table(
        "check_result",
        sa.Column("address", sa.Text(), primary_key=True),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("checked", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
    )


def _create_push() -> None:
    op.create_table(
        "hint",
        sa.Column("source_id", sa.Integer(), sa.ForeignKey("source.id"), primary_key=True),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "subscription",
        sa.Column("source_id", sa.Integer(), sa.ForeignKey("source.id"), primary_key=True),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("token", sa.String(43), nullable=False, unique=True),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
    )
    op.create_table(
        "subscriber",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
    )
    op.create_table(
        "intent",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("asked_topic", sa.Text(), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("challenge", sa.String(43), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
    )


def _create_joining() -> None:
    op.create_table(
        "notification",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("activity", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("begun", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("decided", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "nonce",
        sa.Column("key_id", sa.Text(), primary_key=True),
        sa.Column("nonce", sa.Text(), primary_key=True),
        sa.Column("expires", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("inbox", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
    )
    op.create_table(
        "membership",
        sa.Column("hub", sa.Text(), primary_key=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("inbox", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("multikey", sa.Text(), nullable=False),
        sa.Column("offer", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_notification_node", "notification", ["node"])
    op.create_index("ix_nonce_expires", "nonce", ["expires"])


def _create_hubs() -> None:
    op.create_table(
        "hub",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("address", sa.Text(), nullable=False, unique=True),
        sa.Column("titles", sa.Text(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
    )
    op.create_table(
        "told",
        sa.Column("hub_id", sa.Integer(), sa.ForeignKey("hub.id"), primary_key=True),
        sa.Column("iri", sa.Text(), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("sentences", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("held", sa.String(64), nullable=False),
        sa.Column("held_version", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("told_by_iri", "told", ["iri"])


def _create_search() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE search USING fts5(title, body, content='', contentless_delete=1, "
            "detail=column, tokenize='ascii')"
        )
        op.execute("INSERT INTO search(search, rank) VALUES ('hashsize', 67108864)")
    else:
        op.create_table(
            "search",
            sa.Column("record_id", sa.BigInteger(), sa.ForeignKey("record.id"), primary_key=True),
            sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        )
        op.create_index("search_by_word", "search", ["words"], postgresql_using="gin")
