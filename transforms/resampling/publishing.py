"""An output as it begins and ends: what is claimed, withdrawn, removed, and published last."""

from collections.abc import Sequence

from transforms.config.sections import Config
from transforms.generations.on_file import forget_generations
from transforms.plan.plan import Plan
from transforms.resampling.manifest import (
    Manifest,
    is_of,
    manifest_on_file,
    names_beside,
    shard_names,
)
from transforms.resampling.ownership import claim, owned, settle_claim
from transforms.resampling.records import beside_of, has_tables, output_shard
from transforms.resampling.sizes import sizes_json
from transforms.storage import paths
from transforms.storage.files import Storage


def begin_output(
    numbers: Sequence[int], plan: Plan, config: Config, storage: Storage, grows: bool = False
) -> None:
    """Before the first of these output shards is written: claim them, and withdraw the manifest.

    That of the very output that is to be made stays, and that of one that grows. Raises
    FairshardError, and changes nothing, where a shard, or what is beside it, would take the place
    of a file of the user's.
    """
    manifest = manifest_on_file(storage)
    wanted = {output_shard(number, config) for number in numbers}
    if has_tables(config):
        wanted |= {*map(paths.samples_table, numbers)}
    if "sizes" in beside_of(config):
        wanted.add(paths.SIZES)
    claim(wanted, owned(storage, [*shard_names(manifest), *names_beside(manifest)]), storage)
    if not grows and not is_of(manifest, plan, config):
        withdraw_manifest(storage)


def withdraw_manifest(storage: Storage) -> None:
    """Remove the manifest, and then what was made from it, and the generations that it named."""
    storage.delete(paths.MANIFEST)
    _withdraw_what_tells_of_it(storage)
    forget_generations(storage)


def publish_manifest(manifest: Manifest, storage: Storage, grows: bool = False) -> None:
    """Remove our files of an earlier output, larger or of another form; write the manifest last.

    What was made from the manifest of an output that `grows` goes before that is replaced.
    """
    names, beside = shard_names(manifest), names_beside(manifest)
    settle_claim(names, beside, owned(storage, [*names, *beside]), storage)
    if paths.SIZES in beside:
        storage.settle(paths.SIZES, sizes_json(manifest))
    if grows:
        _withdraw_what_tells_of_it(storage)
    storage.settle(paths.MANIFEST, manifest.to_json())


def _withdraw_what_tells_of_it(storage: Storage) -> None:
    for name in (paths.REPORT, paths.validation("output")):
        storage.delete(name)
