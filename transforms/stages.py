"""The steps that every engine wires together; what passes between them is small."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from transforms.config import Config
from transforms.histogram import Histogram
from transforms.labelling import Labeller, PartLabels, finished, write_labels
from transforms.manifest import make_manifest, publish_manifest, retract_manifest
from transforms.packing import Kept, Output, capacity, pack
from transforms.parts import Part
from transforms.plan import Plan, write_plan
from transforms.records import LabelRecord, OutputRecord
from transforms.shards import Shard
from transforms.storage import output_storage


@dataclass(frozen=True)
class OutputTask:
    """One output shard to write, with the records of the input shards that it takes from."""

    output: Output
    records: dict[str, LabelRecord]


Labelled = LabelRecord | PartLabels


def label_part(
    part: Part, settings: str, config: Config, labeller: Callable[[], Labeller]
) -> Labelled:
    """Label a part of a shard, or find the shard labelled; only then is no labeller asked for.

    A shard of one part is written, and its record is what travels on.
    """
    storage = output_storage(config.output)
    done = finished(part.shard, settings, storage)
    if done is not None:
        return done
    return labeller().label_part(part) if part.count > 1 else labeller().label(part.shard, storage)


def gather_parts(
    shard: Shard, labelled: Iterable[Labelled], settings: str, config: Config
) -> LabelRecord:
    """The record of `shard` of what `label_part` gave for all its parts; writes what is apart.

    Where another attempt finished the shard meanwhile, its record is taken.
    """
    parts = list(labelled)
    records = [part for part in parts if isinstance(part, LabelRecord)]
    if records:
        return records[0]
    apart = [part for part in parts if isinstance(part, PartLabels)]
    return write_labels(shard, settings, apart, output_storage(config.output))


def solve_corpus(histogram: Histogram, records: Sequence[LabelRecord], config: Config) -> Plan:
    """Solve for the whole corpus and write the plan.

    Only the process that solves loads the solver: workers start without it.
    """
    from transforms.planning import make_plan

    plan, patterns = make_plan(histogram, records, config)
    write_plan(plan, patterns, output_storage(config.output))
    return plan


def output_tasks(
    kept: Sequence[Kept], records: Sequence[LabelRecord], plan: Plan, config: Config
) -> list[OutputTask]:
    """The output shards to write; a manifest of another plan is withdrawn first."""
    retract_manifest(plan, output_storage(config.output))
    by_name = {record.shard.name: record for record in records}
    return [
        OutputTask(output, {origin.shard: by_name[origin.shard] for origin in output.origins})
        for output in pack(kept, capacity(config.output))
    ]


def finish_output(
    written: Histogram,
    records: Sequence[LabelRecord],
    kept: Sequence[Kept],
    outputs: Sequence[OutputRecord],
    plan: Plan,
    config: Config,
) -> None:
    """Check conservation and write the manifest; `written` counts the copies in the outputs."""
    manifest = make_manifest(records, kept, outputs, written, plan, config)
    publish_manifest(manifest, output_storage(config.output))
