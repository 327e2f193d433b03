"""A second opinion on plans of corpora of too many patterns: all rows, and the sample, again."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fixtures import config_of, write_corpus
from tests.outputs import finished_output
from tests.tampering import bumped, in_patterns, in_plan
from transforms.config.schema import schema_of
from transforms.outcome.artefacts import read_artefacts
from transforms.report.page import write_report
from transforms.statistics.patterns import flags_of
from transforms.storage.files import Storage
from transforms.verification.evidence import read_evidence
from transforms.verification.verifying import verify

SAMPLES, MOST = 4000, 1300
BALANCE = {
    "eta": 0.45,
    "max_representation_bias": 0.02,
    "max_association_bias": 0.12,
    "max_patterns": MOST,
}


def said_by(out: Path, *results: str) -> dict[str, str]:
    checks = verify(read_evidence(Storage(str(out)), {}), None, lambda *step: None)
    return {check.name: check.remark for check in checks if check.result in results}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a corpus with too many patterns, not to be changed."""
    folder = tmp_path_factory.mktemp("clean")
    write_corpus(folder, samples=SAMPLES, shards=4)
    output = {"url": "out", "samples_per_shard": 1000}
    finished_output(config_of(folder, balance=BALANCE, utility={"field": "quality"}, output=output))
    return folder / "out"


def test_it_agrees_and_says_what_it_was_solved_on(clean: Path) -> None:
    sampled = json.loads((clean / "plan" / "plan.json").read_text())["sampled"]
    assert sampled["polished"]
    assert sampled["samples"] < SAMPLES
    said = said_by(clean, "agrees")
    assert not said_by(clean, "differs", "not checked")
    assert f"{sampled['samples']:,} of 4,000 samples" in said["patterns"]


def test_the_report_says_what_it_was_solved_on(clean: Path) -> None:
    page = Path(write_report(Storage(str(clean)))).read_text()
    assert "of 4,000 samples (1 in 4); polished and measured exactly by" in page


def test_drawing_errors_are_those_of_the_whole_corpus(clean: Path) -> None:
    """Compared with those of its own weights over all rows, by the definition for shares."""
    artefacts = read_artefacts(Storage(str(clean)))
    tables = [pq.read_table(path) for path in sorted((clean / "labels").iterdir())]
    table = pa.concat_tables(tables)
    flags = flags_of(table, schema_of(artefacts.config).pattern_columns)
    q = artefacts.plan.weights(flags, table["utility"].to_numpy())
    woman, shown = flags[:, 0], flags[:, :2].any(axis=1)
    share = (q @ woman) / (q @ shown)
    deviations = (q * (1 - q)) @ (woman - share * shown) ** 2
    expected = np.sqrt(deviations) / (q @ shown)
    assert artefacts.drawing_error.RB[0] == pytest.approx(expected, rel=0.15)


TAMPERING: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "a price": (in_plan(bumped("mu", by=1e-6)), "certificate", "certificate."),
    "gap": (in_plan(bumped("certificate", "gap", by=1e-6)), "certificate", "certificate.gap is"),
    "a pass": (
        in_plan(bumped("sampled", "passes", -1, "gap", by=1e-9)),
        "patterns",
        "that of none of its passes",
    ),
    "its samples": (in_plan(bumped("sampled", "samples")), "patterns", "its share draws"),
    "its share": (in_plan(bumped("sampled", "share", by=-0.125)), "patterns", "no sample has the"),
    "what is allowed": (
        in_plan(bumped("config", "balance", "max_patterns", by=2000)),
        "patterns",
        "is not what max_patterns = 3,300 allows",
    ),
    "a count": (in_patterns("count", bumped(3)), "patterns", "count of the pattern ("),
    "a q": (in_patterns("q", bumped(3, by=1e-9)), "weights", "is listed as"),
    "predicted bias": (
        in_plan(bumped("measures", "predicted", "AB", 0, 0, by=1e-8)),
        "bias predicted",
        "predicted.AB of gender.woman",
    ),
    "bias before": (
        in_plan(bumped("measures", "before", "share", 0, by=1e-8)),
        "bias predicted",
        "before.share of gender.woman",
    ),
    "balanced": (in_plan(bumped("samples", "balanced")), "patterns", "plan.json says samples"),
}


@pytest.mark.parametrize("changed", TAMPERING)
def test_what_is_changed_is_noticed_and_named(clean: Path, tmp_path: Path, changed: str) -> None:
    tamper, check, remark = TAMPERING[changed]
    out = Path(shutil.copytree(clean, tmp_path / "copy"))
    tamper(out)
    differing = said_by(out, "differs")
    assert remark in differing.get(check, ""), differing
