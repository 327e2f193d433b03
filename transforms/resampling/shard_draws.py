"""The draw of a whole corpus, gathered shard by shard before a shard is written."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pyarrow as pa

from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.plan.flips import Flips
from transforms.plan.passes import distinct_flags
from transforms.plan.plan import Plan
from transforms.resampling.candidates import Candidates, Eligibility, as_patterns
from transforms.resampling.drawing import drawn_of, kept_of, weighed
from transforms.resampling.output_moments import Written, copies_in
from transforms.resampling.packing import Kept
from transforms.statistics.exact_sums import FixedSums
from transforms.storage.files import Storage


@dataclass
class ShardDraws:
    """What shards give to the output: the sums of their copies, what each gives, and candidates."""

    sums: FixedSums
    kept: list[Kept]
    candidates: Candidates

    def merge(self, other: "ShardDraws") -> Self:
        """What both hold."""
        self.sums = self.sums.merge(other.sums)
        self.kept += other.kept
        self.candidates.merge(other.candidates)
        return self

    def extract(self) -> tuple[FixedSums, list[Kept], pa.Table]:
        """All three, what shards give in order of their names."""
        kept = sorted(self.kept, key=lambda entry: entry.shard)
        return self.sums, kept, self.candidates.extract()


def draw_shard(
    record: LabelRecord, plan: Plan, choice: Eligibility, config: Config, storage: Storage
) -> ShardDraws:
    """What one labelled shard gives by systematic sampling alone."""
    shard = weighed(record, replace(plan, flips=Flips()), config, storage)
    labelled, row = distinct_flags(np.packbits(shard.flags, axis=1), plan.terms)
    copies = np.bincount(row, shard.copies, len(labelled)).astype(np.int64)
    return ShardDraws(
        copies_in(replace(labelled, counts=copies), plan),
        [kept_of(record, drawn_of(shard, config))],
        Candidates.of(shard, record.shard.name, config.seed, choice),
    )


@dataclass(frozen=True)
class CorpusDraw:
    """The draw of a corpus, with its flips: what its copies sum to, and of how many samples.

    kept: what shards give, of those whose flips change it in a way that is known.
    """

    written: Written
    samples: int
    kept: tuple[Kept, ...]
    flips: Flips


def flipped_draw(
    sums: FixedSums, kept: list[Kept], flipped: pa.Table, plan: Plan, config: Config
) -> CorpusDraw:
    """The draw of shards in which these candidates get one copy more or fewer."""
    sign = flipped.column("sign").to_numpy().astype(np.int64)
    copies = flipped.column("copies").to_numpy()
    gained = (copies + sign > 0).astype(np.int64) - (copies > 0)
    found = flipped.column("shard").combine_chunks().dictionary_encode()
    shard, names = found.indices.to_numpy(), found.dictionary.to_pylist()
    more, new = (np.bincount(shard, each, len(names)).tolist() for each in (sign, gained))
    changes = {name: (int(a), int(b)) for name, a, b in zip(names, more, new, strict=True)}
    row = flipped.column("row").to_numpy()
    return CorpusDraw(
        Written.from_sums(sums.merge(copies_in(as_patterns(flipped, sign, plan), plan)), plan),
        sum(entry.kept for entry in kept) + int(gained.sum()),
        tuple(changed for entry in kept if (changed := _changed(entry, changes, config))),
        Flips({name: np.sort(row[shard == place]) for place, name in enumerate(names)}),
    )


def _changed(entry: Kept, changes: dict[str, tuple[int, int]], config: Config) -> Kept | None:
    """What a shard gives with its flips; None where that depends on which samples they are of."""
    if entry.shard not in changes:
        return entry
    if config.output.bytes_per_shard is not None:
        return None
    copies, kept = changes[entry.shard]
    samples = entry.samples + copies
    last = int(samples > 0)
    return Kept(entry.shard, samples, entry.kept + kept, samples, last, last)
