"""Solving on a sample of a corpus, then polishing with the exact moments of all of it.

At prices v_k a pass over the corpus gives r(v_k) = E[q a] exactly. The next prices maximise the
sample's dual, corrected so that its gradient at v_k is the corpus's:

    D_s(v) + (r(v_k) - r_s(v_k)) . v                         (and likewise the rate, for mu)

a problem like the first whose residuals and rate are shifted by constants. The error shrinks with
each pass by how far the sample's curvature is from the corpus's, about 1 / sqrt(samples drawn). The
correction is that of DANE (Shamir, Srebro and Zhang, "Communication-Efficient Distributed
Optimization using an Approximate Newton-type Method", ICML 2014) with one machine; ours is to
correct the moments, so that the shares around which associations are linear move along, and the
margin: a violation costs V, so constraints are aimed at a hair inside of their bounds, by as much
as the gap may be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.base.blas import one_thread
from transforms.calibration.posteriors import Calibration, fitting_calibration
from transforms.config.schema import Attribute, asked_of, schema_of
from transforms.config.sections import AUTO, Config
from transforms.feasibility.rates import balance_as_asked, rounded_down
from transforms.labels.records import LabelRecord
from transforms.m4.balance import MET, Balanced, balance, excess_AB, settled
from transforms.m4.constraints import ASSOCIATION, SHARE
from transforms.m4.dual import Dual, Point
from transforms.m4.problem import Problem, problem_of
from transforms.m4.solver import Solution, of_nobody, priced, scores_of
from transforms.m4.terms import integrated
from transforms.m4.weights import clipped
from transforms.plan.balanceable import check_balanceable
from transforms.plan.make import SolvedCorpus, plan_of
from transforms.plan.passes import Measured, Pass, Weighing
from transforms.plan.plan import Plan
from transforms.plan.plan_file import PassFigures, PlannedMeasures, RateFound, Sampled
from transforms.plan.written_part import WrittenPart
from transforms.statistics.exact_sums import FixedSums
from transforms.statistics.filtering import FilterCounts
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import Measures, measures_of
from transforms.statistics.moments import Moments
from transforms.statistics.pattern_tables import histogram_of, read_patterns
from transforms.storage import paths
from transforms.storage.files import output_storage

_GAP = 1e-6
_SPARE = 0.3
_FEW_PRICES = 1e-2
_SLOWER = 1e-3
_MOST_TRIALS = 8


def first_weighing(
    histogram: Histogram,
    records: Sequence[LabelRecord],
    config: Config,
    filtered: FilterCounts | None = None,
    written: WrittenPart | None = None,
    share: float = 1.0,
) -> tuple[Weighing, float | None]:
    """The weights that are best for a sample and, where the rate is open, a bound on it.

    written: what earlier generations wrote, if any did, beside a corpus of which this is a share.
    """
    check_balanceable(histogram, records, config, filtered)
    calibration = fitting_calibration(config)
    corpus = calibration.corrected(histogram) if calibration else histogram
    before = written.moments.times(share) if written else None
    asked, attributes = asked_of(config), schema_of(config).attributes
    balanced, largest = balance_as_asked(corpus, attributes, asked, before)
    return _weighing(balanced, calibration), largest.upper if largest else None


@dataclass(frozen=True)
class Subsample:
    """The sample of a corpus, and the problem on it under the terms of given weights.

    written: what earlier generations wrote beside the corpus, if any did.
    """

    histogram: Histogram
    calibration: Calibration | None
    corpus: Histogram
    problem: Problem
    written: WrittenPart | None = None

    @classmethod
    def read(cls, weighing: Weighing, config: Config, written: WrittenPart | None = None) -> Self:
        """The sample that was drawn for `config`."""
        names = tuple(attribute.name for attribute in weighing.terms.attributes)
        flags = len(names) + len(weighing.terms.labels)
        table = read_patterns(output_storage(config.output), paths.SAMPLE, flags, None)
        histogram = histogram_of(table, names, weighing.terms.labels)
        calibration = fitting_calibration(config)
        corpus = calibration.corrected(histogram) if calibration else histogram
        return cls(histogram, calibration, corpus, problem_of(corpus, weighing.terms), written)

    def judged(self, weighing: Weighing, sums: FixedSums) -> Pass:
        """What a pass proves of the weights that it was made under."""
        measured = Measured.from_sums(sums, weighing)
        solution = self._solution(weighing, measured)
        problem = self._problem(weighing, measured)
        met = excess_AB(problem, measured.after, measured.samples) <= MET or bool(solution.missed)
        good = solution.gap <= _GAP and met
        return Pass(weighing, sums, solution.gap, solution.violation, solution.rate, good)

    def improved(
        self,
        found: Pass,
        config: Config,
        attainable: bool = True,
        rate: float | None = None,
    ) -> Weighing:
        """Weights that are better for the corpus than those that a pass was made under.

        attainable: whether all is to be met, at a lower rate if it takes that, where that is open.
        rate: another one than theirs, if that is wanted.
        """
        with one_thread():
            measured = found.measured
            solution = self._solution(found.weighing, measured)
            problem = self._problem(found.weighing, measured)
            terms, prices = problem.terms, problem.vector_of(solution.duals)
            drawn = Moments.of_corpus(self.corpus, terms.attributes, solution.q)
            surplus = measured.after.over(measured.samples).minus(drawn.over(self.corpus.samples))
            dual = Dual(problem)
            spared = max(float(prices[prices < dual.most].sum()), _FEW_PRICES)
            margin = _SPARE * _GAP * dual.scale(solution.primal) / spared
            shifted = replace(problem, surplus=surplus, margin=margin)
            if rate is not None:
                shifted = shifted.under(replace(shifted.terms, eta=rate))
            balanced = settled(self.corpus, shifted, solution.duals, _GAP / 10)
        if config.balance.eta == AUTO and attainable:
            balanced = self._attained(balanced, config)
        return _weighing(balanced, self.calibration)

    def plan(
        self,
        passes: Sequence[Pass],
        upper: float | None,
        samples: int,
        level: int,
        records: Sequence[LabelRecord],
        config: Config,
        filtered: FilterCounts | None = None,
    ) -> tuple[Plan, pa.Table]:
        """The plan of the best weights that a pass was made under, and the sample's patterns.

        upper: the bound on the rate, where that is left open. level: of the sampling of `samples`.
        filtered: what the filter took of the corpus, if there is one.
        """
        best = best_of(passes)
        weighing, terms, measured = best.weighing, best.weighing.terms, best.measured
        attributes = terms.attributes
        problem = self._problem(weighing, measured)
        union = problem.union(measured.after, measured.samples)
        after = measures_of(measured.after, attributes), measures_of(union, attributes)
        balanced = Balanced(problem, self._solution(weighing, measured), *after)
        solved = SolvedCorpus(
            self.histogram,
            self.calibration,
            balanced,
            measures_of(measured.before, attributes),
            PlannedMeasures(
                before=measures_of(measured.labelled_before, attributes),
                predicted=measures_of(measured.labelled_after, attributes),
            ),
            None if upper is None else RateFound(rate=terms.eta, upper=upper),
            samples,
            Sampled(
                samples=self.histogram.samples,
                share=2.0**-level,
                passes=tuple(
                    PassFigures(gap=found.gap, violation=found.violation, rate=found.rate)
                    for found in passes
                ),
                polished=best.good,
            ),
            filtered,
            self.written,
            self._labelled_union(measured, attributes),
        )
        return plan_of(solved, records, config)

    def _problem(self, weighing: Weighing, measured: Measured) -> Problem:
        """The problem under the terms of weights, beside what was written before."""
        written = self.written.moments.over(measured.samples) if self.written else None
        return replace(self.problem, terms=weighing.terms, written=written)

    def _labelled_union(
        self, measured: Measured, attributes: tuple[Attribute, ...]
    ) -> Measures | None:
        if self.written is None or self.calibration is None:
            return None
        return measures_of(measured.labelled_after.plus(self.written.labelled), attributes)

    def _solution(self, weighing: Weighing, measured: Measured) -> Solution:
        """The weights of the sample's patterns, and the certificate that a pass gives them.

        The rate of the corpus is not eta to the last digit: what that is worth is in the gap.
        """
        problem, duals = self._problem(weighing, measured), weighing.duals
        terms, dual, prices = problem.terms, Dual(problem), problem.vector_of(duals)
        mean = measured.after.over(measured.samples)
        residuals = problem.expected_biases(integrated(mean, terms)) + problem.written_biases
        violated, paid = dual.most * np.maximum(residuals, 0.0), prices * residuals
        moved, excess = measured.moved / measured.samples, duals.mu * (mean.total - terms.eta)
        q = clipped(problem.utility, scores_of(problem, prices), duals.mu, terms)
        primal = moved + float(violated.sum())
        value = moved + float(paid.sum()) + excess
        gap = (float((violated - paid).sum()) + abs(excess)) / dual.scale(primal)
        point = Point(prices, duals.mu, q, residuals, primal, value, gap)
        dropped = _unsupported(dual, measured)
        base, kept = (
            np.tile(moments.n[:, -1], terms.scopes) for moments in (measured.before, measured.after)
        )
        emptied = of_nobody(dual, base, kept)
        rows = priced(problem, point, dual.spread(problem.probabilities), emptied, dropped)
        violation = float(residuals.max(initial=0.0))
        return Solution(duals, q, primal, value, gap, violation, mean.total, rows, 0.0, 0)

    def _attained(self, balanced: Balanced, config: Config) -> Balanced:
        """`balanced` or, where the rate that the sample allows is too large, at a lower one."""
        rate, step = balanced.problem.terms.eta, _SLOWER
        for _ in range(_MOST_TRIALS):
            if balanced.attained:
                break
            rate, step = rounded_down(rate * (1 - step)), 2 * step
            attributes = balanced.problem.terms.attributes
            balanced = balance(self.corpus, attributes, asked_of(config).at(rate), balanced)
        return balanced


def best_of(passes: Sequence[Pass]) -> Pass:
    """The pass whose weights are to be the plan's."""
    return min(passes, key=lambda found: (not found.good, found.gap))


def _weighing(balanced: Balanced, calibration: Calibration | None) -> Weighing:
    odds = calibration.odds if calibration else None
    return Weighing(balanced.problem.terms, balanced.solution.duals, odds)


def _unsupported(dual: Dual, measured: Measured) -> NDArray[np.bool_]:
    """Which constraints no sample of the corpus supports, (K,)."""
    before, table, scopes = measured.before, dual.table, dual.problem.terms.scopes
    whole, taking_part = (
        np.vstack([np.tile(mass, (scopes, 1)), before.y])
        for mass in (before.n, before.s + before.o)
    )
    base = whole[table.attribute, np.where(table.kind == SHARE, -1, table.label)]
    among = taking_part[table.attribute, table.label]
    unsupported = np.where(table.kind == ASSOCIATION, among, base) <= 0
    return np.asarray(unsupported & (dual.problem.written_bases == 0))
