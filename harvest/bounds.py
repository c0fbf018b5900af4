"""What ends a run before the last page: the worker is told to stop, the time is over, or the disk is nearly full."""

import threading
from collections.abc import Callable
from datetime import timedelta

from chm_node import disk
from chm_node.settings import Settings
from harvest.transactions import Clock

#: A longer run is ended after a page and goes on at the next tick.
LONGEST_RUN = timedelta(minutes=30)
#: A dump is read to its end, or from its beginning the next time.
LONGEST_DUMP = timedelta(hours=6)
_NO_ROOM = (
    f"the disk has less than {disk.LEAST_BYTES // 1024**2} MB free, so nothing more is taken over until there is room"
)


class Bounds:
    """The bounds of one run; ``note`` hears what a person should read."""

    def __init__(self, settings: Settings, clock: Clock, stop: threading.Event, note: Callable[[str], None]) -> None:
        self.disk_is_full = False  #: was found so, once in this run
        self._settings = settings
        self._clock = clock
        self._stop = stop
        self._note = note

    def within(self, longest: timedelta) -> Callable[[], bool]:
        """Tells, from now on, whether to go on."""
        latest = self._clock() + longest
        return lambda: not self._stop.is_set() and self._clock() <= latest and self.has_room()

    def has_room(self) -> bool:
        """Whether the disk has room for more than readers and editors need."""
        if not self.disk_is_full and self.room() < 0:
            self.disk_is_full = True
            self._note(_NO_ROOM)
        return not self.disk_is_full

    def room(self) -> int:
        """Bytes that may still be written."""
        return disk.free_bytes(self._settings) - disk.LEAST_BYTES
