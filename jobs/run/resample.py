"""The job that writes the output shards that the plan asks for."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from jobs.run import finish
from jobs.session.inputs import input_of
from jobs.session.progress import watched
from jobs.session.resume import work_on
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.plan.fingerprint import check_fits, fingerprint
from transforms.plan.plan import Plan, read_plan
from transforms.shards.finding import Found
from transforms.stages.engine import Engine
from transforms.storage import paths
from transforms.storage.files import output_storage


def run(
    config: Config, runner: Engine, console: Console, found: Found | None = None
) -> dict[str, Any]:
    """Resample; StaleError where the plan was made from other inputs; the run's summary."""
    work = work_on(config, input_of(config, console, found).shards, ("resample",))
    records = work.records
    plan = fitting_plan(config, records)
    work.begin(console)
    if work.complete:
        return finish.run(config, {})
    with watched(work.storage, ("resample",), 0, console) as seconds:
        runner.resample(config, records, plan)
    return finish.run(config, seconds)


def fitting_plan(config: Config, records: Sequence[LabelRecord]) -> Plan:
    """The plan on file; StaleError where it was made from other inputs."""
    storage = output_storage(config.output)
    plan = read_plan(storage)
    check_fits(plan.fingerprint, fingerprint(config, records), storage.path(paths.PLAN))
    return plan
