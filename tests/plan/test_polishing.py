"""Corpora of too many patterns: solved on a sample and polished, they reach the exact plan."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.label_tables import Corpus, read_records, write_tables
from jobs.session.corpus_histogram import corpus_histogram
from pipelines.beam.engine import BeamEngine
from pipelines.spark.engine import SparkEngine
from tests.outputs import solved
from transforms.base.errors import FairshardError
from transforms.calibration.posteriors import Calibration, Posterior
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.plan.explanation_file import explanation_of
from transforms.plan.plan import Plan, read_histogram, read_plan
from transforms.recognition.settings import settings_digest
from transforms.stages.solving import MOST_PASSES
from transforms.statistics.patterns import flags_of
from transforms.statistics.subsampling import drawn
from transforms.storage.files import output_storage

ROWS, LABELS, MOST = 20_000, 6, 5_000
ALL = 10**7
BALANCE = {"eta": 0.45, "max_representation_bias": 0.02, "max_association_bias": 0.05}
SILENT = Console(quiet=True)
Labelled = tuple[Config, list[LabelRecord]]
Rows = tuple[NDArray[np.bool_], NDArray[np.float64]]


def labelled(folder: Path, most: int = MOST, utility: str = "mixed", **changes: Any) -> Labelled:
    """Label tables in `folder`, and a configuration that allows `most` patterns."""
    config = write_tables(Corpus(ROWS, 5, 2, LABELS, utility), folder)
    values = config.model_dump()
    values["balance"] |= {**BALANCE, "max_patterns": most, **changes.pop("balance", {})}
    return Config.model_validate({**values, **changes}), read_records(output_storage(config.output))


def rows_of(config: Config, records: list[LabelRecord]) -> Rows:
    """The flags and utilities of all rows."""
    folder = Path(config.output.url) / "labels"
    tables = [pq.read_table(folder / f"{record.shard.name}.parquet") for record in records]
    flags = [flags_of(table, schema_of(config).pattern_columns) for table in tables]
    return np.vstack(flags), np.concatenate([table["utility"].to_numpy() for table in tables])


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Plan, Config]:
    """The plan of all patterns, that of a sample of the same, and the configuration of this."""
    config, records = labelled(tmp_path_factory.mktemp("exact"), ALL)
    exact = solved(records, config)
    config, records = labelled(tmp_path_factory.mktemp("sampled"))
    return exact, solved(records, config), config


def test_what_is_polished_is_as_good_as_what_is_solved_on_all_patterns(
    both: tuple[Plan, Plan, Config],
) -> None:
    exact, polished = both[0].file, both[1].file
    sampled = polished.sampled
    assert exact.sampled is None and sampled is not None
    assert exact.samples.patterns > MOST * 0.6
    assert (sampled.share, sampled.polished) == (0.25, True)
    assert polished.samples.balanced == exact.samples.balanced == ROWS
    figures, reference = polished.certificate, exact.certificate
    last = sampled.passes[-1]
    assert (last.gap, last.violation, last.rate) == (figures.gap, figures.violation, figures.rate)
    gaps = [found.gap for found in sampled.passes]
    assert gaps[0] > 0.1
    assert 0 <= gaps[-1] <= 1e-6
    allowed = 2e-6 * reference.primal + reference.utility_error_bound
    assert abs(figures.primal - reference.primal) <= allowed
    assert figures.utility_error_bound == figures.violation == 0
    assert polished.missed == exact.missed == ()


def test_errors_of_a_sample_are_those_of_its_corpus(both: tuple[Plan, Plan, Config]) -> None:
    for when in ("before", "predicted"):
        exact, ours = (getattr(plan.file.standard_errors, when).AB for plan in both[:2])
        np.testing.assert_allclose(ours, exact, rtol=0.3)


def naive(plan: Plan, config: Config, records: list[LabelRecord]) -> dict[str, Any]:
    """The rate, what is moved, RB and AB over all rows, from each row's own weight."""
    flags, utility = rows_of(config, records)
    q = plan.weights(flags, utility)
    s, y = flags[:, :2].astype(float), flags[:, 2:].astype(float)
    share = (q @ s) / q.sum()
    AB = [
        [
            np.average(y[:, r], weights=q * s[:, k])
            - np.average(y[:, r], weights=q * (1 - s[:, k]))
            for r in range(LABELS)
        ]
        for k in range(2)
    ]
    eta = plan.terms.eta
    return {
        "rate": q.mean(),
        "moved": ((q - eta * utility) ** 2).mean() / 2,
        "share": share,
        "AB": AB,
    }


