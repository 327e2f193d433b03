"""The manifest: what the output holds and where it came from, with conservation checked."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from pydantic import Field, TypeAdapter

from transforms.base.errors import FairshardError
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.config.writers import DEFAULT_FORMAT
from transforms.labels.records import LabelRecord
from transforms.plan.plan import Plan
from transforms.resampling.output_moments import Written
from transforms.resampling.ownership import claim, owned, settle_claim
from transforms.resampling.packing import Kept
from transforms.resampling.records import OutputRecord, Taken, output_shard
from transforms.statistics.measures import Measures, measures_of
from transforms.storage import paths
from transforms.storage.documents import Count, Document, parsed
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed

VERSION = 1


class ShardEntry(Document):
    """What a manifest says of an output shard."""

    name: str
    samples: Count
    bytes: Count
    sha256: str
    origins: tuple[Taken, ...]


class Totals(Document):
    """What became of the input's samples, and what was written."""

    in_: Count = Field(alias="in")
    kept: Count
    dropped: Count
    rejected: Count
    repeats: Count
    written: Count
    bytes: Count


class InputEntry(Document):
    """What became of the samples of an input shard."""

    shard: str
    in_: Count = Field(alias="in")
    kept: Count
    dropped: Count
    rejected: Count
    repeats: Count


class Packing(Document):
    """How large output shards are to be, in samples or in bytes, and in which format they are."""

    samples_per_shard: Count | None
    bytes_per_shard: Count | None
    format: str = DEFAULT_FORMAT


class Manifest(Document):
    """The manifest as it is on file; as_labelled are the measures by recognised attributes, where
    these are not taken for true. groups: how many copies show any attribute of each group; None in
    manifests of old.
    """

    version: int
    plan: str
    packing: Packing
    totals: Totals
    measures: Measures
    as_labelled: Measures | None
    groups: dict[str, Count] | None = None
    shards: tuple[ShardEntry, ...]
    inputs: tuple[InputEntry, ...]

    def to_json(self) -> bytes:
        """JSON for people."""
        return f"{json.dumps(self.to_dict(), indent=1, ensure_ascii=False)}\n".encode()


_FORM = TypeAdapter(Manifest)


def make_manifest(
    records: Sequence[LabelRecord],
    kept: Sequence[Kept],
    outputs: Sequence[OutputRecord],
    written: Written,
    plan: Plan,
    config: Config,
) -> Manifest:
    """The manifest of a finished output; FairshardError where a sample is lost or counted twice.

    `written` is what the output shards hold.
    """
    inputs = _input_entries(records, kept, outputs)
    totals = Totals(
        in_=sum(entry.in_ for entry in inputs),
        kept=sum(entry.kept for entry in inputs),
        dropped=sum(entry.dropped for entry in inputs),
        rejected=sum(entry.rejected for entry in inputs),
        repeats=sum(entry.repeats for entry in inputs),
        written=sum(output.samples for output in outputs),
        bytes=sum(output.bytes for output in outputs),
    )
    _check(totals.written == totals.kept + totals.repeats, "the output", totals.to_dict())
    _check(totals.written == written.samples, "the output's statistics", totals.to_dict())
    attributes = schema_of(config).attributes
    return Manifest(
        version=VERSION,
        plan=plan.identity,
        packing=packing_of(config),
        totals=totals,
        measures=measures_of(written.moments, attributes),
        as_labelled=measures_of(written.labelled, attributes) if plan.odds else None,
        groups=dict(written.groups),
        shards=tuple(
            ShardEntry(
                name=output_shard(output.number, config),
                samples=output.samples,
                bytes=output.bytes,
                sha256=output.sha256,
                origins=output.origins,
            )
            for output in sorted(outputs, key=lambda output: output.number)
        ),
        inputs=inputs,
    )


def packing_of(config: Config) -> Packing:
    """The packing asked for, as a manifest says it."""
    return Packing(
        samples_per_shard=config.output.samples_per_shard,
        bytes_per_shard=config.output.bytes_per_shard,
        **config.output.other_format,
    )


