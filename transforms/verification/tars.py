"""The samples of a tar, by Python's own tarfile."""

import re
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

_BLOCK = 512
_CHUNK = 1 << 20
_LONGEST = 1 << 60
_LEAST_END = 2 * _BLOCK
_META = re.compile(r"__[^/]*__($|/)")
_DAMAGE = (tarfile.TarError, ValueError, OverflowError, EOFError)


class MalformedError(Exception):
    """A tar is not well-formed: one sentence."""


@dataclass(frozen=True, slots=True)
class Payload:
    """The payload of one member: [offset, offset + size) of the tar."""

    extension: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class TarSample:
    """The members of one key, which lie in [start, end) of the tar, headers and padding included.

    Where key is "", the members have no key.
    """

    key: str
    start: int
    end: int
    payloads: tuple[Payload, ...]


def samples_of(
    stream: IO[bytes], start: int = 0, end: int | None = None, mixed: bool = False
) -> Iterator[TarSample]:
    """The samples of a tar, in order; or of its range [start, end), which begins with a header.

    A sample ends where the key changes, or where an extension comes again. Where it is `mixed`,
    members that loaders pass over count as not there.

    Raises MalformedError where the bytes are no tar; so are those of a whole tar that does not end
    in nothing but zeros, two blocks or more.
    """
    key, first, last = "", start, start
    payloads: list[Payload] = []
    for member in _members(stream, start, end):
        if mixed and passed_over(member):
            continue
        if not member.isreg():
            raise MalformedError(f"{member.name!r} is no regular file")
        name, extension = _split(member.name)
        if payloads and (name != key or extension in {p.extension for p in payloads}):
            yield TarSample(key, first, last, tuple(payloads))
            payloads = []
        if not payloads:
            key, first = name, member.offset
        payloads.append(Payload(extension, member.offset_data, member.size))
        last = member.offset_data + -(-member.size // _BLOCK) * _BLOCK
    if payloads:
        yield TarSample(key, first, last, tuple(payloads))
    if end is None:
        _check_end(stream, last)


def members_of(stream: IO[bytes]) -> Iterator[tuple[tarfile.TarInfo, int, int]]:
    """The members, as far as it is a tar, each with where its archive begins and the next header.

    Where another archive follows the end of one, as `cat` joins them, it goes on there.
    """
    at: int | None = 0
    while at is not None:
        stream.seek(at)
        last = at
        with suppress(*_DAMAGE), _opened(stream) as archive:
            while (member := archive.next()) is not None:
                last = archive.offset
                yield member, at, last
                archive.members = []  # type: ignore[attr-defined]
        at = _next_archive(stream, last)


def key_of(name: str) -> str:
    """The key of a member: its name, cut at the first dot of its last part; "" if it has none."""
    key, _ = _split(name)
    return key


def passed_over(member: tarfile.TarInfo) -> bool:
    """Whether a member is of no sample: a folder, webdataset's own, or without key or extension."""
    return member.isdir() or _META.match(member.name) is not None or not _split(member.name)[0]


def first_difference(
    left: IO[bytes], left_offset: int, right: IO[bytes], right_offset: int, size: int
) -> int | None:
    """How many bytes of two ranges of `size` are equal before they differ; None if they do not."""
    left.seek(left_offset)
    right.seek(right_offset)
    done = 0
    while done < size:
        wanted = min(_CHUNK, size - done)
        a, b = left.read(wanted), right.read(wanted)
        if a != b or len(a) < wanted:
            equal = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
            return done + (min(len(a), len(b)) if equal is None else equal)
        done += wanted
    return None


def _members(stream: IO[bytes], start: int, end: int | None) -> Iterator[tarfile.TarInfo]:
    stream.seek(start)
    try:
        with _opened(stream) as archive:
            while (member := archive.next()) is not None:
                if end is not None and member.offset >= end:
                    return
                yield member
                archive.members = []  # type: ignore[attr-defined]
                if end is not None and archive.offset >= end:
                    return
    except _DAMAGE as error:
        raise MalformedError(f"it is no tar from some byte on: {error}") from error


def _opened(stream: IO[bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="r:", encoding="utf-8", errors="surrogateescape")


def _next_archive(stream: IO[bytes], end: int) -> int | None:
    """Where a header follows the zeros at `end`; None where something else does, or nothing."""
    at = end
    if end > _LONGEST:
        return None
    stream.seek(at)
    while len(block := stream.read(_BLOCK)) == _BLOCK:
        if block.strip(b"\0"):
            try:
                tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            except (tarfile.TarError, ValueError):
                return None
            return at if at > end else None
        at += _BLOCK
    return None


def _check_end(stream: IO[bytes], last: int) -> None:
    stream.seek(last)
    zeros = 0
    while chunk := stream.read(_CHUNK):
        if chunk.strip(b"\0"):
            raise MalformedError(f"from byte {last} on it is neither a member nor the end")
        zeros += len(chunk)
    if zeros < _LEAST_END or (last + zeros) % _BLOCK:
        raise MalformedError(f"it does not end as a tar must: {zeros} zero bytes at byte {last}")


def _split(name: str) -> tuple[str, str]:
    folder, slash, last = name.rpartition("/")
    stem, dot, extension = last.partition(".")
    return (f"{folder}{slash}{stem}", extension) if stem and dot else ("", name)
