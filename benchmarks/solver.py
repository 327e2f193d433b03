"""The exact solver against others, on the same problems, in the same run.

    pip install --constraint constraints.txt --editable '.[benchmarks]'
    python -m benchmarks.solver [--patterns 1000000] [--seconds 60]

Each solver gets a process of its own and so many seconds; where it does not end by itself it is
stopped. Printed are its wall time from the problem in memory to weights, the time over ours, the
process's CPU time, the relative gap of its weights (brought into their bounds and to the rate) to
the best proven lower bound, the largest violation that they leave, and the process's peak memory,
the problem's own included. Ours runs to a gap of 1e-6 (--tolerance).

The biases are to be within the RB and AB of each case. Whether all of that is attainable at the
rate is printed too: where it is not, problems are harder, for nearly every weight is at a bound.
"""

import argparse
import itertools
import multiprocessing
import resource
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

import cvxpy
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from benchmarks.machine import machine
from benchmarks.peers import PEERS
from tests.problems import Limits
from transforms.config.schema import Attribute
from transforms.m4.dual import Dual
from transforms.m4.incidence import Pairs
from transforms.m4.problem import Problem
from transforms.m4.solver import solve

CASES = (
    (2, 10, 10**3, 0.01, 0.04),
    (2, 100, 10**4, 0.01, 0.004),
    (5, 100, 10**5, 0.01, 0.004),
    (2, 1000, 10**5, 0.01, 0.0004),
    (2, 1000, 10**6, 0.01, 0.0004),
    (10, 1000, 10**6, 0.02, 0.01),
    (10, 1000, 10**6, 0.02, 0.003),
    (10, 1000, 10**6, 0.01, 0.003),
    (10, 1000, 10**6, 0.01, 0.0004),
)
RATES = (0.4, 0.7)
OURS = "fairshard"
_LARGEST = {"SLSQP": 10**3, "HiGHS": 10**4, "Clarabel by cvxpy": 10**5, "PIQP": 10**5}
_PATIENCE = 1.5
_LOADING = (10**3, 10**5)
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


@dataclass(frozen=True)
class Ended:
    """What a solver ended with: weights (P,), seconds, CPU seconds, peak memory in GiB."""

    q: NDArray[np.float64]
    seconds: float
    cpu: float
    gibibytes: float


def run(name: str, problem: Problem, seconds: float, tolerance: float) -> Ended | None:
    """Solve in a process of its own; None where it was stopped or gave up."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=_solve_and_send, args=(name, problem, seconds, tolerance, sender)
    )
    process.start()
    sender.close()
    try:
        ended = receiver.recv() if receiver.poll(_PATIENCE * seconds + 20) else None
    except EOFError:
        ended = None
    process.kill()
    process.join()
    return ended if isinstance(ended, Ended) else None


def _solve_and_send(
    name: str, problem: Problem, seconds: float, tolerance: float, sender: Connection
) -> None:
    if name == OURS:
        for patterns in _LOADING:
            solve(sparse_problem(2, 10, patterns, Limits(eta=0.5)))
    start, before = time.perf_counter(), time.process_time()
    try:
        q = solve(problem, tolerance).q if name == OURS else PEERS[name](problem, seconds)
    except (RuntimeError, TimeoutError, ValueError, TypeError, cvxpy.SolverError):
        return
    taken, cpu = time.perf_counter() - start, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sender.send(Ended(q, taken, cpu, peak))


def row(ended: Ended | None, problem: Problem, lower: float, ours: float) -> str:
    """One solver's figures."""
    if ended is None:
        return "did not end in time, or gave up"
    dual = Dual(problem)
    q = dual.at_rate(np.clip(ended.q, 0.0, problem.terms.Q), 0.0)[1]
    point = dual.certified(np.zeros(len(problem.constraints)), 0.0, q, dual.residuals(q))
    gap = (point.primal - lower) / dual.scale(point.primal)
    violation = max(0.0, float(point.residuals.max(initial=0.0)))
    return (
        f"{ended.seconds:8.3f}  {ended.seconds / ours:7.1f}  {ended.cpu:7.3f}  {gap:8.1e}  "
        f"{violation:9.1e}  {ended.gibibytes:6.2f}"
    )


def main() -> None:
    """Print one row a size, rate and solver."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patterns", type=int, default=10**6, help="the largest size to run")
    parser.add_argument("--seconds", type=float, default=60, help="the time a solver may take")
    parser.add_argument("--tolerance", type=float, default=1e-6, help="the gap that ours ends at")
    parser.add_argument("--rates", type=float, nargs="*", default=RATES)
    parser.add_argument("--attributes", type=int, default=10, help="the most attributes")
    parser.add_argument("--only", nargs="*", default=list(PEERS), choices=list(PEERS))
    asked = parser.parse_args()
    print(machine())
    head = (
        "  m      c  patterns  rate    RB      AB  attainable  solver              seconds  to ours"
    )
    print(f"{head}      CPU       gap  violation     GiB")
    for (m, c, patterns, RB, AB), eta in itertools.product(CASES, asked.rates):
        if patterns > asked.patterns or m > asked.attributes:
            continue
        problem = sparse_problem(m, c, patterns, Limits(eta=eta, eps_R=RB, eps_D=AB))
        ours = run(OURS, problem, 1000.0, asked.tolerance)
        if ours is None:
            raise SystemExit("our own solver did not end")
        best = solve(problem)
        attainable = "no" if best.unattainable else "yes"
        rows = {OURS: ours}
        rows |= {
            name: run(name, problem, asked.seconds, asked.tolerance)
            for name in asked.only
            if patterns <= _LARGEST.get(name, 10**6)
        }
        for name, ended in rows.items():
            figures = row(ended, problem, best.dual, ours.seconds)
            case = (
                f"{m:3d}  {c:5d}  {patterns:8d}  {eta:4.1f}  {RB:4.2f}  {AB:6.4f}  {attainable:10s}"
            )
            print(f"{case}  {name:18s}{figures}", flush=True)


if __name__ == "__main__":
    main()
