"""Label tables checked on Beam and on Spark: one verdict, in the same words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark import SparkContext

from jobs.run import gate
from jobs.session.engines import runner_for
from pipelines.spark.engine import SparkEngine
from pipelines.spark.gates import tables_on
from tests.gated import (
    finished,
    labels_result,
    metrics_of,
    records_of,
    spoil,
    with_values,
    write_own,
)
from tests.naming import named
from transforms.base.errors import StaleError
from transforms.config.sections import Config
from transforms.gates.labels import check_tables
from transforms.gates.metrics import LabelMetrics
from transforms.gates.results import GateResult
from transforms.gates.users import read_own
from transforms.storage import paths

IN_MEMORY, LOCAL = ["--runner=FnApiRunner"], ["--master=local[2]"]
MEAN = {
    "stage": "labels",
    "type": "expect_column_mean_to_be_between",
    "column": "s.gender.woman",
    "min_value": 0.9,
    "severity": "warning",
}
SOMEBODY = {"column": "s.gender.somebody", "min_value": 0.99}
REGEX = {
    "stage": "labels",
    "type": "expect_column_values_to_match_regex",
    "column": "key",
    "regex": "^0+[12]",
}


def run(config: Config, engine: str, arguments: list[str]) -> dict[str, Any]:
    chosen = Config.model_validate({**config.model_dump(), "engine": {"name": engine}})
    return gate.run("labels", chosen, runner_for(chosen, arguments))


def test_a_stale_table_is_said_to_be_stale_by_both_engines(tmp_path: Path) -> None:
    config = finished(tmp_path)
    Path(config.output.url, paths.labels(named(config, "00001"))).write_bytes(b"other")
    for engine, arguments in (("beam", IN_MEMORY), ("spark", LOCAL)):
        with pytest.raises(StaleError, match=r"changed after it was labelled"):
            run(config, engine, arguments)


@pytest.fixture(scope="module")
def context() -> Iterator[SparkContext]:
    with SparkEngine(LOCAL).context() as context:
        yield context


def on_spark(context: SparkContext, config: Config) -> GateResult:
    url = config.gates.expectations
    tables = tables_on(context, config, records_of(config))
    return check_tables(tables, config, read_own(url, "labels") if url else [])


@pytest.mark.parametrize("spoiled", [False, True])
def test_both_engines_give_the_verdicts_that_are_given_here(
    context: SparkContext, tmp_path: Path, spoiled: bool
) -> None:
    config = finished(tmp_path, gates={"expectations": write_own(tmp_path, MEAN)})
    if spoiled:
        spoil(config, with_values("key", lambda keys: [keys[1], *keys[1:]]))
        spoil(config, with_values("utility", lambda values: [-1.0, *values[1:]]), "00002")
        spoil(config, lambda table: table.drop_columns(["y.thing.tie"]), "00000")
    beam = run(config, "beam", IN_MEMORY)
    metrics = LabelMetrics.from_json(Path(config.output.url, paths.METRICS).read_bytes())
    assert metrics == metrics_of(config).extract()
    assert beam["failures"] == list(labels_result(config).failures)
    assert len(beam["failures"]) == 4 * spoiled
    spark = on_spark(context, config)
    assert [(row.type, row.success, row.sentence) for row in spark.outcomes] == [
        (row["type"], row["success"], row["sentence"]) for row in beam["expectations"]
    ]
    assert len(spark.warnings) == 1


def test_rows_are_checked_where_they_are_on_spark(context: SparkContext, tmp_path: Path) -> None:
    config = finished(tmp_path, gates={"expectations": write_own(tmp_path, REGEX)})
    (failure,) = on_spark(context, config).failures
    assert "(column = key, regex = ^0+[12]), but key is 0000000, " in failure


def test_both_engines_check_derived_columns_as_any(context: SparkContext, tmp_path: Path) -> None:
    names = {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")}
    anybody = {"somebody": {"target": 0.8, "any_of": ["woman", "man"]}}
    config = finished(
        tmp_path,
        attributes={"gender": {"names": {**names, **anybody}}},
        balance={"eta": 0.5},
        gates={"expectations": write_own(tmp_path, {**MEAN, **SOMEBODY})},
    )
    own = read_own(config.gates.expectations or "", "labels")
    here, there = labels_result(config, own), on_spark(context, config)
    assert here.failures == there.failures == ()
    assert len(here.warnings) == len(there.warnings) == 1
    assert "s.gender.somebody" in here.warnings[0]
