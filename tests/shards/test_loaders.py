"""The shards that are written load unchanged in the loaders that people train with."""

import io
from argparse import Namespace
from pathlib import Path

import datasets
import numpy as np
import open_clip_train.data
import pytest
import webdataset
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms.functional import to_tensor
from webdataset.tariterators import base_plus_ext

from tests.tarmaking import make_tar, samples_in
from transforms.shards.copying import Piece, Source, copy_samples
from transforms.shards.member_names import split_name

SIZE = 16


def _image(rng: np.random.Generator, form: str) -> bytes:
    stream = io.BytesIO()
    pixels = rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


@pytest.fixture(scope="module")
def originals() -> dict[str, dict[str, bytes]]:
    """The members of each sample of a corpus: keys in folders, long, and in several scripts."""
    rng = np.random.default_rng(0)
    keys = ["abc", "folder/abc", "folder/日本", "deep/" * 30 + "x" * 90, *map(str, range(20))]
    return {
        key: {
            "png": _image(rng, "PNG"),
            "txt": f"caption of {key}".encode(),
            "json": b'{"objects": ["tool"], "n": %d}' % n,
        }
        for n, key in enumerate(keys)
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory, originals) -> dict[str, object]:
    """Two written shards ("urls"), and for each key in them, the original's ("keys")."""
    folder = tmp_path_factory.mktemp("loaders")
    source = folder / "source.tar"
    source.write_bytes(
        make_tar(
            [
                (f"{key}.{ext}", data)
                for key, all_ in originals.items()
                for ext, data in all_.items()
            ]
        )
    )
    urls: list[str] = []
    original_of: dict[str, str] = {}
    samples = samples_in(source.read_bytes())
    for shard, half in enumerate((samples[:9], samples[12:])):
        pieces = []
        for number, sample in enumerate(half):
            new_keys = [None, f"{sample.key}-1", f"{sample.key}-2"][: 1 + number % 3]
            pieces += [Piece(sample.offset, sample.size, sample.key, new) for new in new_keys]
            original_of |= {new or sample.key: sample.key for new in new_keys}
        path = folder / f"{shard:05d}.tar"
        with path.open("wb") as sink:
            copy_samples([Source(str(source), tuple(pieces))], sink, {})
        urls.append(str(path))
    return {"urls": urls, "original_of": original_of}


def test_webdataset_loads_them(originals, written):
    raw = list(webdataset.WebDataset(written["urls"], shardshuffle=False))
    members = {
        sample["__key__"]: {ext: data for ext, data in sample.items() if ext[0] != "_"}
        for sample in raw
    }
    assert len(raw) == len(members)
    assert members == {new: originals[key] for new, key in written["original_of"].items()}

    decoded = webdataset.WebDataset(written["urls"], shardshuffle=False).decode("pil")
    for sample in decoded:
        original = originals[written["original_of"][sample["__key__"]]]
        assert sample["png"].size == (SIZE, SIZE)
        assert sample["txt"] == original["txt"].decode()
        assert sample["json"]["objects"] == ["tool"]


@pytest.mark.parametrize("is_train", [True, False])
def test_open_clip_loads_them(originals, written, is_train):
    urls = "::".join(written["urls"])
    count = len(written["original_of"])
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
    data = open_clip_train.data.get_wds_dataset(
        args, to_tensor, is_train=is_train, tokenizer=lambda text: [text]
    )
    seen = sorted((texts[0], images[0].numpy().tobytes()) for images, texts in data.dataloader)
    expected = sorted(
        (
            originals[key]["txt"].decode(),
            to_tensor(Image.open(io.BytesIO(originals[key]["png"]))).numpy().tobytes(),
        )
        for key in written["original_of"].values()
    )
    assert seen == expected


def test_hugging_face_datasets_streams_them(originals, written, tmp_path):
    stream = datasets.load_dataset(
        "webdataset",
        data_files={"train": written["urls"]},
        split="train",
        streaming=True,
        cache_dir=str(tmp_path),
    ).cast_column("png", datasets.Image(decode=False))
    found = {row["__key__"]: row for row in stream}
    assert found.keys() == written["original_of"].keys()
    for new, key in written["original_of"].items():
        assert found[new]["png"]["bytes"] == originals[key]["png"]
        assert found[new]["txt"] == originals[key]["txt"].decode()
        assert found[new]["json"]["objects"] == ["tool"]


@given(st.text(st.sampled_from("ab./"), min_size=1, max_size=12))
def test_names_split_as_in_webdataset(name):
    hidden = Path(name).name.startswith(".") or name.endswith("/.")
    assert hidden or (split_name(name) or (None, None)) == base_plus_ext(name)
