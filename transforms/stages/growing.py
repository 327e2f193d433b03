"""What is written before a generation that is solved for, as its plan takes it."""

from collections.abc import Sequence

from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.generations.on_file import written_patterns
from transforms.labels.records import LabelRecord
from transforms.plan.written_part import WrittenPart
from transforms.resampling.growing import Before
from transforms.storage.files import output_storage


def written_before(records: Sequence[LabelRecord], config: Config) -> WrittenPart | None:
    """What the generations before the one of these shards wrote; None where there is none.

    By the attributes and the calibration that `config` has now.
    """
    before = Before.of([record.shard.name for record in records], config)
    patterns = written_patterns(before.generations, output_storage(config.output))
    if patterns is None:
        return None
    from transforms.calibration.posteriors import fitting_calibration

    return WrittenPart.of(patterns, schema_of(config).attributes, fitting_calibration(config))
