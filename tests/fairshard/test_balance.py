"""Tables are balanced as shards are, whatever they are made of."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import fairshard
from fairshard import BalancedTable, ConfigError, FairshardError
from tests.fixtures import ATTRIBUTES, LABELS, config_of, write_corpus
from tests.outputs import finished_output
from transforms.plan.explanation_file import explanation_of
from transforms.plan.plan import read_plan
from transforms.statistics.patterns import flags_of, pack_patterns

GENDER = {"gender": {f"s.gender.{name}": 0.5 for name in ATTRIBUTES}}
THINGS = [f"y.thing.{name}" for name in LABELS]
Flags = NDArray[np.bool_]


def drawn(rows: int, seed: int = 0) -> pa.Table:
    """Rows with planted bias: 30 % women; nurses mostly women, doctors mostly men."""
    rng = np.random.default_rng(seed)
    woman = rng.random(rows) < 0.3
    likely = {"nurse": (0.5, 0.1), "doctor": (0.1, 0.4), "tie": (0.05, 0.3)}
    things = {name: rng.random(rows) < np.where(woman, *two) for name, two in likely.items()}
    return pa.table({"woman": woman, **things, "caption": [f"row {n}" for n in range(rows)]})


def balanced(table: Any, **changes: Any) -> BalancedTable:
    asked = {"attributes": {"woman": 0.5}, "labels": ["nurse", "doctor", "tie"], "rate": 0.4}
    return fairshard.balance(table, **{**asked, **changes})


@pytest.mark.parametrize(
    ("eta", "sections", "of_table"),
    [
        (0.5, {}, {}),
        (0.9, {}, {}),
        ("auto", {}, {}),
        (0.4, {"utility": {"field": "quality"}}, {"utility": "utility"}),
    ],
    ids=["met", "missed", "auto", "utility"],
)
def test_weights_are_those_of_a_corpus_with_these_labels_bit_for_bit(
    tmp_path: Path, eta: Any, sections: dict[str, Any], of_table: dict[str, Any]
) -> None:
    write_corpus(tmp_path, samples=400)
    bounds = {"max_representation_bias": 0.02, "max_association_bias": 0.05, "max_label_skew": 0.3}
    config = config_of(tmp_path, balance={"eta": eta, **bounds}, **sections)
    storage = finished_output(config)
    plan = read_plan(storage)
    table = pq.read_table(tmp_path / "out" / "labels")
    found = fairshard.balance(
        table, attributes=GENDER, labels=THINGS, rate=eta, **bounds, **of_table
    )
    flags = flags_of(table, [*GENDER["gender"], *THINGS])
    utility = table.column("utility").to_numpy()
    assert found.weights.tobytes() == plan.weights(flags, utility).tobytes()
    if not of_table:
        patterns = pq.read_table(tmp_path / "out" / "plan" / "patterns.parquet")
        q = dict(zip(patterns["pattern"].to_pylist(), patterns["q"].to_pylist(), strict=True))
        rows = [row.tobytes() for row in pack_patterns(flags, utility)]
        assert found.weights.tolist() == [q[row] for row in rows]
    written = json.loads((tmp_path / "out" / "plan" / "plan.json").read_text())
    said = written["certificate"]
    assert (found.certificate.primal, found.certificate.gap) == (said["primal"], said["gap"])
    assert [row.price for row in found.plan.constraints] == [
        row["price"] for row in written["constraints"]
    ]
    assert found.plan.rate == plan.terms.eta
    assert len(found.certificate.missed) == len(written["unattainable"])
    known = explanation_of(plan, storage)
    rates = [str(known.conflict.rate)] if known and known.conflict else []
    assert bool(rates) == bool(written["unattainable"])
    assert [
        line.removeprefix("or eta <= ") for line in found.conflict() if "or eta" in line
    ] == rates


class Capsule:
    """A batch of an Arrow library that is not pyarrow."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    def __arrow_c_array__(self, requested_schema: object = None) -> Any:
        return self._batch.__arrow_c_array__(requested_schema)


