"""The geometry of charts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.report.charts import Axis, axis, heat_map, line_chart, rounded_up


@given(st.floats(0.01, 1e6))
def test_rounded_up_is_little_above(value: float) -> None:
    assert value * (1 - 1e-6) <= rounded_up(value) <= 2 * value


def test_an_axis_holds_all_values_and_its_limits() -> None:
    assert axis([0.13, math.nan, 0.37]) == Axis(0.4)
    assert axis([0.95, 1.2], most=1.0) == Axis(1.0)
    assert axis([]).top == 0.01
    assert Axis(0.4).ticks == pytest.approx((0, 0.1, 0.2, 0.3, 0.4))


def test_places_on_an_axis_stay_on_it() -> None:
    places = [Axis(0.4).at(value) for value in (0.1, 0.5, -1.0, math.nan)]
    assert places == ["25.00%", "100.00%", "0.00%", "0.00%"]


def test_a_heat_map_shows_the_largest_before_and_says_how_many_there_are() -> None:
    before = np.array([[0.1, -0.5, np.nan, 0.3], [0.2, 0.1, np.nan, -0.4]])
    after = np.array([[0.0, 0.0, np.nan, 0.6], [0.0, 0.0, np.nan, 0.0]])
    found = heat_map(["a", "b"], ["p", "q", "r", "t"], before, after, most=3)
    assert found is not None
    assert [label for label, _ in found.rows] == ["q", "t", "p"]
    assert (found.columns, found.row_count, found.column_count) == (("a", "b"), 4, 2)
    assert found.rows[0][1][0].before == -0.5 and found.rows[1][1][0].after == 0.6
    assert (found.limit, found.numbers, found.gaps) == (0.6, True, False)
    assert [found.strength(value) for value in (0.6, -0.3, 0.0, 9.0)] == [100, 50, 0, 100]


def test_a_heat_map_of_many_attributes_has_no_numbers_and_keeps_their_order() -> None:
    before = np.linspace(0.01, 0.3, 30)[:, None]
    found = heat_map([f"a{k}" for k in range(30)], ["p"], before, before)
    assert found is not None
    assert found.columns == tuple(f"a{k}" for k in range(10, 30))
    assert not found.numbers and found.column_count == 30


def test_there_is_no_heat_map_without_labels() -> None:
    assert heat_map(["a"], [], np.empty((1, 0)), np.empty((1, 0))) is None
    unknown = heat_map(["a"], ["p"], np.full((1, 1), np.nan), np.full((1, 1), np.nan))
    assert unknown is not None and unknown.gaps and unknown.limit == 0.01


def test_a_line_is_drawn_downwards_from_the_top_with_gaps_where_there_is_no_data() -> None:
    rates, values = [0.0, 0.5, 1.0, 2.0], [0.1, 0.2, math.nan, 0.4]
    found = line_chart("RB", Axis(2.0), rates, values, bound=0.3)
    assert found.y == Axis(0.4)
    assert found.path == "M0 75L25 50M100 0"
    assert found.height(found.bound) == 25


def test_an_axis_holds_the_bound_too() -> None:
    assert line_chart("RB", Axis(1.0), [0.5], [0.1], bound=0.3).y == Axis(0.3)
