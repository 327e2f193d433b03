"""What gates cost: seconds of each, as a share of the counting that the labels' gate stands beside.

`python -m benchmarks.gates --rows 1e6 1e7 --engine beam spark` makes label tables (see
benchmarks.label_tables), plans from them, and checks labels and plan, each in a fresh process by
the command itself. `measure` is the metrics alone, in this process, beside counting alone: the
cost where both are done while a table is in memory. `--demo FOLDER` times the gates of a finished
demo instead, against the seconds that its run took.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.label_tables import Corpus, read_records, write_tables
from benchmarks.machine import machine
from transforms.config.schema import schema_of
from transforms.config.sections import Config, EngineConfig
from transforms.gates.expectations import STAGES, Stage
from transforms.gates.metrics import measure_shard
from transforms.stages.registrations import load_registrations
from transforms.statistics.counting import count_shard
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage

_ROWS_PER_SHARD = 1_000_000
_FEWEST_SHARDS = 8
_CONFIG = "config.json"


def solve_or_check(folder: Path, engine: str, task: str) -> None:
    """Solve for the tables in `folder`, or check its labels or its plan."""
    from jobs.session.engines import runner_for
    from transforms.gates.labels import check_tables
    from transforms.gates.plan import gate_plan
    from transforms.gates.results import publish, require
    from transforms.plan.fingerprint import fingerprint
    from transforms.plan.plan import read_histogram, read_plan

    chosen = EngineConfig.model_validate({"name": engine})
    load_registrations()
    config = Config.model_validate_json((folder / _CONFIG).read_text())
    config = config.model_copy(update={"engine": chosen})
    storage = output_storage(config.output)
    records, runner = read_records(storage), runner_for(config, [])
    if task == "solve":
        runner.solve(config, records)
        return
    if task == "labels":
        with runner.label_tables(config, records) as tables:
            result = check_tables(tables, config, [])
    else:
        plan = read_plan(storage)
        histogram, q = read_histogram(storage, plan)
        result = gate_plan(plan, histogram, q, records, fingerprint(config, records))
    publish(result, storage)
    require(result)


def seconds_of(command: Sequence[str]) -> float:
    """The seconds that a command takes."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def in_process(config: Config) -> tuple[float, float]:
    """The seconds of counting every table, and of measuring it, on one core."""
    storage, schema = output_storage(config.output), schema_of(config)
    records = read_records(storage)
    started = time.perf_counter()
    for record in records:
        count_shard(record, config, storage)
    counted = time.perf_counter()
    for record in records:
        measure_shard(record, schema, storage)
    return counted - started, time.perf_counter() - counted


def compare(rows: int, engines: Sequence[str], labels: int) -> None:
    """Make the tables, and print a line for each engine."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shards = max(_FEWEST_SHARDS, rows // _ROWS_PER_SHARD)
        config = write_tables(Corpus(rows, shards, labels=labels), folder)
        (folder / _CONFIG).write_text(config.model_dump_json())
        counting, measuring = in_process(config)
        print(
            f"{rows:>12,} rows, one core: counting {counting:.2f} s, measuring {measuring:.2f} s "
            f"({measuring / counting:.0%} of counting)",
            flush=True,
        )
        for engine in engines:
            task = ["benchmarks.gates", "--folder", name, "--engine", engine, "--task"]
            solve, *gates = (seconds_of([*task, each]) for each in ("solve", "labels", "plan"))
            print(
                f"{rows:>12,} rows, {engine}: solving {solve:.1f} s, gate of labels "
                f"{gates[0]:.1f} s, of the plan {gates[1]:.1f} s",
                flush=True,
            )


def check_demo(folder: Path) -> None:
    """Time the gates of a finished demo, as commands."""
    out = Storage(str(folder / "rebalanced"))
    run = sum(json.loads(out.read(paths.RUN))["stages"].values())
    took: dict[Stage, float] = {
        stage: seconds_of(["jobs.cli", "gate", stage, str(folder / "config.yaml")])
        for stage in STAGES
    }
    said = ", ".join(f"{stage} {value:.1f} s" for stage, value in took.items())
    print(f"demo: a run of {run:.1f} s; gates: {said}; {sum(took.values()) / run:.0%} of the run")


def main() -> None:
    """Make, check, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, nargs="*", default=[1e6, 1e7])
    parser.add_argument("--engine", nargs="+", choices=("beam", "spark"), default=["beam"])
    parser.add_argument("--labels", type=int, default=10)
    parser.add_argument("--demo", type=Path, help="the folder of a finished demo")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        solve_or_check(options.folder, options.engine[0], options.task)
        return
    print(machine())
    if options.demo:
        check_demo(options.demo)
        return
    for rows in map(int, options.rows):
        compare(rows, options.engine, options.labels)


if __name__ == "__main__":
    main()
