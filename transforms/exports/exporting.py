"""Exporting an output in a format."""

from transforms.base.errors import FairshardError
from transforms.config.exporters import EXPORTERS
from transforms.exports.exported import Exported
from transforms.exports.outcome import ExportOutcome
from transforms.exports.target import Target


def export(name: str, exported: Exported, target: Target) -> ExportOutcome:
    """Export in the format `name`; FairshardError where that needs shards, and none are written."""
    exporter = EXPORTERS[name]
    if exporter.needs_shards and exported.manifest is None:
        raise FairshardError(
            f"{name} tells of written shards, and {exported.storage.url} holds none of this plan: "
            "run `fairshard resample` first"
        )
    return exporter.export(exported, target)


def place_in(exported: Exported, name: str) -> Target:
    """The place in the output itself where readers of the format `name` look."""
    return Target(exported.storage, name, EXPORTERS[name].place)
