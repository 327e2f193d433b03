"""A plan applied to another corpus of the same names: the bias that its weights give there."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from transforms.base.errors import FairshardError, StaleError
from transforms.base.nearest import did_you_mean
from transforms.calibration.posteriors import Calibration
from transforms.calibration.uncertainty import measured_error
from transforms.config.schema import Attribute
from transforms.m4.weights import weights_of
from transforms.plan.plan import Plan
from transforms.plan.plan_file import PlannedErrors, PlannedMeasures
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import measure
from transforms.statistics.patterns import packed

Vector = NDArray[np.float64]
_PATTERNS_AT_ONCE = 1 << 17


@dataclass(frozen=True)
class Transfer:
    """What a plan's weights give on a corpus of so many `samples`, of which they keep `rate`.

    new is the share of the samples whose pattern is not among those that the plan was solved on.
    measures are by the corpus's own targets, before and under the weights; errors are theirs, as
    those of a sample of where the corpus comes from.
    """

    samples: int
    rate: float
    new: float
    measures: PlannedMeasures
    errors: PlannedErrors


def transferred(
    plan: Plan,
    known: Histogram,
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    calibration: Calibration | None = None,
) -> Transfer:
    """What `plan`, solved on the patterns `known`, gives on the corpus of `histogram`.

    attributes are the corpus's, of the same names, their targets its own. Its true attributes are
    by its calibration, else as those of the plan's corpus follow from the recognised ones. Raises
    StaleError where the names differ, FairshardError where there is no sample.
    """
    check_same_names(plan, histogram)
    if not histogram.samples:
        raise FairshardError("there is no sample to apply the plan to: see rejects/ and the filter")
    q = weights_under(plan, histogram)
    corpus = calibration.corrected(histogram) if calibration else plan.corrected(histogram)
    once = np.ones(len(histogram))
    before, after = (measure(corpus, attributes, weights) for weights in (once, q))
    errors = (measured_error(corpus, calibration, attributes, weights) for weights in (once, q))
    return Transfer(
        histogram.samples,
        float(histogram.counts @ q) / histogram.samples,
        float(histogram.counts @ ~_among(histogram, known)) / histogram.samples,
        PlannedMeasures(before=before, predicted=after),
        PlannedErrors(**dict(zip(("before", "predicted"), errors, strict=True))),
    )


def check_same_names(plan: Plan, histogram: Histogram) -> None:
    """Raise StaleError unless a corpus has the attributes and labels of a plan, in its order."""
    named = (tuple(attribute.name for attribute in plan.terms.attributes), plan.terms.labels)
    at_hand = (histogram.attributes, histogram.labels)
    for of, planned, found in zip(("attribute", "label"), named, at_hand, strict=True):
        if planned == found:
            continue
        lacking = next((name for name in planned if name not in found), None)
        beyond = next((name for name in found if name not in planned), None)
        why = f"its {of}s are in another order"
        if lacking is not None:
            why = f"it has no {of} {lacking!r}{did_you_mean(lacking, found)}"
        elif beyond is not None:
            why = f"the plan has no {of} {beyond!r}{did_you_mean(beyond, planned)}"
        raise StaleError(
            f"the plan is of other names than this corpus: {why}; name them in the configuration "
            "as the plan does, or solve for this corpus"
        )


def weights_under(plan: Plan, histogram: Histogram) -> Vector:
    """The weight q of each pattern, float64 (P,), of a corpus that the plan may not have seen."""
    corpus = plan.corrected(histogram)
    blocks = (
        slice(start, start + _PATTERNS_AT_ONCE)
        for start in range(0, len(histogram), _PATTERNS_AT_ONCE)
    )
    found = [
        weights_of(corpus.s[rows], corpus.y[rows], corpus.utility[rows], plan.terms, plan.duals)
        for rows in blocks
    ]
    return np.concatenate([np.empty(0), *found])


def _among(histogram: Histogram, known: Histogram) -> NDArray[np.bool_]:
    """Which patterns of `histogram`, (P,), are among those that are `known`."""
    looked_up: pa.BooleanArray = pc.is_in(
        packed(histogram.patterns), value_set=packed(known.patterns)
    )
    return np.asarray(looked_up.to_numpy(zero_copy_only=False), np.bool_)
