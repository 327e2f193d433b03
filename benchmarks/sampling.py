"""How far what is drawn is from its weights: coin flips, systematic draws, and the exact one.

`python -m benchmarks.sampling` draws corpora of correlated binary flags (a Gaussian factor model)
by M4's weights, over many seeds, and prints the root mean square error of numbers of copies: of all
samples, of those with each attribute and each label, asked for or not, and of those with pairs of
labels, which nothing is told of. Bounds: how many are exceeded, and by how much at most. Copies
against weights: the mean over seeds and samples, in ten bins of the weight's fraction, and the
largest distance from the weights, in standard errors of independent draws too.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from benchmarks.machine import machine
from transforms.config.schema import Attribute
from transforms.config.sections import Balance, Override
from transforms.m4.balance import balance as balance_corpus
from transforms.m4.required import Requirement
from transforms.m4.rounding import Movable, rounded
from transforms.m4.terms import VACUOUS, Tolerances
from transforms.m4.weights import weights_of
from transforms.resampling.sampling import systematic_copies
from transforms.statistics.histogram import HistogramAccumulator
from transforms.statistics.measures import measures_of
from transforms.statistics.moments import Moments
from transforms.statistics.patterns import pack_patterns

_FACTORS = 6
_MOST = 100_000
_PAIRS = 200
_BINS = 10
_WAYS = ("coin flips", "systematic", "exact")


@dataclass(frozen=True)
class Case:
    """What is drawn: samples in shards, m attributes, c labels, of which the first are asked for.

    The commonest flag has a share of about a half, the rarest one of `rarest`.
    """

    name: str
    samples: int
    shards: int
    seeds: int
    attributes: int = 2
    labels: int = 38
    asked: int = 8
    rarest: float = 0.03
    bias: float = 0.01


CASES = (
    Case("1e4 samples", 10_000, 20, 100),
    Case("1e4, rare labels", 10_000, 20, 100, rarest=0.001, labels=100, asked=100),
    Case("1e4, 40 attributes", 10_000, 20, 40, attributes=40, bias=0.05),
    Case("1e6 samples", 1_000_000, 200, 5),
    Case("1e6 in 1e5 shards", 1_000_000, 100_000, 3),
)


class Corpus:
    """The flags of a case, (n, m + c), and M4's weights."""

    def __init__(self, case: Case) -> None:
        rng = np.random.default_rng(0)
        columns = case.attributes + case.labels
        loadings = rng.normal(size=(_FACTORS, columns)) / 2
        factors = rng.normal(size=(case.samples, _FACTORS))
        shares = np.geomspace(0.5, case.rarest, columns)
        rng.shuffle(shares[case.attributes :])
        flags = np.empty((case.samples, columns), np.bool_)
        for column, share in enumerate(shares):
            scores = factors @ loadings[:, column] + rng.normal(size=case.samples)
            flags[:, column] = scores > np.quantile(scores, 1 - share)
        m = case.attributes
        targets = flags[:, :m].mean(axis=0).tolist()
        self.case, self.flags = case, flags
        self.attributes = tuple(
            Attribute(f"s{k}", f"g{k}", target, "all") for k, target in enumerate(targets)
        )
        self.labels = tuple(f"y{r}" for r in range(case.labels))
        self.s, self.y = flags[:, :m], sp.csr_array(flags[:, m:], dtype=float)
        self._balance(Balance(eta=0.5, max_association_bias=case.bias, overrides=self._free()))

    def _free(self) -> tuple[Override, ...]:
        free = self.labels[self.case.asked :]
        return (Override(labels=free, max_association_bias=1),) if free else ()

    def _balance(self, asked: Balance) -> None:
        names = tuple(attribute.name for attribute in self.attributes)
        counted, ones = HistogramAccumulator(names, self.labels), np.ones(len(self.flags))
        histogram = counted.add_rows(self.flags, ones).extract()
        found = balance_corpus(histogram, self.attributes, asked)
        terms = found.problem.terms
        self.q = weights_of(self.s, self.y, ones, terms, found.solution.duals)
        self.tolerances, self.missed = terms.tolerances, len(found.solution.missed)

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """Some pairs of flags, (2, p)."""
        return np.random.default_rng(1).integers(0, self.flags.shape[1], (2, _PAIRS))

    @cached_property
    def wanted(self) -> Moments:
        """What the weights expect."""
        return Moments.of(self.attributes, self.s, self.y, self.q)

    def systematic(self, seed: int) -> NDArray[np.int64]:
        """Today's draw."""
        copies, ones = np.empty(len(self.q), np.int64), np.ones(len(self.q))
        patterns = pack_patterns(self.flags, ones)
        keys = pa.array(np.arange(len(self.q))).cast(pa.string())
        cuts = np.linspace(0, len(self.q), self.case.shards + 1).astype(int)
        for shard, rows in enumerate(map(slice, cuts, cuts[1:])):
            drawn = systematic_copies(self.q[rows], patterns[rows], keys[rows], seed, f"{shard}")
            copies[rows] = drawn
        return copies

    def exact(self, copies: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int64], float]:
        """Today's draw, of which some choices are made anew; and the seconds that choosing took."""
        rows = np.flatnonzero((self.q > np.floor(self.q)) & (self.q < np.ceil(self.q)))
        if len(rows) > _MOST:
            rows = np.sort(np.random.default_rng(seed).choice(rows, _MOST, replace=False))
        sign = np.where(copies[rows] > self.q[rows], -1, 1).astype(np.int8)
        drawn = Moments.of(self.attributes, self.s, self.y, copies.astype(float))
        requirement = Requirement(self.tolerances, ())
        movable = Movable(self.s[rows], self.y[rows], sign)
        begun = time.perf_counter()
        found = rounded(drawn, self.wanted, movable, self.attributes, [requirement], self.labels)
        taken = time.perf_counter() - begun
        copies = copies.copy()
        copies[rows[found.flips]] += sign[found.flips]
        return copies, taken

    def errors(self, copies: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """By how much numbers of copies are off, by what they are numbers of."""
        case, off = self.case, copies - self.q
        by_flag = np.append(off @ self.s, off @ self.y)
        yield "copies in all", np.array([off.sum()])
        yield "attributes", by_flag[: case.attributes]
        yield "labels asked for", by_flag[case.attributes :][: case.asked]
        if case.asked < case.labels:
            yield "labels not asked for", by_flag[case.attributes + case.asked :]
        first, second = self.pairs
        both = [
            off @ (self.flags[:, a] & self.flags[:, b]) for a, b in zip(first, second, strict=True)
        ]
        yield "pairs of flags", np.array(both)

    def beyond(self, copies: NDArray[np.int64]) -> NDArray[np.float64]:
        """By how much each bound is exceeded."""
        moments = Moments.of(self.attributes, self.s, self.y, copies.astype(float))
        found, asked = measures_of(moments, self.attributes), self.tolerances
        return _beyond(found.RB, found.AB, asked)


def _beyond(
    RB: NDArray[np.float64], AB: NDArray[np.float64], asked: Tolerances
) -> NDArray[np.float64]:
    pairs = ((RB, asked.representation), (np.abs(AB), asked.association))
    return np.concatenate([(value - bound)[bound < VACUOUS] for value, bound in pairs])


def compared(case: Case) -> None:
    """Print the errors of the three draws of one case."""
    corpus, rng = Corpus(case), np.random.default_rng(2)
    squares: dict[str, dict[str, list[float]]] = {}
    exceeded: dict[str, list[tuple[int, float]]] = {way: [] for way in _WAYS}
    sums, changed, seconds = {way: np.zeros(len(corpus.q)) for way in _WAYS}, [], []
    for seed in range(case.seeds):
        floor = np.floor(corpus.q)
        today = corpus.systematic(seed)
        exact, taken = corpus.exact(today, seed)
        coins = (floor + (rng.random(len(floor)) < corpus.q - floor)).astype(np.int64)
        changed.append(int(np.count_nonzero(exact != today)))
        seconds.append(taken)
        for way, copies in zip(_WAYS, (coins, today, exact), strict=True):
            sums[way] += copies
            beyond = corpus.beyond(copies)
            exceeded[way].append((int(np.sum(beyond > 1e-12)), float(beyond.max())))
            for what, errors in corpus.errors(copies):
                mean_square = float(np.mean(errors**2))
                squares.setdefault(what, {}).setdefault(way, []).append(mean_square)
    print(
        f"\n{case.name}: {case.shards:,} shards, {case.attributes} attributes, {case.labels} ",
        end="",
    )
    print(f"labels of which {case.asked} asked for; {case.seeds} seeds")
    for what, by_way in squares.items():
        coins, today, exact = (np.sqrt(np.mean(by_way[way])) for way in _WAYS)
        print(
            f"  {what:<21} coin flips {coins:8.2f}, systematic {today:7.2f}, exact {exact:7.2f}: "
            f"{exact / today:.2f} of systematic"
        )
    for way in _WAYS:
        numbers, worst = zip(*exceeded[way], strict=True)
        of = len(corpus.beyond(corpus.q))
        print(
            f"  {way}: {np.mean(numbers):.1f} of {of} bounds exceeded in the mean, by "
            f"{max(*worst, 0.0):.1e} at most"
        )
    _against_weights(corpus, sums, case.seeds)
    print(
        f"  changed {np.mean(changed):,.0f} of {case.samples:,} samples in the mean; "
        f"rounding takes {np.median(seconds):.3f} s"
    )


def _against_weights(corpus: Corpus, sums: dict[str, NDArray[np.float64]], seeds: int) -> None:
    """Print how far each sample's mean number of copies is from its weight."""
    fraction = corpus.q - np.floor(corpus.q)
    open_ones = (fraction > 0.001) & (fraction < 0.999)
    bins = (fraction[open_ones] * _BINS).astype(int)
    error = np.sqrt(fraction * (1 - fraction) / seeds)[open_ones]
    for way in _WAYS:
        off = (sums[way] / seeds - corpus.q)[open_ones]
        means = np.bincount(bins, off, _BINS) / np.maximum(np.bincount(bins, minlength=_BINS), 1)
        print(
            f"  {way}: mean copies less weight {np.abs(means).max():.4f} at most in ten bins; of "
            f"each sample {np.sqrt(np.mean((off / error) ** 2)):.2f} standard errors (rms)"
        )


def main() -> None:
    """Print the comparison of each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, help="other than each case's own")
    parser.add_argument("--only", help="the cases whose name has this in it")
    options = parser.parse_args()
    print(machine())
    for case in CASES:
        if options.only is None or options.only in case.name:
            compared(
                case if options.seeds is None else Case(**{**vars(case), "seeds": options.seeds})
            )


if __name__ == "__main__":
    main()
