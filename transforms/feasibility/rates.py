"""The largest rate at which everything asked for is attainable.

Every measure stays what it is when all weights shrink alike, so that the attainable rates are an
interval (0, eta_max], and eta_max is a linear program: max E[q] over 0 <= q <= Q, E[q a_i] <= 0.
Rates are tried from above. A problem that misses a bound proves, by its own prices, a bound on
eta_max (transforms/feasibility/rate_bounds.py), which is where to try next: Newton's method on the
least violation, convex in the rate. The rate found is then raised until the next one misses.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from transforms.base.counts import first_of
from transforms.base.errors import FairshardError
from transforms.config.schema import Attribute
from transforms.config.sections import AUTO, Balance
from transforms.feasibility.rate_bounds import rate_bound, representation_bound
from transforms.m4.balance import Balanced, attempt, balance, terms_asked
from transforms.m4.problem import problem_of
from transforms.statistics.histogram import Histogram

_TOLERANCE = 1e-3
_NO_RATE = 1e-6
_LONGEST_FALL = 4
_NAMED = 4

Attempt = Callable[..., Balanced]


@dataclass(frozen=True)
class LargestRate:
    """The balanced corpus at the largest rate found, and a bound that no rate can exceed.

    The bound is proven for representation bias and label skew. Association bias is a ratio: there
    it is taken as linear around the shares of the corpus at the least rate that was missed.
    """

    balanced: Balanced
    upper: float

    @property
    def rate(self) -> float:
        """The largest rate found to be attainable."""
        return self.balanced.problem.terms.eta


def balance_as_asked(
    histogram: Histogram, attributes: tuple[Attribute, ...], asked: Balance
) -> tuple[Balanced, LargestRate | None]:
    """The balanced corpus and, where the rate was left open, how that was found."""
    if not isinstance(asked.eta, str):
        return balance(histogram, attributes, asked), None
    found = largest_rate(histogram, attributes, asked)
    if asked.V == AUTO:
        return found.balanced, found
    return balance(histogram, attributes, asked.at(found.rate), found.balanced), found


def largest_rate(
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    near: float = math.inf,
    attempt: Attempt = attempt,
) -> LargestRate:
    """The largest rate at which all that is `asked` is attainable, to 1e-3 of it or of 1.

    near: where to begin. `attempt` is how each rate is tried. Raises FairshardError, with what is
    in the way, where there is none.
    """
    problem = problem_of(histogram, terms_asked(histogram, attributes, asked.at(asked.Q)))
    upper, least = min(asked.Q, representation_bound(problem)), _NO_RATE * asked.Q
    trial = max(rounded_down(min(near, upper)), least)
    step = _tolerance(trial) / 2
    missed: Balanced | None = None
    while not (met := attempt(histogram, attributes, asked.at(trial), missed)).attained:
        if trial <= least:
            raise FairshardError(_nothing(histogram, attributes, met))
        upper = _bound(met)
        step = _tolerance(trial) / 2 if upper < trial - _tolerance(trial) else 2 * step
        lower = max(min(upper, trial) - step, trial / _LONGEST_FALL)
        missed, trial = met, max(rounded_down(lower), least)
    step = _tolerance(trial)
    while (above := _rate(missed) if missed else upper) - _rate(met) > _tolerance(_rate(met)):
        trial = rounded_down(min(_rate(met) + step, (_rate(met) + above) / 2))
        tried = attempt(histogram, attributes, asked.at(trial), met)
        if tried.attained:
            met, step = tried, 2 * step
        else:
            missed, upper = tried, _bound(tried)
    return LargestRate(met, max(upper, _rate(met)))


def _rate(balanced: Balanced) -> float:
    return balanced.problem.terms.eta


def _bound(balanced: Balanced) -> float:
    return rate_bound(balanced.problem, balanced.problem.vector_of(balanced.solution.duals))


def _tolerance(rate: float) -> float:
    return _TOLERANCE * min(rate, 1.0)


def rounded_down(rate: float) -> float:
    """The rate in decimals that are a tenth of the tolerance or so."""
    digits = 1 - math.floor(math.log10(_tolerance(max(rate, _NO_RATE))))
    return math.floor(rate * 10.0**digits) / 10.0**digits


def _nothing(histogram: Histogram, attributes: tuple[Attribute, ...], tried: Balanced) -> str:
    carried = (histogram.counts @ histogram.s).tolist()
    absent = [
        attribute.name for attribute, times in zip(attributes, carried, strict=True) if not times
    ]
    names = tried.solution.missed or tried.solution.priced
    named = first_of(names, _NAMED, "; ")
    why = f": no sample carries {', '.join(absent)}" if absent else ""
    return (
        f"balance.eta: auto finds no rate at which everything asked for is attainable{why}; "
        f"loosen the bounds that stay in the way ({named})"
    )
