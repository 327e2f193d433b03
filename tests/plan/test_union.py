"""Plans for a corpus that grows: of what is new, so that the union meets the bounds."""

import json
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.plan import test_polishing as tables
from tests.plan.test_polishing import ALL, MOST, ROWS, Labelled, rows_of
from tests.problems import Corpus, random_corpus
from transforms.calibration.posteriors import Calibration, Posterior, fitting_calibration
from transforms.config.schema import Attribute, schema_of
from transforms.config.sections import Config
from transforms.labels.tables import parquet_bytes
from transforms.plan.explaining import explain
from transforms.plan.make import make_plan
from transforms.plan.passes import Pass, measure_shard
from transforms.plan.plan import Plan, plan_from, read_plan, write_plan
from transforms.plan.polishing import Subsample, first_weighing
from transforms.plan.written_part import WrittenPart
from transforms.recognition.settings import settings_digest
from transforms.stages.solving import MOST_PASSES
from transforms.statistics.counting import count_shard, sample_shard
from transforms.statistics.exact_sums import FixedSums
from transforms.statistics.histogram import Histogram, HistogramAccumulator
from transforms.statistics.measures import Measures, measures_of
from transforms.statistics.moments import Moments
from transforms.statistics.pattern_tables import histogram_table
from transforms.storage import paths
from transforms.storage.files import output_storage

LEVEL = 2


def labelled(folder: Path, most: int, **changes: Any) -> Labelled:
    """Label tables, and a configuration that asks for 30 % of them."""
    balance = {"eta": 0.3, **changes.pop("balance", {})}
    return tables.labelled(folder, most, balance=balance, **changes)


def attributes_of(config: Config) -> tuple[Attribute, ...]:
    return schema_of(config).attributes


def written_to(config: Config, samples: int = 1_000) -> WrittenPart:
    """What was written: attributes and labels that lean on each other."""
    return WrittenPart.of(
        counted(config, random_corpus(9, samples, 2, 6, tilt=1.2)),
        attributes_of(config),
        fitting_calibration(config),
    )


def counted(config: Config, corpus: Corpus) -> Histogram:
    names = tuple(attribute.name for attribute in attributes_of(config))
    found = HistogramAccumulator(names, schema_of(config).labels)
    return found.add_rows(np.hstack([corpus.s, corpus.y]), corpus.utility, corpus.counts).extract()


def planned(labels: Labelled, written: WrittenPart | None) -> Plan:
    """The plan of all patterns."""
    return planned_with_patterns(labels, written)[0]


def planned_with_patterns(labels: Labelled, written: WrittenPart | None) -> tuple[Plan, pa.Table]:
    config, records = labels
    parts = (count_shard(record, config, output_storage(config.output)) for record in records)
    histogram = reduce(HistogramAccumulator.merge, parts).extract()
    return make_plan(histogram, records, config, written=written)


def polished(labels: Labelled, written: WrittenPart) -> Plan:
    """The plan of a sample of the rows, polished: what the rounds of solving do."""
    config, records = labels
    storage = output_storage(config.output)
    parts = (sample_shard(record, LEVEL, config, storage) for record in records)
    histogram = reduce(HistogramAccumulator.merge, parts).extract()
    share = histogram.samples / ROWS
    weighing, upper = first_weighing(histogram, records, config, None, written, share)
    storage.publish(paths.SAMPLE, parquet_bytes(histogram_table(histogram)))
    passes: list[Pass] = []
    while True:
        sums = (measure_shard(record, weighing, config, storage) for record in records)
        sample = Subsample.read(weighing, config, written)
        passes.append(sample.judged(weighing, reduce(FixedSums.merge, sums)))
        if passes[-1].good or len(passes) == MOST_PASSES:
            return sample.plan(passes, upper, ROWS, LEVEL, records, config)[0]
        weighing = sample.improved(passes[-1], config, upper != 0)


def union_by_rows(plan: Plan, labels: Labelled, written: WrittenPart) -> Measures:
    """The measures of what was written and of all rows under the plan's weights."""
    flags, utility = rows_of(*labels)
    found = HistogramAccumulator(tuple(a.name for a in plan.terms.attributes), plan.terms.labels)
    patterns = found.add_rows(flags, utility).extract()
    q = plan.weights(flags, utility)
    rows = HistogramAccumulator(patterns.attributes, patterns.labels)
    rows.add_rows(flags, np.ones(len(flags)))
    flat = rows.extract()
    place = {row.tobytes(): at for at, row in enumerate(np.packbits(flat_flags(flat), axis=1))}
    at = np.array([place[row.tobytes()] for row in np.packbits(flags, axis=1)])
    mean = np.bincount(at, q, len(flat)) / flat.counts
    drawn = Moments.of_corpus(plan.corrected(flat), plan.terms.attributes, mean)
    return measures_of(drawn.plus(written.moments), plan.terms.attributes)


