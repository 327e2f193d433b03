"""What is said of an output is of what was asked, where it was asked, and met means met."""

from pathlib import Path
from typing import Any

import pytest

from jobs.session.summary import show, summarise
from tests.earlier import of_earlier_version
from tests.fixtures import config_of, write_corpus
from tests.outputs import finished_output
from tests.runs import quiet
from tests.tampering import edit_json
from transforms.outcome.artefacts import read_artefacts
from transforms.outcome.measure_rows import MeasureRow, measure_rows, planned_rows
from transforms.outcome.verdict import verdict_of
from transforms.plan.plan import read_plan
from transforms.report.page import write_report
from transforms.storage import paths
from transforms.storage.files import Storage

TWINS = {"thing": {"field": "words", "names": ["doctor", "nurse", "woman"]}}
TWIN_LABELS = ("doctor", "nurse")
OVERRIDES = [{"labels": ["thing.doctor", "thing.nurse"], "max_association_bias": 0.04}]
ASKED = {"eta": 0.5, "max_association_bias": None, "overrides": OVERRIDES}


def output(folder: Path, **balance: Any) -> Storage:
    """Women are labelled women: a pair of which nothing can be asked."""
    write_corpus(folder)
    return finished_output(config_of(folder, labels=TWINS, balance={**ASKED, **balance}))


def earlier(folder: Path, **balance: Any) -> Storage:
    """The same, whose plan left to chance what is drawn."""
    return of_earlier_version(output(folder, **balance))


def row_of(storage: Storage, name: str) -> MeasureRow:
    return next(row for row in measure_rows(read_artefacts(storage)) if row.name == name)


def measured(storage: Storage, **values: Any) -> None:
    """Have the manifest say that this was measured on the output."""
    edit_json(Path(storage.path(paths.MANIFEST)), lambda m: m["measures"].update(values))


def said(storage: Storage) -> str:
    console = quiet()
    show(summarise(storage), console)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_a_pair_of_which_nothing_is_asked_is_said_apart(tmp_path: Path) -> None:
    storage = output(tmp_path)
    row = row_of(storage, "AB")
    assert row.after.of in {
        f"gender.{s} × thing.{y}" for s in ("woman", "man") for y in TWIN_LABELS
    }
    assert row.after.asked == 0.04 and row.after.value < 0.2
    assert 0.2 < row.before.value < 1
    assert row.unasked is not None
    assert (row.unasked.of, row.unasked.value) == ("gender.woman × thing.woman", 1.0)
    planned = next(row for row in planned_rows(read_plan(storage)) if row.name == "AB")
    assert planned.status == "met" and planned.predicted.value == pytest.approx(0.04, abs=1e-6)
    assert planned.unasked is not None and planned.unasked.value == 1.0
    text = said(storage)
    assert "1.0000 ± 0.0000" not in text
    assert "\n  not asked          gender.woman × thing.woman 1.0000\n" in text
    assert summarise(storage)["bias"]["AB"]["not_asked"] == {
        "worst": "gender.woman × thing.woman",
        "value": 1.0,
    }
    page = Path(write_report(storage)).read_text()
    assert "not asked: gender.woman × thing.woman 1.0000" in page
    assert "went from 1.0000" not in page


def test_each_is_compared_with_its_own_bound(tmp_path: Path) -> None:
    tight = [*OVERRIDES, {"labels": ["thing.nurse"], "max_association_bias": 0.2}]
    storage = earlier(tmp_path, overrides=tight)
    measured(storage, AB=[[0.05, -0.15, 1.0], [-0.05, 0.15, -1.0]])
    row = row_of(storage, "AB")
    assert (row.after.of, row.after.asked) == ("gender.woman × thing.doctor", 0.04)
    assert row.status == "within sampling error"
    measured(storage, AB=[[0.03, -0.3, 1.0], [-0.03, 0.3, -1.0]])
    row = row_of(storage, "AB")
    assert (row.after.of, row.after.asked) == ("gender.woman × thing.nurse", 0.2)
    assert row.before.of == "gender.woman × thing.doctor"
    assert " before (gender.woman × thing.doctor, asked for <= 0.0400), 0.3000 ±" in said(storage)


@pytest.mark.parametrize(
    ("above", "status"),
    [(0.0, "met"), (1e-9, "within sampling error"), (4e-5, "within sampling error")],
)
def test_met_means_met(tmp_path: Path, above: float, status: str) -> None:
    storage = earlier(tmp_path)
    measured(storage, RB=[0.01 + above, 0.01], AB=[[0.0] * 3] * 2)
    assert row_of(storage, "RB").status == status
    text = said(storage)
    if above:
        assert "within sampling error (4 standard errors)" in text
        assert "asked for <= 0.0100:" not in text
    else:
        assert "0.0100 ±" in text and "asked for <= 0.0100: met" in text
        assert "Everything asked for is met." in text


def test_what_the_plan_meets_is_said_with_what_it_is_met_to(tmp_path: Path) -> None:
    storage = earlier(tmp_path)
    measured(storage, RB=[0.9, 0.9])
    artefacts = read_artefacts(storage)
    verdict = verdict_of(artefacts, measure_rows(artefacts))
    assert not verdict.met
    assert verdict.sentence == (
        "The plan meets everything asked for (to 1e-06); the output misses RB by more than "
        "sampling explains (4 standard errors)."
    )
    assert "done, unmet: The plan meets everything" in said(storage)
