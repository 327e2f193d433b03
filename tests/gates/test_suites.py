"""Every built-in expectation holds of a sound output, and fails of one that was tampered with."""

import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.earlier import of_earlier_version
from tests.gated import finished, labels_result, output_result, plan_result, spoil, with_values
from tests.naming import named
from tests.tampering import edit_json
from transforms.base.errors import FairshardError, GateError, StaleError
from transforms.config.schema import SIMILARITY, schema_of
from transforms.config.sections import Config
from transforms.gates.results import GateResult, require
from transforms.plan.plan import Plan, read_histogram, read_plan
from transforms.resampling.manifest import read_manifest
from transforms.storage import paths
from transforms.storage.files import output_storage

WOMAN, NURSE = "s.gender.woman", "y.thing.nurse"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return finished(tmp_path)


def only(result: GateResult, severity: str) -> str:
    """The one sentence of that severity."""
    said = result.failures if severity == "critical" else result.warnings
    assert len(said) == 1, said
    return said[0]


def test_a_sound_output_passes_every_gate(config: Config) -> None:
    for gate, least in ((labels_result, 9), (plan_result, 12), (output_result, 11)):
        result = gate(config)
        assert result.failures == ()
        assert len(result.outcomes) == least
        require(result)
        json.dumps(result.file.to_dict(), allow_nan=False)


def first(value: Any) -> Callable[[list[Any]], list[Any]]:
    return lambda values: [value, *values[1:]]


def as_type(column: str, kind: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    def changed(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index(column)
        return table.set_column(place, column, table.column(column).cast(kind))

    return changed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            as_type("size", pa.int32()),
            "label tables have the columns and types that the configuration asks for, but schema "
            "is the column size is int32, not int64 (shard 00001--",
        ),
        (lambda table: table.drop_columns(["size"]), "the column size is missing (shard 00001--"),
        (
            with_values(NURSE, first(None)),
            f"holds nulls, but nulls is 1 (column {NURSE}, 300 samples)",
        ),
        (
            with_values("key", lambda keys: [keys[1], keys[1], *keys[2:]]),
            "keys are unique within a shard, but repeated_keys is 1 (shard 00001--",
        ),
        (
            with_values("utility", first(math.inf)),
            "scores and utilities are finite, but not_finite is 1 (column utility, 300 samples)",
        ),
        (
            with_values("utility", first(-1.0)),
            "utilities are 0 or more, but out_of_range is 1 (column utility, 300 samples)",
        ),
    ],
)
def test_a_spoiled_label_table_fails(
    config: Config, change: Callable[[pa.Table], pa.Table], said: str
) -> None:
    spoil(config, change)
    result = labels_result(config)
    assert any(said in failure for failure in result.failures), result.failures
    with pytest.raises(GateError, match=r"^the gate of the labels failed: "):
        require(result)


@pytest.mark.parametrize("value", [False, True])
def test_an_attribute_of_none_or_of_all_is_critical_and_a_label_a_warning(
    config: Config, value: bool
) -> None:
    for column in (WOMAN, NURSE):
        for shard in ("00000", "00001", "00002"):
            spoil(config, with_values(column, lambda values: [value] * len(values)), shard)
    result = labels_result(config)
    seen = f"is in {300 * value} of 300 samples"
    assert only(result, "critical").endswith(f"in some samples and not in all, but {WOMAN} {seen}")
    assert only(result, "warning").endswith(f"in some samples and not in all, but {NURSE} {seen}")


def test_rejects_over_budget_and_no_rows_at_all_fail(config: Config) -> None:
    record = Path(config.output.url, paths.label_record(named(config, "00001")))
    edit_json(record, lambda values: values.update(rejects=16))
    assert "reject_share gives" not in only(labels_result(config), "critical")
    assert "rejected (input.limits.max_reject_share), but reject_share is 0.0506" in only(
        labels_result(config), "critical"
    )
    for shard in ("00000", "00001", "00002"):
        spoil(config, lambda table: table.slice(0, 0), shard)
        path = Path(config.output.url, paths.label_record(named(config, shard)))
        edit_json(path, lambda values: values.update(samples=0, rejects=0))
    assert "there are labelled samples, but rows is 0" in labels_result(config).failures


