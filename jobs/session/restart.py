"""Discarding what stages have made, so that they make all of it again."""

from collections.abc import Iterator, Sequence

from jobs.session.labelled import recorded_labels
from jobs.session.old_names import as_labelled
from jobs.session.outputs import outputs_of
from transforms.base.counts import counted, named
from transforms.labels.layers import LABELS, RECOGNISED, Layer
from transforms.labels.leftovers import all_tables, left_of_joins
from transforms.resampling.ownership import number_of
from transforms.shards.finding import Shard
from transforms.storage import paths
from transforms.storage.attempts import attempts_at
from transforms.storage.concurrent import at_once
from transforms.storage.files import Storage


class Discard:
    """Artefacts that go: a line on them, and their names, in groups that go one after another.

    Records go after what they vouch for: a file without one is taken for the user's.
    """

    def __init__(self, line: str, *groups: tuple[str, ...]) -> None:
        self.line = line
        self.groups = groups


def discard(discards: Sequence[Discard], storage: Storage) -> None:
    """Delete artefacts, group by group."""
    for entry in discards:
        for names in entry.groups:
            at_once(storage.delete, names)


def discards_of(
    stages: Sequence[str], storage: Storage, shards: Sequence[Shard] | None = None
) -> list[Discard]:
    """What `stages` have made, later stages first; no file that fairshard did not write.

    Labels go of these input `shards` alone; of None, of all that there are.
    """
    found = [*_of_resample(storage)] if "resample" in stages else []
    if "solve" in stages:
        found += _of_solve(storage)
    if "label" in stages:
        found += _of_label(storage, shards)
    return found


def _of_resample(storage: Storage) -> Iterator[Discard]:
    own = sorted(outputs_of(storage).own(storage))
    there = {*storage.names(paths.SHARDS)}
    files = [name for name in own if name.rpartition("/")[2] in there]
    shards = {number for name in files if (number := number_of(name)) is not None}
    said = (paths.MANIFEST,) if storage.exists(paths.MANIFEST) else ()
    if said or own:
        beside = f" and {named(len(shards), 'its', 'their')} manifest" * bool(said)
        yield Discard(
            f"{counted(len(shards), 'output shard')}{beside} "
            f"{named(len(shards) + len(said), 'is', 'are')} discarded",
            said,
            tuple(files),
            (*map(paths.output_record, own), paths.CLAIMED),
        )
    yield from _attempts("resample", storage)


def _of_solve(storage: Storage) -> Iterator[Discard]:
    parts = (paths.PLAN, paths.PATTERNS, paths.FLIPS, paths.SAMPLE, paths.EXPLANATION)
    there = tuple(part for part in parts if storage.exists(part))
    if there:
        yield Discard("the plan is discarded", there)
    yield from _attempts("solve", storage)


def _of_label(storage: Storage, given: Sequence[Shard] | None) -> Iterator[Discard]:
    where = f" in {storage.labels}" if storage.labels else ""
    for layer, what in ((LABELS, "the labels"), (RECOGNISED, "what was recognised")):
        shards = _recorded(layer, storage, given)
        if shards:
            of_shards = f"of {counted(len(shards), 'shard')}{where}"
            yield Discard(
                f"{what} {of_shards} {'are' if layer == LABELS else 'is'} discarded",
                tuple(name(shard) for shard in shards for name in (layer.table, layer.rejects)),
                tuple(layer.record(shard) for shard in shards),
            )
    between = () if storage.labels else (*left_of_joins(storage), *all_tables(storage))
    if between:
        yield Discard("the tables in hash buckets are discarded", between)
    yield from _attempts("label", storage)


def _recorded(layer: Layer, storage: Storage, given: Sequence[Shard] | None) -> tuple[str, ...]:
    there = storage.names(layer.records)
    on_file = {name.removesuffix(paths.RECORD) for name in there if name.endswith(paths.RECORD)}
    if given is not None:
        on_file &= {shard.name for shard in as_labelled(given, on_file, storage)}
    return recorded_labels(on_file, storage, layer)


def _attempts(stage: str, storage: Storage) -> Iterator[Discard]:
    left = tuple(paths.attempt(stage, found.name) for found in attempts_at(stage, storage))
    if left:
        line = f"{counted(len(left), 'attempt')} of {stage} that did not succeed"
        yield Discard(f"{line} {named(len(left), 'is', 'are')} forgotten", left)
