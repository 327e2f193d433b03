"""Making the plan: the problem of a corpus, solved and measured."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.balancing import Balanced, balance
from transforms.config import Config
from transforms.dual import Slots
from transforms.errors import FairshardError
from transforms.fingerprint import fingerprint
from transforms.histogram import Histogram, packed
from transforms.measures import measure
from transforms.plan import VERSION, Plan
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
    balanced = balance(histogram, schema.attributes, config.balance)
    solution, terms = balanced.solution, balanced.problem.terms
    made_from = fingerprint(config, records)
    labelled = sum(record.samples for record in records)
    document = {
        "version": VERSION,
        "fingerprint": made_from,
        "config": shown_config(config),
        "problem": {"eta": terms.eta, "Q": terms.Q, "V": terms.V},
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
        "without_support": list(solution.dropped),
        "measures": {
            "before": measure(histogram, schema.attributes).to_dict(),
            "predicted": balanced.measures.to_dict(),
        },
        "mu": solution.duals.mu,
        "constraints": _constraint_rows(balanced),
    }
    return Plan(made_from, terms, solution.duals, document), _patterns(
        histogram, schema, solution.q
    )


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
