"""Whether a condition holds: of what one sample has, and of every row of an Arrow column."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from transforms.config.conditions import Condition, pattern_of
from transforms.config.schema import VALUE

Flags = NDArray[np.bool_]
Value = tuple[str, str | bool | int | float]
_SPACE = "[ \t\r\n]*"
_NUMBER = rf"{_SPACE}[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?{_SPACE}"
_HELD_NUMBER = re.compile(_NUMBER)


class Predicate:
    """A condition, ready to be asked.

    Of a list it holds where one element fits all of `values`, bounds and `matches`; `not` is of the
    list as a whole. NaN is no number and no value; true, false and objects are no numbers. Numbers
    are compared with bounds in 64 bits.
    """

    def __init__(self, condition: Condition) -> None:
        self._present = condition.present
        self._values = frozenset(map(typed, condition.values))
        self._bounds = _bounds_of(condition)
        self._patterns = condition.matches
        self._compiled = tuple(map(pattern_of, condition.matches))
        self._compares = bool(self._values or self._bounds or self._patterns)
        self._not = Predicate(condition.not_) if condition.not_ else None

    def holds(self, values: Sequence[Any]) -> bool:
        """Of what stands at one place: a list's elements, and nothing where it is missing."""
        if self._present is not None and self._present != any(map(is_there, values)):
            return False
        if self._compares and not any(map(self._fits, values)):
            return False
        return self._not is None or not self._not.holds(values)

    def mask(self, column: pa.Array | pa.ChunkedArray) -> Flags:
        """Of every row of a column, bool (n,): null is missing, and lists are lists.

        The elements of label tables' VALUES are what their parts say.
        """
        elements, rows = elements_of(column)
        holds = np.ones(len(column), np.bool_)
        if self._present is not None:
            holds &= self._present == _of_rows(are_there(elements), rows, len(column))
        if self._compares:
            holds &= _of_rows(self._fitting(elements), rows, len(column))
        if self._not is not None:
            holds &= ~self._not.mask(column)
        return holds

    def _fits(self, value: Any) -> bool:
        if self._values and not (_is_comparable(value) and typed(value) in self._values):
            return False
        if self._bounds:
            number = number_in(value)
            if number is None or not all(holds(number) for holds in self._bounds):
                return False
        return not self._patterns or (isinstance(value, str) and self._is_matched(value))

    def _is_matched(self, text: str) -> bool:
        encoded = text.encode("utf-8", "replace")
        return any(pattern.search(encoded) for pattern in self._compiled)

    def _fitting(self, elements: pa.Array) -> Flags:
        if elements.type == VALUE:
            return self._fitting_values(elements)
        fitting = np.ones(len(elements), np.bool_)
        if self._values:
            fitting &= _equal(elements, self._values)
        if self._bounds:
            numbers = _numbers(elements)
            for holds in self._bounds:
                fitting &= holds(numbers)
        if self._patterns:
            found = np.zeros(len(elements), np.bool_)
            if pa.types.is_large_string(elements.type):
                for pattern in self._patterns:
                    found |= _flags(pc.match_substring_regex(elements, pattern))
            fitting &= found
        return fitting

    def _fitting_values(self, elements: pa.StructArray) -> Flags:
        """Of values that are numbers, texts or truths, each as a column of its kind has it."""
        number, text, truth = (pc.struct_field(elements, field.name) for field in VALUE)
        rounded = _flags(pc.and_(number.is_valid(), text.is_valid()))
        fitting = np.zeros(len(elements), np.bool_)
        for of_kind in (number, text, truth):
            there = of_kind.is_valid().to_numpy(zero_copy_only=False) & ~rounded
            kept = of_kind.filter(pa.array(there))
            as_large = kept.cast(pa.large_string()) if pa.types.is_string(kept.type) else kept
            fitting[there] = self._fitting(as_large)
        for row in np.flatnonzero(rounded):
            fitting[row] = self._fits(int(text[row].as_py()))
        return fitting


def typed(value: str | bool | int | float) -> Value:
    """A value that equals another one in type as well: 1 is 1.0, and neither true nor "1"."""
    match value:
        case bool():
            return "truth", value
        case str():
            return "text", value
        case _:
            return "number", value


