"""The main job: label, solve and resample as one job of the engine, then the report."""

from typing import Any

from rich.console import Console

from jobs import finish
from jobs.engines import Runner
from jobs.progress import watched
from jobs.state import is_complete, label_records
from transforms.calibration import fitting_calibration
from transforms.config import Config
from transforms.shards import find_shards
from transforms.storage import output_storage

STAGES = ("label", "solve", "resample")


def run(config: Config, runner: Runner, console: Console) -> dict[str, Any]:
    """Rebalance, or find it done; the run's summary."""
    fitting_calibration(config)
    shards = find_shards(config.input)
    storage = output_storage(config.output)
    if is_complete(config, shards):
        console.print("the output is complete: nothing to do")
        return finish.run(config, {})
    to_label = len(shards) - len(label_records(config, shards))
    with watched(storage, STAGES, to_label, console) as seconds:
        runner.rebalance(config, shards)
    return finish.run(config, seconds)
