"""Which numbered shards of an output are fairshard's own: every other file there is the user's."""

import json
import re
from collections.abc import Iterable

from transforms.base.errors import FairshardError
from transforms.storage import paths
from transforms.storage.files import Storage

_RECORD = re.compile(r"(\d{5,})\.json")
_SHARD = re.compile(rf"{paths.SHARDS}/(\d{{5,}})\.tar")


def owned(storage: Storage, named: Iterable[str]) -> set[int]:
    """The numbers of output shards that records, the claim on file or the manifest vouch for; those
    of the manifest are `named`.
    """
    numbers = {number for number in map(number_of, named) if number is not None}
    return numbers | recorded_numbers(storage) | set(range(claimed(storage)))


def recorded_numbers(storage: Storage) -> set[int]:
    """The numbers of output shards that have a completion record."""
    found = (_RECORD.fullmatch(name) for name in storage.names(paths.OUTPUT_RECORDS))
    return {int(name[1]) for name in found if name}


def number_of(name: str) -> int | None:
    """The number of the output shard `name`; None where it is not named as one."""
    found = _SHARD.fullmatch(name)
    return int(found[1]) if found else None


def claimed(storage: Storage) -> int:
    """How many numbers, from 0 on, a run has claimed; 0 where none has."""
    try:
        count = json.loads(storage.find(paths.CLAIMED) or b"{}").get("shards")
    except (ValueError, AttributeError):
        return 0
    return count if type(count) is int and count > 0 else 0


def claim(count: int, own: set[int], storage: Storage) -> None:
    """Claim the numbers below `count`, and go on claiming all of `own`, before any is written.

    A run that dies between a shard and its record leaves a file that is told from the user's by
    this alone. Raises FairshardError where a file of the user's has one of the numbers.
    """
    taken = (number for number in range(count) if number not in own)
    refuse_foreign(map(paths.output_shard, taken), storage)
    _publish(max(count, *(number + 1 for number in own), 0), storage)


def refuse_foreign(names: Iterable[str], storage: Storage) -> None:
    """Raise FairshardError where one of the `names`, which no record vouches for, is taken."""
    wanted = set(names)
    folders = {name.rpartition("/")[0] for name in wanted}
    there = {
        f"{folder}/{name}".removeprefix("/") for folder in folders for name in storage.names(folder)
    }
    if taken := sorted(wanted & there):
        more = f" (and {len(taken) - 1:,} more)" if len(taken) > 1 else ""
        raise FairshardError(
            f"{storage.path(taken[0])}{more} would be overwritten, and no record says that "
            "fairshard wrote it: move it away, or give another output.url"
        )


def numbered(storage: Storage) -> list[str]:
    """The files that are named as output shards are."""
    names = (f"{paths.SHARDS}/{name}" for name in storage.names(paths.SHARDS))
    return [name for name in names if _SHARD.fullmatch(name)]


def settle_claim(count: int, own: set[int], storage: Storage) -> None:
    """Delete those of `own` that are not below `count`, and claim no more than these."""
    for number in sorted(number for number in own if number >= count):
        storage.delete(paths.output_shard(number))
        storage.delete(paths.output_record(number))
    _publish(count, storage)


def _publish(count: int, storage: Storage) -> None:
    storage.settle(paths.CLAIMED, f"{json.dumps({'shards': count})}\n".encode())
