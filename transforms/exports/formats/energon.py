"""What Megatron-Energon reads beside the shards: `.nv-meta`, and where each sample begins."""

import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from threading import Lock
from typing import Any

import yaml

from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.config.exporters import EXPORTERS
from transforms.config.sections import Input
from transforms.exports.exported import Exported
from transforms.exports.outcome import ExportOutcome
from transforms.exports.records import MadeFrom
from transforms.exports.shard_links import copies_wanted, tars_of
from transforms.exports.tar_index import index_bytes, index_name, sample_offsets
from transforms.exports.target import Target
from transforms.resampling.manifest import Manifest, ShardEntry
from transforms.shards.headers import DamagedTarError
from transforms.shards.streams import open_tar
from transforms.storage import paths
from transforms.storage.concurrent import at_once

_FOLDER = PurePosixPath(paths.ENERGON_META)


@dataclass(frozen=True)
class Energon:
    """Writes what `energon prepare` does for its loader: the split is all training."""

    name: str = "energon"
    about: str = "the .nv-meta folder and tar indices of Megatron-Energon"
    needs_shards: bool = True
    place: str = str(_FOLDER.parent)

    def export(self, exported: Exported, target: Target) -> ExportOutcome:
        """Write the indices that are not written yet, and what vouches for them last."""
        manifest = tars_of(exported, self.name)
        indices = {index_name(shard.name): _made_from(shard) for shard in manifest.shards}
        documents = {
            f"{_FOLDER.name}/{name}": content
            for name, content in metadata(manifest, exported.config.input).items()
        }
        _index(manifest, exported, target, indices)
        for name, content in documents.items():
            target.publish(name, content)
        target.settle([*indices, *documents])
        where = json.dumps(target.path(), ensure_ascii=False)
        return ExportOutcome(
            {"samples": manifest.totals.written, "shards": len(manifest.shards)},
            (
                f"read it with megatron.energon.get_train_dataset({where}, ...)",
                "`energon prepare` is needed for nothing but joins and look-ups by key "
                "(its index.sqlite), and wants keys that occur once (output.keys: unique)",
                *copies_wanted(exported, target, self.place),
            ),
        )


def metadata(manifest: Manifest, read: Input) -> dict[str, bytes]:
    """The files of `.nv-meta`, by name."""
    names = {shard.name: PurePosixPath(shard.name).name for shard in manifest.shards}
    counts = {names[shard.name]: shard.samples for shard in manifest.shards}
    split = {"train": list(counts), "val": [], "test": []}
    return {
        "dataset.yaml": _yaml(
            {
                "sample_type": {
                    "__module__": "megatron.energon",
                    "__class__": "CaptioningSample",
                },
                "field_map": field_map(read),
            }
        ),
        paths.ENERGON_SPLIT: _yaml({"split_parts": split, "exclude": []}),
        ".info.yaml": _yaml({"shard_counts": counts}),
    }


def field_map(read: Input) -> dict[str, str]:
    """Where Energon finds the image and the caption of a sample; the first that is there."""
    members = read.members
    caption = ",".join(members.caption)
    if read.caption_field is not None:
        keys = "".join(f"[{key}]" for key in read.caption_field.split("."))
        caption = ",".join(f"{member}{keys}" for member in members.metadata)
    return {"image": ",".join(members.image), "caption": caption}


def _index(
    manifest: Manifest, exported: Exported, target: Target, files: dict[str, MadeFrom]
) -> None:
    missing = target.begin(files)
    lock, done, total = Lock(), len(files) - len(missing), len(files)

    def index(shard: ShardEntry) -> None:
        nonlocal done
        name = index_name(shard.name)
        target.write(name, _indexed(shard, exported), files[name])
        with lock:
            done += 1
            target.step(done, total)

    at_once(index, [shard for shard in manifest.shards if index_name(shard.name) in missing])


def _indexed(shard: ShardEntry, exported: Exported) -> bytes:
    url = exported.storage.path(shard.name)
    try:
        with open_tar(url, exported.storage.options) as stream:
            offsets = sample_offsets(stream)
    except DamagedTarError as error:
        raise FairshardError(
            f"{url} is damaged: {error}; run `fairshard resample` again"
        ) from error
    if len(offsets) - 1 != shard.samples:
        raise FairshardError(
            f"{url} holds {counted(len(offsets) - 1, 'sample')}, and {shard.samples:,} by its "
            "manifest: it was changed; run `fairshard resample` again"
        )
    return index_bytes(offsets)


def _made_from(shard: ShardEntry) -> MadeFrom:
    return {"the shard": shard.sha256}


def _yaml(content: dict[str, Any]) -> bytes:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000).encode()


EXPORTERS.register(Energon())
