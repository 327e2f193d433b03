"""Metrics of label tables: what they count, and that they merge in any order."""

import math
from functools import reduce

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from transforms.config.schema import SIMILARITY
from transforms.gates.metrics import AS_CONFIGURED, LabelMetrics, differing

EXPECTED = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("s.g.a", pa.bool_(), nullable=False),
        pa.field(SIMILARITY, pa.float32(), nullable=False),
        pa.field("utility", pa.float64(), nullable=False),
    ]
)
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.sampled_from(["a", "b", "c", "d"])),
        st.one_of(st.none(), st.booleans()),
        st.one_of(st.none(), st.floats(width=32)),
        st.one_of(st.none(), st.floats(-1e9, 1e9), st.sampled_from([math.nan, 1e300])),
    ),
    max_size=12,
)


def table(rows: list[tuple[object, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [[]] * 4
    arrays = [pa.array(list(c), f.type) for c, f in zip(columns, EXPECTED, strict=True)]
    return pa.table(arrays, names=EXPECTED.names)


def measured(number: int, rows: list[tuple[object, ...]], cut: int = 0) -> LabelMetrics:
    whole = table(rows)
    parts = [whole.slice(0, cut), whole.slice(cut)]
    return LabelMetrics().add(f"{number:05d}", parts, EXPECTED, EXPECTED)


@given(shards=st.lists(ROWS, min_size=1, max_size=5), data=st.data())
def test_any_order_and_grouping_of_merges_gives_the_same_metrics(
    shards: list[list[tuple[object, ...]]], data: st.DataObject
) -> None:
    one_by_one = reduce(
        LabelMetrics.merge, (measured(n, rows) for n, rows in enumerate(shards)), LabelMetrics()
    )
    waiting = [measured(n, rows, len(rows) // 2) for n, rows in enumerate(shards)]
    waiting = data.draw(st.permutations([LabelMetrics(), *waiting]))
    while len(waiting) > 1:
        at = data.draw(st.integers(0, len(waiting) - 2))
        waiting[at : at + 2] = [waiting[at].merge(waiting[at + 1])]
    assert waiting[0].extract().to_json() == one_by_one.extract().to_json()
    assert LabelMetrics.from_json(one_by_one.to_json()) == one_by_one


@given(rows=ROWS)
def test_counts_are_those_of_the_rows(rows: list[tuple[object, ...]]) -> None:
    found = measured(0, rows)
    keys = [row[0] for row in rows if row[0] is not None]
    assert found.shards["00000"].rows == len(rows)
    assert found.shards["00000"].repeated_keys == len(keys) - len(set(keys))
    for place, name in enumerate(EXPECTED.names):
        values = [row[place] for row in rows]
        assert found.columns[name].rows == len(values)
        assert found.columns[name].nulls == values.count(None)
    assert found.columns["s.g.a"].trues == sum(row[1] is True for row in rows)
    utilities = [float(row[3]) for row in rows if row[3] is not None]  # type: ignore[arg-type]
    known = [value for value in utilities if math.isfinite(value)]
    counts = found.columns["utility"]
    assert counts.not_finite == len(utilities) - len(known)
    assert counts.out_of_range == sum(value < 0 for value in known)
    assert (counts.least, counts.greatest) == (
        min(known, default=math.inf),
        max(known, default=-math.inf),
    )
    if known:
        assert counts.mean is not None
        assert math.isclose(counts.mean, math.fsum(known) / len(known), rel_tol=1e-6, abs_tol=1e-6)


def test_keys_are_repeated_in_whatever_order_and_part_they_stand() -> None:
    rows = [(key, True, 0.5, 1.0) for key in ("a", "b", "c", "b", "a")]
    for cut in range(5):
        assert measured(0, list(rows), cut).shards["00000"].repeated_keys == 2


def test_a_missing_column_holds_nothing_but_nulls() -> None:
    part = table([("a", True, 0.5, 1.0)]).drop_columns(["utility"])
    found = LabelMetrics().add("x", [part], part.schema, EXPECTED)
    assert found.columns["utility"].nulls == found.columns["utility"].rows == 1
    assert "the column utility is missing" in found.shards["x"].schema


def test_schemas_differ_in_words() -> None:
    assert differing(EXPECTED, EXPECTED) == AS_CONFIGURED
    fields = list(EXPECTED)
    assert differing(pa.schema([fields[1], fields[0], *fields[2:]]), EXPECTED) == (
        "the columns are in another order"
    )
    other = pa.schema(
        [fields[0], pa.field("s.g.a", pa.int8()), fields[2], fields[3].with_nullable(True)]
    )
    assert differing(other, EXPECTED) == (
        "the column s.g.a is int8, not bool; the column utility may hold nulls"
    )
    assert differing(pa.schema([*fields, pa.field("more", pa.int8())]), EXPECTED) == (
        "the column more was not asked for"
    )
