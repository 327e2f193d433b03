"""Planning from label tables: how long the histogram and the solution of M4 take, by rows.

`python -m benchmarks.planning --rows 1e6 1e7 1e8 1e9 --engine core beam spark` makes the tables
(see benchmarks.label_tables), then plans from each in a fresh process. It prints the wall time of
that process from its start to the written plan, of its planning stage alone, of the pass that
counts patterns, of that which draws the corpus, and of what one process does with them (solving,
and choosing flips), the rows a second of the whole, and the peak resident memory of the largest of
its processes and of all together (pages that they share counted in each). Last, how many samples
are flipped, and by how much bounds are missed.
`core` is the stage's own functions in a pool of processes, one a core; the engines run as they do
by default.
"""

import argparse
import itertools
import math
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.label_tables import UTILITIES, Corpus, read_records, write_tables
from benchmarks.machine import machine
from transforms.config.sections import Config, EngineConfig
from transforms.labels.records import LabelRecord
from transforms.plan.plan import read_plan
from transforms.stages.drawing import Drawing
from transforms.stages.registrations import load_registrations
from transforms.stages.solving import Counting
from transforms.stages.steps import Gathered, Step, merged
from transforms.stages.tasks import gather
from transforms.storage.files import output_storage

ENGINES = ("core", "beam", "spark")
_ROWS_PER_SHARD = 1_000_000
_FEWEST_SHARDS = 8
_POLL_SECONDS = 0.2
_CONFIG = "config.json"
_PASSES = ("count", "draw", "solve")


def plan_with_core(
    config: Config, records: Sequence[LabelRecord], processes: int
) -> dict[str, float]:
    """Gather from each shard in a pool of processes, merge and go on; the seconds of each."""
    seconds = dict.fromkeys(_PASSES, 0.0)
    step: Step = Counting()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(warm, range(processes), chunksize=1)
        while step.made is None:
            started = time.perf_counter()
            gathered: Gathered = None
            for part in pool.imap_unordered(partial(gather, step=step, config=config), records):
                gathered = merged(gathered, part)
            seconds["draw" if isinstance(step, Drawing) else "count"] += (
                time.perf_counter() - started
            )
            started = time.perf_counter()
            step = step.advance(gathered, records, config)
            seconds["solve"] += time.perf_counter() - started
    return seconds


def warm(_: int) -> None:
    """Load what a worker needs, so that the first pass is not charged with it."""
    load_registrations()


def plan(folder: Path, engine: str, processes: int) -> tuple[float, ...]:
    """Plan from the tables in `folder`; the seconds of the stage, and those of each of its passes.

    An engine does not tell those: they are nan.
    """
    load_registrations()
    config = Config.model_validate_json((folder / _CONFIG).read_text())
    records = read_records(output_storage(config.output))
    started = time.perf_counter()
    if engine == "core":
        seconds = plan_with_core(config, records, processes)
        return time.perf_counter() - started, *seconds.values()
    from jobs.session.engines import runner_for

    chosen = config.model_copy(update={"engine": EngineConfig.model_validate({"name": engine})})
    runner_for(chosen, []).solve(chosen, records)
    return time.perf_counter() - started, *[math.nan] * len(_PASSES)


def measured(folder: Path, engine: str, processes: int) -> dict[str, float]:
    """Plan in a fresh process; seconds and peak MiB of it and all that it starts."""
    command = [sys.executable, "-m", "benchmarks.planning", "--plan", str(folder)]
    command += ["--engine", engine, "--processes", str(processes)]
    started = time.perf_counter()
    peaks: dict[int, float] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peaks.update(peak_memory(process.pid))
            time.sleep(_POLL_SECONDS)
        wall = time.perf_counter() - started
        assert process.stdout is not None
        said = process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"planning with {engine} failed")
    stage, *passes = map(float, said.split()[-1 - len(_PASSES) :])
    return {
        "wall": wall,
        "stage": stage,
        **dict(zip(_PASSES, passes, strict=True)),
        "largest": max(peaks.values()),
        "all": sum(peaks.values()),
    }


def peak_memory(root: int) -> dict[int, float]:
    """The peak resident MiB so far of the process `root` and its descendants, by process."""
    parent: dict[int, int] = {}
    peak: dict[int, float] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except (FileNotFoundError, ProcessLookupError):
            continue
        if "VmHWM" in lines:
            parent[int(lines["Pid"])] = int(lines["PPid"])
            peak[int(lines["Pid"])] = int(lines["VmHWM"].split()[0]) / 2**10
    family, found = {root}, True
    while found:
        found = {pid for pid, of in parent.items() if of in family} - family
        family |= found
    return {pid: peak[pid] for pid in family & peak.keys()}


def compare(corpus: Corpus, engines: Sequence[str], processes: int, parent: Path | None) -> None:
    """Make the tables of `corpus`, and print a line for each engine."""
    with tempfile.TemporaryDirectory(dir=parent) as name:
        folder = Path(name)
        config = write_tables(corpus, folder)
        (folder / _CONFIG).write_text(config.model_dump_json())
        core: float | None = None
        for engine in engines:
            took = measured(folder, engine, processes)
            core = took["wall"] if engine == "core" else core
            made = read_plan(output_storage(config.output))
            samples, draw = made.file.samples, made.file.draw
            assert draw is not None
            if samples.balanced != corpus.rows:
                raise RuntimeError(f"{engine} counted {samples.balanced:,} rows")
            ratio = f"{took['wall'] / core:8.2f}" if core else " " * 8
            print(
                f"{engine:<6}{corpus.rows:>14,}{corpus.attributes + corpus.labels:>8,}"
                f"{samples.patterns:>12,}{took['wall']:>9.1f}{took['stage']:>9.1f}"
                f"{took['count']:>9.1f}{took['draw']:>9.1f}{took['solve']:>9.1f}"
                f"{corpus.rows / took['wall']:>14,.0f}{ratio}"
                f"{took['largest']:>9,.0f}{took['all']:>9,.0f}"
                f"{len(made.flips):>8,}{draw.excess:>9.1e}",
                flush=True,
            )


def main() -> None:
    """Make, plan, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, nargs="+", default=[1e6, 1e7])
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=["core"])
    parser.add_argument("--attributes", type=int, default=2)
    parser.add_argument("--labels", type=int, nargs="+", default=[10])
    parser.add_argument("--utility", choices=UTILITIES, default="one")
    parser.add_argument("--shards", type=int, help="by default, one a million rows")
    parser.add_argument("--processes", type=int, default=2, help="of the core's pool")
    parser.add_argument("--folder", type=Path, help="where to make the tables")
    parser.add_argument("--plan", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plan is not None:
        print(*plan(options.plan, options.engine[0], options.processes))
        return
    print(machine())
    print(
        f"{'':<6}{'rows':>14}{'columns':>8}{'patterns':>12}{'wall s':>9}{'stage s':>9}"
        f"{'count s':>9}{'draw s':>9}{'solve s':>9}{'rows/s':>14}{'/ core':>8}{'MiB':>9}"
        f"{'all MiB':>9}{'flips':>8}{'missed':>9}"
    )
    for labels, rows in itertools.product(options.labels, map(int, options.rows)):
        shards = options.shards or max(_FEWEST_SHARDS, rows // _ROWS_PER_SHARD)
        corpus = Corpus(rows, shards, options.attributes, labels, options.utility)
        compare(corpus, options.engine, options.processes, options.folder)


if __name__ == "__main__":
    main()
