"""The job that writes the output shards that the plan asks for."""

from typing import Any

from rich.console import Console

from jobs import finish
from jobs.engines import Runner
from jobs.progress import watched
from jobs.state import all_label_records
from transforms import layout
from transforms.config import Config
from transforms.fingerprint import check_fits, fingerprint
from transforms.plan import read_plan
from transforms.shards import find_shards
from transforms.storage import output_storage


def run(config: Config, runner: Runner, console: Console) -> dict[str, Any]:
    """Resample; StaleError where the plan was made from other inputs; the run's summary."""
    storage = output_storage(config.output)
    records = all_label_records(config, find_shards(config.input))
    plan = read_plan(storage)
    check_fits(plan.fingerprint, fingerprint(config, records), storage.path(layout.PLAN))
    with watched(storage, ("resample",), 0, console) as seconds:
        runner.resample(config, records, plan)
    return finish.run(config, seconds)
