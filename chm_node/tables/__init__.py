"""The tables of the one schema, by subject; ``chm_node.migrations`` creates them.

Times are whole milliseconds in UTC where a column does not say otherwise.
"""

from chm_node.tables.harvest import check_result, frontier, quarantine, receipt, run, source
from chm_node.tables.hubs import hub, told
from chm_node.tables.joining import membership, nonce, notification, outbox
from chm_node.tables.metadata import metadata
from chm_node.tables.push import hint, intent, subscriber, subscription
from chm_node.tables.records import change, dump, facet, log_head, log_page, record, unknown_term

__all__ = [
    "change",
    "check_result",
    "dump",
    "facet",
    "frontier",
    "hint",
    "hub",
    "intent",
    "log_head",
    "log_page",
    "membership",
    "metadata",
    "nonce",
    "notification",
    "outbox",
    "quarantine",
    "receipt",
    "record",
    "run",
    "source",
    "subscriber",
    "subscription",
    "told",
    "unknown_term",
]
