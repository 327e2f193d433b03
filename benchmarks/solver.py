"""The exact solver against Clarabel, on the same problems, in the same run.

    python -m benchmarks.solver [--patterns 1000000] [--clarabel-patterns 10000] [--seconds 60]

Prints, by size and rate, our seconds and certificate, and Clarabel's seconds over ours to a gap of
1e-6 ("> x" where it did not finish within --seconds). At rate 0.7 not every target is attainable.
"""

import argparse
import resource
import time

import numpy as np
import scipy.sparse as sp

from benchmarks.machine import machine
from tests.problems import Limits
from tests.quadratic import clarabel_optimum
from transforms.m4 import Solution, solve
from transforms.pairs import Pairs
from transforms.problem import Problem
from transforms.schema import Attribute

SIZES = ((2, 10, 10**3), (2, 100, 10**4), (5, 100, 10**5), (2, 1000, 10**5), (2, 1000, 10**6))
LABELS_EACH = 8.0
TILT = 0.3


def sparse_problem(m: int, c: int, patterns: int, balance: Limits, seed: int = 0) -> Problem:
    """A problem of about 8 labels a pattern, Zipf-like, each leaning to some attributes."""
    random = np.random.default_rng(seed)
    s = random.random((patterns, m)) < random.uniform(0.3, 0.6, m)
    distinct, group = np.unique(s, axis=0, return_inverse=True)
    lean = random.normal(0, TILT, (m, c))
    likelihood = np.arange(1, c + 1) ** -0.7 * np.exp((distinct - 0.45) @ lean)
    cumulative = np.cumsum(likelihood, axis=1) / likelihood.sum(axis=1, keepdims=True)
    each = np.minimum(random.poisson(min(LABELS_EACH, c / 3), patterns), c)
    starts = np.concatenate([[0], np.cumsum(each)])
    owner = np.repeat(group.reshape(-1), each)
    label, chance = np.empty(starts[-1], dtype=np.int32), random.random(starts[-1])
    for g, row in enumerate(cumulative):
        label[owner == g] = np.searchsorted(row, chance[owner == g]).clip(max=c - 1)
    y = sp.csr_array((np.ones(starts[-1]), label, starts.astype(np.int32)), (patterns, c))
    y.sum_duplicates()
    y.data[:] = 1
    counts = random.zipf(1.8, patterns).clip(max=1000)
    attributes = tuple(Attribute(f"people.{k}", "people", 0.5, "all") for k in range(m))
    owners = group.reshape(-1)
    terms = balance.terms(attributes, tuple(f"things.{r}" for r in range(c)))
    order = np.argsort(owners, kind="stable")
    owners, y = owners[order], y[order]
    probabilities = counts[order] / counts.sum()
    pairs = Pairs.of(owners, y)
    return Problem(terms, probabilities, np.ones(patterns), owners, distinct, y, pairs, 0.0)


def ratio_to_clarabel(problem: Problem, solution: Solution, ours: float, seconds: float) -> str:
    """Clarabel's time over ours, and how far the two optima are apart, or why there is none."""
    start = time.perf_counter()
    try:
        value, _ = clarabel_optimum(problem, 1e-6, seconds)
    except RuntimeError as error:
        return f"> {(time.perf_counter() - start) / ours:.0f} ({error})"
    apart = abs(value - solution.primal) / max(abs(value), 1e-12)
    return f"{(time.perf_counter() - start) / ours:.1f} (values {apart:.0e} apart)"


def main() -> None:
    """Print one row a size and rate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patterns", type=int, default=10**6, help="the largest size to run")
    parser.add_argument("--seconds", type=float, default=60, help="the time Clarabel may take")
    parser.add_argument(
        "--clarabel-patterns", type=int, default=10**4, help="the largest size Clarabel gets"
    )
    asked = parser.parse_args()
    print(machine())
    print("  m      c  patterns  rate  solve s  CPU s      gap  violation  Clarabel / ours")
    solve(sparse_problem(*SIZES[0], Limits(eta=0.5)))
    for m, c, patterns in SIZES:
        if patterns > asked.patterns:
            continue
        for eta in (0.4, 0.7):
            problem = sparse_problem(m, c, patterns, Limits(eta=eta, eps_D=0.1 / c))
            start, busy = time.perf_counter(), time.process_time()
            solution = solve(problem)
            ours, busy = time.perf_counter() - start, time.process_time() - busy
            peer = "not run"
            if patterns <= asked.clarabel_patterns:
                peer = ratio_to_clarabel(problem, solution, ours, asked.seconds)
            print(
                f"{m:3d}  {c:5d}  {patterns:8d}  {eta:4.1f}  {ours:7.2f}  {busy:5.2f}  "
                f"{solution.gap:7.1e}  {solution.violation:9.1e}  {peer}",
                flush=True,
            )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory of the run, generating and Clarabel included: {peak:.1f} GiB")


if __name__ == "__main__":
    main()
