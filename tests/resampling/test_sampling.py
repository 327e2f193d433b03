import numpy as np
import pyarrow as pa
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from transforms.resampling.sampling import systematic_copies
from transforms.statistics.patterns import pack_patterns


def keys(n: int) -> pa.Array:
    return pa.array([f"{row:06d}" for row in range(n)])


def copies_of(
    q: NDArray[np.float64], flags: NDArray[np.bool_], seed: int = 0, shard: str = "a"
) -> NDArray[np.int64]:
    patterns = pack_patterns(flags, np.ones(len(q)))
    return systematic_copies(q, patterns, keys(len(q)), seed, shard)


@given(st.integers(0, 2**32), st.integers(0, 200), st.floats(0.1, 3.0), st.integers(0, 100))
def test_each_sample_gets_floor_or_ceil_and_the_shard_its_sum(
    data_seed: int, n: int, largest: float, seed: int
) -> None:
    rng = np.random.default_rng(data_seed)
    q = rng.random(n) * largest
    copies = copies_of(q, rng.random((n, 5)) < 0.3, seed)
    assert np.all(copies >= np.floor(q))
    assert np.all(copies <= np.ceil(q))
    assert abs(copies.sum() - q.sum()) < 1 + 1e-6


@given(st.integers(0, 2**32))
def test_every_pattern_gets_its_sum_to_within_one(data_seed: int) -> None:
    rng = np.random.default_rng(data_seed)
    flags = rng.random((500, 3)) < 0.4
    q = rng.random(500)
    copies = copies_of(q, flags)
    code = flags @ [4, 2, 1]
    for pattern in np.unique(code):
        here = code == pattern
        assert abs(copies[here].sum() - q[here].sum()) < 1 + 1e-6


@given(st.integers(0, 2**32), st.integers(0, 60), st.integers(0, 9))
def test_copies_are_differences_of_the_rounded_sum_over_all_rows_in_order(
    data_seed: int, n: int, seed: int
) -> None:
    """As defined, and drawn ever since: whole weights among them, keys given twice, other texts."""
    rng = np.random.default_rng(data_seed)
    patterns = pack_patterns(rng.random((n, 2)) < 0.3, rng.random(n).round())
    q = np.where(rng.random(n) < 0.4, rng.integers(0, 3, n), rng.random(n) * 2.5)
    names = [f"{'ü' * int(rng.integers(0, 9) ** 2)}{rng.integers(0, 3)}" for _ in range(n)]
    total = xxhash.xxh3_64_intdigest(b"a", seed=seed) >> 32
    expected = [0] * n
    for row in sorted(
        range(n),
        key=lambda row: (
            bytes(patterns[row]),
            xxhash.xxh3_64_intdigest(names[row].encode(), seed=seed),
            row,
        ),
    ):
        before, total = total, total + round(q[row] * 2**32)
        expected[row] = total // 2**32 - before // 2**32
    halves = pa.chunked_array([names[: n // 2], names[n // 2 :]], pa.string())
    assert systematic_copies(q, patterns, halves, seed, "a").tolist() == expected


def test_rows_in_another_order_get_the_same_copies() -> None:
    rng = np.random.default_rng(1)
    flags, q = rng.random((300, 4)) < 0.3, rng.random(300)
    patterns = pack_patterns(flags, np.ones(300))
    order = rng.permutation(300)
    straight = systematic_copies(q, patterns, keys(300), 7, "a")
    shuffled = systematic_copies(q[order], patterns[order], keys(300).take(order), 7, "a")
    assert np.array_equal(straight[order], shuffled)


def test_seed_and_shard_change_the_draw() -> None:
    flags, q = np.zeros((100, 2), np.bool_), np.full(100, 0.5)
    first = copies_of(q, flags)
    assert not np.array_equal(first, copies_of(q, flags, seed=1))
    assert np.array_equal(first, copies_of(q, flags))
    starts = {tuple(copies_of(q, flags, shard=str(shard))) for shard in range(8)}
    assert len(starts) > 1


def test_over_many_seeds_every_sample_gets_its_weight() -> None:
    rng = np.random.default_rng(0)
    flags, q = rng.random((50, 3)) < 0.4, rng.random(50) * 1.5
    draws = np.array([copies_of(q, flags, seed) for seed in range(2000)])
    error = np.abs(draws.mean(axis=0) - q)
    assert error.max() < 5 * np.sqrt(0.25 / 2000)


def test_the_moments_err_less_than_with_coin_flips() -> None:
    rng = np.random.default_rng(0)
    flags = rng.random((1000, 40)) < rng.random(40) * 0.4
    q = 0.2 + 0.6 * rng.random(1000)
    exact = q @ flags
    systematic, coins = [], []
    for seed in range(100):
        systematic.append(copies_of(q, flags, seed) @ flags - exact)
        coins.append((rng.random(1000) < q).astype(int) @ flags - exact)
    assert np.sqrt(np.mean(np.square(systematic))) < 0.95 * np.sqrt(np.mean(np.square(coins)))
