"""Opening shards on any storage: decompressed by magic, damage as Rejects, failures as errors."""

import gzip
import random
import zlib
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st

from tests.tarmaking import Found, events, make_tar, samples_in
from transforms.base.errors import FairshardError
from transforms.config.sections import Limits, Members
from transforms.shards.samples import Loss, Reject, open_tar, read_samples
from transforms.shards.streams import compression_of

GOOD = [("a.jpg", b"A" * 700), ("a.txt", b"a"), ("a.json", b"{}")]
TAR = make_tar(GOOD)


def found_at(path: Path | str) -> list[Found]:
    """All that `read_samples` says of the shard at `path`."""
    with open_tar(str(path), {}) as stream:
        return list(read_samples(stream, Members(), Limits()))


@given(
    st.lists(st.tuples(st.sampled_from(["jpg", "txt"]), st.binary(max_size=1300)), min_size=1),
    st.data(),
)
def test_a_cut_gzip_stream_keeps_what_precedes(tmp_path_factory, files, data):
    tar = make_tar([(f"{n}.{ext}", payload) for n, (ext, payload) in enumerate(files)])
    zipped = gzip.compress(tar)
    cut = zipped[: data.draw(st.integers(2, len(zipped) - 1))]
    path = tmp_path_factory.mktemp("cut") / "shard.tar.gz"
    path.write_bytes(cut)
    found = found_at(path)
    assert isinstance(found[-1], Reject)
    assert "compressed" in found[-1].error
    length = len(zlib.decompressobj(wbits=31).decompress(cut))
    complete = [sample for sample in samples_in(tar) if sample.offset + sample.size <= length]
    assert found[: len(complete)] == complete


def test_an_empty_gzip_stream_is_one_reject(tmp_path):
    path = tmp_path / "shard.tar.gz"
    path.write_bytes(gzip.compress(b""))
    problem = "the shard is empty: it has no bytes"
    assert found_at(path) == [Reject("", "read", problem, Loss(0, problem))]


def test_a_wrong_gzip_checksum_is_a_reject(tmp_path):
    path = tmp_path / "shard.tar.gz"
    zipped = bytearray(gzip.compress(make_tar(GOOD)))
    zipped[-6] ^= 1
    path.write_bytes(zipped)
    sample, reject = found_at(path)
    assert sample.key == "a"
    assert "CRC" in reject.error


def zstd(content: bytes) -> bytes:
    """A zstd frame."""
    return pa.compress(content, "zstd", asbytes=True)


SKIPPABLE = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"
PACKED = {
    "plain": lambda tar: tar,
    "gzip": gzip.compress,
    "gzip members": lambda tar: gzip.compress(tar[:700]) + gzip.compress(tar[700:]),
    "zstd": zstd,
    "zstd frames": lambda tar: SKIPPABLE + zstd(tar[:700]) + SKIPPABLE + zstd(tar[700:]),
}


@pytest.mark.parametrize("name", ["shard.tar", "shard.tar.gz", "shard.tgz"])
@pytest.mark.parametrize("how", PACKED)
def test_open_tar_decompresses_by_the_first_bytes_whatever_the_name(tmp_path, name, how):
    path = tmp_path / name
    path.write_bytes(PACKED[how](TAR))
    with open_tar(str(path), {}) as stream:
        assert compression_of(stream) == how.partition(" ")[0].replace("plain", "")
        assert stream.read() == TAR
        stream.seek(600)
        assert stream.read(700) == TAR[600:1300]
        stream.seek(2000)
        assert stream.read() == TAR[2000:]


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_joined_compressed_archives_are_one(tmp_path, how):
    path = tmp_path / "shard.tar"
    path.write_bytes(PACKED[how](TAR) + PACKED[how](make_tar([("b.txt", b"b")])))
    assert [sample.key for sample in found_at(path)] == ["a", "b"]


def test_a_cut_zstd_stream_keeps_what_precedes(tmp_path):
    tar = make_tar([(f"{n}.txt", random.Random(n).randbytes(2000)) for n in range(300)])
    path = tmp_path / "shard.tar.zst"
    path.write_bytes(zstd(tar)[:400_000])
    *samples, reject = found_at(path)
    assert 140 < len(samples) < 160
    assert samples == samples_in(tar)[: len(samples)]
    assert "the compressed shard is damaged or cut short" in reject.error


def test_open_tar_reads_any_storage():
    tar = make_tar(GOOD)
    fsspec.filesystem("memory").pipe("/corpus/shard.tar", tar)
    assert found_at("memory://corpus/shard.tar") == events(tar)


class FailingFile(MemoryFile):
    """A file whose storage breaks down."""

    def readinto(self, buffer: bytearray) -> int:
        raise ConnectionError("the line is down")


class FailingFileSystem(MemoryFileSystem):
    """Storage that opens files and cannot read them."""

    protocol = "failing"

    def _open(self, path: str, mode: str = "rb", **_: object) -> MemoryFile:
        return FailingFile(self, path, b"")


class CutFile(MemoryFile):
    """A file whose storage gives less than it says it has, and no error."""

    size = 10_000


class CutFileSystem(MemoryFileSystem):
    """Storage whose reads end early."""

    protocol = "cut"

    def _open(self, path: str, mode: str = "rb", **_: object) -> MemoryFile:
        return CutFile(
            self,
            path,
            gzip.compress(TAR)
            if path.endswith("gz")
            else zstd(TAR)
            if "zst" in path
            else TAR[:-1024],
        )


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.tar.zst"])
def test_an_early_end_of_the_storage_is_an_error_and_no_reject(name: str):
    fsspec.register_implementation("cut", CutFileSystem, clobber=True)
    with pytest.raises(
        FairshardError, match=rf"cut://{name} ends after [\d,]+ of its 10,000 bytes"
    ):
        found_at(f"cut://{name}")


@given(st.integers(0, len(TAR) - 1))
def test_a_shard_that_is_shorter_than_listed_is_an_error(tmp_path_factory, length: int):
    path = tmp_path_factory.mktemp("short") / "shard.tar"
    path.write_bytes(TAR[:length])
    with (
        pytest.raises(FairshardError, match=rf"ends after {length:,} of its {len(TAR):,} bytes"),
        open_tar(str(path), {}, size=len(TAR)) as stream,
    ):
        list(read_samples(stream, Members(), Limits()))


def test_failing_storage_is_an_error_that_names_the_shard(tmp_path: Path):
    with pytest.raises(FairshardError, match=r"nowhere\.tar does not exist"):
        found_at(tmp_path / "nowhere.tar")
    with pytest.raises(FairshardError, match="cannot be read: Is a directory"):
        found_at(tmp_path)
    fsspec.register_implementation("failing", FailingFileSystem, clobber=True)
    with pytest.raises(FairshardError, match=r"failing://x\.tar cannot be read.*the line is down"):
        found_at("failing://x.tar")
