"""The main job: label, solve and resample as one job of the engine, then the report."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from jobs.run import finish, label, solve
from jobs.session import summary
from jobs.session.console import say
from jobs.session.inputs import input_of
from jobs.session.labelled import all_label_records
from jobs.session.progress import watched
from jobs.session.resume import STAGES_OF, no_shards, work_on
from jobs.session.why import explain_if_killed
from transforms.calibration.posteriors import fitting_calibration
from transforms.config.sections import Config
from transforms.gates.results import require
from transforms.labels.records import LabelRecord
from transforms.labels.rejects import check_rejects
from transforms.plan.plan import Plan, read_plan
from transforms.shards.finding import Found
from transforms.shards.left_out import as_json
from transforms.stages.engine import Engine
from transforms.storage.files import output_storage


def run(
    config: Config, runner: Engine, console: Console, found: Found | None = None
) -> dict[str, Any]:
    """Rebalance what is not done yet; the run's summary.

    Where labels and plan are at hand, they pass their gates and the shards are written alone.
    Labels that were lost are made first: if they come out as they were, the plan is kept.
    """
    fitting_calibration(config)
    found = input_of(config, console, found)
    rebalanced = _planned if config.input.tables else _rebalanced
    made = rebalanced(config, found, runner, console)
    return {**made, "left_out": as_json(found.left_out)}


def show(found: dict[str, Any], console: Console) -> None:
    """Print a summary for people."""
    if "no_shards" not in found:
        summary.show(found, console)
        return
    solve.show(found, console)
    say(console, found["no_shards"])


def _planned(config: Config, found: Found, runner: Engine, console: Console) -> dict[str, Any]:
    """Labels and plan, with their gates, of a corpus that has no shards to write others from."""
    label.run(config, runner, console, found)
    records = all_label_records(config, found.shards)
    if config.gates.enabled:
        _pass_gate_of_labels(config, runner, records)
    planned = solve.run(config, runner, console, found)
    if config.gates.enabled:
        _pass_gate_of_plan(config, read_plan(output_storage(config.output)), records)
    return {**planned, "no_shards": no_shards(config)}


def _rebalanced(config: Config, found: Found, runner: Engine, console: Console) -> dict[str, Any]:
    stages, shards = STAGES_OF["rebalance"], found.shards
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
        _pass_gate_of_labels(config, runner, records)
        _pass_gate_of_plan(config, work.plan, records)
    if work.complete:
        complete = finish.gated(config, {})
        console.print("the output is complete: nothing to do")
        return complete
    with watched(work.storage, ("resample",), 0, console) as seconds:
        runner.resample(config, records, work.plan)
    return finish.gated(config, seconds)


def _pass_gate_of_labels(config: Config, runner: Engine, records: Sequence[LabelRecord]) -> None:
    """Raise GateError unless the labels at hand pass their gate, or have done so."""
    from jobs.run.gate import check_labels
    from transforms.gates.gating import passed
    from transforms.gates.subjects import labels_digest

    if not passed("labels", labels_digest(records), config):
        require(check_labels(config, runner, records))


def _pass_gate_of_plan(config: Config, plan: Plan, records: Sequence[LabelRecord]) -> None:
    """Raise GateError unless the plan at hand passes its gate, or has done so."""
    from transforms.gates.gating import check_plan, passed
    from transforms.gates.subjects import plan_digest

    drawn = plan.file.draw is not None
    if not passed("plan", plan_digest(plan, records), config, drawn):
        require(check_plan(plan, records, config))
