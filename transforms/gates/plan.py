"""The gate after solving: what must hold of a plan, and the tables that say it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from transforms.gates.evaluating import evaluate
from transforms.gates.expectations import Expectation, Table, between, none
from transforms.gates.results import GateResult
from transforms.gates.users import placed
from transforms.labels.records import LabelRecord
from transforms.m4.constraints import Constraint
from transforms.outcome.as_drawn import missed_as_drawn
from transforms.plan.plan import Plan
from transforms.statistics.histogram import Histogram

_CRITICAL_GAP, _SMALL_GAP = 1e-4, 1e-6
_ROUNDING = 1e-6
_RATE_ERROR = 1e-5


def plan_suite(drawn: bool) -> list[Expectation]:
    """What is expected of a plan; drawn: it says what is drawn."""
    found = [
        none("parts", "differs", "the plan was made from the labels and the configuration at hand"),
        none("plan", "labelled_beyond_records", "the plan counts the samples that were labelled"),
        none(
            "plan",
            "balanced_beyond_labelled",
            "balanced and filtered samples add up to the labelled samples",
        ),
        none("plan", "counted_beyond_solved", "patterns add up to the samples solved on"),
        between(
            "plan",
            "gap",
            f"the certificate's relative gap is at most {_CRITICAL_GAP:g}",
            max_value=_CRITICAL_GAP,
        ),
        between(
            "plan",
            "gap",
            f"the certificate's relative gap is at most {_SMALL_GAP:g}",
            "warning",
            "it is {gap} for {balanced} samples",
            max_value=_SMALL_GAP,
        ),
        between(
            "plan",
            "rate_error",
            f"the certificate's rate is eta, to {_RATE_ERROR:g}",
            min_value=-_RATE_ERROR,
            max_value=_RATE_ERROR,
        ),
        between(
            "plan",
            "mean_q_error",
            f"the mean weight of the patterns is eta, to {_ROUNDING:g}",
            min_value=-_ROUNDING,
            max_value=_ROUNDING,
        ),
        between("plan", "least_q", f"no weight is below 0, to {_ROUNDING:g}", min_value=-_ROUNDING),
        between(
            "plan", "q_beyond_Q", f"no weight is above Q, to {_ROUNDING:g}", max_value=_ROUNDING
        ),
        none(
            "unattainable",
            "missed",
            "every constraint is met",
            "warning",
            "{constraint} is missed by {excess} ({samples} samples)",
        ),
    ]
    if drawn:
        found.append(
            none(
                "missed_as_drawn",
                "missed",
                "what is drawn meets what was asked",
                "warning",
                "{measure} is missed by {excess}, the least that was found",
            )
        )
    return found


def gate_plan(
    plan: Plan,
    histogram: Histogram,
    q: NDArray[np.float64],
    records: Sequence[LabelRecord],
    made_from: Mapping[str, str],
    own: Sequence[Expectation] = (),
) -> GateResult:
    """Check a plan against its patterns (`histogram`, weights `q`) and the labels' `records`.

    `made_from` is the fingerprint of the configuration and labels at hand. A plan that was solved
    for another corpus has no gap to be small, and a rate of its own.
    """
    samples, certificate = plan.file.samples, plan.file.certificate
    eta, counted = plan.terms.eta, histogram.samples
    sampled, solved = counted < samples.balanced, plan.file.transferred is None
    mean_q = float(q @ histogram.counts) / max(counted, 1)
    row = {
        "labelled": samples.labelled,
        "balanced": samples.balanced,
        "filtered": samples.filtered,
        "rejected": samples.rejected,
        "patterns": len(histogram),
        "labelled_beyond_records": samples.labelled - sum(r.samples for r in records),
        "balanced_beyond_labelled": samples.balanced + samples.filtered - samples.labelled,
        "counted_beyond_solved": counted - plan.solved_on,
        "gap": certificate.gap if solved else None,
        "violation": certificate.violation,
        "rate": certificate.rate,
        "rate_error": certificate.rate - eta if solved else None,
        "mean_q_error": None if sampled else mean_q - (eta if solved else certificate.rate),
        "least_q": float(q.min(initial=0.0)),
        "q_beyond_Q": float(q.max(initial=0.0)) - plan.terms.Q,
        "unattainable": len(plan.file.missed),
    }
    tables = {
        "parts": _parts(plan.fingerprint, made_from),
        "plan": Table(pd.DataFrame([row]), counted=("balanced",)),
        "unattainable": _unattainable(plan, histogram),
    }
    drawn = plan.file.draw is not None
    missed = {} if plan.file.missed else missed_as_drawn(plan)
    if drawn:
        tables["missed_as_drawn"] = _missed_as_drawn(missed)
    columns = {name: table.columns for name, table in tables.items()}
    found = evaluate("plan", tables, [*plan_suite(drawn), *placed(own, columns, "plan")])
    return replace(found, unmet=plan.file.missed or tuple(missed))


def _missed_as_drawn(missed: Mapping[str, float]) -> Table:
    """What the plan meets and the samples drawn miss."""
    frame = pd.DataFrame(
        {
            "measure": pd.Series(list(missed), dtype=object),
            "missed": pd.Series([1] * len(missed), dtype=int),
            "excess": pd.Series(list(missed.values()), dtype=float),
        }
    )
    return Table(frame, "measure", ("excess",))


def _parts(of_plan: Mapping[str, str], at_hand: Mapping[str, str]) -> Table:
    names = sorted({*of_plan, *at_hand})
    differs = [int(of_plan.get(name) != at_hand.get(name)) for name in names]
    return Table(pd.DataFrame({"part": names, "differs": differs}), "part")


def _unattainable(plan: Plan, histogram: Histogram) -> Table:
    """The constraints that are missed, the dearest first: by how much, and of how many samples.

    Those are the samples solved on that carry the attribute and, of a pair, the label.
    """
    rows = {row.constraint.name: row for row in plan.file.constraints}
    missed = [rows[name] for name in plan.file.missed if name in rows]
    frame = pd.DataFrame(
        {
            "constraint": pd.Series([row.constraint.name for row in missed], dtype=object),
            "missed": 1,
            "excess": pd.Series([row.slack for row in missed], dtype=float),
            "samples": [_carriers(row.constraint, plan, histogram) for row in missed],
        }
    )
    return Table(frame.astype({"missed": int, "samples": int}), "constraint", ("samples", "excess"))


def _carriers(constraint: Constraint, plan: Plan, histogram: Histogram) -> int:
    among = histogram.counts.astype(np.float64)
    if constraint.attribute is not None:
        names = [attribute.name for attribute in plan.terms.attributes]
        among = among * histogram.s[:, names.index(constraint.attribute)]
    if constraint.label is None:
        return round(float(among.sum()))
    return round(float((among @ histogram.y)[plan.terms.labels.index(constraint.label)]))
