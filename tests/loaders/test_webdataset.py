"""webdataset, of the version that is installed, loads what was written."""

import pytest
import webdataset
from torch.utils.data import DataLoader

from tests.loaders.conftest import Written

pytestmark = pytest.mark.loaders


@pytest.mark.parametrize("workers", [0, 2])
def test_webdataset_loads_them(written: Written, workers: int) -> None:
    dataset = webdataset.WebDataset(list(written.shards), shardshuffle=False)
    loaded = list(DataLoader(dataset, batch_size=None, num_workers=workers))
    assert len(loaded) == len(written.samples)
    found = {each["__key__"]: (each["txt"].decode(), each["jpg"]) for each in loaded}
    assert found == written.samples


def test_webdataset_decodes_them(written: Written) -> None:
    dataset = webdataset.WebDataset(list(written.shards), shardshuffle=False).decode("pil")
    for sample in dataset:
        assert sample["txt"] == written.samples[sample["__key__"]][0]
        assert sample["jpg"].mode == "RGB"
        assert isinstance(sample["json"], dict)
