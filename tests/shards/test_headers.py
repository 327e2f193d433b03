"""Tar headers: sizes and names, wherever the formats put them."""

from tests.tarmaking import events, files_in, make_tar, pax_entry, pax_record, raw_entry, samples_in
from transforms.shards.headers import END_OF_ARCHIVE
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
