"""Opening shards on any storage: decompressed by name, damage as Rejects, failures as errors."""

import gzip
import zlib
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st

from tests.tarmaking import Found, events, make_tar, samples_in
from transforms.config import Limits, Members
from transforms.errors import FairshardError
from transforms.tars import Reject, open_tar, read_samples

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
    cut = zipped[: data.draw(st.integers(1, len(zipped) - 1))]
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
    assert found_at(path) == [Reject("", "read", "the shard is empty: it has no bytes")]


def test_what_is_no_gzip_stream_is_a_reject(tmp_path):
    path = tmp_path / "shard.tgz"
    path.write_bytes(b"no gzip at all")
    (reject,) = found_at(path)
    assert "the compressed shard is damaged" in reject.error


def test_a_wrong_gzip_checksum_is_a_reject(tmp_path):
    path = tmp_path / "shard.tar.gz"
    zipped = bytearray(gzip.compress(make_tar(GOOD)))
    zipped[-6] ^= 1
    path.write_bytes(zipped)
    sample, reject = found_at(path)
    assert sample.key == "a"
    assert "CRC" in reject.error


@pytest.mark.parametrize("name", ["shard.tar", "shard.tar.gz", "shard.tgz"])
def test_open_tar_decompresses_by_name(tmp_path, name):
    tar = make_tar(GOOD)
    path = tmp_path / name
    path.write_bytes(tar if name.endswith(".tar") else gzip.compress(tar))
    with open_tar(str(path), {}) as stream:
        assert stream.read() == tar


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
        return CutFile(self, path, gzip.compress(TAR) if path.endswith("gz") else TAR[:-1024])


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz"])
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
