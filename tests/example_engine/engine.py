"""The stages in one process, a shard after the other."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, reduce

from transforms.base.errors import ConfigError
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.gates.expectations import Table
from transforms.gates.labels import tables_of
from transforms.gates.metrics import LabelMetrics
from transforms.labels.labelling import Labeller
from transforms.labels.records import LabelRecord
from transforms.plan.plan import Plan
from transforms.resampling.drawing import keep_shard
from transforms.shards.finding import Shard
from transforms.shards.parts import parts_of
from transforms.stages import tasks
from transforms.stages.engine import Engine
from transforms.stages.labelling import joined_records, labelling_of
from transforms.stages.solving import Checking, Counting
from transforms.stages.steps import Gathered, Step, merged
from transforms.storage.files import output_storage


class SerialEngine(Engine):
    """Runs the stages here; `arguments`, as an engine gets them, it takes none."""

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        if arguments:
            raise ConfigError(f"the serial engine has no options: leave out {arguments[0]}")

    def label(self, config: Config, shards: Sequence[Shard]) -> None:
        """Write the label tables of `shards`."""
        _labelled(config, shards)

    def solve(self, config: Config, records: Sequence[LabelRecord]) -> None:
        """Count the patterns of labelled shards and write the plan."""
        _solved(config, records, Counting())

    def resample(self, config: Config, records: Sequence[LabelRecord], plan: Plan) -> None:
        """Write the output shards and the manifest that `plan` asks for."""
        storage = output_storage(config.output)
        uncounted = [record for record in records if tasks.is_uncounted(record, plan, config)]
        kept = [keep_shard(record, plan, config, storage) for record in uncounted]
        outputs, sums = [], None
        for task in tasks.output_tasks(kept, records, plan, config):
            written, held = tasks.write(task, plan, config)
            outputs.append(written)
            sums = merged(sums, held)
        tasks.finish_output(sums, records, kept, outputs, plan, config)

    def rebalance(self, config: Config, shards: Sequence[Shard]) -> None:
        """The three stages, one after the other."""
        records = _labelled(config, shards)
        plan = _solved(config, records, tasks.first_step(config))
        self.resample(config, records, tasks.passed_plan(plan, records, config))

    @contextmanager
    def label_tables(
        self, config: Config, records: Sequence[LabelRecord]
    ) -> Iterator[Mapping[str, Table]]:
        """The merged metrics of labelled shards."""
        found = _gathered(config, records, Checking())
        metrics = found if isinstance(found, LabelMetrics) else LabelMetrics()
        yield tables_of(metrics.extract(), records, schema_of(config))


def _labelled(config: Config, shards: Sequence[Shard]) -> list[LabelRecord]:
    """A large shard is labelled in parts; the model is loaded once, where one is needed at all.

    Then tables are joined, where there are any.
    """
    labelling, labeller = labelling_of(config, shards), cache(lambda: Labeller(config))
    records = []
    for shard in shards:
        parts = parts_of(shard, config.input)
        labelled = [tasks.label_part(part, labelling, config, labeller) for part in parts]
        records.append(tasks.gather_parts(shard, labelled, labelling, config))
    return joined_records(records, labelling, config)


def _solved(config: Config, records: Sequence[LabelRecord], step: Step) -> Plan:
    """Each step gathers something of every shard, and what that gave leads to the next one."""
    while step.made is None:
        step = tasks.advance(_gathered(config, records, step), step, records, config)
    return tasks.made_plan(step)


def _gathered(config: Config, records: Sequence[LabelRecord], step: Step) -> Gathered:
    return reduce(merged, (tasks.gather(record, step, config) for record in records), None)
