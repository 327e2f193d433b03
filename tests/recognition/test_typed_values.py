"""Values as label tables carry them: conditions hold of them as they do of samples and columns."""

import io
import math
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from tests.recognition.test_conditions import COLUMNS, conditions
from transforms.config.conditions import Condition
from transforms.config.schema import VALUES
from transforms.recognition.conditions import Predicate
from transforms.recognition.typed_values import as_values, values_array

in_json = (
    st.sampled_from([True, False, 1, 1.0, 1.5, "a", "b", "1", " 1e3 ", "", None, {}, {"a": 1}])
    | st.sampled_from([math.nan, math.inf, -math.inf, 2**53, 2**53 + 1, -(10**400), "\ud800"])
    | st.integers()
    | st.floats()
    | st.text()
)


def on_file(values: pa.Array) -> pa.ChunkedArray:
    """The values as a Parquet file gives them back."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"v": values}), sink)
    return pq.read_table(sink)["v"]


@given(st.lists(st.lists(in_json, max_size=4), max_size=6), conditions)
def test_a_condition_holds_of_them_as_of_the_sample(rows: list[list[Any]], asked: Any) -> None:
    predicate = Predicate(Condition.model_validate(asked))
    values = on_file(values_array(rows))
    assert values.type == VALUES
    assert predicate.mask(values).tolist() == [predicate.holds(row) for row in rows]
    assert predicate.mask(values.slice(1)).tolist() == [predicate.holds(row) for row in rows[1:]]


@given(st.data(), st.sampled_from(list(COLUMNS)), st.integers(1, 2), conditions)
def test_a_condition_holds_of_them_as_of_the_column(
    data: Any, kind: pa.DataType, depth: int, asked: Any
) -> None:
    elements = COLUMNS[kind] | st.none()
    for _ in range(depth):
        kind, elements = pa.list_(kind), st.lists(elements, max_size=3) | st.none()
    column = pa.array(data.draw(st.lists(elements, max_size=6)), kind)
    predicate = Predicate(Condition.model_validate(asked))
    assert as_values(column).type == VALUES
    assert predicate.mask(as_values(column)).tolist() == predicate.mask(column).tolist()


def test_texts_numbers_and_truths_stay_what_they_are() -> None:
    rows = [["1"], [1], [1.0], [True], [], [None, math.nan], [{"a": 1}], [2**53 + 1]]
    nothing = {"number": None, "text": None, "truth": None}
    assert values_array(rows).to_pylist() == [
        [{**nothing, "text": "1"}],
        [{**nothing, "number": 1.0}],
        [{**nothing, "number": 1.0}],
        [{**nothing, "truth": True}],
        [],
        [],
        [nothing],
        [{"number": 2.0**53, "text": "9007199254740993", "truth": None}],
    ]


def test_whole_numbers_are_told_apart_where_a_float_is_not() -> None:
    rows: list[list[Any]] = [[2**53], [2**53 + 1], [2.0**53], ["9007199254740993"], [10**400]]
    for asked, holding in (
        ({"values": [2**53 + 1]}, [1]),
        ({"values": [2**53]}, [0, 2]),
        ({"at_least": 2**53}, [0, 1, 2, 3, 4]),
        ({"not": {"values": [2**53 + 1]}}, [0, 2, 3, 4]),
    ):
        mask = Predicate(Condition.model_validate(asked)).mask(values_array(rows))
        assert mask.nonzero()[0].tolist() == holding
