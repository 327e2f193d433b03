"""Small problems and independent oracles for the tests and benchmarks of the solver."""

from dataclasses import dataclass

import clarabel
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.config import Balance
from transforms.histogram import Histogram, HistogramAccumulator
from transforms.problem import Problem, problem_of
from transforms.schema import Attribute


@dataclass(frozen=True)
class Corpus:
    """Samples: s bool (n, m), y bool (n, c), utility (n,), and how often each occurs (n,)."""

    s: NDArray[np.bool_]
    y: NDArray[np.bool_]
    utility: NDArray[np.float64]
    counts: NDArray[np.int64]
    attributes: tuple[Attribute, ...]

    @property
    def histogram(self) -> Histogram:
        """The histogram of the samples."""
        accumulator = HistogramAccumulator(
            tuple(attribute.name for attribute in self.attributes),
            tuple(f"things.{r}" for r in range(self.y.shape[1])),
        )
        accumulator.add_rows(np.hstack([self.s, self.y]), self.utility, self.counts)
        return accumulator.extract()

    def problem(self, balance: Balance) -> Problem:
        """The M4 problem on the samples."""
        return problem_of(self.histogram, self.attributes, balance)


def corpus(
    s: NDArray[np.bool_] | list[list[int]],
    y: NDArray[np.bool_] | list[list[int]],
    *,
    utility: NDArray[np.float64] | float = 1.0,
    counts: NDArray[np.int64] | list[int] | int = 1,
    target: float = 0.5,
    share_of: str = "all",
) -> Corpus:
    """A corpus of the samples given, its attributes in one group with one target."""
    carried, labels = np.array(s, dtype=np.bool_), np.array(y, dtype=np.bool_)
    attributes = tuple(
        Attribute(f"people.{k}", "people", target, share_of) for k in range(carried.shape[1])
    )
    n = len(carried)
    return Corpus(
        carried,
        labels,
        np.broadcast_to(np.asarray(utility, dtype=np.float64), n).copy(),
        np.broadcast_to(np.asarray(counts, dtype=np.int64), n).copy(),
        attributes,
    )


def random_corpus(
    seed: int,
    n: int,
    m: int,
    c: int,
    *,
    labels_each: float = 2.0,
    tilt: float = 0.6,
    target: float = 0.5,
    share_of: str = "all",
    noisy_utility: bool = False,
) -> Corpus:
    """n samples with m attributes and c labels (Zipf-like), associated as strongly as `tilt`."""
    random = np.random.default_rng(seed)
    frequency = random.uniform(0.25, 0.6, m)
    s = random.random((n, m)) < frequency
    share = np.arange(1, c + 1) ** -0.7
    share = np.minimum(share / share.sum() * labels_each, 0.5) if c else share
    lean = random.normal(0, tilt, (m, c))
    y = np.zeros((n, c), dtype=np.bool_)
    for start in range(0, n, 1 << 15):
        rows = slice(start, start + (1 << 15))
        odds = np.log(share / (1 - share)) + (s[rows] - frequency) @ lean
        y[rows] = random.random(odds.shape) < 1 / (1 + np.exp(-odds))
    utility = random.gamma(4, 0.25, n) if noisy_utility else 1.0
    return corpus(s, y, utility=utility, target=target, share_of=share_of)


def dense_constraints(problem: Problem) -> NDArray[np.float64]:
    """a_i of every pattern, (P, K), written out from the definition."""
    balance, columns = problem.balance, []
    deviation, labels = problem.deviations[problem.group], problem.y.toarray()
    for constraint in problem.constraints:
        signed = constraint.sign * deviation[:, problem.attributes.index(constraint.attribute)]
        if constraint.label is None:
            columns.append(signed - balance.eps_R)
            continue
        carried = labels[:, problem.labels.index(constraint.label)]
        if constraint.kind == "association":
            columns.append(signed * carried - balance.eps_D)
        else:
            columns.append((signed - balance.delta) * carried)
    return np.column_stack(columns)


def clarabel_optimum(
    problem: Problem, accuracy: float = 1e-10, seconds: float = 60.0
) -> tuple[float, NDArray[np.float64]]:
    """The optimal value and q (P,) by an interior point method on the primal, with slacks xi:

    minimise  1/2 sum w (q - eta u)^2 + V sum xi
    over      E[q z] - xi <= eps eta, xi >= 0, 0 <= q <= Q, E[q] = eta

    z being a without its constant tolerance eps. Raises RuntimeError where it does not get there.
    """
    balance, w = problem.balance, problem.probabilities
    wanted = balance.eta * problem.utility
    integrands, limits = _sparse_constraints(problem)
    slacks, patterns = integrands.shape
    quadratic = sp.block_diag([sp.diags(w), sp.csc_matrix((slacks, slacks))], format="csc")
    linear = np.concatenate([-w * wanted, np.full(slacks, balance.V)])
    one, eye, none = sp.identity(patterns), sp.identity(slacks), sp.csc_matrix((patterns, slacks))
    rows = sp.vstack(
        [
            sp.hstack([sp.csr_matrix(w), sp.csr_matrix((1, slacks))]),
            sp.hstack([integrands @ sp.diags(w), -eye]),
            sp.hstack([none.T, -eye]),
            sp.hstack([-one, none]),
            sp.hstack([one, none]),
        ],
        format="csc",
    )
    bounds = np.concatenate(
        [[balance.eta], limits, np.zeros(slacks + patterns), np.full(patterns, balance.Q)]
    )
    cones = [clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(2 * slacks + 2 * patterns)]
    chosen = clarabel.DefaultSettings()
    chosen.verbose, chosen.time_limit = False, seconds
    chosen.tol_gap_abs = chosen.tol_gap_rel = chosen.tol_feas = accuracy
    outcome = clarabel.DefaultSolver(quadratic, linear, rows, bounds, cones, chosen).solve()
    if "Solved" not in str(outcome.status):
        raise RuntimeError(str(outcome.status))
    return outcome.obj_val + float(w @ wanted**2) / 2, np.array(outcome.x[:patterns])


def _sparse_constraints(problem: Problem) -> tuple[sp.csr_matrix, NDArray[np.float64]]:
    balance, labels = problem.balance, sp.csr_matrix(problem.y)
    deviation = problem.deviations[problem.group]
    m, c = deviation.shape[1], labels.shape[1]
    plain = sp.csr_matrix(deviation.T)
    labelled = sp.vstack([(sp.diags(deviation[:, k]) @ labels).T for k in range(m)], format="csr")
    rows = [plain, -plain, labelled, -labelled]
    limits = [np.full(2 * m, balance.eps_R), np.full(2 * m * c, balance.eps_D)]
    if balance.delta is not None:
        tolerated = balance.delta * sp.vstack([labels.T] * m, format="csr")
        rows += [labelled - tolerated, -labelled - tolerated]
        limits.append(np.zeros(2 * m * c))
    return sp.csr_matrix(sp.vstack(rows)), np.concatenate(limits) * balance.eta
