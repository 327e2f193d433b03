"""Exporting weights: rows a second and peak memory, beside pyarrow that writes the same columns.

`python -m benchmarks.exports --rows 1e7` makes label tables (see benchmarks.label_tables) and a
plan for them, then exports the weights in a fresh process. The peer, in another, reads the same
label tables with pyarrow, adds two columns of constants in place of q and copies, and writes files
of the same columns, codec and row groups: what is left between the two is the weighing and drawing
of each sample, and the records. Both print rows a second, the wall time of the work alone, and the
peak resident memory of the process.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.label_tables import Corpus, read_records, write_tables
from benchmarks.machine import machine
from benchmarks.planning import plan_with_core
from transforms.config.sections import Config
from transforms.exports.exported import ROWS_AT_ONCE, Exported
from transforms.exports.exporting import export
from transforms.exports.target import Target
from transforms.plan.plan import read_plan
from transforms.stages.registrations import load_exporters, load_registrations
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage

_ROWS_PER_SHARD = 10_000
_CONFIG = "config.json"


def ours(folder: Path) -> int:
    """Export the weights; the rows of the corpus."""
    load_exporters()
    config = Config.model_validate_json((folder / _CONFIG).read_text())
    storage = output_storage(config.output)
    records = tuple(read_records(storage))
    exported = Exported(config, read_plan(storage), records, None, storage)
    target = Target(Storage(str(folder / "ours")), "weights", "", paths.EXPORT_RECORDS_BESIDE)
    return export("weights", exported, target).counts["samples"]


def peer(folder: Path) -> int:
    """Read the label tables and write them with two more columns; their rows."""
    rows = 0
    (folder / "peer").mkdir()
    for path in sorted((folder / "labels").iterdir()):
        table = pq.read_table(path)
        shard = pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(table.num_rows, np.int32)), [path.stem]
        )
        table = table.add_column(0, "shard", shard)
        table = table.append_column("q", pa.array(np.full(table.num_rows, 0.5)))
        table = table.append_column("copies", pa.array(np.ones(table.num_rows, np.int64)))
        pq.write_table(
            table, folder / "peer" / path.name, compression="zstd", row_group_size=ROWS_AT_ONCE
        )
        rows += table.num_rows
    return rows


WAYS: dict[str, Callable[[Path], int]] = {"fairshard": ours, "pyarrow": peer}


def measured(folder: Path, way: str) -> tuple[int, float, float]:
    """Rows, seconds and peak MiB of a way, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.exports", "--folder", str(folder), "--way", way]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rows, seconds, peak = done.stdout.split()[-3:]
    return int(rows), float(seconds), float(peak)


def compare(corpus: Corpus, parent: Path | None) -> None:
    """Make tables and plan, and print a line for each way."""
    with tempfile.TemporaryDirectory(dir=parent) as name:
        folder = Path(name)
        config = write_tables(corpus, folder)
        (folder / _CONFIG).write_text(config.model_dump_json())
        plan_with_core(config, read_records(output_storage(config.output)), 1)
        seconds: dict[str, float] = {}
        for way in WAYS:
            rows, seconds[way], peak = measured(folder, way)
            print(
                f"{way:<10}{rows:>14,}{corpus.shards:>9,}{seconds[way]:>9.1f}"
                f"{rows / seconds[way]:>14,.0f}{peak:>9,.0f}",
                flush=True,
            )
        print(f"fairshard takes {seconds['fairshard'] / seconds['pyarrow']:.2f} times as long")


def main() -> None:
    """Run the benchmark, or one way of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, nargs="+", default=[1e7])
    parser.add_argument("--attributes", type=int, default=2)
    parser.add_argument("--labels", type=int, default=10)
    parser.add_argument("--folder", type=Path, help="where tables are made")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    load_registrations()
    if given.way:
        started = time.perf_counter()
        rows = WAYS[given.way](given.folder)
        took = time.perf_counter() - started
        print(rows, took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)
        return
    print(machine())
    print(f"{'':<10}{'rows':>14}{'shards':>9}{'seconds':>9}{'rows/s':>14}{'MiB':>9}")
    for rows in map(int, given.rows):
        shards = max(1, rows // _ROWS_PER_SHARD)
        compare(Corpus(rows, shards, given.attributes, given.labels), given.folder)


if __name__ == "__main__":
    main()