def test_a_similarity_beyond_one_fails(tmp_path: Path) -> None:
    from jobs.begin.demo.corpus import MODEL

    config = finished(tmp_path, model={"name": f"local-dir:{MODEL}"}, similarity=True)
    assert SIMILARITY in schema_of(config).arrow.names
    assert labels_result(config).passed
    spoil(config, with_values(SIMILARITY, first(1.5)))
    assert only(labels_result(config), "critical").endswith(
        f"is 1 (column {SIMILARITY}, 300 samples)"
    )


def test_a_table_that_no_record_vouches_for_is_stale(config: Config) -> None:
    path = Path(config.output.url, paths.labels(named(config, "00001")))
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(StaleError, match="changed after it was labelled"):
        labels_result(config)


def plan_with(config: Config, change: Callable[[dict[str, Any]], None]) -> GateResult:
    edit_json(Path(config.output.url, paths.PLAN), change)
    return plan_result(config)


@pytest.mark.parametrize(
    ("part", "values", "severity", "said"),
    [
        ("certificate", {"gap": 2e-4}, "critical", "gap is at most 0.0001, but gap is 0.0002"),
        ("certificate", {"gap": 2e-6}, "warning", "at most 1e-06, but it is 2e-06 for 300 samples"),
        (
            "certificate",
            {"rate": 0.51},
            "critical",
            "rate is eta, to 1e-05, but rate_error is 0.01",
        ),
        ("samples", {"filtered": 1}, "critical", "but balanced_beyond_labelled is 1"),
        (
            "fingerprint",
            {"labels": "other"},
            "critical",
            "the plan was made from the labels and the configuration at hand, but differs is 1 "
            "(part labels)",
        ),
    ],
)
def test_a_changed_plan_fails(
    config: Config, part: str, values: dict[str, Any], severity: str, said: str
) -> None:
    assert said in only(plan_with(config, lambda plan: plan[part].update(values)), severity)


def test_a_plan_that_counts_other_samples_than_the_records_fails(config: Config) -> None:
    record = Path(config.output.url, paths.label_record(named(config, "00001")))
    edit_json(record, lambda values: values.update(samples=99))
    assert only(plan_result(config), "critical").endswith(
        "labelled_beyond_records is 1 (300 samples)"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda q: [1.5, *q[1:]], "no weight is above Q, to 1e-06, but q_beyond_Q is 0.5"),
        (
            lambda q: [0.9 * value for value in q],
            "mean weight of the patterns is eta, to 1e-06, but",
        ),
    ],
)
def test_changed_weights_fail(
    config: Config, change: Callable[[list[float]], list[float]], said: str
) -> None:
    path = Path(config.output.url, paths.PATTERNS)
    pq.write_table(with_values("q", change)(pq.read_table(path)), path)
    assert any(said in failure for failure in plan_result(config).failures)


def test_weights_below_0_are_no_plan(config: Config) -> None:
    path = Path(config.output.url, paths.PATTERNS)
    pq.write_table(with_values("q", lambda q: [-0.1, *q[1:]])(pq.read_table(path)), path)
    with pytest.raises(FairshardError, match="is not the patterns of this plan: run"):
        plan_result(config)


def test_what_cannot_be_met_is_a_warning(tmp_path: Path) -> None:
    """By name, the dearest first, with how much is missed, and how many samples carry it."""
    config = finished(tmp_path, balance={"eta": 0.95})
    result, plan = plan_result(config), read_plan(output_storage(config.output))
    assert not result.passed and result.file.outcome == "unmet"
    assert result.unmet == plan.file.missed
    require(result)
    said = only(result, "warning").removeprefix("every constraint is met, but ")
    *named, more = said.split("; ")
    assert more == f"and {len(plan.file.missed) - 5} more"
    assert len(named) == 5
    for name, line in zip(plan.file.missed, named, strict=False):
        assert re.fullmatch(rf"{re.escape(name)} is missed by [\d.e-]+ \([\d,]+ samples\)", line)
    histogram, _ = read_histogram(output_storage(config.output), plan)
    women = round(float(histogram.counts @ histogram.s[:, 0]))
    assert (
        f"share of gender.woman, from below is missed by {excess(plan)} ({women} samples)" in said
    )


