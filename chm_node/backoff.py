"""How long to wait after failures. Decides; touches nothing: the dice are an argument."""

from datetime import timedelta

FIRST_WAIT = timedelta(minutes=1)  #: after a failure; also the least that somebody is ever left alone
LONGEST_WAIT = timedelta(hours=24)


def wait(failures: int, jitter: float, longest: timedelta = LONGEST_WAIT) -> timedelta:
    """The wait after so many failures in a row; ``jitter`` is a random number from 0 up to 1.

    The longest wait doubles with each failure and the wait is drawn from below it ("full jitter"), so that many
    who failed at the same moment do not return at the same moment.
    """
    doubled: int = 2 ** min(failures, 20)
    return FIRST_WAIT + (min(FIRST_WAIT * doubled, longest) - FIRST_WAIT) * jitter
