"""When a source is next due. Decides; touches nothing: the clock and the dice are arguments."""

from datetime import datetime, timedelta

FIRST_WAIT = timedelta(minutes=1)  #: after a failure; also the least a peer is ever left alone
LONGEST_WAIT = timedelta(hours=24)
#: A source that answers is asked after its interval, up to this share earlier or later,
#: so that the peers of one hub do not all come at the full hour.
SPREAD = 0.2


def next_due(now: datetime, interval: timedelta, failures: int, retry_after: timedelta, jitter: float) -> datetime:
    """When a source should be harvested again; ``jitter`` is a random number from 0 up to 1.

    After failures the longest wait doubles with each one in a row and the wait is drawn from below it
    ("full jitter"), so that many hubs do not return to a recovering peer at the same moment. A peer's
    Retry-After (RFC 9110 §10.2.3) is obeyed, up to 24 hours.
    """
    if failures:
        doubled: int = 2 ** min(failures, 20)
        longest = min(FIRST_WAIT * doubled, LONGEST_WAIT)
        wait = FIRST_WAIT + (longest - FIRST_WAIT) * jitter
    else:
        wait = interval * (1 - SPREAD + 2 * SPREAD * jitter)
    return now + max(wait, min(retry_after, LONGEST_WAIT))
