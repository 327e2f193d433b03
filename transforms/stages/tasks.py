"""The steps that every engine wires together; what passes between them is small."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from transforms.base.deadline import Deadline
from transforms.base.errors import FairshardError
from transforms.base.logs import LOGGER
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller, PartLabels, write_labels
from transforms.labels.records import LabelRecord, finished
from transforms.plan.plan import Plan
from transforms.resampling.growing import Before, grown_manifest
from transforms.resampling.manifest import make_manifest
from transforms.resampling.output_moments import Written, WrittenCopies
from transforms.resampling.packing import Kept, Output, capacity, pack
from transforms.resampling.publishing import begin_output, publish_manifest
from transforms.resampling.records import OutputRecord
from transforms.resampling.shards_file import all_kept, is_counted
from transforms.resampling.unique_keys import key_prefixes
from transforms.resampling.writing import write_output
from transforms.shards.finding import Shard
from transforms.shards.parts import Part
from transforms.shards.unchanged import require_same_input
from transforms.stages.doing import explaining, solving
from transforms.stages.drawing import Drawing
from transforms.stages.labelling import Labelling
from transforms.stages.registrations import load_exporters, load_registrations
from transforms.stages.solving import Checking, Counting
from transforms.stages.steps import Gathered, Step
from transforms.statistics.counting import accumulator_for
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage

_TIMES_SOLVING = 3
_LEAST_SECONDS = 5.0


@dataclass(frozen=True)
class OutputTask:
    """One output shard to write, with the records of the input shards that it takes from.

    prefixes: what keys that are to be unique begin with, by input shard.
    """

    output: Output
    records: dict[str, LabelRecord]
    prefixes: dict[str, str]


Labelled = LabelRecord | PartLabels


def label_part(
    part: Part, labelling: Labelling, config: Config, labeller: Callable[[], Labeller]
) -> Labelled:
    """Label a part of a shard, or find the shard labelled; only then is no labeller asked for.

    A shard of one part is written, and its record is what travels on.
    """
    load_registrations()
    storage = output_storage(config.output)
    done = finished(part.shard, labelling.settings, storage, labelling.layer)
    if done is not None:
        return done
    labelling.require_to_make(part.shard, config)
    return labeller().label_part(part) if part.count > 1 else labeller().label(part.shard, storage)


def gather_parts(
    shard: Shard, labelled: Iterable[Labelled], labelling: Labelling, config: Config
) -> LabelRecord:
    """The record of `shard` of what `label_part` gave for all its parts; writes what is apart.

    Where another attempt finished the shard meanwhile, its record is taken.
    """
    parts = list(labelled)
    records = [part for part in parts if isinstance(part, LabelRecord)]
    if records:
        return records[0]
    apart = [part for part in parts if isinstance(part, PartLabels)]
    storage = output_storage(config.output)
    return write_labels(shard, labelling.settings, apart, storage, labelling.layer)


def gather(record: LabelRecord, step: Step, config: Config) -> Gathered:
    """What a step of solving needs of one labelled shard."""
    load_registrations()
    return step.gather(record, config)


def advance(gathered: Gathered, step: Step, records: Sequence[LabelRecord], config: Config) -> Step:
    """The next step of solving, by what was gathered of all shards; writes the plan in the end.

    A plan that misses something is then explained, as far as a limited time allows. Only the
    process that solves loads the solver: workers start without it.
    """
    load_registrations()
    storage, began = output_storage(config.output), time.monotonic()
    with solving(storage):
        following = step.advance(gathered, records, config)
    if isinstance(following, Drawing):
        return replace(following, solving_took=time.monotonic() - began)
    if isinstance(step, Drawing) and following.made is not None:
        explain_in_time(following.made, storage, step.solving_took)
    return following


def explain_in_time(plan: Plan, storage: Storage, solving_took: float = 0.0) -> None:
    """Look for why a plan misses something: for some seconds, or a few times what solving took."""
    if not plan.file.missed:
        return
    from transforms.plan.explaining import explain

    enough = Deadline(max(_TIMES_SOLVING * solving_took, _LEAST_SECONDS))
    try:
        with explaining(storage):
            for _ in explain(plan, storage, enough):
                pass
    except FairshardError as error:
        LOGGER.warning("why something is missed could not be looked for: %s", error)


def first_step(config: Config) -> Step:
    """What a run of all stages begins to solve with: the gate of the labels, if there are gates."""
    return Checking() if config.gates.enabled else Counting()


def made_plan(step: Step) -> Plan:
    """The plan that the steps have led to."""
    if step.made is None:
        raise FairshardError(
            "solving has not come to an end in as many rounds as it may take: please report it"
        )
    return step.made


def passed_plan(plan: Plan, records: Sequence[LabelRecord], config: Config) -> Plan:
    """The plan, if it passes its gate or there are no gates; else GateError."""
    if config.gates.enabled:
        load_registrations()
        from transforms.gates.gating import check_plan
        from transforms.gates.results import require

        require(check_plan(plan, records, config))
    return plan


def is_uncounted(record: LabelRecord, plan: Plan, config: Config) -> bool:
    """Whether it is yet to be counted what a labelled shard gives to the output."""
    return not is_counted(record.shard.name, plan, config.output)


def output_tasks(
    kept: Sequence[Kept], records: Sequence[LabelRecord], plan: Plan, config: Config
) -> list[OutputTask]:
    """The output shards to write; they are claimed, and another output's manifest is withdrawn.

    kept: what those shards give at least that are uncounted. Where the output grows, shards are
    numbered on, and its manifest stays until the new one is there.
    """
    load_registrations()
    by_name = {record.shard.name: record for record in records}
    before = Before.of([*by_name], config)
    _withdraw_other_exports(plan, config)
    storage = output_storage(config.output)
    given = all_kept(kept, plan, config.output, storage)
    outputs = pack(given, capacity(config.output), before.first)
    numbers = [output.number for output in outputs]
    begin_output(numbers, plan, config, storage, grows=bool(before))
    prefixes = key_prefixes([*before.names, *by_name])
    return [
        OutputTask(
            output,
            {origin.shard: by_name[origin.shard] for origin in output.origins},
            {origin.shard: prefixes[origin.shard] for origin in output.origins},
        )
        for output in outputs
    ]


def write(task: OutputTask, plan: Plan, config: Config) -> tuple[OutputRecord, WrittenCopies]:
    """Write one output shard in the configured format, or find it written; and what it holds."""
    load_registrations()
    storage = output_storage(config.output)
    return write_output(task.output, task.records, plan, config, storage, task.prefixes)


def finish_output(
    written: Gathered,
    records: Sequence[LabelRecord],
    kept: Sequence[Kept],
    outputs: Sequence[OutputRecord],
    plan: Plan,
    config: Config,
) -> None:
    """Check conservation and write the manifest; `written` is what `write_output` gathered.

    Where the output grows, that is of this generation and those before it, which is put on file.

    kept: as of `output_tasks`. Raises StaleError where the input is not what was labelled any more.
    """
    load_registrations()
    before = Before.of([record.shard.name for record in records], config)
    require_same_input((record.shard for record in records), config, {*before.names, *before.urls})
    copies = written if isinstance(written, WrittenCopies) else None
    held = Written.from_sums(copies.sums if copies else None, plan)
    storage = output_storage(config.output)
    given = all_kept(kept, plan, config.output, storage)
    manifest = make_manifest(records, given, outputs, held, plan, config)
    if config.output.grows:
        patterns = (
            copies.patterns if copies and copies.patterns else accumulator_for(schema_of(config))
        )
        manifest = grown_manifest(manifest, held, patterns.extract(), records, plan, config)
    publish_manifest(manifest, storage, grows=bool(before))


def _withdraw_other_exports(plan: Plan, config: Config) -> None:
    """Remove exports of other shards than those that are to be written."""
    storage = output_storage(config.output)
    if storage.names(paths.EXPORT_RECORDS):
        from transforms.exports.exporting import withdraw_others

        load_exporters()
        withdraw_others(plan, config, storage)
