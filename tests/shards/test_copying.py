"""Copying byte ranges: equal payloads, exact counts and hashes, and no copy of a changed shard."""

import gzip
import hashlib
import io
import tarfile

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tarmaking import files_in, make_tar, pax_entry, pax_record, raw_entry, samples_in
from transforms.base.errors import FairshardError, StaleError
from transforms.shards.copying import Piece, Source, WrittenShard, copy_samples
from transforms.shards.headers import END_OF_ARCHIVE
from transforms.shards.samples import Sample

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)

keys = st.text(st.sampled_from("ab-é日/"), min_size=1, max_size=6).map(lambda text: f"k/{text}k")
long_keys = keys.map(lambda key: key * 45)
payloads = st.dictionaries(
    st.sampled_from(["jpg", "txt", "json", "npy"]), st.binary(max_size=1300), min_size=1
)


def copy(sources: list[Source]) -> tuple[bytes, WrittenShard]:
    """The tar that `copy_samples` writes, and what it says of it."""
    sink = io.BytesIO()
    copied = copy_samples(sources, sink, {})
    return sink.getvalue(), copied


def piece(sample: Sample, new_key: str | None = None) -> Piece:
    return Piece(sample.offset, sample.size, sample.key, new_key)


@st.composite
def shards_with_copies(draw):
    """(a tar's entries by key, its format, each sample's copies: None or a new key)"""
    form = draw(st.sampled_from(FORMATS))
    some_keys = keys if form == tarfile.USTAR_FORMAT else keys | long_keys
    samples = draw(st.dictionaries(some_keys, payloads, min_size=1, max_size=6))
    copies = {
        key: draw(st.lists(st.none() | st.sampled_from([f"{key}-1", "new", "é" * 120]), max_size=3))
        for key in samples
    }
    return samples, form, copies


@given(shards_with_copies(), st.booleans())
def test_every_copy_has_the_payloads_of_its_sample(tmp_path_factory, shard, zipped):
    samples, form, copies = shard
    tar = make_tar(
        [(f"{key}.{ext}", data) for key in samples for ext, data in samples[key].items()], form
    )
    path = tmp_path_factory.mktemp("copy") / ("shard.tar.gz" if zipped else "shard.tar")
    path.write_bytes(gzip.compress(tar) if zipped else tar)
    pieces = tuple(piece(sample, new) for sample in samples_in(tar) for new in copies[sample.key])

    written, copied = copy([Source(str(path), pieces)])

    assert files_in(written) == [
        (f"{new or key}.{ext}", data)
        for key, news in copies.items()
        for new in news
        for ext, data in samples[key].items()
    ]
    assert copied.samples == len(pieces)
    assert copied.bytes == len(written)
    assert copied.sha256 == hashlib.sha256(written).hexdigest()
    assert written.endswith(END_OF_ARCHIVE)


@pytest.fixture
def shard(tmp_path):
    """(path, tar, samples) of a shard of 40 samples."""
    entries = [
        (f"{i:03d}.{ext}", bytes([i]) * size)
        for i in range(40)
        for ext, size in (("jpg", 9000), ("txt", 20))
    ]
    tar = make_tar(entries)
    path = tmp_path / "shard.tar"
    path.write_bytes(tar)
    return path, tar, samples_in(tar)


def test_copies_under_the_old_key_are_the_very_bytes(shard):
    path, tar, samples = shard
    kept = samples[3:9] + samples[20:21] + samples[39:]
    written, _ = copy([Source(str(path), tuple(map(piece, kept)))])
    ranges = b"".join(tar[s.offset : s.offset + s.size] for s in kept)
    assert written == ranges + END_OF_ARCHIVE


def test_sources_are_written_in_the_order_given(tmp_path, shard):
    path, _, samples = shard
    other = tmp_path / "other.tar"
    other.write_bytes(make_tar([("z.txt", b"z")]))
    source = Source(str(path), (piece(samples[0]),))
    (z,) = samples_in(other.read_bytes())
    written, copied = copy([Source(str(other), (piece(z),)), source])
    assert [sample.key for sample in samples_in(written)] == ["z", "000"]
    assert copied.samples == 2


def test_no_pieces_make_an_empty_archive():
    written, copied = copy([])
    assert written == END_OF_ARCHIVE
    assert (copied.samples, copied.bytes) == (0, 1024)


