"""sizes.json: how many samples each shard holds, where open_clip's training looks for it."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from transforms.config.exporters import EXPORTERS
from transforms.exports.exported import Exported
from transforms.exports.outcome import ExportOutcome
from transforms.exports.shard_links import copies_wanted, tars_of
from transforms.exports.target import Target
from transforms.resampling.sizes import sizes_json
from transforms.storage import paths

_FILE = PurePosixPath(paths.SIZES)


@dataclass(frozen=True)
class Sizes:
    """Writes the number of samples of each shard."""

    name: str = "sizes"
    about: str = "sizes.json of open_clip: how many samples each shard holds"
    needs_shards: bool = True
    place: str = str(_FILE.parent)

    def export(self, exported: Exported, target: Target) -> ExportOutcome:
        """Write it, unless `resample` has."""
        manifest = tars_of(exported, self.name)
        target.publish(_FILE.name, sizes_json(manifest))
        return ExportOutcome(
            {"samples": manifest.totals.written, "shards": len(manifest.shards)},
            (
                "open_clip_train finds it beside the shards, and needs no --train-num-samples",
                *copies_wanted(exported, target, self.place),
            ),
        )


EXPORTERS.register(Sizes())
