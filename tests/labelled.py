"""A shard of given entries, labelled, for tests; and small configurations to label it by."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.begin.demo.corpus import MODEL
from jobs.begin.demo.scenes import Scene, draw, jpeg
from tests.tarmaking import Entry, make_tar
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.labels.tables import read_labels
from transforms.shards.finding import find_shards
from transforms.storage import paths
from transforms.storage.files import Storage

FOX = jpeg(draw(Scene("fox", "hammer", "meadow", seed=1)))
OWL = jpeg(draw(Scene("owl", "book", "night", seed=2)))

BY_CAPTION: dict[str, Any] = {
    "gender": {
        "names": {
            "woman": {"target": 0.5, "lexicon": ["woman", "she"]},
            "man": {"target": 0.5, "lexicon": ["man", "he"]},
        }
    }
}
BY_IMAGE: dict[str, Any] = {
    "figure": {
        "names": {
            "fox": {"target": 0.5, "prompts": ["a fox"]},
            "owl": {"target": 0.5, "prompts": ["an owl"]},
        }
    }
}


def labelling_config(folder: Path, attributes: dict[str, Any], **more: Any) -> Config:
    """The shards in `folder`, labelled by `attributes` and the demo model into `folder`/out."""
    values = {
        "input": {"shards": str(folder / "*.tar*"), **more.pop("input", {})},
        "attributes": attributes,
        "model": {"name": f"local-dir:{MODEL}", "batch_size": 8, **more.pop("model", {})},
        "balance": {"eta": 0.5},
        "output": {"url": str(folder / "out")},
    }
    return Config.model_validate(values | more)


def sample(key: str, **members: bytes | str | dict[str, Any]) -> list[Entry]:
    """The entries of a sample; a dict is a JSON member."""

    def content(given: bytes | str | dict[str, Any]) -> bytes:
        if isinstance(given, dict):
            return json.dumps(given).encode()
        return given.encode() if isinstance(given, str) else given

    return [(f"{key}.{extension}", content(given)) for extension, given in members.items()]


class Labelled:
    """A shard of the given entries, labelled: its record, rows by key, and rejects by key."""

    def __init__(self, folder: Path, config: Config, entries: Iterable[Entry] | bytes) -> None:
        content = entries if isinstance(entries, bytes) else make_tar(entries)
        (folder / "shard.tar").write_bytes(content)
        self.shard = find_shards(config.input)[0]
        self.storage = Storage(config.output.url)
        self.record = Labeller(config).label(self.shard, self.storage)
        self.table = read_labels(self.storage, self.record)
        self.rows = {row["key"]: row for row in self.table.to_pylist()}
        rejects = pq.read_table(pa.BufferReader(self.storage.read(paths.rejects(self.shard.name))))
        self.rejects = [tuple(row.values()) for row in rejects.to_pylist()]

    def true(self, key: str) -> set[str]:
        """The boolean columns that are true of a sample."""
        return {column for column, value in self.rows[key].items() if value is True}
