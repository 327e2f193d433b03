"""The job that says how far a corpus that grew is from its plan, and what to do about it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from rich.console import Console

from jobs.run.running import run_command
from jobs.session.applied_lines import applied_in_values, new_patterns, samples_of, say_applied
from jobs.session.console import say
from jobs.session.corpus_histogram import counted_patterns
from jobs.session.growing import appending, growth_of
from jobs.session.inputs import input_of
from jobs.session.labelled import all_label_records, labels_of
from jobs.session.written import require_first
from transforms.base.errors import FairshardError, StaleError
from transforms.calibration.posteriors import Calibration, fitting_calibration
from transforms.config.schema import asked_of, schema_of
from transforms.config.sections import Config
from transforms.generations.on_file import written_patterns
from transforms.generations.record import Generation
from transforms.labels.records import LabelRecord
from transforms.m4.targets import asked_only, targets_of
from transforms.outcome.applied_rows import AppliedRow, applied_rows, applied_shares
from transforms.outcome.status import STANDARD_ERRORS
from transforms.plan.drift import Drift, WrittenMoments, drift_of
from transforms.plan.plan import Plan, read_histogram, read_plan
from transforms.plan.plan_file import PlannedErrors, PlannedMeasures
from transforms.plan.transfer import check_same_names
from transforms.stages.engine import Engine
from transforms.statistics.counting import accumulator_for
from transforms.statistics.histogram import HistogramAccumulator
from transforms.statistics.measures import PerMeasure
from transforms.statistics.moments import Moments
from transforms.storage.files import Storage, output_storage

Advice = Literal["append", "rebuild", "nothing"]


def run(
    config: Config, runner: Engine, console: Console, run_id: str, least: float = 0.0
) -> dict[str, Any]:
    """Label what is new and compare it with the plan; the figures, and the advice.

    least: the share of all samples that new ones have to be to be worth a run.
    """
    storage, growing = output_storage(config.output), appending(config)
    if config.input.tables:
        raise FairshardError(
            "drift compares the input with the shards that an output was written from, and a "
            "corpus of tables is written to none: `fairshard solve` counts it again"
        )
    found = input_of(config, console)
    summary: dict[str, Any] = {
        "output": storage.url,
        "seen": {"shards": 0, "samples": 0},
        "new": {"shards": 0, "samples": 0, "labelled_now": 0},
    }
    try:
        growth = growth_of(growing, found)
        if growth is None:
            why = f"{storage.url} holds no finished output yet: all of the input is new"
            return {**summary, **_advice("append", why)}
        whole = growth.manifest
        summary["seen"] = {"shards": len(whole.inputs), "samples": whole.totals.in_}
        if not growth.generations:
            require_first(whole, config, storage)
    except StaleError as error:
        return {**summary, **_advice("rebuild", str(error))}
    if not growth.new:
        return {**summary, **_advice("nothing", "the input has no shard that is not written from")}
    last = growth.generations[-1:]
    plan = read_plan(storage.generation(last[0].number) if last else storage)
    check_same_names(plan, accumulator_for(schema_of(config)).extract())
    unlabelled = len(labels_of(config, growth.new).missing)
    if unlabelled:
        run_command("label", growing, runner, console, run_id)
    records = all_label_records(config, growth.new)
    summary["new"] = {
        "shards": len(records),
        "samples": sum(record.samples + record.rejects for record in records),
        "labelled_now": unlabelled,
    }
    return {**summary, **_compared(config, plan, growth.generations, records, least, console)}


def show(summary: Mapping[str, Any], console: Console) -> None:
    """Print it for people."""
    new, seen = summary["new"], summary["seen"]
    if seen["shards"]:
        say(console, f"written from: {samples_of(seen['shards'], seen['samples'])}")
    if new["samples"]:
        now = f"{new['labelled_now']:,} labelled in this run"
        say(console, f"new: {samples_of(new['shards'], new['samples'])} ({now})")
    if "bias" in summary:
        say(console, "the new ones, by the plan of those before:")
        say_applied(summary, console)
        say(
            console,
            f"{new_patterns(summary['new_patterns'])}; the plan would keep them at a rate of "
            f"{summary['rate']:.4f} (its eta is {summary['eta']:g})",
        )
        say(console, "what is written and, were the new ones added by that plan, both together:")
        say_applied({"bias": summary["together"]}, console, ("written", "together"))
    say(console, f"advice: {summary['advice']}")
    for line in summary["why"]:
        say(console, f"  {line}")


def _compared(
    config: Config,
    plan: Plan,
    generations: Sequence[Generation],
    records: list[LabelRecord],
    least: float,
    console: Console,
) -> dict[str, Any]:
    """The figures of the new shards' samples, and the advice."""
    seen = counted_patterns(config, records, console)
    if not seen.histogram.samples:
        why = "no sample of the new shards is left: all are rejected, or the filter takes them"
        return _advice("nothing", why)
    schema, asked = schema_of(config), asked_of(config)
    calibration = fitting_calibration(config)
    written = _written(plan, generations, calibration, output_storage(config.output))
    found = drift_of(
        plan, written, seen.histogram, seen.samples, schema.attributes, asked, calibration
    )
    bounds = asked_only(targets_of(schema.attributes, schema.labels, config.balance))
    measured = found.transfer.measures, found.transfer.errors
    rows = applied_rows(*measured, bounds, schema.attributes, schema.labels)
    shares = applied_shares(measured[0], asked.shares, schema.attributes, schema.labels)
    both = PlannedMeasures(before=found.written, predicted=found.together)
    sure = PlannedErrors(before=_no_errors(bounds), predicted=_no_errors(bounds))
    together = applied_rows(both, sure, bounds, schema.attributes, schema.labels)
    share = seen.samples / (seen.samples + written.samples)
    return {
        **applied_in_values(rows, shares),
        "new_patterns": found.transfer.new,
        "rate": found.transfer.rate,
        "eta": plan.terms.eta,
        "seen_in_words": seen.in_words,
        "together": applied_in_values(together, ())["bias"],
        "not_by_append": list(found.not_by_append),
        "not_by_rebuild": list(found.not_by_rebuild),
        **_decided(found, rows, share, least),
    }


