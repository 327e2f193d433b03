"""What plan and manifest say of names and groups is counted again; what is wrong is seen."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.begin.demo.corpus import MODEL
from tests.fixtures import LABELS, config_of, write_corpus
from tests.outputs import finished_output
from tests.tampering import edit_json
from tests.verification.test_verify import checks_of, said_by

SAMPLES = 60


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output whose filter took some, with a derived name."""
    folder = tmp_path_factory.mktemp("filtered")
    write_corpus(folder, samples=SAMPLES)
    model = {"name": f"local-dir:{MODEL}"}
    labels = {
        "thing": {"field": "words", "names": list(LABELS)},
        "no": {"names": {"woman": {"none_of": "gender.woman"}}},
    }
    finished_output(config_of(folder, model=model, filter={"min_similarity": 0.16}, labels=labels))
    return folder / "out"


def test_what_is_right_agrees(clean: Path) -> None:
    assert not said_by(checks_of(clean), "differs", "not checked")


def more_labelled(plan: dict[str, Any]) -> None:
    plan["filtered"]["labelled"]["labels"][-1] += 1


def fewer_taken(plan: dict[str, Any]) -> None:
    plan["filtered"]["conditions"][0]["taken"]["attributes"][1] -= 1


def another_name(plan: dict[str, Any]) -> None:
    plan["filtered"]["conditions"][0]["name"] = "min_quality"


def one_more_shown(manifest: dict[str, Any]) -> None:
    manifest["groups"]["gender"] += 1


@pytest.mark.parametrize(
    ("name", "change", "check", "said"),
    [
        ("plan/plan.json", more_labelled, "patterns", "says that labelled are"),
        ("plan/plan.json", fewer_taken, "patterns", "says that taken by min_similarity are"),
        ("plan/plan.json", another_name, "patterns", "says of other filters than"),
        ("manifest.json", one_more_shown, "bias after", "groups of manifest.json is {'gender'"),
    ],
)
def test_a_number_that_is_wrong_is_seen(
    clean: Path,
    tmp_path: Path,
    name: str,
    change: Callable[[dict[str, Any]], None],
    check: str,
    said: str,
) -> None:
    out = Path(shutil.copytree(clean, tmp_path / "out"))
    edit_json(out / name, change)
    found = said_by(checks_of(out), "differs")
    assert list(found) == [check]
    assert said in found[check]