def flat_flags(histogram: Histogram) -> Any:
    return np.hstack([histogram.s, histogram.y.toarray() > 0])


def test_without_a_written_part_plans_are_what_they_were(tmp_path: Path) -> None:
    labels = labelled(tmp_path, ALL)
    plain = planned(labels, None).file.to_json()
    nobody = written_to(labels[0], 0)
    assert planned(labels, nobody).file.to_json() == plain
    values = json.loads(plain)
    assert "written" not in values
    assert not any("generation" in row for row in [*values["constraints"], *values["attributes"]])
    assert "generation" not in values["config"]["balance"]


@pytest.mark.parametrize("sampled", [False, True])
def test_the_union_meets_the_bounds_by_all_rows(tmp_path: Path, sampled: bool) -> None:
    labels = labelled(tmp_path, MOST if sampled else ALL)
    written = written_to(labels[0])
    plan = (polished if sampled else planned)(labels, written)
    assert bool(plan.file.sampled) == sampled
    assert plan.file.certificate.gap <= 1e-6
    assert plan.file.missed == ()
    part = plan.file.written
    assert part is not None
    union = union_by_rows(plan, labels, written)
    assert union.max_RB <= 0.02 + 2e-5 and union.max_AB <= 0.05 + 2e-5
    np.testing.assert_allclose(part.measures.union.AB, union.AB, atol=2e-5)
    assert part.measures.before.max_AB > 0.2
    assert plan.file.measures.predicted.max_AB > 0.055
    assert part.samples == 1_000 == part.measures.before.samples
    assert part.measures.union.samples == pytest.approx(1_000 + 0.3 * ROWS)
    assert plan.file.measures.predicted.samples == pytest.approx(0.3 * ROWS)
    np.testing.assert_array_equal(part.moments_of(2).vector, written.moments.vector)


def test_a_plan_of_a_sample_is_as_good_as_one_of_all(tmp_path: Path) -> None:
    written = written_to(labelled(tmp_path, ALL)[0])
    exact = planned(labelled(tmp_path, ALL), written).file
    sampled = polished(labelled(tmp_path, MOST), written).file
    allowed = 2e-6 * exact.certificate.primal + exact.certificate.utility_error_bound
    assert abs(sampled.certificate.primal - exact.certificate.primal) <= allowed


@pytest.mark.parametrize("sampled", [False, True])
def test_a_generation_is_held_to_its_own_bounds(tmp_path: Path, sampled: bool) -> None:
    own = {"max_representation_bias": 0.03, "max_association_bias": 0.06}
    labels = labelled(tmp_path, MOST if sampled else ALL, balance={"generation": own})
    plan = (polished if sampled else planned)(labels, written_to(labels[0]))
    assert plan.file.certificate.gap <= 1e-6
    assert plan.file.missed == ()
    predicted, part = plan.file.measures.predicted, plan.file.written
    assert predicted.max_AB == pytest.approx(0.06, abs=2e-5)
    assert predicted.max_RB <= 0.03 + 2e-5
    assert part is not None and part.measures.union.max_AB <= 0.05 + 2e-5
    assert plan.asked.AB.tolist() == [[0.05] * 6] * 2
    asked = plan.asked_of_generation
    assert asked is not None and asked.AB.tolist() == [[0.06] * 6] * 2


def test_a_plan_reads_as_it_was_written(tmp_path: Path) -> None:
    labels = labelled(tmp_path, ALL, balance={"generation": {"max_association_bias": 0.06}})
    plan = planned(labels, written_to(labels[0]))
    content = plan.file.to_json()
    again = plan_from(content, "plan.json")
    assert again.file.to_json() == content
    assert again.identity == plan.identity
    assert again.terms.generation and again.terms.subjects == 4
    flags, utility = rows_of(*labels)
    np.testing.assert_array_equal(again.weights(flags, utility), plan.weights(flags, utility))
    rows = json.loads(content)["constraints"]
    own = [row for row in rows if row.get("generation")]
    assert len(own) == len(rows) / 2
    assert {row["tolerance"] for row in own if row["kind"] == "association"} == {0.06}
    assert {row["tolerance"] for row in own if row["kind"] == "representation"} == {1.0}
    assert {row.get("generation") for row in rows} == {None, True}


@pytest.mark.parametrize(
    "damage",
    [
        lambda part: part["moments"].pop(),
        lambda part: part["moments"][0].pop(),
        lambda part: part["moments"][0].__setitem__(0, None),
        lambda part: part.__setitem__("samples", 0),
        lambda part: part["measures"]["union"]["RB"].pop(),
        lambda part: part.__setitem__("moments", []),
    ],
)
def test_a_written_part_of_another_form_is_refused(tmp_path: Path, damage: Any) -> None:
    labels = labelled(tmp_path, ALL)
    values = json.loads(planned(labels, written_to(labels[0])).file.to_json())
    damage(values["written"])
    with pytest.raises(ValueError):
        plan_from(json.dumps(values).encode(), "plan.json")


