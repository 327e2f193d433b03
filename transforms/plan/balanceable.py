"""Whether labelled samples can be balanced at all and, where they cannot, why."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.base.nearest import did_you_mean
from transforms.config.filters import ColumnFilter, FieldFilter, SimilarityFilter
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.labels.rejects import check_rejects
from transforms.preview.heads import heads
from transforms.recognition.candidates import CandidateReader
from transforms.shards.samples import Sample
from transforms.statistics.filtering import FilterCounts
from transforms.statistics.histogram import Histogram

_LOOKED_AT = 20
_DEEPEST = 4
_MOST_FIELDS = 1_000


def check_balanceable(
    histogram: Histogram,
    records: Sequence[LabelRecord],
    config: Config,
    filtered: FilterCounts | None = None,
) -> None:
    """Raise FairshardError where too many were rejected, or nothing is left to balance."""
    check_rejects(records, config)
    if histogram.samples == 0:
        raise nothing_left(records, config, filtered)


def nothing_left(
    records: Sequence[LabelRecord], config: Config, filtered: FilterCounts | None = None
) -> FairshardError:
    """The error that no sample is left, which says what took them, as far as it was counted."""
    begin = "no sample is left to balance: every one was rejected"
    samples = int(filtered.labelled[0]) if filtered else 0
    if filtered is None or not samples:
        of_all = all(isinstance(one, SimilarityFilter) for one in config.filter)
        below = "is below filter.min_similarity" if of_all else "is taken by the filter"
        return FairshardError(f"{begin}, or {below}; see rejects/ in the output")
    taken = filtered.taken[:, 0].tolist()
    for one, count, lacking in zip(config.filter, taken, filtered.lacking.tolist(), strict=True):
        if isinstance(one, FieldFilter) and count == lacking == samples:
            return FairshardError(
                f"no sample is left to balance: filter {one.name} takes all of "
                f"{counted(samples, 'sample')}, as none has a value in its metadata at "
                f"{one.field}: correct the path{_meant(one.field, records, config)}"
            )
        if isinstance(one, ColumnFilter) and count == lacking == samples:
            table, column = one.column.table, one.column.name
            return FairshardError(
                f"no sample is left to balance: filter {one.name} takes all of "
                f"{counted(samples, 'sample')}, as none has a value there: correct the column "
                f"{column!r}, or what joins the table {table} (`fairshard status` says what does)"
            )
    took = "; ".join(
        f"{name}: {count:,}" for name, count in zip(filtered.conditions, taken, strict=True)
    )
    return FairshardError(
        f"no sample is left to balance: of {counted(samples, 'sample')} that are labelled the "
        f"filter takes all ({took}): ask for less"
    )


def _meant(path: str, records: Sequence[LabelRecord], config: Config) -> str:
    """Which field was perhaps meant, by the first samples' metadata."""
    try:
        there_are = _fields(records, config)
    except FairshardError:
        return ""
    return did_you_mean(path, there_are) or (
        f" (there are: {', '.join(there_are[:_LOOKED_AT])})" if there_are else ""
    )


def _fields(records: Sequence[LabelRecord], config: Config) -> list[str]:
    reader, found = CandidateReader(config), dict[str, None]()
    for head in heads([record.shard for record in records], config, _LOOKED_AT):
        if isinstance(head.entry, Sample):
            try:
                document = reader.document(head.entry)
            except ValueError:
                continue
            found |= dict.fromkeys(islice(_paths(document), _MOST_FIELDS))
    return list(found)


def _paths(document: dict[str, Any], within: str = "", depth: int = 1) -> Iterator[str]:
    for key, value in document.items():
        yield f"{within}{key}"
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _paths(value, f"{within}{key}.", depth + 1)