def test_its_figures_are_those_of_all_rows(tmp_path: Path) -> None:
    config, records = labelled(tmp_path)
    plan = solved(records, config)
    found, file = naive(plan, config, records), plan.file
    assert file.certificate.rate == pytest.approx(found["rate"], abs=1e-12)
    predicted = file.measures.predicted
    assert predicted.samples == pytest.approx(ROWS * found["rate"], abs=1e-7)
    np.testing.assert_allclose(predicted.share, found["share"], atol=1e-12)
    np.testing.assert_allclose(predicted.AB, found["AB"], atol=1e-12)
    assert predicted.max_AB <= BALANCE["max_association_bias"] + 2e-6
    before = file.measures.before
    flags, _ = rows_of(config, records)
    np.testing.assert_allclose(before.label_share, flags[:, 2:].mean(axis=0), atol=1e-12)
    violated = sum(max(row.slack, 0) for row in file.constraints)
    primal = found["moved"] + plan.terms.V * violated
    assert file.certificate.primal == pytest.approx(primal, rel=1e-12)


def test_engines_and_orders_write_the_same_bytes(tmp_path: Path) -> None:
    written = []
    config, records = labelled(tmp_path)
    for way in ("here", "beam", "spark"):
        if way == "here":
            solved(records[::-1], config)
        elif way == "beam":
            BeamEngine(("--runner=FnApiRunner",)).solve(config, records)
        else:
            SparkEngine(("--master=local[2]",)).solve(config, records)
        folder = tmp_path / "plan"
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert json.loads(written[0]["plan.json"])["sampled"]["polished"]
    assert set(written[0]) >= {"plan.json", "patterns.parquet", "draw.parquet"}
    assert written[0] == written[1] == written[2]


def test_what_cannot_be_met_is_what_the_exact_plan_names(tmp_path: Path) -> None:
    balance = {"eta": 0.8, "V": 100.0, "max_association_bias": None}
    all_of_it, records = labelled(tmp_path, ALL, balance=balance)
    of_all = solved(records, all_of_it)
    exact, why = of_all.file, explanation_of(of_all, output_storage(all_of_it.output))
    config, records = labelled(tmp_path, balance=balance)
    plan = solved(records, config)
    polished, supposed = plan.file, explanation_of(plan, output_storage(config.output))
    assert exact.missed
    assert polished.missed == exact.missed
    assert polished.certificate.gap <= 1e-6
    reference = exact.certificate
    allowed = 2e-6 * reference.primal + reference.utility_error_bound
    assert abs(polished.certificate.primal - reference.primal) <= allowed
    assert why is not None and supposed is not None and supposed.sampled and not why.sampled
    ours, theirs = supposed.conflict, why.conflict
    assert ours is not None and theirs is not None
    assert ours.tested is False
    assert next(supposed.lines()).startswith("in the sample that was solved on, cannot be met")
    assert ours.constraints == theirs.constraints
    assert ours.missing is not None and theirs.missing is not None
    assert ours.missing.samples == pytest.approx(theirs.missing.samples, rel=0.1)


def test_an_open_rate_is_found_and_everything_is_met_by_all_rows(tmp_path: Path) -> None:
    all_of_it, records = labelled(tmp_path, ALL, balance={"eta": "auto"})
    exact = solved(records, all_of_it).file
    most = exact.samples.patterns - 1
    config, records = labelled(tmp_path, most, balance={"eta": "auto"})
    plan = solved(records, config)
    assert plan.file.sampled is not None and plan.file.sampled.polished
    assert plan.file.missed == ()
    assert plan.file.largest_rate is not None and exact.largest_rate is not None
    assert plan.terms.eta == plan.file.largest_rate.rate
    assert plan.terms.eta == pytest.approx(exact.problem.eta, rel=0.1)
    assert plan.terms.eta <= exact.largest_rate.upper


