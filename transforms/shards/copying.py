"""Writing shards by copying samples' byte ranges out of other shards."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from time import perf_counter
from typing import IO, Any

from transforms.base.errors import StaleError
from transforms.shards.announcing import GROUP_BYTES, Announcer
from transforms.shards.block_writer import BLOCK_BYTES, BlockWriter
from transforms.shards.file_kinds import Compression
from transforms.shards.finding import Shard
from transforms.shards.headers import (
    BLOCK,
    END_OF_ARCHIVE,
    REGULAR,
    Cursor,
    DamagedTarError,
    Member,
    padded,
    plain_header,
    read_member,
)
from transforms.shards.member_names import split_name, why_ignored
from transforms.shards.renaming import renamed_headers
from transforms.shards.streams import open_tar
from transforms.shards.unchanged import require_unchanged

BUFFER_BYTES = 8 * 2**10
HEADER_BYTES = 2**12
_GROUPS_AHEAD = 4


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
    """What to copy from the tar at `url`: pieces by ascending offset, repeats side by side.

    Where they are `mixed`, members of no sample that stand between a piece's own are left out.
    compression: None to tell it by the first bytes.
    shard: the tar as it was labelled; None where its version is not to be compared.
    """

    url: str
    pieces: tuple[Piece, ...]
    mixed: bool = False
    compression: Compression | None = None
    shard: Shard | None = None

    @property
    def name(self) -> str:
        """The name of the input shard; its URL where that alone is known."""
        return self.shard.name if self.shard else self.url


@dataclass(frozen=True, slots=True)
class WrittenShard:
    """A written shard: samples, bytes (a tar's end included) and their SHA-256, in hexadecimal.

    `read_seconds` were spent on reading and checking, `write_seconds` on writing and hashing; they
    overlap.
    """

    samples: int
    bytes: int
    sha256: str
    read_seconds: float
    write_seconds: float


def copy_samples(
    sources: Iterable[Source], sink: IO[bytes], storage_options: dict[str, Any]
) -> WrittenShard:
    """Write one tar to `sink`: the pieces of all `sources`, in order, and the end of the archive.

    Reads forward, pieces side by side with one read, and writes in large blocks, of which it holds
    two, and one more for a sample that is renamed. Payloads are not touched. Raises StaleError
    where a piece does not begin with a member of its key, or the tar ends before it, or the tar
    is not of its shard's version, before its first piece is read or after its last.
    """
    samples = 0
    start = perf_counter()
    with BlockWriter(sink) as tar:
        for source in sources:
            _require_unchanged(source, storage_options)
            _copy_source(source, tar, storage_options)
            _require_unchanged(source, storage_options)
            samples += len(source.pieces)
        tar.write(END_OF_ARCHIVE)
        read_seconds = perf_counter() - start - tar.held_up
    return WrittenShard(samples, tar.bytes, tar.sha256, read_seconds, tar.seconds)


class _OtherSampleError(Exception):
    """Where a sample was labelled there is another one, or none: where, and which."""


@dataclass(slots=True)
class _Run:
    """What lies at [offset, end): samples side by side that stay `as_is`, or copies of one."""

    offset: int
    end: int
    pieces: list[Piece]
    as_is: bool


def _copy_source(source: Source, tar: BlockWriter, storage_options: dict[str, Any]) -> None:
    compression = source.compression
    with (
        open_tar(source.url, storage_options, BUFFER_BYTES, compression=compression) as stream,
        Announcer(stream) as system,
    ):
        cursor = Cursor(stream)
        try:
            for run in _announced(_runs(source), system):
                if run.offset < cursor.position:
                    raise ValueError(f"the pieces of {source.url} are not in ascending order")
                if run.as_is:
                    _copy_as_is(run, cursor, tar)
                else:
                    _copy_copies(run, source.mixed, cursor, tar)
        except (DamagedTarError, _OtherSampleError) as error:
            raise StaleError(
                f"the shard {source.url} has changed since it was labelled ({error}): "
                "run `fairshard label` again, with --restart if it keeps the shard's labels"
            ) from error


def _require_unchanged(source: Source, storage_options: dict[str, Any]) -> None:
    if source.shard is not None:
        require_unchanged(source.shard, storage_options)


def _runs(source: Source) -> list[_Run]:
    """The pieces by what one read can bring."""
    runs: list[_Run] = []
    for (offset, size), group in groupby(source.pieces, _range):
        copies, end = list(group), offset + size
        single = len(copies) == 1 and copies[0].new_key is None and not source.mixed
        as_is = single and size <= BLOCK_BYTES
        last = runs[-1] if runs else None
        if last is not None and as_is and _goes_on(last, offset, end):
            last.end = end
            last.pieces += copies
        else:
            runs.append(_Run(offset, end, copies, as_is))
    return runs


def _goes_on(run: _Run, offset: int, end: int) -> bool:
    return run.as_is and run.end == offset and end - run.offset <= BLOCK_BYTES


def _range(piece: Piece) -> tuple[int, int]:
    return piece.offset, piece.size


def _announced(runs: Iterable[_Run], system: Announcer) -> Iterator[_Run]:
    """The runs; the system hears of them some time before they are read, and when they were."""
    groups = list(_groups(runs))
    ranges = [[(run.offset, run.end) for run in group] for group in groups]
    for coming in ranges[:_GROUPS_AHEAD]:
        system.expect(coming)
    for place, group in enumerate(groups):
        for coming in ranges[place + _GROUPS_AHEAD : place + _GROUPS_AHEAD + 1]:
            system.expect(coming)
        yield from group
        system.forget(ranges[place])


def _groups(runs: Iterable[_Run]) -> Iterator[list[_Run]]:
    """The runs by what is announced at a time."""
    group: list[_Run] = []
    for run in runs:
        if group and run.end - group[0].offset > GROUP_BYTES:
            yield group
            group = []
        group.append(run)
    if group:
        yield group


def _copy_as_is(run: _Run, cursor: Cursor, tar: BlockWriter) -> None:
    cursor.go_to(run.offset)
    content = tar.room(run.end - run.offset)
    cursor.read_into(content)
    for piece in run.pieces:
        _check(piece, content[piece.offset - run.offset :][: piece.size])


def _check(piece: Piece, content: memoryview) -> None:
    """An error where the bytes of a piece do not begin with a member of its key."""
    plain = plain_header(bytes(content[:BLOCK]))
    if plain is not None and _is_of_key(piece, *plain):
        return
    try:
        _member_of(piece, Cursor(io.BytesIO(content[:HEADER_BYTES]), piece.offset))
    except (DamagedTarError, _OtherSampleError):
        _member_of(piece, Cursor(io.BytesIO(content), piece.offset))


def _is_of_key(piece: Piece, name: bytes, size: int) -> bool:
    """Whether a file of that name and size is a piece's, as most names say that at once."""
    start = name.rfind(b"/") + 1
    dot = name.find(b".", start)
    within = dot > start and BLOCK + padded(size) <= piece.size
    return (
        within and not name.startswith(b"__") and name[:dot].decode("utf-8", "replace") == piece.key
    )


def _copy_copies(run: _Run, mixed: bool, cursor: Cursor, tar: BlockWriter) -> None:
    cursor.go_to(run.offset)
    if run.end - run.offset <= BLOCK_BYTES:
        held = io.BytesIO(cursor.read(run.end - run.offset))
        for piece in run.pieces:
            held.seek(0)
            _copy_piece(piece, mixed, Cursor(held, run.offset), tar)
    else:
        for piece in run.pieces:
            cursor.go_to(run.offset)
            _copy_piece(piece, mixed, cursor, tar)


def _copy_piece(piece: Piece, mixed: bool, cursor: Cursor, tar: BlockWriter) -> None:
    end = piece.offset + piece.size
    if piece.new_key is None and not mixed:
        chunk = cursor.read(min(piece.size, BLOCK_BYTES))
        _check(piece, memoryview(chunk))
        tar.write(chunk)
        _copy_bytes(end - cursor.position, cursor, tar)
    else:
        new_key = piece.new_key or piece.key
        while cursor.position < end:
            member, name = _member_of(piece, cursor, mixed)
            tar.write(renamed_headers(member, new_key + name.removeprefix(piece.key)))
            _copy_bytes(padded(member.size), cursor, tar)


def _copy_bytes(size: int, cursor: Cursor, tar: BlockWriter) -> None:
    while size > 0:
        content = tar.room(min(size, BLOCK_BYTES))
        cursor.read_into(content)
        size -= len(content)


def _member_of(piece: Piece, cursor: Cursor, mixed: bool = False) -> tuple[Member, str]:
    """The next member of the sample, and its name; _OtherSampleError where another is there.

    Members of no sample are passed over where the pieces are `mixed`.
    """
    while True:
        start = cursor.position
        member = read_member(cursor)
        if member is None or member.end > piece.offset + piece.size:
            break
        name = member.name.decode("utf-8", "replace")
        parts = split_name(name)
        ignored = parts is None or why_ignored(member, name) is not None
        if not ignored and parts is not None and parts[0] == piece.key and member.kind in REGULAR:
            return member, name
        if not (ignored and mixed and start > piece.offset):
            break
        cursor.skip(member.end - cursor.position)
    raise _OtherSampleError(f"at byte {start} there is no member of the sample {piece.key!r}")
