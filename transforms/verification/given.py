"""What each input shard gives to the output, where a plan has it on file."""

from dataclasses import astuple, dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.storage import paths
from transforms.verification.checks import Check
from transforms.verification.evidence import Evidence
from transforms.verification.origins import OriginRange
from transforms.verification.vouched import read_vouched

_COUNTS = ("samples", "kept", "units", "largest", "last")
_TYPES = {"shard": pa.string(), **dict.fromkeys(_COUNTS, pa.int64())}


@dataclass(frozen=True)
class Given:
    """The copies of a shard and the samples that they are of; all copies' size, the largest one's
    and the last one's, in what output shards are packed by.
    """

    samples: int
    kept: int
    units: int
    largest: int
    last: int

    @classmethod
    def of(cls, origin: OriginRange, copies: NDArray[np.int64], by: str) -> "Given":
        """What these copies of a shard's samples are, by samples or by bytes."""
        kept = np.flatnonzero(copies)
        sizes = np.array(origin.sizes, np.int64) if by == "bytes" else np.ones_like(copies)
        return cls(
            int(copies.sum()),
            len(kept),
            int(sizes @ copies),
            int(sizes[kept].max(initial=0)),
            int(sizes[kept[-1]]) if len(kept) else 0,
        )


def check_given(
    evidence: Evidence, found: dict[str, Given], flipped: set[str], check: Check
) -> None:
    """Compare the plan's file with what was found of each shard, flipped or not.

    Of shards with flips whose sizes are bytes, nothing is on file.
    """
    said = evidence.plan.draw.shards if evidence.plan.draw else None
    table = read_vouched(evidence.storage, paths.DRAW, said, _TYPES, check)
    if said is None or table is None:
        return
    listed = {row["shard"]: Given(*(row[name] for name in _COUNTS)) for row in table.to_pylist()}
    if len(listed) != table.num_rows:
        check.differ(f"{paths.DRAW} lists a shard twice")
    wanted = set(found) - (flipped if said.by == "bytes" else set())
    for shard in sorted(set(listed) ^ wanted):
        check.differ(
            f"{paths.DRAW} lists {shard!r}, which it should not"
            if shard in listed
            else f"{paths.DRAW} does not list {shard!r}"
        )
    for shard in sorted(wanted & set(listed)):
        if listed[shard] != found[shard]:
            check.differ(
                f"{paths.DRAW} says that {', '.join(_COUNTS)} of {shard} are "
                f"{astuple(listed[shard])}; of what is drawn they are {astuple(found[shard])}"
            )
