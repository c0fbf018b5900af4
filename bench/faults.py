"""A hub whose worker is killed, and whose answers are spoilt, beside the peers it has to equal in the end.

The workers are those of ``chm worker``. After a kill or a failed harvest nobody waits for the end of the lease or of
the back-off: the due times are moved to now.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from bench.answer_faults import ANSWER_FAULTS, any_of_them
from bench.federation import Differences, Hub, Peer, changing_peers, copied, differences, edited, kill, make_hub
from bench.proxy import Fault
from chm_node.serving import end

SEED = 20261126
PEERS = 3
RECORDS = 450  #: of each peer at the beginning: three pages of its log
KILLS = 100
STRIKES = 40  #: of each fault
SHARE = 0.3  #: of the answers that a fault strikes
#: The longest time from a worker's first request to its end: some six harvests of every peer.
_LONGEST_LIFE = 1.5
#: A worker is killed before its first request, too; it takes so long to start.
_START = 0.7
_EARLY = 0.1  # share of those
_STRIKE_SECONDS = 60.0


@dataclass(frozen=True)
class Trial:
    """What was done to a hub, and how it differs from its peers afterwards."""

    HEADING: ClassVar[str] = (
        f"{'fault':<28}{'struck':>8}{'harvests':>10}{'compared':>10}{'wrong':>7}{'missing':>9}{'extra':>7}   notes"
    )

    fault: str
    struck: int
    harvests: int
    found: Differences
    notes: str = ""
    orphans: int = 0  #: children that outlived a killed worker

    @property
    def well(self) -> bool:
        return not (self.found.wrong or self.found.missing or self.found.extra or self.orphans)

    def line(self) -> str:
        """The trial for a person to read."""
        found = self.found
        return (
            f"{self.fault:<28}{self.struck:>8,}{self.harvests:>10,}{found.compared:>10,}{found.wrong:>7,}"
            f"{found.missing:>9,}{found.extra:>7,}   {self.notes}"
        )

    def as_dict(self) -> dict[str, Any]:
        counts = {"struck": self.struck, "harvests": self.harvests, "orphans": self.orphans}
        found = {name: getattr(self.found, name) for name in ("compared", "wrong", "missing", "extra")}
        return {"fault": self.fault} | counts | found | {"notes": self.notes}


def measure() -> list[Trial]:
    """Kills, then each fault of an answer, then all of it at once."""
    dice = Random(SEED)
    with tempfile.TemporaryDirectory(prefix="chm-bench-") as name:
        folder = Path(name)
        with changing_peers(folder, PEERS, RECORDS, dice, SHARE) as peers:
            blank = make_hub(folder / "blank", peers)
            trials = [kills(copied(blank, folder / "killed"), peers, KILLS, dice)]
            for fault, strike in ANSWER_FAULTS.items():
                trials.append(strikes(copied(blank, folder / fault.replace(" ", "-")), peers, fault, strike, dice))
            _strike(peers, any_of_them)
            trials.append(kills(copied(blank, folder / "all"), peers, KILLS // 5, dice, "all of it, and kill -9"))
    return trials


def kills(hub: Hub, peers: Sequence[Peer], count: int, dice: Random, name: str = "kill -9") -> Trial:
    """Kill so many workers of the hub at random moments."""
    phases: Counter[str] = Counter()
    orphans: list[int] = []
    with edited(peers, dice):
        for number in range(1, count + 1):
            _progress(f"{name}: {number} of {count}")
            worker = hub.start_worker()
            _wait_for_the_moment(worker, peers, dice)
            os.kill(worker.pid, signal.SIGSTOP)
            phases[_phase(hub, peers)] += 1
            orphans += kill(worker, alone=dice.random() < 0.5)
            hub.let_time_pass(leases_too=True)
    found = _settled(hub, peers)
    notes = ", ".join(f"{times} {phase}" for phase, times in phases.most_common())
    if orphans:
        notes += f"; {len(orphans)} children outlived their worker"
    return Trial(name, count, hub.harvests(), found, notes, len(orphans))


def strikes(hub: Hub, peers: Sequence[Peer], name: str, fault: Fault, dice: Random, count: int = STRIKES) -> Trial:
    """Have so many answers of the peers spoilt while the hub harvests them."""
    before = _struck(peers)
    latest = time.monotonic() + _STRIKE_SECONDS
    worker = hub.start_worker()
    try:
        with edited(peers, dice):
            _strike(peers, fault)
            while _struck(peers) - before < count and time.monotonic() < latest:
                _progress(f"{name}: {_struck(peers) - before} of {count}")
                hub.let_time_pass()
                time.sleep(0.1)
    finally:
        end(worker)
    hub.let_time_pass(leases_too=True)
    return Trial(name, _struck(peers) - before, hub.harvests(), _settled(hub, peers))


def _settled(hub: Hub, peers: Sequence[Peer]) -> Differences:
    _strike(peers, None)
    hub.settle(peers)
    found = differences(hub, peers)
    hub.engine.dispose()
    return found


def _strike(peers: Sequence[Peer], fault: Fault | None) -> None:
    for peer in peers:
        peer.proxy.fault = fault


def _struck(peers: Sequence[Peer]) -> int:
    return sum(peer.proxy.struck for peer in peers)


def _wait_for_the_moment(worker: subprocess.Popen[bytes], peers: Sequence[Peer], dice: Random) -> None:
    for peer in peers:
        peer.proxy.asked.clear()
    if dice.random() < _EARLY:
        return time.sleep(dice.uniform(0, _START))
    while not any(peer.proxy.asked.is_set() for peer in peers):
        if worker.poll() is not None:
            raise RuntimeError(f"the worker ended by itself, with code {worker.returncode}")
        time.sleep(0.005)
    return time.sleep(dice.uniform(0, _LONGEST_LIFE))


def _phase(hub: Hub, peers: Sequence[Peer]) -> str:
    """What a worker that stands still was about."""
    if hub.is_writing():
        return "in a transaction"
    if not hub.is_harvesting():
        return "between harvests"
    return "waiting for a peer" if any(peer.proxy.under_way for peer in peers) else "reading or done storing"


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<60}", end="\r", file=sys.stderr, flush=True)
