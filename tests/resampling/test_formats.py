"""Output formats: one file adds one; what is not said of webdataset stays unsaid."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from tests.fixtures import config_of, write_corpus
from tests.loading import ROOT, fairshard, with_module
from tests.outputs import finished_output
from transforms.base.errors import ConfigError
from transforms.config.files import parse_config
from transforms.config.registry import Registry
from transforms.config.writers import WRITERS, Writer
from transforms.labels.tables import digest
from transforms.plan.plan import read_plan

CHOSEN = '''
"""Weights: a line of CSV for each copy, with what it was drawn by."""

from dataclasses import dataclass
from time import perf_counter
from typing import IO

from transforms.config.writers import WRITERS
from transforms.resampling.contents import Contents
from transforms.shards.block_writer import BlockWriter
from transforms.shards.copying import WrittenShard


@dataclass(frozen=True)
class Weights:
    name: str = "weights"
    about: str = "CSV of weights"
    extension: str = "csv"

    def write(self, contents: Contents, sink: IO[bytes]) -> WrittenShard:
        samples, start = 0, perf_counter()
        with BlockWriter(sink) as lines:
            for source, rows in zip(contents.sources, contents.labels, strict=True):
                chosen = rows.select(["key", "s.gender.woman", "s.gender.man", "q"]).to_pylist()
                for piece, row in zip(source.pieces, chosen, strict=True):
                    assert piece.key == row["key"]
                    lines.write(",".join(map(str, row.values())).encode() + b"\\n")
                    samples += 1
        return WrittenShard(samples, lines.bytes, lines.sha256, perf_counter() - start, 0.0)


WRITERS.register(Weights())
'''


def config_file(folder: Path, name: str, **output: Any) -> Path:
    values = config_of(folder, gates={"enabled": False}).model_dump(
        mode="json", exclude_defaults=True
    )
    values["output"] = {"url": str(folder / "out"), **output}
    path = folder / name
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path


def test_one_file_adds_a_format(tmp_path: Path) -> None:
    """In a copy of the packages: it is known, named where another is asked for, and written."""
    root = with_module(tmp_path / "copy", "transforms.resampling.formats.weights", CHOSEN)
    write_corpus(tmp_path, samples=120)
    wrong = config_file(tmp_path, "wrong.yaml", format="avro")
    right = config_file(tmp_path, "right.yaml", format="weights", samples_per_shard=25)

    quick = ("--", "--runner=FnApiRunner")
    refused, done = fairshard(root, ("check", wrong), ("rebalance", right, "--allow-unmet", *quick))
    there_are = "output.format: there is no output format 'avro'; there are: webdataset, weights"
    assert (refused[0], there_are in refused[2]) == (2, True)
    assert done[0] == 0, done[2]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["packing"]["format"] == "weights"
    names = [shard["name"] for shard in manifest["shards"]]
    assert names == [f"shards/{number:05d}.csv" for number in range(len(names))]
    lines = [line for name in names for line in csv.reader((tmp_path / "out" / name).open())]
    assert len(lines) == manifest["totals"]["written"]
    weights = [float(weight) for *_, weight in lines]
    assert all(0 < weight <= 1 for weight in weights)
    assert len(set(weights)) > 1
    women, men = (sum(line[column] == "True" for line in lines) for column in (1, 2))
    assert women / (women + men) == pytest.approx(manifest["measures"]["share"][0])


def test_a_format_that_there_is_not_is_said_with_those_that_there_are() -> None:
    text = yaml.safe_dump({"output": {"url": "out", "format": "avro"}})
    with pytest.raises(ConfigError) as said:
        parse_config(text, "here")
    there_are = ", ".join(WRITERS)
    assert (
        f"  output.format: there is no output format 'avro'; there are: {there_are}"
        in str(said.value).splitlines()
    )


def test_the_page_shows_the_example() -> None:
    example = ROOT / "tests" / "example_package" / "fairshard_example" / "keys.py"
    shown = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    assert f"```python\n{example.read_text(encoding='utf-8')}```" in shown


def test_a_format_is_text() -> None:
    with pytest.raises(ConfigError, match=r"output\.format: should be text, not 7"):
        parse_config(yaml.safe_dump({"output": {"url": "out", "format": 7}}), "here")


@pytest.mark.parametrize("extension", [".jsonl", "", "a/b", "JSON", "tar."])
def test_an_extension_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, extension: str
) -> None:
    formats: Registry[Writer] = Registry("output format")
    odd: Any = SimpleNamespace(name="odd", about="", extension=extension)
    formats.register(odd, "shapes 1.0")
    monkeypatch.setattr("transforms.config.writers.WRITERS", formats)
    with pytest.raises(ConfigError, match=r"'odd' of shapes 1\.0 cannot be used: its extension"):
        parse_config(yaml.safe_dump({"output": {"url": "out", "format": "odd"}}), "here")


def test_nothing_is_said_of_the_format_that_outputs_have_without_saying(tmp_path: Path) -> None:
    """Manifest, claim, records and the identities of tasks are as when there was no other."""
    write_corpus(tmp_path)
    output = {"url": "out", "samples_per_shard": 40, "beside": []}
    storage = finished_output(config_of(tmp_path, output=output))
    manifest = json.loads(storage.read("manifest.json"))
    assert manifest["packing"] == {"samples_per_shard": 40, "bytes_per_shard": None, "beside": []}
    assert not any("table" in shard for shard in manifest["shards"])
    count = len(manifest["shards"])
    assert storage.read("done/claimed.json") == f'{{"shards": {count}}}\n'.encode()
    assert storage.names("done/shards") == tuple(f"{number:05d}.json" for number in range(count))
    record = json.loads(storage.read("done/shards/00000.json"))
    assert [*record] == [
        *(
            "number",
            "identity",
            "samples",
            "bytes",
            "sha256",
            "origins",
            "seconds",
            "version",
            "table",
            "form",
        )
    ]
    first = manifest["shards"][0]["origins"][0]
    assert record["identity"] == digest(
        json.dumps([read_plan(storage).identity, 0, [[first["shard"], 0, 40]]]).encode()
    )
