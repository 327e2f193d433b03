"""Exporting an output in a format."""

from transforms.base.errors import FairshardError
from transforms.config.exporters import EXPORTERS
from transforms.config.sections import Config
from transforms.exports.exported import Exported
from transforms.exports.outcome import ExportOutcome
from transforms.exports.target import Target
from transforms.plan.plan import Plan
from transforms.resampling.manifest import is_of, manifest_on_file
from transforms.storage.files import Storage


def export(name: str, exported: Exported, target: Target) -> ExportOutcome:
    """Export in the format `name`; FairshardError where that needs shards, and none are written.

    What is refused claims no files that it did not write.
    """
    exporter = EXPORTERS[name]
    if exporter.needs_shards and exported.manifest is None:
        way_out = (
            "a corpus of tables has none: export `weights` or `datacomp`"
            if exported.config.input.tables
            else f"{exported.storage.url} holds none of this plan: run `fairshard resample` first"
        )
        raise FairshardError(f"{name} tells of written shards, and {way_out}")
    try:
        return exporter.export(exported, target)
    except FairshardError:
        for place in (target, target.workshop):
            place.give_up()
        raise


def withdraw_others(plan: Plan, config: Config, storage: Storage) -> None:
    """Remove exports of shards that `plan` does not make; what people went on writing stays."""
    if is_of(manifest_on_file(storage), plan, config):
        return
    for name in EXPORTERS:
        if EXPORTERS[name].needs_shards:
            Target(storage, name, EXPORTERS[name].place).withdraw()


def place_in(exported: Exported, name: str) -> Target:
    """The place in the output itself where readers of the format `name` look."""
    return Target(exported.storage, name, EXPORTERS[name].place)