def _written(
    plan: Plan,
    generations: Sequence[Generation],
    calibration: Calibration | None,
    storage: Storage,
) -> WrittenMoments:
    """What the output holds: as counted where it has grown, else as its plan expects it."""
    found = written_patterns(generations, storage)
    if found is None:
        return WrittenMoments.expected(plan, *read_histogram(storage, plan))
    corrected = calibration.corrected(found) if calibration else plan.corrected(found)
    total = HistogramAccumulator(found.attributes, found.labels)
    samples = 0
    for generation in generations:
        own = storage.generation(generation.number)
        of = read_plan(own)
        total.add_histogram(read_histogram(own, of)[0])
        samples += of.file.samples.balanced
    corpus = total.extract()
    moments = Moments.of_corpus(corrected, plan.terms.attributes)
    return WrittenMoments(moments, corpus, samples / corpus.samples)


def _decided(
    found: Drift, rows: tuple[AppliedRow, ...], share: float, least: float
) -> dict[str, Any]:
    """What to do about new samples that are this `share` of all."""
    if share < least:
        return _advice("nothing", f"the new samples are {share:.2%} of all, and {least:.2%} asked")
    if found.for_rebuild:
        return _advice(
            "rebuild",
            *(
                f"no weights of the new samples bring what is written to its bound: {name}"
                for name in found.for_rebuild
            ),
        )
    far = [row for row in rows if row.beyond > STANDARD_ERRORS]
    by_plan = (
        f"the plan's weights miss no bound on the new samples by more than {STANDARD_ERRORS} "
        "standard errors"
    )
    if far:
        most = max(far, key=lambda row: row.beyond)
        by_plan = (
            f"the plan's weights miss {' and '.join(row.name for row in far)} on the new samples, "
            f"by {most.beyond:.1f} standard errors at most: append solves for them anew"
        )
    neither = [f"neither an append nor a rebuild can meet: {name}" for name in found.not_by_rebuild]
    return _advice("append", by_plan, *neither)


def _advice(advice: Advice, *why: str) -> dict[str, Any]:
    return {"advice": advice, "why": list(why)}


def _no_errors(like: PerMeasure) -> PerMeasure:
    return PerMeasure(*(np.full_like(one, np.nan) for one in (like.RB, like.AB, like.skew)))
