"""The plan of one corpus made the plan of another: the same prices, measured anew.

Prices of another corpus are not the best for this one, and nothing is said to be: the certificate
is what they give here, by the same formulas, however far primal and dual are apart. Its rate is
what the weights have here, and what it is off from eta counts in the gap, at its price.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.base.blas import one_thread
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.m4.balance import Balanced
from transforms.m4.dual import Dual, mean
from transforms.m4.problem import problem_of
from transforms.m4.solver import Solution, of_nobody, priced
from transforms.plan.make import SolvedCorpus, plan_of
from transforms.plan.plan import Plan
from transforms.plan.transfer import weights_under
from transforms.plan.transferred_file import TransferredFrom
from transforms.statistics.filtering import FilterCounts
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import measures_of
from transforms.statistics.moments import Moments


def transferred_plan(
    plan: Plan,
    origin: TransferredFrom,
    histogram: Histogram,
    records: Sequence[LabelRecord],
    config: Config,
    filtered: FilterCounts | None = None,
) -> tuple[Plan, pa.Table]:
    """`plan` as that of the corpus of `histogram`, and its patterns with their counts and weights.

    Of a plan without a calibration.
    """
    attributes = plan.terms.attributes
    problem, q = problem_of(histogram, plan.terms), weights_under(plan, histogram)
    before, after = (Moments.of_corpus(histogram, attributes, each) for each in (1.0, q))
    measures = measures_of(after, attributes)
    with one_thread():
        solution = _at(Dual(problem), plan, q, before, after)
    solved = SolvedCorpus(
        histogram,
        None,
        Balanced(problem, solution, measures, measures),
        measures_of(before, attributes),
        None,
        None,
        histogram.samples,
        None,
        filtered,
    )
    made, patterns = plan_of(solved, records, config)
    return replace(made, file=made.file.model_copy(update={"transferred": origin})), patterns


def _at(
    dual: Dual, plan: Plan, q: NDArray[np.float64], before: Moments, after: Moments
) -> Solution:
    """What the plan's prices give; before, after: the corpus's moments, without q and with."""
    problem, mu = dual.problem, plan.duals.mu
    prices = problem.vector_of(plan.duals)
    point = dual.certified(prices, mu, q, dual.residuals(q))
    rate = mean(problem.probabilities, q)
    off = mu * (rate - problem.terms.eta)
    spread = dual.spread(problem.probabilities)
    base, kept = (np.tile(moments.n[:, -1], problem.terms.scopes) for moments in (before, after))
    return Solution(
        plan.duals,
        q,
        point.primal,
        point.dual + off,
        point.gap + abs(off) / dual.scale(point.primal),
        float(point.residuals.max(initial=0.0)),
        rate,
        priced(problem, point, spread, of_nobody(dual, base, kept), spread == 0),
        problem.utility_error_bound,
        0,
    )
