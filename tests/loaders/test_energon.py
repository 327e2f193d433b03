"""Megatron Energon prepares and loads what was written, and goes by weights."""

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.loaders.conftest import Written
from tests.weighed import Balanced, Content, content_of

pytestmark = pytest.mark.loaders


def prepared(shards: Path, folder: Path) -> Path:
    """The tars of a folder in another, prepared as Energon's users do."""
    folder.mkdir()
    for shard in shards.glob("*.tar"):
        shutil.copy(shard, folder)
    energon = str(Path(sys.executable).parent / "energon")
    how = ["--non-interactive", "--split-ratio", "1,0,0", "--sample-type", "CrudeWebdataset"]
    command = [energon, "prepare", str(folder), *how, "--num-workers", "2"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("workers", [0, 2])
def test_energon_loads_them(written: Written, tmp_path: Path, workers: int) -> None:
    from tests.loaders.energon_samples import Encoder, loaded

    folder = prepared(written.folder, tmp_path / "shards")
    samples = list(loaded(folder, Encoder(), workers))
    assert len(samples) == len(written.samples)
    found = {each.__key__: (each.members["txt"].decode(), each.members["jpg"]) for each in samples}
    assert found == written.samples


@pytest.mark.parametrize(("workers", "nodes"), [(0, 1), (2, 1), (1, 3)])
def test_energon_goes_by_weights(
    corpus: Balanced, tmp_path: Path, workers: int, nodes: int
) -> None:
    from fairshard.loaders import energon
    from tests.loaders.energon_samples import WeightedEncoder, loaded

    folder = prepared(Path(corpus.shards[0]).parent, tmp_path / "shards")
    encoder = WeightedEncoder(energon.weighted(corpus.weights, rename=True))
    samples = list(loaded(folder, encoder, workers, nodes))
    found: Counter[Content] = Counter(content_of(sample.members) for sample in samples)
    assert found == corpus.written
    assert len({sample.__key__ for sample in samples}) == len(samples)


def test_what_does_not_fit_the_weights_ends_energon(corpus: Balanced, tmp_path: Path) -> None:
    from megatron.energon.errors import FatalSampleError

    from fairshard.loaders import energon
    from tests.loaders.energon_samples import WeightedEncoder, loaded

    folder = prepared(Path(corpus.shards[0]).parent, tmp_path / "shards")
    other = tmp_path / "weights"
    shutil.copytree(corpus.weights, other)
    (other / "00005.parquet").unlink()
    with pytest.raises(FatalSampleError, match=r"no weights of .*00005\.tar"):
        list(loaded(folder, WeightedEncoder(energon.weighted(other))))
