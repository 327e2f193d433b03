"""Prompts asked of embeddings: vectors a second on one core, beside plain NumPy in the same run.

    python -m benchmarks.embeddings [--vectors 1000000] [--dimensions 512] [--prompts 20]

One npy file of half precision beside its metadata, in clip-retrieval's layout, read from the page
cache; the model's text side is a small one with as many dimensions. NumPy does what cannot be left
out: numbers made single precision, unit vectors, cosines with the prompts, a softmax, a threshold.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import open_clip
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.lib.format import open_memmap
from safetensors.torch import save_file
from threadpoolctl import threadpool_limits

from benchmarks.machine import machine
from jobs.begin.demo.corpus import MODEL
from transforms.config.sections import Config
from transforms.stages.registrations import load_registrations
from transforms.tables.embeddings import EmbeddingRows

_AT_ONCE = 4096
_CONFIG = "open_clip_config.json"


def write_model(folder: Path, dimensions: int) -> None:
    """The demo model with other dimensions, and weights that nobody trained."""
    config = json.loads((MODEL / _CONFIG).read_text())
    config["model_cfg"]["embed_dim"] = dimensions
    folder.mkdir()
    (folder / _CONFIG).write_text(json.dumps(config))
    known = folder / "config"
    known.mkdir()
    (known / "benchmark.json").write_text(json.dumps(config["model_cfg"]))
    open_clip.add_model_config(known)
    model = open_clip.create_model("benchmark")
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")


def write_vectors(folder: Path, vectors: int, dimensions: int) -> None:
    """Random vectors, and keys of them."""
    rng = np.random.default_rng(0)
    shape = (vectors, dimensions)
    array = open_memmap(folder / "img_emb_0.npy", mode="w+", dtype=np.float16, shape=shape)
    for start in range(0, vectors, _AT_ONCE):
        block = array[start : start + _AT_ONCE]
        block[:] = rng.standard_normal(block.shape, np.float32)
    array.flush()
    keys = pa.array([f"{number:09d}" for number in range(vectors)])
    pq.write_table(pa.table({"image_path": keys}), folder / "metadata_0.parquet")


def config_of(folder: Path, prompts: int) -> Config:
    """As many prompts, in groups of ten."""
    load_registrations()
    groups = {
        f"g{start}": {
            "names": {
                f"n{number}": {"prompts": [f"a {number} of things"]}
                for number in range(start, min(start + 10, prompts))
            }
        }
        for start in range(0, prompts, 10)
    }
    source = {
        "url": str(folder / "img_emb_0.npy"),
        "model": {"name": f"local-dir:{folder / 'model'}", "device": "cpu"},
    }
    return Config.model_validate(
        {
            "input": {"shards": "none.tar"},
            "attributes": {"a": {"names": {"w": {"target": 0.5, "lexicon": "w"}}}},
            "labels": groups,
            "embeddings": {"clip": source},
            "balance": {"eta": 0.5},
            "output": {"url": "none"},
        }
    )


def plain(path: Path, prompts: int) -> int:
    """What NumPy alone does; how many vectors there are."""
    array = np.load(path, mmap_mode="r")
    classes = np.random.default_rng(1).standard_normal((prompts, array.shape[1]), np.float32)
    for start in range(0, len(array), _AT_ONCE):
        block = array[start : start + _AT_ONCE].astype(np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        logits = 100 * block @ classes.T
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        _ = odds / odds.sum(axis=1, keepdims=True) >= 0.5
    return len(array)


def main() -> None:
    """Time both and print a line each."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--vectors", type=int, default=1_000_000)
    options.add_argument("--dimensions", type=int, default=512)
    options.add_argument("--prompts", type=int, default=20)
    asked = options.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as name, threadpool_limits(1):
        folder = Path(name)
        write_model(folder / "model", asked.dimensions)
        apart = get_context("spawn").Process(  # its memory is not to count
            target=write_vectors, args=(folder, asked.vectors, asked.dimensions)
        )
        apart.start()
        apart.join()
        rows = EmbeddingRows("clip", config_of(folder, asked.prompts))
        [file] = rows.files()
        started = time.perf_counter()
        next(iter(rows.batches(file)))
        print(f"model and prompts: {time.perf_counter() - started:.1f} s, once a process")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        timed("fairshard", lambda: sum(table.num_rows for table in rows.batches(file)))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        timed("NumPy", lambda: plain(folder / "img_emb_0.npy", asked.prompts))
    print(f"memory grown by {grown / 1024:.0f} MiB")


def timed(who: str, work: Callable[[], int]) -> None:
    """Print how long `work` takes on so many vectors, by the clock and of the processor."""
    began, busy = time.perf_counter(), time.process_time()
    vectors = work()
    took, busy = time.perf_counter() - began, time.process_time() - busy
    print(
        f"{who}: {vectors:,} vectors in {took:.1f} s, {vectors / took:,.0f} a second; of the "
        f"processor {busy:.1f} s, {vectors / busy:,.0f} a second"
    )


if __name__ == "__main__":
    main()
