"""The steps that every engine wires together; what passes between them is small."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transforms.config import Config
from transforms.histogram import Histogram
from transforms.labelling import Labeller, finished
from transforms.manifest import make_manifest, publish_manifest, retract_manifest
from transforms.packing import Kept, Output, capacity, pack
from transforms.plan import Plan, write_plan
from transforms.planning import make_plan
from transforms.records import LabelRecord, OutputRecord
from transforms.shards import Shard
from transforms.storage import output_storage


@dataclass(frozen=True)
class OutputTask:
    """One output shard to write, with the records of the input shards that it takes from."""

    output: Output
    records: dict[str, LabelRecord]


def label_once(
    shard: Shard, settings: str, config: Config, labeller: Callable[[], Labeller]
) -> LabelRecord:
    """Label `shard`, or find it labelled; only then is no labeller asked for."""
    storage = output_storage(config.output)
    return finished(shard, settings, storage) or labeller().label(shard, storage)


def solve_corpus(histogram: Histogram, records: Sequence[LabelRecord], config: Config) -> Plan:
    """Solve for the whole corpus and write the plan."""
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
