"""The demo corpus: webdataset shards of drawn scenes, their true labels, and the model for them."""

import io
import json
import multiprocessing
import os
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.begin.demo.captions import caption
from jobs.begin.demo.planted import Planted, sample_scenes
from jobs.begin.demo.scenes import Scene, draw, jpeg
from transforms.base.errors import FairshardError
from transforms.storage.files import Storage

MODEL = Path(__file__).parent / "model"
"""The folder of the tiny open_clip model, as `local-dir:` takes it."""

TRUTH = pa.schema(
    [
        ("key", pa.string()),
        ("figure", pa.string()),
        ("tool", pa.string()),
        ("background", pa.string()),
    ]
)
"""The true labels of a sample; null where there is no figure, or no tool."""


@dataclass(frozen=True)
class _Shard:
    """The samples [first, end) of the corpus, which are the shard's own."""

    number: int
    first: int
    end: int

    @property
    def name(self) -> str:
        return f"shards/{self.number:05d}.tar"


def write_corpus(
    directory: Path,
    samples: int,
    shards: int,
    seed: int,
    planted: Planted | None = None,
    workers: int | None = None,
    on_shard: Callable[[int], None] = lambda samples: None,
) -> None:
    """Write `samples` scenes, drawn independently from `planted`, into `directory`.

    Writes `shards/<nnnnn>.tar` (members <key>.jpg, <key>.txt, <key>.json), `truth.parquet` (TRUTH,
    a row per sample in order of key) and `model/`. A shard's bytes follow from `samples`, `shards`,
    `seed` and `planted` alone, however many `workers` (by default one per core) there are.
    `on_shard` hears the number of samples of each shard when it is written.

    Raises FairshardError where the numbers make no corpus, or where `directory` holds shards that
    are not of this corpus.
    """
    if not 1 <= shards <= samples <= 10**9:
        raise FairshardError(
            f"{samples} samples in {shards} shards make no corpus: give at least one shard, "
            "and from one to 1e9 samples, none of the shards empty"
        )
    plan = [
        _Shard(number, number * samples // shards, (number + 1) * samples // shards)
        for number in range(shards)
    ]
    storage = Storage(str(directory.absolute()))
    _refuse_strangers(directory / "shards", plan)
    write = partial(_write_shard, storage, seed, planted or Planted())
    with (
        storage.publishing("truth.parquet") as stream,
        pq.ParquetWriter(stream, TRUTH) as truth,
    ):
        for rows in _mapped(write, plan, workers):
            truth.write_table(rows)
            on_shard(rows.num_rows)
    for file in sorted(MODEL.iterdir()):
        storage.publish(f"model/{file.name}", file.read_bytes())


def _mapped(
    write: Callable[[_Shard], pa.Table], plan: list[_Shard], workers: int | None
) -> Iterator[pa.Table]:
    """`write` of each shard, in order."""
    workers = min(workers or os.cpu_count() or 1, len(plan))
    if workers == 1:
        yield from map(write, plan)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(write, plan)


def _write_shard(storage: Storage, seed: int, planted: Planted, shard: _Shard) -> pa.Table:
    """Draw and publish one shard; its true labels."""
    rng = np.random.default_rng([seed, shard.number])
    scenes = sample_scenes(planted, shard.end - shard.first, rng)
    wording = Random(int(rng.integers(2**63)))
    keys = [f"{index:09d}" for index in range(shard.first, shard.end)]
    with (
        storage.publishing(shard.name) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for key, scene in zip(keys, scenes, strict=True):
            _add_sample(tar, key, scene, caption(scene, wording))
    columns = {
        "key": keys,
        "figure": [scene.figure for scene in scenes],
        "tool": [scene.tool for scene in scenes],
        "background": [scene.background for scene in scenes],
    }
    return pa.table(columns, schema=TRUTH)


def _add_sample(tar: tarfile.TarFile, key: str, scene: Scene, text: str) -> None:
    labels = {
        "key": key,
        "figure": scene.figure,
        "tool": scene.tool,
        "background": scene.background,
        "quality": scene.quality,
    }
    members = {"jpg": jpeg(draw(scene)), "txt": text.encode(), "json": json.dumps(labels).encode()}
    for extension, content in members.items():
        info = tarfile.TarInfo(f"{key}.{extension}")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))


def _refuse_strangers(folder: Path, plan: list[_Shard]) -> None:
    own = {Path(shard.name).name for shard in plan}
    strangers = sorted(path.name for path in folder.glob("*.tar") if path.name not in own)
    if strangers:
        raise FairshardError(
            f"{folder} already holds {strangers[0]}, which is not a shard of this corpus: "
            "give an empty directory"
        )
