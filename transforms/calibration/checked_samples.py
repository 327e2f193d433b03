"""Hand-checked samples: read, and found again in the label tables."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from transforms.base.errors import FairshardError
from transforms.calibration.derived_truths import derived_truths
from transforms.calibration.posteriors import Calibration, Posterior
from transforms.config.schema import Schema, schema_of
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.labels.settings import settings_digest
from transforms.labels.tables import label_batches, labels_digest
from transforms.statistics.counting import is_balanced
from transforms.statistics.filtering import filter_columns
from transforms.statistics.patterns import flags_of
from transforms.storage.files import Storage

_COLUMNS = ("key", "attribute", "truth")
_TRUTHS = {"0": False, "1": True, "false": False, "true": True}


@dataclass(frozen=True)
class Checked:
    """What a person found: a row a pair of key and attribute, each pair once.

    key and attribute are strings, truth bool; origin is the file.
    """

    table: pa.Table
    origin: str


@dataclass(frozen=True)
class CheckedRows:
    """The checked samples in a labelled corpus.

    keys, strings (n,), and their flags (n, m + c); missing, repeated and filtered are how many
    keys are in no label table, in more than one row, and below the quality filter. samples is
    how many are balanced, and recognised, int64 (m,), how many of them by attribute.
    """

    keys: pa.Array
    flags: NDArray[np.bool_]
    missing: int
    repeated: int
    filtered: int
    samples: int
    recognised: NDArray[np.int64]


def read_checked_samples(url: str) -> Checked:
    """The checked samples of a CSV (or, by its name, Parquet) file on any fsspec storage.

    Raises FairshardError where the file cannot be read, lacks a column, or contradicts itself.
    """
    try:
        with fsspec.open(url, "rb") as stream:
            table = pq.read_table(stream) if url.endswith(".parquet") else _csv(stream)
    except FileNotFoundError as error:
        raise FairshardError(f"the checked samples {url} do not exist") from error
    except pa.ArrowInvalid as error:
        raise FairshardError(f"{url} cannot be read: {' '.join(str(error).split())}") from error
    absent = [name for name in _COLUMNS if name not in table.column_names]
    if absent:
        raise FairshardError(
            f"{url} has no column {absent[0]!r}: give the columns {', '.join(_COLUMNS)}"
        )
    table = pa.table({name: table.column(name).cast(pa.string()) for name in _COLUMNS})
    truths = [_truth(given, row, url) for row, given in enumerate(table["truth"].to_pylist(), 1)]
    table = table.set_column(2, "truth", pa.array(truths, pa.bool_()))
    once = table.group_by(list(_COLUMNS), use_threads=False).aggregate([])
    pairs = once.group_by(["key", "attribute"], use_threads=False).aggregate([([], "count_all")])
    contradictory = pairs.filter(pc.greater(pairs["count_all"], 1))
    if contradictory.num_rows:
        first = contradictory.slice(0, 1).to_pylist()[0]
        raise FairshardError(
            f"{url} says both 0 and 1 of {contradictory.num_rows:,} pairs of key and attribute "
            f"({first['key']} and {first['attribute']} among them): decide on one"
        )
    return Checked(once, url)


def find_checked(
    checked: Checked, records: Sequence[LabelRecord], config: Config, storage: Storage
) -> CheckedRows:
    """The checked samples in the label tables of `records`, one after another.

    Takes the memory of one table and of the checked samples.
    """
    schema = schema_of(config)
    columns = ["key", *schema.pattern_columns, *filter_columns(config)]
    wanted = pc.unique(checked.table["key"])
    samples, recognised = 0, np.zeros(len(schema.attributes), np.int64)
    keys, flags, balanced = [pa.array([], pa.string())], [], [np.empty(0, np.bool_)]
    flags = [np.empty((0, len(schema.pattern_columns)), np.bool_)]
    for record in records:
        for batch in label_batches(storage, record, columns, schema.derived):
            kept = is_balanced(batch, config)
            here = pc.is_in(batch["key"], value_set=wanted)
            carried = flags_of(batch, schema.pattern_columns[: len(schema.attributes)])
            samples += int(kept.sum())
            recognised += carried[kept].sum(axis=0)
            hits = batch.filter(here)
            keys += hits["key"].chunks
            flags.append(flags_of(hits, schema.pattern_columns))
            balanced.append(kept[here.to_numpy()])
    rows = pa.chunked_array(keys)
    _, at, times = np.unique(
        rows.to_numpy(zero_copy_only=False).astype(str), return_inverse=True, return_counts=True
    )
    single, kept = times[at] == 1, np.concatenate(balanced)
    return CheckedRows(
        rows.filter(pa.array(single & kept)).combine_chunks(),
        np.concatenate(flags)[single & kept],
        missing=len(wanted) - len(times),
        repeated=int((times > 1).sum()),
        filtered=int((single & ~kept).sum()),
        samples=samples,
        recognised=recognised,
    )


def calibrate(
    checked: Checked, found: CheckedRows, records: Sequence[LabelRecord], config: Config
) -> Calibration:
    """The calibration of every attribute that was checked, or follows from some that were.

    Raises FairshardError where one is not in the schema, or one side of one was not checked.
    """
    schema = schema_of(config)
    names = tuple(attribute.name for attribute in schema.attributes)
    given = pc.unique(checked.table["attribute"]).to_pylist()
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise FairshardError(
            f"{checked.origin} names the attribute {unknown[0]!r}; there are {', '.join(names)}"
        )
    if schema.derived:
        following = derived_truths(checked.table, found.keys, found.flags, schema)
        checked = replace(checked, table=pa.concat_tables([checked.table, following]))
        given = pc.unique(checked.table["attribute"]).to_pylist()
    posteriors = {
        name: _posteriors(name, checked, found, schema) for name in names if name in given
    }
    return Calibration(
        names, schema.labels, posteriors, settings_digest(config), labels_digest(records)
    )


def _posteriors(
    name: str, checked: Checked, found: CheckedRows, schema: Schema
) -> tuple[Posterior, Posterior]:
    names = [attribute.name for attribute in schema.attributes]
    rows = checked.table.filter(pc.equal(checked.table["attribute"], name))
    at = pc.index_in(found.keys, value_set=rows["key"].combine_chunks())
    known = at.is_valid().to_numpy(zero_copy_only=False)
    truth = rows["truth"].take(at.drop_null()).to_numpy()
    flags, k = found.flags[known], names.index(name)
    sides = []
    for value in (False, True):
        side = flags[:, k] == value
        if not side.any():
            raise FairshardError(
                f"no checked sample of {name} that is in the corpus was "
                f"{'recognised' if value else 'not recognised'} as such: check some, "
                "chosen at random"
            )
        sides.append(Posterior.of(flags[side], truth[side], len(names)))
    return sides[0], sides[1]


def _csv(stream: pa.NativeFile) -> pa.Table:
    as_text = pa.csv.ConvertOptions(column_types=dict.fromkeys(_COLUMNS, pa.string()))
    return pa.csv.read_csv(stream, convert_options=as_text)


def _truth(given: str | None, row: int, url: str) -> bool:
    truth = _TRUTHS.get(str(given).strip().lower())
    if truth is None:
        raise FairshardError(f"{url}: the truth of row {row:,} is {given!r}: give 0 or 1")
    return truth
