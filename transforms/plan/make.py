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
from transforms.config.schema import Attribute, asked_of, schema_of
from transforms.config.sections import Balance, Config
from transforms.feasibility.rates import balance_as_asked
from transforms.labels.records import LabelRecord
from transforms.m4.balance import Balanced, balance
from transforms.plan.balanceable import check_balanceable
from transforms.plan.fingerprint import fingerprint
from transforms.plan.plan import Plan, vouched_for
from transforms.plan.plan_file import (
    VERSION,
    CalibrationFigures,
    PlanFile,
    PlannedErrors,
    PlannedMeasures,
    RateFound,
    SampleCounts,
    Sampled,
)
from transforms.plan.sections import (
    certificate,
    constraint_rows,
    filter_section,
    planned_attributes,
    rate_found,
    scalars,
    written_section,
)
from transforms.plan.written_part import WrittenPart
from transforms.statistics.filtering import FilterCounts
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import Measures, measure, measures_of
from transforms.statistics.moments import Moments
from transforms.statistics.pattern_tables import histogram_table

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class SolvedCorpus:
    """What a plan is written from.

    histogram holds the `samples` solved on, as labelled, or some of them; balanced and before are
    of all. labelled are the measures by recognised attributes, where there is a calibration.
    sampled says how a sample was solved on and polished. filtered: what the filter took, if any.
    written: what earlier generations wrote, if any did, and labelled_union the measures of that and
    of what is balanced, by recognised attributes.
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
    written: WrittenPart | None = None
    labelled_union: Measures | None = None

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
    written: WrittenPart | None = None,
    found: RateFound | None = None,
) -> tuple[Plan, pa.Table]:
    """Solve for a corpus: the plan, and its patterns with their counts and weights.

    Where earlier generations have `written` something, bounds are on the union with that. found:
    the rate to solve at, where that is left open and was looked for before.
    """
    check_balanceable(histogram, records, config, filtered)
    attributes = schema_of(config).attributes
    calibration = fitting_calibration(config)
    corpus = calibration.corrected(histogram) if calibration else histogram
    written = written if written and written.samples else None
    before = written.moments if written else None
    balanced, found = _balanced(corpus, attributes, asked_of(config), found, before)
    q = balanced.solution.q
    solved = SolvedCorpus(
        histogram,
        calibration,
        balanced,
        measure(corpus, attributes),
        _as_labelled(histogram, attributes, q) if calibration else None,
        found,
        histogram.samples,
        None,
        filtered,
        written,
        _labelled_union(histogram, attributes, q, written) if written and calibration else None,
    )
    return plan_of(solved, records, config)


def _balanced(
    corpus: Histogram,
    attributes: tuple[Attribute, ...],
    asked: Balance,
    found: RateFound | None,
    before: Moments | None,
) -> tuple[Balanced, RateFound | None]:
    if found:
        return balance(corpus, attributes, asked.at(found.rate), written=before), found
    balanced, largest = balance_as_asked(corpus, attributes, asked, before)
    return balanced, rate_found(largest)


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
        problem=scalars(terms),
        largest_rate=solved.largest,
        attributes=planned_attributes(terms),
        labels=schema.labels,
        samples=SampleCounts(
            labelled=labelled,
            filtered=labelled - solved.samples,
            balanced=solved.samples,
            rejected=sum(record.rejects for record in records),
            patterns=len(histogram),
        ),
        **filter_section(solved.filtered, len(terms.attributes)),
        patterns=vouched_for(patterns),
        sampled=solved.sampled,
        **written_section(solved.written, balanced, solved.labelled_union),
        certificate=certificate(balanced, config.balance),
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
        constraints=constraint_rows(balanced),
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


def _labelled_union(
    histogram: Histogram, attributes: tuple[Attribute, ...], q: Vector, written: WrittenPart
) -> Measures:
    drawn = Moments.of_corpus(histogram, attributes, q)
    return measures_of(drawn.plus(written.labelled), attributes)


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