@pytest.mark.parametrize("name", ["large.tar", "large.tar.gz"])
def test_large_samples_are_copied_in_chunks(tmp_path, name):
    payload = bytes(range(256)) * 40_000
    tar = make_tar([("a.txt", b"a"), ("large.bin", payload), ("large.txt", b"l"), ("z.txt", b"z")])
    path = tmp_path / name
    path.write_bytes(gzip.compress(tar, 1) if name.endswith(".gz") else tar)
    a, large, z = samples_in(tar)
    pieces = (piece(a), piece(large), piece(large, "again"), piece(large), piece(z))
    written, _ = copy([Source(str(path), pieces)])
    copies = [("large.bin", payload), ("large.txt", b"l")]
    again = [("again.bin", payload), ("again.txt", b"l")]
    expected = [("a.txt", b"a"), *copies, *again, *copies, ("z.txt", b"z")]
    assert files_in(written) == expected


@pytest.mark.parametrize("length", [*range(60, 110), *range(950, 970)])
def test_new_names_of_every_length_survive(tmp_path, length):
    path = tmp_path / "shard.tar"
    tar = make_tar([("folder/a.jpg", b"A" * 600)])
    path.write_bytes(tar)
    new_key = f"{'f' * 30}/{'é' * (length // 2)}{'x' * (length % 2)}"
    written, _ = copy([Source(str(path), (piece(samples_in(tar)[0], new_key),))])
    assert files_in(written) == [(f"{new_key}.jpg", b"A" * 600)]
    assert [(s.key, s.members) for s in samples_in(written)] == [(new_key, {"jpg": b"A" * 600})]


def test_renaming_keeps_all_else_that_the_headers_say(tmp_path):
    path = tmp_path / "shard.tar"
    info = tarfile.TarInfo("x" * 120 + ".txt")
    info.mtime, info.uid, info.uname, info.mode = 1.5, 10**9, "é", 0o600
    info.pax_headers = {"comment": "kept"}
    tar = make_tar([info], tarfile.PAX_FORMAT)
    path.write_bytes(tar)
    written, _ = copy([Source(str(path), (piece(samples_in(tar)[0], "short"),))])
    with tarfile.open(fileobj=io.BytesIO(written)) as archive:
        (found,) = archive
    assert (found.name, found.mtime, found.uid, found.mode) == ("short.txt", 1.5, 10**9, 0o600)
    assert found.uname == "é"
    assert found.pax_headers["comment"] == "kept"


def test_renaming_replaces_the_prefix_of_a_name(tmp_path):
    path = tmp_path / "shard.tar"
    tar = make_tar([(f"{'d' * 80}/{'e' * 80}.txt", b"e")])
    path.write_bytes(tar)
    written, _ = copy([Source(str(path), (piece(samples_in(tar)[0], "short"),))])
    assert files_in(written) == [("short.txt", b"e")]


def test_a_file_of_the_oldest_kind_is_no_directory_under_a_new_name(tmp_path):
    path = tmp_path / "shard.tar"
    tar = raw_entry(b"a.txt", b"a", kind=b"\0") + END_OF_ARCHIVE
    path.write_bytes(tar)
    new_key = f"{'f' * 99}/x"
    written, _ = copy([Source(str(path), (piece(samples_in(tar)[0], new_key),))])
    assert files_in(written) == [(f"{new_key}.txt", b"a")]


def test_renaming_keeps_a_size_that_only_the_pax_header_gives(tmp_path):
    path = tmp_path / "shard.tar"
    member = raw_entry(b"a.txt", b"hello", size=b"00000000000\0")
    path.write_bytes(pax_entry(pax_record(b"size", b"5")) + member + END_OF_ARCHIVE)
    (sample,) = samples_in(path.read_bytes())
    written, _ = copy([Source(str(path), (piece(sample, "b"),))])
    assert files_in(written) == [("b.txt", b"hello")]


