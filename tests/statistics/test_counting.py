"""Counting a shard's label table, against a dictionary that counts its rows one by one."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from transforms.base.errors import StaleError
from transforms.config.schema import SIMILARITY, schema_of
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.labels.tables import digest, parquet_bytes
from transforms.shards.finding import Shard
from transforms.statistics.counting import accumulator_for, count_shard
from transforms.statistics.histogram import Histogram
from transforms.statistics.patterns import UTILITY_UNIT, utility_bins
from transforms.storage.files import Storage, output_storage

PART = 1 << 18


def config_of(folder: Path, labels: int, **sections: Any) -> Config:
    people = {name: {"target": 0.5} for name in ("woman", "man")}
    names = [f"l{r}" for r in range(labels)]
    return Config.model_validate(
        {
            "input": {"shards": str(folder / "*.tar")},
            "attributes": {"people": {"field": "people", "names": people}},
            "labels": {"thing": {"field": "things", "names": names}} if names else {},
            "balance": {"eta": 0.5},
            "output": {"url": str(folder / "out")},
            **sections,
        }
    )


def table_of(config: Config, rows: int, utilities: list[float], seed: int = 0) -> pa.Table:
    """A label table whose rows repeat a few dozen rows of flags in a random order."""
    rng, schema = np.random.default_rng(seed), schema_of(config)
    distinct = rng.random((30, len(schema.pattern_columns))) < 0.3
    flags = distinct[rng.integers(0, 30, rows)]
    columns: dict[str, Any] = {
        "key": [str(row) for row in range(rows)],
        "offset": np.arange(rows) * 10,
        "size": np.full(rows, 10),
        SIMILARITY: rng.random(rows).astype(np.float32),
        "utility": rng.choice(utilities, rows),
        **dict(zip(schema.pattern_columns, flags.T, strict=True)),
    }
    return pa.table([pa.array(columns[n]) for n in schema.arrow.names], schema=schema.arrow)


def written(table: pa.Table, storage: Storage, name: str = "a") -> LabelRecord:
    """The record of a shard whose label table is `table`, as labelling leaves it."""
    content = parquet_bytes(table)
    storage.publish(f"labels/{name}.parquet", content)
    shard = Shard(name, f"{name}.tar", 1, "0")
    return LabelRecord(shard, "", table.num_rows, 0, {}, len(content), digest(content), {})


def one_by_one(table: pa.Table, config: Config) -> dict[bytes, tuple[int, int]]:
    """Pattern to count and sum of utilities, a row at a time, by the definition of a pattern."""
    counts: Counter[bytes] = Counter()
    sums: Counter[bytes] = Counter()
    flags = zip(*(table[c].to_pylist() for c in schema_of(config).pattern_columns), strict=True)
    utility = table["utility"].to_numpy()
    for row, value, place in zip(flags, utility, utility_bins(utility), strict=True):
        bits = "".join("01"[flag] for flag in row)
        bits += "0" * (-len(bits) % 8)
        pattern = int(bits, 2).to_bytes(len(bits) // 8, "big") + int(place).to_bytes(2, "big")
        counts[pattern] += 1
        sums[pattern] += round(value / UTILITY_UNIT)
    return {pattern: (counts[pattern], sums[pattern]) for pattern in counts}


def contents(histogram: Histogram) -> dict[bytes, tuple[int, int]]:
    rows = zip(histogram.patterns, histogram.counts, histogram.utility_sums, strict=True)
    return {pattern.tobytes(): (int(count), int(total)) for pattern, count, total in rows}


@pytest.mark.parametrize("labels", [0, 5, 6, 7, 14, 300])
@pytest.mark.parametrize("utilities", [[1.0], [0.0, 0.1, 1.0, 1.05, 37.5]])
def test_a_shard_is_counted_as_a_dictionary_counts(
    tmp_path: Path, labels: int, utilities: list[float]
) -> None:
    config = config_of(tmp_path, labels)
    storage = output_storage(config.output)
    table = table_of(config, 1003, utilities)
    histogram = count_shard(written(table, storage), config, storage).extract()
    assert contents(histogram) == one_by_one(table, config)
    assert list(contents(histogram)) == sorted(contents(histogram))


def test_a_shard_of_many_parts_loses_no_row(tmp_path: Path) -> None:
    config = config_of(tmp_path, 9)
    storage = output_storage(config.output)
    table = table_of(config, 2 * PART + 77, [1.0, 2.0])
    counted = count_shard(written(table, storage), config, storage)
    whole = accumulator_for(schema_of(config)).add(table, schema_of(config).pattern_columns)
    assert contents(counted.extract()) == contents(whole.extract()) == one_by_one(table, config)


def test_rows_below_the_filter_are_not_counted(tmp_path: Path) -> None:
    model = {"name": "ViT-B-32"}
    config = config_of(tmp_path, 9, filter={"min_similarity": 0.4}, model=model)
    storage = output_storage(config.output)
    table = table_of(config, PART + 501, [0.5, 1.0])
    histogram = count_shard(written(table, storage), config, storage).extract()
    kept = table.filter(table[SIMILARITY].to_numpy() >= 0.4)
    assert 0 < kept.num_rows < table.num_rows
    assert contents(histogram) == one_by_one(kept, config)


def test_an_empty_shard_counts_nothing(tmp_path: Path) -> None:
    config = config_of(tmp_path, 9)
    storage = output_storage(config.output)
    record = written(table_of(config, 0, [1.0]), storage)
    assert len(count_shard(record, config, storage).extract()) == 0


def test_what_travels_holds_each_pattern_once(tmp_path: Path) -> None:
    config = config_of(tmp_path, 9)
    storage = output_storage(config.output)
    counted = count_shard(written(table_of(config, 3 * PART, [1.0]), storage), config, storage)
    assert sum(part.num_rows for part in counted._parts) == len(counted.extract())


def test_a_changed_table_is_refused(tmp_path: Path) -> None:
    config = config_of(tmp_path, 9)
    storage = output_storage(config.output)
    record = written(table_of(config, 10, [1.0], seed=1), storage)
    written(table_of(config, 10, [1.0], seed=2), storage)
    with pytest.raises(StaleError, match=r"a\.parquet changed after it was labelled"):
        count_shard(record, config, storage)
