"""M4 and other balancers side by side, on one histogram at one rate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transforms.config.balancers import BALANCERS, in_order
from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.feasibility.rates import balance_as_asked
from transforms.m4.targets import asked_only, targets_of
from transforms.statistics.bounded import decided, excesses
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import effective_samples, excesses_of_shares, measure

Vector = NDArray[np.float64]
_ROUNDING = 1e-5


@dataclass(frozen=True)
class Compared:
    """What a balancer's weights q do to a corpus.

    rate: E[q]. RB, AB and skew of the weighted corpus: what is most above its bound or nearest to
    it; the largest, where none is asked. effective: the effective sample size over the corpus's
    samples; 1 where all weigh alike. kept: the share of the samples that is expected in the output,
    E[min(q, 1)]. distance: the root of E[(q - eta u)^2], what M4 makes small. missed: what was
    asked for and is missed by more than 10^-5.
    """

    balancer: str
    rate: float
    RB: float
    AB: float
    skew: float
    effective: float
    kept: float
    distance: float
    missed: tuple[str, ...]


def compare(
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    balancers: Sequence[str] = (),
) -> tuple[Compared, ...]:
    """M4, then others at its rate: those of the names given; where none is, all there are."""
    balanced, _ = balance_as_asked(histogram, attributes, asked)
    same = asked.at(balanced.problem.terms.eta)
    weights = {"M4": balanced.solution.q}
    for name in balancers or in_order():
        weights[name] = BALANCERS[name].weights(histogram, attributes, same)
    return tuple(compared(name, histogram, attributes, same, q) for name, q in weights.items())


def compared(
    name: str,
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    q: Vector,
) -> Compared:
    """The corpus under the weights q, float64 (P,)."""
    shares = histogram.counts / histogram.samples
    measures = measure(histogram, attributes, q)
    rate = float(shares @ q)
    bounds = asked_only(targets_of(attributes, histogram.labels, asked))
    found = {
        name: (np.abs(getattr(measures, name)), getattr(bounds, name))
        for name in ("RB", "AB", "skew")
    }

    def missed() -> Iterator[str]:
        if abs(rate - asked.rate) > _ROUNDING:
            yield "rate"
        for measure_name, (values, bound) in found.items():
            if np.any(excesses(values, bound) > _ROUNDING):
                yield measure_name
        beyond = excesses_of_shares(measures, asked.shares, attributes, histogram.labels)
        if np.any(beyond > _ROUNDING):
            yield "share"

    return Compared(
        name,
        rate,
        decided(*found["RB"]),
        decided(*found["AB"]),
        decided(*found["skew"]),
        effective_samples(histogram, q) / histogram.samples,
        float(shares @ np.minimum(q, 1.0)),
        float(np.sqrt(shares @ (q - asked.rate * histogram.utility) ** 2)),
        tuple(missed()),
    )
