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
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from bench.answer_faults import ANSWER_FAULTS, any_of_them
from bench.federation import (
    Differences,
    Hub,
    Peer,
    changing_peers,
    children,
    copied,
    differences,
    edited,
    kill,
    make_hub,
)
from bench.proxy import Fault

SEED = 20261126
PEERS = 3
RECORDS = 450  #: of each peer at the beginning: three pages of its log
KILLS = 100
STRIKES = 40  #: of each fault
SHARE = 0.3  #: of the answers that a fault strikes
#: Of the workers, this share is killed before the first request, ...
_STARTING = 0.1
#: ... the others up to this share within the time it takes to fetch and read a page, ...
_ASKING = 0.5
#: ... and the rest within so many seconds after it has stored one.
_STORING_SECONDS = 0.6
#: At most so long is waited for anything.
_PATIENCE = 60.0


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
        return self.found.none and not self.orphans

    def line(self) -> str:
        """The trial for a person to read."""
        found = self.found
        return (
            f"{self.fault:<28}{self.struck:>8,}{self.harvests:>10,}{found.compared:>10,}{found.wrong:>7,}"
            f"{found.missing:>9,}{found.extra:>7,}   {self.notes}"
        )

    def as_dict(self) -> dict[str, Any]:
        counts = {"struck": self.struck, "harvests": self.harvests, "orphans": self.orphans}
        return {"fault": self.fault} | counts | asdict(self.found) | {"notes": self.notes}


def measure() -> list[Trial]:
    """Kills, then each fault of an answer, then all of it at once."""
    dice = Random(SEED)
    with tempfile.TemporaryDirectory(prefix="chm-bench-") as name:
        folder = Path(name)
        with changing_peers(folder, PEERS, RECORDS, dice, SHARE) as peers:
            blank = make_hub(folder / "blank", [peer.settings.base_url for peer in peers])
            trials = [
                kills(copied(blank, folder / "killed"), peers, KILLS, dice),
                killed_readers(copied(blank, folder / "readers"), peers, STRIKES, dice),
            ]
            for fault, strike in ANSWER_FAULTS.items():
                trials.append(strikes(copied(blank, folder / fault.replace(" ", "-")), peers, fault, strike, dice))
            trials.append(kills(copied(blank, folder / "all"), peers, KILLS // 5, dice, any_of_them))
    return trials


def kills(hub: Hub, peers: Sequence[Peer], count: int, dice: Random, fault: Fault | None = None) -> Trial:
    """Kill so many workers of the hub at random moments; answers may be spoilt meanwhile."""
    name = "kill -9 and spoilt answers" if fault else "kill -9 of the worker"
    phases: Counter[str] = Counter()
    orphans: list[int] = []
    with edited(peers, dice):
        pace = _pace(hub, peers)
        _strike(peers, fault)
        for number in range(1, count + 1):
            _progress(f"{name}: {number} of {count}")
            for peer in peers:
                peer.proxy.asked.clear()
            worker = hub.start_worker()
            _wait_for_the_moment(hub, worker, peers, pace, dice)
            os.kill(worker.pid, signal.SIGSTOP)
            phases[_phase(hub, peers)] += 1
            orphans += kill(worker, alone=dice.random() < 0.5)
            hub.let_time_pass(leases_too=True)
    notes = ", ".join(f"{times} {phase}" for phase, times in phases.most_common())
    if orphans:
        notes += f"; {len(orphans)} children outlived their worker"
    return _judged(name, count, hub, peers, notes, len(orphans))


def killed_readers(hub: Hub, peers: Sequence[Peer], count: int, dice: Random) -> Trial:
    """Kill so many reading children of the hub's worker, as a machine without memory does."""
    name = "kill -9 of reading children"
    with edited(peers, dice), hub.working() as worker:
        for number in range(1, count + 1):
            _progress(f"{name}: {number} of {count}")
            _wait_until(worker, lambda: bool(children(worker.pid)))
            os.kill(dice.choice(children(worker.pid)), signal.SIGKILL)
            hub.let_time_pass()
            time.sleep(dice.uniform(0, 1))
    return _judged(name, count, hub, peers)


def strikes(hub: Hub, peers: Sequence[Peer], name: str, fault: Fault, dice: Random, count: int = STRIKES) -> Trial:
    """Have so many answers of the peers spoilt while the hub harvests them."""
    before = _struck(peers)
    latest = time.monotonic() + _PATIENCE
    with edited(peers, dice), hub.working():
        _strike(peers, fault)
        while _struck(peers) - before < count and time.monotonic() < latest:
            _progress(f"{name}: {_struck(peers) - before} of {count}")
            hub.let_time_pass()
            time.sleep(0.1)
    return _judged(name, _struck(peers) - before, hub, peers)


def _judged(name: str, struck: int, hub: Hub, peers: Sequence[Peer], notes: str = "", orphans: int = 0) -> Trial:
    """After a last harvest without faults, while nobody edits."""
    harvests = hub.harvests()
    _strike(peers, None)
    hub.settle()
    found = differences(hub.engine, [peer.settings.database for peer in peers])
    hub.engine.dispose()
    return Trial(name, struck, harvests, found, notes, orphans)


def _strike(peers: Sequence[Peer], fault: Fault | None) -> None:
    for peer in peers:
        peer.proxy.fault = fault


def _struck(peers: Sequence[Peer]) -> int:
    return sum(peer.proxy.struck for peer in peers)


@dataclass(frozen=True)
class _Pace:
    """What a worker needs on this machine, in seconds."""

    until_asking: float
    until_storing: float  #: from its first request


def _pace(hub: Hub, peers: Sequence[Peer]) -> _Pace:
    """Learn it from a worker that is not killed."""
    started = time.monotonic()
    with hub.working() as worker:
        _wait_until(worker, lambda: _asked(peers))
        asked = time.monotonic()
        _wait_until(worker, lambda: hub.changes() > 0)
        stored = time.monotonic()
    hub.let_time_pass(leases_too=True)
    return _Pace(asked - started, stored - asked)


def _wait_for_the_moment(
    hub: Hub, worker: subprocess.Popen[bytes], peers: Sequence[Peer], pace: _Pace, dice: Random
) -> None:
    """Until a random moment of its start, of its first harvests, or after it has begun to store."""
    before, latest = hub.changes(), 2 * (pace.until_asking + pace.until_storing)
    kind = dice.random()
    if kind < _STARTING:
        return time.sleep(dice.uniform(0, pace.until_asking))
    _wait_until(worker, lambda: _asked(peers), latest)
    if kind < _ASKING:
        return time.sleep(dice.uniform(0, pace.until_storing))
    _wait_until(worker, lambda: hub.changes() > before, latest)
    return time.sleep(dice.uniform(0, _STORING_SECONDS))


def _asked(peers: Sequence[Peer]) -> bool:
    return any(peer.proxy.asked.is_set() for peer in peers)


def _wait_until(worker: subprocess.Popen[bytes], reached: Callable[[], bool], seconds: float = _PATIENCE) -> None:
    """Or so long; raises RuntimeError when the worker ends by itself."""
    latest = time.monotonic() + seconds
    while not reached() and time.monotonic() < latest:
        if worker.poll() is not None:
            raise RuntimeError(f"the worker ended by itself, with code {worker.returncode}")
        time.sleep(0.005)


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