def number_in(value: Any) -> float | None:
    """The number that a value is, or that a text holds; None where there is none."""
    match value:
        case bool():
            return None
        case str():
            return float(value) if _HELD_NUMBER.fullmatch(value) else None
        case float():
            return None if math.isnan(value) else value
        case int():
            return in_64_bits(value)
        case _:
            return None


def in_64_bits(value: int) -> float:
    """A whole number as a float64: infinite where it is beyond these."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _bounds_of(condition: Condition) -> tuple[Callable[[Any], Any], ...]:
    """The bounds, each to be asked of a number or of an array of them."""
    least, above, most, below = (
        condition.at_least,
        condition.above,
        condition.at_most,
        condition.below,
    )
    given = (
        None if least is None else lambda number: number >= least,
        None if above is None else lambda number: number > above,
        None if most is None else lambda number: number <= most,
        None if below is None else lambda number: number < below,
    )
    return tuple(bound for bound in given if bound is not None)


def _is_comparable(value: Any) -> bool:
    return isinstance(value, str | int | float)


def is_there(value: Any) -> bool:
    """Whether it is a value at all: neither null nor NaN."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def elements_of(column: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, NDArray[np.int64] | None]:
    """The elements of a column's lists, or its own where it has none, and the row of each."""
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    rows: NDArray[np.int64] | None = None
    while True:
        kind = values.type
        if pa.types.is_dictionary(kind):
            values = values.dictionary_decode()
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
            parents = pc.list_parent_indices(values).to_numpy().astype(np.int64)
            values, rows = values.flatten(), parents if rows is None else rows[parents]
        elif pa.types.is_fixed_size_list(kind):
            values = values.cast(pa.list_(kind.value_type))
        elif pa.types.is_string(kind) or pa.types.is_string_view(kind):
            values = values.cast(pa.large_string())
        else:
            return values, rows


def _of_rows(flags: Flags, rows: NDArray[np.int64] | None, count: int) -> Flags:
    """Whether any element of a row has its flag."""
    if rows is None:
        return flags
    found = np.zeros(count, np.bool_)
    found[rows[flags]] = True
    return found


def _flags(values: pa.Array) -> Flags:
    return np.asarray(values.fill_null(False).to_numpy(zero_copy_only=False))


def are_there(elements: pa.Array) -> Flags:
    """Which elements are values at all: neither null nor NaN."""
    return ~np.asarray(elements.is_null(nan_is_null=True).to_numpy(zero_copy_only=False))


def _equal(elements: pa.Array, wanted: frozenset[Value]) -> Flags:
    kind, nothing = elements.type, np.zeros(len(elements), np.bool_)
    numbers = [value for form, value in wanted if form == "number" and not isinstance(value, str)]
    if pa.types.is_boolean(kind):
        found = [value for form, value in wanted if form == "truth"]
    elif pa.types.is_large_string(kind):
        found = [value for form, value in wanted if form == "text"]
    elif pa.types.is_integer(kind):
        low, high = np.iinfo(kind.to_pandas_dtype()).min, np.iinfo(kind.to_pandas_dtype()).max
        found = [int(value) for value in numbers if low <= value <= high and value == int(value)]
    elif pa.types.is_floating(kind):
        elements, kind = pc.add(elements.cast(pa.float64()), 0.0), pa.float64()  # -0 as 0
        found = [number + 0.0 for value in numbers if (number := number_in(value)) == value]
    else:
        return nothing
    return _flags(pc.is_in(elements, value_set=pa.array(found, kind)))


def _numbers(elements: pa.Array) -> NDArray[np.float64]:
    """Elements as numbers, NaN where they are none."""
    kind = elements.type
    if pa.types.is_large_string(kind):
        held = _flags(pc.match_substring_regex(elements, f"^(?:{_NUMBER})$"))
        bare = pc.utf8_trim(elements.filter(pa.array(held)), " \t\r\n")
        numbers = np.full(len(elements), np.nan)
        numbers[held] = bare.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return numbers
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return np.asarray(elements.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    return np.full(len(elements), np.nan)
