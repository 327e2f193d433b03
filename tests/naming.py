"""The names that input shards get, for tests that know their files' names."""

from pathlib import Path

from transforms.config.sections import Config
from transforms.shards.naming import name_of


def named(config: Config, stem: str) -> str:
    """The name of the shard `stem`.tar in the folder of the first pattern of `config`."""
    return name_of(f"{config.input.shards[0].rpartition('/')[0]}/{stem}.tar")


def label_table(output: Path, stem: str) -> Path:
    """The label table, in an output folder, of the only shard of that stem."""
    (found,) = (output / "labels").glob(f"{stem}--*.parquet")
    return found
