"""The metrics of a run, from the files in its output folder alone, whatever ran it."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from transforms.base.redaction import redacted
from transforms.labels.matches import matches_of
from transforms.labels.records import LabelRecord, label_record_from
from transforms.outcome.artefacts import read_artefacts
from transforms.outcome.generations import GenerationRow, generation_rows
from transforms.outcome.measure_rows import measure_rows, planned_rows
from transforms.outcome.prometheus import Labels, Metric, counter, gauge, labelled, prometheus_text
from transforms.outcome.status import SAMPLING_ERROR
from transforms.plan.plan import Plan, read_plan
from transforms.resampling.manifest import manifest_of
from transforms.resampling.records import OutputRecord, output_record_from
from transforms.storage import paths
from transforms.storage.concurrent import records_in
from transforms.storage.files import Storage
from transforms.storage.last_run import read_run
from transforms.storage.shared_labels import own_shards
from transforms.tables.counts import TableCounts

_NOT_A_STEP = "total"
_STATUS = {"met": 0, "within sampling error": 0, "missed": 1}


def run_metrics(storage: Storage) -> list[Metric]:
    """What is known so far of the run in `storage`; none of what is not."""
    own, all_labels = (
        own_shards(storage),
        records_in(storage, paths.LABEL_RECORDS, label_record_from),
    )
    label = [record for record in all_labels if own is None or record.shard.name in own]
    output = records_in(storage, paths.OUTPUT_RECORDS, output_record_from)
    return [
        *_of_the_run(storage),
        *_of_labels(label),
        *_of_tables(matches_of(label, storage)),
        *_of_outputs(output),
        *_of_steps(label, output),
        *_of_the_plan(storage),
    ]


def run_text(metrics: Iterable[Metric], storage: Storage) -> str:
    """The metrics of a run as Prometheus reads them, labelled with the run's output."""
    return prometheus_text(metrics, labelled(output=redacted(storage.url)))


def _of_the_run(storage: Storage) -> Iterator[Metric]:
    run = read_run(storage)
    if not run.known:
        return
    started, finished = run.started, run.finished
    if run.run and run.command and run.engine:
        named = labelled(run=run.run, command=run.command, engine=run.engine)
        yield gauge("fairshard_run_info", "The last run: its id, command and engine.", {named: 1})
        active, failed = finished is None, run.error is not None
        yield gauge("fairshard_run_active", "1 while the last run goes on, or was killed.", active)
        yield gauge("fairshard_run_failed", "1 where the last run ended with an error.", failed)
    if started:
        when = datetime.fromisoformat(started).timestamp()
        yield gauge("fairshard_run_start_timestamp_seconds", "When the last run began.", when)
    if finished:
        when = datetime.fromisoformat(finished).timestamp()
        yield gauge("fairshard_run_end_timestamp_seconds", "When the last run ended.", when)
    stages = {labelled(stage=name): seconds for name, seconds in run.stages.items()}
    yield gauge("fairshard_stage_duration_seconds", "Time that a stage took, last run.", stages)


def _of_labels(records: Sequence[LabelRecord]) -> Iterator[Metric]:
    ignored = sum((Counter(record.ignored) for record in records), Counter[str]())
    reasons = {labelled(reason=reason): count for reason, count in sorted(ignored.items())}
    yield counter("fairshard_shards_labelled_total", "Input shards labelled.", len(records))
    yield counter(
        "fairshard_samples_labelled_total",
        "Samples labelled.",
        sum(record.samples for record in records),
    )
    yield counter(
        "fairshard_samples_rejected_total",
        "Samples that could not be labelled.",
        sum(record.rejects for record in records),
    )
    yield counter("fairshard_members_ignored_total", "Tar members of no sample.", reasons)
    yield counter(
        "fairshard_shards_lost_total",
        "Input shards that give no sample.",
        sum(not record.samples for record in records),
    )
    yield counter(
        "fairshard_input_lost_bytes_total",
        "Bytes of the input shards that cannot be read.",
        sum(record.lost_bytes for record in records),
    )
    yield counter(
        "fairshard_input_bytes_total",
        "Bytes of the input shards labelled.",
        sum(record.shard.bytes for record in records),
    )
    on_gpu = _summed(record.seconds for record in records if record.device == "cuda")
    if on_gpu.get(_NOT_A_STEP):
        yield gauge(
            "fairshard_gpu_busy_ratio",
            "Share of the labelling workers' time in which the model is at work on their GPU.",
            on_gpu["model"] / on_gpu[_NOT_A_STEP],
        )


def _of_tables(tables: Sequence[TableCounts]) -> Iterator[Metric]:
    if not tables:
        return
    yield counter(
        "fairshard_table_samples_total",
        "Samples that have a row in a table, and those that have none.",
        {
            labelled(table=one.table, row=row): count
            for one in tables
            for row, count in (("found", one.with_row), ("missing", one.without_row))
        },
    )
    yield counter(
        "fairshard_table_rows_unmatched_total",
        "Rows of a table that are of no sample.",
        {labelled(table=one.table): one.unmatched_rows for one in tables},
    )


