"""What a run adds to an output that grows: the shards that it has not seen, or why it may not."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from jobs.session.old_names import as_labelled
from jobs.session.outputs import damaged_files
from jobs.session.written import (
    archive_first,
    labelled_inputs,
    require_alike,
    withdraw_unfinished,
)
from transforms.base.counts import counted, first_of, named
from transforms.base.differences import in_words
from transforms.base.errors import ConfigError, StaleError
from transforms.config.sections import APPEND, REPLACE, Config
from transforms.generations.on_file import REBUILD, generations_of, numbers_on_file
from transforms.generations.record import Generation, SeenShard
from transforms.generations.schemas import labelled_by, schema_apart
from transforms.plan.plan import read_plan
from transforms.resampling.growing import Before
from transforms.resampling.manifest import Manifest, manifest_on_file, packing_apart
from transforms.resampling.ownership import number_of
from transforms.shards.finding import Found, Shard
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage

_SHOWN = 3
_MAY_DIFFER = {"output.samples_per_shard", "output.bytes_per_shard"}


@dataclass(frozen=True)
class Growth:
    """What is new of the input of an output that is written, and what is not.

    generations: those on file; none where the first is not on file as one yet. inputs: the shards
    that they are of.
    """

    config: Config
    manifest: Manifest
    generations: tuple[Generation, ...]
    inputs: tuple[SeenShard, ...]
    new: tuple[Shard, ...]
    seen: tuple[Shard, ...]

    @property
    def lines(self) -> Iterator[str]:
        """What is new, and what it is added to."""
        written, place = self.manifest.totals.written, max(len(self.generations), 1)
        if self.new:
            are = counted(len(self.new), "new shard")
            yield (
                f"{are}{self._about}; generation {place} appends to "
                f"{counted(written, 'written sample')}"
            )
        else:
            yield (
                f"no shard is new: {counted(place, 'generation')} of "
                f"{counted(len(self.seen), 'shard')} {named(place, 'holds', 'hold')} "
                f"{counted(written, 'written sample')}"
            )

    @property
    def _about(self) -> str:
        """How many samples are new, if they are as large as those before; "" if no size is told."""
        before, new = sum(one.bytes for one in self.seen), sum(one.bytes for one in self.new)
        if not before or not new:
            return ""
        return f" (about {round(self.manifest.totals.in_ * new / before):,} samples by their size)"

    @property
    def before(self) -> Before:
        """The generations that are written, the first one as it would be put on file."""
        if self.generations:
            return Before(self.generations)
        manifest = self.manifest
        numbers = [number_of(shard.name) or 0 for shard in manifest.shards]
        first = Generation(
            number=0,
            plan=manifest.plan,
            labelled_by={},
            first=min(numbers, default=0),
            shards=len(numbers),
            written=manifest.totals.written,
            inputs=self.inputs,
        )
        return Before((first,))

    def found(self, found: Found) -> Found:
        """The input as a run is to see it: what is new alone; all, where nothing is."""
        return replace(found, shards=self.new or self.seen)

    def begin(self) -> None:
        """Put the first generation on file as one, where it is not yet.

        Where nothing is new, what a run that did not end has left is withdrawn.
        """
        storage = output_storage(self.config.output)
        if not self.new:
            withdraw_unfinished(self.manifest, self.generations, storage)
        elif not self.generations:
            archive_first(self.manifest, self.config, storage)


def growth_of(config: Config, found: Found) -> Growth | None:
    """What is new to the output of `config`, which grows; None where it is to be its first.

    Raises StaleError, with what to do, where an earlier generation's shards have changed, its
    labels are of another schema, or its output is not whole; ConfigError where it is packed
    otherwise.
    """
    storage = output_storage(config.output)
    if config.input.tables:
        raise ConfigError(
            "output.mode: append adds output shards to those that are written, and input.tables "
            "has none: leave it out"
        )
    manifest = manifest_on_file(storage)
    if manifest is None:
        _require_none_lost(storage)
        return None
    generations = generations_of(storage)
    inputs = [entry for generation in generations for entry in generation.inputs]
    inputs = inputs or labelled_inputs(manifest, storage)
    shards = as_labelled(found.shards, [entry.shard for entry in inputs], storage)
    _require_same(inputs, shards, storage)
    known = {entry.shard for entry in inputs}
    if generations:
        require_alike(schema_apart(generations[-1].labelled_by, labelled_by(config)), storage)
    _require_packing(config, manifest, storage)
    _require_whole(manifest, storage)
    return Growth(
        config,
        manifest,
        generations,
        tuple(inputs),
        tuple(shard for shard in shards if shard.name not in known),
        tuple(shard for shard in shards if shard.name in known),
    )


def as_one_corpus(config: Config) -> Config:
    """`config`, its output replaced by one of the whole input."""
    output = config.output.model_copy(update={"mode": REPLACE})
    return config.model_copy(update={"output": output})


def appending(config: Config) -> Config:
    """`config`, its new shards added to what is written."""
    output = config.output.model_copy(update={"mode": APPEND})
    return config.model_copy(update={"output": output})


def of_the_plan(config: Config, shards: Sequence[Shard]) -> tuple[Config, tuple[Shard, ...]]:
    """The configuration and the shards that the plan on file is of: in an output that has grown,
    those of the last generation, or of the one that is begun.
    """
    storage = output_storage(config.output)
    generations = generations_of(storage)
    if not generations:
        return config, tuple(shards)
    before = {entry.shard for one in generations for entry in one.inputs}
    if read_plan(storage).identity == generations[-1].plan:
        before -= generations[-1].names
    named_alike = as_labelled(shards, before, storage)
    return appending(config), tuple(one for one in named_alike if one.name not in before)


def require_none_to_discard(storage: Storage) -> None:
    """Raise ConfigError where --restart would discard what generations have written."""
    if manifest_on_file(storage) is not None:
        raise ConfigError(
            f"--restart would discard what is written in {storage.url}, to which output.mode: "
            "append adds: run the same without it to go on, or give --rebuild to make the whole "
            "output anew"
        )


def require_no_generations(config: Config, found: Found, withdraw: bool = True) -> None:
    """Raise StaleError where an output has grown, and would be replaced without anybody asking.

    One that something was only begun to be added to is as it was where the input is: the rest is
    withdrawn, unless nothing is to be done.
    """
    storage = output_storage(config.output)
    manifest = manifest_on_file(storage)
    if manifest is None:
        _require_none_lost(storage)
        return
    generations = generations_of(storage)
    if not generations:
        return
    many = counted(len(generations), "generation")
    seen = {entry.shard for generation in generations for entry in generation.inputs}
    shards = as_labelled(found.shards, seen, storage)
    if len(generations) > 1 or {shard.name for shard in shards} != seen:
        raise StaleError(
            f"{storage.url} holds {many}, to which new shards are added: give --append (or "
            "output.mode: append) to go on so, or --rebuild to make all of it anew as one corpus"
        )
    if withdraw:
        withdraw_unfinished(manifest, generations, storage)


def _require_none_lost(storage: Storage) -> None:
    """Raise StaleError where there are generations, and no manifest of them."""
    on_file = (storage.generation(number) for number in numbers_on_file(storage))
    if any(generation.exists(paths.GENERATION) for generation in on_file):
        raise StaleError(
            f"{storage.path(paths.MANIFEST)} is lost or damaged, and {storage.url} holds "
            f"generations: {REBUILD}"
        )


def _require_same(inputs: Sequence[SeenShard], shards: Collection[Shard], storage: Storage) -> None:
    now: Mapping[str, Shard] = {shard.name: shard for shard in shards}
    gone = [entry.shard for entry in inputs if entry.shard not in now]
    changed = [
        entry.shard
        for entry in inputs
        if (shard := now.get(entry.shard))
        and (shard.bytes, shard.version) != (entry.bytes, entry.version)
    ]
    for names, what in ((gone, "not in the input any more"), (changed, "changed since")):
        if names:
            are = named(len(names), "is", "are")
            raise StaleError(
                f"{counted(len(names), 'input shard')} that {storage.url} was written from "
                f"({first_of(names, _SHOWN)}) {are} {what}: restore "
                f"{named(len(names), 'it', 'them')}, or give --rebuild to make the whole output "
                "anew"
            )


def _require_packing(config: Config, manifest: Manifest, storage: Storage) -> None:
    """Raise ConfigError where output shards are to be of another kind than those there."""
    apart = set(packing_apart(manifest.packing.to_dict(), config)) - _MAY_DIFFER
    if apart:
        raise ConfigError(
            f"{in_words(sorted(apart))} {named(len(apart), 'is', 'are')} not as in the shards that "
            f"{storage.url} holds: leave it as it was, or give --rebuild to make the whole output "
            "anew"
        )


def _require_whole(manifest: Manifest, storage: Storage) -> None:
    """Raise StaleError where a file of the output is lost or cut, by a listing."""
    there = {f"{paths.OUTPUT_RECORDS}/{name}" for name in storage.names(paths.OUTPUT_RECORDS)}
    damaged = [name for name in damaged_files(manifest, there, storage) if name != paths.SIZES]
    if damaged:
        raise StaleError(
            f"{storage.path(damaged[0])}{f' and {len(damaged) - 1:,} more' * (len(damaged) > 1)} "
            f"of what is written {named(len(damaged), 'is', 'are')} lost or damaged, and what is "
            f"written is not written again: {REBUILD}"
        )
