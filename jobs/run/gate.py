"""The job that checks what a stage wrote, before the next one takes it."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from jobs.session.console import say
from jobs.session.growing import of_the_plan
from jobs.session.labelled import all_label_records
from transforms.base.counts import counted
from transforms.config.sections import Config
from transforms.gates.expectations import Stage
from transforms.gates.gating import check_output, check_plan, own_for, published
from transforms.gates.labels import check_tables
from transforms.gates.results import GateResult, require_none
from transforms.gates.subjects import labels_digest
from transforms.labels.records import LabelRecord
from transforms.outcome.artefacts import read_artefacts
from transforms.plan.plan import read_plan
from transforms.report.page import write_page
from transforms.shards.inputs import found_if_told, input_shards
from transforms.stages.engine import Engine
from transforms.storage import paths
from transforms.storage.files import output_storage


def run(stage: Stage, config: Config, runner: Engine) -> dict[str, Any]:
    """Check what `stage` is about, and publish result and data docs; a summary.

    Raises FairshardError where there is nothing to check yet.
    """
    checks = {"labels": _labels, "plan": _plan, "output": _output}
    result = checks[stage](config, runner)
    data_docs = output_storage(config.output).path(paths.DATA_DOCS)
    file = result.file
    return {**file.to_dict(), "outcome": file.outcome, "data_docs": data_docs}


def show(summary: dict[str, Any], console: Console) -> None:
    """Print a line for each expectation that failed, and one for the whole."""
    for failure in summary["failures"]:
        say(console, f"failed: {failure}")
    for warning in summary["warnings"]:
        say(console, f"warning: {warning}")
    warnings = counted(len(summary["warnings"]), "warning")
    say(
        console,
        f"gate {summary['stage']} {summary['outcome']}: "
        f"{counted(summary['evaluated'], 'expectation')}, "
        f"{len(summary['failures']):,} critical failed, {warnings}; "
        f"data docs: {summary['data_docs']}",
    )


def require(summary: dict[str, Any]) -> None:
    """Raise GateError where a critical expectation failed."""
    require_none(summary["stage"], summary["failures"])


def check_labels(config: Config, runner: Engine, records: Sequence[LabelRecord]) -> GateResult:
    """Check label tables on the engine."""
    with runner.label_tables(config, records) as tables:
        result = check_tables(tables, config, own_for("labels", config))
    return published(result, labels_digest(records), config)


def _labels(config: Config, runner: Engine) -> GateResult:
    return check_labels(config, runner, all_label_records(config, input_shards(config)))


def _plan(config: Config, _: Engine) -> GateResult:
    plan = read_plan(output_storage(config.output))
    config, shards = of_the_plan(config, input_shards(config))
    return check_plan(plan, all_label_records(config, shards), config)


def _output(config: Config, _: Engine) -> GateResult:
    found_if_told(config)
    storage = output_storage(config.output)
    artefacts = read_artefacts(storage)
    result = check_output(artefacts, config)
    write_page(artefacts, storage, config.input.storage_options)
    return result
