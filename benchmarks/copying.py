"""Copying kept samples: MB/s of `copy_samples`, against `cp` and a webdataset reader and writer.

    python benchmarks/copying.py --megabytes 500 --folder /a/disk

All read and write the same disk and cache; the best of three runs counts. MB/s are of the bytes
written (1 MB = 1e6 bytes); `cp` copies the very file that `copy_samples` wrote, without hashing it.
"""

import argparse
import random
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from time import perf_counter

import webdataset

from benchmarks.machine import machine
from transforms.config.sections import Limits, Members
from transforms.shards.copying import Piece, Source, copy_samples
from transforms.shards.samples import Sample, open_tar, read_samples

IMAGE_BYTES = (20_000, 120_000)
SHARD_BYTES = 100_000_000
SHARES = (0.3, 0.7)
RUNS = 3


def make_shards(folder: Path, size: int, rng: random.Random) -> list[Path]:
    """Shards of `size` bytes in all: samples of an image, a caption and metadata."""
    pool = rng.randbytes(IMAGE_BYTES[1])
    paths = []
    number = 0
    for shard in range(max(1, round(size / SHARD_BYTES))):
        path = folder / f"in-{shard:05d}.tar"
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
            while tar.offset < min(size, SHARD_BYTES):
                _add(tar, f"{number:09d}.jpg", pool[: rng.randint(*IMAGE_BYTES)])
                _add(tar, f"{number:09d}.txt", b"a figure that holds a tool")
                _add(tar, f"{number:09d}.json", b'{"objects": ["tool"]}')
                number += 1
        paths.append(path)
    return paths


def _add(tar: tarfile.TarFile, name: str, payload: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(payload)
    tar.addfile(info, BytesIO(payload))


def kept_of(path: Path, share: float, rng: random.Random) -> Source:
    """A random share of the samples of a shard."""
    none = Members(image=(), caption=(), metadata=())
    with open_tar(str(path), {}) as stream:
        samples = [s for s in read_samples(stream, none, Limits()) if isinstance(s, Sample)]
    kept = (Piece(s.offset, s.size, s.key, None) for s in samples if rng.random() < share)
    return Source(str(path), tuple(kept))


def by_fairshard(sources: list[Source], output: Path) -> None:
    """Byte ranges, hashed."""
    with output.open("wb") as sink:
        copy_samples(sources, sink, {})


def by_webdataset(sources: list[Source], output: Path) -> None:
    """What a script would do: read all samples, write the kept ones."""
    kept = {piece.key for source in sources for piece in source.pieces}
    urls = [source.url for source in sources]
    with webdataset.TarWriter(str(output)) as sink:
        for sample in webdataset.WebDataset(urls, shardshuffle=False):
            if sample["__key__"] in kept:
                sink.write(sample)


def best_seconds(work: Callable[[], object], output: Path) -> float:
    """The least time of RUNS runs, each into a new file."""
    seconds = []
    for _ in range(RUNS):
        output.unlink(missing_ok=True)
        start = perf_counter()
        work()
        seconds.append(perf_counter() - start)
    return min(seconds)


def measure(sources: list[Source], folder: Path) -> None:
    """Time the three ways of copying, and print them."""
    ours, copy, theirs = (folder / name for name in ("ours.tar", "cp.tar", "webdataset.tar"))
    seconds = {
        "fairshard": best_seconds(lambda: by_fairshard(sources, ours), ours),
        "cp": best_seconds(lambda: subprocess.run(["cp", ours, copy], check=True), copy),
        "webdataset": best_seconds(lambda: by_webdataset(sources, theirs), theirs),
    }
    written = ours.stat().st_size
    for name, taken in seconds.items():
        ratio = taken / seconds["fairshard"]
        print(f"  {name:<11}{written / taken / 1e6:8.0f} MB/s   {ratio:5.2f} x fairshard's time")


def main() -> None:
    """Make shards, copy shares of them, print MB/s and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=500, help="size of the input")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    arguments = parser.parse_args()
    print(machine())
    rng = random.Random(0)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        paths = make_shards(folder, arguments.megabytes * 1_000_000, rng)
        for share in SHARES:
            sources = [kept_of(path, share, rng) for path in paths]
            kept = sum(len(source.pieces) for source in sources)
            print(f"{share:.0%} of {arguments.megabytes} MB kept, {kept} samples")
            measure(sources, folder)


if __name__ == "__main__":
    main()
