"""Ways of doing one thing, timed in turns: what else a machine does then meets all of them."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import psutil

ROUNDS = 5
CACHES = ("cold", "warm")
_BLOCK = 8 * 2**20


@dataclass(frozen=True)
class Taken:
    """Medians of a way's rounds: seconds by the clock, and of CPU in all processes."""

    seconds: float
    cpu: float


def in_turns(
    ways: Mapping[str, Callable[[], object]], before: Callable[[], object], rounds: int = ROUNDS
) -> dict[str, Taken]:
    """What each way takes, each after `before`."""
    found: dict[str, list[Taken]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            before()
            cpu, start = _cpu(), perf_counter()
            work()
            found[name].append(Taken(perf_counter() - start, _cpu() - cpu))
    return {name: _medians(taken) for name, taken in found.items()}


def prepared(paths: Iterable[Path], cache: str) -> None:
    """See to it that files are in the page cache, or on the disk alone; others stay as they are."""
    if cache == "cold":
        os.sync()
    for path in paths:
        with path.open("rb", buffering=0) as stream:
            if cache == "cold":
                os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while cache == "warm" and stream.read(_BLOCK):
                pass


def _cpu() -> float:
    """Of this process, of those that it has waited for, and of those that it has."""
    here, ended = psutil.Process(), os.times()
    living = [each.cpu_times() for each in (here, *here.children(recursive=True))]
    return ended.children_user + ended.children_system + sum(t.user + t.system for t in living)


def _medians(taken: list[Taken]) -> Taken:
    return Taken(median(one.seconds for one in taken), median(one.cpu for one in taken))
