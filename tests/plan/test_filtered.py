"""What the filter takes of whom is in the plan: the same from every engine, exact of a sample."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from jobs.session.corpus_histogram import corpus_histogram
from pipelines.beam.engine import BeamEngine
from pipelines.spark.engine import SparkEngine
from tests.outputs import solved
from tests.statistics.test_counting import config_of, table_of, written
from tests.statistics.test_filtering import FILTER, by_hand
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.plan.plan import read_plan
from transforms.plan.plan_file import Filtered, plan_file_from
from transforms.storage.files import output_storage

SHARDS, ROWS = 3, 400


def labelled(folder: Path, **changes: Any) -> tuple[Config, list[LabelRecord]]:
    """Three label tables, and a configuration that takes samples below a similarity of 0.4."""
    loose = {"eta": 0.5, "max_representation_bias": None, "max_association_bias": 0.5}
    balance = {**loose, **changes.pop("balance", {})}
    config = config_of(folder, 3, **{**FILTER, "balance": balance, **changes})
    storage = output_storage(config.output)
    tables = [table_of(config, ROWS, [1.0], seed) for seed in range(SHARDS)]
    return config, [written(table, storage, f"{n:05d}") for n, table in enumerate(tables)]


def expected(config: Config) -> dict[str, Any]:
    """What the plan is to say of these tables, counted one by one."""
    total = [[0] * 6, [0] * 6]
    for seed in range(SHARDS):
        for kind, counts in enumerate(by_hand(table_of(config, ROWS, [1.0], seed), config)):
            total[kind] = [a + b for a, b in zip(total[kind], counts, strict=True)]

    def carriers(row: list[int]) -> dict[str, Any]:
        return {"samples": row[0], "attributes": row[1:3], "labels": row[3:]}

    taken = {"name": "min_similarity", "taken": carriers(total[1])}
    return {"labelled": carriers(total[0]), "conditions": [taken]}


def of_file(config: Config) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(config.output.url) / "plan/plan.json").read_bytes())
    return found


def test_both_engines_write_what_is_counted_one_by_one(tmp_path: Path) -> None:
    files = []
    for engine in (BeamEngine(["--runner=FnApiRunner"]), SparkEngine(["--master=local[1]"])):
        config, records = labelled(tmp_path)
        engine.solve(config, records)
        files.append((tmp_path / "out/plan/plan.json").read_bytes())
    assert files[0] == files[1]
    assert of_file(config)["filtered"] == expected(config)
    assert (
        of_file(config)["samples"]["filtered"]
        == expected(config)["conditions"][0]["taken"]["samples"]
    )


def test_a_plan_of_a_sample_says_it_of_all(tmp_path: Path) -> None:
    config, records = labelled(tmp_path, balance={"max_patterns": 20})
    plan = solved(records, config)
    assert plan.file.sampled is not None
    assert of_file(config)["filtered"] == expected(config)


def test_without_a_filter_a_plan_says_nothing_of_one(tmp_path: Path) -> None:
    config, records = labelled(tmp_path, filter=None, similarity=True)
    solved(records, config)
    assert "filtered" not in of_file(config)


def test_what_looks_at_the_corpus_sees_the_same_patterns(tmp_path: Path) -> None:
    config, records = labelled(tmp_path)
    before = corpus_histogram(config, records, Console(quiet=True))
    solved(records, config)
    assert corpus_histogram(config, records, Console(quiet=True)).samples == before.samples


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"attributes": [1]}, "filtered is not of 2 attributes and 3 labels"),
        ({"labels": [1, 1, 10**6]}, "a filter takes more samples than were labelled"),
        ({"samples": 10**6}, "a filter takes more samples than were labelled"),
        ({"samples": -1}, "greater than or equal to 0"),
    ],
)
def test_counts_that_cannot_be_are_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    config, records = labelled(tmp_path)
    solved(records, config)
    values = of_file(config)
    values["filtered"]["conditions"][0]["taken"] |= change
    with pytest.raises(ValueError, match=said):
        plan_file_from(json.dumps(values).encode(), "plan.json")


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    config, records = labelled(tmp_path)
    made = solved(records, config)
    read = read_plan(output_storage(config.output))
    assert isinstance(read.file.filtered, Filtered)
    assert (read.file.filtered, read.identity) == (made.file.filtered, made.identity)
    assert read.file.to_json() == (tmp_path / "out/plan/plan.json").read_bytes()
