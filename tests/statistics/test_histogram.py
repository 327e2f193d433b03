import math
import pickle
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from transforms.base.errors import FairshardError
from transforms.statistics.histogram import Histogram, HistogramAccumulator, distinct_rows
from transforms.statistics.patterns import (
    UTILITY_UNIT,
    pack_patterns,
    packed,
    packed_flags,
    unpacked,
    utility_bins,
    utility_widths,
)

Rows = tuple[NDArray[np.bool_], NDArray[np.float64]]


@st.composite
def rows(draw: st.DrawFn, attributes: int = 2, labels: int = 9) -> Rows:
    seed, size = draw(st.integers(0, 2**32)), draw(st.integers(0, 60))
    rng = np.random.default_rng(seed)
    flags = rng.random((size, attributes + labels)) < draw(st.sampled_from([0.1, 0.5]))
    return flags, rng.choice([0.0, 0.25, 1.0, 3.7], size)


def accumulator(attributes: int = 2, labels: int = 9) -> HistogramAccumulator:
    return HistogramAccumulator(
        tuple(f"a{k}" for k in range(attributes)), tuple(f"l{r}" for r in range(labels))
    )


def same(one: Histogram, other: Histogram) -> bool:
    return (
        np.array_equal(one.patterns, other.patterns)
        and np.array_equal(one.counts, other.counts)
        and np.array_equal(one.utility_sums, other.utility_sums)
    )


@given(rows())
def test_it_counts_what_a_dictionary_counts(data: Rows) -> None:
    flags, utility = data
    histogram = accumulator().add_rows(flags, utility).extract()
    bins = utility_bins(utility)
    expected = Counter((*map(bool, row), int(b)) for row, b in zip(flags, bins, strict=True))
    found = {
        (*map(bool, histogram.s[p]), *map(bool, histogram.y[[p]].toarray()[0]), int(b)): int(n)
        for p, (b, n) in enumerate(zip(histogram.utility_bins, histogram.counts, strict=True))
    }
    assert found == dict(expected)
    assert histogram.samples == len(flags)


@given(st.lists(rows(), max_size=5), st.randoms(use_true_random=False))
def test_any_order_and_grouping_of_merges_gives_the_same_bytes(
    parts: list[Rows], random: "np.random.Generator"
) -> None:
    whole = accumulator()
    for part in parts:
        whole.add_rows(*part)
    shuffled = [accumulator().add_rows(*part) for part in parts]
    random.shuffle(shuffled)  # type: ignore[arg-type]
    total = accumulator()
    while shuffled:
        part = shuffled.pop()
        if shuffled:
            part = part.merge(shuffled.pop(0))
        total.merge(part)
    assert same(whole.extract(), total.extract())


def test_folding_a_large_buffer_loses_nothing() -> None:
    rng = np.random.default_rng(0)
    total = accumulator(3, 20)
    for _ in range(6):
        total.add_rows(rng.random((40_000, 23)) < 0.2, np.ones(40_000))
    histogram = total.extract()
    assert histogram.samples == 240_000
    assert len(np.unique(histogram.patterns, axis=0)) == len(histogram)


def test_merging_does_not_change_what_is_merged() -> None:
    flags, utility = np.ones((3, 11), np.bool_), np.ones(3)
    part = accumulator().add_rows(flags, utility)
    accumulator().merge(part).add_rows(flags, utility)
    assert part.extract().samples == 3


def test_histograms_of_other_names_do_not_merge() -> None:
    with pytest.raises(FairshardError, match="different attributes"):
        accumulator(2, 3).merge(accumulator(3, 2))


def test_patterns_stand_in_order_of_s_then_y_then_utility() -> None:
    flags = np.array([[1, 0, 1], [0, 1, 1], [0, 1, 0], [0, 1, 0]], np.bool_)
    histogram = accumulator(1, 2).add_rows(flags, np.array([1.0, 1.0, 2.0, 1.0])).extract()
    assert histogram.s[:, 0].tolist() == [False, False, False, True]
    assert histogram.utility.tolist() == [1.0, 2.0, 1.0, 1.0]


def table_of(data: Rows) -> pa.Table:
    flags, utility = data
    names = [f"c{place}" for place in range(flags.shape[1])]
    return pa.table([*map(pa.array, flags.T), pa.array(utility)], names=[*names, "utility"])


@given(rows(2, 15) | rows(1, 7) | rows(2, 0) | rows(3, 300), st.integers(0, 20))
def test_arrow_bits_are_packed_like_bytes(data: Rows, start: int) -> None:
    flags, _ = data
    (batch,) = table_of(data).to_batches() or [
        pa.RecordBatch.from_pylist([], table_of(data).schema)
    ]
    found = packed_flags(batch.slice(start), batch.schema.names[:-1])
    assert np.array_equal(found, np.packbits(flags[start:], axis=1))


@given(st.lists(rows(), min_size=1, max_size=4), st.integers(0, 20))
def test_a_table_counts_as_its_rows_do(parts: list[Rows], start: int) -> None:
    table = pa.concat_tables([table_of(part) for part in parts]).slice(start)
    flags = np.concatenate([flags for flags, _ in parts])[start:]
    utility = np.concatenate([utility for _, utility in parts])[start:]
    by_table = accumulator().add(table, table.schema.names[:-1]).extract()
    assert same(by_table, accumulator().add_rows(flags, utility).extract())


