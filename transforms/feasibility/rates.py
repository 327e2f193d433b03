"""The largest rate at which everything asked for is attainable.

Every measure stays what it is when all weights shrink alike, so that the attainable rates are an
interval (0, eta_max], and eta_max is a linear program: max E[q] over 0 <= q <= Q, E[q a_i] <= 0.
Rates are tried from above. A problem that misses a bound proves, by its own prices, a bound on
eta_max (transforms/feasibility/rate_bounds.py), which is where to try next: Newton's method on the
least violation, convex in the rate. The rate found is then raised until the next one misses.

Where something was written before, the attainable rates are still an interval, but need not begin
at 0: to mend what is written takes enough samples. So prices also bound rates from below, and there
may be none; then the rate is one that leaves the least excess
(transforms/feasibility/least_excess.py).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from transforms.base.counts import first_of
from transforms.base.errors import FairshardError
from transforms.config.schema import Attribute
from transforms.config.sections import AUTO, Balance
from transforms.feasibility.least_excess import AnyRate, least_excess
from transforms.feasibility.rate_bounds import rates_allowed, representation_bound
from transforms.m4.balance import Balanced, attempt, balance, terms_asked
from transforms.m4.problem import problem_of
from transforms.statistics.histogram import Histogram
from transforms.statistics.moments import Moments

_TOLERANCE = 1e-3
_NO_RATE = 1e-6
_LONGEST_FALL = 4
_NAMED = 4

Attempt = Callable[..., Balanced]


@dataclass(frozen=True)
class LargestRate:
    """The balanced corpus at the largest rate found, and a bound that no rate can exceed.

    The bound is proven for representation bias and label skew. Association bias is a ratio: there
    it is taken as linear around the shares of the corpus at the least rate that was missed. Where
    no rate attains all, the bound is 0, and `missed` proves what weights of any rate miss at least.
    """

    balanced: Balanced
    upper: float
    missed: AnyRate | None = None

    @property
    def rate(self) -> float:
        """The largest rate found to be attainable."""
        return self.balanced.problem.terms.eta


def balance_as_asked(
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    written: Moments | None = None,
) -> tuple[Balanced, LargestRate | None]:
    """The balanced corpus and, where the rate was left open, how that was found.

    written are the moments of what was written before, if anything was, summed.
    """
    if not isinstance(asked.eta, str):
        return balance(histogram, attributes, asked, written=written), None
    found = largest_rate(histogram, attributes, asked, written=written)
    if asked.V == AUTO and (found.balanced.attained or not asked.priority):
        return found.balanced, found
    at_rate = asked.at(found.rate)
    return balance(histogram, attributes, at_rate, found.balanced, written), found


def largest_rate(
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    near: float = math.inf,
    attempt: Attempt = attempt,
    written: Moments | None = None,
) -> LargestRate:
    """The largest rate at which all that is `asked` is attainable, to 1e-3 of it or of 1.

    near: where to begin. `attempt` is how each rate is tried. Where there is none, it is the one
    that leaves the least excess of what was `written` before (moments, summed) and is weighed now;
    FairshardError, with what is in the way, where nothing was written.
    """
    terms = terms_asked(histogram, attributes, asked.at(asked.Q), written)
    problem = problem_of(histogram, terms, written)
    if written is not None:
        attempt = partial(attempt, written=written)
    upper, least = min(asked.Q, representation_bound(problem)), _NO_RATE * asked.Q
    trial = max(rounded_down(min(near, upper)), least)
    step, floor = _tolerance(trial) / 2, least
    missed: Balanced | None = None
    tried: Balanced | None = None
    while not (met := attempt(histogram, attributes, asked.at(trial), tried)).attained:
        lower, allowed = _allowed(met)
        tried, floor, too_low = met, max(floor, lower), lower > trial
        if not too_low:
            missed, upper = met, allowed
            step = _tolerance(trial) / 2 if upper < trial - _tolerance(trial) else 2 * step
        ceiling = min(upper, _rate(missed)) if missed else upper
        none_between = lower > allowed or ceiling - floor <= _tolerance(floor) / 10
        if trial <= least or (floor > least and none_between):
            if written is None:
                raise FairshardError(_nothing(histogram, attributes, met))
            return _nearest(histogram, attributes, asked, met, written)
        lowered = max(ceiling - step, trial / _LONGEST_FALL)
        if floor > least and (too_low or lowered < floor):
            trial = (floor + ceiling) / 2
        else:
            trial = max(rounded_down(lowered), least)
    step = _tolerance(trial)
    while (above := _rate(missed) if missed else upper) - _rate(met) > _tolerance(_rate(met)):
        trial = rounded_down(min(_rate(met) + step, (_rate(met) + above) / 2))
        tried = attempt(histogram, attributes, asked.at(trial), met)
        if tried.attained:
            met, step = tried, 2 * step
        else:
            missed, upper = tried, _allowed(tried)[1]
    return LargestRate(met, max(upper, _rate(met)))


def _nearest(
    histogram: Histogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    tried: Balanced,
    written: Moments,
) -> LargestRate:
    """Where no rate attains all: the largest that leaves the least excess."""
    solve = partial(balance, histogram, attributes, written=written)
    nearest, proof = least_excess(asked, tried, solve)
    return LargestRate(nearest, 0.0, proof)


def _rate(balanced: Balanced) -> float:
    return balanced.problem.terms.eta


def _allowed(balanced: Balanced) -> tuple[float, float]:
    return rates_allowed(balanced.problem, balanced.problem.vector_of(balanced.solution.duals))


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
