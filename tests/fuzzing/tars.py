"""Tar reading: samples are whole, in order, apart, and the same however they are read."""

import tarfile
from itertools import pairwise

from tests.tarmaking import (
    Found,
    events,
    make_tar,
    pax_entry,
    pax_record,
    raw_entry,
    sparse_with_map,
    special,
    with_checksum,
)
from transforms.shards.headers import BLOCK, END_OF_ARCHIVE
from transforms.shards.samples import Reject, Sample

FILES = [("a.jpg", b"A" * 700), ("a.txt", b"a"), ("b.json", b"{}"), ("d/c.txt", b"c")]


def seeds() -> list[bytes]:
    """A tar of each format, and of each kind of entry."""
    forms = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
    long = [("n" * 150 + ".txt", b"n"), ("é" * 60 + ".txt", b"e")]
    entries = (
        special("x.txt", tarfile.SYMTYPE, "/etc/passwd"),
        special("x.txt", tarfile.LNKTYPE, "a.txt"),
        special("x.txt", tarfile.CHRTYPE),
        special("x", tarfile.DIRTYPE),
        ("../x.txt", b"x"),
        ("/x.txt", b"x"),
    )
    return [
        *(make_tar([*FILES, *long], form) for form in forms if form != tarfile.USTAR_FORMAT),
        *(make_tar([*FILES, entry, ("z.txt", b"z")]) for entry in entries),
        sparse_with_map(b"x.txt", b"x") + END_OF_ARCHIVE,
        pax_entry(pax_record(b"size", b"5")) + raw_entry(b"x.txt", b"hello") + END_OF_ARCHIVE,
        pax_entry(pax_record(b"comment", b"c"), b"g") + raw_entry(b"x.txt", b"x"),
        raw_entry(b"x.txt", b"hello", size=b"\x80" + (5).to_bytes(11, "big")),
    ]


def check(content: bytes) -> None:
    """Read `content` as a tar: as it is, and with the checksums that its headers should have."""
    _check(content)
    _check(_with_checksums(content))


def _check(content: bytes) -> None:
    """Read `content`, and the samples in it once more, alone."""
    entries = events(content)
    samples = [entry for entry in entries if isinstance(entry, Sample)]
    assert len({sample.key for sample in samples}) == len(samples)
    assert all(one.offset + one.size <= other.offset for one, other in pairwise(samples))
    assert all(sample.offset + sample.size <= len(content) + 511 for sample in samples)
    for sample in samples[:8]:
        alone = events(content[sample.offset : sample.offset + sample.size])
        assert _of_one(alone) == (sample.key, sample.size, sample.members)
    assert all(_sentence(entry.error) for entry in entries if isinstance(entry, Reject))


def _with_checksums(content: bytes) -> bytes:
    blocks = [content[at : at + BLOCK] for at in range(0, len(content), BLOCK)]
    return b"".join(
        with_checksum(bytearray(block)) if block[257:262] == b"ustar" else block for block in blocks
    )


def _of_one(entries: list[Found]) -> tuple[object, ...]:
    (sample,) = [entry for entry in entries if isinstance(entry, Sample)]
    assert sample.offset == 0
    return sample.key, sample.size, sample.members


def _sentence(error: str) -> bool:
    return 0 < len(error) < 1000 and error.isprintable()
