"""What ends a run that wrote an output: its times are kept, its report is built."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jobs.summary import summarise
from transforms import layout
from transforms.config import Config
from transforms.report import write_report
from transforms.storage import Storage, output_storage


def run(config: Config, seconds: Mapping[str, float]) -> dict[str, Any]:
    """Record the stages' `seconds` (none: nothing ran) and build the report; the summary."""
    storage = output_storage(config.output)
    if seconds:
        record = {
            "engine": config.engine.name,
            "stages": {**_recorded(storage), **seconds},
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        storage.publish(layout.RUN, f"{json.dumps(record, indent=1)}\n".encode())
    if seconds or not storage.exists(layout.REPORT):
        write_report(storage, config.input.storage_options)
    return summarise(storage)


def _recorded(storage: Storage) -> dict[str, float]:
    if not storage.exists(layout.RUN):
        return {}
    stages: dict[str, float] = json.loads(storage.read(layout.RUN))["stages"]
    return stages
