"""The command; see the package."""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.chaos.faults import faults_here
from benchmarks.chaos.reading import plugged_in
from benchmarks.chaos.trials import Trial, drawn_bench, run_trial
from benchmarks.machine import machine

_WRONG = {
    "lost": "samples lost",
    "duplicated": "duplicated",
    "wrong": "wrong bytes",
    "differs": "verify differs",
    "left": "left over",
    "unclear": "unclear ends",
    "hangs": "hangs",
    "unfinished": "unfinished",
}


def main(words: Sequence[str] | None = None) -> int:
    """Run the trials and print what was seen; 1 if anything was wrong."""
    options = _options(words)
    console = Console(width=160, highlight=False)
    place = nullcontext(options.folder) if options.folder else tempfile.TemporaryDirectory()
    with place as name:
        folder = Path(name).resolve()
        faults = faults_here(folder / "mount")
        chosen = [fault for fault in faults if not options.fault or fault in options.fault]
        began = time.monotonic()
        with plugged_in(folder / "plugins") as plugins:
            bench = drawn_bench(
                folder / "corpus",
                options.samples,
                options.shards,
                [f"--engine={options.engine}", *options.arguments],
                [plugins],
                options.limit,
            )
            trials: dict[str, list[Trial]] = {fault: [] for fault in chosen}
            for number in range(options.runs):
                for fault in chosen:
                    rng = random.Random(f"{options.seed} {fault} {number}")
                    place_of = folder / fault.partition(" (")[0].replace(" ", "-") / str(number)
                    trial = run_trial(bench, place_of, faults[fault], rng, options.disturb)
                    trials[fault].append(trial)
                    for finding in trial.findings or ["nothing wrong"]:
                        print(f"{fault}, run {number}: {finding}", file=sys.stderr, flush=True)
        console.print(_table(trials))
        console.print(
            f"{options.samples:,} samples in {options.shards} shards, seed {options.seed}, engine "
            f"{options.engine}; an undisturbed run takes {bench.seconds:.0f} s, all "
            f"{sum(len(t.commands) for found in trials.values() for t in found):,} commands took "
            f"{time.monotonic() - began:,.0f} s"
        )
        console.print(machine())
    return int(any(_count(found, what) for found in trials.values() for what in _WRONG))


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="outputs made under each fault")
    parser.add_argument("--seed", type=int, default=0, help="draws the faults")
    parser.add_argument("--engine", choices=("beam", "spark"), default="beam")
    parser.add_argument("--fault", action="append", help="this one alone; may be given again")
    parser.add_argument("--disturb", type=int, default=3, help="most disturbed commands a run")
    parser.add_argument("--limit", type=float, default=180.0, help="seconds; longer is a hang")
    parser.add_argument("--samples", type=int, default=120)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument(
        "--folder", type=Path, help="an empty folder to work in and leave, for logs"
    )
    parser.add_argument("arguments", nargs="*", help="after --: the engine's own options")
    return parser.parse_args(words)


def _table(trials: dict[str, list[Trial]]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("fault", no_wrap=True)
    for heading in ("runs", "faults", "reruns", *_WRONG.values(), "warned of"):
        table.add_column(heading, justify="right")
    for fault, found in trials.items():
        reruns = sum(len(trial.commands) - 1 for trial in found)
        counts = (len(found), _count(found, "faults"), reruns)
        seen = (_count(found, what) for what in (*_WRONG, "warned"))
        table.add_row(fault, *map(str, (*counts, *seen)))
    return table


def _count(trials: Sequence[Trial], what: str) -> int:
    return sum(getattr(trial, what) for trial in trials)


if __name__ == "__main__":
    sys.exit(main())
