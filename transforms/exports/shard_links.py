"""The shards of an output, as files that lie elsewhere name them."""

import posixpath

from transforms.base.errors import FairshardError
from transforms.base.redaction import without_user
from transforms.config.writers import DEFAULT_FORMAT
from transforms.exports.exported import Exported
from transforms.exports.target import Target
from transforms.resampling.manifest import Manifest
from transforms.storage import paths


def written(exported: Exported) -> Manifest:
    """The manifest of an output whose shards are written; FairshardError where there is none."""
    if exported.manifest is None:
        raise FairshardError(
            f"{exported.storage.url} holds no shards of its plan: run `fairshard resample` first"
        )
    return exported.manifest


def tars_of(exported: Exported, name: str) -> Manifest:
    """The manifest of written tars; FairshardError where shards are in another format."""
    manifest = written(exported)
    if manifest.packing.format != DEFAULT_FORMAT:
        raise FairshardError(
            f"{name} is of {DEFAULT_FORMAT} tars, and the shards of {exported.storage.url} are in "
            f"the format {manifest.packing.format}: run `fairshard resample` with output.format: "
            f"{DEFAULT_FORMAT}, into another output"
        )
    return manifest


def link_to(shard: str, exported: Exported, target: Target) -> str:
    """A shard, from where an export goes: relative within the output, else its whole URL."""
    root, here, whole = exported.storage.path(""), target.path(), exported.storage.path(shard)
    if f"{here}/".startswith(root):
        return posixpath.relpath(whole, here)
    return without_user(whole)


def copies_wanted(exported: Exported, target: Target, place: str) -> tuple[str, ...]:
    """What to do where readers look for shards beside an export that goes to another place."""
    if target.path() == exported.storage.path(place).rstrip("/"):
        return ()
    shards = exported.storage.path(paths.SHARDS)
    whole = target.path() if place else f"{target.path()}/{paths.SHARDS}"
    return (f"its readers look for the shards beside it: copy those of {shards} to {whole}",)