CHANGES = {
    "another key": lambda tar, at: tar[:at] + raw_entry(b"xyz.jpg") + tar[at + 512 :],
    "damaged": lambda tar, at: tar.replace(b"007.jpg", b"xyz.jpg", 1),
    "shifted": lambda tar, at: raw_entry(b"x.txt") + tar,
    "cut before": lambda tar, at: tar[: at - 100],
    "cut inside": lambda tar, at: tar[: at + 3000],
    "ends before": lambda tar, at: tar[:at] + bytes(len(tar) - at),
    "link": lambda tar, at: tar[:at] + raw_entry(b"007.jpg", kind=b"2") + tar[at + 512 :],
}


@pytest.mark.parametrize("new_key", [None, "new"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_shard_is_not_copied(shard, change, new_key):
    path, tar, samples = shard
    path.write_bytes(change(tar, samples[7].offset))
    with pytest.raises(StaleError, match=r"shard\.tar has changed since it was labelled"):
        copy([Source(str(path), (piece(samples[7], new_key),))])


@pytest.mark.parametrize(("new_key", "missing"), [("new", 512), (None, 2048)])
def test_no_member_goes_beyond_its_sample(shard, new_key, missing):
    path, _, samples = shard
    short = Piece(samples[0].offset, samples[0].size - missing, "000", new_key)
    with pytest.raises(StaleError, match="there is no member of the sample '000'"):
        copy([Source(str(path), (short,))])


@pytest.mark.parametrize(
    ("name", "key"), [(b"__a__/b.jpg", "__a__/b"), (b"c/.jpg", "c/"), (b"a.b.jpg", "a.b")]
)
def test_what_no_loader_takes_for_the_sample_is_not_copied(tmp_path, name, key):
    path = tmp_path / "shard.tar"
    path.write_bytes(raw_entry(name) + END_OF_ARCHIVE)
    with pytest.raises(StaleError, match="there is no member of the sample"):
        copy([Source(str(path), (Piece(0, 512, key, None),))])


def test_a_cut_gzip_shard_is_not_copied(shard):
    path, tar, samples = shard
    zipped = path.with_name("shard.tar.gz")
    zipped.write_bytes(gzip.compress(tar)[:300])
    with pytest.raises(StaleError, match="compressed shard is damaged or cut short"):
        copy([Source(str(zipped), (piece(samples[30]),))])


def test_a_missing_shard_is_named(tmp_path):
    with pytest.raises(FairshardError, match=r"gone\.tar does not exist"):
        copy([Source(str(tmp_path / "gone.tar"), (Piece(0, 512, "a", None),))])


def test_pieces_come_in_ascending_order(shard):
    path, _, samples = shard
    with pytest.raises(ValueError, match="ascending"):
        copy([Source(str(path), (piece(samples[1]), piece(samples[0])))])


def test_neighbours_of_more_than_a_block_are_the_very_bytes(tmp_path):
    path = tmp_path / "shard.tar"
    tar = make_tar([(f"{i}.bin", bytes([i + 1]) * 3_000_000) for i in range(7)])
    path.write_bytes(tar)
    written, _ = copy([Source(str(path), tuple(map(piece, samples_in(tar))))])
    assert written == tar[: len(written) - len(END_OF_ARCHIVE)] + END_OF_ARCHIVE
    assert len(files_in(written)) == 7


@pytest.mark.parametrize("new_key", [None, "b"])
def test_a_sample_may_begin_with_a_long_extended_header(tmp_path, new_key):
    path = tmp_path / "shard.tar"
    info = tarfile.TarInfo("a.txt")
    info.pax_headers = {"comment": "long" * 20_000}
    tar = make_tar([info, ("z.txt", b"z")], tarfile.PAX_FORMAT)
    path.write_bytes(tar)
    a, z = samples_in(tar)
    written, _ = copy([Source(str(path), (piece(a, new_key), piece(z)))])
    assert files_in(written) == [(f"{new_key or 'a'}.txt", b""), ("z.txt", b"z")]


def test_shards_are_copied_from_and_to_any_file_system(shard):
    _, tar, samples = shard
    memory = fsspec.filesystem("memory")
    memory.pipe("/copying/in.tar", tar)
    with memory.open("/copying/out.tar", "wb") as sink:
        copy_samples([Source("memory://copying/in.tar", tuple(map(piece, samples)))], sink, {})
    written = memory.cat("/copying/out.tar")
    memory.rm("/copying", recursive=True)
    assert files_in(written) == files_in(tar)
