"""The manifest: what the output holds and where it came from, with conservation checked."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from transforms.base.errors import FairshardError
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.plan.outline import Figures
from transforms.plan.plan import Plan
from transforms.resampling.output_moments import Written
from transforms.resampling.ownership import claim, owned, settle_claim
from transforms.resampling.packing import Kept
from transforms.resampling.records import OutputRecord
from transforms.statistics.measures import measures_of
from transforms.storage import paths
from transforms.storage.documents import Count, json_in
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed

VERSION = 1


class _Origin(TypedDict):
    """What an output shard took of an input shard."""

    shard: str
    samples: Count
    kept: Count


class _Shard(TypedDict):
    """What a manifest says of an output shard."""

    name: str
    samples: Count
    bytes: Count
    sha256: str
    origins: list[_Origin]


_Totals = TypedDict(
    "_Totals",
    {
        "in": Count,
        "kept": Count,
        "dropped": Count,
        "rejected": Count,
        "repeats": Count,
        "written": Count,
        "bytes": Count,
    },
)
_Input = TypedDict(
    "_Input",
    {
        "shard": str,
        "in": Count,
        "kept": Count,
        "dropped": Count,
        "rejected": Count,
        "repeats": Count,
    },
)


class _Outline(TypedDict):
    """The parts of a manifest."""

    version: int
    plan: str
    packing: dict[str, int | None]
    totals: _Totals
    measures: Figures
    as_labelled: Figures | None
    shards: list[_Shard]
    inputs: list[_Input]


_OUTLINE = TypeAdapter(_Outline)


def make_manifest(
    records: Sequence[LabelRecord],
    kept: Sequence[Kept],
    outputs: Sequence[OutputRecord],
    written: Written,
    plan: Plan,
    config: Config,
) -> dict[str, Any]:
    """The manifest of a finished output; FairshardError where a sample is lost or counted twice.

    `written` is what the output shards hold.
    """
    inputs = _input_rows(records, kept, outputs)
    totals = {
        name: sum(row[name] for row in inputs)
        for name in ("in", "kept", "dropped", "rejected", "repeats")
    }
    totals["written"] = sum(output.samples for output in outputs)
    totals["bytes"] = sum(output.bytes for output in outputs)
    _check(totals["written"] == totals["kept"] + totals["repeats"], "the output", totals)
    _check(totals["written"] == written.samples, "the output's statistics", totals)
    attributes = schema_of(config).attributes
    return {
        "version": VERSION,
        "plan": plan.identity,
        "packing": packing_of(config),
        "totals": totals,
        "measures": measures_of(written.moments, attributes).to_dict(),
        "as_labelled": measures_of(written.labelled, attributes).to_dict() if plan.odds else None,
        "shards": [
            {
                "name": paths.output_shard(output.number),
                "samples": output.samples,
                "bytes": output.bytes,
                "sha256": output.sha256,
                "origins": [
                    {"shard": o.shard, "samples": o.samples, "kept": o.kept} for o in output.origins
                ],
            }
            for output in sorted(outputs, key=lambda output: output.number)
        ],
        "inputs": inputs,
    }


def packing_of(config: Config) -> dict[str, int | None]:
    """How large output shards are to be, as a manifest says it."""
    return config.output.model_dump(include={"samples_per_shard", "bytes_per_shard"})


def begin_output(count: int, plan: Plan, config: Config, storage: Storage) -> None:
    """Before the first of `count` output shards is written: claim them, and withdraw the manifest.

    That of the very output that is to be made stays. Raises FairshardError, and changes nothing,
    where a shard would take the place of a file of the user's.
    """
    manifest = manifest_on_file(storage)
    claim(count, owned(storage, manifest), storage)
    if not is_of(manifest, plan, config):
        withdraw_manifest(storage)


def is_of(manifest: Mapping[str, Any] | None, plan: Plan, config: Config) -> bool:
    """Whether a manifest is of the output that `plan` makes, packed as configured."""
    if manifest is None:
        return False
    return bool(manifest["plan"] == plan.identity and manifest["packing"] == packing_of(config))


def withdraw_manifest(storage: Storage) -> None:
    """Remove the manifest, and then what was made from it."""
    for name in (paths.MANIFEST, paths.REPORT, paths.validation("output")):
        storage.delete(name)


def publish_manifest(manifest: Mapping[str, Any], storage: Storage) -> None:
    """Remove our shards of an earlier, larger output, then write the manifest."""
    settle_claim(len(manifest["shards"]), owned(storage, manifest), storage)
    content = json.dumps(manifest, indent=1, ensure_ascii=False)
    storage.settle(paths.MANIFEST, f"{content}\n".encode())


def read_manifest(storage: Storage) -> dict[str, Any]:
    """The manifest of an output folder; FairshardError where there is none that can be read."""
    content, where = storage.read(paths.MANIFEST), storage.path(paths.MANIFEST)
    with well_formed(f"{where} is not a manifest: run `fairshard resample` again"):
        return manifest_from(content)


def manifest_on_file(storage: Storage) -> dict[str, Any] | None:
    """The manifest of an output folder; None where there is none, or a torn one."""
    content = storage.find(paths.MANIFEST)
    if content is None:
        return None
    try:
        return manifest_from(content)
    except ValueError:
        return None


def manifest_of(plan: Plan, storage: Storage) -> dict[str, Any] | None:
    """The manifest of the output that `plan` made; None where there is none."""
    manifest = manifest_on_file(storage)
    return manifest if manifest is not None and manifest["plan"] == plan.identity else None


def manifest_from(content: bytes) -> dict[str, Any]:
    """The manifest in the JSON `content`; ValueError where it is none, in its outline."""
    manifest = json_in(content)
    _OUTLINE.validate_python(manifest, strict=True)
    if manifest["version"] != VERSION:
        raise ValueError(f"version {manifest['version']}")
    return manifest


def _input_rows(
    records: Sequence[LabelRecord], kept: Sequence[Kept], outputs: Sequence[OutputRecord]
) -> list[dict[str, Any]]:
    planned = {entry.shard: entry for entry in kept}
    copies: Counter[str] = Counter()
    firsts: Counter[str] = Counter()
    for output in outputs:
        for origin in output.origins:
            copies[origin.shard] += origin.samples
            firsts[origin.shard] += origin.kept
    rows = []
    for record in sorted(records, key=lambda record: record.shard.name):
        name = record.shard.name
        row = {
            "in": record.samples + record.rejects,
            "kept": firsts[name],
            "dropped": record.samples - planned[name].kept,
            "rejected": record.rejects,
            "repeats": copies[name] - firsts[name],
        }
        balanced = row["in"] == row["kept"] + row["dropped"] + row["rejected"]
        _check(balanced and copies[name] == planned[name].samples, f"the shard {name}", row)
        rows.append({"shard": name, **row})
    return rows


def _check(holds: bool, where: str, counts: Mapping[str, int]) -> None:
    if not holds:
        raise FairshardError(
            f"samples were lost or doubled in {where}: {dict(counts)}; nothing was published as "
            "complete, run the resample stage again and report this"
        )
