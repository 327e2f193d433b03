"""Weights in PyTorch's own datasets, iterable and read by index."""

import pytest
import webdataset
from torch.utils.data import DataLoader, Subset

from fairshard import loaders
from fairshard.loaders.pytorch import WeightedDataset
from tests.loading import loaded
from tests.weighed import Balanced, contents


@pytest.mark.parametrize("workers", [0, 2])
def test_an_iterable_dataset_gives_what_resample_wrote(corpus: Balanced, workers: int) -> None:
    dataset = WeightedDataset(
        webdataset.WebDataset(list(corpus.shards), shardshuffle=False),
        loaders.weighted(corpus.weights),
    )
    found = contents(DataLoader(dataset, batch_size=None, num_workers=workers))
    assert found == corpus.written


@pytest.mark.parametrize("workers", [0, 2])
def test_a_dataset_read_by_index_gives_what_resample_wrote(corpus: Balanced, workers: int) -> None:
    samples = list(webdataset.WebDataset(list(corpus.shards)[::-1], shardshuffle=False))
    places = ((sample["__url__"], sample["__key__"]) for sample in samples)
    subset = Subset(samples, loaders.indices(corpus.weights, places))
    assert len(subset) == corpus.written.total()
    found = contents(DataLoader(subset, batch_size=None, shuffle=True, num_workers=workers))
    assert found == corpus.written


def test_samples_of_any_form_say_where_they_are_from(corpus: Balanced) -> None:
    samples = [
        {"shard": sample["__url__"], "name": sample["__key__"], "txt": sample["txt"]}
        for sample in webdataset.WebDataset(list(corpus.shards), shardshuffle=False)
    ]
    kept = loaders.weighted(
        corpus.weights, shard=lambda row: row["shard"], key=lambda row: row["name"]
    )
    assert len(list(kept(samples))) == corpus.written.total()


def test_loaders_without_pytorch_start_without_it() -> None:
    assert not {"torch", "webdataset", "megatron"} & loaded(["fairshard.loaders"])
