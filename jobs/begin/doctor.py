"""The job that says what a machine lacks, and the command that mends it."""

import dataclasses
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.begin.diagnosis.devices import check_gpu, check_java
from jobs.begin.diagnosis.finding import Finding
from jobs.begin.diagnosis.machine import check_clock, check_disk, check_memory
from jobs.begin.diagnosis.packages import check_packages, check_python
from jobs.session.console import say
from pipelines.registry import ENGINES
from transforms.config.sections import Config

_COLOURS = {"ok": "green", "warning": "yellow", "missing": "red"}


def run(config: Config | None) -> dict[str, Any]:
    """The findings on this machine and, where there is one, on what `config` asks of it."""
    extras = _extras(config) if config else ()
    findings = [check_python(), *check_packages(extras), check_memory(), check_clock()]
    findings += _for_config(config) if config else _for_anything()
    return {
        "ready": all(finding.status != "missing" for finding in findings),
        "checks": [dataclasses.asdict(finding) for finding in findings],
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print the findings as a table, then what to do."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("check", "", "found", "to mend it"):
        table.add_column(heading, overflow="fold")
    for check in summary["checks"]:
        status = Text(check["status"], _COLOURS[check["status"]])
        table.add_row(Text(check["check"]), status, Text(check["found"]), Text(check["mend"]))
    console.print(table)
    count = [check["status"] for check in summary["checks"]].count("missing")
    say(console, "ready" if summary["ready"] else f"not ready: {count} missing")


def _for_config(config: Config) -> list[Finding]:
    from jobs.begin.diagnosis.model import check_model
    from jobs.begin.diagnosis.storages import check_input, check_output, check_room
    from jobs.begin.diagnosis.tables import check_tables

    found, shards = check_input(config)
    findings = [found, *check_tables(config), *check_output(config)]
    if (room := check_room(config, shards)) is not None:
        findings.append(room)
    if ENGINES[config.engine.name].java:
        findings.append(check_java(needed=True))
    models = {"": config.model} | {
        f"embeddings.{name}.": source.model for name, source in config.embeddings.items()
    }
    for of, model in models.items():
        if model is not None:
            each = (check_model(model), check_gpu(model.device))
            findings += [replace(found, check=f"{of}{found.check}") for found in each]
    return findings


def _for_anything() -> list[Finding]:
    return [check_disk(Path.cwd()), check_java(needed=False), check_gpu(None)]


def _extras(config: Config) -> tuple[str, ...]:
    telemetry = "otel" if config.telemetry.otlp_endpoint else ""
    return tuple(extra for extra in (ENGINES[config.engine.name].extra, telemetry) if extra)
