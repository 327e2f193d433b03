"""What a filter takes, and of whom, against a count of the rows one by one."""

from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.statistics.test_counting import PART, config_of, table_of, written
from transforms.base.errors import FairshardError
from transforms.config.schema import SIMILARITY, schema_of
from transforms.config.sections import Config
from transforms.labels.derived import with_derived
from transforms.statistics.counting import count_shard, filter_counts
from transforms.statistics.filtering import FilterCondition, FilterCounts, at_least
from transforms.storage.files import output_storage

FILTER: dict[str, Any] = {"filter": {"min_similarity": 0.4}, "model": {"name": "ViT-B-32"}}


def by_hand(table: pa.Table, config: Config) -> tuple[list[int], list[int]]:
    """Rows, and rows with each flag: all of them, and those below the filter."""
    flags = [table[column].to_pylist() for column in schema_of(config).pattern_columns]
    below = [value < np.float32(0.4) for value in table[SIMILARITY].to_pylist()]
    rows = range(table.num_rows)
    counted = [
        [sum(chosen[row] for row in rows)]
        + [sum(flag[row] and chosen[row] for row in rows) for flag in flags]
        for chosen in ([True] * table.num_rows, below)
    ]
    return counted[0], counted[1]


@pytest.mark.parametrize("rows", [0, 777, PART + 501])
def test_a_filter_is_counted_as_it_takes(tmp_path: Path, rows: int) -> None:
    config = config_of(tmp_path, 3, **FILTER)
    storage = output_storage(config.output)
    table = table_of(config, rows, [1.0])
    counts = filter_counts(config)
    assert counts is not None
    histogram = count_shard(written(table, storage), config, storage, counts).extract()
    assert counts.conditions == ("min_similarity",)
    assert (counts.labelled.tolist(), counts.taken[0].tolist()) == by_hand(table, config)
    assert histogram.samples == counts.labelled[0] - counts.taken[0, 0]


def test_what_is_derived_is_counted_as_what_is_recognised(tmp_path: Path) -> None:
    labels = {
        "thing": {"field": "things", "names": ["l0", "l1"]},
        "both": {"crossed": ["thing", "people"]},
        "more": {"names": {"some": {"any_of": ["l0", "l1"]}, "none": {"none_of": ["some"]}}},
    }
    values = config_of(tmp_path, 0, **FILTER).model_dump()
    config = Config.model_validate({**values, "labels": labels})
    storage = output_storage(config.output)
    table = table_of(config, 500, [1.0])
    counts = filter_counts(config)
    assert counts is not None
    count_shard(written(table, storage), config, storage, counts)
    whole = with_derived(table, schema_of(config).derived)
    assert (counts.labelled.tolist(), counts.taken[0].tolist()) == by_hand(whole, config)
    assert len(counts.labelled) == 1 + 2 + 2 + 4 + 2


def test_without_a_filter_nothing_is_counted(tmp_path: Path) -> None:
    assert filter_counts(config_of(tmp_path, 3)) is None


def test_each_of_several_conditions_is_counted_by_itself() -> None:
    conditions = (FilterCondition("a", "x", at_least(2)), FilterCondition("b", "y", at_least(1)))
    table = pa.table({"x": [1, 2, 3, 1], "y": [0, 0, 1, 1], "f": [True, True, False, True]})
    counts = FilterCounts.nothing(conditions, 1)
    passed = counts.add(table, ["f"], conditions)
    assert counts.labelled.tolist() == [4, 3]
    assert counts.taken.tolist() == [[2, 2], [2, 2]]
    assert (counts.together.tolist(), passed.tolist()) == ([3, 3], [False, False, True, False])


def test_counts_of_parts_add_up_to_those_of_the_whole(tmp_path: Path) -> None:
    config = config_of(tmp_path, 3, **FILTER)
    storage = output_storage(config.output)
    table = table_of(config, 1000, [1.0])
    parts = []
    for number, part in enumerate((table, table[:300], table[300:301], table[301:])):
        counts = filter_counts(config)
        assert counts is not None
        count_shard(written(part, storage, str(number)), config, storage, counts)
        parts.append(counts)
    whole, *rest = parts
    merged = reduce(FilterCounts.merge, rest[::-1])
    assert merged.labelled.tolist() == whole.labelled.tolist()
    assert merged.taken.tolist() == whole.taken.tolist()


def test_counts_of_other_filters_are_refused() -> None:
    one, other = (
        FilterCounts.nothing([FilterCondition(name, "x", at_least(0))], 2) for name in "ab"
    )
    with pytest.raises(FairshardError, match="counts of different filters"):
        one.merge(other)
