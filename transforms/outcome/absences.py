"""Who is not in the output: names that none of it carries, groups that most of it does not show."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from transforms.plan.plan import Plan
from transforms.resampling.manifest import Manifest
from transforms.statistics.groups import groups_of, groups_shown
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import Measures

Vector = NDArray[np.float64]
_MOST = 0.5
_NOTHING = 1e-9


@dataclass(frozen=True)
class RemovedName:
    """An attribute or a label that samples of the corpus carry, and none of the output.

    before: how many samples carry it; estimated, where that is told from the samples solved on. by:
    what took the last of them: the filter, the plan's weights, which are all 0, or chance, as the
    weights give `expected` copies.
    """

    kind: Literal["attribute", "label"]
    name: str
    before: int
    estimated: bool
    by: Literal["filter", "plan", "chance"]
    expected: float

    def __str__(self) -> str:
        about, samples = "about " * self.estimated, "sample" if self.before == 1 else "samples"
        by = {
            "filter": "the filter takes them all",
            "plan": "the plan gives them no weight",
            "chance": f"the plan gives them {self.expected:.2g} copies in all, and none was drawn",
        }[self.by]
        return f"{self.kind} {self.name}: {about}{self.before:,} {samples} before, 0 after ({by})"


@dataclass(frozen=True)
class GroupShown:
    """How many of the output's `of` samples show any attribute of a group.

    alone: the targets of its attributes are shares of these alone. predicted: as the plan's weights
    give them, not as they were counted.
    """

    group: str
    samples: int
    of: int
    alone: bool
    predicted: bool

    @property
    def share(self) -> float:
        """Their share of the output."""
        return self.samples / self.of if self.of else float("nan")

    @property
    def few(self) -> bool:
        """Whether most of the output shows none."""
        return self.share < _MOST

    def __str__(self) -> str:
        predicted = ", as the plan predicts" * self.predicted
        targets = ": its targets are shares of these alone" * self.alone
        return (
            f"{self.samples:,} of {self.of:,} samples ({self.share:.1%}) show any of the group "
            f"{self.group}{predicted}{targets}"
        )


def removed_names(
    plan: Plan, histogram: Histogram, q: Vector, manifest: Manifest | None = None
) -> tuple[RemovedName, ...]:
    """Names that no sample of the output carries or, without its manifest, that the plan keeps.

    `histogram` is of the recognised attributes, and q its patterns' weights.
    """
    calibrated = plan.file.calibration
    planned = calibrated.as_labelled if calibrated else plan.file.measures
    labelled, counted = _labelled(plan, histogram, planned.before)
    balanced, expected = _carried(planned.before), _copies(plan, histogram, q, planned.predicted)
    kept = expected if manifest is None else _carried(manifest.as_labelled or manifest.measures)
    names = [*histogram.attributes, *histogram.labels]
    found = []
    for place in np.flatnonzero((labelled > 0) & (kept <= _NOTHING)).tolist():
        by: Literal["filter", "plan", "chance"] = "chance" if expected[place] > _NOTHING else "plan"
        found.append(
            RemovedName(
                "attribute" if place < len(histogram.attributes) else "label",
                names[place],
                int(labelled[place]),
                not counted[place],
                by if balanced[place] > 0 else "filter",
                float(expected[place]),
            )
        )
    return tuple(found)


def groups_in_output(
    plan: Plan, histogram: Histogram, q: Vector, manifest: Manifest | None = None
) -> tuple[GroupShown, ...]:
    """How much of the output shows each group: as counted or, where it was not, as planned."""
    attributes = plan.terms.attributes
    alone = {attribute.group: attribute.share_of == "group" for attribute in attributes}
    copies = histogram.counts * q * _times(plan)
    planned = (copies @ groups_shown(histogram.s, attributes)).tolist()
    counted = (manifest.groups if manifest else None) or {}
    found = []
    for group, expected in zip(groups_of(attributes), planned, strict=True):
        if manifest is not None and group in counted:
            of, samples = manifest.totals.written, counted[group]
        else:
            of, samples = round(copies.sum()), round(expected)
        found.append(GroupShown(group, samples, of, alone[group], group not in counted))
    return tuple(found)


def _times(plan: Plan) -> float:
    """How many samples of the corpus each stands for that was solved on."""
    return float(plan.file.samples.balanced / plan.solved_on)


def _carried(measured: Measures) -> Vector:
    """The shares of attributes and labels, (m + c,): above 0 where any sample carries the name."""
    return np.asarray(np.nan_to_num(np.concatenate([measured.share, measured.label_share])))


def _labelled(
    plan: Plan, histogram: Histogram, before: Measures
) -> tuple[Vector, NDArray[np.bool_]]:
    """How many labelled samples carry each name, (m + c,), and where that was counted.

    Of plans that did not count what the filter took: how many of those that it left.
    """
    m, c = len(histogram.attributes), len(histogram.labels)
    if plan.file.filtered is not None:
        whole = plan.file.filtered.labelled
        return np.array([*whole.attributes, *whole.labels], float), np.ones(m + c, np.bool_)
    share = _carried(before)
    labels = share[m:] * before.samples
    attributes = np.maximum(histogram.counts @ histogram.s * _times(plan), share[:m] > 0)
    counted = np.arange(m + c) >= (m if plan.file.sampled else 0)
    return np.asarray(np.rint(np.concatenate([attributes, labels]))), counted


def _copies(plan: Plan, histogram: Histogram, q: Vector, predicted: Measures) -> Vector:
    """How many copies with each name the plan's weights give, (m + c,)."""
    attributes = (histogram.counts * q) @ histogram.s * _times(plan)
    labels = np.nan_to_num(predicted.label_share) * predicted.samples
    return np.concatenate([attributes, labels]) * (_carried(predicted) > 0)
