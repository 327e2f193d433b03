"""Filters and utility that ask columns of tables: as the same values in the samples' metadata."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.session.labelled import all_label_records
from tests.inprocess import InProcess
from tests.statistics.test_filter_values import SAMPLES, metadata, scored, write_scored
from tests.verification.test_verify import checks_of, said_by
from transforms.base.errors import FairshardError
from transforms.config.sections import Config
from transforms.config.tables import TableColumn
from transforms.labels.joined_utility import utility_in
from transforms.labels.settings import settings_digest
from transforms.recognition.typed_values import as_values
from transforms.shards.finding import find_shards
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage

SCORES = TableColumn(table="scores", name="quality")


def write_scores(folder: Path) -> None:
    """What metadata say of each sample as a table, its rows in another order."""
    rows = [
        {"key": f"{n:04d}", "punsafe": float(found["punsafe"]) if "punsafe" in found else None}
        for n in range(SAMPLES)
        for found in [metadata(n)]
    ]
    for row in rows:
        row["quality"] = 0.1 + int(str(row["key"])) % 7
    random.Random(0).shuffle(rows)
    pq.write_table(pa.Table.from_pylist(rows), folder / "scores.parquet")


def joined(folder: Path, *conditions: Any, **changes: Any) -> Config:
    tables = {"scores": {"url": str(folder / "scores.parquet"), "key": "key"}}
    return scored(folder, *conditions, **{"tables": tables, **changes})


def finished(config: Config) -> Storage:
    InProcess().rebalance(config, find_shards(config.input))
    return output_storage(config.output)


def plan_of(storage: Storage) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(storage.read(paths.PLAN))
    return found


def test_a_column_of_a_table_filters_as_the_field_does(tmp_path: Path) -> None:
    plans = {}
    for name in ("field", "column"):
        folder = tmp_path / name
        write_scored(folder)
        write_scores(folder)
        where = "punsafe" if name == "field" else SCORES.model_copy(update={"name": "punsafe"})
        given = where if isinstance(where, str) else where.model_dump()
        storage = finished(joined(folder, {name: given, "below": 0.5}))
        plans[name] = plan_of(storage)
        assert not said_by(checks_of(Path(storage.url)), "differs", "not checked")
    filtered = {name: plan["filtered"] for name, plan in plans.items()}
    (by_column,) = filtered["column"]["conditions"]
    (by_field,) = filtered["field"]["conditions"]
    assert by_column.pop("name") == "scores.punsafe below 0.5"
    assert by_field.pop("name") == "punsafe below 0.5"
    assert by_column == by_field
    assert plans["column"]["samples"] == plans["field"]["samples"]
    assert plans["column"]["constraints"] == plans["field"]["constraints"]


def test_a_column_without_a_value_takes_all_in_a_sentence(tmp_path: Path) -> None:
    write_scored(tmp_path)
    pq.write_table(
        pa.table({"key": ["0000"], "quality": pa.array([None], pa.float64())}),
        tmp_path / "scores.parquet",
    )
    with pytest.raises(FairshardError) as caught:
        finished(joined(tmp_path, {"column": SCORES.model_dump(), "at_least": 4}))
    assert str(caught.value) == (
        "no sample is left to balance: filter scores.quality at least 4 takes all of 120 samples, "
        "as none has a value there: correct the column 'quality', or what joins the table scores "
        "(`fairshard status` says what does)"
    )


def test_another_bound_joins_nothing_again_and_another_column_does(tmp_path: Path) -> None:
    write_scores(tmp_path)
    column = SCORES.model_dump()
    one = settings_digest(joined(tmp_path, {"column": column, "below": 0.5}))
    assert settings_digest(joined(tmp_path, {"column": column, "at_least": 4})) == one
    assert settings_digest(joined(tmp_path, utility={"column": column})) != one
    other = {**column, "name": "punsafe"}
    assert settings_digest(joined(tmp_path, {"column": other, "below": 0.5})) != one


def test_utility_is_what_a_column_says(tmp_path: Path) -> None:
    write_scored(tmp_path)
    write_scores(tmp_path)
    utility = {"column": SCORES.model_dump(), "scale": 2}
    storage = finished(joined(tmp_path, utility=utility))
    for name in storage.names(paths.LABELS):
        table = pq.read_table(pa.BufferReader(storage.read(f"{paths.LABELS}/{name}")))
        for key, found in zip(*(table[c].to_pylist() for c in ("key", "utility")), strict=True):
            assert found == pytest.approx(2 * (0.1 + int(key) % 7))
    assert not said_by(checks_of(tmp_path / "out"), "differs", "not checked")


def test_what_is_no_number_from_0_up_has_no_utility() -> None:
    rows: list[list[Any] | None] = [[1.5], [2.0, 2.0], [1.0, 2.0], [], None, [-1.0], [float("inf")]]
    column = as_values(pa.array(rows, pa.list_(pa.float64())))
    utility, why = utility_in(column, SCORES, np.full(len(rows), 2.0))
    where = "the column quality of the table scores"
    assert utility[:2].tolist() == [3.0, 4.0]
    assert why == {
        2: f"{where} holds several numbers for it",
        3: f"{where} holds no value for it",
        4: f"{where} holds no value for it",
        5: f"{where} is not a finite number from 0 up",
        6: f"{where} is not a finite number from 0 up",
    }
    texts = as_values(pa.array([["1"], [None]], pa.list_(pa.string())))
    assert utility_in(texts, SCORES, np.ones(2))[1] == {
        0: f"{where} does not hold a number",
        1: f"{where} holds no value for it",
    }


def test_rows_of_a_corpus_of_tables_are_joined_by_what_their_columns_say(tmp_path: Path) -> None:
    write_scores(tmp_path)
    (tmp_path / "in").mkdir()
    rows = [
        {"uid": f"row {n}", "sample": f"{n:04d}", "text": "a woman" if n % 3 else "a man"}
        for n in range(SAMPLES)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in" / "0.parquet")
    key = {"column": "key", "field": "sample"}
    tables = {"scores": {"url": str(tmp_path / "scores.parquet"), "key": key}}
    given = {"tables": str(tmp_path / "in/*.parquet")}
    condition = {"column": SCORES.model_dump(), "at_least": 4}
    labels = {"thing": {"names": {"a": {"lexicon": "woman"}}}}
    config = joined(tmp_path, condition, tables=tables, input=given, labels=labels)
    shards = find_shards(config.input)
    InProcess().label(config, shards)
    InProcess().solve(config, all_label_records(config, shards))
    plan = plan_of(output_storage(config.output))
    assert plan["samples"]["balanced"] == sum(0.1 + n % 7 >= 4 for n in range(SAMPLES))
    assert plan["filtered"]["conditions"][0]["lacking"] == 0
    assert not said_by(checks_of(tmp_path / "out"), "differs")
