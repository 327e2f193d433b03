"""Weights in object stores, read by workers that were forked once their parent had read some."""

from collections.abc import Iterator

import pytest
import webdataset
from torch.utils.data import DataLoader

from fairshard import loaders
from tests.servers import SERVERS, Store
from tests.weighed import Balanced, contents


@pytest.fixture(scope="module", params=SERVERS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A running server."""
    with SERVERS[request.param]() as running:
        yield running


@pytest.mark.parametrize("workers", [0, 2])
def test_weights_are_read_from_a_bucket(corpus: Balanced, store: Store, workers: int) -> None:
    place = f"{store.url}/balanced"
    for file in corpus.weights.glob("*.parquet"):
        store.system.pipe_file(f"{place}/exports/weights/{file.name}", file.read_bytes())
    kept = loaders.weighted(place, storage_options=store.options)
    assert kept.weights.samples() == corpus.written.total()
    dataset = webdataset.WebDataset(list(corpus.shards), shardshuffle=False).compose(kept)
    found = contents(DataLoader(dataset, batch_size=None, num_workers=workers))
    assert found == corpus.written