def test_what_is_written_is_a_part_of_what_a_plan_is(tmp_path: Path) -> None:
    labels = labelled(tmp_path, ALL, balance={"eta": 0.9, "max_association_bias": 1.0})
    few, many = (planned(labels, written_to(labels[0], n)) for n in (1_000, 1_001))
    assert few.identity != many.identity


def calibrated(folder: Path, most: int) -> Labelled:
    """Label tables whose first attribute was checked, and is not what was recognised."""
    config, records = labelled(folder, ALL)
    flags, _ = rows_of(config, records)
    truth = flags[:, 0] ^ (np.random.default_rng(0).random(ROWS) < 0.1 + 0.2 * flags[:, 2])
    lacking, carrying = (
        Posterior.of(flags[flags[:, 0] == value], truth[flags[:, 0] == value], 2)
        for value in (0, 1)
    )
    names = tuple(attribute.name for attribute in attributes_of(config))
    posteriors = {names[0]: (lacking, carrying)}
    labels, settings = schema_of(config).labels, settings_digest(config)
    path = folder / "calibration.json"
    path.write_bytes(Calibration(names, labels, posteriors, settings, "").to_json())
    balance = {"max_association_bias": 0.08}
    return labelled(folder, most, balance=balance, calibration=str(path))


@pytest.mark.parametrize("sampled", [False, True])
def test_true_attributes_are_met_in_the_union(tmp_path: Path, sampled: bool) -> None:
    labels = calibrated(tmp_path, MOST if sampled else ALL)
    written = written_to(labels[0])
    assert np.abs(written.moments.s - written.labelled.s).max() > 10
    plan = (polished if sampled else planned)(labels, written)
    assert plan.file.missed == ()
    union = union_by_rows(plan, labels, written)
    assert union.max_AB <= 0.08 + 2e-5
    part = plan.file.written
    assert part is not None and part.as_labelled is not None
    np.testing.assert_allclose(part.measures.union.AB, union.AB, atol=2e-5)
    attributes = plan.terms.attributes
    before = measures_of(written.labelled, attributes)
    np.testing.assert_allclose(part.as_labelled.before.AB, before.AB)
    assert part.as_labelled.union.max_AB > 0.08


@pytest.mark.parametrize("sampled", [False, True])
def test_where_nothing_can_mend_it_an_open_rate_says_so(tmp_path: Path, sampled: bool) -> None:
    balance = {"eta": "auto", "max_representation_bias": 0.001}
    labels = labelled(tmp_path, MOST if sampled else ALL, balance=balance)
    written = written_to(labels[0], 300_000)
    plan = (polished if sampled else planned)(labels, written)
    found = plan.file.largest_rate
    assert plan.file.missed and found is not None
    assert found.upper == 0 and found.rate == plan.terms.eta
    assert "auto: the one that misses least, as none was found" in plan.rate_in_words
    if sampled:
        assert found.least_excess is None and plan.file.certificate.least_excess == 0
        return
    assert found.proof is not None and len(found.proof) == len(plan.file.constraints)
    assert found.least_excess == pytest.approx(plan.file.certificate.excess, rel=1e-3)
    assert "no weights of any rate miss less than" in plan.rate_in_words
    assert plan_from(plan.file.to_json(), "plan.json").file.largest_rate == found


def test_an_open_rate_is_found_beside_what_is_written(tmp_path: Path) -> None:
    labels = labelled(tmp_path, ALL, balance={"eta": "auto"})
    plan = planned(labels, written_to(labels[0], 1_000))
    found = plan.file.largest_rate
    assert plan.file.missed == () and found is not None
    assert plan.terms.eta == found.rate <= found.upper
    sampled = labelled(tmp_path, MOST, balance={"eta": "auto"})
    polished_plan = polished(sampled, written_to(sampled[0], 1_000))
    assert polished_plan.file.missed == ()
    assert polished_plan.terms.eta == pytest.approx(found.rate, rel=0.1)


def test_why_something_is_missed_is_found_from_what_is_on_file(tmp_path: Path) -> None:
    """Of 300,000 that were written 194,356 have people.a1 and half should, to within 0.001."""
    balance = {"max_representation_bias": 0.001, "max_association_bias": None}
    labels = labelled(tmp_path, ALL, balance=balance)
    storage = output_storage(labels[0].output)
    write_plan(*planned_with_patterns(labels, written_to(labels[0], 300_000)), storage)
    plan = read_plan(storage)
    assert plan.file.missed
    *_, last = explain(plan, storage)
    assert last.conflict is not None and last.complete
    assert set(last.conflict.constraints) <= set(plan.file.missed)
    assert last.conflict.rate is None
