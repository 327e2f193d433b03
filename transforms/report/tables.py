"""The report's tables: shares, skews, who was dropped, prices, rejects."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from transforms.labels.losses import IgnoredKind, LossKind, all_ignored, losses
from transforms.labels.records import LabelRecord
from transforms.labels.rejects import RejectKind, frequent_rejects
from transforms.outcome.artefacts import Artefacts
from transforms.storage.files import Storage

MOST_SHARDS = 1_000


@dataclass(frozen=True)
class ShareRow:
    """An attribute's share before and after; low and high are what the tolerance allows.

    The target is nan where there is none.
    """

    name: str
    share_of: str
    before: float
    after: float
    target: float
    low: float
    high: float


@dataclass(frozen=True)
class SkewRow:
    """An attribute's share among the samples that carry a label; `samples` is how many do."""

    label: str
    attribute: str
    samples: int
    before: float
    after: float
    target: float


@dataclass(frozen=True)
class KeptRow:
    """Of `samples` balanced samples: the share kept at least once, and the mean weight q."""

    name: str
    samples: int
    share: float
    weight: float


@dataclass(frozen=True)
class PriceRow:
    """One constraint at the solution; slack is E[q a], above 0 where it is violated."""

    name: str
    price: float
    slack: float
    met: bool


@dataclass(frozen=True)
class Rejects:
    """The most frequent rejects, what was lost, and members that belong to no sample, by reason.

    `shards` is how many shards have rejects, `tables` how many of them were counted, `all_kinds`
    how many kinds there are.
    """

    shards: int
    tables: int
    all_kinds: int
    kinds: tuple[RejectKind, ...]
    losses: tuple[LossKind, ...]
    ignored: tuple[IgnoredKind, ...]


def share_rows(artefacts: Artefacts) -> tuple[ShareRow, ...]:
    """Every attribute's share, the largest RB before first."""
    before, after, bound = artefacts.before, artefacts.after, artefacts.asked.RB
    rows = [
        ShareRow(
            attribute.name,
            attribute.share_of,
            float(before.share[k]),
            float(after.share[k]),
            np.nan if attribute.target is None else attribute.target,
            float(max(attribute.pi - bound[k], 0.0)),
            float(min(attribute.pi + bound[k], 1.0)),
        )
        for k, attribute in enumerate(artefacts.attributes)
    ]
    order = np.argsort(-np.nan_to_num(before.RB, nan=-1.0), kind="stable")
    return tuple(rows[k] for k in order)


def skew_rows(artefacts: Artefacts, most: int = 10) -> tuple[SkewRow, ...]:
    """The pairs whose skew, before or after, is largest."""
    before, after = artefacts.before.skew, artefacts.after.skew
    size = np.fmax(np.abs(before), np.abs(after)).ravel()
    order = np.argsort(-np.nan_to_num(size, nan=-1.0), kind="stable")[:most]
    carriers = artefacts.before.label_share * artefacts.before.samples
    rows = []
    for k, r in np.transpose(np.unravel_index(order, before.shape)):
        attribute = artefacts.attributes[k]
        if attribute.target is None:
            continue
        rows.append(
            SkewRow(
                artefacts.histogram.labels[r],
                attribute.name,
                round(carriers[r]),
                float(before[k, r] + attribute.pi),
                float(after[k, r] + attribute.pi),
                attribute.pi,
            )
        )
    return tuple(rows)


def kept_attributes(artefacts: Artefacts) -> tuple[KeptRow, ...]:
    """The share kept of each attribute's samples, and of those with none, the least kept first."""
    s = artefacts.histogram.s
    masks: dict[str, NDArray[np.bool_]] = {
        attribute.name: s[:, k] for k, attribute in enumerate(artefacts.attributes)
    }
    masks["none of these"] = np.logical_not(s.any(axis=1))
    columns = np.column_stack(list(masks.values())).astype(np.float64)
    return _kept_rows(artefacts, tuple(masks), columns)


def kept_labels(artefacts: Artefacts) -> tuple[KeptRow, ...]:
    """The share kept of each label's samples, the least kept first."""
    return _kept_rows(artefacts, artefacts.histogram.labels, artefacts.histogram.y)


def price_rows(artefacts: Artefacts, most: int = 20) -> tuple[PriceRow, ...]:
    """The dearest constraints, of those that have a price."""
    priced = [row for row in artefacts.plan.file.constraints if row.price > 0]
    priced.sort(key=lambda row: -row.price)
    return tuple(
        PriceRow(row.constraint.name, row.price, row.slack, row.met) for row in priced[:most]
    )


def read_rejects(records: tuple[LabelRecord, ...], storage: Storage, most: int = 12) -> Rejects:
    """The most frequent kinds of rejects, from the first `MOST_SHARDS` shards that have any."""
    shards = [record.shard.name for record in records if record.rejects]
    kinds = frequent_rejects(shards[:MOST_SHARDS], storage)
    return Rejects(
        len(shards),
        min(len(shards), MOST_SHARDS),
        len(kinds),
        tuple(kinds[:most]),
        tuple(losses(records)),
        tuple(all_ignored(records)),
    )


def seconds_of_labelling(records: tuple[LabelRecord, ...]) -> dict[str, float]:
    """The seconds of work of the label stage by step, over all shards."""
    total: Counter[str] = Counter()
    for record in records:
        total.update(record.seconds)
    return dict(total)


def _kept_rows(
    artefacts: Artefacts, names: Sequence[str], columns: NDArray[np.float64] | sp.csr_array
) -> tuple[KeptRow, ...]:
    counts, q = artefacts.histogram.counts, artefacts.q
    samples = counts @ columns
    kept = (counts * np.minimum(q, 1.0)) @ columns
    copies = (counts * q) @ columns
    rows = [
        KeptRow(name, round(n / artefacts.share), float(once / n), float(weight / n))
        for name, n, once, weight in zip(names, samples, kept, copies, strict=True)
        if n
    ]
    return tuple(sorted(rows, key=lambda row: (row.share, row.weight, row.name)))
