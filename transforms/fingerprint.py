"""What a plan was made from, as digests that can be compared part by part."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from transforms.config import Config
from transforms.errors import StaleError
from transforms.records import LabelRecord
from transforms.tables import digest

_PLAN_PARTS = ("attributes", "labels", "similarity", "utility", "filter", "balance", "seed")


def fingerprint(config: Config, records: Iterable[LabelRecord]) -> dict[str, str]:
    """A digest of each part: the configuration's sections, the inputs, the labels."""
    values = config.model_dump(mode="json")
    ordered = sorted(records, key=lambda record: record.shard.name)
    inputs = [[r.shard.name, r.shard.bytes, r.shard.version] for r in ordered]
    labels = [[r.shard.name, r.table_digest] for r in ordered]
    parts = {f"config.{part}": values[part] for part in _PLAN_PARTS}
    return {
        part: _digest(value)
        for part, value in {**parts, "inputs": inputs, "labels": labels}.items()
    }


def check_fits(made_from: Mapping[str, str], at_hand: Mapping[str, str], plan: str) -> None:
    """Raise StaleError, naming the parts that differ, unless the two fingerprints agree."""
    differing = sorted(
        part for part in {*made_from, *at_hand} if made_from.get(part) != at_hand.get(part)
    )
    if differing:
        raise StaleError(
            f"the plan {plan} was made from other {_listed(differing)}: run `fairshard solve` "
            "again, or restore what changed"
        )


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _digest(value: Any) -> str:
    return digest(json.dumps(value, sort_keys=True).encode())
