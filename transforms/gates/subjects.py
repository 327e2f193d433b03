"""What a gate's result belongs to: what was checked, and what was expected of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from transforms.gates.expectations import Stage
from transforms.labels.records import LabelRecord
from transforms.labels.tables import digest_of
from transforms.outcome.artefacts import Artefacts
from transforms.plan.plan import Plan
from transforms.resampling.manifest import Manifest


@dataclass(frozen=True)
class Subject:
    """Digests of what a gate checks, and of its expectations."""

    of: str
    asked: str


def labels_digest(records: Sequence[LabelRecord]) -> str:
    """A digest of what the gate of the labels looks at."""
    ordered = sorted(records, key=lambda record: record.shard.name)
    return digest_of([[r.shard.name, r.table_digest, r.samples, r.rejects] for r in ordered])


def plan_digest(plan: Plan, records: Sequence[LabelRecord]) -> str:
    """A digest of what the gate of the plan looks at."""
    return digest_of([plan.file.to_dict(), labels_digest(records)])


def output_digest(manifest: Manifest) -> str:
    """A digest of the manifest that the gate of the output looks at."""
    return digest_of(manifest.to_dict())


def checked_in(artefacts: Artefacts) -> dict[Stage, str]:
    """The digest of what each gate looks at in an output."""
    return {
        "labels": labels_digest(artefacts.records),
        "plan": plan_digest(artefacts.plan, artefacts.records),
        "output": output_digest(artefacts.manifest),
    }
