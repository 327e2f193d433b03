"""`fairshard compare` on a labelled corpus."""

import io
import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from jobs.cli import main
from jobs.decide import compare
from tests.commands import run
from tests.fixtures import config_of, write_corpus
from tests.loading import ROOT, copied, fairshard
from tests.naming import label_table
from tests.outputs import finished_output
from transforms.base.errors import FairshardError
from transforms.config.balancers import in_order
from transforms.config.sections import Balance, Config
from transforms.labels.labelling import Labeller
from transforms.shards.finding import find_shards
from transforms.stages.registrations import load_balancers
from transforms.storage import paths
from transforms.storage.files import output_storage

EXAMPLE = ROOT / "tests" / "example_balancer.py"
QUIET = Console(file=io.StringIO())
load_balancers()


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
    assert [row["balancer"] for row in counted["balancers"]] == ["M4", *in_order()]
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
    path = written(config, tmp_path)
    for options in ([], ["--json"]):
        monkeypatch.setattr(sys, "argv", ["fairshard", "compare", str(path), *options])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        said = capsys.readouterr().out
        if options:
            assert len(json.loads(said)["balancers"]) == 1 + len(in_order())
        else:
            assert "400 samples in" in said
            assert all(name in said for name in ("M4", *in_order()))


def test_those_asked_for_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(labelled(tmp_path), tmp_path)
    assert run("compare", path, "--balancer=raking", "--balancer", "uniform", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["balancers"]
    assert [row["balancer"] for row in rows] == ["M4", "raking", "uniform"]
    assert run("compare", path, "--balancer=rake") == 2
    said = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert "'--balancer': there is no balancer 'rake'; there are: label caps, " in said


def test_a_balancer_is_one_file(tmp_path: Path) -> None:
    """It is seen in help, in the table of all, by its name, and missed in the docs' table."""
    root = copied(tmp_path / "copy")
    shutil.copy(EXAMPLE, root / "transforms" / "baselines" / "balancers" / "rare_first.py")
    path = written(labelled(tmp_path), tmp_path)
    helped, all_of_them, alone = fairshard(
        root,
        ["compare", "--help"],
        ["compare", path, "--json"],
        ["compare", path, "--json", "--balancer", "rare first"],
    )
    assert "rare first: the rarer a pattern, the more it weighs" in helped[1]
    rows = json.loads(all_of_them[1])["balancers"]
    names = [row["balancer"] for row in rows]
    assert names == ["M4", *in_order(), "rare first"]
    assert {*names} - {"M4", *documented()} == {"rare first"}
    assert rows[-1]["rate"] == pytest.approx(0.3, abs=1e-9)
    assert json.loads(alone[1])["balancers"] == [rows[0], rows[-1]]


def test_the_docs_list_all_and_show_the_example() -> None:
    assert documented() == in_order()
    shown = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    assert f"```python\n{EXAMPLE.read_text(encoding='utf-8')}```" in shown


def documented() -> tuple[str, ...]:
    """The balancers in the docs' table of them."""
    page = (ROOT / "docs" / "balancers.md").read_text(encoding="utf-8")
    table = page.partition("| balancer | weights | source |\n| --- | --- | --- |\n")[2]
    rows = table.partition("\n\n")[0].splitlines()
    return tuple(row.split("|")[1].strip() for row in rows)


def written(config: Config, folder: Path) -> Path:
    """A configuration as a file."""
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    return path
