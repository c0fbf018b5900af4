"""When a source is next due. Decides; touches nothing: the clock and the dice are arguments."""

from datetime import datetime, timedelta

from chm_node import backoff

#: A source that answers is asked after its interval, up to this share earlier or later,
#: so that the peers of one hub do not all come at the full hour.
SPREAD = 0.2


def next_due(now: datetime, interval: timedelta, failures: int, retry_after: timedelta, jitter: float) -> datetime:
    """When a source should be harvested again; ``jitter`` is a random number from 0 up to 1.

    A peer's Retry-After (RFC 9110 §10.2.3) is obeyed, up to 24 hours.
    """
    wait = backoff.wait(failures, jitter) if failures else interval * (1 - SPREAD + 2 * SPREAD * jitter)
    return now + max(wait, min(retry_after, backoff.LONGEST_WAIT))
