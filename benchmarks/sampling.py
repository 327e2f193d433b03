"""How much less the moments err under systematic sampling than under independent coin flips.

`python -m benchmarks.sampling` draws shards of 1,000 samples with 40 correlated binary attributes
(a Gaussian factor model), gives them M4's weights, and compares the root mean square error of the
attributes' counts over many seeds.
"""

import argparse

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from benchmarks.machine import machine
from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.m4.balance import balance as balance_corpus
from transforms.m4.weights import weights_of
from transforms.resampling.sampling import systematic_copies
from transforms.statistics.histogram import HistogramAccumulator
from transforms.statistics.patterns import pack_patterns

_ATTRIBUTES, _LABELS, _FACTORS = 40, 8, 6


def corpus(samples: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Flags, (samples, 40): the signs of correlated Gaussians with uneven shares."""
    loadings = rng.normal(size=(_FACTORS, _ATTRIBUTES))
    scores = rng.normal(size=(samples, _FACTORS)) @ loadings
    scores += rng.normal(size=(samples, _ATTRIBUTES))
    cuts = rng.uniform(0.5, 0.97, _ATTRIBUTES)
    return scores > [np.quantile(column, cut) for column, cut in zip(scores.T, cuts, strict=True)]


def weights(flags: NDArray[np.bool_], eta: float) -> NDArray[np.float64]:
    """M4's weights: the first two attributes are sensitive, the next eight are to be balanced."""
    attributes = tuple(Attribute(f"s{k}", f"g{k}", flags[:, k].mean(), "all") for k in range(2))
    labels = tuple(f"y{r}" for r in range(_LABELS))
    counted = HistogramAccumulator(("s0", "s1"), labels)
    histogram = counted.add_rows(flags[:, : 2 + _LABELS], np.ones(len(flags))).extract()
    balance = Balance(eta=eta, max_association_bias=0.01)
    balanced = balance_corpus(histogram, attributes, balance)
    y = sp.csr_array(flags[:, 2 : 2 + _LABELS], dtype=float)
    return weights_of(
        flags[:, :2], y, np.ones(len(flags)), balanced.problem.terms, balanced.solution.duals
    )


def main() -> None:
    """Print the error of coin flips over ours, for several rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    flags = corpus(100_000, rng)
    print(machine())
    for eta in (0.3, 0.5, 0.8):
        everything = weights(flags, eta)
        shard, q = flags[:1000], everything[:1000]
        patterns = pack_patterns(shard, np.ones(1000))
        keys = pa.array([f"{row:09d}" for row in range(1000)])
        exact = q @ shard
        ours = [
            systematic_copies(q, patterns, keys, seed, "0") @ shard for seed in range(options.seeds)
        ]
        coins = [(rng.random(1000) < q).astype(int) @ shard for _ in range(options.seeds)]
        error = np.sqrt(np.mean(np.square(ours - exact)))
        peer = np.sqrt(np.mean(np.square(coins - exact)))
        print(
            f"eta = {eta}: systematic {error:.2f} samples, coin flips {peer:.2f}: "
            f"{peer / error:.2f} times less error"
        )


if __name__ == "__main__":
    main()
