"""What decides of a measure, and the figures that say so."""

import numpy as np
import pytest

from transforms.statistics.bounded import (
    ROUNDING,
    certified,
    deciding,
    excesses,
    figures,
    largest_unasked,
)

NAN = float("nan")
ATTRIBUTES, LABELS = ("woman", "man"), ("nurse", "tool")


def test_what_is_asked_decides_and_what_is_not_is_apart() -> None:
    values = np.array([[0.02, 1.0], [0.03, NAN]])
    bounds = np.array([[0.01, NAN], [0.05, 0.01]])
    found, apart = deciding(values, bounds), largest_unasked(values, bounds)
    assert found is not None and apart is not None
    assert (found.value, found.bound) == (0.02, 0.01)
    assert found.name(ATTRIBUTES, LABELS) == "woman × nurse"
    assert apart.name(ATTRIBUTES, LABELS) == "woman × tool"


def test_with_one_bound_the_largest_decides_and_with_none_the_largest_of_all() -> None:
    values = np.array([0.2, 0.3])
    for bounds in (np.full(2, 0.5), np.full(2, NAN)):
        found = deciding(values, bounds)
        assert found is not None and found.name(ATTRIBUTES, ()) == "man"


def test_where_nothing_is_known_nothing_decides() -> None:
    assert deciding(np.array([NAN, 0.3]), np.array([0.1, NAN])) is None
    assert deciding(np.array([NAN, NAN]), np.array([NAN, NAN])) is None
    assert largest_unasked(np.array([0.1]), np.array([0.1])) is None


def test_of_equal_ones_the_first_decides_whatever_the_last_bits_are() -> None:
    values, bounds = np.array([0.05, 0.05 + 1e-9]), np.array([0.05, 0.05])
    first, last = deciding(values, bounds, 1e-6), deciding(values, bounds)
    assert first is not None and last is not None
    assert (first.at, last.at) == ((0,), (1,))


def test_nothing_is_allowed_but_the_rounding_of_floats() -> None:
    bounds = np.array([0.01])
    assert not excesses(np.abs(np.array([0.51 - 0.5])), bounds).any()
    assert excesses(np.array([0.01 + 10 * ROUNDING]), bounds).any()
    assert not excesses(np.array([NAN]), bounds).any()


@pytest.mark.parametrize(
    ("above", "to"), [(-1.0, 1e-6), (9e-7, 1e-6), (2e-6, 1e-5), (9e-6, 1e-5), (2e-5, None)]
)
def test_what_weights_meet_bounds_to(above: float, to: float | None) -> None:
    assert certified(np.array([1.0 + above]), np.array([1.0])) == to


@pytest.mark.parametrize(
    ("value", "bound", "shown"),
    [
        (0.0094, 0.01, ("0.0094", "0.0100")),
        (0.01, 0.01, ("0.0100", "0.0100")),
        (0.01004, 0.01, ("0.01004", "0.01000")),
        (0.010000001, 0.01, ("0.010000001", "0.010000000")),
        (0.0266, 0.02, ("0.0266", "0.0200")),
        (0.0, 0.00001, ("0.00000", "0.00001")),
        (0.3, 0.0, ("0.3000", "0.0000")),
        (1e-5, 0.0, ("0.00001", "0.00000")),
    ],
)
def test_figures_tell_a_miss_from_what_is_met(
    value: float, bound: float, shown: tuple[str, str]
) -> None:
    assert figures(value, bound) == shown


def test_a_plan_s_figures_are_told_to_what_it_is_met_to() -> None:
    assert figures(0.0100000001, 0.01, 1e-6) == ("0.0100", "0.0100")
