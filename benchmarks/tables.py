"""Rows of a table joined with samples by uid: rows a second, and the memory of all processes.

`python -m benchmarks.tables --rows 10000000` makes a table of uids (32 hexadecimal digits) and a
number each, in shuffled order, and as many samples in shards; joins them in `--processes`; checks
every value; and lets polars and Arrow join the same, each in one process with as many threads.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.machine import machine
from transforms.config.tables import TableSource
from transforms.storage.files import Storage
from transforms.tables.joining import (
    PHASES,
    Result,
    SampleTable,
    Task,
    counts_of,
    groups_of,
    joined,
    run,
    tasks_of,
)
from transforms.tables.sources import TableFiles
from transforms.tables.tasks import ShardGroup

_FILES = 16
_DIGITS = 32
_PEERS = {
    "polars": """
import polars
samples = polars.scan_parquet(f"{folder}/samples/*.parquet")
rows = polars.scan_parquet(f"{folder}/table/*.parquet")
found = samples.join(rows, left_on="field.uid", right_on="uid", how="left", maintain_order="left")
found.collect(engine=engine).write_parquet(f"{folder}/peer.parquet")
""",
    "pyarrow": """
import pyarrow, pyarrow.dataset, pyarrow.parquet
pyarrow.set_cpu_count(threads)
samples = pyarrow.dataset.dataset(f"{folder}/samples")
rows = pyarrow.dataset.dataset(f"{folder}/table").to_table()
found = samples.to_table().join(rows, "field.uid", "uid", "left outer")
pyarrow.parquet.write_table(found, f"{folder}/peer.parquet")
""",
}


def uids(numbers: NDArray[np.uint64]) -> pa.Array:
    """A uid of 32 hexadecimal digits for each number."""
    first, second = (_mixed(numbers + np.uint64(seed << 40)) for seed in (1, 2))
    digits = np.stack([first, second], axis=1).tobytes().hex().encode()
    offsets = np.arange(0, _DIGITS * (len(numbers) + 1), _DIGITS, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(digits)]
    return pa.Array.from_buffers(pa.string(), len(numbers), buffers)


def make(folder: Path, rows: int, shards: int) -> list[SampleTable]:
    """The files of the table, and the samples of the shards, whose value is their number."""
    (folder / "table").mkdir()
    (folder / "samples").mkdir()
    order = np.random.default_rng(0).permutation(rows).astype(np.uint64)
    for number, part in enumerate(np.array_split(order, _FILES)):
        table = pa.table({"uid": uids(part), "score": part.astype(np.float64)})
        pq.write_table(table, folder / "table" / f"rows-{number:03d}.parquet")
    made = []
    for number, part in enumerate(np.array_split(np.arange(rows, dtype=np.uint64), shards)):
        table = pa.table({"key": pa.array(part).cast(pa.string()), "field.uid": uids(part)})
        pq.write_table(table, folder / "samples" / f"{number:05d}.parquet", compression="zstd")
        made.append(SampleTable(f"{number:05d}", f"{number:05d}", len(part), str(part[0])))
    return made


class Worker:
    """What a process does of a join in a folder."""

    def __init__(self, folder: Path) -> None:
        source = TableSource(url=f"{folder}/table/*.parquet", key={"column": "uid", "field": "uid"})
        self.tables = [TableFiles("scores", source, ("score",))]
        self.storage = Storage(f"{folder}/out")
        self._folder = folder

    def run(self, task: Task) -> Result:
        """Do a task."""
        return run(task, self.tables, self._read, self.storage)

    def finish(self, group: ShardGroup) -> int:
        """Check the values of a group of shards; the number of its samples."""
        for shard, tables in joined(group, self.storage):
            values = tables["scores"].column("score").combine_chunks()
            first = int(shard.digest)
            wanted = np.arange(first, first + shard.samples, dtype=np.float64)
            if not np.array_equal(values.flatten().to_numpy(), wanted):
                raise SystemExit(f"{shard.name} has other values than it should")
        return sum(shard.samples for shard in group.shards)

    def _read(self, shard: SampleTable, columns: Sequence[str]) -> pa.Table:
        return pq.read_table(f"{self._folder}/samples/{shard.name}.parquet", columns=list(columns))


class Peak:
    """The largest sum of the resident memory of this process, or another, and its children."""

    def __init__(self, pid: int | None = None) -> None:
        self.bytes = 0
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            try:
                family = [self._process, *self._process.children(recursive=True)]
                self.bytes = max(self.bytes, sum(each.memory_info().rss for each in family))
            except psutil.Error:
                continue


def main() -> None:
    """Make a table and samples, join them, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--shards", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shards = make(folder, given.rows, given.shards)
        ours = _join(folder, shards, given.processes)
        print(f"load of the machine: {os.getloadavg()[0]:.1f}")
        for name in _PEERS:
            _peer(name, folder, given.rows, given.processes, ours)


def _join(folder: Path, shards: Sequence[SampleTable], processes: int) -> float:
    worker, began, spent_before = Worker(folder), time.perf_counter(), _cpu_seconds()
    results: list[Result] = []
    spent = []
    with Peak() as peak, get_context("spawn").Pool(processes) as pool:
        for phase in range(PHASES):
            since = time.perf_counter()
            tasks = tasks_of(phase, worker.tables, shards, results, worker.storage)
            results += pool.map(worker.run, tasks, chunksize=1)
            spent.append(f"{time.perf_counter() - since:.1f} s for {len(tasks)} tasks")
        groups = groups_of(worker.tables, shards, results)
        since = time.perf_counter()
        samples = sum(pool.map(worker.finish, groups, chunksize=1))
        spent.append(f"{time.perf_counter() - since:.1f} s for {len(groups)} groups")
        pool.close()
        pool.join()
    seconds = time.perf_counter() - began
    counts = counts_of(results)[0]
    print(
        f"fairshard, {processes} processes: {counts.rows:,} rows and {samples:,} samples in "
        f"{seconds:.1f} s ({_cpu_seconds() - spent_before:.1f} s of processors), "
        f"{counts.rows / seconds:,.0f} rows/s, {peak.bytes / 1e9:.2f} GB\n"
        f"  rows, samples, matches, lists: {', '.join(spent)}"
    )
    return seconds


def _peer(name: str, folder: Path, rows: int, threads: int, ours: float) -> None:
    program = f"folder, threads, engine = {str(folder)!r}, {threads}, 'streaming'\n{_PEERS[name]}"
    environment = os.environ | {"POLARS_MAX_THREADS": str(threads)}
    began, spent_before = time.perf_counter(), _cpu_seconds()
    process = subprocess.Popen([sys.executable, "-c", program], env=environment)
    with Peak(process.pid) as peak:
        code = process.wait()
    seconds = time.perf_counter() - began
    if code:
        print(f"{name} ended with {code} after {seconds:.1f} s, {peak.bytes / 1e9:.2f} GB")
        return
    print(
        f"{name}, {threads} threads: {seconds:.1f} s ({_cpu_seconds() - spent_before:.1f} s of "
        f"processors), {rows / seconds:,.0f} rows/s, {peak.bytes / 1e9:.2f} GB; fairshard takes {ours / seconds:.1f} times as long"
    )


def _cpu_seconds() -> float:
    """What the processors spent on processes that have ended, which no load of others changes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(state ^ (state >> np.uint64(31)))


if __name__ == "__main__":
    main()
