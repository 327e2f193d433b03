"""`fairshard compare` on a labelled corpus."""

import io
import json
import sys
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from jobs.cli import main
from jobs.decide import compare
from tests.fixtures import config_of, write_corpus
from tests.naming import label_table
from tests.outputs import finished_output
from transforms.base.errors import FairshardError
from transforms.baselines.balancers import BALANCERS
from transforms.config.sections import Balance, Config
from transforms.labels.labelling import Labeller
from transforms.shards.finding import find_shards
from transforms.storage import paths
from transforms.storage.files import output_storage

QUIET = Console(file=io.StringIO())


def labelled(folder: Path) -> Config:
    write_corpus(folder, samples=400, shards=2)
    config = config_of(folder, balance={"eta": 0.3, "max_association_bias": 0.05})
    for shard in find_shards(config.input):
        Labeller(config).label(shard, output_storage(config.output))
    return config


def test_labels_or_a_plan_of_any_balance_give_the_same_table(tmp_path: Path) -> None:
    config = labelled(tmp_path)
    counted = compare.run(config, QUIET)
    assert counted["samples"] == 400
    assert [row["balancer"] for row in counted["balancers"]] == ["M4", *BALANCERS]
    met = {row["balancer"]: row["met"] for row in counted["balancers"]}
    assert met["M4"]
    assert not met["uniform"]
    finished_output(config)
    patterns = output_storage(config.output).read(paths.PATTERNS)
    assert compare.run(config, QUIET) == counted
    other = config.model_copy(update={"balance": Balance(eta=0.2)})
    table = label_table(tmp_path / "out", "00000")
    table.write_bytes(bytes(table.stat().st_size))
    from_plan = compare.run(other, QUIET)
    assert output_storage(config.output).read(paths.PATTERNS) == patterns
    assert from_plan["patterns"] == counted["patterns"]
    assert {round(row["rate"], 9) for row in from_plan["balancers"]} == {0.2}


def test_a_plan_of_other_labels_is_not_used(tmp_path: Path) -> None:
    config = labelled(tmp_path)
    finished_output(config)
    write_corpus(tmp_path, samples=300, shards=2, seed=1)
    with pytest.raises(FairshardError, match=r"2 of 2 shards .* run `fairshard label` first"):
        compare.run(config, QUIET)
    for shard in find_shards(config.input):
        Labeller(config).label(shard, output_storage(config.output))
    assert compare.run(config, QUIET)["samples"] == 300


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = labelled(tmp_path)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    for options in ([], ["--json"]):
        monkeypatch.setattr(sys, "argv", ["fairshard", "compare", str(path), *options])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        said = capsys.readouterr().out
        if options:
            assert len(json.loads(said)["balancers"]) == 1 + len(BALANCERS)
        else:
            assert "400 samples in" in said
            assert all(name in said for name in ("M4", *BALANCERS))
