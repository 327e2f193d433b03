"""Making the plan: the problem of a corpus, solved and measured."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.calibration.posteriors import Calibration, fitting_calibration
from transforms.calibration.uncertainty import calibration_error, measured_error
from transforms.config.filters import MIN_SIMILARITY
from transforms.config.schema import Attribute, asked_of, schema_of
from transforms.config.sections import Balance, Config
from transforms.feasibility.rates import balance_as_asked
from transforms.labels.records import LabelRecord
from transforms.m4.balance import Balanced
from transforms.m4.constraints import Constraint, ConstraintTable
from transforms.m4.ranks import Ranks
from transforms.m4.shortfall import Ranked
from transforms.m4.terms import Terms
from transforms.plan.balanceable import check_balanceable
from transforms.plan.fingerprint import fingerprint
from transforms.plan.plan import Plan, vouched_for
from transforms.plan.plan_file import (
    VERSION,
    CalibrationFigures,
    CarrierCounts,
    CertificateFigures,
    ConditionCounts,
    ConstraintRow,
    Filtered,
    PlanFile,
    PlannedAttribute,
    PlannedErrors,
    PlannedMeasures,
    RankFigures,
    RateFound,
    SampleCounts,
    Sampled,
    Scalars,
)
from transforms.statistics.filtering import FilterCounts
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import Measures, measure
from transforms.statistics.pattern_tables import histogram_table

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class SolvedCorpus:
    """What a plan is written from.

    histogram holds the `samples` solved on, as labelled, or some of them; balanced and before are
    of all. labelled are the measures by recognised attributes, where there is a calibration.
    sampled says how a sample was solved on and polished. filtered: what the filter took, if any.
    """

    histogram: Histogram
    calibration: Calibration | None
    balanced: Balanced
    before: Measures
    labelled: PlannedMeasures | None
    largest: RateFound | None
    samples: int
    sampled: Sampled | None
    filtered: FilterCounts | None = None

    @property
    def corpus(self) -> Histogram:
        """The histogram with true attributes, where there is a calibration."""
        calibration = self.calibration
        return calibration.corrected(self.histogram) if calibration else self.histogram


def make_plan(
    histogram: Histogram,
    records: Sequence[LabelRecord],
    config: Config,
    filtered: FilterCounts | None = None,
) -> tuple[Plan, pa.Table]:
    """Solve for a corpus: the plan, and its patterns with their counts and weights."""
    check_balanceable(histogram, records, config, filtered)
    attributes = schema_of(config).attributes
    calibration = fitting_calibration(config)
    corpus = calibration.corrected(histogram) if calibration else histogram
    balanced, largest = balance_as_asked(corpus, attributes, asked_of(config))
    q = balanced.solution.q
    solved = SolvedCorpus(
        histogram,
        calibration,
        balanced,
        measure(corpus, attributes),
        _as_labelled(histogram, attributes, q) if calibration else None,
        RateFound(rate=largest.rate, upper=largest.upper) if largest else None,
        histogram.samples,
        None,
        filtered,
    )
    return plan_of(solved, records, config)


def plan_of(
    solved: SolvedCorpus, records: Sequence[LabelRecord], config: Config
) -> tuple[Plan, pa.Table]:
    """The plan that follows from what was found, and its patterns."""
    schema, histogram, calibration = schema_of(config), solved.histogram, solved.calibration
    corpus, balanced = solved.corpus, solved.balanced
    solution, terms = balanced.solution, balanced.problem.terms
    share = histogram.samples / solved.samples
    everybody = np.ones(len(histogram))
    labelled = sum(record.samples for record in records)
    patterns = histogram_table(histogram).append_column("q", pa.array(solution.q))
    patterns = patterns.replace_schema_metadata({"columns": json.dumps(schema.pattern_columns)})
    file = PlanFile(
        version=VERSION,
        fingerprint=fingerprint(config, records),
        config=shown_config(config),
        problem=_scalars(terms),
        largest_rate=solved.largest,
        attributes=_attributes(terms),
        labels=schema.labels,
        samples=SampleCounts(
            labelled=labelled,
            filtered=labelled - solved.samples,
            balanced=solved.samples,
            rejected=sum(record.rejects for record in records),
            patterns=len(histogram),
        ),
        **_filtered(solved.filtered, len(terms.attributes)),
        patterns=vouched_for(patterns),
        sampled=solved.sampled,
        certificate=_certificate(balanced, config.balance),
        missed=solution.missed,
        conflict=None,
        without_support=solution.dropped,
        measures=PlannedMeasures(before=solved.before, predicted=balanced.measures),
        standard_errors=PlannedErrors(
            before=measured_error(corpus, calibration, schema.attributes, everybody, share),
            predicted=measured_error(corpus, calibration, schema.attributes, solution.q, share),
        ),
        calibration=_calibration_figures(solved),
        mu=solution.duals.mu,
        constraints=_constraint_rows(balanced),
    )
    return Plan(terms, solution.duals, calibration.odds if calibration else None, file), patterns


def shown_config(config: Config) -> dict[str, Any]:
    """The configuration as plans and reports show it: without output, engine and secrets."""
    return config.model_dump(
        mode="json",
        exclude={
            "output": True,
            "engine": True,
            "gates": True,
            "input": {"storage_options"},
            "tables": {"__all__": {"storage_options"}},
            "embeddings": {"__all__": {"storage_options"}},
        },
    )


def _as_labelled(
    histogram: Histogram, attributes: tuple[Attribute, ...], q: Vector
) -> PlannedMeasures:
    before, predicted = measure(histogram, attributes), measure(histogram, attributes, q)
    return PlannedMeasures(before=before, predicted=predicted)


def _scalars(terms: Terms) -> Scalars:
    others = {"other_V": dict(terms.other_V)} if terms.other_V else {}
    return Scalars(eta=terms.eta, Q=terms.Q, V=terms.V, **others)


def _certificate(balanced: Balanced, asked: Balance) -> CertificateFigures:
    solution = balanced.solution
    ranks = _ranks(balanced, asked)
    return CertificateFigures(
        primal=solution.primal,
        dual=solution.dual,
        gap=solution.gap,
        violation=solution.violation,
        rate=solution.rate,
        utility_error_bound=solution.utility_error_bound,
        excess=solution.excess,
        least_excess=balanced.least_excess,
        **({"ranks": ranks} if ranks else {}),
    )


def _ranks(balanced: Balanced, asked: Balance) -> tuple[RankFigures, ...]:
    """What each rank is missed by, where something is missed and something comes first."""
    problem, solution = balanced.problem, balanced.solution
    ranks = Ranks.of(asked, problem.terms).all
    if not solution.missed or len(ranks) == 1:
        return ()
    excesses = Ranked(problem, solution, ranks).excesses.tolist()
    least = [proof.least for proof in balanced.proofs] or [0.0] * len(ranks)
    return tuple(
        RankFigures(kinds=kinds, excess=excess, least_excess=bound)
        for kinds, excess, bound in zip(ranks, excesses, least, strict=True)
    )


def _attributes(terms: Terms) -> tuple[PlannedAttribute, ...]:
    return tuple(
        PlannedAttribute(
            name=attribute.name,
            group=attribute.group,
            target=attribute.target,
            share_of=attribute.share_of,
            centre=centre,
            label_centres=tuple(label_centres),
        )
        for attribute, centre, label_centres in zip(
            terms.attributes, terms.centres.tolist(), terms.label_centres.tolist(), strict=True
        )
    )


def _filtered(counts: FilterCounts | None, attributes: int) -> dict[str, Any]:
    """What a plan says of the filter: nothing, where there is none."""

    def carriers(row: NDArray[np.int64]) -> CarrierCounts:
        samples, *flags = row.tolist()
        return CarrierCounts(
            samples=samples, attributes=tuple(flags[:attributes]), labels=tuple(flags[attributes:])
        )

    if counts is None:
        return {}
    conditions = tuple(
        ConditionCounts(name=name, taken=carriers(row), **_lacking(name, count))
        for name, row, count in zip(
            counts.conditions, counts.taken, counts.lacking.tolist(), strict=True
        )
    )
    labelled, several = carriers(counts.labelled), len(conditions) > 1
    together = {"together": carriers(counts.together)} if several else {}
    return {"filtered": Filtered(labelled=labelled, conditions=conditions, **together)}


def _lacking(condition: str, samples: int) -> dict[str, int]:
    """How many samples lack what a condition asks of; every one has a similarity."""
    return {} if condition == MIN_SIMILARITY else {"lacking": samples}


def _constraint_rows(balanced: Balanced) -> tuple[ConstraintRow, ...]:
    solved = balanced.solution.constraints
    tolerances = ConstraintTable.of(balanced.problem.terms).tolerance.tolist()
    proven: list[dict[str, Any]] = [{}] * len(solved)
    if balanced.least_excess:
        multipliers = np.column_stack([proof.multipliers for proof in balanced.proofs])
        proven = [{"proof": tuple(row)} for row in multipliers.tolist()]
    return tuple(
        ConstraintRow(
            kind=row.constraint.kind,
            attribute=row.constraint.attribute,
            label=row.constraint.label,
            sign=row.constraint.sign,
            **_bound_of(row.constraint),
            tolerance=0.0 if row.constraint.kind == "share" else tolerance,
            price=row.price,
            slack=row.slack,
            met=row.met,
            **proof,
        )
        for row, tolerance, proof in zip(solved, tolerances, proven, strict=True)
    )


def _bound_of(constraint: Constraint) -> dict[str, Any]:
    """The key of a bound on a share; that of other constraints is their tolerance."""
    return {} if constraint.bound is None else {"bound": constraint.bound}


def _calibration_figures(solved: SolvedCorpus) -> CalibrationFigures | None:
    calibration, by_labels = solved.calibration, solved.labelled
    if calibration is None or by_labels is None:
        return None
    q, attributes = solved.balanced.solution.q, solved.balanced.problem.terms.attributes
    return CalibrationFigures(
        log_odds=calibration.odds.to_dict(calibration.attributes, calibration.labels),
        as_labelled=by_labels,
        standard_errors=calibration_error(solved.histogram, calibration, attributes, q),
    )
