"""What is taken before anything is balanced, and of whom: by each filter, and by utility alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transforms.base.counts import counted, named
from transforms.config.filters import MIN_SIMILARITY
from transforms.plan.plan import Plan
from transforms.plan.plan_file import CarrierCounts
from transforms.statistics.histogram import Histogram

Vector = NDArray[np.float64]
UTILITY = "utility"
TOGETHER = "all conditions together"
UNKNOWN = (
    "it is not known of whom the filter took samples: the plan was made before that was counted; "
    "`fairshard solve --restart` makes it anew"
)
_NAMED = 3


@dataclass(frozen=True)
class CarrierShare:
    """Of the `samples` that carry a name, those that are taken: counted, or expected by weights."""

    name: str
    samples: int
    taken: float

    @property
    def share(self) -> float:
        """The share that is taken."""
        return self.taken / self.samples

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "name": self.name,
            "samples": self.samples,
            "taken": self.taken,
            "share": self.share,
        }


@dataclass(frozen=True)
class Audit:
    """What a step takes of all samples, and of those with each attribute and label, most first.

    by: the filter's condition, or all of them together, or "utility": the weights that there would
    be if nothing were asked of the output but its rate, `eta`. sampled: told from the samples that
    the plan was solved on. lacking: samples without a value where the condition asks for one; None
    where every one has a value.
    """

    by: str
    all: CarrierShare
    attributes: tuple[CarrierShare, ...]
    labels: tuple[CarrierShare, ...]
    eta: float
    sampled: bool
    lacking: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "by": self.by,
            "samples": self.all.samples,
            "taken": self.all.taken,
            "share": self.all.share,
            "sampled": self.sampled,
            **({} if self.lacking is None else {"lacking": self.lacking}),
            "attributes": [one.to_dict() for one in self.attributes],
            "labels": [one.to_dict() for one in self.labels],
        }

    @property
    def step(self) -> str:
        """What takes samples."""
        if self.by == UTILITY:
            return "utility alone"
        return f"filter{'.' if self.by == MIN_SIMILARITY else ', '}{self.by}"

    @property
    def did(self) -> str:
        """How many it takes, in words."""
        of = f"{self.all.samples:,} samples{' that were solved on' * self.sampled}"
        if self.by == UTILITY:
            return f"would drop {self.all.share:.1%} of {of} at eta = {self.eta:g}"
        share = f"{self.all.share:.1%}" if self.all.taken else ""
        notes = "; ".join(filter(None, (share, self._lacked)))
        return f"took {self.all.taken:,.0f} of {of}{f' ({notes})' if notes else ''}"

    @property
    def _lacked(self) -> str:
        """How many samples have no value, where there are any."""
        if not self.lacking:
            return ""
        if self.lacking == self.all.samples:
            return "no sample has a value there"
        return f"{counted(self.lacking, 'sample')} {named(self.lacking, 'has', 'have')} no value"

    def __str__(self) -> str:
        """One line: the names whose share is the furthest from that of all, by chance's measure."""
        parts = (self._furthest(self.attributes), self._furthest(self.labels))
        shares = [", ".join(f"{one.share:.1%} of {one.name}" for one in part) for part in parts]
        told = "; ".join(filter(None, shares)) if self.all.taken else ""
        return f"{self.step} {self.did}{': ' * bool(told)}{told}"

    def _furthest(self, carriers: Iterable[CarrierShare]) -> list[CarrierShare]:
        """A few of the names whose share is further from that of all than chance explains."""
        p = self.all.share

        def deviation(one: CarrierShare) -> float:
            error = (p * (1 - p) / one.samples) ** 0.5
            return abs(one.share - p) / error if error > 0 else 0.0

        far = sorted(carriers, key=lambda one: (-deviation(one), one.name))[:_NAMED]
        return sorted(far, key=lambda one: (-one.share, one.name))


def audits_of(plan: Plan, histogram: Histogram) -> tuple[Audit, ...]:
    """An audit of each condition of the filter, of all together where there are several, and of
    utility where samples differ in it.

    `histogram` is of the recognised attributes. Of plans that did not count what the filter took
    there is none of it.
    """
    return (*_of_filter(plan), *_of_utility(plan, histogram))


def filter_unknown(plan: Plan) -> bool:
    """Whether a filter took samples, and it was not counted of whom."""
    return plan.file.filtered is None and plan.file.samples.filtered > 0


def weights_by_utility(histogram: Histogram, eta: float, Q: float) -> Vector:
    """The weights clip(eta u - mu, 0, Q) of mean eta, float64 (P,): those without a constraint.

    Their sum falls as mu rises, linearly between the edges at which a weight leaves 0 or Q.
    """
    free, counts = eta * histogram.utility, histogram.counts
    edges, steps = np.concatenate([free - Q, free]), np.concatenate([counts, -counts])
    order = np.argsort(edges, kind="stable")
    edges = edges[order]
    falls = np.cumsum(steps[order])[:-1] * np.diff(edges)
    total = np.append(np.cumsum(falls[::-1])[::-1], 0.0)
    mu = np.interp(-eta * histogram.samples, -total, edges)
    return np.asarray(np.clip(free - mu, 0.0, Q))


def _of_filter(plan: Plan) -> Iterator[Audit]:
    filtered = plan.file.filtered
    if filtered is None or not filtered.labelled.samples:
        return
    samples = _flat(filtered.labelled)
    for condition in filtered.conditions:
        taken, lacking = _flat(condition.taken), condition.lacking
        yield _audit(condition.name, samples, taken, plan, False, lacking)
    if filtered.together is not None:
        yield _audit(TOGETHER, samples, _flat(filtered.together), plan, False)


def _of_utility(plan: Plan, histogram: Histogram) -> Iterator[Audit]:
    if np.ptp(histogram.utility) == 0:
        return
    problem = plan.file.problem
    q = weights_by_utility(histogram, problem.eta, problem.Q)
    counts, dropped = histogram.counts, histogram.counts * np.maximum(1.0 - q, 0.0)
    samples, taken = (
        np.concatenate([[mass.sum()], mass @ histogram.s, mass @ histogram.y])
        for mass in (counts, dropped)
    )
    sampled = plan.file.sampled is not None
    yield _audit(UTILITY, samples.tolist(), taken.tolist(), plan, sampled)


def _audit(
    by: str,
    samples: list[float],
    taken: list[float],
    plan: Plan,
    sampled: bool,
    lacking: int | None = None,
) -> Audit:
    """The audit of samples in all, with each attribute and with each label, and those taken."""
    m = len(plan.terms.attributes)
    names = ["", *(attribute.name for attribute in plan.terms.attributes), *plan.terms.labels]
    rows = [CarrierShare(*row) for row in zip(names, map(round, samples), taken, strict=True)]
    parts = (
        sorted((one for one in part if one.samples), key=lambda one: (-one.share, one.name))
        for part in (rows[1 : m + 1], rows[m + 1 :])
    )
    attributes, labels = map(tuple, parts)
    return Audit(by, rows[0], attributes, labels, plan.terms.eta, sampled, lacking)


def _flat(counts: CarrierCounts) -> list[float]:
    return [counts.samples, *counts.attributes, *counts.labels]
