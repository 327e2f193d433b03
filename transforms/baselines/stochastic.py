"""The paper's own solver: stochastic updates of the dual, the reference for the exact one.

Source: Alabdulmohsin et al., "CLIP the Bias", ICLR 2024 (arXiv 2403.04547), algorithm 1. Samples
arrive one at a time; each gets q = clip(eta u - v . a - mu, 0, Q) and moves the prices:

    v  <-  clip(v + step q a, 0, V)          mu  <-  mu + step (q - eta)

which is projected stochastic gradient ascent on the dual. Ours, so that it converges: the samples
of a small batch move the prices together, by their mean; steps fall with the root of time; and the
iterates of the second half are averaged.
"""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.m4.constraints import largest_prices
from transforms.m4.problem import Problem
from transforms.m4.terms import Integrands
from transforms.m4.weights import Duals, bias_scores, clipped

_DECAY_AFTER = 1000


def stochastic_duals(
    problem: Problem, batches: int, batch: int = 256, step: float = 0.1, seed: int = 0
) -> Duals:
    """The averaged dual variables after `batches` batches of samples drawn from the problem."""
    random = np.random.default_rng(seed)
    cumulative = np.cumsum(problem.probabilities)
    prices, mu = np.zeros(len(problem.constraints)), 0.0
    most = largest_prices(problem.terms)
    total, total_mu = np.zeros_like(prices), 0.0
    for count in range(batches):
        drawn = np.searchsorted(cumulative, random.random(batch) * cumulative[-1], side="right")
        bias, q = _mean_bias(problem, drawn, problem.duals_of(prices, mu))
        pace = step / np.sqrt(1 + count / _DECAY_AFTER)
        prices = np.clip(prices + pace * bias, 0.0, most)
        mu += pace * (float(q.mean()) - problem.terms.eta)
        if count >= batches // 2:
            total += prices
            total_mu += mu
    averaged = batches - batches // 2
    return problem.duals_of(total / averaged, total_mu / averaged)


def _mean_bias(
    problem: Problem, drawn: NDArray[np.int64], duals: Duals
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean of q a over the patterns `drawn`, and their q."""
    integrands, labels = problem.integrands[problem.group[drawn]], problem.y[drawn]
    scores = bias_scores(integrands, labels, duals, problem.terms)
    q = clipped(problem.utility[drawn], scores, duals.mu, problem.terms)
    carried = sp.hstack([labels, np.ones((len(drawn), 1))], format="csr").T
    weight = q[:, None] / len(drawn)
    moments = Integrands(
        *(
            np.asarray(carried @ (values * weight))
            for values in (
                integrands.share,
                integrands.base,
                integrands.contrast,
                integrands.spread,
            )
        )
    )
    return problem.expected_biases(moments), q
