"""Outputs with a calibration: what was asked for holds of the true attributes."""

import json
from pathlib import Path

import numpy as np
import pytest

from jobs.decide import calibrate
from jobs.session.labelled import all_label_records
from jobs.session.summary import summarise
from tests.fixtures import ATTRIBUTES, LABELS, config_of, draw_truth, write_corpus
from tests.noisy import Noisy
from tests.outputs import finished_output
from transforms.base.errors import FairshardError, StaleError
from transforms.config.files import read_config
from transforms.config.schema import Attribute, schema_of
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.labels.tables import read_labels
from transforms.plan.fingerprint import check_fits, fingerprint
from transforms.plan.make import make_plan
from transforms.plan.plan import read_histogram, read_plan
from transforms.report.page import write_report
from transforms.resampling.drawing import draw
from transforms.resampling.manifest import read_manifest
from transforms.shards.finding import find_shards
from transforms.statistics.patterns import flags_of
from transforms.storage.files import Storage, output_storage


def truly_a_woman(key: str, words: tuple[str, ...]) -> bool:
    """What a person finds: two thirds of the nurses that were taken for women are none."""
    return "woman" in words and not ("nurse" in words and int(key) % 3)


def calibrated(folder: Path) -> Config:
    """A configuration whose recogniser is wrong about nurses, with its calibration."""
    truths = write_corpus(folder, samples=900, shards=3)
    config = config_of(folder)
    labeller, storage = Labeller(config), output_storage(config.output)
    for shard in find_shards(config.input):
        labeller.label(shard, storage)
    lines = [
        f"{truth.key},gender.woman,{int(truly_a_woman(truth.key, truth.words))}" for truth in truths
    ]
    (folder / "checked.csv").write_text("\n".join(["key,attribute,truth", *lines]))
    made = calibrate.run(config, str(folder / "checked.csv"))
    return config.model_copy(update={"calibration": made["calibration"]})


def world_of(attributes: tuple[Attribute, ...]) -> Noisy:
    """The corpus of `calibrated`, with what is true of it."""
    truths = draw_truth(900, 0)
    recognised = np.array([[name in truth.words for name in ATTRIBUTES] for truth in truths])
    y = np.array([[label in truth.words for label in LABELS] for truth in truths])
    true = recognised.copy()
    true[:, 0] = [truly_a_woman(truth.key, truth.words) for truth in truths]
    return Noisy(true, recognised, y, attributes)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Storage]:
    config = calibrated(tmp_path_factory.mktemp("corrected"))
    return config, finished_output(config)


def test_workers_weigh_samples_as_the_plan_weighs_their_patterns(
    output: tuple[Config, Storage],
) -> None:
    config, storage = output
    plan = read_plan(storage)
    histogram, q = read_histogram(storage, plan)
    known = {
        (*map(bool, s), *map(bool, y)): weight
        for s, y, weight in zip(histogram.s, histogram.y.toarray(), q, strict=True)
    }
    for record in all_label_records(config, find_shards(config.input)):
        table = read_labels(storage, record)
        flags = flags_of(table, schema_of(config).pattern_columns)
        weights = plan.weights(flags, table.column("utility").to_numpy())
        assert weights.tolist() == [known[tuple(row)] for row in flags.tolist()]
        assert len(draw(record, plan, config, storage).row)
    doctors = {bool(s[0]) for s, y in zip(histogram.s, histogram.y.toarray(), strict=True) if y[0]}
    assert doctors == {True, False}


def test_what_was_asked_holds_of_the_true_attributes(output: tuple[Config, Storage]) -> None:
    _, storage = output
    plan, manifest = read_plan(storage), read_manifest(storage)
    predicted = plan.file.measures.predicted
    assert plan.file.calibration is not None
    labelled = plan.file.calibration.as_labelled.predicted
    assert not plan.file.missed
    assert predicted.max_RB <= 0.01 + 1e-6
    assert predicted.max_AB <= 0.04 + 1e-5
    assert labelled.max_AB > 0.08
    true = world_of(plan.terms.attributes).truly(read_histogram(storage, plan)[1])
    error = plan.file.standard_errors.predicted.AB
    assert np.all(np.abs(true.AB) <= 0.04 + 1.96 * error)
    assert true.max_AB < labelled.max_AB / 1.5
    after = manifest.measures
    assert after.share == pytest.approx(predicted.share, abs=0.02)
    assert manifest.as_labelled is not None
    assert manifest.as_labelled.share == pytest.approx(labelled.share, abs=0.02)


