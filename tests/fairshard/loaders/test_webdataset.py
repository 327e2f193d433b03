"""A webdataset pipeline that goes by weights gives what `resample` wrote, sample by sample."""

import os
import random
from collections import Counter
from collections.abc import Sequence

import pytest
import webdataset
from torch.utils.data import DataLoader

from fairshard import loaders
from fairshard.loaders import Weights
from tests.fixtures import read_members
from tests.weighed import Balanced, Content, contents


def pipeline(
    shards: Sequence[str], kept: loaders.Weighted, buffer: int = 0
) -> webdataset.WebDataset:
    """A pipeline of webdataset, shuffled before the weights where there is a buffer."""
    read = webdataset.WebDataset(
        list(shards), shardshuffle=False, nodesplitter=webdataset.split_by_node
    )
    return (read.shuffle(buffer) if buffer else read).compose(kept)


def loaded(dataset: webdataset.WebDataset, workers: int, **how: object) -> Counter[Content]:
    """What processes of PyTorch's loader give together."""
    return contents(DataLoader(dataset, batch_size=None, num_workers=workers, **how))


def test_some_are_dropped_and_some_are_repeated(corpus: Balanced) -> None:
    assert set(corpus.written.values()) == {1, 2}
    assert 0 < len(corpus.written) < 300


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_what_resample_wrote_comes_out(corpus: Balanced, workers: int) -> None:
    dataset = pipeline(corpus.shards, loaders.weighted(corpus.weights))
    assert loaded(dataset, workers) == corpus.written


def test_no_order_of_shards_or_samples_matters(corpus: Balanced) -> None:
    kept = loaders.weighted(corpus.weights, shards_in_memory=2)
    for seed in range(3):
        shards = random.Random(seed).sample(corpus.shards, len(corpus.shards))
        assert contents(pipeline(shards, kept, buffer=70)) == corpus.written


def test_nodes_and_workers_have_all_of_it_together(
    corpus: Balanced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    together: Counter[Content] = Counter()
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        found = loaded(pipeline(corpus.shards, loaders.weighted(corpus.weights)), workers=2)
        assert 0 < found.total() < corpus.written.total()
        together += found
    assert together == corpus.written


def test_workers_may_be_spawned(corpus: Balanced) -> None:
    kept = loaders.weighted(corpus.weights)
    assert contents(pipeline(corpus.shards[:1], kept))
    dataset = _Pipeline(corpus.shards, kept)
    assert loaded(dataset, workers=1, multiprocessing_context="spawn") == corpus.written


class _Pipeline(webdataset.DataPipeline):  # type: ignore[misc]
    """A pipeline that can be pickled, as those of webdataset 0.2 with lambdas cannot."""

    def __init__(self, shards: Sequence[str], kept: loaders.Weighted) -> None:
        super().__init__(
            webdataset.SimpleShardList(list(shards)),
            webdataset.tarfile_to_samples(),
            kept,
        )


def test_repeats_take_names_of_their_own(corpus: Balanced) -> None:
    kept = loaders.weighted(corpus.weights, rename=True)
    keys = [sample["__key__"] for sample in pipeline(corpus.shards, kept)]
    assert len(keys) == len(set(keys))
    written = {
        name.partition(".")[0]
        for shard in (corpus.output / "shards").glob("*.tar")
        for name in read_members(shard)
    }
    assert set(keys) == written


def test_repeats_are_samples_of_their_own(corpus: Balanced) -> None:
    samples = list(pipeline(corpus.shards, loaders.weighted(corpus.weights)))
    assert len({id(sample) for sample in samples}) == len(samples)


@pytest.mark.parametrize("command", ["cat {}", "cat {} | cat", "cat '{}' || true"])
def test_a_command_that_reads_a_shard_is_known_by_it(corpus: Balanced, command: str) -> None:
    pipes = [f"pipe:{command.format(shard)}" for shard in corpus.shards]
    assert contents(pipeline(pipes, loaders.weighted(corpus.weights))) == corpus.written


def test_relative_paths_and_file_urls_are_the_same_shards(
    corpus: Balanced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(corpus.output.parent)
    shards = [os.path.relpath(shard) for shard in corpus.shards[::2]]
    shards += [f"file:{shard}" for shard in corpus.shards[1::2]]
    assert contents(pipeline(shards, loaders.weighted(corpus.weights))) == corpus.written


def test_the_number_of_samples_is_told(corpus: Balanced) -> None:
    assert Weights(corpus.output).samples() == corpus.written.total()
