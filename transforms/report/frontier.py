"""The report's picture of the frontier, where there is one of the plan's corpus."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transforms.config.sections import Balance
from transforms.feasibility.frontier import _OF_THE_SOLUTION, VERSION, Frontier, Mark
from transforms.plan.fingerprint import apart_from
from transforms.plan.plan import Plan
from transforms.report.charts import Axis, LineChart, line_chart
from transforms.storage import paths
from transforms.storage.documents import Document, json_in
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed

_MOST_MARKS = 12


class FrontierOrigin(Document):
    """The head of frontier.json: what was asked, and the fingerprint of what it was made from."""

    version: int
    fingerprint: dict[str, str]
    asked: dict[str, Any]


@dataclass(frozen=True)
class FrontierView:
    """What the report shows: charts over the same rates, and the first marks.

    rate is the plan's own.
    """

    frontier: Frontier
    rate: float
    x: Axis
    charts: tuple[LineChart, ...]
    marks: tuple[Mark, ...]


def read_frontier(storage: Storage, plan: Plan) -> FrontierView | None:
    """The frontier in `storage`; None where there is none, or it does not fit the plan.

    Raises FairshardError where it is not one.
    """
    content = storage.find(paths.FRONTIER)
    if content is None:
        return None
    where = storage.path(paths.FRONTIER)
    with well_formed(f"{where} is not a frontier: run `fairshard frontier` again"):
        document = json_in(content)
        if not fits(FrontierOrigin.model_validate(document), plan):
            return None
        found = Frontier.from_dict(document)
    x = Axis(plan.terms.Q)
    return FrontierView(
        found,
        plan.terms.eta,
        x,
        tuple(_charts(found, x, plan)),
        found.marks[:_MOST_MARKS],
    )


def _charts(found: Frontier, x: Axis, plan: Plan) -> list[LineChart]:
    rates = [point.rate for point in found.points]
    measures = [("Representation bias", "RB", _bound(plan.asked.RB))]
    if plan.terms.labels:
        measures.append(("Association bias", "AB", _bound(plan.asked.AB)))
        measures.append(("Label skew", "skew", _bound(plan.asked.skew)))
    measures.append(("Effective sample size, as a share of all", "effective", math.nan))
    return [
        line_chart(title, x, rates, [getattr(point, name) for point in found.points], bound)
        for title, name, bound in measures
    ]


def _bound(asked: NDArray[np.float64]) -> float:
    """The bound on a measure; nan where none is asked, or where it differs."""
    bounds = np.unique(asked[~np.isnan(asked)])
    return float(bounds[0]) if len(bounds) == 1 else math.nan


def document_of(found: Frontier, asked: Balance, made_from: Mapping[str, str]) -> dict[str, Any]:
    """What frontier.json holds; `made_from` is the fingerprint of the configuration and labels."""
    origin = FrontierOrigin(
        version=VERSION, fingerprint=dict(made_from), asked=asked.model_dump(mode="json")
    )
    return {**origin.to_dict(), **found.to_dict()}


def fits(origin: FrontierOrigin, plan: Plan) -> bool:
    """Whether a frontier is of the plan's labels and, but for the rate, its bounds."""
    bounds = [{**asked, "eta": None} for asked in (origin.asked, plan.file.config["balance"])]
    parts = [
        apart_from(_OF_THE_SOLUTION, made_from)
        for made_from in (origin.fingerprint, plan.fingerprint)
    ]
    return origin.version == VERSION and bounds[0] == bounds[1] and parts[0] == parts[1]
