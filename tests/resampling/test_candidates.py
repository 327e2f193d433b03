"""Candidates of a draw: the same in any order of merging, few, and some of all that is rare."""

from functools import reduce

import numpy as np
import pyarrow as pa
import pytest

from transforms.config.schema import Attribute
from transforms.resampling import candidates
from transforms.resampling.candidates import Candidates, Eligibility, most_of
from transforms.resampling.drawing import WeighedShard
from transforms.statistics.histogram import HistogramAccumulator
from transforms.statistics.moments import Moments

ATTRIBUTES = tuple(Attribute(f"g.{name}", "g", 0.5, "all") for name in "ab")
LABELS = 9
RAREST = 2 + LABELS - 1


def shards(rows: int, count: int) -> list[WeighedShard]:
    """Shards of random samples of weight 0.3, but for some of whole weight; one label is rare."""
    rng = np.random.default_rng(7)
    found = []
    for _ in range(count):
        likely = np.array([0.5, 0.2, *[0.3] * (LABELS - 1), 0.01])
        flags = rng.random((rows, 2 + LABELS)) < likely
        q = np.where(np.arange(rows) % 5 == 0, 1.0, 0.3)
        copies = np.where(q == 1.0, 1, np.arange(rows) % 3 == 0).astype(np.int64)
        found.append(WeighedShard(pa.table({"q": q}), flags, copies))
    return found


def choice_of(found: list[WeighedShard]) -> Eligibility:
    """The choice that solving makes for these shards."""
    flags = np.vstack([shard.flags for shard in found])
    counted = HistogramAccumulator(("g.a", "g.b"), tuple(map(str, range(LABELS))))
    histogram = counted.add_rows(flags, np.ones(len(flags))).extract()
    q = np.full(len(histogram), 0.3)
    return Eligibility.of(Moments.of_corpus(histogram, ATTRIBUTES, q), histogram, q, 1.0)


def of_all(found: list[WeighedShard], choice: Eligibility) -> list[Candidates]:
    return [
        Candidates.of(shard, f"{number:05d}.tar", 3, choice) for number, shard in enumerate(found)
    ]


def test_all_samples_of_fractional_weight_are_candidates_where_there_are_few() -> None:
    found = shards(100, 2)
    choice = choice_of(found)
    table = reduce(Candidates.merge, of_all(found, choice)).extract()
    assert choice.halvings == 0
    assert table.num_rows == 2 * 80
    for row in table.to_pylist():
        shard = found[int(row["shard"][:5])]
        assert shard.table["q"][row["row"]].as_py() == 0.3
        assert (row["copies"], row["sign"]) in ((0, 1), (1, -1))
        assert row["copies"] == shard.copies[row["row"]]


def test_no_order_and_no_grouping_chooses_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "_MOST", 300)
    monkeypatch.setattr(candidates, "_MOST_PARTS", 3)
    found = shards(200, 12)
    choice = choice_of(found)
    assert choice.halvings > 0
    one = reduce(Candidates.merge, of_all(found, choice)).extract()
    other = reduce(Candidates.merge, of_all(found, choice)[::-1]).extract()
    half = of_all(found, choice)
    pairs = [reduce(Candidates.merge, half[:5]), reduce(Candidates.merge, half[5:])]
    assert one.equals(other)
    assert one.equals(pairs[1].merge(pairs[0]).extract())
    assert 200 <= one.num_rows <= 300
    assert reduce(max, (sum(p.num_rows for p in part.parts) for part in of_all(found, choice))) < 90


def test_rare_samples_are_among_few_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "_MOST", 300)
    found = shards(1_000, 12)
    choice = choice_of(found)
    table = reduce(Candidates.merge, of_all(found, choice)).extract()
    flags = np.array([found[int(r["shard"][:5])].flags[r["row"]] for r in table.to_pylist()])
    there = np.vstack([shard.flags[np.arange(1_000) % 5 > 0] for shard in found])
    assert there[:, RAREST].mean() < 0.015
    assert flags[:, RAREST].mean() > 0.15
    assert flags[:, RAREST].mean() < 0.9


def test_wide_rows_are_fewer() -> None:
    assert most_of(12) == most_of(1_000) == 100_000
    assert most_of(10_002) * 10_002 / 8 <= 1 << 25


def test_seeds_choose_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "_MOST", 20)
    found = shards(500, 1)
    choice = choice_of(found)
    rows = [
        set(Candidates.of(found[0], "a.tar", seed, choice).extract()["row"].to_pylist())
        for seed in (0, 1)
    ]
    assert rows[0] != rows[1]