FORMS = {
    "pandas": lambda table: table.to_pandas(),
    "pandas, nullable": lambda table: table.to_pandas().convert_dtypes(),
    "pandas, objects": lambda table: table.to_pandas().astype(object),
    "polars": pl.from_arrow,
    "a batch": lambda table: table.combine_chunks().to_batches()[0],
    "a stream": lambda table: pa.RecordBatchReader.from_batches(
        table.schema, table.to_batches(max_chunksize=7)
    ),
    "a capsule": lambda table: Capsule(table.combine_chunks().to_batches()[0]),
    "0 and 1": lambda table: table.drop_columns("caption").cast(
        pa.schema([(name, pa.uint8()) for name in table.column_names[:-1]])
    ),
    "another order": lambda table: table.select(table.column_names[::-1]),
    "a slice": lambda table: pa.concat_tables([table.slice(0, 3), table]).slice(3),
}


@pytest.mark.parametrize("form", FORMS)
def test_any_table_will_do(form: str) -> None:
    table = drawn(500)
    assert balanced(FORMS[form](table)).weights.tobytes() == balanced(table).weights.tobytes()


def test_a_stream_is_not_kept() -> None:
    """Batches of text and flags are gone once they are counted: 40 of 1 MB take no 10."""
    batch = drawn(2000).set_column(4, "caption", pa.array(["x" * 500] * 2000)).to_batches()[0]
    held: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        before = pa.total_allocated_bytes()
        for _ in range(40):
            yield pa.RecordBatch.from_pydict(batch.to_pydict(), schema=batch.schema)
            held.append(pa.total_allocated_bytes() - before)

    found = balanced(pa.RecordBatchReader.from_batches(batch.schema, batches()))
    assert len(found.weights) == 80_000
    assert max(held) < 10 * 2**20 < 40 * batch.nbytes


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    return drawn(draw(st.integers(300, 900)), draw(st.integers(0, 2**31)))


@given(tables(), st.randoms(use_true_random=False))
def test_permuted_rows_have_permuted_weights(table: pa.Table, random: Any) -> None:
    order = list(range(len(table)))
    random.shuffle(order)
    found = balanced(table.take(order), rate=0.2).weights
    assert np.array_equal(found, balanced(table, rate=0.2).weights[order])


@given(tables())
def test_a_table_twice_has_the_same_weights(table: pa.Table) -> None:
    once = balanced(table, rate=0.2).weights
    twice = balanced(pa.concat_tables([table, table]), rate=0.2).weights
    assert np.array_equal(twice, np.concatenate([once, once]))


@given(tables(), st.sampled_from([0.2, 0.4, 0.9]), st.sampled_from([1.0, 2.0]))
def test_weights_are_of_the_rate_and_the_bounds_hold_as_measured_here(
    table: pa.Table, rate: float, Q: float
) -> None:
    asked = {"max_representation_bias": 0.02, "max_association_bias": 0.03}
    found = balanced(table, rate=rate, Q=Q, **asked)
    q = found.weights
    assert (q.shape, q.dtype) == ((len(table),), np.float64)
    assert q.min() >= 0
    assert q.max() <= Q
    assert q.mean() == pytest.approx(rate, abs=1e-9)
    assert found.certificate.dual <= found.certificate.primal
    assert found.certificate.gap <= 1e-6
    s = table["woman"].to_numpy()
    share = np.average(s, weights=q)
    AB = {
        name: np.average(y[s], weights=q[s]) - np.average(y[~s], weights=q[~s])
        for name in ("nurse", "doctor", "tie")
        for y in [table[name].to_numpy()]
    }
    assert found.plan.predicted.share[0] == pytest.approx(share)
    assert found.plan.predicted.AB[0] == pytest.approx(list(AB.values()), abs=1e-9)
    if not found.certificate.missed:
        assert abs(share - 0.5) <= 0.02 + 1e-5
        assert max(map(abs, AB.values())) <= 0.03 + 1e-5
        assert "missed" not in found.summary()


