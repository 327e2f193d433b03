"""The main job: label, solve and resample as one job of the engine, then the report."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from jobs.run import finish
from jobs.session.inputs import input_of
from jobs.session.progress import watched
from jobs.session.resume import STAGES_OF, work_on
from jobs.session.why import explain_if_killed
from transforms.calibration.posteriors import fitting_calibration
from transforms.config.sections import Config
from transforms.gates.results import require
from transforms.labels.records import LabelRecord
from transforms.labels.rejects import check_rejects
from transforms.plan.plan import Plan
from transforms.shards.finding import Found, Shard
from transforms.shards.left_out import as_json
from transforms.stages.engine import Engine


def run(
    config: Config, runner: Engine, console: Console, found: Found | None = None
) -> dict[str, Any]:
    """Rebalance what is not done yet; the run's summary.

    Where labels and plan are at hand, they pass their gates and the shards are written alone.
    Labels that were lost are made first: if they come out as they were, the plan is kept.
    """
    fitting_calibration(config)
    found = input_of(config, console, found)
    summary = _rebalanced(config, found.shards, runner, console)
    return {**summary, "left_out": as_json(found.left_out)}


def _rebalanced(
    config: Config, shards: Sequence[Shard], runner: Engine, console: Console
) -> dict[str, Any]:
    stages = STAGES_OF["rebalance"]
    work = work_on(config, shards, stages)
    work.begin(console)
    if work.as_before:
        missing = len(work.labels.missing)
        with watched(work.storage, ("label",), missing, console, work.labels.to_read):
            runner.label(config, work.labels.given)
        work = work_on(config, shards, stages)
        work.begin(console)
    if work.plan is None:
        missing, to_read = len(work.labels.missing), work.labels.to_read
        with watched(work.storage, stages, missing, console, to_read) as seconds:
            runner.rebalance(config, work.labels.shards)
        return finish.gated(config, seconds)
    explain_if_killed(work.plan, work.storage, console)
    records = work.records
    check_rejects(records, config)
    if config.gates.enabled:
        _pass_gates(config, runner, work.plan, records)
    if work.complete:
        found = finish.gated(config, {})
        console.print("the output is complete: nothing to do")
        return found
    with watched(work.storage, ("resample",), 0, console) as seconds:
        runner.resample(config, records, work.plan)
    return finish.gated(config, seconds)


def _pass_gates(config: Config, runner: Engine, plan: Plan, records: Sequence[LabelRecord]) -> None:
    """Raise GateError unless the labels and the plan at hand pass their gates, or have done so."""
    from jobs.run.gate import check_labels
    from transforms.gates.gating import check_plan, passed
    from transforms.gates.subjects import labels_digest, plan_digest

    if not passed("labels", labels_digest(records), config):
        require(check_labels(config, runner, records))
    if not passed("plan", plan_digest(plan, records), config):
        require(check_plan(plan, records, config))
