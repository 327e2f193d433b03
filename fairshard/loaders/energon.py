"""Weights for Megatron Energon, 7 and later: for the methods of a TaskEncoder."""

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Any

from megatron.energon.errors import FatalSampleError

from fairshard.loaders.sources import Sample
from fairshard.loaders.stage import Weighted
from fairshard.loaders.weights import Weights
from transforms.base.errors import FairshardError


@dataclass(frozen=True)
class WeightedSamples(Weighted):
    """Gives each sample as often as an output holds it; what is wrong ends the run."""

    def copies_of(self, sample: Sample) -> Iterator[Sample]:
        """The copies of one sample, none where it is dropped; for a generator's `yield from`.

        Energon passes over a sample that fails, a hundred times, unless the error is fatal.
        """
        try:
            yield from super().copies_of(sample)
        except FairshardError as error:
            raise FatalSampleError(str(error)) from error


def weighted(
    weights: Weights | str | PathLike[str], *, rename: bool = False, **options: Any
) -> WeightedSamples:
    """What keeps and repeats samples exactly as `resample` would write them.

    kept = weighted("balanced")

    class Encoder(DefaultTaskEncoder):
        @stateless
        def preencode_sample(self, sample):
            yield from kept.copies_of(sample)
    """
    found = weights if isinstance(weights, Weights) else Weights(weights, **options)
    return WeightedSamples(found, _shard_of, rename=rename)


def _shard_of(sample: Sample) -> str:
    source = sample.__sources__[0]
    return f"{source.dataset_path}/{source.shard_name}"
