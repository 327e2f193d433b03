"""`fairshard transfer`: a plan on another corpus, measured, then written as that one's plan."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.commands import run
from tests.fixtures import config_of
from tests.jobs.run.test_drift import BALANCE, IN_MEMORY, shard, stamps, written
from tests.tampering import edit_json
from transforms.config.files import read_config
from transforms.config.sections import OutputConfig
from transforms.plan.plan import read_histogram, read_plan
from transforms.storage import paths
from transforms.storage.files import output_storage

OTHER_TARGETS = {
    "gender": {
        "share_of": "group",
        "names": {
            name: {"target": target, "lexicon": [name]}
            for name, target in (("woman", 0.3), ("man", 0.7))
        },
    }
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished output that plans are taken from."""
    folder = tmp_path_factory.mktemp("source")
    written(folder)
    return folder / "out"


def corpus(folder: Path, women: float = 0.35, **changes: Any) -> Path:
    """Another corpus, not yet labelled; its configuration."""
    for number in range(4, 6):
        shard(folder, number, women)
    config = config_of(folder, **{"balance": BALANCE, "engine": IN_MEMORY, **changes})
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    return path


def told(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> dict[str, Any]:
    assert run("transfer", *arguments, "--json") == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_corpus_is_labelled_measured_planned_written_and_verified(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = corpus(tmp_path)
    assert run("transfer", source, path, "--allow-unmet") == 0
    said = capsys.readouterr().out
    assert said.startswith(f"the plan of {source} on 2 shards of 600 samples (600 samples in ")
    assert "no weights are said to be best" in said
    assert run("resample", path, "--allow-unmet", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["transferred"]["output"] == str(source)
    assert run("summary", path) == 0
    assert "no certificate, as the plan is another corpus's: rate 0." in capsys.readouterr().out
    assert run("verify", path, "--json") == 0
    checks = {one["name"]: one for one in json.loads(capsys.readouterr().out)["checks"]}
    assert {one["result"] for name, one in checks.items() if name != "what was asked"} == {"agrees"}
    assert checks["what was asked"]["result"] == "not checked"
    assert str(source) in checks["what was asked"]["remark"]
    assert run("solve", path, "--dry-run") == 0
    assert f"the plan is kept, which is that of {source}" in capsys.readouterr().out
    assert run("why", path) == 0
    assert "solved for another corpus" in capsys.readouterr().out
    assert run("gate", "plan", path) == 0


def test_the_weights_are_those_that_the_plan_gives(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = corpus(tmp_path)
    found = told(capsys, source, path, "--allow-unmet")
    storage = output_storage(read_config(path).output)
    made, before = read_plan(storage), read_plan(output_storage(output_of(source)))
    assert (made.duals.mu, made.terms.eta) == (before.duals.mu, before.terms.eta)
    for kind, prices in made.duals.by_kind.items():
        np.testing.assert_array_equal(prices, before.duals.by_kind[kind])
    histogram, q = read_histogram(storage, made)
    flags = np.hstack([histogram.s, histogram.y.toarray() > 0])
    np.testing.assert_allclose(q, before.weights(flags, histogram.utility), atol=1e-12)
    assert found["rate"] == pytest.approx(float(q @ histogram.counts) / 600)
    assert made.file.certificate.rate == pytest.approx(found["rate"])
    assert made.file.certificate.dual <= made.file.certificate.primal
    assert made.file.transferred is not None
    assert made.file.transferred.plan == before.identity


def output_of(source: Path) -> OutputConfig:
    return read_config(source.parent / "config.yaml").output


def test_on_the_corpus_that_it_is_of_a_plan_gives_what_it_promised(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = source.parent / "config.yaml"
    before = stamps(source)
    found = told(capsys, source, own, "--check")
    assert found["met"] and found["new_patterns"] == 0
    assert found["rate"] == pytest.approx(0.3)
    assert stamps(source) == before
    assert found["written"] is None


def test_a_plan_that_misses_here_ends_with_5(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(capsys, source / paths.PLAN, corpus(tmp_path, 0.7), code=5)
    assert not found["met"] and found["bias"]["RB"]["beyond"] > 4
    assert (tmp_path / "out" / paths.PLAN).is_file()


def test_targets_are_those_of_the_plan(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = corpus(tmp_path, attributes=OTHER_TARGETS)
    found = told(capsys, source, path, "--allow-unmet")
    plan = read_plan(output_storage(read_config(path).output))
    assert {attribute.target for attribute in plan.terms.attributes} == {0.5}
    assert found["bias"]["RB"]["asked"] == 0.01


def test_a_plan_apart_is_read_without_its_patterns(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = corpus(tmp_path)
    apart = tmp_path / "apart.json"
    apart.write_bytes((source / paths.PLAN).read_bytes())
    found = told(capsys, apart, path, "--allow-unmet")
    assert found["new_patterns"] is None
    assert told(capsys, source / paths.PLAN, path, "--check")["new_patterns"] is not None
    of_config = told(capsys, source.parent / "config.yaml", path, "--check")
    assert of_config["bias"] == found["bias"]


def test_a_check_labels_nothing_and_says_what_to_do(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = corpus(tmp_path)
    assert run("transfer", source, path, "--dry-run") == 1
    assert "run `fairshard label` first" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"labels": {"thing": {"field": "words", "names": ["doctor", "nurse", "laptop"]}}},
            "it has no label 'thing.tie'",
        ),
        (
            {
                "labels": {
                    "thing": {"field": "words", "names": ["tie", "laptop", "nurse", "doctor"]}
                }
            },
            "its labels are in another order",
        ),
        (
            {"attributes": {"gender": {"names": {"woman": {"target": 0.5, "lexicon": ["woman"]}}}}},
            "it has no attribute 'gender.man'",
        ),
    ],
)
def test_another_schema_is_refused_before_anything_is_labelled(
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    says: str,
) -> None:
    assert run("transfer", source, corpus(tmp_path, **changes)) == 3
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_plan_of_one_s_own_is_not_replaced_unasked(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path)
    own = (tmp_path / "out" / paths.PLAN).read_bytes()
    assert run("transfer", source, path) == 3
    assert "--restart to replace it" in capsys.readouterr().err
    assert (tmp_path / "out" / paths.PLAN).read_bytes() == own
    assert run("transfer", source, path, "--restart", "--allow-unmet") == 0
    assert run("transfer", source, path, "--allow-unmet") == 0
    assert (tmp_path / "out" / paths.PLAN).read_bytes() != own


@pytest.mark.parametrize("what", ["absent", "empty", "torn", "other", "folder"])
def test_what_is_no_plan_is_told_in_a_sentence(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    path, plan = corpus(tmp_path), tmp_path / "plan.json"
    if what == "empty":
        plan.write_bytes(b"")
    elif what == "torn":
        plan.write_bytes((source / paths.PLAN).read_bytes()[:500])
    elif what == "other":
        plan.write_text('{"version": 2, "plan": "no"}')
    elif what == "folder":
        plan = tmp_path / "in"
    assert run("transfer", plan, path) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("fairshard: ")
    assert str(tmp_path) in said


def test_more_patterns_than_may_be_are_measured_on_a_part_and_not_written(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = corpus(tmp_path)
    few = "balance.max_patterns=7"
    assert run("transfer", source, path, "--set", few) == 1
    assert "raise it, or give --check" in capsys.readouterr().err
    found = told(capsys, source, path, "--check", "--set", few)
    assert "drawn from 600" in found["seen"]


def test_a_tampered_rate_of_a_transferred_plan_is_told(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = corpus(tmp_path)
    assert run("transfer", source, path, "--allow-unmet") == 0
    assert run("resample", path, "--allow-unmet") == 0
    capsys.readouterr()

    def higher(plan: dict[str, Any]) -> None:
        plan["certificate"]["rate"] += 0.01

    edit_json(tmp_path / "out" / paths.PLAN, higher)
    assert run("verify", path, "--json") == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert [one["name"] for one in checks if one["result"] == "differs"] == ["certificate"]
