"""`fairshard drift`: an output, a corpus that grew, and what is advised."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from jobs.session.labelled import keep_settings
from tests.commands import run
from tests.fixtures import Truth, config_of, members_of, write_tar
from tests.outputs import finished_output
from transforms.config.files import read_config
from transforms.config.schema import schema_of
from transforms.labels.records import label_record_from
from transforms.labels.tables import read_labels
from transforms.plan.plan import read_plan
from transforms.shards.finding import find_shards
from transforms.storage import paths
from transforms.storage.files import output_storage

IN_MEMORY = {"options": {"runner": "FnApiRunner"}}
BALANCE = {"eta": 0.3, "max_representation_bias": 0.01, "max_association_bias": 0.04}


def shard(
    folder: Path, number: int, women: float, samples: int = 300, quality: float = 1.0
) -> None:
    """A shard of so many women, who are nurses mostly, and men, who are doctors."""
    rng, members = np.random.default_rng(number), {}
    for sample in range(samples):
        woman = rng.random() < women
        likely = {"doctor": 0.1, "nurse": 0.5} if woman else {"doctor": 0.4, "nurse": 0.1}
        words = ["woman" if woman else "man"]
        words += [name for name, share in likely.items() if rng.random() < share]
        truth = Truth(f"{number}{sample:05d}", tuple(words), quality)
        for extension, content in members_of(truth).items():
            members[f"{truth.key}.{extension}"] = content
    write_tar(folder / "in" / f"{number:05d}.tar", members)


def written(folder: Path, **changes: Any) -> Path:
    """A finished output of two shards; its configuration."""
    for number in range(2):
        shard(folder, number, 0.35)
    config = config_of(folder, **{"balance": BALANCE, "engine": IN_MEMORY, **changes})
    keep_settings(config, finished_output(config))
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path)


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """What drift says, as JSON."""
    assert run("drift", *arguments, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def labelled_as(path: Path, number: int) -> str:
    """The name that a shard has in the output."""
    shards = find_shards(read_config(path).input)
    return next(shard.name for shard in shards if shard.name.startswith(f"{number:05d}"))


def stamps(folder: Path) -> dict[str, int]:
    """When each file of an output but those of the run itself was written."""
    files = (path for path in folder.rglob("*") if path.is_file())
    own = ("metrics.prom", "done/run.json", "done/work.json")
    names = ((str(path.relative_to(folder)), path.stat().st_mtime_ns) for path in files)
    return {name: stamp for name, stamp in names if name not in own}


def test_without_new_shards_there_is_nothing_to_do(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = stamps(path.parent / "out")
    found = told(capsys, path)
    assert found["advice"] == "nothing"
    assert found["new"] == {"shards": 0, "samples": 0, "labelled_now": 0}
    assert stamps(path.parent / "out") == before
    assert run("drift", path) == 0
    assert "written from: 2 shards of 600 samples\nadvice: nothing" in capsys.readouterr().out


def test_new_shards_are_labelled_and_measured_and_the_output_stays(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard(path.parent, 2, 0.35)
    before = stamps(path.parent / "out")
    assert run("drift", path) == 0
    said = capsys.readouterr().out
    assert "new: 1 shard of 300 samples (1 labelled in this run)\n" in said
    assert "± " in said and " by the plan (gender." in said
    assert said.endswith("by more than 4 standard errors\n")
    after = stamps(path.parent / "out")
    new = {name for name in after if name not in before}
    name = labelled_as(path, 2)
    made = {paths.labels(name), paths.rejects(name), paths.label_record(name)}
    assert new == made
    assert {name: after[name] for name in before} == before
    found = told(capsys, path)
    assert (found["advice"], found["new"]["labelled_now"]) == ("append", 0)
    assert stamps(path.parent / "out") == after
    assert found["bias"]["RB"]["asked"] == 0.01
    assert found["bias"]["RB"]["beyond"] < 4
    assert run("verify", path.parent / "out", "--json") == 0
    assert json.loads(capsys.readouterr().out)["agrees"]


def test_the_figures_are_those_of_the_plan_s_weights_on_the_new_shards(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard(path.parent, 2, 0.6)
    found = told(capsys, path)
    config = read_config(path)
    storage = output_storage(config.output)
    plan = read_plan(storage)
    record = storage.read(paths.label_record(labelled_as(path, 2)))
    table = read_labels(storage, label_record_from(record))
    flags = np.column_stack([table.column(name) for name in schema_of(config).pattern_columns])
    q = plan.weights(flags.astype(bool), np.ones(len(flags)))
    women = [attribute.name for attribute in plan.terms.attributes].index("gender.woman")
    share = float(q @ flags[:, women]) / float(q @ flags[:, :2].sum(axis=1))
    assert found["rate"] == pytest.approx(q.mean())
    assert found["bias"]["RB"]["by_plan"] == pytest.approx(abs(share - 0.5))
    old = plan.file.samples.balanced * 0.3
    both = (old * 0.5 + q.sum() * share) / (old + q.sum())
    assert found["together"]["RB"]["by_plan"] == pytest.approx(abs(both - 0.5), abs=0.011)
    assert 0 <= found["new_patterns"] < 0.05


def test_new_shards_far_from_the_plan_are_told_by_their_errors(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard(path.parent, 2, 0.75)
    found = told(capsys, path)
    assert found["advice"] == "append"
    assert found["bias"]["RB"]["beyond"] > 4
    assert found["why"][0].startswith("the plan's weights miss RB")


def test_what_no_append_can_mend_is_rebuilt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path)
    shard(tmp_path, 2, 0.0)
    found = told(capsys, path)
    assert found["advice"] == "rebuild"
    assert found["why"] == [
        "no weights of the new samples bring what is written to its bound: share of gender.man, "
        "from above",
        "no weights of the new samples bring what is written to its bound: share of gender.woman, "
        "from below",
    ]
    assert found["not_by_rebuild"] == []
    open_rate = told(capsys, path, "--set", "balance.eta=auto")
    assert open_rate["advice"] == "append"
    for number in range(3, 6):
        shard(tmp_path, number, 0.0)
    neither = told(capsys, path, "--set", "balance.eta=0.6")
    assert neither["advice"] == "append"
    assert neither["not_by_append"] == neither["not_by_rebuild"] != []
    assert neither["why"][1].startswith("neither an append nor a rebuild can meet: share of gender")


def test_shards_that_changed_or_went_or_other_labels_ask_for_a_rebuild(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard(path.parent, 2, 0.5)
    fewer = "labels.thing.names=[doctor, nurse]"
    other = told(capsys, path, "--set", fewer)
    assert (other["advice"], other["new"]["labelled_now"]) == ("rebuild", 0)
    assert " was labelled otherwise (" in other["why"][0]
    shard(path.parent, 0, 0.5)
    changed = told(capsys, path)
    assert changed["advice"] == "rebuild"
    assert f"({labelled_as(path, 0)}) is changed since" in changed["why"][0]
    assert changed["new"]["labelled_now"] == 0
    name = labelled_as(path, 0)
    (path.parent / "in" / "00000.tar").unlink()
    gone = told(capsys, path)
    assert gone["advice"] == "rebuild"
    assert f"({name}) is not in the input any more" in gone["why"][0]


def test_a_few_new_samples_may_be_too_few(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shard(path.parent, 2, 0.35, samples=6)
    assert told(capsys, path, "--least", "0.02")["advice"] == "nothing"
    assert told(capsys, path)["advice"] == "append"
    assert run("drift", path, "--least", "2") == 2


def test_new_shards_of_which_no_sample_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, filter=[{"field": "quality", "at_least": 0.5}])
    shard(tmp_path, 2, 0.5, quality=0.1)
    found = told(capsys, path)
    assert found["advice"] == "nothing" and "bias" not in found


def test_what_is_new_to_an_output_that_has_grown_is_measured_by_its_last_plan(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard(path.parent, 2, 0.5)
    assert run("rebalance", path, "--append", "--allow-unmet") == 0
    shard(path.parent, 3, 0.45)
    capsys.readouterr()
    found = told(capsys, path)
    assert found["seen"] == {"shards": 3, "samples": 900}
    assert found["new"] == {"shards": 1, "samples": 300, "labelled_now": 1}
    assert found["advice"] == "append"
    manifest = json.loads((path.parent / "out" / paths.MANIFEST).read_text())
    assert found["together"]["RB"]["before"] == pytest.approx(max(manifest["measures"]["RB"]))
    assert run("rebalance", path, "--append", "--allow-unmet") == 0
    capsys.readouterr()
    assert told(capsys, path)["advice"] == "nothing"


def test_without_an_output_all_is_new(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(path.parent / "out")
    found = told(capsys, path)
    assert (found["advice"], found["seen"]["shards"]) == ("append", 0)
    assert not (path.parent / "out").exists()
    assert run("drift", path) == 0
    assert "holds no finished output yet: all of the input is new" in capsys.readouterr().out


def test_labels_that_are_not_those_of_what_is_written_ask_for_a_rebuild(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard(path.parent, 0, 0.5)
    shard(path.parent, 2, 0.5)
    assert run("label", path) == 0
    capsys.readouterr()
    found = told(capsys, path)
    assert found["advice"] == "rebuild"
    assert "are not those that" in found["why"][0]


def test_a_lost_plan_is_told_in_a_sentence(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path.parent / "out" / paths.PLAN).unlink()
    shard(path.parent, 2, 0.5)
    assert run("drift", path) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "plan/plan.json is missing" in said
