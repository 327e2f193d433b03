"""Compressed tars: what is before the damage is read, wherever it is."""

import gzip

import fsspec
import pyarrow as pa

from tests.fuzzing import tars
from transforms.base.errors import FairshardError
from transforms.config.sections import Limits, Members
from transforms.shards.samples import Ignored, Reject, Sample, read_samples
from transforms.shards.streams import open_tar

_PATH = "/fuzz.tar.gz"


def seeds() -> list[bytes]:
    """Compressed tars, of two gzip members, with bytes behind one, of zstd frames, and joined."""
    first, second = tars.seeds()[:2]
    half = len(first) // 1024 * 512
    parts = gzip.compress(first[:half], mtime=0) + gzip.compress(first[half:], mtime=0)
    frames = [pa.compress(tar, "zstd", asbytes=True) for tar in (first, second)]
    zipped = gzip.compress(second, mtime=0)
    return [gzip.compress(first, mtime=0), parts, zipped + b"tail", b"".join(frames)]


def check(content: bytes) -> None:
    """Read `content` as a compressed tar."""
    fsspec.filesystem("memory").pipe_file(_PATH, content)
    try:
        with open_tar(f"memory:/{_PATH}", {}) as stream:
            entries = list(read_samples(stream, Members(), Limits()))
    except FairshardError:
        return
    assert all(isinstance(entry, Sample | Reject | Ignored) for entry in entries)
