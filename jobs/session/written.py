"""What is written of an output that grows: its first generation put on file, the rest withdrawn."""

from collections.abc import Sequence

from transforms.base.differences import in_words
from transforms.base.errors import FairshardError, StaleError
from transforms.config.sections import Config
from transforms.generations.on_file import REBUILD, forget_generations
from transforms.generations.record import Generation, SeenShard
from transforms.generations.schemas import labelled_by, schema_apart, without_files
from transforms.labels.records import LabelRecord, label_record_from
from transforms.labels.tables import labels_digest
from transforms.plan.plan import Plan, read_plan
from transforms.resampling.growing import archive
from transforms.resampling.manifest import Manifest, names_beside, shard_names
from transforms.resampling.ownership import number_of, owned, settle_claim
from transforms.resampling.sizes import sizes_json
from transforms.resampling.written_patterns import count_written
from transforms.storage import paths
from transforms.storage.concurrent import at_once
from transforms.storage.documents import json_in
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed


def labelled_inputs(manifest: Manifest, storage: Storage) -> list[SeenShard]:
    """The input shards of an output of one corpus, as they were labelled."""
    return [SeenShard.of(record) for record in _records(manifest, storage)]


def archive_first(manifest: Manifest, config: Config, storage: Storage) -> Generation:
    """Put an output of one corpus on file as the first generation.

    What it holds is counted again from its labels and its plan. Raises as `require_first`.
    """
    plan, records = require_first(manifest, config, storage)
    written = count_written(records, plan, _configured(plan, storage), storage)
    if written.samples != manifest.totals.written:
        raise FairshardError(
            f"{storage.path(paths.MANIFEST)} says that {manifest.totals.written:,} samples are "
            f"written, and by the labels and the plan it is {written.samples:,}: look with "
            f"`fairshard verify {storage.url}`"
        )
    first = min((number_of(name) or 0 for name in shard_names(manifest)), default=0)
    return archive(manifest, written, records, 0, labelled_by(config), first, storage)


def require_first(
    manifest: Manifest, config: Config, storage: Storage
) -> tuple[Plan, list[LabelRecord]]:
    """The plan and the labels of an output of one corpus, to which new shards may be added.

    Raises StaleError where these are not what it was made from, or are of another schema than
    `config` asks for.
    """
    plan, records = read_plan(storage), _records(manifest, storage)
    if plan.identity != manifest.plan:
        raise StaleError(
            f"{storage.path(paths.PLAN)} is not the plan that {storage.url} was written by: run "
            "`fairshard resample` with its configuration, or give --rebuild to make the whole "
            "output anew"
        )
    if labels_digest(records) != plan.fingerprint.get("labels"):
        raise StaleError(
            f"the labels in {storage.of_labels.url} are not those that {storage.url} was written "
            f"by: {REBUILD.replace('it', 'them', 1)}"
        )
    require_alike(
        _schema_apart(labelled_by(config), _configured(plan, storage), records, storage), storage
    )
    return plan, records


def require_alike(apart: Sequence[str], storage: Storage) -> None:
    """Raise StaleError where labels are of another schema than those of what is written: `apart`
    says what of it differs.
    """
    if apart:
        raise StaleError(
            f"what {storage.url} holds was labelled otherwise ({in_words(apart)} changed): what "
            "is new cannot be balanced with it; restore that, or give --rebuild to make the whole "
            "output anew"
        )


def withdraw_unfinished(
    manifest: Manifest, generations: Sequence[Generation], storage: Storage
) -> None:
    """Remove what a run that did not end has added: the output is what its manifest says.

    The plan of the last generation is put back.
    """
    names, beside = shard_names(manifest), names_beside(manifest)
    own = owned(storage, [*names, *beside])
    if own - {*names, *beside}:
        settle_claim(names, beside, own, storage)
    if paths.SIZES in beside:
        storage.settle(paths.SIZES, sizes_json(manifest))
    forget_generations(storage, len(generations))
    if not generations:
        return
    last = storage.generation(generations[-1].number)
    plan = last.find(paths.PLAN)
    if plan is None or storage.find(paths.PLAN) == plan:
        return
    storage.delete(paths.PLAN)
    storage.delete(paths.EXPLANATION)
    for name in paths.OF_THE_PLAN:
        content = last.find(name)
        if content is None:
            storage.delete(name)
        else:
            storage.settle(name, content)


def _records(manifest: Manifest, storage: Storage) -> list[LabelRecord]:
    names = [paths.label_record(entry.shard) for entry in manifest.inputs]
    contents = at_once(storage.read, names)
    where = storage.path(paths.LABEL_RECORDS)
    with well_formed(f"a record in {where} is none: {REBUILD}"):
        return [label_record_from(content) for content in contents]


def _configured(plan: Plan, storage: Storage) -> Config:
    """The configuration that a plan was made with, for the output in `storage`."""
    where = storage.path(paths.PLAN)
    with well_formed(f"{where} holds another configuration: run `fairshard solve` again"):
        return Config.model_validate(
            {
                **plan.file.config,
                "output": {
                    "url": storage.url,
                    "labels": storage.labels,
                    "storage_options": storage.options,
                },
            }
        )


def _schema_apart(
    schema: dict[str, object], made: Config, records: Sequence[LabelRecord], storage: Storage
) -> list[str]:
    """What of the schema of labels is not that of an output's labels and configuration."""
    before = {**labelled_by(made), "recognised": schema["recognised"]}
    for settings in sorted({record.settings for record in records}):
        content = storage.find(paths.label_settings(settings))
        try:
            before["recognised"] = without_files(json_in(content or b"{}"))
        except ValueError:
            before["recognised"] = {}
        if apart := schema_apart(before, schema):
            return apart
    return []
