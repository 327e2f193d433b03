"""Tars for tests: written by Python's tarfile, or block by block where it would refuse."""

import io
import tarfile
from collections.abc import Iterable

from transforms.config.sections import Limits, Members
from transforms.shards.samples import Ignored, Reject, Sample, read_samples

Found = Sample | Reject | Ignored
Entry = tuple[str, bytes] | tarfile.TarInfo


def make_tar(entries: Iterable[Entry], form: int = tarfile.USTAR_FORMAT) -> bytes:
    """A tar of files (name, payload) and of entries without payload."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as tar:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                tar.addfile(entry)
            else:
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                tar.addfile(info, io.BytesIO(entry[1]))
    return stream.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """An entry without payload: a link, a directory, a device."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


def raw_entry(name: bytes, payload: bytes = b"", kind: bytes = b"0", size: bytes = b"") -> bytes:
    """One entry with any name, type flag and size field, and a right checksum."""
    block = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT))
    block[0:100] = name.ljust(100, b"\0")
    block[124:136] = size or b"%011o\0" % len(payload)
    block[156:157] = kind
    return with_checksum(block) + payload + bytes(-len(payload) % 512)


def sparse_with_map(name: bytes, payload: bytes) -> bytes:
    """A GNU sparse file whose map goes on for two blocks behind its header."""
    block = bytearray(raw_entry(name, payload, kind=b"S")[:512])
    block[482] = 1
    maps = bytearray(1024)
    maps[504] = 1
    return with_checksum(block) + maps + payload + bytes(-len(payload) % 512)


def with_checksum(block: bytearray) -> bytes:
    """`block` with the checksum that its bytes have."""
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def pax_entry(records: bytes, kind: bytes = b"x") -> bytes:
    """An extended header with the given payload."""
    return raw_entry(b"././@PaxHeader", records, kind)


def pax_record(keyword: bytes, value: bytes) -> bytes:
    """One PAX record of fewer than 100 bytes."""
    length = len(keyword) + len(value) + 5
    return b"%02d %s=%s\n" % (length, keyword, value)


def events(tar: bytes, limits: Limits | None = None, members: Members | None = None) -> list[Found]:
    """All that `read_samples` says of a tar in memory."""
    return list(read_samples(io.BytesIO(tar), members or Members(), limits or Limits()))


def samples_in(tar: bytes) -> list[Sample]:
    """The readable samples of a tar in memory."""
    return [event for event in events(tar) if isinstance(event, Sample)]


def files_in(tar: bytes) -> list[tuple[str, bytes]]:
    """The files of a tar in memory, read by Python's tarfile."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return [(info.name, archive.extractfile(info).read()) for info in archive if info.isreg()]
