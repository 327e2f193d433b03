"""The record of an output shard, written after the shard; readers trust it alone."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter

from transforms.config.sections import BESIDE, Config
from transforms.config.writers import WRITERS
from transforms.storage import paths
from transforms.storage.documents import Count, parsed, plausible
from transforms.storage.inventory import Vouched


@dataclass(frozen=True, slots=True)
class Taken:
    """What an output shard took of an input shard: copies, and how many are a sample's first."""

    shard: str
    samples: Count
    kept: Count


@dataclass(frozen=True, slots=True)
class TableRecord:
    """The table beside an output shard: bytes, SHA-256, and version as of the shard itself.

    notes: what of the tables beside the input is not in it, and why, a sentence each.
    """

    bytes: Count
    sha256: str
    version: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """An output shard is written.

    identity: digest of the task (plan and origins). samples: copies in it. bytes, sha256: of the
    whole tar. origins: in the order in which they were written. seconds: reading and writing.
    version: what the store calls the tar's version, "" where it has none. table: the one of its
    samples beside it; None where none was asked for, as in records of old. form: the version of
    the record's own form.
    """

    number: int
    identity: str
    samples: int
    bytes: int
    sha256: str
    origins: tuple[Taken, ...]
    seconds: Mapping[str, float]
    version: str = ""
    table: TableRecord | None = None
    form: Literal[1] = 1


def output_record_from(content: bytes) -> OutputRecord:
    """The output record in `content`; ValueError where it is none."""
    return plausible(parsed(content, _OUTPUT_RECORD))


def output_shard(number: int, config: Config) -> str:
    """The name of an output shard in the configured format."""
    return paths.output_shard(number, WRITERS[config.output.format].extension)


def output_file(name: str, record: OutputRecord) -> Vouched:
    """The output shard of that name, as its record vouches for it."""
    return Vouched(name, record.bytes, record.version, record.sha256, hashlib.sha256)


def table_file(number: int, table: TableRecord) -> Vouched:
    """The table beside the output shard of that number, as the shard's record vouches for it."""
    name = paths.samples_table(number)
    return Vouched(name, table.bytes, table.version, table.sha256, hashlib.sha256)


def has_tables(config: Config) -> bool:
    """Whether a table is written beside each shard: there is no room where shards have its name."""
    return "samples" in beside_of(config) and WRITERS[config.output.format].extension != paths.TABLE


def beside_of(config: Config) -> tuple[str, ...]:
    """What is to be written beside the shards."""
    return BESIDE if config.output.beside is None else config.output.beside


_OUTPUT_RECORD = TypeAdapter(OutputRecord)
