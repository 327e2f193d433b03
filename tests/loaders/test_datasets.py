"""Hugging Face's datasets loads what was written, as a table and as a stream."""

from pathlib import Path

import pytest

from tests.loaders.conftest import Written

pytestmark = pytest.mark.loaders


@pytest.mark.parametrize("streaming", [False, True])
def test_datasets_loads_them(written: Written, tmp_path: Path, streaming: bool) -> None:
    import datasets

    rows = datasets.load_dataset(
        "webdataset",
        data_files={"train": list(written.shards)},
        split="train",
        streaming=streaming,
        cache_dir=str(tmp_path),
    ).cast_column("jpg", datasets.Image(decode=False))
    loaded = list(rows)
    assert len(loaded) == len(written.samples)
    found = {row["__key__"]: (row["txt"], row["jpg"]["bytes"]) for row in loaded}
    assert found == written.samples
