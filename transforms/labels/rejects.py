"""Rejected samples: the most frequent errors, and the budgets that losses may not exceed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.base.counts import counted, named
from transforms.base.errors import BudgetError
from transforms.config.sections import Config
from transforms.labels.losses import exceeded_losses
from transforms.labels.records import LabelRecord
from transforms.labels.reject_remedies import reject_remedy
from transforms.labels.tables import REJECTS
from transforms.shards.samples import Reject
from transforms.storage import paths
from transforms.storage.concurrent import at_once
from transforms.storage.files import Storage, output_storage
from transforms.storage.wellformed import well_formed

MOST = 5
_VARYING = re.compile(r"'[^']*'|\"[^\"]*\"|\d[\d,.]*")
_LONGEST = 160


@dataclass(frozen=True, slots=True)
class RejectKind:
    """Samples that were rejected for the same reason: how many, and one of them with its error.

    Errors that differ in numbers or quoted words alone are of one kind. remedy: what has to be done
    to have such samples.
    """

    stage: str
    error: str
    samples: int
    shard: str
    key: str
    remedy: str

    def __str__(self) -> str:
        example = f"as {self.key!r} in {self.shard}" if self.key else f"in {self.shard}"
        return f"{self.samples:,} x {self.stage}: {self.error} ({example})"


def frequent_rejects(shards: Iterable[str], storage: Storage) -> list[RejectKind]:
    """The kinds of rejects in the named input shards, the most frequent first, then by stage."""
    total: dict[tuple[str, str], RejectKind] = {}
    for kinds in at_once(lambda shard: _kinds_of(shard, storage), sorted(shards)):
        for kind, found in kinds.items():
            first = total.get(kind)
            total[kind] = replace(first, samples=first.samples + found.samples) if first else found
    return [found for _, found in sorted(total.items(), key=_rank)]


def kinds_of(rejects: Iterable[tuple[str, Reject]]) -> list[RejectKind]:
    """The kinds of rejects, each given with its shard's name, as `frequent_rejects`."""
    found = _counted((shard, one.key, one.stage, one.error) for shard, one in rejects)
    return [kind for _, kind in sorted(found.items(), key=_rank)]


def check_rejects(records: Sequence[LabelRecord], config: Config) -> None:
    """Raise BudgetError where rejects, lost shards or lost bytes are over their budget.

    It names the shards, and the most frequent errors of rejects.
    """
    found = exceeded_losses(records, config.input.limits)
    if rejects := _exceeded_rejects(records, config):
        found.append(rejects)
    if found:
        raise BudgetError(
            f"{'; and '.join(found)}; mend or restore the shards, or leave them out of "
            f"{config.input.key}, or raise the limit (`fairshard failed` with the output lists all)"
        )


def _exceeded_rejects(records: Sequence[LabelRecord], config: Config) -> str:
    """How rejects are over their budget, and the most frequent errors; "" where they are not."""
    rejected = sum(record.rejects for record in records)
    total = rejected + sum(record.samples for record in records)
    limits = config.input.limits
    exceeded = []
    if rejected > limits.max_reject_share * total:
        exceeded.append(f"input.limits.max_reject_share = {limits.max_reject_share:g}")
    if limits.max_rejects is not None and rejected > limits.max_rejects:
        exceeded.append(f"input.limits.max_rejects = {limits.max_rejects:,}")
    if not exceeded:
        return ""
    shards = [record.shard.name for record in records if record.rejects]
    kinds = frequent_rejects(shards, output_storage(config.output))
    more = f"; and {len(kinds) - MOST} other errors" if len(kinds) > MOST else ""
    return (
        f"{rejected:,} of {counted(total, 'sample')} ({rejected / total:.1%}) "
        f"{named(total, 'was', 'were')} rejected, more than "
        f"{' and '.join(exceeded)} allows: {'; '.join(map(str, kinds[:MOST]))}{more}"
    )


def read_rejects(shard: str, storage: Storage) -> pa.Table:
    """The rejects of an input shard; FairshardError where their file is no table of rejects."""
    content = storage.read(paths.rejects(shard))
    record = storage.path(paths.label_record(shard))
    with well_formed(
        f"{storage.path(paths.rejects(shard))} is not a table of rejects: delete {record} to "
        "label the shard again"
    ):
        table = pq.read_table(pa.BufferReader(content)).cast(REJECTS)
        if any(column.null_count for column in table.columns):
            raise ValueError("values are missing")
    return table


def _kinds_of(shard: str, storage: Storage) -> Mapping[tuple[str, str], RejectKind]:
    table = read_rejects(shard, storage)
    columns = (table.column(name).to_pylist() for name in ("key", "stage", "error"))
    return _counted((shard, *reject) for reject in zip(*columns, strict=True))


def _counted(
    rejects: Iterable[tuple[str, str, str, str]],
) -> Mapping[tuple[str, str], RejectKind]:
    """Rejects (shard, key, stage, error) by kind."""
    kinds: dict[tuple[str, str], RejectKind] = {}
    for shard, key, stage, error in rejects:
        kind = stage, _VARYING.sub("*", error)
        found = kinds.get(kind)
        kinds[kind] = (
            replace(found, samples=found.samples + 1)
            if found
            else RejectKind(stage, error[:_LONGEST], 1, shard, key, reject_remedy(stage, error))
        )
    return kinds


def _rank(entry: tuple[tuple[str, str], RejectKind]) -> tuple[int, tuple[str, str]]:
    kind, found = entry
    return -found.samples, kind
