"""Where the output's samples came from: rows of label tables, and ranges of input shards."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from tempfile import TemporaryFile
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from transforms.shards.streams import compression_of, open_tar
from transforms.verification.evidence import LabelRecordEvidence
from transforms.verification.labels import LabelTable
from transforms.verification.tars import MalformedError, TarSample, first_difference, samples_of

_CHUNK = 1 << 20
_COPY = re.compile(r"(.+)-[1-9][0-9]*", re.DOTALL)


@dataclass
class OriginRange:
    """An input shard: its samples by key, their ranges, and how many copies were found of each.

    last is the row of the copy that was found last, -1 before the first.
    """

    record: LabelRecordEvidence
    keys: list[str]
    offsets: list[int]
    sizes: list[int]
    rows: dict[str, int]
    copies: NDArray[np.int64]
    last: int = -1

    @property
    def name(self) -> str:
        """The name of the input shard."""
        return self.record.shard.name


def origin_of(record: LabelRecordEvidence, table: LabelTable) -> OriginRange:
    """The samples that `table` lists of an input shard."""
    keys, offsets, sizes = table.places()
    rows = {key: row for row, key in enumerate(keys)}
    return OriginRange(record, keys, offsets, sizes, rows, np.zeros(len(keys), np.int64))


def candidates(key: str, size: int, origin: OriginRange) -> list[int]:
    """The rows that a written sample may be a copy of, the likelier first.

    Those are the row of its own key and, for `<key>-<number>`, the row of `<key>`; one of the very
    same size is likelier.
    """
    names = [key]
    if copied := _COPY.fullmatch(key):
        names.append(copied[1])
    rows = [origin.rows[name] for name in names if name in origin.rows]
    return sorted(rows, key=lambda row: origin.sizes[row] != size)


@contextmanager
def opened_input(origin: OriginRange, options: dict[str, Any]) -> Iterator[IO[bytes]]:
    """The (decompressed) tar of an input shard; FairshardError where it cannot be read."""
    url = origin.record.shard.url
    with open_tar(url, options) as stream:
        if not compression_of(stream):
            yield stream
            return
        with TemporaryFile() as unpacked:
            with suppress(EOFError):  # what precedes damage was labelled
                while chunk := cast(BufferedReader, stream).read1(_CHUNK):
                    unpacked.write(chunk)
            yield unpacked


def difference(
    written: IO[bytes], sample: TarSample, source: IO[bytes], origin: OriginRange, row: int
) -> str | None:
    """How a written sample differs from its origin; None where every payload is the same.

    A copy under its own key is the same bytes, headers included, unless the origin's samples have
    members of none between their own, which are left out.
    """
    offset, size = origin.offsets[row], origin.sizes[row]
    mixed = origin.record.mixed > 0
    if sample.key == origin.keys[row] and not mixed:
        if sample.end - sample.start != size:
            return f"it has {sample.end - sample.start} bytes, its origin has {size}"
        at = first_difference(written, sample.start, source, offset, size)
        return None if at is None else f"it differs at byte {at} of its {size}"
    try:
        (original, *others) = samples_of(source, offset, offset + size, mixed)
    except (MalformedError, ValueError):
        return "its origin holds no sample any more"
    if others or original.key != origin.keys[row]:
        return "its origin holds other samples now"
    listed = [(payload.extension, payload.size) for payload in sample.payloads]
    if listed != [(payload.extension, payload.size) for payload in original.payloads]:
        return "its members are not those of its origin"
    for mine, theirs in zip(sample.payloads, original.payloads, strict=True):
        at = first_difference(written, mine.offset, source, theirs.offset, mine.size)
        if at is not None:
            return f"its member .{mine.extension} differs at byte {at} of {mine.size}"
    return None
