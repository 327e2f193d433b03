"""The frontier: what bias and how many effective samples each rate allows, before one is chosen.

Every point is a solved problem (transforms/m4/balance.py), each from its neighbour's solution. Some
points are spread over all rates, some lie around the largest rate at which everything asked for is
attainable, and the rest go where constraints begin to bind or to be missed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from pydantic import TypeAdapter

from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.feasibility.rates import largest_rate, rounded_down
from transforms.m4.balance import Balanced, balance
from transforms.m4.targets import asked_only
from transforms.statistics.bounded import decided
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import PerMeasure, effective_samples
from transforms.storage.documents import Count, Finite

VERSION = 1
_LEAST_SHARE = 0.02
_AROUND_THE_LARGEST = (0.9, 0.97, 1.005, 1.05)
_REFINED = 3
_PRICED = 1e-6
_MOST_MARKS = 100
_OF_THE_SOLUTION = frozenset(("config.balance", "config.seed"))


@dataclass(frozen=True)
class FrontierPoint:
    """What a rate gives: RB, AB and skew of the balanced corpus, of what is most above its bound or
    nearest to it (the largest, where none is asked), the effective sample size as a share of all
    samples, and how many constraints bind and how many are missed.
    """

    rate: Finite
    RB: Finite
    AB: Finite
    skew: Finite
    effective: Finite
    binding: Count
    missed: Count


@dataclass(frozen=True)
class Mark:
    """The first rates, of those solved, at which a constraint has a price, and at which it is
    missed; null where there is none.
    """

    constraint: str
    binds: Finite | None
    missed: Finite | None

    def in_words(self, least: float) -> str:
        """When it begins, if `least` is the least rate solved."""
        if self.binds is None:
            return f"is missed from {self.missed:.4g}"
        binds = "binds at every rate" if self.binds == least else f"binds from {self.binds:.4g}"
        return binds if self.missed is None else f"{binds}, is missed from {self.missed:.4g}"


@dataclass(frozen=True)
class Frontier:
    """The points by rate, the marks by when they begin, of `constraints` that bind or are missed.

    largest is the largest rate at which everything asked for is attainable, and upper its bound;
    chosen is the rate that the configuration asks for.
    """

    largest: Finite
    upper: Finite
    chosen: Finite
    points: tuple[FrontierPoint, ...]
    constraints: Count
    marks: tuple[Mark, ...]

    def to_dict(self) -> dict[str, Any]:
        """The frontier as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; ValueError where it is not of that form."""
        return cls(**vars(_FRONTIER.validate_python(values)))


_FRONTIER = TypeAdapter(Frontier)


def frontier(
    histogram: Histogram, attributes: tuple[Attribute, ...], asked: Balance, points: int
) -> Frontier:
    """The frontier of `histogram` under the bounds `asked`, at about so many `points`.

    Raises FairshardError where no rate attains what is asked.
    """
    largest = largest_rate(histogram, attributes, asked)
    chosen = largest.rate if isinstance(asked.eta, str) else asked.eta
    solved = {largest.rate: largest.balanced}
    for rate in _grid(asked.Q, largest.rate, chosen, points - points // _REFINED):
        if rate not in solved:
            near = min(solved, key=lambda other: abs(other - rate))
            solved[rate] = balance(histogram, attributes, asked.at(rate), solved[near])
    while len(solved) < points:
        low, high = _most_changed(solved)
        rate = rounded_down((low + high) / 2)
        solved[rate] = balance(histogram, attributes, asked.at(rate), solved[low])
    ordered = [solved[rate] for rate in sorted(solved)]
    marks = _marks(ordered)
    return Frontier(
        largest.rate,
        largest.upper,
        chosen,
        tuple(_point(histogram, balanced) for balanced in ordered),
        len(marks),
        tuple(marks[:_MOST_MARKS]),
    )


def _grid(Q: float, largest: float, chosen: float, points: int) -> list[float]:
    """About `points` rates in rising order, from a fiftieth of Q to Q."""
    around = [largest * share for share in _AROUND_THE_LARGEST if largest * share < Q]
    even = max(points - len(around) - 2, 2)
    step = (1 - _LEAST_SHARE) / (even - 1)
    spread = [Q * (_LEAST_SHARE + step * place) for place in range(even)]
    return sorted({*map(rounded_down, (*around, *spread)), chosen, Q})


def _most_changed(solved: Mapping[float, Balanced]) -> tuple[float, float]:
    """The neighbouring rates between which most constraints change, weighed by their distance."""

    def change(rates: tuple[float, float]) -> float:
        low, high = (_states(solved[rate]) for rate in rates)
        changed = sum(one != other for one, other in zip(low, high, strict=True))
        return (math.sqrt(changed) + 0.1) * (rates[1] - rates[0])

    return max(pairwise(sorted(solved)), key=change)


def _states(balanced: Balanced) -> list[tuple[bool, bool]]:
    """Whether each constraint binds, and whether it is missed."""
    return [(row.price > _PRICED, not row.met) for row in balanced.solution.constraints]


def _point(histogram: Histogram, balanced: Balanced) -> FrontierPoint:
    measures, states = balanced.measures, _states(balanced)
    terms = balanced.problem.terms
    given, m = terms.tolerances, len(terms.attributes)
    union = (given.representation[:m], given.association[:m], given.skew[:m])
    bounds = asked_only(PerMeasure(*union))
    return FrontierPoint(
        balanced.problem.terms.eta,
        decided(measures.RB, bounds.RB),
        decided(np.abs(measures.AB), bounds.AB),
        decided(np.abs(measures.skew), bounds.skew),
        effective_samples(histogram, balanced.solution.q) / histogram.samples,
        sum(binds for binds, _ in states),
        sum(missed for _, missed in states),
    )


def _marks(ordered: Sequence[Balanced]) -> list[Mark]:
    """The constraints that bind or are missed somewhere, by where they are missed, then bind."""
    marks = []
    states = zip(*map(_states, ordered), strict=True)
    for row, of_row in zip(ordered[0].solution.constraints, states, strict=True):
        by_rate = list(zip((one.problem.terms.eta for one in ordered), of_row, strict=True))
        binds = next((rate for rate, (found, _) in by_rate if found), None)
        missed = next((rate for rate, (_, found) in by_rate if found), None)
        if (binds, missed) != (None, None):
            marks.append(Mark(row.constraint.name, binds, missed))
    marks.sort(key=lambda mark: (mark.missed or math.inf, mark.binds or math.inf))
    return marks
