"""Solving on a sample of a corpus and polishing it, beside solving on all of its patterns.

`python -m benchmarks.polishing --rows 4e6 --labels 100 --most 1e6 25e4 6e4` makes label tables (see
benchmarks.label_tables), plans from all patterns, then with `balance.max_patterns` at each number
given. It prints, for each plan, the rows solved on, the seconds of counting and of drawing, of a
pass over all rows and of the solutions between passes, the peak resident memory of the process that
solves so far, by how much the value is above the exact plan's, relative to it, and the exact gap
and largest violation after each pass. Rows are gathered in a pool of processes.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.label_tables import Corpus, read_records, write_tables
from benchmarks.machine import machine
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.plan.plan import Plan
from transforms.stages.drawing import Drawing
from transforms.stages.solving import Counting, Polishing, Sampling
from transforms.stages.steps import Gathered, Step, merged
from transforms.stages.tasks import gather
from transforms.storage.files import output_storage

_ALL = 10**9
_STAGES = {Counting: "count", Sampling: "draw", Polishing: "pass", Drawing: "copies"}


def planned(
    config: Config, records: Sequence[LabelRecord], processes: int
) -> tuple[Plan, dict[str, list[float]]]:
    """The plan, and the seconds of each round by what it did, and of each solution."""
    step: Step = Counting()
    seconds: dict[str, list[float]] = defaultdict(list)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(abs, range(processes))
        while step.made is None:
            started = time.perf_counter()
            gathered: Gathered = None
            for part in pool.imap_unordered(partial(gather, step=step, config=config), records):
                gathered = merged(gathered, part)
            seconds[_STAGES[type(step)]].append(time.perf_counter() - started)
            started = time.perf_counter()
            step = step.advance(gathered, records, config)
            seconds["solve"].append(time.perf_counter() - started)
    return step.made, seconds


def show(plan: Plan, seconds: dict[str, list[float]], peak: float, reference: float) -> None:
    """Print a line for the plan, with its peak MiB, and one for each of its passes."""
    file, certificate = plan.file, plan.file.certificate
    passes = file.sampled.passes if file.sampled else ()
    mean = sum(seconds["pass"]) / len(passes) if passes else 0.0
    print(
        f"{plan.solved_on:>12,}{file.samples.patterns:>12,}{sum(seconds['count']):>8.1f}"
        f"{sum(seconds['draw']):>8.1f}{mean:>8.1f}{sum(seconds['solve']):>8.1f}"
        f"{peak:>9,.0f}{certificate.primal / reference - 1:>11.1e}{certificate.gap:>10.1e}"
        f"{certificate.violation:>10.1e}"
    )
    for number, found in enumerate(passes, 1):
        print(f"{'pass':>12}{number:>3}{'':>63}{found.gap:>11.1e}{found.violation:>10.1e}")


def main() -> None:
    """Make, plan, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, default=4e6)
    parser.add_argument("--attributes", type=int, default=2)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--most", type=float, nargs="+", default=[1e6, 25e4, 6e4])
    parser.add_argument("--eta", type=float, default=0.4)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    print(machine())
    print(
        f"{'solved on':>12}{'patterns':>12}{'count s':>8}{'draw s':>8}{'pass s':>8}{'solve s':>8}"
        f"{'MiB':>9}{'excess':>11}{'gap':>10}{'violation':>10}"
    )
    with tempfile.TemporaryDirectory() as name:
        corpus = Corpus(int(options.rows), 16, options.attributes, options.labels)
        config = write_tables(corpus, Path(name))
        records = read_records(output_storage(config.output))
        found: list[tuple[Plan, dict[str, list[float]], float]] = []
        for most in (*map(int, sorted(options.most)), _ALL):
            changes = {"eta": options.eta, "max_patterns": most}
            asked = config.balance.model_copy(update=changes)
            chosen = config.model_copy(update={"balance": asked})
            plan, seconds = planned(chosen, records, options.processes)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
            found.append((plan, seconds, peak))
        for plan, seconds, peak in found:
            show(plan, seconds, peak, found[-1][0].file.certificate.primal)


if __name__ == "__main__":
    main()
