"""A column has one type, whatever its files say."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from transforms.tables.column_types import (
    as_type,
    common_type,
    plain,
    spelt,
    text_type,
    type_of,
    typed_texts,
)

INT, FLOAT, TEXT, TRUTH = pa.int64(), pa.float64(), pa.string(), pa.bool_()


@pytest.mark.parametrize(
    ("values", "kind", "plainly"),
    [
        (pa.array([1], pa.int8()), INT, [1]),
        (pa.array([1, 2**63], pa.uint64()), FLOAT, [1.0, 2.0**63]),
        (pa.array([1], pa.uint64()), INT, [1]),
        (pa.array([0.5, None], pa.float16()), FLOAT, [0.5, None]),
        (pa.array([Decimal("0.25")]), FLOAT, [0.25]),
        (pa.array(["a"], pa.large_string()), TEXT, ["a"]),
        (pa.array(["a"], pa.string_view()), TEXT, ["a"]),
        (pa.array(["a", None]).dictionary_encode(), TEXT, ["a", None]),
        (pa.array([b"a"]), TEXT, ["a"]),
        (pa.array([date(2020, 1, 2)]), TEXT, ["2020-01-02"]),
        (pa.array([datetime(2020, 1, 2, tzinfo=UTC)]), TEXT, ["2020-01-02 00:00:00.000000Z"]),
        (pa.array([[1], None, []], pa.list_(pa.int8())), pa.list_(INT), [[1], None, []]),
        (pa.array([[1], [2]], pa.large_list(pa.int8())).slice(1), pa.list_(INT), [[2]]),
        (pa.array([[1, 2], None], pa.list_(pa.int8(), 2)), pa.list_(INT), [[1, 2], None]),
        (
            pa.array([[[0.5]]], pa.list_(pa.list_(pa.float32()))),
            pa.list_(pa.list_(FLOAT)),
            [[[0.5]]],
        ),
        (pa.nulls(1), pa.null(), [None]),
    ],
)
def test_a_type_is_a_plain_one(values: pa.Array, kind: pa.DataType, plainly: list[Any]) -> None:
    found = plain(values)
    found.validate(full=True)
    assert (found.type, found.to_pylist()) == (kind, plainly)


@pytest.mark.parametrize(
    "values", [pa.array([{"a": 1}]), pa.array([[{"a": 1}]]), pa.array([b"\xff"])]
)
def test_what_has_no_plain_type_is_said(values: pa.Array) -> None:
    with pytest.raises(ValueError, match="it holds "):
        plain(values)


@pytest.mark.parametrize(
    ("texts", "kind", "values"),
    [
        (["1", "-2", "+3", " 4"], INT, [1, -2, 3, 4]),
        (["1", "2.5", "1e3", "", "nan", "NA"], FLOAT, [1, 2.5, 1000, None, None, None]),
        ([".5", "1."], FLOAT, [0.5, 1]),
        (["true", "False", ""], TRUTH, [True, False, None]),
        (["true", "1"], TEXT, ["true", "1"]),
        (["007", "1"], TEXT, ["007", "1"]),
        (
            ["1" * 19, "-9" + "0" * 17, f"+{2**63 - 1}"],
            INT,
            [int("1" * 19), -9 * 10**17, 2**63 - 1],
        ),
        (["1" * 19, "0.5"], FLOAT, [float("1" * 19), 0.5]),
        ([str(2**63)], TEXT, [str(2**63)]),
        (["9" * 19], TEXT, ["9" * 19]),
        (["0" + "1" * 18], TEXT, ["0" + "1" * 18]),
        (["1" * 20], TEXT, ["1" * 20]),
        (["NA", "x", ""], TEXT, ["NA", "x", None]),
        (["", "NA"], pa.null(), [None, None]),
        ([], pa.null(), []),
        (["1,5"], TEXT, ["1,5"]),
        (["0x10"], TEXT, ["0x10"]),
    ],
)
def test_texts_are_typed_by_what_all_of_them_hold(
    texts: list[str], kind: pa.DataType, values: list[Any]
) -> None:
    given = pa.array(texts, pa.string())
    assert text_type(given) == kind
    assert typed_texts(given, kind).to_pylist() == values


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        (INT, FLOAT, FLOAT),
        (pa.null(), TEXT, TEXT),
        (INT, pa.list_(FLOAT), pa.list_(FLOAT)),
        (pa.list_(pa.null()), TEXT, pa.list_(TEXT)),
    ],
)
def test_two_types_have_a_common_one(
    one: pa.DataType, other: pa.DataType, common: pa.DataType
) -> None:
    assert common_type(one, other) == common_type(other, one) == common
    for kind in (one, other):
        assert as_type(pa.nulls(2, kind), common).to_pylist() == [None, None]


@pytest.mark.parametrize(("one", "other"), [(TRUTH, INT), (TEXT, FLOAT), (TEXT, pa.list_(INT))])
def test_two_types_may_have_none(one: pa.DataType, other: pa.DataType) -> None:
    with pytest.raises(ValueError, match="give it one type"):
        common_type(one, other)


def test_what_is_no_list_is_a_list_of_one() -> None:
    lists = pa.list_(FLOAT)
    assert as_type(pa.array([1, None, 3]), lists).to_pylist() == [[1], None, [3]]
    held = pa.array([[1], None, [2, 3], []], pa.list_(INT))
    assert as_type(held, lists).to_pylist() == [[1], None, [2, 3], []]
    assert as_type(held.slice(1, 2), lists).to_pylist() == [None, [2, 3]]


@pytest.mark.parametrize("kind", [INT, FLOAT, TEXT, TRUTH, pa.null(), pa.list_(pa.list_(TEXT))])
def test_types_are_spelt_and_read(kind: pa.DataType) -> None:
    assert type_of(spelt(kind)) == kind