def test_soft_attributes_are_polished_too(tmp_path: Path) -> None:
    config, records = labelled(tmp_path, ALL)
    flags, _ = rows_of(config, records)
    schema = schema_of(config)
    truth = flags[:, 0] ^ (np.random.default_rng(0).random(ROWS) < 0.1 + 0.2 * flags[:, 2])
    pair = tuple(Posterior.of(flags[flags[:, 0] == v], truth[flags[:, 0] == v], 2) for v in (0, 1))
    names = tuple(attribute.name for attribute in schema.attributes)
    calibration = Calibration(
        names, schema.labels, {names[0]: (pair[0], pair[1])}, settings_digest(config), ""
    )
    path = tmp_path / "calibration.json"
    path.write_bytes(calibration.to_json())
    balance = {"max_association_bias": 0.08}
    exact_config, records = labelled(tmp_path, ALL, balance=balance, calibration=str(path))
    exact = solved(records, exact_config).file
    most = exact.samples.patterns - 1
    config, records = labelled(tmp_path, most, balance=balance, calibration=str(path))
    polished = solved(records, config).file
    assert polished.sampled is not None and polished.sampled.polished
    reference = exact.certificate
    allowed = 2e-6 * reference.primal + reference.utility_error_bound
    assert abs(polished.certificate.primal - reference.primal) <= allowed
    assert polished.calibration is not None and exact.calibration is not None
    ours, theirs = polished.calibration.as_labelled, exact.calibration.as_labelled
    for sides in (polished.measures, ours):
        assert len(sides.before.RB) == len(sides.predicted.RB) == 2
    np.testing.assert_allclose(ours.before.AB, theirs.before.AB, atol=1e-12)
    np.testing.assert_allclose(ours.predicted.AB, theirs.predicted.AB, atol=1e-3)


def test_a_sample_that_is_too_small_says_so(tmp_path: Path) -> None:
    config, records = labelled(tmp_path, 20)
    plan = solved(records, config)
    assert plan.file.sampled is not None
    assert len(plan.file.sampled.passes) == MOST_PASSES
    assert not plan.file.sampled.polished
    best = min(found.gap for found in plan.file.sampled.passes)
    assert plan.file.certificate.gap == best > 1e-6
    assert "not enough: raise balance.max_patterns" in plan.sampled_in_words


def test_looking_at_a_corpus_sees_the_sample_that_is_solved_on(tmp_path: Path) -> None:
    config, records = labelled(tmp_path)
    counted = corpus_histogram(config, records, SILENT)
    plan = solved(records, config)
    planned = corpus_histogram(config, records, SILENT)
    for seen in (counted, planned):
        assert seen.samples == ROWS
        assert seen.histogram.samples == plan.solved_on < ROWS
        assert "drawn from 20,000" in seen.in_words
    np.testing.assert_array_equal(counted.histogram.patterns, planned.histogram.patterns)
    everything = labelled(tmp_path, ALL)[0]
    assert corpus_histogram(everything, records, SILENT).in_words.startswith("20,000 samples in")


def test_the_sample_is_the_rows_that_are_drawn(tmp_path: Path) -> None:
    config, records = labelled(tmp_path)
    plan = solved(records, config)
    level = int(-np.log2(plan.file.sampled.share))
    sizes = [record.samples for record in records]
    chosen = [
        drawn(record.shard.name, 0, size, level)
        for record, size in zip(records, sizes, strict=True)
    ]
    flags, _ = rows_of(config, records)
    histogram, q = read_histogram(output_storage(config.output), plan)
    rows = flags[np.concatenate(chosen)]
    np.testing.assert_array_equal(histogram.counts @ histogram.y, rows[:, 2:].sum(axis=0))
    flat = np.hstack([histogram.s, histogram.y.toarray() > 0])
    np.testing.assert_allclose(q, plan.weights(flat, histogram.utility), atol=1e-14)
    assert read_plan(output_storage(config.output)).solved_on == len(rows)


def test_an_empty_corpus_is_a_sentence(tmp_path: Path) -> None:
    config, _ = labelled(tmp_path)
    with pytest.raises(FairshardError, match="no sample is left to balance"):
        solved([], config)
