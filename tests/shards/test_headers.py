"""Tar headers: sizes and names, wherever the formats put them."""

import tarfile
from io import BytesIO

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tarmaking import events, files_in, make_tar, pax_entry, pax_record, raw_entry, samples_in
from transforms.shards.headers import END_OF_ARCHIVE, REGULAR, Cursor, plain_header, read_member
from transforms.shards.samples import Sample


def test_base_256_sizes():
    size = b"\x80" + (5).to_bytes(11, "big")
    tar = raw_entry(b"a.txt", b"hello", size=size) + END_OF_ARCHIVE
    assert events(tar) == [Sample("a", 0, 1024, {"txt": b"hello"})]


def test_pax_sizes_and_long_names_win_over_the_header():
    records = pax_record(b"size", b"5") + pax_record(b"path", b"folder/long.txt")
    member = raw_entry(b"short.jpg", b"hello", size=b"00000000000\0")
    found = events(pax_entry(records) + member + END_OF_ARCHIVE)
    assert found == [Sample("folder/long", 0, 2048, {"txt": b"hello"})]


def test_the_first_of_two_pax_headers_wins_as_in_tarfile():
    headers = b"".join(pax_entry(pax_record(b"path", name)) for name in (b"one.txt", b"two.txt"))
    tar = headers + raw_entry(b"x.txt", b"x") + END_OF_ARCHIVE
    assert [sample.key for sample in samples_in(tar)] == ["one"]
    assert files_in(tar) == [("one.txt", b"x")]


def test_ustar_names_go_on_in_the_prefix_field():
    key = f"{'d' * 80}/{'e' * 80}"
    (sample,) = events(make_tar([(f"{key}.txt", b"e")]))
    assert (sample.key, sample.size) == (key, 1024)


_FIELDS = [99, 100, 108, 116, 124, 136, 148, 156, 329, 337, 345]
_BYTES = st.sampled_from([0, 0x80, 0xFF, *b" 79x"]) | st.integers(0, 255)


def _block(name: bytes, kind: bytes, size: int, shape: int) -> bytes:
    info = tarfile.TarInfo(name.decode("latin-1"))
    info.type, info.size, info.mtime = kind, size, 1_700_000_000
    return info.tobuf(shape, encoding="latin-1")[:512]


@settings(max_examples=400)
@given(
    st.binary(min_size=1, max_size=120).filter(lambda name: b"\0" not in name) | st.just(b"a/"),
    st.sampled_from([b"0", b"\0", b"7", b"5", b"2", b"x", b"L", b"g", b"S"]),
    st.integers(0, 2**34),
    st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT]),
    st.lists(st.tuples(st.sampled_from(_FIELDS) | st.integers(0, 511), _BYTES), max_size=2),
    st.booleans(),
)
def test_what_a_plain_header_gives_is_what_reading_the_member_gives(
    name: bytes,
    kind: bytes,
    size: int,
    shape: int,
    changes: list[tuple[int, int]],
    summed: bool,
) -> None:
    try:
        block = bytearray(_block(name, kind, size, shape))
    except ValueError:  # ustar cannot say it
        return
    for place, value in changes:
        block[place] = value
    if summed:
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    plain = plain_header(bytes(block))
    if plain is not None:
        member = read_member(Cursor(BytesIO(bytes(block))))
        assert member is not None
        assert (member.name, member.size) == plain
        assert member.kind in REGULAR
        assert member.start == 512
    elif not changes and kind in REGULAR and len(name) <= 90:
        assert name.endswith(b"/")
