"""Webdataset: tars in which every sample is the bytes that it was."""

from dataclasses import dataclass
from typing import IO

from transforms.config.writers import DEFAULT_FORMAT, WRITERS
from transforms.resampling.contents import Contents
from transforms.shards.copying import WrittenShard, copy_samples


@dataclass(frozen=True)
class Webdataset:
    """Copies samples out of the input shards, and renames repeats."""

    name: str = DEFAULT_FORMAT
    about: str = "tars that any training loader reads: samples, copied byte for byte"
    extension: str = "tar"

    def write(self, contents: Contents, sink: IO[bytes]) -> WrittenShard:
        """Write a tar."""
        return copy_samples(contents.sources, sink, contents.storage_options)


WRITERS.register(Webdataset())
