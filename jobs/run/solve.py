"""The job that counts the patterns of labelled shards and solves M4 once for the corpus."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from jobs.session.console import say
from jobs.session.inputs import input_of
from jobs.session.progress import watched
from jobs.session.resume import work_on
from jobs.session.why import explain_if_killed, why_of
from transforms.config.sections import Config
from transforms.labels.rejects import check_rejects
from transforms.plan.plan import expected_drops, read_plan
from transforms.shards.finding import Found
from transforms.stages.engine import Engine
from transforms.statistics.standard_errors import worst_of
from transforms.storage import paths
from transforms.storage.files import Storage

_MEASURES = ("RB", "AB", "skew")


def run(
    config: Config, runner: Engine, console: Console, found: Found | None = None
) -> dict[str, Any]:
    """Solve, or find it done; a summary of the plan."""
    work = work_on(config, input_of(config, console, found).shards, ("solve",))
    records = work.records
    work.begin(console)
    check_rejects(records, config)
    seconds: dict[str, float] = {}
    if work.plan is None:
        with watched(work.storage, ("solve",), 0, console) as seconds:
            runner.solve(config, records)
    else:
        explain_if_killed(work.plan, work.storage, console)
    return {**planned(work.storage), "seconds": seconds}


def planned(storage: Storage) -> dict[str, Any]:
    """A summary of the plan that an output holds; dropped_share is what it is expected to drop."""
    plan = read_plan(storage)
    file = plan.file
    dropped = expected_drops(storage, plan) / plan.solved_on
    measures, errors = file.measures, file.standard_errors
    measured = {
        "before": (measures.before, errors.before),
        "predicted": (measures.predicted, errors.predicted),
    }
    return {
        "samples": file.samples.to_dict(),
        "bias": {
            when: {"RB": found.max_RB, "AB": found.max_AB, "skew": found.max_skew}
            for when, (found, _) in measured.items()
        },
        "standard_errors": {
            when: {name: _error(getattr(found, name), getattr(errors, name)) for name in _MEASURES}
            for when, (found, errors) in measured.items()
        },
        "certificate": file.certificate.to_dict(),
        "rate": plan.rate_in_words,
        "sampled": plan.sampled_in_words,
        "dropped_share": dropped,
        "missed": list(file.missed),
        "missed_in_words": plan.missed_in_words,
        **why_of(plan, storage),
        "plan": storage.path(paths.PLAN),
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print a summary for people."""
    changes = ", ".join(
        f"{name} {_figure(summary, 'before', name)} to {_figure(summary, 'predicted', name)}"
        for name in ("RB", "AB")
    )
    console.print(
        f"{summary['samples']['balanced']:,} samples in {summary['samples']['patterns']:,} "
        f"patterns: {changes} at {summary['rate']} "
        f"(relative gap {summary['certificate']['gap']:.1e})",
        highlight=False,
        soft_wrap=True,
    )
    if summary["sampled"]:
        console.print(summary["sampled"], highlight=False, soft_wrap=True)
    if summary["missed"]:
        console.print(summary["missed_in_words"], highlight=False, soft_wrap=True)
    for line in summary["why"]:
        say(console, line)
    console.print(f"plan: {summary['plan']}", highlight=False, soft_wrap=True)


def _error(values: NDArray[np.float64], errors: NDArray[np.float64]) -> float | None:
    error = worst_of(values, errors)[1]
    return None if math.isnan(error) else error


def _figure(summary: dict[str, Any], when: str, name: str) -> str:
    value, error = summary["bias"][when][name], summary["standard_errors"][when][name]
    return f"{value:.4f}" + (f" ± {error:.4f}" if error is not None else "")
