"""What ends a run that wrote an output: its report is built."""

from collections.abc import Mapping
from typing import Any

from jobs.runs import now, record
from jobs.summary import summarise
from transforms import layout
from transforms.config import Config
from transforms.gates.results import require
from transforms.report import write_report
from transforms.storage import output_storage


def run(config: Config, seconds: Mapping[str, float]) -> dict[str, Any]:
    """Build the report, unless no stage ran, as `seconds` tell by being none; the summary."""
    storage = output_storage(config.output)
    if seconds:
        record(storage, engine=config.engine.name, finished=now())
    if seconds or not storage.exists(layout.REPORT):
        write_report(storage, config.input.storage_options)
    return summarise(storage)


def gated(config: Config, seconds: Mapping[str, float]) -> dict[str, Any]:
    """As `run`, and the output passes its gate first; GateError, once all is on file, if not."""
    if not config.gates.enabled:
        return run(config, seconds)
    from transforms.gates.gating import check_output

    result = check_output(config)
    summary = run(config, seconds)
    require(result)
    return summary
