"""What balancing a table gives: a weight a row, the plan they follow from, and its certificate."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairshard.copies import whole_copies
from fairshard.rows import TableRows
from transforms.base.counts import counted, first_of
from transforms.base.deadline import Deadline
from transforms.config.balance import ShareBound
from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.feasibility.conflicts import Unmet, explained
from transforms.feasibility.explanation import NOTHING_KNOWN
from transforms.m4.balance import Balanced
from transforms.m4.solver import PricedConstraint
from transforms.m4.targets import asked_only
from transforms.statistics.bounded import (
    CERTIFIED,
    ROUNDING,
    certified,
    deciding,
    figures,
    largest_unasked,
)
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import Measures, PerMeasure, excesses_of_shares

_TITLES = {"RB": "representation bias", "AB": "association bias", "skew": "label skew"}
_KINDS = {"RB": "representation", "AB": "association", "skew": "skew"}
_NAMED = 3


@dataclass(frozen=True)
class Certificate:
    """How near the weights are to the best there are.

    dual <= optimum <= primal, in the units of the objective; gap is their distance, relative to
    primal. violation is by how much the worst constraint is exceeded, rate the mean weight.
    missed names the constraints that are not met, the dearest first; no weights of this rate miss
    less in total than least_excess, which is 0 where all is met or nothing is proven.
    """

    primal: float
    dual: float
    gap: float
    violation: float
    rate: float
    least_excess: float | None
    missed: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class TablePlan:
    """The solved problem of a table.

    rate is the mean weight; upper bounds it, where it was left open (else None). constraints are
    each with a `price` (0 where it costs nothing), a `slack` (above 0 where it is violated) and
    whether it is `attainable`; mu is the price of the rate. before and predicted are the measures
    of the rows as they are and as weighted: `max_RB`, `max_AB`, `max_skew`, and arrays in the order
    of attributes and labels: `share` and `RB` (m,), `AB` and `skew` (m, c). asked are the bounds
    on them, 1 where there is none. patterns is the number of distinct rows; shares are the bounds
    on shares that were asked for.
    """

    attributes: tuple[Attribute, ...]
    labels: tuple[str, ...]
    rate: float
    upper: float | None
    mu: float
    constraints: tuple[PricedConstraint, ...]
    before: Measures
    predicted: Measures
    asked: PerMeasure
    patterns: int
    shares: tuple[ShareBound, ...] = ()

    def prices(self) -> dict[str, float]:
        """The price of each constraint that has one, the dearest first, by its name in words."""
        priced = [row for row in self.constraints if row.price > 0]
        priced.sort(key=lambda row: -row.price)
        return {row.constraint.name: row.price for row in priced}

    @property
    def met(self) -> bool:
        """Whether what was asked for is met, by the constraints and by the measures themselves."""
        return all(row.met for row in self.constraints) and None not in self._met_to().values()

    def lines(self) -> Iterator[str]:
        """A line for each measure that is bounded: before, after, asked for, met or not.

        They are of what is most above its bound or nearest to it; what is not asked is said apart.
        """
        names = [attribute.name for attribute in self.attributes]
        for name, to in self._met_to().items():
            bounds = getattr(asked_only(self.asked), name)
            before, after = (
                np.abs(getattr(found, name)) for found in (self.before, self.predicted)
            )
            first, worst = (deciding(values, bounds, CERTIFIED) for values in (before, after))
            unasked = largest_unasked(after, bounds, CERTIFIED)
            was = f"{first.value:.4f}" if first else "no data"
            outcome = "missed" if to is None else f"met (to {to:g})"
            title = f"{_TITLES[name]:<20}"
            if worst is None:
                yield f"{title} {was} before, no data after"
                continue
            shown, limit = figures(worst.value, worst.bound, to or ROUNDING)
            of = worst.name(names, self.labels)
            yield f"{title} {was} before, {shown} after ({of}); asked for <= {limit}: {outcome}"
            if unasked and unasked.value > worst.value:
                of = unasked.name(names, self.labels)
                yield f"{'  not asked':<20} {of} {unasked.value:.4f}"
        yield from self._share_lines()

    def _met_to(self) -> dict[str, float | None]:
        """To what each measure that is bounded is met; None where it is not."""
        bounds = asked_only(self.asked)
        missed = {row.constraint.kind for row in self.constraints if not row.met}
        return {
            name: None
            if _KINDS[name] in missed
            else certified(np.abs(getattr(self.predicted, name)), getattr(bounds, name))
            for name in _TITLES
            if not np.isnan(getattr(bounds, name)).all()
        }

    def _share_lines(self) -> Iterator[str]:
        names = (self.shares, self.attributes, self.labels)
        before, after = (excesses_of_shares(one, *names) for one in (self.before, self.predicted))
        for share, *beyond in zip(self.shares, before.tolist(), after.tolist(), strict=True):
            was, is_ = (share.bound + share.sign * excess for excess in beyond)
            side = "most" if share.sign > 0 else "least"
            outcome = "missed" if beyond[1] > CERTIFIED else f"met (to {CERTIFIED:g})"
            yield (
                f"{f'share of {share.name}':<20} {was:.4f} before, {is_:.4f} after; asked for at "
                f"{side} {share.bound:g}: {outcome}"
            )


@dataclass(frozen=True, eq=False)
class Workings:
    """What the weights of a table follow from."""

    rows: TableRows
    histogram: Histogram
    asked: Balance
    solved: Balanced


@dataclass(frozen=True, eq=False, repr=False)
class BalancedTable:
    """A balanced table: `weights` is float64 (n,), in the order of the rows, from 0 to Q.

    A weight is the expected copies of its row; their mean is the rate.
    """

    weights: NDArray[np.float64]
    plan: TablePlan
    certificate: Certificate
    _workings: Workings

    def copies(self, seed: int = 0) -> NDArray[np.int64]:
        """Whole numbers for the weights, int64 (n,): floor or ceil of each, drawn by the seed.

        By systematic sampling, as shards are; then some rows are taken once more or once fewer, so
        that the rows that are taken meet what was asked for exactly, wherever the weights do and
        there are rows enough to choose from.
        """
        plan = self.plan
        return whole_copies(
            self._workings.rows,
            self.weights,
            plan.attributes,
            plan.labels,
            plan.asked,
            plan.shares,
            seed,
        )

    @property
    def met(self) -> bool:
        """Whether the weights meet what was asked for."""
        return self.plan.met

    def conflict(self, seconds: float | None = None) -> tuple[str, ...]:
        """Why something cannot be met, and what would do instead, in lines; none where all is met.

        Other problems are solved for it, which takes longer than this one did; where `seconds` are
        given, what is found in them is told, and what is still to be found.
        """
        if not self.certificate.missed:
            return ()
        unmet = Unmet.of(self._workings.histogram, self._workings.asked, self._workings.solved)
        found = NOTHING_KNOWN
        for more in explained(unmet, found, Deadline(seconds)):
            found = more
        return tuple(found.lines("conflict()"))

    def summary(self) -> str:
        """What was found, in a few lines: bias before and after, asked for, met or not."""
        return "\n".join(self._lines())

    __repr__ = summary

    def _lines(self) -> Iterator[str]:
        plan, certificate = self.plan, self.certificate
        yield (
            f"{counted(len(self.weights), 'row')} of {counted(plan.patterns, 'pattern')}, "
            f"weighted at the rate {plan.rate:g}"
            + (f" (the largest there is, at most {plan.upper:.4g})" if plan.upper else "")
        )
        yield from plan.lines()
        if certificate.missed:
            yield f"missed: {first_of(certificate.missed, _NAMED, '; ')}; conflict() says why"
        yield (
            f"certificate: relative gap {certificate.gap:.1e}, "
            f"worst violation {certificate.violation:.1e}"
        )
