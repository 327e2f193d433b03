"""The manifest: what the output holds and where it came from, with conservation checked."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import Field, TypeAdapter

from transforms.base.differences import differing
from transforms.base.errors import FairshardError
from transforms.config.schema import schema_of
from transforms.config.sections import KEEP, Config
from transforms.config.writers import DEFAULT_FORMAT
from transforms.generations.record import GenerationEntry
from transforms.labels.records import LabelRecord
from transforms.plan.plan import Plan
from transforms.resampling.output_moments import Written
from transforms.resampling.ownership import number_of
from transforms.resampling.packing import Kept
from transforms.resampling.records import OutputRecord, TableRecord, Taken, beside_of, output_shard
from transforms.statistics.measures import Measures, measures_of
from transforms.storage import paths
from transforms.storage.documents import Count, Document, parsed
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed

VERSION = 1


class TableEntry(Document):
    """What a manifest says of the table beside an output shard; notes: as its record has them."""

    bytes: Count
    sha256: str
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: TableRecord) -> Self:
        """The entry of a table that a shard's record vouches for."""
        notes = {"notes": table.notes} if table.notes else {}
        return cls(bytes=table.bytes, sha256=table.sha256, **notes)


class ShardEntry(Document):
    """What a manifest says of an output shard; table: None where none is beside it.

    generation: the one that wrote it, where an output has grown.
    """

    name: str
    samples: Count
    bytes: Count
    sha256: str
    origins: tuple[Taken, ...]
    table: TableEntry | None = None
    generation: Count | None = None

    @classmethod
    def of(cls, output: OutputRecord, config: Config) -> Self:
        """The entry of a shard that its record vouches for."""
        beside: dict[str, Any] = {"table": TableEntry.of(output.table)} if output.table else {}
        return cls(
            name=output_shard(output.number, config),
            samples=output.samples,
            bytes=output.bytes,
            sha256=output.sha256,
            origins=output.origins,
            **beside,
        )


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
    """What became of the samples of an input shard; generation: as of an output shard."""

    shard: str
    in_: Count = Field(alias="in")
    kept: Count
    dropped: Count
    rejected: Count
    repeats: Count
    generation: Count | None = None


class Packing(Document):
    """How large output shards are to be, in samples or in bytes, their format, and their keys.

    beside: what is written beside them; None in manifests of old.
    """

    samples_per_shard: Count | None
    bytes_per_shard: Count | None
    format: str = DEFAULT_FORMAT
    keys: str = KEEP
    beside: tuple[str, ...] | None = None


class Manifest(Document):
    """The manifest as it is on file; as_labelled are the measures by recognised attributes, where
    these are not taken for true. groups: how many copies show any attribute of each group; None in
    manifests of old. generations: of an output that grows, in order; all else is of the whole, but
    for the plan, which is that of the last.
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
    generations: tuple[GenerationEntry, ...] | None = None

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
            ShardEntry.of(output, config)
            for output in sorted(outputs, key=lambda output: output.number)
        ),
        inputs=inputs,
    )


def packing_of(config: Config) -> Packing:
    """The packing asked for, as a manifest says it."""
    return Packing(
        samples_per_shard=config.output.samples_per_shard,
        bytes_per_shard=config.output.bytes_per_shard,
        beside=beside_of(config),
        **config.output.other_form,
    )


def packing_apart(packing: Mapping[str, Any], config: Config) -> list[str]:
    """The keys of the configuration that another packing than this, as on file, was asked by.

    One of old, of nothing beside the shards, is as good as any where that is not asked for.
    """
    asked = packing_of(config).to_dict()
    if config.output.beside is None and packing.get("beside") is None:
        asked.pop("beside")
    return differing(packing, asked, "output")


def is_of(manifest: Manifest | None, plan: Plan, config: Config) -> bool:
    """Whether a manifest is of the output that `plan` makes, packed as configured."""
    if manifest is None:
        return False
    same = manifest.plan == plan.identity
    return same and not packing_apart(manifest.packing.to_dict(), config)


def shard_names(manifest: Manifest | None) -> list[str]:
    """The output shards that a manifest names."""
    return [shard.name for shard in manifest.shards] if manifest else []


def notes_beside(manifest: Manifest) -> list[str]:
    """What of the tables beside the input is not in those beside the output, and why."""
    notes = (note for shard in manifest.shards if shard.table for note in shard.table.notes)
    return sorted({*notes})


def names_beside(manifest: Manifest | None) -> list[str]:
    """The files beside the output shards that a manifest vouches for."""
    if manifest is None:
        return []
    numbers = (number_of(shard.name) for shard in manifest.shards if shard.table)
    tables = [paths.samples_table(number) for number in numbers if number is not None]
    return [*tables, *([paths.SIZES] if "sizes" in (manifest.packing.beside or ()) else [])]


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
