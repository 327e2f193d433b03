"""What samples are joined by, in the hash buckets of the tables that they are joined with."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter

from transforms.base.errors import StaleError
from transforms.config.tables import TableKey
from transforms.storage import paths
from transforms.storage.documents import parsed, to_json
from transforms.storage.files import Storage
from transforms.tables.counts import TableCounts
from transforms.tables.keys import buckets_of, hashes, key_texts, sample_member_keys
from transforms.tables.row_groups import in_buckets, told_in, write_groups
from transforms.tables.rows import KEY, Rows, sample_column
from transforms.tables.tasks import ReadSamples, SampleTable, SampleTask

SAMPLES = pa.schema([("shard", pa.int32()), ("row", pa.int64()), (KEY, pa.string())])
"""Samples of several shards: the shard's number, the row in its table, and the key."""

_COUNTS = TypeAdapter(TableCounts)


def bring(
    task: SampleTask, tables: Sequence[Rows], read: ReadSamples, storage: Storage
) -> tuple[TableCounts, ...]:
    """Bring the keys of a group of shards into buckets, or find them there.

    What it counts is samples that have no key: all that is not for buckets to count.
    """
    wanted = [(number, rows) for number, rows in enumerate(tables) if rows.name in task.buckets]
    names = {number: paths.join_samples(task.join, number, task.group) for number, _ in wanted}
    told = {number: told_in(storage, name) for number, name in names.items()}
    left = [(number, rows) for number, rows in wanted if told[number] is None]
    held: dict[int, list[pa.Table]] = {number: [] for number, _ in left}
    for place, shard in enumerate(task.shards if left else ()):
        samples = samples_of(shard, [rows.key for _, rows in left], read)
        for number, rows in left:
            held[number].append(keyed(samples, rows.key, shard, task.first + place))
    for number, rows in left:
        samples = pa.concat_tables([SAMPLES.empty_table(), *held.pop(number)])
        keyless = sum(shard.samples for shard in task.shards) - len(samples)
        counts = TableCounts(rows.name, without_row=keyless, keyless=keyless)
        told[number] = to_json(counts)
        count = task.buckets[rows.name]
        buckets = buckets_of(hashes(samples.column(KEY).combine_chunks()), count)
        groups = in_buckets(samples, buckets, count)
        write_groups(storage, names[number], SAMPLES, groups, partial(to_json, counts))
    return tuple(parsed(content, _COUNTS) for content in told.values() if content is not None)


def samples_of(shard: SampleTable, keys: Sequence[TableKey], read: ReadSamples) -> pa.Table:
    """What the samples of a shard are joined by; StaleError where they are not as many as told."""
    columns = list(dict.fromkeys(map(sample_column, keys)))
    samples = read(shard, columns)
    if len(samples) != shard.samples:
        raise StaleError(
            f"the shard {shard.name} has {len(samples):,} samples by now, and had "
            f"{shard.samples:,}: run the same command again"
        )
    return samples


def keyed(samples: pa.Table, key: TableKey, shard: SampleTable, number: int) -> pa.Table:
    """The samples of one shard that have a key of that kind, as `SAMPLES`."""
    keys = key_texts(samples.column(sample_column(key)).combine_chunks())
    if key.by == "member":
        keys = sample_member_keys(shard.stem, keys)
    columns = [np.full(len(keys), number, np.int32), np.arange(len(keys)), keys]
    table = pa.table(columns, schema=SAMPLES)
    return table.filter(pc.is_valid(keys))
