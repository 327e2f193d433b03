"""The seam of output formats: what writes the shards of an output, chosen by its name."""

import re
from typing import IO, TYPE_CHECKING, Protocol

from transforms.base.errors import ConfigError
from transforms.config.registry import Entry, Registry

if TYPE_CHECKING:
    from transforms.resampling.contents import Contents
    from transforms.shards.copying import WrittenShard

DEFAULT_FORMAT = "webdataset"
_EXTENSION = re.compile(r"[a-z0-9]+(\.[a-z0-9]+)*")


class Writer(Entry, Protocol):
    """Writes output shards in one format.

    The bytes follow from what the shard is to hold alone, so that two attempts write the same.
    """

    @property
    def extension(self) -> str:
        """What the names of its files end with, after a dot."""

    def write(self, contents: "Contents", sink: IO[bytes]) -> "WrittenShard":
        """Write an output shard to `sink`, which becomes its file once this returns."""


WRITERS: Registry[Writer] = Registry("output format", "fairshard.writers")


def known_format(name: str) -> str:
    """The name of a format; ConfigError where there is none that can write files."""
    extension = WRITERS[name].extension
    if not _EXTENSION.fullmatch(extension):
        raise ConfigError(
            f"the output format {name!r} of {WRITERS.origin(name)} cannot be used: its extension "
            f"{extension!r} is not made of small letters and digits, as in jsonl or tar.gz"
        )
    return name
