"""The memory that a whole rebalance takes, by the size of its shards.

`python -m benchmarks.memory --megabytes 2000` makes shards of large pictures, rebalances them with
the embedded engine and the demo model, and prints the peak resident memory of the largest process,
beside that of a run over next to nothing: interpreter, libraries and model.
"""

import argparse
import io
import json
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from benchmarks.machine import machine
from jobs.begin.demo.corpus import MODEL

_SIDE = 1200
_PICTURES = 16


def make_shards(folder: Path, megabytes: int, shards: int) -> int:
    """Shards of `megabytes` in all, of pictures of noise; the number of samples."""
    pictures = []
    for seed in range(_PICTURES):
        rng = np.random.default_rng(seed)
        coarse = rng.integers(0, 256, (_SIDE // 2, _SIDE // 2, 3), dtype=np.uint8)
        sink = io.BytesIO()
        Image.fromarray(coarse).resize((_SIDE, _SIDE)).save(sink, "JPEG", quality=90)
        pictures.append(sink.getvalue())
    samples = max(shards, megabytes * 1_000_000 // len(pictures[0]))
    for shard in range(shards):
        with tarfile.open(folder / f"{shard:05d}.tar", "w") as archive:
            for number in range(shard, samples, shards):
                animal = ("fox", "owl")[number % 3 == 0]
                for extension, content in {
                    "jpg": pictures[number % _PICTURES],
                    "txt": f"a picture of one {animal}".encode(),
                }.items():
                    info = tarfile.TarInfo(f"{number:09d}.{extension}")
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))
    return samples


def configuration(folder: Path) -> Path:
    """A configuration that makes the model see every picture."""
    names = {
        name: {"target": 0.5, "lexicon": [name], "prompts": [f"a picture of one {name}"]}
        for name in ("fox", "owl")
    }
    values = {
        "input": {"shards": str(folder / "*.tar")},
        "model": {"name": f"local-dir:{MODEL}"},
        "similarity": True,
        "attributes": {"animal": {"names": names}},
        "balance": {"eta": 0.5, "max_representation_bias": 0.2},
        "output": {"url": str(folder / "out"), "bytes_per_shard": 500_000_000},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def rebalance(megabytes: int, shards: int, parent: Path | None) -> str:
    """Rebalance a corpus; what it was, how long it took, and the largest process so far."""
    with tempfile.TemporaryDirectory(dir=parent) as name:
        samples = make_shards(Path(name), megabytes, shards)
        command = [sys.executable, "-m", "jobs.cli", "rebalance", "--json", "--allow-unmet"]
        started = time.perf_counter()
        done = subprocess.run(
            [*command, str(configuration(Path(name)))], check=True, capture_output=True, text=True
        )
        seconds = time.perf_counter() - started
    stages = json.loads(done.stdout)["seconds"]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10
    return (
        f"{megabytes:,} MB in {shards} shards, {samples:,} samples: {seconds:.0f} s {stages}, "
        f"largest process {peak:,.0f} MiB"
    )


def main() -> None:
    """Measure the small corpus first, for the peak is that of all children so far."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--folder", type=Path, help="where to make the shards")
    options = parser.parse_args()
    print(machine())
    print(rebalance(4, options.shards, options.folder), flush=True)
    print(rebalance(options.megabytes, options.shards, options.folder))


if __name__ == "__main__":
    main()
