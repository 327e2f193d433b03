"""Finished outputs for tests: every stage run in this process, one shard after another."""

from pathlib import Path
from typing import Any

from transforms.config import Config
from transforms.labelling import Labeller
from transforms.manifest import make_manifest, publish_manifest
from transforms.packing import capacity, pack
from transforms.plan import write_plan
from transforms.planning import make_plan
from transforms.resampling import keep_shard, write_output
from transforms.schema import schema_of
from transforms.shards import find_shards
from transforms.statistics import accumulator_for, count_shard
from transforms.storage import Storage, output_storage


def config_for(folder: Path, **sections: Any) -> Config:
    """A configuration that reads folder/in/*.tar and writes folder/out."""
    return Config.model_validate(
        {
            "input": {"shards": str(folder / "in" / "*.tar*"), **sections.pop("input", {})},
            "output": {"url": str(folder / "out")},
            **sections,
        }
    )


def finished_output(config: Config) -> Storage:
    """Label, solve and resample; the folder with all artefacts but the report."""
    storage = output_storage(config.output)
    labeller = Labeller(config)
    records = [labeller.label(shard, storage) for shard in find_shards(config.input)]
    counted = accumulator_for(schema_of(config))
    for record in records:
        counted.merge(count_shard(record, config, storage))
    plan, patterns = make_plan(counted.extract(), records, config)
    write_plan(plan, patterns, storage)
    kept = [keep_shard(record, plan, config, storage) for record in records]
    by_name = {record.shard.name: record for record in records}
    outputs, written = [], accumulator_for(schema_of(config))
    for output in pack(kept, capacity(config.output)):
        record, patterns_of = write_output(output, by_name, plan, config, storage)
        outputs.append(record)
        written.merge(patterns_of)
    manifest = make_manifest(records, kept, outputs, written.extract(), plan, config)
    publish_manifest(manifest, storage)
    return storage
