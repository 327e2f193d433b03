"""Finished outputs for tests: every stage run in this process, one shard after another."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fixtures import tree
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.labels.records import LabelRecord, label_record_from
from transforms.plan.plan import Plan
from transforms.resampling.drawing import keep_shard
from transforms.resampling.packing import capacity, pack
from transforms.resampling.records import OutputRecord
from transforms.resampling.unique_keys import key_prefixes
from transforms.resampling.writing import write_output
from transforms.shards.finding import find_shards
from transforms.shards.naming import stem_of
from transforms.stages.registrations import load_registrations
from transforms.stages.solving import Counting
from transforms.stages.steps import Gathered, Step, merged
from transforms.stages.tasks import advance, finish_output
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage


def config_for(folder: Path, **sections: Any) -> Config:
    """A configuration that reads folder/in/*.tar and writes folder/out, in whatever process."""
    load_registrations()
    return Config.model_validate(
        {
            "input": {"shards": str(folder / "in" / "*.tar*"), **sections.pop("input", {})},
            "output": {"url": str(folder / "out")},
            **sections,
        }
    )


def solved(records: Sequence[LabelRecord], config: Config) -> Plan:
    """The plan of labelled shards, which is written."""
    step: Step = Counting()
    while step.made is None:
        gathered: Gathered = None
        for record in records:
            gathered = merged(gathered, step.gather(record, config))
        step = advance(gathered, step, records, config)
    return step.made


def finished_output(
    config: Config, between: Callable[[Storage, str], object] = lambda *labelled: None
) -> Storage:
    """Label, solve and resample; the folder with all artefacts but the report.

    `between` is called with each shard's name once it is labelled, and may change its artefacts.
    """
    storage = output_storage(config.output)
    labeller = Labeller(config)
    records = []
    for shard in find_shards(config.input):
        labeller.label(shard, storage)
        between(storage, shard.name)
        records.append(label_record_from(storage.read(paths.label_record(shard.name))))
    resampled(records, solved(records, config), config)
    return storage


def resampled(records: Sequence[LabelRecord], plan: Plan, config: Config) -> None:
    """Write the output of a plan."""
    storage = output_storage(config.output)
    kept = [keep_shard(record, plan, config, storage) for record in records]
    by_name = {record.shard.name: record for record in records}
    outputs: list[OutputRecord] = []
    written: Gathered = None
    for output in pack(kept, capacity(config.output)):
        prefixes = key_prefixes(by_name)
        record, sums = write_output(output, by_name, plan, config, storage, prefixes)
        outputs.append(record)
        written = merged(written, sums)
    finish_output(written, records, kept, outputs, plan, config)


def comparable(output: Path) -> dict[str, Any]:
    """An output's bytes, but for where its inputs are, and which versions of them.

    Of what explains a plan, all but which plan that is; of tables beside shards, the rows.
    """
    files: dict[str, Any] = {
        "/".join(stem_of(part.removesuffix(".parquet")) for part in name.split("/")): content
        for name, content in tree(output).items()
    }
    plan, manifest = (json.loads(files[name]) for name in ("plan/plan.json", "manifest.json"))
    del plan["fingerprint"]["inputs"], plan["fingerprint"]["labels"], plan["config"]["input"]
    del manifest["plan"]
    for part in plan["draw"].keys() & {"flips", "shards"}:
        del plan["draw"][part]["digest"], plan["draw"][part]["bytes"]
    for name in files.keys() & {"plan/flips", "plan/draw"}:
        rows = pq.read_table(pa.BufferReader(files[name])).to_pylist()
        files[name] = [{**row, "shard": stem_of(row["shard"])} for row in rows]
    if paths.EXPLANATION in files:
        files[paths.EXPLANATION] = {**json.loads(files[paths.EXPLANATION]), "plan": None}
    for shard in manifest["shards"]:
        del shard["table"]
        name = shard["name"].removesuffix(".tar")
        rows = pq.read_table(pa.BufferReader(files[name])).to_pylist()
        files[name] = [{**row, "from.shard": stem_of(row["from.shard"])} for row in rows]
    for entry in (*manifest["inputs"], *(o for s in manifest["shards"] for o in s["origins"])):
        entry["shard"] = stem_of(entry["shard"])
    return {**files, "plan/plan.json": plan, "manifest.json": manifest}
