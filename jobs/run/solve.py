"""The job that counts the patterns of labelled shards and solves M4 once for the corpus."""

from typing import Any

from rich.console import Console

from jobs.session.absences import say_absences, shown_absences
from jobs.session.bias_lines import planned_in_values, say_planned_bias
from jobs.session.console import say
from jobs.session.inputs import input_of
from jobs.session.progress import watched
from jobs.session.resume import work_on
from jobs.session.why import explain_if_killed, why_of
from transforms.base.counts import counted
from transforms.config.sections import Config
from transforms.labels.rejects import check_rejects
from transforms.outcome.measure_rows import planned_rows
from transforms.outcome.verdict import plan_verdict
from transforms.plan.plan import expected_drops, read_histogram, read_plan
from transforms.shards.finding import Found
from transforms.stages.engine import Engine
from transforms.storage import paths
from transforms.storage.files import Storage


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
    file, rows = plan.file, planned_rows(plan)
    histogram, q = read_histogram(storage, plan)
    verdict = plan_verdict(plan, rows)
    dropped = expected_drops(histogram, q) / plan.solved_on
    return {
        "verdict": verdict.sentence,
        "met": verdict.met,
        "samples": file.samples.to_dict(),
        **planned_in_values(rows),
        "certificate": file.certificate.to_dict(),
        "rate": plan.rate_in_words,
        "sampled": plan.sampled_in_words,
        "dropped_share": dropped,
        **({"transferred": file.transferred.to_dict()} if file.transferred else {}),
        "missed": list(file.missed),
        "missed_in_words": plan.missed_in_words,
        **shown_absences(plan, histogram, q),
        **why_of(plan, storage),
        "plan": storage.path(paths.PLAN),
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print a summary for people."""
    samples = summary["samples"]
    proven = f"at {summary['rate']} (relative gap {summary['certificate']['gap']:.1e})"
    if summary.get("transferred"):
        proven = f"weighed {summary['rate']} (no certificate)"
    say(
        console,
        f"{counted(samples['balanced'], 'sample')} in {counted(samples['patterns'], 'pattern')} "
        f"{proven}",
    )
    say_planned_bias(summary, console)
    if summary["sampled"]:
        say(console, summary["sampled"])
    say(console, f"{'' if summary['met'] else 'done, unmet: '}{summary['verdict']}")
    for line in summary["why"]:
        say(console, line)
    say_absences(summary, console)
    say(console, f"plan: {summary['plan']}")
