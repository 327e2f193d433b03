"""Weights for PyTorch's iterable datasets."""

from collections.abc import Iterator

from torch.utils.data import IterableDataset

from fairshard.loaders.sources import Sample
from fairshard.loaders.stage import Weighted


class WeightedDataset(IterableDataset[Sample]):
    """An iterable dataset of which each sample is given as often as an output holds it.

    How samples are split between workers and nodes is left to `dataset`.
    """

    def __init__(self, dataset: IterableDataset[Sample], kept: Weighted) -> None:
        self.dataset = dataset
        self.kept = kept

    def __iter__(self) -> Iterator[Sample]:
        return self.kept(self.dataset)
