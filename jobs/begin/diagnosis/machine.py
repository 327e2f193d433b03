"""The machine itself: cores, memory, free disk and the clock."""

import os
import shutil
import time
from importlib.util import find_spec
from pathlib import Path

from jobs.begin.diagnosis.finding import Finding, ok, warning

_GIB = 2**30
_WORKER_BYTES = 1.2 * _GIB
_ENOUGH_DISK = 10 * _GIB
_CGROUP = Path("/sys/fs/cgroup")
_MEMINFO = Path("/proc/meminfo")


def check_memory(available: int | None = None, cores: int | None = None) -> Finding:
    """Cores, and whether there is memory for a worker on each.

    `available` bytes and `cores` are the machine's, unless given.
    """
    cores = len(os.sched_getaffinity(0)) if cores is None else cores
    available = available_memory() if available is None else available
    found = f"{cores} cores, {available / _GIB:,.1f} GiB of memory available"
    workers = int(available // _WORKER_BYTES)
    if workers >= cores:
        return ok("cores and memory", found)
    return warning(
        "cores and memory",
        f"{found}: room for {workers} workers with a model",
        f"fairshard rebalance CONFIG -- --direct_num_workers={max(workers, 1)}",
    )


def available_memory() -> int:
    """Bytes of memory that processes here may still take: the machine's, or the container's."""
    lines = dict(line.split(":", 1) for line in _MEMINFO.read_text("ascii").splitlines())
    free = int(lines["MemAvailable"].split()[0]) * 1024
    try:
        limit = int((_CGROUP / "memory.max").read_text("ascii"))
        used = int((_CGROUP / "memory.current").read_text("ascii"))
    except (OSError, ValueError):
        return free
    return min(free, limit - used)


def check_disk(folder: Path, needed: int = _ENOUGH_DISK) -> Finding:
    """Whether the disk of `folder` has `needed` bytes free."""
    usage = shutil.disk_usage(folder)
    found = f"{usage.free / _GIB:,.1f} of {usage.total / _GIB:,.1f} GiB free at {folder}"
    if usage.free >= needed:
        return ok("disk", found)
    return warning(
        "disk",
        f"{found}; about {needed / _GIB:,.1f} GiB are wanted",
        f"du -xh --max-depth=2 {folder} | sort -h | tail, and remove; or set output.url elsewhere",
    )


def check_clock(now: float | None = None) -> Finding:
    """Whether the clock is later than the installation; object stores refuse clocks that are off.

    `now` is the clock's, in seconds since 1970, unless given.
    """
    now = time.time() if now is None else now
    found = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    spec = find_spec("transforms")
    origin = spec.origin if spec else None
    if origin is None or now >= Path(origin).stat().st_mtime:
        return ok("clock", found)
    return warning("clock", f"{found}: before fairshard was installed", "timedatectl set-ntp true")
