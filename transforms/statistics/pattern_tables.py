"""Histograms as tables, and such files read back."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.statistics.histogram import Histogram, HistogramAccumulator, pattern_bytes
from transforms.statistics.patterns import packed, unpacked
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed


def histogram_table(histogram: Histogram) -> pa.Table:
    """A histogram as a table: a row a pattern, in order."""
    return pa.table(
        {
            "pattern": packed(histogram.patterns),
            "count": histogram.counts,
            "utility_sum": histogram.utility_sums,
        }
    )


def histogram_of(
    table: pa.Table, attributes: tuple[str, ...], labels: tuple[str, ...]
) -> Histogram:
    """The inverse of `histogram_table`."""
    return Histogram(
        attributes,
        labels,
        unpacked(table.column("pattern")),
        table.column("count").to_numpy(),
        table.column("utility_sum").to_numpy(),
    )


def read_patterns(
    storage: Storage, name: str, flags: int, samples: int | None, *weights: str
) -> pa.Table:
    """The table `name` of a histogram whose patterns have so many `flags`.

    It is of so many `samples`, where that is known, and may have columns of `weights`. Raises
    FairshardError where it is no such table.
    """
    content, where = storage.read(name), storage.path(name)
    with well_formed(f"{where} is not the patterns of this plan: run `fairshard solve` again"):
        return _patterns_in(content, flags, samples, *weights)


def histogram_in(
    content: bytes, attributes: tuple[str, ...], labels: tuple[str, ...], samples: int
) -> Histogram:
    """The histogram of so many samples in a file; ValueError where it holds none."""
    if not samples and not pq.read_metadata(pa.BufferReader(content)).num_rows:
        return HistogramAccumulator(attributes, labels).extract()
    flags = len(attributes) + len(labels)
    return histogram_of(_patterns_in(content, flags, samples), attributes, labels)


def _patterns_in(content: bytes, flags: int, samples: int | None, *weights: str) -> pa.Table:
    table = pq.read_table(pa.BufferReader(content))
    types = [("pattern", pa.binary(pattern_bytes(flags))), ("count", pa.int64())]
    types += [("utility_sum", pa.int64()), *((weight, pa.float64()) for weight in weights)]
    table = table.select([column for column, _ in types])
    if [(field.name, field.type) for field in table.schema] != types:
        raise ValueError("other columns")
    if any(column.null_count for column in table.columns):
        raise ValueError("values are missing")
    counted = pc.sum(table["count"]).as_py()
    if pc.min(table["count"]).as_py() < 1 or counted != (samples or counted):
        raise ValueError("other samples")
    if any(not (0 <= pc.min(table[name]).as_py() < float("inf")) for name in weights):
        raise ValueError("weights below 0")
    return table
