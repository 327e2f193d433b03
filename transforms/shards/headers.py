"""Tar entries, parsed from bytes with their places (POSIX.1-2001 pax format; GNU tar manual)."""

import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import IO

from transforms.shards.file_kinds import no_tar

BLOCK = 512
END_OF_ARCHIVE = bytes(2 * BLOCK)
MAX_EXTENDED_BYTES = 2**20
MAX_SIZE = 2**50

GLOBAL = b"g"
SPARSE = b"S"
DIRECTORY = b"5"
REGULAR = frozenset((b"0", b"\0", b"7"))

_LONG_NAME = b"L"
_LONG_LINK = b"K"
_PAX = frozenset((b"x", b"X"))
_EXTENDED = frozenset((_LONG_NAME, _LONG_LINK, GLOBAL)) | _PAX
_WITHOUT_PAYLOAD = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))
_OF_EVERY_MEMBER = re.compile(rb"path|size|linkpath|GNU\.sparse\..*")
_PAX_LENGTH = re.compile(rb"([0-9]{1,7}) ")
_OTHER_NUMBERS = tuple(
    slice(start, end)
    for start, end in ((100, 108), (108, 116), (116, 124), (136, 148), (329, 337), (337, 345))
)
_SKIP_CHUNK = 2**20


class DamagedTarError(Exception):
    """The bytes are no tar from byte `at` on; `problem` says what is wrong."""

    def __init__(self, at: int, problem: str) -> None:
        super().__init__(f"{problem}: nothing can be read from byte {at} on")
        self.at = at
        self.problem = problem


class TailError(DamagedTarError):
    """What follows the end of an archive, from byte `at` on, is neither zeros nor a header."""


@dataclass(frozen=True, slots=True)
class Member:
    """One tar entry: [offset, start) holds its headers, [start, start + size) its payload.

    `kind` is the type flag, `block` the entry's own header, `records` what extended headers give
    (PAX records; a GNU long name as `path`).
    """

    name: bytes
    kind: bytes
    offset: int
    start: int
    size: int
    block: bytes
    records: Mapping[bytes, bytes]

    @property
    def end(self) -> int:
        """Where the next entry's headers begin."""
        return self.start + padded(self.size)


class Cursor:
    """Reads a stream forward from `position`, and knows where it is."""

    def __init__(self, stream: IO[bytes], position: int = 0) -> None:
        self.position = position
        self._stream = stream
        self._seekable = stream.seekable()

    def read(self, size: int) -> bytes:
        """The next `size` bytes; DamagedTarError where the stream ends before."""
        start = self.position
        data = self.read_up_to(size)
        if len(data) < size:
            raise DamagedTarError(start, "the shard is cut short")
        return data

    def read_up_to(self, size: int) -> bytes:
        """The next `size` bytes, or as many as there are."""
        try:
            data = self._stream.read(size)
        except EOFError as error:
            raise self._undone(error) from error
        self.position += len(data)
        return data

    def read_into(self, content: memoryview) -> None:
        """Fill `content` with the next bytes; DamagedTarError where the stream ends before."""
        start = self.position
        try:
            size = self._stream.readinto(content)  # type: ignore[attr-defined]
        except EOFError as error:
            raise self._undone(error) from error
        if size < len(content):
            raise DamagedTarError(start, "the shard is cut short")
        self.position += size

    def go_to(self, position: int) -> None:
        """Read from `position` on next; forward only where the stream cannot seek."""
        if not self._seekable:
            self.skip(position - self.position)
            return
        try:
            self._stream.seek(position)
        except EOFError as error:
            raise self._undone(error) from error
        self.position = position

    def skip(self, size: int) -> None:
        """Pass over `size` bytes; DamagedTarError where the stream ends before."""
        if size <= BLOCK or not self._seekable:
            while size > 0:
                size -= len(self.read(min(size, _SKIP_CHUNK)))
            return
        try:
            self._stream.seek(size - 1, os.SEEK_CUR)
            last = self._stream.read(1)
        except EOFError as error:
            raise self._undone(error) from error
        if not last:
            raise DamagedTarError(self.position, "the shard is cut short")
        self.position += size

    def _undone(self, error: Exception) -> DamagedTarError:
        problem = f"the compressed shard is damaged or cut short ({error})"
        return DamagedTarError(self.position, problem)


def padded(size: int) -> int:
    """The bytes that a payload of `size` bytes takes in a tar: whole blocks."""
    return -size % BLOCK + size


def read_member(cursor: Cursor) -> Member | None:
    """The entry at the cursor, which is left at the payload; None at the end of the archive.

    The end is a zero block, or the end of the stream between two entries. The payload of a PAX
    global header is passed over here. Raises DamagedTarError.
    """
    block = cursor.read_up_to(BLOCK)
    return None if _is_the_end(block) else _member_from(block, cursor)


def plain_header(block: bytes) -> tuple[bytes, int] | None:
    """The name and the size that a block gives; None where it is not alone the header of a file.

    What it gives, `read_member` does; where it gives None, that tells why.
    """
    if len(block) < BLOCK or block[156:157] not in REGULAR or block[345]:
        return None
    name = _text(block[:100])
    try:
        unsigned = _byte_sum(block[:256]) + _byte_sum(block[256:]) - sum(block[148:156]) + 8 * 32
        if unsigned != _number(block[148:156]):
            return None
        size = _number(block[124:136])
        _check_numbers(block[100:124], block[136:148], block[329:345])
    except ValueError:
        return None
    return None if name.endswith(b"/") or not 0 <= size <= MAX_SIZE else (name, size)


