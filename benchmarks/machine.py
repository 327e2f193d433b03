"""What machine a benchmark ran on."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """The processor, its cores and the memory, in one line."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = (line for line in info.read_text().splitlines() if line.startswith("model name"))
        cpu = next(names, cpu).partition(": ")[2] or cpu
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"machine: {cpu}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}"
