"""Derived names on both engines and in every command: the same bytes, nothing labelled again."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.beam.engine import BeamEngine
from pipelines.spark.engine import SparkEngine
from tests.commands import run
from tests.fixtures import config_of, tree, write_corpus
from transforms.config.sections import Config
from transforms.shards.finding import find_shards

IN_MEMORY = ["--runner=FnApiRunner"]
ATTRIBUTES: dict[str, Any] = {
    "gender": {
        "share_of": "group",
        "names": {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")},
    },
    "quality": {
        "share_of": "group",
        "names": {
            "good": {"target": 0.6, "field": {"path": "quality", "at_least": 0.5}},
            "poor": {"target": 0.4, "field": {"path": "quality", "not": {"at_least": 0.5}}},
        },
    },
    "both": {
        "crossed": ["gender", "quality"],
        "names": {
            "man x good": {"at_most": 0.35},
            "woman x poor": {"target": 0.2, "at_least": 0.1},
        },
    },
}
LABELS: dict[str, Any] = {
    "thing": {
        "combine": "all",
        "names": {
            "nurse": {"lexicon": "nurse", "field": {"path": "words", "matches": "^nur"}},
            "tie": {"field": {"path": "words", "values": "tie"}},
            "dressed": {
                "any_of": ["tie", "nurse"],
                "none_of": ["both.man x poor"],
                "at_least": 0.1,
            },
        },
    }
}


def asking(folder: Path, name: str, labels: dict[str, Any] = LABELS) -> Config:
    return config_of(
        folder,
        attributes=ATTRIBUTES,
        labels=labels,
        balance={"eta": 0.4, "max_representation_bias": 0.1, "max_association_bias": 0.3},
        output={"url": str(folder / name), "samples_per_shard": 40},
    )


def test_both_engines_write_the_same_bytes(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=120, shards=2)
    engines = {"beam": BeamEngine(IN_MEMORY), "spark": SparkEngine(["--master=local[2]"])}
    for name, engine in engines.items():
        config = asking(tmp_path, name)
        engine.rebalance(config, find_shards(config.input))
    assert tree(tmp_path / "beam") == tree(tmp_path / "spark")
    assert run("verify", tmp_path / "spark") == 0


def on_file(folder: Path, labels: dict[str, Any] = LABELS) -> Path:
    values = asking(folder, "out", labels).model_dump(mode="json", exclude_defaults=True)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path


def test_every_command_knows_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truths = write_corpus(tmp_path)
    path = on_file(tmp_path)
    assert run("check", path) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "nothing is labelled for them: both.woman × good (0.3), both.woman × poor (0.2)" in told
    assert "both.man × poor (0.2), thing.dressed" in told
    assert run("rebalance", path, "--", *IN_MEMORY) == 0
    assert "both.woman × good" in (tmp_path / "out" / "report" / "index.html").read_text()
    lines = [
        f"{truth.key},gender.{name},{int(name in truth.words)}"
        for truth in truths
        for name in ("woman", "man")
    ]
    checked = tmp_path / "checked.csv"
    checked.write_text("\n".join(["key,attribute,truth", *lines]))
    for command in ("suggest", "frontier", "compare"):
        assert run(command, path) == 0, command
    capsys.readouterr()
    assert run("calibrate", path, checked) == 0
    assert "both.woman × good" in capsys.readouterr().out
    names = {**LABELS["thing"]["names"], "dressed": {"all_of": ["tie"], "none_of": ["nurse"]}}
    path = on_file(tmp_path, {"thing": {**LABELS["thing"], "names": names}})
    assert run("rebalance", path, "--dry-run") == 0
    said = capsys.readouterr().out
    assert "the labels of all 3 shards are kept" in said
    assert "the plan is made again: labels.thing.names.dressed.all_of" in said
