"""What a plan says that no weights can avoid follows from the proof in it, or is noticed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import config_of, write_corpus
from tests.outputs import finished_output
from tests.tampering import edit_json
from tests.verification.test_verify import checks_of, said_by

PLAN = Path("plan") / "plan.json"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a plan that misses what it must, representation as little as there is."""
    folder = tmp_path_factory.mktemp("ranked")
    write_corpus(folder, samples=300)
    balance = {"eta": 0.9, "max_association_bias": 0.01, "priority": ["representation"]}
    return Path(finished_output(config_of(folder, balance=balance)).url)


@pytest.fixture(scope="module")
def missed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a plan that misses what it must, not to be changed."""
    folder = tmp_path_factory.mktemp("missed")
    write_corpus(folder, samples=300)
    return Path(finished_output(config_of(folder, balance={"eta": 0.95})).url)


def rows(document: Json, kind: str = "representation") -> list[Json]:
    return [row for row in document["constraints"] if row["kind"] == kind and row["proof"][0] > 0]


def without_proof(document: Json) -> None:
    for row in document["constraints"]:
        del row["proof"]


def test_the_proof_is_in_the_plan_and_holds(missed: Path) -> None:
    document = json.loads((missed / PLAN).read_text())
    certificate = document["certificate"]
    assert 0.01 < certificate["least_excess"] <= certificate["excess"]
    assert rows(document)
    assert not said_by(checks_of(missed), "differs", "not checked")


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        (
            lambda d: d["certificate"].update(least_excess=d["certificate"]["excess"] * 1.001),
            "certificate.least_excess is 0.",
        ),
        (lambda d: d["certificate"].update(excess=0.5), "certificate.excess is 0.5 in plan.json"),
        (lambda d: rows(d)[0].update(proof=[0.5]), "its proof gives 0."),
        (lambda d: rows(d)[0].update(proof=[1.5]), "the proof takes 1.5 of it, not 0 to 1"),
        (lambda d: rows(d)[0].update(proof=[-0.5]), "the proof takes -0.5 of it, not 0 to 1"),
        (without_proof, "its proof gives 0"),
    ],
)
def test_more_than_is_proven_is_noticed(
    missed: Path, tmp_path: Path, change: Callable[[Json], None], remark: str
) -> None:
    out = Path(shutil.copytree(missed, tmp_path / "copy"))
    edit_json(out / PLAN, change)
    assert remark in said_by(checks_of(out), "differs")["certificate"]


def rank(document: Json, place: int) -> Json:
    found: Json = document["certificate"]["ranks"][place]
    return found


def test_the_proofs_of_what_comes_first_hold(ranked: Path) -> None:
    document = json.loads((ranked / PLAN).read_text())
    assert document["problem"]["other_V"]["association"] < document["problem"]["V"]
    for place, kind in enumerate(["representation", "association"]):
        found = rank(document, place)
        assert found["kinds"] == [kind]
        assert 0.001 < found["least_excess"] <= found["excess"] < 1.001 * found["least_excess"]
    assert not said_by(checks_of(ranked), "differs", "not checked")


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        (lambda d: rank(d, 0).update(least_excess=0.9), "ranks.0.least_excess is 0.9"),
        (lambda d: rank(d, 1).update(least_excess=0.9), "ranks.1.least_excess is 0.9"),
        (lambda d: rank(d, 1).update(excess=0.5), "ranks.1.excess is 0.5 in plan.json"),
        (lambda d: d["certificate"]["ranks"].reverse(), "which was not asked"),
        (lambda d: rows(d)[0].update(proof=[0.0, 0.0]), "its proof gives"),
        (
            lambda d: next(r for r in d["constraints"] if r["kind"] == "association").update(
                proof=[0.5, 0.5]
            ),
            "the proof takes 0.5 of it, not 0 to 0",
        ),
        (lambda d: d["problem"]["other_V"].clear(), "certificate.primal is"),
        (lambda d: d["problem"]["other_V"].update(association=1e-6), "is not in [0, V]"),
    ],
)
def test_more_than_is_proven_of_a_rank_is_noticed(
    ranked: Path, tmp_path: Path, change: Callable[[Json], None], remark: str
) -> None:
    out = Path(shutil.copytree(ranked, tmp_path / "copy"))
    edit_json(out / PLAN, change)
    assert remark in said_by(checks_of(out), "differs")["certificate"]
