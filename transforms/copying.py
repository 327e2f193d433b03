"""Writing shards by copying samples' byte ranges out of other shards."""

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from time import perf_counter
from typing import IO, Any

from transforms.errors import StaleError
from transforms.tar_headers import (
    END_OF_ARCHIVE,
    REGULAR,
    Cursor,
    DamagedTarError,
    Member,
    padded,
    read_member,
)
from transforms.tar_renaming import renamed_headers
from transforms.tars import open_tar, split_name

CHUNK_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Piece:
    """One copy of the sample `key` at [offset, offset + size) of its tar.

    `new_key` is the key that this copy gets; None leaves every byte as it is.
    """

    offset: int
    size: int
    key: str
    new_key: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """What to copy from the tar at `url`: pieces by ascending offset, repeats side by side."""

    url: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Copied:
    """The written tar: samples, bytes (end of archive included) and their SHA-256, in hexadecimal.

    `read_seconds` were spent on reading and checking, `write_seconds` on writing and hashing.
    """

    samples: int
    bytes: int
    sha256: str
    read_seconds: float
    write_seconds: float


def copy_samples(
    sources: Iterable[Source], sink: IO[bytes], storage_options: dict[str, Any]
) -> Copied:
    """Write one tar to `sink`: the pieces of all `sources`, in order, and the end of the archive.

    Reads forward, through a buffer, so that neighbouring pieces and small gaps are one read; holds
    at most one sample, or a chunk of it. Payloads are not touched. Raises StaleError where a piece
    does not begin with a member of its key, or the tar ends before it.
    """
    tar = _Tar(sink)
    samples = 0
    start = perf_counter()
    for source in sources:
        _copy_source(source, tar, storage_options)
        samples += len(source.pieces)
    tar.write(END_OF_ARCHIVE)
    read_seconds = perf_counter() - start - tar.seconds
    return Copied(samples, tar.bytes, tar.hash.hexdigest(), read_seconds, tar.seconds)


class _Tar:
    """Writes, counts and hashes."""

    def __init__(self, sink: IO[bytes]) -> None:
        self.bytes = 0
        self.seconds = 0.0
        self.hash = hashlib.sha256()
        self._sink = sink

    def write(self, data: bytes) -> None:
        start = perf_counter()
        self._sink.write(data)
        self.hash.update(data)
        self.bytes += len(data)
        self.seconds += perf_counter() - start


def _copy_source(source: Source, tar: _Tar, storage_options: dict[str, Any]) -> None:
    with open_tar(source.url, storage_options) as stream:
        cursor = Cursor(stream)
        try:
            for (offset, size), copies in groupby(source.pieces, _range):
                if offset < cursor.position:
                    raise ValueError(f"the pieces of {source.url} are not in ascending order")
                cursor.skip(offset - cursor.position)
                if size <= CHUNK_BYTES:
                    held = io.BytesIO(cursor.read(size))
                    for piece in copies:
                        held.seek(0)
                        _copy_piece(piece, Cursor(held, offset), tar)
                else:
                    for piece in copies:
                        stream.seek(offset)
                        cursor = Cursor(stream, offset)
                        _copy_piece(piece, cursor, tar)
        except DamagedTarError as error:
            raise StaleError(
                f"the shard {source.url} has changed since it was labelled ({error}): "
                "run the label stage again"
            ) from error


def _range(piece: Piece) -> tuple[int, int]:
    return piece.offset, piece.size


def _copy_piece(piece: Piece, cursor: Cursor, tar: _Tar) -> None:
    if piece.new_key is None:
        _copy_unchanged(piece, cursor, tar)
    else:
        _copy_renamed(piece, piece.new_key, cursor, tar)


def _copy_unchanged(piece: Piece, cursor: Cursor, tar: _Tar) -> None:
    chunk = cursor.read(min(piece.size, CHUNK_BYTES))
    _member_of(piece, Cursor(io.BytesIO(chunk), piece.offset))
    tar.write(chunk)
    _copy_bytes(piece.size - len(chunk), cursor, tar)


def _copy_renamed(piece: Piece, new_key: str, cursor: Cursor, tar: _Tar) -> None:
    end = piece.offset + piece.size
    while cursor.position < end:
        member, name = _member_of(piece, cursor)
        tar.write(renamed_headers(member, new_key + name.removeprefix(piece.key)))
        _copy_bytes(padded(member.size), cursor, tar)


def _copy_bytes(size: int, cursor: Cursor, tar: _Tar) -> None:
    while size > 0:
        chunk = cursor.read(min(size, CHUNK_BYTES))
        tar.write(chunk)
        size -= len(chunk)


def _member_of(piece: Piece, cursor: Cursor) -> tuple[Member, str]:
    """The member at the cursor, and its name; DamagedTarError where it is not of the sample."""
    start = cursor.position
    member = read_member(cursor)
    if member is not None and member.kind in REGULAR:
        name = member.name.decode("utf-8", "replace")
        parts = split_name(name)
        fits = member.end <= piece.offset + piece.size
        if fits and parts is not None and parts[0] == piece.key:
            return member, name
    raise DamagedTarError(f"at byte {start} there is no member of the sample {piece.key!r}")