def test_shares_of_a_group_do_not_count_rows_without_it() -> None:
    rng = np.random.default_rng(0)
    who = rng.choice(["woman", "man", "neither"], 3000, p=[0.15, 0.35, 0.5])
    table = pl.DataFrame({"woman": who == "woman", "man": who == "man"})
    found = fairshard.balance(table, attributes={"gender": {"woman": 0.5, "man": 0.5}}, rate=0.5)
    kept = {name: found.weights[who == name].sum() for name in ("woman", "man", "neither")}
    assert kept["woman"] / (kept["woman"] + kept["man"]) == pytest.approx(0.49, abs=1e-4)
    assert kept["neither"] > 500
    alone = fairshard.balance(table, attributes={"woman": 0.5}, rate=0.2)
    assert np.average(who == "woman", weights=alone.weights) == pytest.approx(0.49, abs=1e-4)


def test_overrides_are_by_column() -> None:
    free = [{"labels": ["doctor"], "max_association_bias": 1}]
    strict, eased = balanced(drawn(2000)), balanced(drawn(2000), overrides=free)
    assert abs(strict.plan.predicted.AB[0, 1]) < 0.051 < abs(eased.plan.predicted.AB[0, 1])


def test_what_is_worth_more_is_kept_more() -> None:
    table = drawn(2000).append_column("quality", pa.array(np.tile([0.5, 1.5], 1000)))
    found = balanced(table, utility="quality").weights
    assert found[1::2].mean() > 1.5 * found[::2].mean()


def test_copies_are_whole_and_of_the_same_bias() -> None:
    table = drawn(5000)
    found = balanced(table, Q=3.0, rate=1.0)
    copies = found.copies(seed=1)
    assert copies.dtype == np.int64
    assert np.all((copies == np.floor(found.weights)) | (copies == np.ceil(found.weights)))
    assert copies.sum() == pytest.approx(5000, abs=1)
    share = np.average(table["woman"].to_numpy(), weights=copies)
    assert share == pytest.approx(found.plan.predicted.share[0], abs=1e-3)
    assert np.array_equal(copies, found.copies(seed=1))
    assert not np.array_equal(copies, found.copies(seed=2))


def test_the_rows_taken_meet_the_bounds_wherever_the_weights_do() -> None:
    """With 20 labels nearly every pattern is a row of its own, and systematic draws miss AB."""
    random = np.random.default_rng(0)
    lean = random.normal(0, 0.1, (2, 20))
    s = random.random((6000, 2)) < (0.3, 0.6)
    y = random.random((6000, 20)) < 0.3 + s @ lean / 2
    names = [f"s{k}" for k in range(2)], [f"y{r}" for r in range(20)]
    columns = dict(zip((*names[0], *names[1]), np.hstack([s, y]).T, strict=True))
    found = fairshard.balance(
        pa.table(columns),
        attributes={"s0": 0.4, "s1": 0.5},
        labels=names[1],
        rate=0.4,
        Q=1.5,
        max_association_bias=0.01,
        shares={"y0": {"at_most": 0.3}},
    )
    assert found.met
    for seed in range(3):
        copies = found.copies(seed)
        assert np.all((copies == np.floor(found.weights)) | (copies == np.ceil(found.weights)))
        assert abs(copies.sum() - found.weights.sum()) < 5
        share = copies @ s / copies.sum()
        assert np.all(np.abs(share - (0.4, 0.5)) <= 0.01 + 1e-12)
        carrying, others = ((copies[:, None] * t).T @ y / (copies @ t)[:, None] for t in (s, ~s))
        assert np.abs(carrying - others).max() <= 0.01 + 1e-12
        assert copies @ y[:, 0] / copies.sum() <= 0.3 + 1e-12
        assert np.array_equal(copies, found.copies(seed))


