"""The gates between the stages of a run: each checks what a stage wrote, and publishes it."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from transforms.base.logs import event
from transforms.config.sections import Config
from transforms.gates.expectations import Expectation, Stage
from transforms.gates.labels import gate_labels, labels_suite
from transforms.gates.metrics import LabelMetrics
from transforms.gates.output import gate_output, output_suite
from transforms.gates.plan import gate_plan, plan_suite
from transforms.gates.results import GateResult, publish, standing
from transforms.gates.subjects import Subject, labels_digest, output_digest, plan_digest
from transforms.gates.users import own_content, read_own
from transforms.labels.records import LabelRecord
from transforms.labels.tables import digest
from transforms.outcome.artefacts import Artefacts
from transforms.plan.fingerprint import fingerprint
from transforms.plan.plan import Plan, read_histogram
from transforms.storage.files import output_storage


def check_labels(
    metrics: LabelMetrics, records: Sequence[LabelRecord], config: Config
) -> GateResult:
    """Check label tables by their merged metrics."""
    result = gate_labels(metrics, records, config, own_for("labels", config))
    return published(result, labels_digest(records), config)


def check_plan(plan: Plan, records: Sequence[LabelRecord], config: Config) -> GateResult:
    """Check the plan that is on file."""
    histogram, q = read_histogram(output_storage(config.output), plan)
    made_from, own = fingerprint(config, records), own_for("plan", config)
    result = gate_plan(plan, histogram, q, records, made_from, own)
    drawn = plan.file.draw is not None
    return published(result, plan_digest(plan, records), config, drawn)


def check_output(artefacts: Artefacts, config: Config) -> GateResult:
    """Check the finished output."""
    result = gate_output(artefacts, own_for("output", config))
    drawn, grown = artefacts.drawn is not None, artefacts.grown
    return published(result, output_digest(artefacts.manifest), config, drawn, grown)


def own_for(stage: Stage, config: Config) -> list[Expectation]:
    """The user's own expectations of a stage."""
    url = config.gates.expectations
    return read_own(url, stage) if url else []


def published(
    result: GateResult, of: str, config: Config, drawn: bool = False, grown: bool = False
) -> GateResult:
    """The result of a gate on what `of` is the digest of; put on file with its data docs, and its
    warnings into the log of whoever passed it. drawn: the plan says what is drawn. grown: the
    output is of several generations.
    """
    subject = _subject(result.stage, of, config, drawn, grown)
    publish(result, output_storage(config.output), subject)
    for warning in result.warnings:
        event(f"the gate of the {result.stage} warns: {warning}", gate=result.stage)
    return result


def passed(stage: Stage, of: str, config: Config, drawn: bool = False, grown: bool = False) -> bool:
    """Whether the gate has let what `of` is the digest of through, with what is expected now."""
    subject = _subject(stage, of, config, drawn, grown)
    return standing(stage, subject, output_storage(config.output))


def _subject(stage: Stage, of: str, config: Config, drawn: bool, grown: bool) -> Subject:
    suites = {
        "labels": lambda: labels_suite(config),
        "plan": lambda: plan_suite(drawn),
        "output": lambda: output_suite(drawn, grown),
    }
    suite = json.dumps([asdict(expectation) for expectation in suites[stage]()], sort_keys=True)
    url = config.gates.expectations
    return Subject(of, digest(suite.encode() + (own_content(url) if url else b"")))
