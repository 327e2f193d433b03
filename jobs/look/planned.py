"""An output's plan with the labels that it fits, of an output or of a configuration."""

from collections.abc import Sequence

from rich.console import Console

from jobs.look.named_output import NamedOutput
from jobs.look.run_status import Watcher
from jobs.run.resample import fitting_plan
from jobs.session.inputs import input_of
from jobs.session.labelled import all_label_records
from transforms.base.errors import FairshardError, StaleError
from transforms.config.sections import Config
from transforms.exports.exported import DrawnBy, Exported
from transforms.generations.on_file import REBUILD, generations_of
from transforms.labels.records import LabelRecord, label_record_from
from transforms.plan.fingerprint import of_records
from transforms.plan.plan import Plan, read_plan
from transforms.resampling.manifest import Manifest, manifest_of, manifest_on_file
from transforms.stages.registrations import load_registrations
from transforms.storage import paths
from transforms.storage.concurrent import at_once
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed


def planned(found: NamedOutput, console: Console) -> Exported:
    """What is on file of the output that was named; StaleError where its parts do not fit.

    Of a configuration, the plan must fit that and its input too; of an output alone, its labels.
    """
    storage = found.begun()
    if not storage.exists(paths.PLAN):
        raise FairshardError(f"{storage.url} holds no plan: run `fairshard solve` first")
    whole = manifest_on_file(storage)
    if whole is not None and whole.generations:
        return _grown(found, whole, storage)
    if found.config is not None and found.origin == found.target:
        config, shards = found.config, input_of(found.config, console).shards
        records = all_label_records(config, shards)
        plan = fitting_plan(config, records)
        manifest = manifest_of(plan, storage)
    else:
        plan = read_plan(storage)
        manifest = manifest_of(plan, storage)
        config = _config_of(plan, found)
        records = _labelled(plan, manifest, storage)
    ordered = sorted(records, key=lambda record: record.shard.name)
    return Exported(config, plan, tuple(ordered), manifest, storage)


def _grown(found: NamedOutput, manifest: Manifest, storage: Storage) -> Exported:
    """What is on file of an output that has grown: each generation by its own plan."""
    records, by_generation = list[LabelRecord](), dict[str, DrawnBy]()
    for generation in generations_of(storage):
        plan = read_plan(storage.generation(generation.number))
        config = _config_of(plan, found)
        names = [paths.label_record(name) for name in sorted(generation.names)]
        with well_formed(f"a record in {storage.path(paths.LABEL_RECORDS)} is none: {REBUILD}"):
            of_one = [label_record_from(content) for content in at_once(storage.read, names)]
        _require_fitting(plan, of_one, storage)
        records += of_one
        of = DrawnBy(plan, config, generation.number)
        by_generation |= dict.fromkeys(generation.names, of)
    ordered = sorted(records, key=lambda record: record.shard.name)
    return Exported(config, plan, tuple(ordered), manifest, storage, by_generation)


def _config_of(plan: Plan, found: NamedOutput) -> Config:
    """The configuration that a plan was made with, with the options of what was named."""
    load_registrations()
    storage, given = found.storage, plan.file.config
    where = storage.path(paths.PLAN)
    with well_formed(f"{where} holds another configuration: run `fairshard solve` again"):
        return Config.model_validate(
            {
                **given,
                "input": {**given["input"], "storage_options": found.input_options},
                "output": {"url": storage.url, "storage_options": storage.options},
            }
        )


def _labelled(plan: Plan, manifest: Manifest | None, storage: Storage) -> list[LabelRecord]:
    """The records of the shards that a plan was made from; StaleError where they are others."""
    records = Watcher(storage).labelled()
    if manifest is not None:
        own = {entry.shard for entry in manifest.inputs}
        records = [record for record in records if record.shard.name in own]
    _require_fitting(plan, records, storage)
    return records


def _require_fitting(plan: Plan, records: Sequence[LabelRecord], storage: Storage) -> None:
    """Raise StaleError where a plan was made from other labels than these."""
    at_hand = of_records(records)
    if any(plan.fingerprint.get(part) != digest for part, digest in at_hand.items()):
        raise StaleError(
            f"the plan {storage.path(paths.PLAN)} was made from other labels than those in "
            f"{storage.of_labels.url}: run `fairshard solve` again, or restore what changed (where "
            "labels of other input lie there too, give the configuration in place of the output)"
        )
