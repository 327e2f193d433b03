"""The report: one self-contained HTML page, made from an output folder's artefacts alone."""

import math
from collections.abc import Mapping
from typing import Any

import yaml
from jinja2 import Environment

from transforms.base.counts import counted, named
from transforms.base.errors import FairshardError
from transforms.base.templates import environment
from transforms.gates.results import read_results
from transforms.gates.subjects import checked_in
from transforms.labels.matches import matches_of
from transforms.outcome.absences import groups_in_output, removed_names
from transforms.outcome.artefacts import Artefacts, read_artefacts
from transforms.outcome.audits import UNKNOWN, audits_of, filter_unknown
from transforms.outcome.generations import generation_rows
from transforms.outcome.measure_rows import Worst, measure_rows
from transforms.outcome.shares import bounded_shares
from transforms.outcome.status import SAMPLING_ERROR
from transforms.outcome.training import training_command
from transforms.outcome.verdict import verdict_of
from transforms.plan.explanation_file import explanation_of
from transforms.report.charts import axis, heat_map
from transforms.report.frontier import read_frontier
from transforms.report.gallery import SampleGroup, sample_groups
from transforms.report.tables import (
    kept_attributes,
    kept_labels,
    price_rows,
    read_rejects,
    seconds_of_labelling,
    share_rows,
    skew_rows,
)
from transforms.statistics.bounded import figures
from transforms.storage import paths
from transforms.storage.files import Storage

_NOISE = 1e-9
_MINUS = "\N{MINUS SIGN}"


def write_report(storage: Storage, input_options: Mapping[str, Any] | None = None) -> str:
    """Write `report/index.html` from the artefacts in `storage`, and return its full path.

    `input_options` are the options of the input shards' file system, from which the sample
    pictures are read; where they cannot be read, the page says so. Raises FairshardError where
    plan or manifest is absent.
    """
    return write_page(read_artefacts(storage), storage, input_options or {})


def write_page(artefacts: Artefacts, storage: Storage, input_options: Mapping[str, Any]) -> str:
    """As `write_report`, of artefacts that have been read."""
    groups, problem = _samples(artefacts, storage, input_options)
    page = (
        _templates()
        .get_template("report.html.j2")
        .render(**_sections(artefacts, storage), groups=groups, samples_problem=problem)
    )
    storage.publish(paths.REPORT, page.encode("utf-8"))
    return storage.path(paths.REPORT)


def _templates() -> Environment:
    """The report's templates: numbers in one form."""
    templates = environment(__package__)
    templates.filters |= {
        "count": lambda value: f"{value:,.0f}",
        "counted": lambda value, thing: counted(round(value), thing),
        "verb": lambda value, one, more: named(round(value), one, more),
        "percent": _percent,
        "beside": _beside,
        "bias": lambda value: _number(value, ".4f"),
        "signed": lambda value: _signed(value, 3),
        "cell": lambda value: _signed(value, 2),
        "weight": lambda value: _number(value, ".3f"),
        "slack": lambda value: _number(value if abs(value) > _NOISE else 0.0, ".3g"),
        "excess": lambda value: _number(value, ".2g"),
        "general": lambda value: _number(value, ".3g"),
        "bare": _bare,
        "bytes": _bytes,
        "seconds": _seconds,
    }
    return templates


def _sections(artefacts: Artefacts, storage: Storage) -> dict[str, Any]:
    rows = measure_rows(artefacts)
    shares = share_rows(artefacts)
    names = [attribute.name for attribute in artefacts.attributes]
    labels = artefacts.histogram.labels
    before, after = artefacts.before, artefacts.after
    plan = artefacts.plan
    known = explanation_of(plan, storage)
    return {
        "plan": plan.file,
        "manifest": artefacts.manifest,
        "config": artefacts.config,
        "attributes": artefacts.attributes,
        "run": artefacts.run,
        "verdict": verdict_of(artefacts, rows),
        "measures": rows,
        "generations": tuple(generation_rows(artefacts.manifest, plan)),
        "sampling_error": SAMPLING_ERROR,
        "shares": shares,
        "bounded_shares": bounded_shares(artefacts),
        "share_axis": axis([v for row in shares for v in (row.before, row.after, row.high)], 1.0),
        "association": heat_map(names, labels, before.AB, after.AB),
        "skew_asked": plan.terms.bounds_skew,
        "skew": heat_map(names, labels, before.skew, after.skew, 24),
        "skews": skew_rows(artefacts),
        "kept_attributes": kept_attributes(artefacts),
        "kept_labels": kept_labels(artefacts),
        "removed": removed_names(plan, artefacts.histogram, artefacts.q, artefacts.manifest),
        "groups_shown": groups_in_output(
            plan, artefacts.histogram, artefacts.q, artefacts.manifest
        ),
        "audits": audits_of(plan, artefacts.histogram),
        "audits_unknown": UNKNOWN if filter_unknown(plan) else "",
        "prices": price_rows(artefacts),
        "missed": artefacts.plan.missed_in_words,
        "why": tuple(known.lines()) if known else (),
        "frontier": read_frontier(storage, plan),
        "gates": read_results(storage, checked_in(artefacts)),
        "rejects": read_rejects(artefacts.records, storage),
        "tables": matches_of(artefacts.records, storage),
        "labelling": seconds_of_labelling(artefacts.records),
        "config_text": yaml.safe_dump(
            _given(plan.file.config),
            sort_keys=False,
            allow_unicode=True,
            width=100,
        ),
        "sampled": plan.sampled_in_words,
        "training_command": training_command(artefacts.manifest, storage),
    }


def _given(values: Any) -> Any:
    """A configuration without its empty values."""
    if not isinstance(values, dict):
        return values
    given = {key: _given(value) for key, value in values.items()}
    return {key: value for key, value in given.items() if value not in (None, [], {})}


def _samples(
    artefacts: Artefacts, storage: Storage, input_options: Mapping[str, Any]
) -> tuple[tuple[SampleGroup, ...], str]:
    """The sample groups, or why there are none."""
    plan, config, records = artefacts.plan, artefacts.config, artefacts.records
    try:
        return sample_groups(plan, config, records, storage, input_options), ""
    except FairshardError as error:
        return (), str(error)


def _number(value: float | None, form: str) -> str:
    if value is None or math.isnan(value):
        return "no data"
    return format(value, form).replace("-", _MINUS)


def _beside(worst: Worst) -> tuple[str, str]:
    """A value and its bound, in as many digits as tell whether it is met; '' for no bound."""
    if math.isnan(worst.value) or math.isnan(worst.asked):
        return _number(worst.value, ".4f"), ""
    return figures(worst.value, worst.asked)


def _signed(value: float, digits: int) -> str:
    return _number(value, f"+.{digits}f") if round(value, digits) else f"{0:.{digits}f}"


def _percent(value: float) -> str:
    return "no data" if math.isnan(value) else f"{100 * value:.1f}%"


def _bare(name: str) -> str:
    return name.partition(".")[2]


def _bytes(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.3g} TB"


def _seconds(value: float) -> str:
    if value < 100:
        return f"{value:.1f} s" if value >= 10 else f"{value:.2f} s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"
