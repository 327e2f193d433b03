"""The loader that open_clip trains with loads what was written."""

import io
from argparse import Namespace

import pytest
from PIL import Image
from torchvision.transforms.functional import to_tensor

from tests.loaders.conftest import Written

pytestmark = pytest.mark.loaders


def _pixels(image: bytes) -> bytes:
    return to_tensor(Image.open(io.BytesIO(image))).numpy().tobytes()


@pytest.mark.parametrize("is_train", [True, False])
def test_open_clip_loads_them(written: Written, is_train: bool) -> None:
    """By caption and pixels, as it passes no keys on."""
    from open_clip_train.data import get_wds_dataset

    urls, count = "::".join(written.shards), len(written.samples)
    args = Namespace(
        train_data=urls,
        val_data=urls,
        train_data_upsampling_factors=None,
        train_num_samples=count,
        val_num_samples=count,
        dataset_resampled=False,
        seed=0,
        batch_size=1,
        workers=1,
        world_size=1,
    )
    data = get_wds_dataset(args, to_tensor, is_train, tokenizer=lambda text: [text])
    loaded = sorted((text[0], image[0].numpy().tobytes()) for image, text in data.dataloader)
    expected = sorted((text, _pixels(image)) for text, image in written.samples.values())
    assert loaded == expected
