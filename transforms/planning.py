"""Making the plan: the problem of a corpus, solved and measured."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.balancing import Balanced
from transforms.calibration import fitting_calibration
from transforms.config import Config
from transforms.conflicts import conflict_of
from transforms.correction import corrected_part, measured_error
from transforms.dual import Slots
from transforms.errors import FairshardError
from transforms.fingerprint import fingerprint
from transforms.histogram import Histogram, packed
from transforms.measures import measure
from transforms.plan import VERSION, Plan
from transforms.rates import balance_as_asked
from transforms.records import LabelRecord
from transforms.schema import Schema, schema_of


def make_plan(
    histogram: Histogram, records: Sequence[LabelRecord], config: Config
) -> tuple[Plan, pa.Table]:
    """Solve for a corpus: the plan, and its patterns with their counts and weights."""
    check_rejects(records, config)
    if histogram.samples == 0:
        raise FairshardError(
            "no sample is left to balance: every one was rejected, or is below "
            "filter.min_similarity; see rejects/ in the output"
        )
    schema = schema_of(config)
    calibration = fitting_calibration(config)
    corpus = calibration.corrected(histogram) if calibration else histogram
    balanced, largest = balance_as_asked(corpus, schema.attributes, config.balance)
    solution, terms = balanced.solution, balanced.problem.terms
    conflict = (
        conflict_of(corpus, schema.attributes, config.balance, balanced)
        if solution.unattainable
        else None
    )
    made_from = fingerprint(config, records)
    labelled = sum(record.samples for record in records)
    document = {
        "version": VERSION,
        "fingerprint": made_from,
        "config": shown_config(config),
        "problem": {"eta": terms.eta, "Q": terms.Q, "V": terms.V},
        "largest_rate": largest and {"rate": largest.rate, "upper": largest.upper},
        "attributes": [
            {**dataclasses.asdict(attribute), "centre": centre, "label_centres": label_centres}
            for attribute, centre, label_centres in zip(
                terms.attributes, terms.centres.tolist(), terms.label_centres.tolist(), strict=True
            )
        ],
        "labels": list(schema.labels),
        "samples": {
            "labelled": labelled,
            "filtered": labelled - histogram.samples,
            "balanced": histogram.samples,
            "rejected": sum(record.rejects for record in records),
            "patterns": len(histogram),
        },
        "certificate": {
            "primal": solution.primal,
            "dual": solution.dual,
            "gap": solution.gap,
            "violation": solution.violation,
            "rate": solution.rate,
            "utility_error_bound": solution.utility_error_bound,
        },
        "unattainable": list(solution.unattainable),
        "conflict": conflict and conflict.to_dict(),
        "without_support": list(solution.dropped),
        "measures": {
            "before": measure(corpus, schema.attributes).to_dict(),
            "predicted": balanced.measures.to_dict(),
        },
        "standard_errors": {
            when: measured_error(corpus, calibration, schema.attributes, q).to_dict()
            for when, q in (("before", np.ones(len(histogram))), ("predicted", solution.q))
        },
        "calibration": calibration
        and corrected_part(histogram, calibration, schema.attributes, solution.q),
        "mu": solution.duals.mu,
        "constraints": _constraint_rows(balanced),
    }
    odds = calibration.odds if calibration else None
    plan = Plan(made_from, terms, solution.duals, odds, document)
    return plan, _patterns(histogram, schema, solution.q)


def check_rejects(records: Sequence[LabelRecord], config: Config) -> None:
    """Raise FairshardError where the share of rejects is over its budget."""
    rejected = sum(record.rejects for record in records)
    total = rejected + sum(record.samples for record in records)
    budget = config.input.limits.max_reject_share
    if rejected > budget * total:
        raise FairshardError(
            f"{rejected:,} of {total:,} samples ({rejected / total:.1%}) were rejected, more than "
            f"input.limits.max_reject_share = {budget:g} allows: see the reasons in rejects/ of "
            "the output, mend the shards or raise the limit"
        )


def shown_config(config: Config) -> dict[str, Any]:
    """The configuration as plans and reports show it: without output, engine and secrets."""
    return config.model_dump(
        mode="json", exclude={"output": True, "engine": True, "input": {"storage_options"}}
    )


def _constraint_rows(balanced: Balanced) -> list[dict[str, Any]]:
    tolerances = Slots.of(balanced.problem).tolerance.tolist()
    return [
        {
            "kind": row.constraint.kind,
            "attribute": row.constraint.attribute,
            "label": row.constraint.label,
            "sign": row.constraint.sign,
            "tolerance": tolerance,
            "price": row.price,
            "slack": row.slack,
            "attainable": row.attainable,
        }
        for row, tolerance in zip(balanced.solution.constraints, tolerances, strict=True)
    ]


def _patterns(histogram: Histogram, schema: Schema, q: NDArray[np.float64]) -> pa.Table:
    return pa.table(
        {
            "pattern": packed(histogram.patterns),
            "count": histogram.counts,
            "utility_sum": histogram.utility_sums,
            "q": q,
        },
        metadata={"columns": json.dumps(schema.pattern_columns)},
    )
