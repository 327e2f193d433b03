"""An engine for tests: the same steps as on Beam and Spark, one after another in this process."""

from collections.abc import Sequence
from functools import cache

from tests.outputs import solved
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.labels.records import LabelRecord
from transforms.plan.plan import Plan
from transforms.resampling.drawing import keep_shard
from transforms.resampling.records import OutputRecord
from transforms.shards.finding import Shard
from transforms.shards.parts import parts_of
from transforms.stages.labelling import joined_records, labelling_of
from transforms.stages.steps import Gathered, merged
from transforms.stages.tasks import (
    finish_output,
    gather_parts,
    is_uncounted,
    label_part,
    output_tasks,
    write,
)
from transforms.storage.files import output_storage


class InProcess:
    """Runs the stages here."""

    def label(self, config: Config, shards: Sequence[Shard]) -> None:
        """Write the label tables of `shards`."""
        self._labelled(config, shards)

    def solve(self, config: Config, records: Sequence[LabelRecord]) -> None:
        """Write the plan."""
        solved(records, config)

    def resample(self, config: Config, records: Sequence[LabelRecord], plan: Plan) -> None:
        """Write the output shards and the manifest."""
        storage = output_storage(config.output)
        uncounted = [record for record in records if is_uncounted(record, plan, config)]
        kept = [keep_shard(record, plan, config, storage) for record in uncounted]
        outputs: list[OutputRecord] = []
        written: Gathered = None
        for task in output_tasks(kept, records, plan, config):
            record, sums = write(task, plan, config)
            outputs.append(record)
            self.wrote()
            written = merged(written, sums)
        finish_output(written, records, kept, outputs, plan, config)

    def rebalance(self, config: Config, shards: Sequence[Shard]) -> None:
        """All of it."""
        records = self._labelled(config, shards)
        self.resample(config, records, solved(records, config))

    def wrote(self) -> None:
        """Called after each output shard."""

    def _labelled(self, config: Config, shards: Sequence[Shard]) -> list[LabelRecord]:
        labelling, labeller = labelling_of(config, shards), cache(lambda: Labeller(config))
        records = [
            gather_parts(
                shard,
                [
                    label_part(part, labelling, config, labeller)
                    for part in parts_of(shard, config.input)
                ],
                labelling,
                config,
            )
            for shard in shards
        ]
        return joined_records(records, labelling, config)


class Dying(InProcess):
    """An engine that dies once so many output shards are written."""

    def __init__(self, written: int) -> None:
        self.left = written

    def wrote(self) -> None:
        """A shard is written."""
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
