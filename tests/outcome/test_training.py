"""The command that a run ends with: as a shell takes it, it reads each sample of the output."""

import argparse
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from open_clip_train.data import expand_urls, get_dataset_size
from open_clip_train.params import parse_args

from tests.fixtures import config_of, write_corpus
from tests.outputs import finished_output
from transforms.outcome.training import training_command
from transforms.resampling.manifest import Manifest, read_manifest
from transforms.storage.files import Storage


def manifest_of(shards: int, samples: Sequence[int] | None = None, **packing: Any) -> Manifest:
    sizes = [1000] * shards if samples is None else samples
    packed = SimpleNamespace(format="webdataset", **packing)
    made: Any = SimpleNamespace(
        shards=[SimpleNamespace(samples=size) for size in sizes],
        totals=SimpleNamespace(written=sum(sizes)),
        packing=packed,
    )
    return made


def arguments(command: str | None) -> argparse.Namespace:
    """What open_clip's own parser takes the command for."""
    words = shlex.split(command or "")
    assert words[:3] == ["python", "-m", "open_clip_train.main"]
    parsed: argparse.Namespace = parse_args(words[3:])
    return parsed


@pytest.mark.parametrize(
    "folder",
    [
        "plain",
        "a folder",
        "it's",
        'a "b"',
        "{a,b}",
        "{1..3",
        "a}b",
        "back\\slash",
        "1$",
        "é#?%20",
    ],
)
def test_every_shard_is_read_wherever_the_output_is(tmp_path: Path, folder: str) -> None:
    write_corpus(tmp_path, samples=90)
    output = {"url": str(tmp_path / folder), "samples_per_shard": 10}
    storage = finished_output(config_of(tmp_path, output=output))
    manifest = read_manifest(storage)
    taken = arguments(training_command(manifest, storage))
    shards = sorted(map(str, (tmp_path / folder / "shards").glob("*.tar")))
    assert expand_urls(taken.train_data)[0] == shards
    assert len(shards) > 3
    assert taken.train_num_samples == manifest.totals.written
    assert get_dataset_size(taken.train_data) == (manifest.totals.written, len(shards))
    assert (taken.dataset_type, taken.workers) == ("webdataset", 1)


def test_repeats_count(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=60)
    storage = finished_output(
        config_of(tmp_path, balance={"eta": 1.5, "Q": 3, "max_representation_bias": 0.1})
    )
    manifest = read_manifest(storage)
    taken = arguments(training_command(manifest, storage))
    assert manifest.totals.repeats > 0
    assert taken.train_num_samples == manifest.totals.kept + manifest.totals.repeats
    sizes = json.loads(storage.read("shards/sizes.json"))
    assert sum(sizes.values()) == taken.train_num_samples


@pytest.mark.parametrize(
    ("samples", "workers", "batch"),
    [
        ([500] * 8, 4, 64),
        ([500] * 3, 3, 64),
        ([500, 1], 1, 64),
        ([500, 500, 500, 63], 2, 64),
        ([16] * 16, 4, 64),
        ([16] * 15, 3, 64),
        ([14], 1, 14),
        ([10, 10], 1, 20),
    ],
)
def test_every_worker_has_samples_for_a_batch(samples: list[int], workers: int, batch: int) -> None:
    taken = arguments(training_command(manifest_of(len(samples), samples), Storage("/out")))
    assert (taken.workers, taken.batch_size) == (workers, batch)


@pytest.mark.parametrize(
    ("shards", "last"), [(1, "00000"), (2, "00001"), (100_000, "99999"), (100_002, "100001")]
)
def test_any_number_of_shards(shards: int, last: str) -> None:
    taken = arguments(training_command(manifest_of(shards), Storage("/out")))
    names = expand_urls(taken.train_data)[0]
    assert len(names) == shards
    assert (names[0], names[-1]) == ("/out/shards/00000.tar", f"/out/shards/{last}.tar")
    assert names == [f"/out/shards/{number:05d}.tar" for number in range(shards)]


@pytest.mark.parametrize(
    ("url", "first"),
    [
        ("s3://b/out", "pipe:aws s3 cp s3://b/out/shards/00000.tar -"),
        ("s3://b/o u{t}", "pipe:aws s3 cp 's3://b/o u{t}/shards/'00000.tar -"),
        ("gs://b/out", "pipe:gsutil cat gs://b/out/shards/00000.tar"),
        ("file:///out", "/out/shards/00000.tar"),
        ("out", f"{Path.cwd()}/out/shards/00000.tar"),
    ],
)
def test_object_stores_are_read_by_their_own_command(url: str, first: str) -> None:
    taken = arguments(training_command(manifest_of(3), Storage(url)))
    assert expand_urls(taken.train_data)[0][0] == first


@pytest.mark.parametrize("url", ["abfs://box/out", "hdfs://out", "/a::b"])
def test_what_open_clip_cannot_read_has_no_command(url: str) -> None:
    assert training_command(manifest_of(3), Storage(url)) is None


def test_nor_has_an_output_without_shards_or_of_another_format() -> None:
    assert training_command(manifest_of(0), Storage("/out")) is None
    other = manifest_of(3)
    other.packing.format = "keys"  # type: ignore[misc]
    assert training_command(other, Storage("/out")) is None
