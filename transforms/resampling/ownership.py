"""Which numbered shards of an output are fairshard's own: every other file there is the user's."""

import json
import re
from collections.abc import Collection, Iterable

from transforms.base.errors import FairshardError
from transforms.storage import paths
from transforms.storage.files import Storage

_SHARD = re.compile(rf"{paths.SHARDS}/(\d{{5,}})\.([a-z0-9.]+)")
_RECORD = re.compile(r"(\d{5,})(\.[a-z0-9.]+)?\.json")
_TARS = "shards"
_SIZES = "sizes"


def owned(storage: Storage, named: Iterable[str]) -> set[str]:
    """The output shards, and what is beside them, that records, the claim on file or the manifest
    vouch for; those of the manifest are `named`.
    """
    of_manifest = (name for name in named if name == paths.SIZES or _SHARD.fullmatch(name))
    return {*of_manifest, *recorded(storage).values(), *claimed(storage)}


def recorded(storage: Storage) -> dict[str, str]:
    """The output shards that have a completion record, by its name."""
    found = map(_RECORD.fullmatch, storage.names(paths.OUTPUT_RECORDS))
    return {name[0]: f"{paths.SHARDS}/{name[1]}{name[2] or '.tar'}" for name in found if name}


def number_of(name: str) -> int | None:
    """The number of the output shard `name`; None where it is not named as one."""
    found = _SHARD.fullmatch(name)
    return int(found[1]) if found else None


def claimed(storage: Storage) -> set[str]:
    """What a run has claimed: of an extension, all numbers from 0 on; and the table of sizes."""
    try:
        counts = dict(json.loads(storage.find(paths.CLAIMED) or b"{}"))
    except (ValueError, TypeError):
        return set()
    sizes = {paths.SIZES} if counts.pop(_SIZES, 0) else set()
    return sizes | {
        paths.output_shard(number, "tar" if said == _TARS else said.removeprefix("."))
        for said, count in counts.items()
        if type(count) is int
        for number in range(count)
    }


def claim(wanted: Iterable[str], own: set[str], storage: Storage) -> None:
    """Claim the files `wanted`, and go on claiming all of `own`, before any is written.

    A run that dies between a shard and its record leaves a file that is told from the user's by
    this alone. Raises FairshardError where a file of the user's has the name of one.
    """
    new = {*wanted} - own
    refuse_foreign(new, storage)
    _publish(new | own, storage)


def refuse_foreign(names: Iterable[str], storage: Storage) -> None:
    """Raise FairshardError where one of the `names`, which no record vouches for, is taken."""
    wanted = set(names)
    folders = {name.rpartition("/")[0] for name in wanted}
    there = {
        f"{folder}/{name}".removeprefix("/") for folder in folders for name in storage.names(folder)
    }
    if taken := sorted(wanted & there):
        more = f" (and {len(taken) - 1:,} more)" if len(taken) > 1 else ""
        beside = taken[0] == paths.SIZES or taken[0].endswith(f".{paths.TABLE}")
        without = ", or write nothing beside the shards (output.beside: [])" * beside
        raise FairshardError(
            f"{storage.path(taken[0])}{more} would be overwritten, and no record says that "
            f"fairshard wrote it: move it away, or give another output.url{without}"
        )


def numbered(storage: Storage, extension: str) -> list[str]:
    """The files that are named as output shards of that extension are."""
    names = (_SHARD.fullmatch(f"{paths.SHARDS}/{name}") for name in storage.names(paths.SHARDS))
    return [name[0] for name in names if name and name[2] == extension]


def settle_claim(
    shards: Collection[str], beside: Collection[str], own: set[str], storage: Storage
) -> None:
    """Delete those of `own` that are neither `shards` nor `beside` them; claim no more than these.

    Records go of all that are no shards any more.
    """
    kept = {*shards, *beside}
    for name in sorted(own - kept):
        storage.delete(name)
    for name in sorted({*recorded(storage).values()}.difference(shards)):
        storage.delete(paths.output_record(name))
    _publish(kept, storage)


def _publish(names: Collection[str], storage: Storage) -> None:
    """Put on file up to which number files are claimed: tars, and those of other extensions."""
    counts = {_SIZES: 1} if paths.SIZES in names else {}
    for name in filter(None, map(_SHARD.fullmatch, names)):
        said = _TARS if name[2] == "tar" else f".{name[2]}"
        counts[said] = max(counts.get(said, 0), int(name[1]) + 1)
    content = json.dumps(dict(sorted(counts.items())) or {_TARS: 0})
    storage.settle(paths.CLAIMED, f"{content}\n".encode())
