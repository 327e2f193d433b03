"""The index of shards that webdataset's wids reads: samples by number, in any order."""

import json
from dataclasses import dataclass
from pathlib import PurePosixPath

from transforms.config.exporters import EXPORTERS
from transforms.exports.exported import Exported
from transforms.exports.outcome import ExportOutcome
from transforms.exports.shard_links import link_to, tars_of
from transforms.exports.target import Target
from transforms.storage import paths

_FILE = PurePosixPath(paths.WIDS)


@dataclass(frozen=True)
class Wids:
    """Writes what `widsindex create` would, without reading the shards again."""

    name: str = "wids"
    about: str = "the JSON index of webdataset's wids, for samples by number"
    needs_shards: bool = True
    place: str = str(_FILE.parent)

    def export(self, exported: Exported, target: Target) -> ExportOutcome:
        """Write the index."""
        manifest = tars_of(exported, self.name)
        shards = [
            {
                "url": link_to(shard.name, exported, target),
                "nsamples": shard.samples,
                "filesize": shard.bytes,
            }
            for shard in manifest.shards
        ]
        index = {"__kind__": "wids-shard-index-v1", "wids_version": 1, "shardlist": shards}
        target.publish(_FILE.name, f"{json.dumps(index, indent=1)}\n".encode())
        where = json.dumps(target.path(_FILE.name), ensure_ascii=False)
        return ExportOutcome(
            {"samples": manifest.totals.written, "shards": len(shards)},
            (f"read it with wids.ShardListDataset({where})",),
        )


EXPORTERS.register(Wids())
