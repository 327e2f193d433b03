"""Rows that samples are joined with: where they come from, and by what they are found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import pyarrow as pa

from transforms.config.schema import CARRIED
from transforms.config.tables import TableKey

KEY = "key"
"""The first column of every batch of rows, and of the samples that they are joined with."""

Missing = Literal["absent", "reject"]
Layout = Literal["auto", "shards", "any"]


@dataclass(frozen=True, slots=True)
class RowFile:
    """A file of rows, or a part of it, as it was when it was found.

    name: of its first file without extension, as a shard would be named. urls: of all its files.
    bytes: of all of them. version: what their store tells of them. part: which of how many `parts`,
    read apart from each other.
    """

    name: str
    urls: tuple[str, ...]
    bytes: int
    version: str
    part: int = 0
    parts: int = 1

    @property
    def url(self) -> str:
        """The URL that names it."""
        return self.urls[0]


class Rows(Protocol):
    """A source of rows. Workers make it anew from the configuration: it is cheap until asked."""

    @property
    def name(self) -> str:
        """As sentences name it, unique: `persons`, or `embeddings.clip`."""
        ...

    @property
    def key(self) -> TableKey:
        """By what its rows find samples."""
        ...

    @property
    def missing(self) -> Missing:
        """What becomes of a sample without a row."""
        ...

    @property
    def layout(self) -> Layout:
        """Whether its files are named as the shards are."""
        ...

    def files(self) -> tuple[RowFile, ...]:
        """Its files, each part apart, sorted by URL and part; FairshardError where none is."""
        ...

    def untyped(self, file: RowFile) -> bool:
        """Whether a file's columns are texts, to be typed by what all of them hold (CSV)."""
        ...

    def types(self, file: RowFile) -> Mapping[str, pa.DataType]:
        """The columns that are wanted, and their types in a file, as `plain` gives them.

        Reads no more of it than that takes: where files say it, or it is always so, no row.
        """
        ...

    def identity(self) -> Any:
        """What its rows depend on besides the files, as JSON: columns, prompts, a model."""
        ...

    def batches(self, file: RowFile) -> Iterator[pa.Table]:
        """The rows of a file, or of its part, in their order, some at a time.

        `key` (string) first, as `member_keys` gives it where it is by member, null where a row has
        none, then the columns that are wanted and nothing else. Raises FairshardError where
        the file cannot be read, or is not what was found.
        """
        ...


def sample_column(key: TableKey) -> str:
    """The column of recognised samples that holds what rows are found by, or a part of it."""
    return KEY if key.field is None else f"{CARRIED}{key.field}"