def member_after_end(cursor: Cursor) -> Member | None:
    """The first entry behind the zero blocks at the cursor: archives may have been joined.

    None where the stream ends in zeros. Raises TailError, or DamagedTarError.
    """
    while block := cursor.read_up_to(BLOCK):
        if block.strip(b"\0"):
            at = cursor.position - len(block)
            try:
                _parse_block(block, at)
            except DamagedTarError as error:
                problem = "bytes that are no tar follow the end of the archive"
                raise TailError(at, problem) from error
            return _member_from(block, cursor)
    return None


def _is_the_end(block: bytes) -> bool:
    return not block.strip(b"\0") and len(block) in (0, BLOCK)


def _member_from(block: bytes, cursor: Cursor) -> Member:
    """The entry whose first header, `block`, has just been read."""
    offset = at = cursor.position - len(block)
    records: dict[bytes, bytes] = {}
    while True:
        kind, size = _parse_block(block, at)
        if kind not in _EXTENDED:
            break
        extended = _read_extended(cursor, size, at, at - offset)
        if kind == GLOBAL:
            _check_global(extended, offset, at)
            return Member(b"", GLOBAL, offset, cursor.position, 0, block, {})
        if kind == _LONG_NAME:
            records.setdefault(b"path", _text(extended))
        elif kind in _PAX:
            for keyword, value in _pax_records(extended, at).items():
                records.setdefault(keyword, value)
        at = cursor.position
        block = cursor.read_up_to(BLOCK)
        if _is_the_end(block):
            raise DamagedTarError(at, "a header is missing after an extended header")
    if kind == SPARSE:
        _skip_sparse_map(cursor, block)
    size = 0 if kind in _WITHOUT_PAYLOAD else _pax_size(records, size, at)
    return Member(_name(block, records), kind, offset, cursor.position, size, block, records)


def _parse_block(block: bytes, at: int) -> tuple[bytes, int]:
    if len(block) < BLOCK:
        raise _no_header(block, at, "the shard is cut short inside a header")
    try:
        unsigned = _byte_sum(block[:256]) + _byte_sum(block[256:]) - sum(block[148:156]) + 8 * 32
        if unsigned != _number(block[148:156]):
            raise _no_header(block, at, "this is no tar header (its checksum is wrong)")
        size = _number(block[124:136])
        for field in _OTHER_NUMBERS:
            _number(block[field])
    except ValueError as error:
        problem = "this is no tar header (a number in it is unreadable)"
        raise _no_header(block, at, problem) from error
    if not 0 <= size <= MAX_SIZE:
        raise DamagedTarError(at, f"a header gives the impossible size {size}")
    kind = block[156:157]
    return (DIRECTORY if kind == b"\0" and _text(block[:100]).endswith(b"/") else kind), size


def _no_header(block: bytes, at: int, problem: str) -> DamagedTarError:
    """The error of a block that is no header: of a file's first, what the file seems to be."""
    return DamagedTarError(at, (no_tar(block) if at == 0 else None) or problem)


def _byte_sum(data: bytes) -> int:
    """The sum of at most 256 bytes: the low half of Adler-32, which is 1 + sum modulo 65,521."""
    return (zlib.adler32(data) & 0xFFFF) - 1


@lru_cache(maxsize=4096)
def _check_numbers(owners: bytes, time: bytes, device: bytes) -> None:
    """ValueError where another of a header's numbers, which many have in common, is unreadable."""
    for field in (owners[:8], owners[8:16], owners[16:], time, device[:8], device[8:]):
        _number(field)


@lru_cache(maxsize=4096)
def _number(field: bytes) -> int:
    """An octal or GNU base-256 number; ValueError where it is neither."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    if field[0] == 0xFF:
        return int.from_bytes(field, "big", signed=True)
    return int(_text(field).strip() or b"0", 8)


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _name(block: bytes, records: Mapping[bytes, bytes]) -> bytes:
    path = records.get(b"path")
    if path is not None:
        return path
    name = _text(block[:100])
    return _text(block[345:500]) + b"/" + name if block[345] else name


def _read_extended(cursor: Cursor, size: int, at: int, before: int) -> bytes:
    if before + size > MAX_EXTENDED_BYTES:
        raise DamagedTarError(at, f"an extended header is larger than {MAX_EXTENDED_BYTES} bytes")
    payload = cursor.read(size)
    cursor.skip(padded(size) - size)
    return payload


def _pax_records(payload: bytes, at: int) -> dict[bytes, bytes]:
    records: dict[bytes, bytes] = {}
    place = 0
    while place < len(payload) and payload[place]:
        length = _PAX_LENGTH.match(payload, place)
        end = place + int(length[1]) if length else 0
        if not length or not length.end() < end <= len(payload) or payload[end - 1] != 0x0A:
            raise DamagedTarError(at, "a PAX header is malformed")
        keyword, equals, value = payload[length.end() : end - 1].partition(b"=")
        if not equals or not keyword:
            raise DamagedTarError(at, "a PAX header is malformed")
        records[keyword] = value.rstrip(b"/") if keyword == b"path" else value
        place = end
    return records


def _pax_size(records: Mapping[bytes, bytes], size: int, at: int) -> int:
    given = records.get(b"size")
    if given is None:
        return size
    if not given.isdigit() or len(given) > 16 or int(given) > MAX_SIZE:
        raise DamagedTarError(at, "a PAX header gives an impossible size")
    return int(given)


def _check_global(payload: bytes, offset: int, at: int) -> None:
    if at > offset:
        raise DamagedTarError(at, "a PAX global header stands inside an entry")
    if any(map(_OF_EVERY_MEMBER.fullmatch, _pax_records(payload, at))):
        raise DamagedTarError(at, "a PAX global header renames or resizes all members")


def _skip_sparse_map(cursor: Cursor, block: bytes) -> None:
    goes_on = block[482]
    while goes_on:
        goes_on = cursor.read(BLOCK)[504]
