"""What an output folder already holds of a run, from its completion records alone."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from transforms import layout
from transforms.config import Config
from transforms.errors import FairshardError
from transforms.fingerprint import fingerprint
from transforms.labelling import finished, settings_digest
from transforms.manifest import packing_of, read_manifest
from transforms.plan import read_plan
from transforms.records import LabelRecord
from transforms.shards import Shard
from transforms.storage import output_storage

_READERS = 16


def label_records(config: Config, shards: Sequence[Shard]) -> dict[str, LabelRecord]:
    """The records, by shard name, of those `shards` that are labelled as `config` asks."""
    settings, storage = settings_digest(config), output_storage(config.output)
    with ThreadPoolExecutor(_READERS) as pool:
        found = pool.map(lambda shard: finished(shard, settings, storage), shards)
    return {record.shard.name: record for record in found if record is not None}


def all_label_records(config: Config, shards: Sequence[Shard]) -> list[LabelRecord]:
    """The records of all `shards`; FairshardError where some are not labelled."""
    records = label_records(config, shards)
    missing = [shard.name for shard in shards if shard.name not in records]
    if missing:
        raise FairshardError(
            f"{len(missing):,} of {len(shards):,} shards ({missing[0]} among them) have no labels "
            f"made with this configuration in {config.output.url}: run `fairshard label` first"
        )
    return [records[shard.name] for shard in shards]


def is_complete(config: Config, shards: Sequence[Shard]) -> bool:
    """Whether the output already is what `config` asks for of `shards`."""
    storage = output_storage(config.output)
    if not (storage.exists(layout.MANIFEST) and storage.exists(layout.PLAN)):
        return False
    records = label_records(config, shards)
    plan, manifest = read_plan(storage), read_manifest(storage)
    present = {f"shards/{name}" for name in storage.versions("shards")}
    return (
        len(records) == len(shards)
        and plan.fingerprint == fingerprint(config, records.values())
        and manifest["plan"] == plan.identity
        and manifest["packing"] == packing_of(config)
        and present == {shard["name"] for shard in manifest["shards"]}
    )
