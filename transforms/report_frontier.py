"""The report's picture of the frontier, where there is one of the plan's corpus."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transforms import layout
from transforms.charts import Axis, LineChart, line_chart
from transforms.documents import json_in
from transforms.frontier import Frontier, Mark, fits
from transforms.storage import Storage
from transforms.wellformed import well_formed

_MOST_MARKS = 12


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


def read_frontier(storage: Storage, plan: Mapping[str, Any]) -> FrontierView | None:
    """The frontier in `storage`; None where there is none, or it does not fit the plan.

    Raises FairshardError where it is not one.
    """
    content = storage.find(layout.FRONTIER)
    if content is None:
        return None
    where = storage.path(layout.FRONTIER)
    with well_formed(f"{where} is not a frontier: run `fairshard frontier` again"):
        document = json_in(content)
        if not fits(document, plan):
            return None
        found = Frontier.from_dict(document)
    x = Axis(plan["problem"]["Q"])
    balance = plan["config"]["balance"]
    return FrontierView(
        found,
        plan["problem"]["eta"],
        x,
        tuple(_charts(found, x, balance, bool(plan["labels"]))),
        found.marks[:_MOST_MARKS],
    )


def _charts(
    found: Frontier, x: Axis, balance: Mapping[str, Any], labelled: bool
) -> list[LineChart]:
    rates = [point.rate for point in found.points]
    measures = [("Representation bias", "RB", balance["max_representation_bias"])]
    if labelled:
        measures.append(("Association bias", "AB", balance["max_association_bias"]))
        measures.append(("Label skew", "skew", balance["max_label_skew"]))
    measures.append(("Effective sample size, as a share of all", "effective", None))
    return [
        line_chart(
            title,
            x,
            rates,
            [getattr(point, name) for point in found.points],
            math.nan if bound is None else bound,
        )
        for title, name, bound in measures
    ]
