"""Bounds on shares are derived again: those of the configuration, met or said to be missed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.fixtures import config_of, write_corpus
from tests.outputs import finished_output
from tests.tampering import edit_json
from tests.verification.test_verify import checks_of, said_by
from transforms.calibration.posteriors import Calibration, Posterior
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.recognition.settings import settings_digest

PLAN = Path("plan") / "plan.json"
Json = dict[str, Any]
NAMES = {
    "woman": {"target": 0.4, "lexicon": ["woman"]},
    "man": {"at_least": 0.3, "at_most": 0.45, "lexicon": ["man"]},
}
LABELS = {
    "thing": {
        "field": "words",
        "names": {"doctor": {"at_least": 0.35}, "tie": {}, "laptop": {"at_most": 0.25}},
    }
}


def config_at(folder: Path, **balance: Any) -> Config:
    return config_of(
        folder,
        attributes={"gender": {"names": NAMES}},
        labels=LABELS,
        balance={"eta": 0.5, "max_association_bias": 0.2, **balance},
    )


def output(folder: Path, **balance: Any) -> Path:
    write_corpus(folder, samples=300)
    return Path(finished_output(config_at(folder, **balance)).url)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished output, not to be changed."""
    return output(tmp_path_factory.mktemp("shares"))


def share(document: Json, place: int) -> Json:
    rows: list[Json] = [row for row in document["constraints"] if row["kind"] == "share"]
    return rows[place]


def test_a_clean_output_agrees(clean: Path) -> None:
    document = json.loads((clean / PLAN).read_text())
    assert any(share(document, place)["price"] > 0 for place in range(4))
    assert not said_by(checks_of(clean), "differs", "not checked")


def test_what_misses_a_share_and_says_so_agrees(tmp_path: Path) -> None:
    out = output(tmp_path, eta=0.95, priority=["share"])
    document = json.loads((out / PLAN).read_text())
    assert document["certificate"]["ranks"][0]["kinds"] == ["share"]
    assert not share(document, 1)["attainable"]
    assert not said_by(checks_of(out), "differs", "not checked")


@pytest.mark.parametrize(
    ("change", "check", "remark"),
    [
        (lambda d: share(d, 1).update(bound=0.6), "what was asked", "which was not asked"),
        (lambda d: share(d, 1).update(sign=-1), "what was asked", "which was not asked"),
        (
            lambda d: d["constraints"].remove(share(d, 0)),
            "what was asked",
            "at least 0.3 of gender.man was asked, and is not in the plan",
        ),
        (
            lambda d: d["config"]["labels"]["thing"]["names"]["doctor"].update(at_least=0.9),
            "what was asked",
            "which was not asked",
        ),
        (lambda d: share(d, 2).update(slack=0.1), "certificate", "slack is 0.1"),
        (lambda d: share(d, 2).update(price=3.0), "weights", "the plan's prices give"),
        (
            lambda d: d["attributes"][1].update(target=0.4),
            "what was asked",
            "the target of gender.man is 0.4 of all in the plan, none of all was asked",
        ),
    ],
)
def test_what_is_changed_is_noticed(
    clean: Path, tmp_path: Path, change: Callable[[Json], None], check: str, remark: str
) -> None:
    out = Path(shutil.copytree(clean, tmp_path / "copy"))
    edit_json(out / PLAN, change)
    assert remark in said_by(checks_of(out), "differs")[check]


def test_a_share_that_is_not_met_must_be_said_to_be_missed(tmp_path: Path) -> None:
    out = output(tmp_path, eta=0.95)

    def all_met(document: Json) -> None:
        for row in document["constraints"]:
            row["attainable"] = True

    edit_json(out / PLAN, all_met)
    remark = said_by(checks_of(out), "differs")["what was asked"]
    assert "share of gender.man, from above: the share is" in remark


def test_shares_of_true_attributes_agree(tmp_path: Path) -> None:
    """With a calibration, the share of an attribute is that of those who truly carry it."""
    out = output(tmp_path)
    config = config_at(tmp_path)
    columns = schema_of(config).pattern_columns
    tables = [pq.read_table(path) for path in sorted((out / "labels").iterdir())]
    flags = np.vstack([np.column_stack([table[name] for name in columns]) for table in tables])
    man = flags[:, 1]
    truth = man ^ (np.random.default_rng(0).random(len(man)) < 0.1)
    posteriors = tuple(
        Posterior.of(flags[man == one], truth[man == one], 2) for one in (False, True)
    )
    names, labels = ("gender.woman", "gender.man"), schema_of(config).labels
    settings = settings_digest(config)
    calibration = Calibration(
        names, labels, {names[1]: (posteriors[0], posteriors[1])}, settings, ""
    )
    path = tmp_path / "calibration.json"
    path.write_bytes(calibration.to_json())
    finished_output(config.model_copy(update={"calibration": str(path)}))
    document = json.loads((out / PLAN).read_text())
    man_at_most = share(document, 1)
    assert man_at_most["price"] > 0
    predicted = document["measures"]["predicted"]["share"][1]
    assert predicted == pytest.approx(man_at_most["bound"], abs=1e-6)
    assert document["calibration"]["as_labelled"]["predicted"]["share"][1] != predicted
    assert not said_by(checks_of(out), "differs", "not checked")


def test_shares_of_a_group_agree(tmp_path: Path) -> None:
    names = {
        "woman": {"at_least": 0.4, "lexicon": ["woman"]},
        "man": NAMES["man"] | {"at_most": 0.6},
    }
    write_corpus(tmp_path, samples=300)
    config = config_of(tmp_path, attributes={"gender": {"share_of": "group", "names": names}})
    out = Path(finished_output(config).url)
    measures = json.loads((out / PLAN).read_text())["measures"]["predicted"]
    assert measures["share"][0] == pytest.approx(0.4, abs=1e-6)
    assert measures["RB"] == [None, None]
    assert not said_by(checks_of(out), "differs", "not checked")


def test_a_bound_on_a_share_of_nobody_is_no_difference(tmp_path: Path) -> None:
    """No sample carries a name of the group, so that there is nobody that shares could be of."""
    write_corpus(tmp_path, samples=60)
    names = {"old": {"at_least": 0.3, "lexicon": ["old"]}}
    attributes = {"age": {"share_of": "group", "names": names}}
    out = Path(finished_output(config_of(tmp_path, attributes=attributes)).url)
    assert not said_by(checks_of(out), "differs", "not checked")
