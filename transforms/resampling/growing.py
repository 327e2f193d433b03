"""What an output that grows puts on file: each generation by itself, then the whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transforms.config.sections import Config
from transforms.generations.on_file import (
    REBUILD,
    generations_before,
    vouched_content,
    written_patterns,
)
from transforms.generations.record import FileSaid, Generation, GenerationEntry, SeenShard
from transforms.generations.schemas import labelled_by
from transforms.labels.records import LabelRecord
from transforms.labels.tables import digest, parquet_bytes
from transforms.plan.plan import Plan
from transforms.resampling.manifest import Manifest, Totals, manifest_from
from transforms.resampling.output_moments import Written
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import measures_of
from transforms.statistics.pattern_tables import histogram_table
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage
from transforms.storage.wellformed import well_formed


@dataclass(frozen=True)
class Before:
    """The generations before the one that is written, in order; none where it is the first."""

    generations: tuple[Generation, ...]

    @classmethod
    def of(cls, shards: Sequence[str], config: Config) -> "Before":
        """Those before the one of these input shards; none where an output is to be replaced."""
        if not config.output.grows:
            return cls(())
        return cls(generations_before(shards, output_storage(config.output)))

    def __bool__(self) -> bool:
        return bool(self.generations)

    @property
    def first(self) -> int:
        """The number of the first output shard after theirs."""
        return self.generations[-1].following if self else 0

    @property
    def names(self) -> list[str]:
        """The names of the input shards that they are of."""
        return [entry.shard for generation in self.generations for entry in generation.inputs]

    @property
    def urls(self) -> list[str]:
        """Where these are, in one spelling and without secrets."""
        return [entry.url for generation in self.generations for entry in generation.inputs]


def archive(
    part: Manifest,
    written: Histogram,
    records: Sequence[LabelRecord],
    number: int,
    schema: Mapping[str, Any],
    first: int,
    storage: Storage,
) -> Generation:
    """Put a generation on file: the plan as it is, what it wrote, its `part` of the manifest.

    The record that vouches for them comes last. `schema` is what its labels depend on.
    """
    own = storage.generation(number)
    own.delete(paths.GENERATION)
    plan = ((name, storage.find(name)) for name in paths.OF_THE_PLAN)
    files = {name: content for name, content in plan if content is not None}
    files[paths.WRITTEN] = parquet_bytes(histogram_table(written))
    files[paths.MANIFEST] = part.to_json()
    for name in (paths.FLIPS, paths.DRAW):
        if name not in files:
            own.delete(name)
    for name, content in files.items():
        own.settle(name, content)
    generation = Generation(
        form=1,
        number=number,
        plan=part.plan,
        labelled_by=dict(schema),
        first=first,
        shards=len(part.shards),
        written=part.totals.written,
        inputs=tuple(
            SeenShard.of(record) for record in sorted(records, key=lambda one: one.shard.name)
        ),
        files={
            name: FileSaid(size=len(content), digest=digest(content))
            for name, content in files.items()
        },
    )
    own.publish(paths.GENERATION, generation.to_json())
    return generation


def grown_manifest(
    part: Manifest,
    held: Written,
    written: Histogram,
    records: Sequence[LabelRecord],
    plan: Plan,
    config: Config,
) -> Manifest:
    """Put the generation of `part` on file; the manifest of the whole, which is to follow.

    held is what its output shards sum to, written their patterns.
    """
    storage = output_storage(config.output)
    before = Before.of([record.shard.name for record in records], config)
    number = len(before.generations)
    generation = archive(part, written, records, number, labelled_by(config), before.first, storage)
    generations = [*before.generations, generation]
    parts = [*(part_of(one, storage) for one in before.generations), part]
    patterns = written_patterns(before.generations, storage)
    whole = held if patterns is None else Written.of_patterns(patterns, plan).plus(held)
    attributes = plan.terms.attributes
    return Manifest(
        version=part.version,
        plan=part.plan,
        packing=part.packing,
        totals=_together([one.totals for one in parts]),
        measures=measures_of(whole.moments, attributes),
        as_labelled=measures_of(whole.labelled, attributes) if plan.odds else None,
        groups=dict(whole.groups),
        shards=tuple(
            shard.model_copy(update={"generation": place})
            for place, one in enumerate(parts)
            for shard in one.shards
        ),
        inputs=tuple(
            entry.model_copy(update={"generation": place})
            for place, one in enumerate(parts)
            for entry in one.inputs
        ),
        generations=tuple(map(entry_of, generations, parts)),
    )


def entry_of(generation: Generation, part: Manifest) -> GenerationEntry:
    """What a manifest says of a generation, by its part of it."""
    corrected = {"as_labelled": part.as_labelled} if part.as_labelled else {}
    return GenerationEntry(
        number=generation.number,
        plan=generation.plan,
        record=digest(generation.to_json()),
        input_shards=len(generation.inputs),
        samples=part.totals.in_,
        kept=part.totals.kept,
        written=generation.written,
        shards=generation.shards,
        measures=part.measures,
        **corrected,
    )


def part_of(generation: Generation, storage: Storage) -> Manifest:
    """A generation's part of the manifest; StaleError where its file is lost, or another."""
    content, where = vouched_content(generation, paths.MANIFEST, "that of {}", storage)
    with well_formed(f"{where} is not a manifest: {REBUILD}"):
        return manifest_from(content)


def _together(totals: Sequence[Totals]) -> Totals:
    return Totals(
        **{
            name: sum(getattr(one, name) for one in totals)
            for name in ("in_", "kept", "dropped", "rejected", "repeats", "written", "bytes")
        }
    )
