"""What a benchmark reports, and how long a piece of work takes in a process of its own."""

import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, ClassVar, Protocol


class Row(Protocol):
    """One line of a benchmark's table."""

    HEADING: ClassVar[str]

    @property
    def well(self) -> bool:
        """Whether what was found is as it has to be."""

    def line(self) -> str: ...

    def as_dict(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Result:
    """One measured piece of work beside the naive way of doing it."""

    HEADING: ClassVar[str] = (
        f"{'what':<32}{'done':>8}{'per second':>14}{'naive':>12}{'ratio':>9}{'peak MiB':>10}   naive way"
    )

    bench: str
    records: int  #: how many things were done: records, or requests for the feeds
    per_second: float
    baseline: str  #: what the naive way is
    baseline_per_second: float
    peak_rss_mb: float  #: of the process that did the work, MiB

    @property
    def ratio(self) -> float:
        """How many times as fast as the naive way."""
        return self.per_second / self.baseline_per_second if self.baseline_per_second else 0.0

    @property
    def well(self) -> bool:
        return True  # a figure is neither right nor wrong

    def line(self) -> str:
        """The result for a person to read."""
        return (
            f"{self.bench:<32}{self.records:>8,}{_shown(self.per_second):>14}{_shown(self.baseline_per_second):>12}"
            f"{self.ratio:>8.1f}x{self.peak_rss_mb:>10.0f}   {self.baseline}"
        )

    def as_dict(self) -> dict[str, Any]:
        rounded = {key: _rounded(value) if isinstance(value, float) else value for key, value in asdict(self).items()}
        return rounded | {"ratio": _rounded(self.ratio)}


@dataclass(frozen=True)
class Measured:
    """The outcome of ``apart``."""

    value: Any
    seconds: float  #: as the function itself reports, or of its whole run
    peak_rss_mb: float


def apart(function: Callable[..., Any], *args: Any) -> Measured:
    """Run a module-level function in a fresh process, so that its memory is its own.

    A function that returns a pair whose second part is a float reports its own time.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_timed, (function, args))


def _timed(function: Callable[..., Any], args: Sequence[Any]) -> Measured:
    started = time.perf_counter()
    value = function(*args)
    seconds = time.perf_counter() - started
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], float):
        value, seconds = value
    return Measured(value, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def table(rows: Sequence[Row]) -> str:
    """The rows for a person to read, under a heading for each kind of them."""
    lines: list[str] = []
    for heading, of_a_kind in groupby(rows, key=lambda row: row.HEADING):
        lines += [heading, *(row.line() for row in of_a_kind)]
    return "\n".join(lines)


def _rounded(figure: float) -> float:
    """One decimal, or two digits of what is smaller."""
    return round(figure, 1) if abs(figure) >= 1 else float(f"{figure:.2g}")


def _shown(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 10 else f"{figure:.2g}"
