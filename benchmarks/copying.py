"""Copying kept samples: MB/s of `copy_samples`, against `cp`, SHA-256 and webdataset.

    python -m benchmarks.copying --megabytes 500 --folder /a/disk --cache cold

All read and write the same disk, in turns; medians of five rounds count. MB/s are of the bytes
written (1 MB = 1e6 bytes), ratios are to the smaller of `cp`, which copies the very file that
`copy_samples` wrote, and SHA-256 of it: `copy_samples` does both. `x 2` is two processes at once,
each with half of the shards, or of the bytes; they are started before. `--cache`: what is read is
in memory before each, or none of it; of no other files. CPU is that of all processes of a way.
"""

import argparse
import hashlib
import random
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path

import webdataset

from benchmarks.machine import machine
from benchmarks.turns import CACHES, Taken, in_turns, prepared
from transforms.config.sections import Limits, Members
from transforms.shards.copying import Piece, Source, copy_samples
from transforms.shards.samples import Sample, open_tar, read_samples

IMAGE_BYTES = (20_000, 120_000)
SHARD_BYTES = 100_000_000
SHARES = (0.3, 0.7)


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


def by_cp(paths: list[Path], folder: Path) -> None:
    """`cp` of each file by a process of its own, all at once."""
    started = [subprocess.Popen(["cp", path, folder / f"cp-{path.name}"]) for path in paths]
    assert not any(process.wait() for process in started)


def by_sha256(path: Path) -> None:
    """The hash of a file."""
    with path.open("rb") as stream:
        hashlib.file_digest(stream, "sha256")


def by_webdataset(sources: list[Source], output: Path) -> None:
    """What a script would do: read all samples, write the kept ones."""
    kept = {piece.key for source in sources for piece in source.pieces}
    urls = [source.url for source in sources]
    with webdataset.TarWriter(str(output)) as sink:
        for sample in webdataset.WebDataset(urls, shardshuffle=False):
            if sample["__key__"] in kept:
                sink.write(sample)


def measure(sources: list[Source], folder: Path, cache: str) -> None:
    """Time the ways of copying in turns, and print them."""
    whole, halves = folder / "whole.tar", [folder / f"half-{n}.tar" for n in range(2)]
    parts = [sources[n::2] for n in range(2)]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        both = partial(pool.map, by_fairshard, parts, halves)
        by_fairshard(sources, whole)
        list(both())
        ways: Mapping[str, Callable[[], object]] = {
            "cp": partial(by_cp, [whole], folder),
            "sha256": partial(by_sha256, whole),
            "cp x 2": partial(by_cp, halves, folder),
            "sha256 x 2": lambda: list(pool.map(by_sha256, halves)),
            "fairshard": partial(by_fairshard, sources, folder / "ours.tar"),
            "fairshard x 2": lambda: list(both()),
            "webdataset": partial(by_webdataset, sources, folder / "theirs.tar"),
        }
        read = [*(Path(source.url) for source in sources), whole, *halves]
        taken = in_turns(ways, lambda: prepared(read, cache))
    show(taken, whole.stat().st_size)


def show(taken: Mapping[str, Taken], size: int) -> None:
    """Print MB/s, CPU, and ratios to the smaller of `cp` and SHA-256, of as many processes."""
    for name, found in taken.items():
        several = " x 2" if name.endswith(" x 2") else ""
        bound = max(taken[f"{each}{several}"].seconds for each in ("cp", "sha256"))
        print(
            f"  {name:<14}{size / found.seconds / 1e6:8.0f} MB/s {found.cpu:7.2f} s of CPU "
            f"{bound / found.seconds:6.2f} of the smaller of cp and sha256{several}"
        )


def main() -> None:
    """Make shards, copy shares of them, print MB/s and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=500, help="size of the input")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    parser.add_argument("--cache", choices=CACHES, default="warm", help="what is read: in memory?")
    arguments = parser.parse_args()
    print(f"{machine()}; {arguments.cache} cache")
    rng = random.Random(0)
    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        paths = make_shards(folder, arguments.megabytes * 1_000_000, rng)
        for share in SHARES:
            sources = [kept_of(path, share, rng) for path in paths]
            kept = sum(len(source.pieces) for source in sources)
            print(f"{share:.0%} of {arguments.megabytes} MB kept, {kept} samples")
            measure(sources, folder, arguments.cache)


if __name__ == "__main__":
    main()
