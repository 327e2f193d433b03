"""A stage of a loader's pipeline that keeps and repeats samples as an output holds them."""

import copy
from collections.abc import Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

from fairshard.loaders.sources import KEY, Sample, Told, key_of, shard_of
from fairshard.loaders.weights import Weights


@dataclass(frozen=True)
class Weighted:
    """Takes samples and gives each as often as the output holds it: not at all, once, or again.

    Called with samples, it gives an iterator, as stages of webdataset do. shard and key tell a
    sample's shard and its key; with rename, repeats are named `<key>-1`, `<key>-2`, ...
    """

    weights: Weights
    shard: Told = shard_of
    key: Told = key_of
    rename: bool = False

    def __call__(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """The samples that the output holds, repeats next to each other: shuffle after it."""
        for sample in samples:
            yield from self.copies_of(sample)

    def copies_of(self, sample: Sample) -> Iterator[Sample]:
        """The copies of one sample, none where it is dropped."""
        key = self.key(sample)
        for number in range(self.weights.copies(self.shard(sample), key)):
            yield self._copy(sample, f"{key}-{number}") if number else sample

    def _copy(self, sample: Sample, key: str) -> Sample:
        again = copy.copy(sample)
        if self.rename and isinstance(again, MutableMapping):
            again[KEY] = key
        elif self.rename:
            setattr(again, KEY, key)
        return again


def weighted(
    weights: Weights | str | PathLike[str],
    *,
    shard: Told = shard_of,
    key: Told = key_of,
    rename: bool = False,
    **options: Any,
) -> Weighted:
    """A stage that keeps and repeats a loader's samples exactly as `resample` would write them.

    weights: those of the corpus, or where they are (see Weights, which takes the other options).
    Put it where samples still have `__key__` and `__url__`, and before they are decoded: what is
    dropped then costs nothing.
    """
    found = weights if isinstance(weights, Weights) else Weights(weights, **options)
    return Weighted(found, shard, key, rename)