def test_what_travels_weighs_what_it_holds() -> None:
    flags = np.random.default_rng(0).random((200_000, 40)) < 0.5
    counted = accumulator(2, 38).add_rows(flags, np.ones(200_000)).fold()
    assert len(pickle.dumps(counted)) < 1.1 * 200_000 * (counted.width + 16)


def test_folding_often_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    data = rng.random((500, 11)) < 0.3, rng.choice([0.5, 1.0], 500)
    folded = accumulator()
    for row in range(500):
        folded.add_rows(data[0][row : row + 1], data[1][row : row + 1]).fold()
    assert same(folded.extract(), accumulator().add_rows(*data).extract())


@given(st.floats(1e-300, 1e300) | st.sampled_from([2.0**k for k in range(-30, 30)]))
def test_a_bin_is_a_sixteenth_of_an_octave(value: float) -> None:
    mantissa, exponent = math.frexp(value)
    expected = 2**14 + 16 * exponent + math.floor((2 * mantissa - 1) * 16)
    assert utility_bins(np.array([value, 0.0])).tolist() == [expected, 0]


@given(st.floats(1e-3, 1e3))
def test_a_utility_lies_in_its_bin_and_a_bin_is_narrow(value: float) -> None:
    utility = np.array([value, np.nextafter(value, 2 * value), value * 1.07])
    bins = utility_bins(utility)
    width = float(utility_widths(bins[:1])[0])
    assert bins[0] <= bins[1] < bins[2]
    assert value / 32 < width <= value / 16 * (1 + 1e-12)


def test_utility_sums_are_exact_to_their_unit() -> None:
    utility = np.array([0.1, 0.1, 0.1])
    histogram = accumulator(1, 0).add_rows(np.zeros((3, 1), np.bool_), utility).extract()
    assert abs(histogram.utility[0] - 0.1) <= UTILITY_UNIT / 2


def test_an_empty_histogram_has_shapes() -> None:
    histogram = accumulator().extract()
    assert (len(histogram), histogram.samples) == (0, 0)
    assert histogram.s.shape == (0, 2)
    assert histogram.y.shape == (0, 9)


@given(rows(3, 30))
def test_patterns_survive_arrow(data: Rows) -> None:
    patterns = pack_patterns(*data)
    column = pa.chunked_array([packed(patterns).slice(0, 2), packed(patterns).slice(2)])
    assert np.array_equal(unpacked(column), patterns)


@given(st.lists(rows(), min_size=1, max_size=6), st.integers(1, 120), st.data())
def test_it_overflows_where_there_are_more_patterns_than_it_may_hold_in_any_order(
    parts: list[Rows], most: int, data: st.DataObject
) -> None:
    def limited(part: Rows) -> HistogramAccumulator:
        counted = HistogramAccumulator(accumulator().attributes, accumulator().labels, most)
        return counted.add_rows(*part)

    everything = accumulator()
    for part in parts:
        everything.add_rows(*part)
    distinct, samples = len(everything.extract()), everything.samples
    total = limited(parts[0])
    for part in data.draw(st.permutations(parts[1:])):
        total = (
            limited(part).merge(total) if data.draw(st.booleans()) else total.merge(limited(part))
        )
        if data.draw(st.booleans()):
            total.fold()
    assert total.samples == samples == sum(len(part[1]) for part in parts)
    assert total.overflowed == (distinct > most)
    if total.overflowed:
        with pytest.raises(FairshardError, match=rf"max_patterns = {most:,} patterns, too many"):
            total.extract()
    else:
        assert same(total.extract(), everything.extract())


def test_what_overflowed_holds_and_sends_no_patterns() -> None:
    flags = np.unpackbits(np.arange(200, dtype=np.uint8)[:, None], axis=1).astype(np.bool_)
    counted = HistogramAccumulator(("a0", "a1"), tuple(f"l{r}" for r in range(6)), 199)
    counted.add_rows(flags, np.ones(200))
    assert counted.overflowed
    counted.add_rows(flags, np.ones(200))
    assert (counted.samples, len(pickle.dumps(counted)) < 1000) == (400, True)


def test_no_rows_have_no_distinct_rows() -> None:
    rows, group = distinct_rows(np.empty((0, 3), np.bool_))
    assert rows.shape == (0, 3) and group.shape == (0,)


def test_utilities_that_are_too_much_to_be_added_exactly_are_told() -> None:
    """In one batch, and in accumulators that are well within by themselves."""
    flags = np.zeros((3, 2), np.bool_)

    def counted(utility: float) -> HistogramAccumulator:
        empty = HistogramAccumulator(("a",), ("b",))
        return empty.add_rows(flags, np.full(3, utility))

    with pytest.raises(FairshardError, match=r"more than 4\.4e\+12.*lower utility\.scale"):
        counted(2e12)
    total = counted(1e12)
    with pytest.raises(FairshardError, match=r"add up to more than 4\.4e\+12"):
        total.merge(counted(1e12)).extract()
