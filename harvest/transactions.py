"""What one run writes: each transaction begins by renewing the lease.

So a worker that was asleep too long writes nothing over the work of its successor.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from chm_node.database import writing
from chm_node.errors import LeaseLostError
from chm_node.settings import Settings
from harvest import leases
from harvest.sources import Source
from harvest.store import Ledger

#: The time in UTC; only composition roots know a real one.
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Transactions:
    """How one run writes."""

    engine: Engine
    settings: Settings
    run_id: int
    clock: Clock

    @contextmanager
    def begin(self, source: Source) -> Iterator[Ledger]:
        """One transaction. Raises LeaseLostError when another run holds the lease by now."""
        now = self.clock()
        with writing(self.engine) as connection:
            if not leases.renew(connection, source, now):
                raise LeaseLostError(source.node)
            yield Ledger(connection, self.settings, source, self.run_id, now)
