"""Engines by name: two there are, and a third is a folder and a line."""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.registry import ENGINES
from tests.commands import run
from tests.fixtures import config_of, tree, write_corpus
from tests.loading import ROOT, copied, fairshard, loaded
from transforms.base.errors import ConfigError
from transforms.stages.engine import Engine

EXAMPLE = ROOT / "tests" / "example_engine"
LINE = """\
ENGINES.register(EngineEntry("serial", "one process", "pipelines.serial.engine:SerialEngine"))
"""


def written(folder: Path, name: str, **changes: Any) -> Path:
    """A configuration of the corpus in `folder`, as a file."""
    values = config_of(folder, **changes).model_dump(mode="json", exclude={"telemetry"})
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def test_to_name_the_engines_imports_none() -> None:
    assert list(ENGINES) == ["beam", "spark"]
    assert not {"apache_beam", "pyspark"} & loaded(["jobs.cli", "jobs.run.commands"])


@pytest.mark.parametrize(("engine", "library"), [("beam", "apache_beam"), ("spark", "pyspark")])
def test_a_library_that_is_missing_is_a_sentence_with_the_command_that_mends_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    engine: str,
    library: str,
) -> None:
    write_corpus(tmp_path, samples=10, shards=1)
    path = written(tmp_path, "config", engine={"name": engine})
    monkeypatch.delitem(sys.modules, f"pipelines.{engine}.engine", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    assert run("label", path) == 2
    install = {"beam": "pip install fairshard", "spark": "pip install 'fairshard[spark]'"}[engine]
    assert f"the {engine} engine needs {library}: {install}\n" in capsys.readouterr().err


def test_an_engine_that_there_is_not_is_named_with_its_key_and_those_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path, samples=10, shards=1)
    path = written(tmp_path, "config", engine={"name": "flink"})
    for command in ("check", "label", "doctor"):
        assert run(command, path) == 2
        said = " ".join(capsys.readouterr().err.split())
        assert "config.yaml is wrong: engine.name: there is no engine 'flink'" in said
        assert "there are: beam, spark" in said


def test_a_third_engine_is_a_folder_and_a_line(tmp_path: Path) -> None:
    """It is seen in help, errors and configurations, and writes the bytes that Beam writes."""
    root = copied(tmp_path / "copy")
    shutil.copytree(EXAMPLE, root / "pipelines" / "serial")
    registry = root / "pipelines" / "registry.py"
    registry.write_text(registry.read_text() + LINE)
    write_corpus(tmp_path)
    serial = written(
        tmp_path,
        "serial",
        engine={"name": "serial"},
        output={"url": "serial", "samples_per_shard": 40},
    )
    wrong = written(tmp_path, "wrong", engine={"name": "flink"})
    beam = written(tmp_path, "beam", output={"url": "beam", "samples_per_shard": 40})
    helped, mistaken, option, done, gate = fairshard(
        root,
        ["rebalance", "--help"],
        ["label", wrong],
        ["label", serial, "--", "--fast"],
        ["rebalance", serial, "--json"],
        ["gate", "labels", beam, "--engine=serial", f"--output={tmp_path / 'serial'}", "--json"],
    )
    assert "<beam|serial|spark>" in helped[1]
    assert mistaken[0] == 2
    assert "there is no engine 'flink'; there are: beam, serial, spark" in mistaken[2]
    assert (option[0], "has no options: leave out --fast" in option[2]) == (2, True)
    assert done[0] == 0, done[2]
    assert (gate[0], json.loads(gate[1])["passed"]) == (0, True), gate[2]
    assert run("rebalance", beam, "--", "--runner=FnApiRunner") == 0
    assert tree(tmp_path / "serial") == tree(tmp_path / "beam")


def test_the_example_is_an_engine_and_the_docs_show_it() -> None:
    from tests.example_engine.engine import SerialEngine

    engine: Engine = SerialEngine()
    assert callable(engine.label_tables)
    with pytest.raises(ConfigError, match="has no options"):
        SerialEngine(["--fast"])
    shown = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "extending.md").read_text(), re.S)
    assert (EXAMPLE / "engine.py").read_text() in shown
    assert LINE in shown