def test_the_mean_of_copies_over_seeds_is_about_the_weight() -> None:
    """Bounds that bind shift it a little, in a table of 400 rows by less than 0.02."""
    random = np.random.default_rng(1)
    columns = {"s": random.random(400) < 0.2}
    labels = [f"y{r}" for r in range(6)]
    columns.update((label, random.random(400) < 0.3) for label in labels)
    found = fairshard.balance(
        pa.table(columns),
        attributes={"s": 0.45},
        labels=labels,
        rate=0.25,
        max_association_bias=0.03,
    )
    mean = np.mean([found.copies(seed) for seed in range(100)], axis=0)
    bins = np.digitize(found.weights, np.linspace(0, 1, 6))
    for one in np.unique(bins):
        rows = bins == one
        if np.count_nonzero(rows) >= 50:
            assert mean[rows].mean() == pytest.approx(found.weights[rows].mean(), abs=0.02)


def test_what_cannot_be_met_is_said_and_what_would_do() -> None:
    found = balanced(drawn(1000), rate=0.9)
    assert "share of woman, from below" in found.certificate.missed
    assert any(line.startswith("or eta <= ") for line in found.conflict())
    said = repr(found)
    assert "asked for <= 0.0100: missed" in said
    assert "missed: share of woman, from below" in said
    assert balanced(drawn(1000)).conflict() == ()


def test_auto_finds_the_rate() -> None:
    found = balanced(drawn(1000), rate="auto")
    assert not found.certificate.missed
    assert found.plan.upper is not None
    assert found.plan.rate <= found.plan.upper <= found.plan.rate + 2e-3
    assert found.weights.mean() == pytest.approx(found.plan.rate)


def of_women(*values: Any, **more: Any) -> pa.Table:
    return pa.table({"woman": pa.array(values), **more})


WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no table": ([True], {}, "has __arrow_c_stream__, not list: make one, as with pyarrow.table"),
    "lazy": (pl.LazyFrame({"woman": [True]}), {}, "not LazyFrame: make one"),
    "no rows": (pa.table({"woman": pa.array([], pa.bool_())}), {}, "the table has no rows"),
    "no column": (of_women(True), {"labels": ["nurse"]}, "no column 'nurse'; it has woman$"),
    "near": (
        of_women(True),
        {"attributes": {"women": 0.5}},
        "no column 'women': is it 'woman'\\?$",
    ),
    "near, pandas": (
        pd.DataFrame({"woman": [True]}),
        {"attributes": {"women": 0.5}},
        "no column 'women': is it 'woman'\\?$",
    ),
    "twice there": (
        pa.table([[True], [False]], ["woman", "woman"]),
        {},
        "has 2 columns named 'woman': rename them",
    ),
    "twice asked": (of_women(True), {"labels": ["woman"]}, "'woman' is named 2 times"),
    "twice asked, utility": (of_women(True), {"utility": "woman"}, "'woman' is named 2 times"),
    "nulls": (of_women(True, None, None), {}, "the column 'woman' is null in 2 of 3 rows: fill"),
    "nulls, pandas": (
        pd.DataFrame({"woman": [True, None, None]}),
        {},
        "the column 'woman' is null in 2 of 3 rows: fill",
    ),
    "text": (of_women("yes"), {}, "'woman' holds string, and attributes and labels are booleans"),
    "shares": (of_women(0.5), {}, "'woman' holds double, and attributes and labels are booleans"),
    "two": (of_women(0, 2), {}, "'woman' holds 2, and attributes and labels are booleans"),
    "mixed": (pd.DataFrame({"woman": [True, "no"]}), {}, "the table cannot be read: "),
    "utility": (
        of_women(True, False, quality=[1.0, -1.0]),
        {"utility": "quality"},
        "the column 'quality' holds -1, and a utility is a number from 0 up",
    ),
    "utility, null": (
        of_women(True, False, quality=[1.0, None]),
        {"utility": "quality"},
        "the column 'quality' is null in 1 of 2 rows: fill",
    ),
    "utility, nan": (
        of_women(True, False, quality=[1.0, float("nan")]),
        {"utility": "quality"},
        "the column 'quality' holds nan",
    ),
    "utility, text": (
        of_women(True, quality=["high"]),
        {"utility": "quality"},
        "the column 'quality' holds string, and a utility is a number",
    ),
    "utility, huge": (
        of_women(True, False, quality=[1e13, 1.0]),
        {"utility": "quality"},
        r"adds up to 1e\+13, and is summed exactly up to 4.4e\+12: divide it by its mean",
    ),
    "no attributes": (of_women(True), {"attributes": {}}, "attributes: give columns"),
    "number": (of_women(True), {"labels": [7]}, "columns are named by text, and 7 is none"),
    "share": (of_women(True), {"attributes": {"woman": 50}}, "attributes.woman: .* not 50"),
    "flag": (of_women(True), {"attributes": {"woman": True}}, "attributes.woman: .* not True"),
    "whole": (
        of_women(True),
        {"attributes": {"gender": {"woman": 0.5, "man": 0.4}}},
        "attributes.gender: .* they must add up to 1, not to 0.9",
    ),
    "rate": (of_women(True), {"rate": 2}, "rate = 2 is above Q = 1: .* lower rate or raise Q"),
    "rate, text": (of_women(True), {"rate": "most"}, "  rate: should be a number above 0 or auto"),
    "bound": (
        of_women(True),
        {"max_association_bias": 2},
        "  max_association_bias: should be less than or equal to 1, not 2",
    ),
    "override": (
        of_women(True),
        {"overrides": [{"labels": ["nurse"], "max_label_skew": 0.1}]},
        "overrides.0.labels: there is no 'nurse'",
    ),
    "auto": (of_women(True, True), {"rate": "auto"}, "auto finds no rate"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_one_sentence(case: str) -> None:
    table, changes, sentence = WRONG[case]
    asked = {"attributes": {"woman": 0.5}, "rate": 0.5, **changes}
    with pytest.raises(FairshardError, match=sentence):
        fairshard.balance(table, **asked)


def test_wrong_arguments_are_of_the_configuration_s_kind() -> None:
    with pytest.raises(ConfigError):
        balanced(drawn(10), rate=-1)


def test_a_stream_that_was_read_says_so() -> None:
    stream = drawn(100).to_reader()
    balanced(stream)
    with pytest.raises(FairshardError, match="a stream that has been read has none any more"):
        balanced(stream)


def test_shares_of_columns_may_be_bounded_and_come_first() -> None:
    random = np.random.default_rng(0)
    woman, tie = random.random(4000) < 0.3, random.random(4000) < 0.2
    table = pa.table({"woman": woman, "tie": tie})
    asked: dict[str, Any] = {"attributes": {"woman": 0.5}, "labels": ["tie"]}
    shares = {"tie": {"at_most": 0.1}, "woman": {"at_least": 0.495}}
    found = fairshard.balance(table, **asked, rate=0.4, shares=shares)
    assert found.weights @ tie / found.weights.sum() == pytest.approx(0.1, abs=1e-6)
    assert found.weights @ woman / found.weights.sum() == pytest.approx(0.495, abs=1e-6)
    assert "share of tie         0." in str(found)
    assert "asked for at most 0.1: met" in str(found)

    def missed(first: str) -> float:
        greedy = fairshard.balance(
            table, **asked, rate=0.8, shares={"tie": {"at_most": 0.02}}, priority=[first]
        )
        rows = greedy.plan.constraints
        return sum(max(row.slack, 0.0) for row in rows if row.constraint.kind == "share")

    assert missed("share") < 1e-6
    assert missed("representation") > 0.01


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"shares": {"nurse": {"at_most": 0.1}}}, "shares: 'nurse' is no attribute and no label"),
        ({"shares": {"tie": {"most": 0.1}}}, "shares.tie: give at_least or at_most, not 'most'"),
        ({"shares": {"tie": {"at_most": 2}}}, "shares.tie.at_most: a bound is a share between"),
        ({"priority": ["nurse"]}, "priority.0: should be 'representation', 'association'"),
        ({"V": {"association": 0}}, "V: should be a number above 0 or auto"),
    ],
)
def test_what_no_share_or_order_is_is_said(given: dict[str, Any], words: str) -> None:
    table = pa.table({"woman": [True, False], "tie": [True, True]})
    with pytest.raises(ConfigError, match=re.escape(words)):
        fairshard.balance(table, attributes={"woman": 0.5}, labels=["tie"], rate=0.4, **given)
