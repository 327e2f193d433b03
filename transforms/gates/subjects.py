"""What a gate's result belongs to: what was checked, and what was expected of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transforms.gates.expectations import Stage
from transforms.plan import Plan
from transforms.records import LabelRecord
from transforms.report_data import Artefacts
from transforms.tables import digest


@dataclass(frozen=True)
class Subject:
    """Digests of what a gate checks, and of its expectations."""

    of: str
    asked: str


def labels_digest(records: Sequence[LabelRecord]) -> str:
    """A digest of what the gate of the labels looks at."""
    ordered = sorted(records, key=lambda record: record.shard.name)
    return _digest([[r.shard.name, r.table_digest, r.samples, r.rejects] for r in ordered])


def plan_digest(plan: Plan, records: Sequence[LabelRecord]) -> str:
    """A digest of what the gate of the plan looks at."""
    return _digest([dict(plan.document), labels_digest(records)])


def output_digest(manifest: Mapping[str, Any]) -> str:
    """A digest of the manifest that the gate of the output looks at."""
    return _digest(dict(manifest))


def checked_in(artefacts: Artefacts) -> dict[Stage, str]:
    """The digest of what each gate looks at in an output."""
    return {
        "labels": labels_digest(artefacts.records),
        "plan": plan_digest(artefacts.plan, artefacts.records),
        "output": output_digest(artefacts.manifest),
    }


def _digest(value: Any) -> str:
    return digest(json.dumps(value, sort_keys=True).encode())
