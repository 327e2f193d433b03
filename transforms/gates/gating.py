"""The gates between the stages of a run: each checks what a stage wrote, and publishes it."""

from collections.abc import Sequence

from transforms.config import Config
from transforms.fingerprint import fingerprint
from transforms.gates.expectations import Expectation, Stage
from transforms.gates.labels import gate_labels
from transforms.gates.metrics import LabelMetrics
from transforms.gates.output import gate_output
from transforms.gates.plan import gate_plan
from transforms.gates.results import GateResult, publish
from transforms.gates.users import read_own
from transforms.plan import Plan, read_histogram
from transforms.records import LabelRecord
from transforms.report_data import Artefacts
from transforms.storage import output_storage


def check_labels(
    metrics: LabelMetrics, records: Sequence[LabelRecord], config: Config
) -> GateResult:
    """Check label tables by their merged metrics."""
    return published(gate_labels(metrics, records, config, own_for("labels", config)), config)


def check_plan(plan: Plan, records: Sequence[LabelRecord], config: Config) -> GateResult:
    """Check the plan that is on file."""
    histogram, q = read_histogram(output_storage(config.output), plan.document)
    made_from, own = fingerprint(config, records), own_for("plan", config)
    return published(gate_plan(plan, histogram, q, records, made_from, own), config)


def check_output(artefacts: Artefacts, config: Config) -> GateResult:
    """Check the finished output."""
    return published(gate_output(artefacts, own_for("output", config)), config)


def own_for(stage: Stage, config: Config) -> list[Expectation]:
    """The user's own expectations of a stage."""
    url = config.gates.expectations
    return read_own(url, stage) if url else []


def published(result: GateResult, config: Config) -> GateResult:
    """The result of a gate, which is put on file with its data docs."""
    publish(result, output_storage(config.output))
    return result