def begin_output(count: int, plan: Plan, config: Config, storage: Storage) -> None:
    """Before the first of `count` output shards is written: claim them, and withdraw the manifest.

    That of the very output that is to be made stays. Raises FairshardError, and changes nothing,
    where a shard would take the place of a file of the user's.
    """
    manifest = manifest_on_file(storage)
    wanted = (output_shard(number, config) for number in range(count))
    claim(wanted, owned(storage, shard_names(manifest)), storage)
    if not is_of(manifest, plan, config):
        withdraw_manifest(storage)


def is_of(manifest: Manifest | None, plan: Plan, config: Config) -> bool:
    """Whether a manifest is of the output that `plan` makes, packed as configured."""
    if manifest is None:
        return False
    return manifest.plan == plan.identity and manifest.packing == packing_of(config)


def withdraw_manifest(storage: Storage) -> None:
    """Remove the manifest, and then what was made from it."""
    for name in (paths.MANIFEST, paths.REPORT, paths.validation("output")):
        storage.delete(name)


def publish_manifest(manifest: Manifest, storage: Storage) -> None:
    """Remove our shards of an earlier output, larger or of another format; write the manifest."""
    names = shard_names(manifest)
    settle_claim(names, owned(storage, names), storage)
    storage.settle(paths.MANIFEST, manifest.to_json())


def shard_names(manifest: Manifest | None) -> list[str]:
    """The output shards that a manifest names."""
    return [shard.name for shard in manifest.shards] if manifest else []


def read_manifest(storage: Storage) -> Manifest:
    """The manifest of an output folder; FairshardError where there is none that can be read."""
    content, where = storage.read(paths.MANIFEST), storage.path(paths.MANIFEST)
    with well_formed(f"{where} is not a manifest: run `fairshard resample` again"):
        return manifest_from(content)


def manifest_on_file(storage: Storage) -> Manifest | None:
    """The manifest of an output folder; None where there is none, or a torn one."""
    content = storage.find(paths.MANIFEST)
    if content is None:
        return None
    try:
        return manifest_from(content)
    except ValueError:
        return None


def manifest_of(plan: Plan, storage: Storage) -> Manifest | None:
    """The manifest of the output that `plan` made; None where there is none."""
    manifest = manifest_on_file(storage)
    return manifest if manifest is not None and manifest.plan == plan.identity else None


def manifest_from(content: bytes) -> Manifest:
    """The manifest in the JSON `content`; ValueError where it is none, in its form."""
    manifest = parsed(content, _FORM)
    if manifest.version != VERSION:
        raise ValueError(f"version {manifest.version}")
    return manifest


def _input_entries(
    records: Sequence[LabelRecord], kept: Sequence[Kept], outputs: Sequence[OutputRecord]
) -> tuple[InputEntry, ...]:
    planned = {entry.shard: entry for entry in kept}
    copies: Counter[str] = Counter()
    firsts: Counter[str] = Counter()
    for output in outputs:
        for origin in output.origins:
            copies[origin.shard] += origin.samples
            firsts[origin.shard] += origin.kept
    entries = []
    for record in sorted(records, key=lambda record: record.shard.name):
        name = record.shard.name
        counts = {
            "in": record.samples + record.rejects,
            "kept": firsts[name],
            "dropped": record.samples - planned[name].kept,
            "rejected": record.rejects,
            "repeats": copies[name] - firsts[name],
        }
        balanced = counts["in"] == counts["kept"] + counts["dropped"] + counts["rejected"]
        _check(balanced and copies[name] == planned[name].samples, f"the shard {name}", counts)
        entries.append(InputEntry(shard=name, **counts))
    return tuple(entries)


def _check(holds: bool, where: str, counts: Mapping[str, int]) -> None:
    if not holds:
        raise FairshardError(
            f"samples were lost or doubled in {where}: {dict(counts)}; nothing was published as "
            "complete; write all of it anew (`fairshard resample --restart`), and report this"
        )
