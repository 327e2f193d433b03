"""What a plan was made from, as digests that can be compared part by part."""

from collections.abc import Collection, Iterable, Mapping

from transforms.base.errors import StaleError
from transforms.calibration.posteriors import calibration_bytes
from transforms.config.sections import Config
from transforms.generations.on_file import generations_before
from transforms.labels.records import LabelRecord
from transforms.labels.tables import digest, digest_of, labels_digest
from transforms.shards.finding import Shard
from transforms.storage.files import output_storage

_PLAN_PARTS = ("attributes", "labels", "similarity", "utility", "filter", "balance", "seed")


def fingerprint(config: Config, records: Iterable[LabelRecord]) -> dict[str, str]:
    """A digest of each part: the configuration's sections, the inputs, the labels.

    And of the calibration, where there is one; FairshardError where it cannot be read.
    """
    given = list(records)
    parts = unlabelled(config, (record.shard for record in given))
    return {**parts, "labels": labels_digest(given)}


def unlabelled(config: Config, shards: Iterable[Shard]) -> dict[str, str]:
    """The fingerprint of a configuration and its input, but for the labels.

    Where an output grows, that of what its earlier generations wrote is a part.
    """
    given, values = list(shards), config.model_dump(mode="json")
    parts = {f"config.{part}": digest_of(values[part]) for part in _PLAN_PARTS}
    if config.calibration is not None:
        parts["calibration"] = digest(calibration_bytes(config.calibration))
    if config.output.grows:
        names = [shard.name for shard in given]
        before = generations_before(names, output_storage(config.output))
        if before:
            parts["written"] = digest_of([generation.plan for generation in before])
    return {**parts, "inputs": _digest_of_inputs(given)}


def of_records(records: Collection[LabelRecord]) -> dict[str, str]:
    """The fingerprint of the inputs and the labels of an output alone, by what is on file."""
    inputs = _digest_of_inputs(record.shard for record in records)
    return {"inputs": inputs, "labels": labels_digest(records)}


def apart_from(names: Collection[str], made_from: Mapping[str, str]) -> dict[str, str]:
    """The parts of a fingerprint but for those named."""
    return {part: value for part, value in made_from.items() if part not in names}


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


def _digest_of_inputs(shards: Iterable[Shard]) -> str:
    ordered = sorted(shards, key=lambda shard: shard.name)
    return digest_of([[shard.name, shard.bytes, shard.version] for shard in ordered])


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