def _of_outputs(records: Sequence[OutputRecord]) -> Iterator[Metric]:
    yield counter("fairshard_shards_written_total", "Output shards written.", len(records))
    yield counter(
        "fairshard_samples_written_total",
        "Samples in the output shards, repeats counted.",
        sum(record.samples for record in records),
    )
    yield counter(
        "fairshard_output_bytes_total",
        "Bytes of the output shards.",
        sum(record.bytes for record in records),
    )


def _of_steps(label: Sequence[LabelRecord], output: Sequence[OutputRecord]) -> Iterator[Metric]:
    by_stage = {
        "label": _summed(record.seconds for record in label),
        "resample": _summed(record.seconds for record in output),
    }
    yield counter(
        "fairshard_step_seconds_total",
        "Time by step, added up over workers and threads; steps of a stage overlap.",
        {
            labelled(stage=stage, step=step): value
            for stage, seconds in by_stage.items()
            for step, value in seconds.items()
            if step != _NOT_A_STEP
        },
    )
    if label:
        yield counter(
            "fairshard_label_worker_seconds_total",
            "Time of the labelling workers, added up.",
            by_stage["label"].get(_NOT_A_STEP, 0.0),
        )


def _of_the_plan(storage: Storage) -> Iterator[Metric]:
    if not storage.exists(paths.PLAN):
        return
    plan = read_plan(storage)
    samples, certificate = plan.file.samples, plan.file.certificate
    yield gauge("fairshard_patterns", "Patterns of the solved histogram.", samples.patterns)
    yield gauge("fairshard_samples_balanced", "Samples balanced.", samples.balanced)
    yield gauge("fairshard_gap_ratio", "Relative duality gap of the plan.", certificate.gap)
    yield gauge("fairshard_rate_ratio", "Mean weight of the plan.", certificate.rate)
    yield gauge("fairshard_rate_asked_ratio", "The rate asked for, eta.", plan.terms.eta)
    yield gauge(
        "fairshard_constraints_unattainable",
        "Constraints that the plan does not meet.",
        len(plan.file.missed),
    )
    config = plan.file.config
    if config["model"]:
        size = config["model"]["batch_size"]
        yield gauge("fairshard_model_batch_size", "Samples in a batch of the model.", size)
    limit = config["input"]["limits"]["max_reject_share"]
    yield gauge("fairshard_reject_limit_ratio", "Share of rejects that stops a run.", limit)
    if manifest_of(plan, storage) is not None:
        yield from _of_the_output(storage)
    else:
        yield _bias(_planned(plan))


def _of_the_output(storage: Storage) -> Iterator[Metric]:
    artefacts = read_artefacts(storage)
    rows = measure_rows(artefacts)
    totals = artefacts.manifest.totals
    for name, count in (("kept", totals.kept), ("dropped", totals.dropped)):
        total = f"fairshard_samples_{name}_total"
        yield counter(total, f"Samples {name}, of the manifest.", count)
    yield counter("fairshard_repeats_total", "Copies beyond a sample's first.", totals.repeats)
    yield _bias(
        {
            labelled(measure=row.name, when=when): getattr(row, when).value
            for row in rows
            for when in ("before", "predicted", "after")
        }
    )
    yield gauge(
        "fairshard_bias_asked",
        "The bound on what is most above it after, or nearest to it, by measure.",
        _known({labelled(measure=row.name): row.after.asked for row in rows}),
    )
    beyond = f" by more than sampling explains ({SAMPLING_ERROR})" * (artefacts.drawn is None)
    yield gauge(
        "fairshard_bias_missed",
        f"1 where the output misses a bound{beyond}.",
        {labelled(measure=row.name): _STATUS[row.status] for row in rows if row.status in _STATUS},
    )
    if artefacts.grown:
        yield from _of_generations(tuple(generation_rows(artefacts.manifest, artefacts.plan)))


def _of_generations(rows: Sequence[GenerationRow]) -> Iterator[Metric]:
    yield gauge(
        "fairshard_generation_samples_written",
        "Samples that a generation wrote, repeats counted.",
        {labelled(generation=str(row.entry.number)): row.entry.written for row in rows},
    )
    yield gauge(
        "fairshard_generation_bias",
        "Bias of a generation by itself, by measure: beside the bounds on all that is written.",
        _known(
            {
                labelled(generation=str(row.entry.number), measure=one.name): one.value
                for row in rows
                for one in row.measures
            }
        ),
    )


def _planned(plan: Plan) -> dict[Labels, float]:
    return {
        labelled(measure=row.name, when=when): getattr(row, when).value
        for row in planned_rows(plan)
        for when in ("before", "predicted")
    }


def _bias(values: Mapping[Labels, float]) -> Metric:
    return gauge(
        "fairshard_bias",
        "Bias by measure: most above its bound, or nearest to it; the largest where none is asked.",
        _known(values),
    )


def _known(values: Mapping[Labels, float]) -> dict[Labels, float]:
    return {labels: value for labels, value in values.items() if not math.isnan(value)}


def _summed(seconds: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for by_step in seconds:
        total.update(by_step)
    return dict(total)