def excess(plan: Plan) -> str:
    """By how much the share of women is missed, as sentences say it."""
    rows = {row.constraint.name: row.slack for row in plan.file.constraints}
    return f"{rows['share of gender.woman, from below']:.4g}"


def manifest_with(config: Config, change: Callable[[dict[str, Any]], None]) -> GateResult:
    edit_json(Path(config.output.url, paths.MANIFEST), change)
    return output_result(config)


def _add(where: Callable[[dict[str, Any]], dict[str, Any]], **more: int) -> Any:
    def change(manifest: dict[str, Any]) -> None:
        row = where(manifest)
        row.update({name: row[name] + number for name, number in more.items()})

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            _add(lambda m: m["inputs"][1], dropped=-1),
            "in = kept + dropped + rejected in every input shard, but unaccounted is 1 "
            "(shard 00001--",
        ),
        (
            _add(lambda m: m["inputs"][1], dropped=1, **{"in": 1}),
            "in_beyond_records is 1 (shard 00001--",
        ),
        (_add(lambda m: m["totals"], dropped=1), "rejected in all, but unaccounted is -1"),
        (_add(lambda m: m["totals"], repeats=1), "written_unaccounted is -1"),
        (_add(lambda m: m["totals"], bytes=1), "bytes_beyond_shards is 1"),
        (_add(lambda m: m["shards"][1], samples=-1), "samples_beyond_shards is 1"),
        (
            _add(lambda m: m["shards"][1], samples=-40),
            "no output shard is empty, but samples is 0 (shard shards/00001.tar, 0 samples)",
        ),
        (
            _add(lambda m: m["shards"][1], samples=2),
            "output shards hold no more than asked for, but samples_above_target is 2",
        ),
    ],
)
def test_a_changed_manifest_fails(config: Config, change: Any, said: str) -> None:
    result = manifest_with(config, change)
    assert any(said in failure for failure in result.failures), result.failures


def biased(by: float) -> Callable[[dict[str, Any]], None]:
    """Have a manifest say that a representation bias was measured."""
    return lambda manifest: manifest["measures"].update(RB=[by, 0.0])


def test_where_chance_had_a_part_bias_above_what_was_asked_warns_and_beyond_errors_fails(
    config: Config,
) -> None:
    of_earlier_version(output_storage(config.output))
    result = manifest_with(config, biased(0.010001))
    assert result.passed
    written = read_manifest(output_storage(config.output)).totals.written
    line = f"RB of gender.woman is 0.01, 1e-06 above the 0.01 asked for (of {written} samples)"
    assert any(line in warning for warning in result.warnings)
    result = manifest_with(config, biased(0.4))
    assert result.unmet == ("RB of gender.woman",)
    assert result.file.outcome == "failed"
    assert "bias after is within what was asked, or predicted, plus 4 standard errors" in only(
        result, "critical"
    )


def test_an_output_shard_far_above_its_bytes_warns(tmp_path: Path) -> None:
    config = finished(tmp_path, output={"url": "out", "bytes_per_shard": 100_000})
    assert not any("twice" in said for said in output_result(config).warnings)
    result = manifest_with(config, _add(lambda m: m["shards"][0], bytes=200_000))
    assert any("at most twice as large as asked for" in said for said in result.warnings)


@pytest.fixture(autouse=True)
def _quiet(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """No gate prints, logs or shows progress by itself."""
    yield
    said = capfd.readouterr()
    assert "Calculating Metrics" not in said.err + said.out
