"""Small problems for the tests and benchmarks of the solver, and their definition."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transforms.config.schema import Attribute
from transforms.m4.problem import Problem, problem_of
from transforms.m4.terms import VACUOUS, Terms, Tolerances
from transforms.statistics.histogram import Histogram, HistogramAccumulator


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

    def problem(self, limits: "Limits") -> Problem:
        """The M4 problem on the samples."""
        labels = self.histogram.labels
        return problem_of(self.histogram, limits.terms(self.attributes, labels))


@dataclass(frozen=True)
class Limits:
    """The numbers of a problem: one tolerance a kind, associations around the targets."""

    eta: float
    Q: float = 1.0
    V: float = 100.0
    eps_R: float = 0.01
    eps_D: float = 0.01
    delta: float | None = None
    label_centre: float = 0.0

    def terms(self, attributes: tuple[Attribute, ...], labels: tuple[str, ...]) -> Terms:
        """The terms for a corpus with these attributes and labels."""
        pairs = (len(attributes), len(labels))
        skew = np.full(pairs, VACUOUS if self.delta is None else self.delta)
        tolerances = Tolerances(
            np.full(len(attributes), self.eps_R), np.full(pairs, self.eps_D), skew
        )
        centres = np.array([attribute.target for attribute in attributes])
        label_centres = np.full(pairs, self.label_centre)
        return Terms(
            attributes, labels, tolerances, centres, label_centres, self.eta, self.Q, self.V
        )


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
    terms, columns = problem.terms, []
    labels, s = problem.y.toarray(), problem.s[problem.group].astype(float)
    for constraint in problem.constraints:
        if constraint.attribute is None:
            columns.append(
                constraint.sign
                * (labels[:, terms.labels.index(constraint.label or "")] - constraint.bound)
            )
            continue
        k = [attribute.name for attribute in terms.attributes].index(constraint.attribute)
        attribute, of = terms.attributes[k], k + constraint.generation * len(terms.attributes)
        centre = terms.centres[of]
        members = [other.group == attribute.group for other in terms.attributes]
        base = np.ones(len(s)) if attribute.share_of == "all" else s[:, members].sum(axis=1)
        among = np.minimum(base, 1)
        if constraint.kind == "share":
            columns.append(constraint.sign * (s[:, k] - constraint.bound * base))
            continue
        share = constraint.sign * (s[:, k] - attribute.pi * base)
        if constraint.label is None:
            columns.append(share - terms.tolerances.representation[of] * base)
            continue
        r = terms.labels.index(constraint.label)
        if constraint.kind == "association":
            e = terms.label_centres[of, r]
            contrast = constraint.sign * (s[:, k] - centre * among) * (labels[:, r] - e)
            spread = (1 - centre) ** 2 * s[:, k] + centre**2 * (among - s[:, k])
            columns.append(contrast - terms.tolerances.association[of, r] * spread)
        else:
            columns.append((share - terms.tolerances.skew[of, r] * base) * labels[:, r])
    return np.column_stack(columns)


def dense_constants(problem: Problem, written: Histogram) -> NDArray[np.float64]:
    """What `written` adds to each constraint, (K,), from the definition: its samples' a_i, summed;
    nothing to those of a generation.
    """
    alike = problem_of(written, problem.terms)
    sums = written.counts @ dense_constraints(alike)
    own = np.array([constraint.generation for constraint in problem.constraints])
    return np.where(own, 0.0, sums)
