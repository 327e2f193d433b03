"""Reading shards: exact ranges, webdataset's grouping, and one sentence for all that is hostile."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tarmaking import (
    events,
    files_in,
    make_tar,
    pax_entry,
    pax_record,
    raw_entry,
    samples_in,
    sparse_with_map,
    special,
    with_checksum,
)
from transforms.config.sections import Limits, Members
from transforms.shards.headers import END_OF_ARCHIVE
from transforms.shards.samples import Ignored, Loss, Reject, Sample, read_samples

GOOD = [("a.jpg", b"A" * 700), ("a.txt", b"a"), ("a.json", b"{}")]
BETTER = [("b.jpg", b"B" * 512), ("b.txt", b"b")]
FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)

stems = st.text(st.sampled_from("ab-é日 "), min_size=1, max_size=8)
short_keys = st.builds(lambda stem: f"folder/{stem}", stems) | stems
long_keys = st.builds(lambda stem, count: f"{stem * count}/{stem * count}", stems, st.just(40))
payloads = st.dictionaries(
    st.sampled_from(["jpg", "txt", "JSON", "seg.npy", "cls"]), st.binary(max_size=1300), min_size=1
)


@st.composite
def corpora(draw):
    """(samples by key, the tar that holds them)"""
    form = draw(st.sampled_from(FORMATS))
    keys = short_keys if form == tarfile.USTAR_FORMAT else short_keys | long_keys
    samples = draw(st.dictionaries(keys, payloads, min_size=1, max_size=5))
    entries = [(f"{key}.{ext}", data) for key in samples for ext, data in samples[key].items()]
    return samples, make_tar(entries, form)


@given(corpora())
def test_ranges_hold_the_samples_and_nothing_else(corpus):
    samples, tar = corpus
    found = events(tar)
    assert [sample.key for sample in found] == list(samples)
    assert [sample.offset for sample in found] == [
        0,
        *(sample.offset + sample.size for sample in found[:-1]),
    ]
    for sample in found:
        alone = tar[sample.offset : sample.offset + sample.size]
        members = samples[sample.key]
        assert files_in(alone) == [(f"{sample.key}.{ext}", data) for ext, data in members.items()]
        wanted = {
            ext.lower(): data for ext, data in members.items() if ext in ("jpg", "txt", "JSON")
        }
        assert sample.members == wanted
    assert not tar[found[-1].offset + found[-1].size :].strip(b"\0")


@given(corpora(), st.data())
def test_a_cut_anywhere_costs_only_what_it_cuts(corpus, data):
    _, tar = corpus
    whole = samples_in(tar)
    cut = data.draw(st.integers(0, len(tar) - 1))
    found = events(tar[:cut])
    complete = [sample for sample in whole if sample.offset + sample.size <= cut]
    assert found[: len(complete)] == complete
    if cut % 512 and cut < whole[-1].offset + whole[-1].size + 512:
        assert isinstance(found[-1], Reject)
        assert "cut short" in found[-1].error
    assert len(found) <= len(complete) + 2


@given(corpora(), st.data())
def test_no_changed_byte_raises(corpus, data):
    _, tar = corpus
    place = data.draw(st.integers(0, len(tar) - 1))
    changed = tar[:place] + bytes([tar[place] ^ data.draw(st.integers(1, 255))]) + tar[place + 1 :]
    assert all(isinstance(event, Sample | Reject | Ignored) for event in events(changed))


@pytest.mark.parametrize("ending", [b"", bytes(512), END_OF_ARCHIVE, bytes(10_240)])
def test_archives_may_end_in_several_ways(ending):
    tar = raw_entry(b"a.txt", b"a") + ending
    assert events(tar) == [Sample("a", 0, 1024, {"txt": b"a"})]


@pytest.mark.parametrize("zeros", [0, 512, 9_999 * 512])
def test_joined_archives_are_read_to_the_last_ones_end(zeros):
    first, second = make_tar(GOOD), make_tar(BETTER, tarfile.PAX_FORMAT)
    tar = first + bytes(zeros) + second + make_tar([]) + make_tar([("c.txt", b"c")])
    found = events(tar)
    assert [sample.key for sample in found] == ["a", "b", "c"]
    assert found[1].offset == len(first) + zeros
    for sample in found:
        assert samples_in(tar[sample.offset : sample.offset + sample.size])[0].key == sample.key


def test_no_sample_spans_two_archives():
    sample, reject = events(make_tar(GOOD[:1]) + make_tar(GOOD[1:]))
    assert sample.members.keys() == {"jpg"}
    assert "occurred before" in reject.error


def test_what_follows_the_end_and_is_no_tar_is_named_and_lost():
    whole = make_tar(GOOD)
    sample, tail = events(whole + b"no tar" + bytes(506))
    problem = "bytes that are no tar follow the end of the archive"
    assert sample.key == "a"
    assert tail == Ignored(f"from byte {len(whole)} on", problem, Loss(len(whole), problem))


def test_an_empty_shard_is_one_reject():
    problem = "the shard is empty: it has no bytes"
    assert events(b"") == [Reject("", "read", problem, Loss(0, problem))]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html><body>503 Service Unavailable</body></html>" * 20, "an HTML page"),
        (b"\n<!DOCTYPE html>\n<title>Not found</title>", "an HTML page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "an XML document"),
        (b'{"error": "rate limited"}', "a JSON document"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a Git LFS pointer"),
        (b"PK\3\4" + bytes(600), "a ZIP archive: pack its files as a tar"),
        (b"BZh9" + bytes(600), "compressed with bzip2, which is not read: decompress it"),
        (b"\xfd7zXZ\0" + bytes(600), "compressed with xz, which is not read: decompress it"),
        (b"404: Not Found", "it is a text, or a tar cut short, what a failed download leaves"),
        (("accès refusé\n" * 99).encode(), "it is a text"),
        ("<html>".encode("utf-16"), "it is a text in UTF-16"),
        (b"some bytes\x01 " * 99, "no tar header"),
    ],
)
def test_what_is_no_tar_is_said_to_be_what_it_seems(content, said):
    (reject,) = events(content)
    assert said in reject.error
    assert said in reject.loss.problem
    assert reject.loss.offset == 0


MACOS = ("._a.jpg", "._a.txt", "train/._a.jpg", "README", "__meta__/x.txt")


@pytest.mark.parametrize("name", MACOS)
def test_members_of_no_sample_may_stand_inside_one(name):
    between = (name, b"x" * 600)
    first, inside, after = between, between, between
    *ignored, sample = events(make_tar([first, *GOOD[:1], inside, *GOOD[1:], after]))
    assert [event.name for event in ignored] == [name] * 3
    assert (sample.key, sample.offset, sample.mixed) == ("a", 1536, True)
    assert sample.size == 1536 + 1536 + 1024 * 2
    assert sample.members == {"jpg": b"A" * 700, "txt": b"a", "json": b"{}"}


@pytest.mark.parametrize("entry", [special("a", tarfile.DIRTYPE), None])
def test_directories_and_global_headers_may_stand_inside_a_sample(entry):
    middle = make_tar([entry])[:512] if entry else pax_entry(pax_record(b"comment", b"x"), b"g")
    tar = raw_entry(b"a.jpg", b"A") + middle + raw_entry(b"a.txt", b"a")
    ignored, sample = events(tar)
    assert isinstance(ignored, Ignored)
    assert sample.mixed
    assert sample.members == {"jpg": b"A", "txt": b"a"}


def test_samples_without_others_inside_are_not_mixed():
    tar = make_tar([("README", b"r"), *GOOD, ("README", b"r"), *BETTER])
    assert [sample.mixed for sample in samples_in(tar)] == [False, False]


@pytest.mark.parametrize("names", ["img.{:04}.{}", "photo.v{}.{}"])
def test_keys_that_hold_dots_cost_every_sample_and_say_so(names):
    dotted = [(names.format(n, ext), b"x") for n in range(100) for ext in ("jpg", "txt", "json")]
    *rejects, sample = events(make_tar([*dotted, *BETTER]))
    assert [reject.key for reject in rejects] == [names.format(n, "")[:-1] for n in range(100)]
    assert "its key holds a dot" in rejects[0].error
    assert "100 have the key" in rejects[0].error
    assert sample.key == "b"


def test_extensions_may_hold_dots():
    several = [("a.jpg", b"a"), ("a.left.jpg", b"b"), ("a.v2.txt", b"c"), ("a.txt", b"d")]
    assert [event.key for event in events(make_tar(several))] == ["a"]
    left = events(make_tar(several[1:3]), members=Members(image=("left.jpg",)))
    assert left[0].members == {"left.jpg": b"b"}


def _between(middle: bytes) -> bytes:
    return make_tar(GOOD).rstrip(b"\0").ljust(3072 + 512, b"\0") + middle + make_tar(BETTER)


HOSTILE = {
    "symbolic link": (raw_entry(b"x.txt", kind=b"2"), "x", "'x.txt' is a symbolic link"),
    "hard link": (raw_entry(b"x.txt", kind=b"1"), "x", "'x.txt' is a hard link"),
    "device": (raw_entry(b"x.txt", kind=b"3"), "x", "'x.txt' is a character device"),
    "fifo": (raw_entry(b"x.txt", kind=b"6"), "x", "'x.txt' is a fifo"),
    "unknown type": (raw_entry(b"x.txt", b"x", kind=b"Z"), "x", "unknown tar type b'Z'"),
    "link with a size": (
        raw_entry(b"x.txt", kind=b"2", size=b"00000000777\0"),
        "x",
        "a symbolic link",
    ),
    "sparse with a map": (sparse_with_map(b"x.txt", b"x"), "x", "'x.txt' is a GNU sparse file"),
    "sparse": (raw_entry(b"x.txt", b"x", kind=b"S"), "x", "'x.txt' is a GNU sparse file"),
    "PAX sparse": (
        pax_entry(pax_record(b"GNU.sparse.major", b"1")) + raw_entry(b"x.txt", b"x"),
        "x",
        "'x.txt' is a GNU sparse file",
    ),
    "absolute name": (raw_entry(b"/etc/x.txt", b"x"), "/etc/x", "'/etc/x' is absolute"),
    "parent folder": (raw_entry(b"../x.txt", b"x"), "../x", "has a '..' in its path"),
    "inner parent folder": (raw_entry(b"a/../x.txt", b"x"), "a/../x", "has a '..' in its path"),
    "not UTF-8": (raw_entry(b"x\xff.txt", b"x"), "x\\udcff", "is not UTF-8"),
    "not UTF-8 extension": (raw_entry(b"x.\xff", b"x"), "x", "is not UTF-8"),
    "control character": (raw_entry(b"x\n.txt", b"x"), "x\n", "holds a control character"),
    "NUL": (
        pax_entry(pax_record(b"path", b"x\0y.txt")) + raw_entry(b"x.txt", b"x"),
        "x\0y",
        "holds a control character",
    ),
    "same extension twice": (
        raw_entry(b"x.txt", b"x") + raw_entry(b"x.TXT", b"y"),
        "x",
        "two members with the extension 'txt'",
    ),
    "webdataset's own field": (raw_entry(b"x.__key__", b"x"), "x", "extension '__key__'"),
    "key seen before": (
        raw_entry(b"x.txt", b"x") + raw_entry(b"y.txt", b"y") + raw_entry(b"x.txt", b"x"),
        "x",
        "occurred before in this shard",
    ),
}


@pytest.mark.parametrize(("middle", "key", "error"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_sample_is_rejected_and_all_else_kept(middle, key, error):
    found = events(_between(middle))
    rejects = [event for event in found if isinstance(event, Reject)]
    assert [(reject.key, reject.stage) for reject in rejects] == [(key, "read")]
    assert error in rejects[0].error
    kept = {event.key: event.members for event in found if isinstance(event, Sample)}
    assert kept["a"] == {"jpg": b"A" * 700, "txt": b"a", "json": b"{}"}
    assert kept["b"] == {"jpg": b"B" * 512, "txt": b"b"}


def test_the_whole_sample_of_a_bad_member_is_rejected():
    link = special("a.npy", tarfile.SYMTYPE, "/etc/passwd")
    found = events(make_tar([*GOOD, link, *BETTER]))
    assert [(type(event), event.key) for event in found] == [(Reject, "a"), (Sample, "b")]


UNREADABLE = {
    "no tar": (b"this is a text file " * 100, "this is no tar header"),
    "bad checksum": (bytes([1]) + raw_entry(b"x.txt", b"x")[1:], "checksum is wrong"),
    "bad number": (
        with_checksum(bytearray(raw_entry(b"x.txt").replace(b"0000644\0", b"000x644\0"))),
        "a number in it is unreadable",
    ),
    "negative size": (raw_entry(b"x.txt", size=b"\xff" * 12), "the impossible size -1"),
    "absurd size": (raw_entry(b"x.txt", size=b"\x80" + b"\x7f" * 11), "the impossible size"),
    "absurd PAX size": (
        pax_entry(pax_record(b"size", b"9" * 30)) + raw_entry(b"x.txt"),
        "an impossible size",
    ),
    "malformed PAX header": (pax_entry(b"99 path=x\n") + raw_entry(b"x.txt"), "malformed"),
    "huge PAX header": (pax_entry(bytes(2**20 + 1)) + raw_entry(b"x.txt"), "larger than 1048576"),
    "many PAX headers": (pax_entry(bytes(2**19)) * 2 + raw_entry(b"x.txt"), "larger than 1048576"),
    "global header for all": (
        pax_entry(pax_record(b"path", b"x.txt"), b"g") + raw_entry(b"x.txt"),
        "renames or resizes all members",
    ),
    "global header inside": (
        pax_entry(pax_record(b"path", b"x.txt")) + pax_entry(b"", b"g") + raw_entry(b"x.txt"),
        "inside an entry",
    ),
    "only an extended header": (pax_entry(pax_record(b"path", b"x.txt")), "a header is missing"),
}


@pytest.mark.parametrize(("rest", "error"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_damage_ends_the_shard_with_one_reject_that_says_where(rest, error):
    before = raw_entry(b"a.txt", b"a")
    sample, reject = events(before + rest + END_OF_ARCHIVE)
    assert sample == Sample("a", 0, 1024, {"txt": b"a"})
    assert (reject.key, reject.stage) == ("", "read")
    assert error in reject.error
    assert "nothing can be read from byte" in reject.error


def test_a_cut_payload_rejects_its_sample():
    tar = make_tar(GOOD)
    error = "the shard is cut short: nothing can be read from byte 512 on"
    assert events(tar[:600]) == [Reject("a", "read", error, Loss(0, "the shard is cut short"))]


def test_members_of_no_sample_are_named():
    tar = make_tar(
        [
            special("folder", tarfile.DIRTYPE),
            special("old/", tarfile.AREGTYPE),
            ("__meta__", b"m"),
            ("__meta__/a.txt", b"m"),
            ("README", b"r"),
            ("folder/.hidden", b"h"),
            *GOOD,
        ]
    )
    with_global = pax_entry(pax_record(b"comment", b"hello"), b"g") + tar
    *ignored, sample = events(with_global)
    assert [(event.name, event.reason) for event in ignored] == [
        ("", "it is a PAX global header"),
        ("folder/", "it is a directory"),
        ("old/", "it is a directory"),
        ("__meta__", "it is a meta member of webdataset"),
        ("__meta__/a.txt", "it is a meta member of webdataset"),
        ("README", "its name has no key and extension"),
        ("folder/.hidden", "its name has no key and extension"),
    ]
    assert sample.key == "a"


class Forward(io.BytesIO):
    """A stream that may only be read forward, and counts what is read."""

    def __init__(self, content: bytes, seekable: bool) -> None:
        super().__init__(content)
        self.bytes_read = 0
        self._seeks = seekable

    def seekable(self) -> bool:
        return self._seeks

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        assert self._seeks
        assert whence == io.SEEK_CUR
        assert offset >= 0
        return super().seek(offset, whence)

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        return data


@pytest.mark.parametrize("seekable", [True, False])
def test_streams_are_read_forward_only(seekable):
    tar = make_tar([*GOOD, ("a.npy", bytes(3_000_000)), *BETTER])
    stream = Forward(tar, seekable)
    assert list(read_samples(stream, Members(), Limits())) == events(tar)
    assert (stream.bytes_read < 20_000) == seekable


def test_members_above_the_limit_are_not_read():
    stream = Forward(make_tar([("a.jpg", bytes(1_000_000)), *BETTER]), seekable=True)
    reject, sample = read_samples(stream, Members(), Limits(max_member_bytes=999_999))
    assert reject.key == "a"
    assert "1000000 bytes, more than input.limits.max_member_bytes = 999999" in reject.error
    assert sample.key == "b"
    assert stream.bytes_read < 20_000


def test_a_cut_is_seen_behind_a_payload_that_nobody_wants():
    tar = make_tar([("a.npy", bytes(100_000))])[:50_000]
    assert [event.key for event in events(tar)] == ["a"]
    assert "cut short" in events(tar)[0].error
