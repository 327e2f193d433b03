"""Whether a key is twice in the whole output, by hashes: 8 bytes a sample."""

from collections.abc import Iterable

import numpy as np
import xxhash
from numpy.typing import NDArray

from transforms.base.counts import counted, named
from transforms.storage import paths
from transforms.verification.checks import Check
from transforms.verification.evidence import Evidence
from transforms.verification.labels import read_table

Hashes = NDArray[np.uint64]


def hashed(keys: Iterable[str]) -> Hashes:
    """The hash of each key, uint64 (n,)."""
    hashes = (xxhash.xxh3_64_intdigest(key.encode("utf-8", "surrogateescape")) for key in keys)
    return np.fromiter(hashes, np.uint64)


def check_across(evidence: Evidence, written: dict[str, Hashes], check: Check) -> None:
    """Look for keys that two output shards have; `written` has each shard's own, all unlike.

    Where input shards share keys, output shards may, unless keys are to be unique.
    """
    repeated = _repeated(list(written.values()))
    if not len(repeated):
        check.found = "no key is twice in the output"
        return
    keys = f"{counted(len(repeated), 'key')} {named(len(repeated), 'is', 'are')}"
    holders = [shard for shard, hashes in written.items() if repeated[0] in hashes]
    across = f"{keys} in more than one output shard ({holders[0]} and {holders[1]} among them)"
    if evidence.manifest.unique:
        check.differ(f"{across}, where each was to be unique")
        return
    tables = (read_table(evidence.storage, paths.labels(name)) for name in evidence.records)
    if len(_repeated([hashed(table.places()[0]) for table in tables])):
        check.found = f"{keys} in more than one output shard, as input shards share keys"
        return
    check.differ(f"{across}, and no two input shards share a key")


def _repeated(parts: list[Hashes]) -> Hashes:
    everything = np.sort(np.concatenate([np.empty(0, np.uint64), *parts]))
    return np.unique(everything[1:][everything[1:] == everything[:-1]])