def test_what_is_written_is_drawn_to_meet_the_bounds_as_corrected(
    output: tuple[Config, Storage],
) -> None:
    plan, manifest = read_plan(output[1]), read_manifest(output[1])
    drawn = plan.file.draw
    assert drawn is not None and drawn.as_labelled is not None and manifest.as_labelled is not None
    assert len(plan.flips) and drawn.excess == 0
    assert drawn.measures.max_RB <= 0.01 and drawn.measures.max_AB <= 0.04
    assert drawn.as_labelled.max_AB > 0.08
    both = ((drawn.measures, manifest.measures), (drawn.as_labelled, manifest.as_labelled))
    for said, held in both:
        for name in ("samples", "share", "RB", "AB", "skew", "label_share"):
            assert np.array_equal(getattr(said, name), getattr(held, name), equal_nan=True)


def test_both_figures_are_reported_with_their_errors(output: tuple[Config, Storage]) -> None:
    _, storage = output
    bias = summarise(storage)["bias"]
    found = read_plan(storage).file.calibration
    assert found is not None
    labelled = found.as_labelled.before
    assert bias["AB"]["as_labelled"]["before"] == labelled.max_AB
    left = found.standard_errors.RB
    assert bias["RB"]["standard_error"] in left and left.min() > 0
    page = Path(write_report(storage)).read_text()
    assert "as labelled, not corrected" in page
    assert f"{labelled.max_AB:.4f}" in page


def test_a_plan_of_another_calibration_does_not_fit(
    output: tuple[Config, Storage], tmp_path: Path
) -> None:
    config, storage = output
    plan, records = read_plan(storage), all_label_records(config, find_shards(config.input))
    check_fits(plan.fingerprint, fingerprint(config, records), "plan.json")
    bare = config.model_copy(update={"calibration": None})
    with pytest.raises(StaleError, match="made from other calibration: run"):
        check_fits(plan.fingerprint, fingerprint(bare, records), "plan.json")
    other = json.loads(Path(config.calibration or "").read_text())
    other["posteriors"]["gender.woman"][1]["coefficients"][0] += 0.1
    (tmp_path / "other.json").write_text(json.dumps(other))
    changed = config.model_copy(update={"calibration": str(tmp_path / "other.json")})
    with pytest.raises(StaleError, match="made from other calibration"):
        check_fits(plan.fingerprint, fingerprint(changed, records), "plan.json")
    gone = config.model_copy(update={"calibration": str(tmp_path / "gone.json")})
    with pytest.raises(FairshardError, match=r"gone.json does not exist"):
        fingerprint(gone, records)


def test_a_calibration_of_other_labels_is_refused(output: tuple[Config, Storage]) -> None:
    config, storage = output
    histogram, _ = read_histogram(storage, read_plan(storage))
    records = all_label_records(config, find_shards(config.input))
    limits = config.input.limits.model_copy(update={"max_pixels": 12345})
    source = config.input.model_copy(update={"limits": limits})
    with pytest.raises(StaleError, match="was made with other labels"):
        make_plan(histogram, records, config.model_copy(update={"input": source}))


def test_the_calibration_is_taken_from_the_folder_of_the_configuration(tmp_path: Path) -> None:
    values = config_of(tmp_path).model_dump(mode="json")
    path = tmp_path / "config.yaml"
    for given, expected in (
        ("out/calibration.json", str(tmp_path / "out" / "calibration.json")),
        ("s3://bucket/calibration.json", "s3://bucket/calibration.json"),
    ):
        path.write_text(json.dumps({**values, "calibration": given}))
        assert read_config(path).calibration == expected
