"""Weights for datasets that are read by index."""

from collections.abc import Iterable
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairshard.loaders.weights import Weights


def indices(
    weights: Weights | str | PathLike[str], samples: Iterable[tuple[str, str]], **options: Any
) -> NDArray[np.int64]:
    """Which samples of a dataset an output holds, by index, each as often as it does.

    samples: shard and key of each sample of the dataset, in its order. For
    `torch.utils.data.Subset(dataset, indices)`, which any sampler can then draw from.
    """
    found = weights if isinstance(weights, Weights) else Weights(weights, **options)
    copies = np.fromiter((found.copies(shard, key) for shard, key in samples), np.int64)
    return np.repeat(np.arange(len(copies)), copies)
