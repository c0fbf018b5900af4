"""Who tells us of news, and whom we tell (WebSub)."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, String, Table, Text

from chm_node.tables.metadata import metadata

# A peer says that it has news: when to look. Each look costs a minute, some of which may be spent ahead.
hint = Table(
    "hint",
    metadata,
    Column("source_id", Integer, ForeignKey("source.id"), primary_key=True),
    Column("due", BigInteger, nullable=False),  # when to follow it, milliseconds; 0 when there is none
    Column("spent", BigInteger, nullable=False),  # up to when the minutes are spent; 0 for none yet
)

# What we asked the WebSub hubs of our sources: to tell us when their logs move.
subscription = Table(
    "subscription",
    metadata,
    Column("source_id", Integer, ForeignKey("source.id"), primary_key=True),
    Column("hub", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("token", String(43), nullable=False, unique=True),  # end of the callback's address
    Column("secret", Text, nullable=False),  # empty for none
    Column("due", BigInteger, nullable=False),  # when to ask, or to ask again
    Column("expires", BigInteger, nullable=False),  # 0 before the hub has confirmed it
    Column("failures", Integer, nullable=False),  # requests that the hub has not confirmed yet, in a row
)

# Who is told when a feed of ours changes (WebSub), and what each got last.
subscriber = Table(
    "subscriber",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(64), nullable=False, unique=True),  # SHA-256 of topic and callback
    Column("topic", Text, nullable=False),  # in its one spelling
    Column("callback", Text, nullable=False),
    Column("host", Text, nullable=False),  # of the callback
    Column("secret", Text, nullable=False),  # empty for none
    Column("expires", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),  # log timestamp that it was told of
    Column("tag", Text, nullable=False),  # what tells the content it got last from another; empty for none
    Column("due", BigInteger, nullable=False),  # not to be told before; moved forward while it is told
    Column("failures", Integer, nullable=False),  # in a row
)

# Requests to our WebSub hub that wait for the word of the callback.
intent = Table(
    "intent",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(64), nullable=False, unique=True),  # as above
    Column("mode", String(16), nullable=False),  # subscribe, unsubscribe
    Column("topic", Text, nullable=False),
    Column("asked_topic", Text, nullable=False),  # as the request wrote it
    Column("callback", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("lease", Integer, nullable=False),  # seconds
    Column("secret", Text, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),  # where the log stood then
    Column("due", BigInteger, nullable=False),  # the callback is not asked before
    Column("attempts", Integer, nullable=False),
    Column("challenge", String(43), nullable=False),  # of the newest attempt; tells one claim from another
    Column("settled", Boolean, nullable=False),  # refused, or given up; kept a while, so that it cannot be repeated
)
