"""A corpus as an output balances it, without rewriting it: weights that a loader goes by.

    import webdataset as wds
    from fairshard import loaders
    kept = loaders.weighted("balanced")     # what `fairshard export balanced weights` wrote
    dataset = wds.WebDataset(shards).compose(kept).shuffle(1000).decode("pil")

Samples are kept and repeated exactly as `fairshard resample` would write them, in any order of
shards and by any number of workers. `fairshard.loaders.pytorch` has a wrapper for any
IterableDataset, `fairshard.loaders.energon` a stage for Megatron Energon.
"""

from fairshard.loaders.map_style import indices
from fairshard.loaders.stage import Weighted, weighted
from fairshard.loaders.weights import Weights

__all__ = ["Weighted", "Weights", "indices", "weighted"]
